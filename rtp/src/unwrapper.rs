use crate::SequenceNumber;

/// Counts sequence numbers on past their wrap: 16 bits become 64.
///
/// A number is taken for the place nearest to the highest one so far: less than half the range (32,768) ahead is
/// newer, anything else, exactly half included, is older. The first number stands for itself, so what came before
/// it can turn negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceUnwrapper {
    highest: Option<i64>,
}

impl SequenceUnwrapper {
    /// An unwrapper that has seen nothing.
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The place of a number that has arrived.
    pub fn extend(&mut self, sequence_number: SequenceNumber) -> i64 {
        extend(&mut self.highest, u64::from(sequence_number.get()), 16)
    }

    /// The highest place so far.
    pub const fn highest(&self) -> Option<i64> {
        self.highest
    }
}

/// Counts RTP timestamps on past their wrap: 32 bits become 64. The rule is that of [`SequenceUnwrapper`], with
/// half the range at 2³¹.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimestampUnwrapper {
    highest: Option<i64>,
}

impl TimestampUnwrapper {
    /// An unwrapper that has seen nothing.
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The place of a timestamp that has arrived.
    pub fn extend(&mut self, timestamp: u32) -> i64 {
        extend(&mut self.highest, u64::from(timestamp), 32)
    }

    /// The highest place so far.
    pub const fn highest(&self) -> Option<i64> {
        self.highest
    }
}

fn extend(highest: &mut Option<i64>, value: u64, bits: u32) -> i64 {
    let range = 1_i64 << bits;
    let value = value.cast_signed();
    let place = highest.map_or(value, |highest| {
        let ahead = value.wrapping_sub(highest) & (range - 1);
        let step = if ahead < range / 2 {
            ahead
        } else {
            ahead - range
        };
        highest.wrapping_add(step)
    });
    *highest = Some(highest.map_or(place, |highest| highest.max(place)));
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_order_within_half_the_range_gives_the_true_places(
            start in 0_u16..,
            steps in proptest::collection::vec(-16_000_i64..16_000, 1..200),
        ) {
            let mut unwrapper = SequenceUnwrapper::new();
            prop_assert_eq!(unwrapper.extend(SequenceNumber::new(start)), i64::from(start));
            let mut highest = i64::from(start);
            for step in steps {
                let place = highest + step;
                let wire = SequenceNumber::new((place & 0xffff) as u16);
                prop_assert_eq!(unwrapper.extend(wire), place);
                highest = highest.max(place);
                prop_assert_eq!(unwrapper.highest(), Some(highest));
            }
        }

        #[test]
        fn timestamps_keep_their_places_too(
            start: u32,
            steps in proptest::collection::vec(-0x7fff_ffff_i64..0x7fff_ffff, 1..200),
        ) {
            let mut unwrapper = TimestampUnwrapper::new();
            let mut highest = unwrapper.extend(start);
            for step in steps {
                let place = highest + step;
                prop_assert_eq!(unwrapper.extend((place & 0xffff_ffff) as u32), place);
                highest = highest.max(place);
            }
        }
    }

    #[test]
    fn exactly_half_the_range_away_is_older() {
        let mut unwrapper = SequenceUnwrapper::new();
        assert_eq!(unwrapper.extend(SequenceNumber::new(0x8000)), 0x8000);
        assert_eq!(unwrapper.extend(SequenceNumber::new(0)), 0);
        assert_eq!(unwrapper.extend(SequenceNumber::new(0xffff)), 0xffff);
        assert_eq!(unwrapper.extend(SequenceNumber::new(0)), 0x1_0000);
    }
}
