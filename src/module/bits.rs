//! A yes or no for each of many things, at an eighth of a byte.

/// The answers, by number.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// No, for so many.
    pub(super) fn none_of(count: usize) -> Bits {
        Bits { bytes: vec![0; count.div_ceil(8)], count }
    }

    /// The answer for one more.
    pub(super) fn push(&mut self, yes: bool) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.count += 1;
        if yes {
            self.set(self.count - 1);
        }
    }

    /// Yes, for that one, if there is one.
    pub(super) fn set(&mut self, number: usize) {
        if let Some(byte) = self.bytes.get_mut(number / 8).filter(|_| number < self.count) {
            *byte |= 1 << (number % 8);
        }
    }

    /// The answer; no, where there is no such one.
    pub(super) fn get(&self, number: usize) -> bool {
        self.bytes.get(number / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1)
    }

    /// For how many it is yes.
    pub(super) fn count_yes(&self) -> usize {
        self.bytes.iter().map(|byte| byte.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_of_its_own() {
        let mut bits = Bits::default();
        (0..20).for_each(|number| bits.push(number % 3 == 0));
        assert!((0..30).all(|number| bits.get(number) == (number < 20 && number % 3 == 0)));
        let mut bits = Bits::none_of(9);
        [0, 8, 9, 500].into_iter().for_each(|number| bits.set(number));
        assert_eq!((0..500).filter(|number| bits.get(*number)).collect::<Vec<_>>(), [0, 8]);
        assert_eq!(bits.count_yes(), 2);
    }
}
