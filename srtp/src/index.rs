use rtp::SequenceNumber;

/// The last index of a source: 48 bits, the rollover counter above the sequence number (RFC 3711 §3.3.1).
pub(crate) const MAX_INDEX: u64 = (1 << 48) - 1;

/// Why a sequence number has no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexError {
    /// It lies before the stream's first rollover.
    BelowZero,
    /// It lies beyond [`MAX_INDEX`].
    Exhausted,
}

/// What is known of a stream: its highest index so far, or the rollover counter it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Highest(u64),
    Start(u32),
}

impl Known {
    /// The rollover counter of the stream.
    const fn rollover_counter(self) -> u64 {
        match self {
            Self::Highest(highest) => highest >> 16,
            Self::Start(roc) => roc as u64,
        }
    }
}

/// Guesses the index of a packet from the highest index so far (RFC 3711 §3.3.1 and appendix A).
///
/// The guess is the one nearest to `highest` among the rollover counters one less, the same and one more. A stream
/// begins with the rollover counter 0 unless another one was supplied.
pub(crate) const fn guess(
    known: Known,
    sequence_number: SequenceNumber,
) -> Result<u64, IndexError> {
    let seq = sequence_number.get() as u64;
    let roc = known.rollover_counter();
    let Known::Highest(highest) = known else {
        return Ok(roc << 16 | seq);
    };
    let s_l = highest & 0xffff;
    let roc = if s_l < 0x8000 {
        if seq > s_l + 0x8000 {
            match roc.checked_sub(1) {
                Some(roc) => roc,
                None => return Err(IndexError::BelowZero),
            }
        } else {
            roc
        }
    } else if s_l - 0x8000 > seq {
        roc + 1
    } else {
        roc
    };
    let index = roc << 16 | seq;
    if index > MAX_INDEX {
        return Err(IndexError::Exhausted);
    }
    Ok(index)
}

/// The indices under the rollover counters next to the known one and under itself: where a stream may be that was lost
/// from sight for more than half a cycle.
pub(crate) fn neighbours(
    known: Known,
    sequence_number: SequenceNumber,
) -> impl Iterator<Item = u64> {
    let roc = known.rollover_counter();
    [Some(roc + 1), Some(roc), roc.checked_sub(1)]
        .into_iter()
        .flatten()
        .map(move |roc| roc << 16 | u64::from(sequence_number.get()))
        .filter(|&index| index <= MAX_INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(highest: u64, seq: u16) -> Result<u64, IndexError> {
        guess(Known::Highest(highest), SequenceNumber::new(seq))
    }

    #[test]
    fn guess_takes_the_nearest_rollover_counter() {
        let first = |seq| guess(Known::Start(0), SequenceNumber::new(seq));
        assert_eq!(first(0xffff), Ok(0xffff));
        assert_eq!(
            first(0x8000),
            Ok(0x8000),
            "a stream may begin at any number"
        );
        assert_eq!(
            guess(Known::Start(u32::MAX), SequenceNumber::new(0xffff)),
            Ok(MAX_INDEX)
        );
        assert_eq!(at(0, 0), Ok(0));
        assert_eq!(at(0, 0x8000), Ok(0x8000), "exactly half ahead is ahead");
        assert_eq!(at(0, 0x8001), Err(IndexError::BelowZero));
        assert_eq!(at(0x1_0000, 0x8001), Ok(0x8001));
        assert_eq!(at(0x1_ffff, 0), Ok(0x2_0000));
        assert_eq!(at(0x2_0000, 0xffff), Ok(0x1_ffff));
        assert_eq!(
            at(0x1_8000, 0),
            Ok(0x1_0000),
            "exactly half behind is behind"
        );
        assert_eq!(at(0x1_8001, 0), Ok(0x2_0000));
        assert_eq!(at(0x1_7fff, 0xffff), Ok(0x1_ffff));
        assert_eq!(at(0x1_7ffe, 0xffff), Ok(0x0_ffff));
    }

    #[test]
    fn index_ends_at_48_bits() {
        assert_eq!(at(MAX_INDEX - 1, 0xffff), Ok(MAX_INDEX));
        assert_eq!(at(MAX_INDEX, 0), Err(IndexError::Exhausted));
        assert_eq!(at(MAX_INDEX, 0xfffe), Ok(MAX_INDEX - 1));
    }

    /// media 3.4 no. 3: the guess of RFC 3711 appendix A, written as the RFC writes it, agrees everywhere near the edges.
    #[test]
    fn guess_is_the_one_of_appendix_a() {
        let edges = [0, 1, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff_u64];
        for roc in [0_i64, 1, 2, 0xffff_fffe, 0xffff_ffff] {
            for s_l in edges {
                for seq in edges {
                    let (s_l, seq) = (s_l.cast_signed(), seq.cast_signed());
                    let v = if s_l < 32_768 {
                        if seq - s_l > 32_768 { roc - 1 } else { roc }
                    } else if s_l - 32_768 > seq {
                        roc + 1
                    } else {
                        roc
                    };
                    let expected = match v {
                        -1 => Err(IndexError::BelowZero),
                        0x1_0000_0000 => Err(IndexError::Exhausted),
                        v => Ok((v << 16 | seq).cast_unsigned()),
                    };
                    let highest = (roc << 16 | s_l).cast_unsigned();
                    assert_eq!(at(highest, seq as u16), expected, "{roc} {s_l} {seq}");
                }
            }
        }
    }

    #[test]
    fn neighbours_stay_within_the_index() {
        let of = |known| neighbours(known, SequenceNumber::new(5)).collect::<Vec<_>>();
        assert_eq!(of(Known::Start(0)), [0x1_0005, 5]);
        assert_eq!(of(Known::Highest(0x2_ffff)), [0x3_0005, 0x2_0005, 0x1_0005]);
        let last = MAX_INDEX >> 16 << 16 | 5;
        assert_eq!(of(Known::Start(u32::MAX)), [last, last - 0x1_0000]);
    }
}
