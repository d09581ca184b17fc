/// The anti-replay window of one epoch (RFC 6347 §4.1.2.6): the highest number that was authentic, and which of the
/// 256 up to it were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReplayWindow {
    /// One above the highest number; 0 while there is none.
    end: u64,
    /// A ring of bits: the number n is at `n % 256`. Bits of numbers that left the window are cleared.
    seen: [u64; 4],
}

impl ReplayWindow {
    /// How many numbers the window holds.
    pub(crate) const LENGTH: u64 = 256;

    /// Whether a record of this number may still be looked at.
    pub(crate) const fn admits(&self, number: u64) -> bool {
        if number >= self.end {
            return true;
        }
        let (word, bit) = Self::place(number);
        self.end - 1 - number < Self::LENGTH && self.seen[word] & bit == 0
    }

    const fn place(number: u64) -> (usize, u64) {
        let at = number % Self::LENGTH;
        ((at / 64) as usize, 1 << (at % 64))
    }

    /// The number that follows the highest one.
    pub(crate) const fn next(&self) -> u64 {
        self.end
    }

    /// A record of this number was authentic. Never called before its tag verified: a forged number must not move
    /// the window.
    pub(crate) const fn record(&mut self, number: u64) {
        if number >= self.end {
            if number - self.end >= Self::LENGTH {
                self.seen = [0; 4];
            } else {
                let mut passed = self.end;
                while passed < number {
                    let (word, bit) = Self::place(passed);
                    self.seen[word] &= !bit;
                    passed += 1;
                }
            }
            self.end = number + 1;
        } else if self.end - 1 - number >= Self::LENGTH {
            return;
        }
        let (word, bit) = Self::place(number);
        self.seen[word] |= bit;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_number_of_an_epoch_does_not_overflow() {
        let mut window = ReplayWindow::default();
        let last = (1 << 48) - 1;
        window.record(last);
        assert!(!window.admits(last));
        assert!(window.admits(last - 255));
        assert!(!window.admits(last - 256));
    }

    proptest! {
        /// D-16.
        #[test]
        fn agrees_with_a_set(numbers in prop::collection::vec(0_u64..1000, 0..200)) {
            let mut window = ReplayWindow::default();
            let mut set = BTreeSet::new();
            for number in numbers {
                let highest = set.last().copied().unwrap_or(0);
                let expected = !set.contains(&number) && number + 256 > highest;
                prop_assert_eq!(window.admits(number), expected);
                if expected {
                    window.record(number);
                    set.insert(number);
                }
            }
        }
    }
}
