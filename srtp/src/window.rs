/// Which of the last `WORDS` × 64 indices were accepted (RFC 3711 §3.3.2).
#[derive(Clone, Debug)]
pub(crate) struct Window<const WORDS: usize> {
    highest: Option<u64>,
    /// The bit of an index is at the index modulo the size, so the window never shifts.
    bits: [u64; WORDS],
}

/// Why an index is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    Replayed,
    TooOld,
}

impl<const WORDS: usize> Window<WORDS> {
    /// How many indices the window spans.
    pub(crate) const SIZE: u64 = WORDS as u64 * 64;

    /// A window that has accepted nothing.
    pub(crate) const fn new() -> Self {
        Self {
            highest: None,
            bits: [0; WORDS],
        }
    }

    /// A window that takes everything up to `highest` for accepted.
    pub(crate) const fn after(highest: u64) -> Self {
        Self {
            highest: Some(highest),
            bits: [u64::MAX; WORDS],
        }
    }

    /// The highest index accepted.
    pub(crate) const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether an index is new and within reach. Changes nothing.
    pub(crate) fn check(&self, index: u64) -> Result<(), Stale> {
        match self.highest.map(|highest| highest.checked_sub(index)) {
            None | Some(None) => Ok(()),
            Some(Some(behind)) if behind >= Self::SIZE => Err(Stale::TooOld),
            Some(Some(_)) if self.word(index) & Self::bit(index) != 0 => Err(Stale::Replayed),
            Some(Some(_)) => Ok(()),
        }
    }

    /// Notes an index that [`check`](Self::check) let through and whose packet is genuine.
    pub(crate) fn accept(&mut self, index: u64) {
        let ahead = self
            .highest
            .map_or(0, |highest| index.saturating_sub(highest));
        if ahead >= Self::SIZE {
            self.bits = [0; WORDS];
        } else {
            for passed in index - ahead + 1..index {
                self.set(passed, false);
            }
        }
        self.set(index, true);
        self.highest = Some(self.highest.map_or(index, |highest| highest.max(index)));
    }

    fn set(&mut self, index: u64, accepted: bool) {
        if let Some(word) = self.bits.get_mut(Self::place(index)) {
            let bit = Self::bit(index);
            *word = if accepted { *word | bit } else { *word & !bit };
        }
    }

    fn word(&self, index: u64) -> u64 {
        self.bits
            .get(Self::place(index))
            .copied()
            .unwrap_or(u64::MAX)
    }

    const fn place(index: u64) -> usize {
        (index / 64 % WORDS as u64) as usize
    }

    const fn bit(index: u64) -> u64 {
        1 << (index % 64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn window_agrees_with_a_set_of_everything_accepted(
            start in 0_u64..1 << 47,
            steps in proptest::collection::vec(-200_i64..200, 1..400),
            leap in 0_usize..400,
        ) {
            let mut window = Window::<2>::new();
            let mut accepted = BTreeSet::new();
            let mut highest = start;
            for (turn, step) in steps.into_iter().enumerate() {
                let step = if turn == leap { 1 << 40 } else { step };
                let index = highest.saturating_add_signed(step);
                let expected = if accepted.is_empty() {
                    Ok(())
                } else if index + 128 <= highest {
                    Err(Stale::TooOld)
                } else if accepted.contains(&index) {
                    Err(Stale::Replayed)
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.check(index), expected);
                if expected.is_ok() {
                    window.accept(index);
                    accepted.insert(index);
                    highest = if accepted.len() == 1 { index } else { highest.max(index) };
                    prop_assert_eq!(window.highest(), Some(highest));
                }
            }
        }
    }

    #[test]
    fn resumed_window_takes_nothing_up_to_its_mark() {
        let window = Window::<1>::after(100);
        assert_eq!(window.check(100), Err(Stale::Replayed));
        assert_eq!(window.check(37), Err(Stale::Replayed));
        assert_eq!(window.check(36), Err(Stale::TooOld));
        assert_eq!(window.check(101), Ok(()));
    }
}
