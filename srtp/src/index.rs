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

/// Guesses the index of a packet from the highest index so far (RFC 3711 §3.3.1 and appendix A).
///
/// The guess is the one nearest to `highest` among the rollover counters one less, the same and one more. A stream
/// begins with the rollover counter 0.
pub(crate) const fn guess(
    highest: Option<u64>,
    sequence_number: SequenceNumber,
) -> Result<u64, IndexError> {
    let seq = sequence_number.get() as u64;
    let Some(highest) = highest else {
        return Ok(seq);
    };
    let (roc, s_l) = (highest >> 16, highest & 0xffff);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(highest: u64, seq: u16) -> Result<u64, IndexError> {
        guess(Some(highest), SequenceNumber::new(seq))
    }

    #[test]
    fn guess_takes_the_nearest_rollover_counter() {
        assert_eq!(guess(None, SequenceNumber::new(0xffff)), Ok(0xffff));
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
}
