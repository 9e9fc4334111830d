//! Unsigned LEB128, in which a module has its numbers (core specification, 5.2.2).

/// A number of 32 bits, and how many bytes it took.
pub(crate) fn leb(bytes: &[u8]) -> Option<(u32, usize)> {
    let (number, length) = wide_leb(bytes.get(..5).unwrap_or(bytes))?;
    Some((u32::try_from(number).ok()?, length))
}

/// The same of 63 bits.
pub(super) fn wide_leb(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number: u64 = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}

/// Writes a number, as short as can be.
pub(super) fn push_leb(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), 1 << 34, (1 << 63) - 1] {
            let mut bytes = Vec::new();
            push_leb(&mut bytes, number);
            let length = bytes.len();
            assert_eq!(wide_leb(&bytes[..length - 1]), None);
            bytes.push(0x55);
            assert_eq!(wide_leb(&bytes), Some((number, length)));
            assert_eq!(leb(&bytes), u32::try_from(number).ok().map(|number| (number, length)));
        }
        // Filled up, as compilers leave room; and longer than any may be.
        assert_eq!(leb(&[0x85, 0x80, 0x80, 0x80, 0]), Some((5, 5)));
        assert_eq!(leb(&[0x85, 0x80, 0x80, 0x80, 0x80, 0]), None);
    }
}
