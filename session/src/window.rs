/// Which of the last 2,048 sequence numbers have occurred.
#[derive(Debug, Default)]
pub(crate) struct SequenceWindow {
    highest: Option<u64>,
    seen: [u64; WORDS],
}

const WORDS: usize = 32;
const BITS: u64 = WORDS as u64 * 64;

impl SequenceWindow {
    /// Notes a number. `false` if it occurred before, or is too old to tell.
    pub(crate) fn insert(&mut self, sequence: u64) -> bool {
        match self.highest {
            Some(highest) if sequence <= highest => {
                if highest - sequence >= BITS {
                    return false;
                }
            }
            Some(highest) if sequence - highest < BITS => {
                for skipped in highest + 1..sequence {
                    self.clear(skipped);
                }
                self.clear(sequence);
                self.highest = Some(sequence);
            }
            _ => {
                self.seen = [0; WORDS];
                self.highest = Some(sequence);
            }
        }
        let Some(word) = self.seen.get_mut(Self::word(sequence)) else {
            return false;
        };
        let bit = 1 << (sequence % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// The highest number so far.
    pub(crate) const fn highest(&self) -> Option<u64> {
        self.highest
    }

    fn clear(&mut self, sequence: u64) {
        if let Some(word) = self.seen.get_mut(Self::word(sequence)) {
            *word &= !(1 << (sequence % 64));
        }
    }

    const fn word(sequence: u64) -> usize {
        (sequence / 64 % WORDS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_a_set(steps in proptest::collection::vec(-3_000_i64..3_000, 1..300)) {
            let mut window = SequenceWindow::default();
            let mut seen = BTreeSet::new();
            let mut highest = 1_000_000_u64;
            for step in steps {
                let sequence = highest.wrapping_add_signed(step);
                let top = seen.last().copied().unwrap_or(sequence);
                let young = sequence >= top || top - sequence < BITS;
                prop_assert_eq!(window.insert(sequence), young && !seen.contains(&sequence));
                if young {
                    seen.insert(sequence);
                }
                highest = highest.max(sequence);
                prop_assert_eq!(window.highest(), seen.last().copied());
            }
        }
    }
}
