//! Parts of very different sizes in one bar.

/// Shares `cells` among parts of these sizes: each has at least `least`, however small it is, and what is left goes by size.
pub fn shares(sizes: &[u128], cells: usize, least: usize) -> Vec<usize> {
    let least = least.min(cells.checked_div(sizes.len()).unwrap_or(0));
    let total = sizes.iter().sum::<u128>().max(1);
    let left = (cells - least * sizes.len()) as u128;
    // In thousandths of a cell: a size has up to 65 bits, and the product must fit.
    let exact = |size: &u128| size * left * 1000 / total;
    let mut shares: Vec<usize> = sizes.iter().map(|size| least + usize::try_from(exact(size) / 1000).unwrap_or(0)).collect();
    // What rounding left over goes to those that lost most by it.
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(exact(&sizes[*index]) % 1000));
    let used: usize = shares.iter().sum();
    for index in order.into_iter().cycle().take(if sizes.is_empty() { 0 } else { cells - used }) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_can_be_seen() {
        for (sizes, cells, least, wanted) in [
            (&[][..], 76, 3, &[][..]),
            (&[1], 76, 3, &[76]),
            (&[0], 10, 1, &[10]),
            (&[1, 1 << 30], 76, 1, &[1, 75]),
            (&[50, 50], 10, 0, &[5, 5]),
            (&[1, 1, 1], 10, 1, &[4, 3, 3]),
            (&[1 << 64, 1, 1 << 64], 12, 2, &[5, 2, 5]),
            // More parts than cells: nothing can be done, and nothing breaks.
            (&[1, 1, 1], 2, 3, &[1, 1, 0]),
        ] {
            assert_eq!(shares(sizes, cells, least), wanted, "{sizes:?} in {cells}");
        }
    }
}
