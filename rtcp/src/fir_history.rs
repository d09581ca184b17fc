use rtp::Ssrc;

use crate::FirEntry;

/// The pairs of asking and asked source that a [`FirHistory`] remembers; the one that asked longest ago is forgotten
/// for another. To forget one costs a key frame at most.
pub const MAX_FIR_PAIRS: usize = 64;

/// Tells new key-frame commands from repetitions (RFC 5104 §4.3.1.2): a new one has another number than the last one of
/// the same pair of sources.
#[derive(Clone, Debug, Default)]
pub struct FirHistory {
    /// The one that asked last is at the end.
    pairs: Vec<(Ssrc, FirEntry)>,
}

impl FirHistory {
    /// Whether the request of `sender` is new. It is not from then on.
    pub fn is_new(&mut self, sender: Ssrc, entry: FirEntry) -> bool {
        let place = self
            .pairs
            .iter()
            .position(|(asking, known)| *asking == sender && known.ssrc == entry.ssrc);
        let known = place.map(|place| self.pairs.remove(place).1);
        if place.is_none() && self.pairs.len() >= MAX_FIR_PAIRS {
            self.pairs.remove(0);
        }
        self.pairs.push((sender, entry));
        known != Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ssrc: u32, sequence_number: u8) -> FirEntry {
        FirEntry {
            ssrc: Ssrc::new(ssrc),
            sequence_number,
        }
    }

    #[test]
    fn repetitions_are_told_from_new_requests() {
        let mut history = FirHistory::default();
        let (one, two) = (Ssrc::new(1), Ssrc::new(2));
        assert!(history.is_new(one, entry(9, 255)));
        assert!(!history.is_new(one, entry(9, 255)));
        assert!(history.is_new(two, entry(9, 255)), "another asks");
        assert!(history.is_new(one, entry(8, 255)), "another is asked");
        assert!(history.is_new(one, entry(9, 0)));
        assert!(!history.is_new(one, entry(9, 0)));
    }

    #[test]
    fn pairs_are_capped_and_the_oldest_is_forgotten() {
        let mut history = FirHistory::default();
        for ssrc in 0..1_000 {
            assert!(history.is_new(Ssrc::new(ssrc), entry(9, 1)));
            assert!(!history.is_new(Ssrc::new(ssrc / 2 * 2), entry(9, 1)));
        }
        assert_eq!(history.pairs.len(), MAX_FIR_PAIRS);
        assert!(history.is_new(Ssrc::new(0), entry(9, 1)));
    }
}
