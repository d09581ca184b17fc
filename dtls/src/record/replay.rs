/// The anti-replay window of one epoch (RFC 6347 §4.1.2.6): the highest number that was authentic, and which of the
/// 64 up to it were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReplayWindow {
    /// One above the highest number; 0 while there is none.
    end: u64,
    /// Bit n stands for the number `end - 1 - n`.
    seen: u64,
}

impl ReplayWindow {
    /// Whether a record of this number may still be looked at.
    pub(crate) const fn admits(&self, number: u64) -> bool {
        if number >= self.end {
            return true;
        }
        let age = self.end - 1 - number;
        age < u64::BITS as u64 && self.seen >> age & 1 == 0
    }

    /// The number that follows the highest one.
    pub(crate) const fn next(&self) -> u64 {
        self.end
    }

    /// A record of this number was authentic. Never called before its tag verified: a forged number must not move
    /// the window.
    pub(crate) const fn record(&mut self, number: u64) {
        if number >= self.end {
            let ahead = number - self.end + 1;
            self.seen = if ahead < u64::BITS as u64 {
                self.seen << ahead
            } else {
                0
            } | 1;
            self.end = number + 1;
        } else {
            let age = self.end - 1 - number;
            if age < u64::BITS as u64 {
                self.seen |= 1 << age;
            }
        }
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
        assert!(window.admits(last - 63));
        assert!(!window.admits(last - 64));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(numbers in prop::collection::vec(0_u64..300, 0..200)) {
            let mut window = ReplayWindow::default();
            let mut set = BTreeSet::new();
            for number in numbers {
                let highest = set.last().copied().unwrap_or(0);
                let expected = !set.contains(&number) && number + 64 > highest;
                prop_assert_eq!(window.admits(number), expected);
                if expected {
                    window.record(number);
                    set.insert(number);
                }
            }
        }
    }
}
