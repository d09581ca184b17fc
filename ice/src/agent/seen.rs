use stun::TransactionId;

use crate::grow;
use crate::hash::SecretHash;

/// How many nominations are remembered one by one.
const MAX_LISTED: usize = 64;

/// The size of the filter that more of them go into: 2 KiB.
const FILTER_BITS: usize = 16_384;

/// The nominations that the peer made with the present local credentials, so that one that is played again is known.
///
/// What was seen is never forgotten, or whoever has recorded a call could wait for that. The price of the bound is paid
/// the other way: once a peer has nominated more than [`MAX_LISTED`] times, a new nomination is taken for an old one
/// with the likelihood of a bit being set, which is 1 - e^(-n / 16,384) after n of them: 4 % after an hour of one every
/// 5 s, 65 % after a day. A peer that nominates that often does so again in a moment, with another id.
#[derive(Debug, Default)]
pub(super) struct SeenNominations {
    list: Vec<u32>,
    filter: Vec<u64>,
}

impl SeenNominations {
    /// Remembers the request that nominated; `false` when it was known already.
    pub(super) fn insert(&mut self, hash: SecretHash, id: TransactionId) -> bool {
        // The half of a keyed hash: no stranger can find two ids that are alike.
        let [a, b, c, d, ..] = hash.of(&id).to_le_bytes();
        let digest = u32::from_le_bytes([a, b, c, d]);
        if !self.filter.is_empty() {
            return self.set(digest);
        }
        if self.list.contains(&digest) {
            return false;
        }
        if self.list.len() < MAX_LISTED {
            grow::push(&mut self.list, digest);
            return true;
        }
        self.filter = vec![0; FILTER_BITS / 64];
        for known in std::mem::take(&mut self.list) {
            self.set(known);
        }
        self.set(digest)
    }

    /// Sets the bit of a digest; `false` when it was set already.
    fn set(&mut self, digest: u32) -> bool {
        let at = digest as usize % FILTER_BITS;
        let bit = 1 << (at % 64);
        let Some(word) = self.filter.get_mut(at / 64) else {
            return false;
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> TransactionId {
        let mut bytes = [7; 12];
        bytes[4..8].copy_from_slice(&number.to_be_bytes());
        TransactionId::new(bytes)
    }

    #[test]
    fn no_nomination_is_new_twice_however_many_there_were() {
        let hash = SecretHash::new([1, 2]);
        let mut seen = SeenNominations::default();
        for number in 0..100_000 {
            seen.insert(hash, id(number));
            for earlier in [0, 1, 63, 64, number / 2, number] {
                assert!(
                    !seen.insert(hash, id(earlier)) || earlier > number,
                    "{number}"
                );
            }
        }
        assert_eq!(seen.filter.capacity() * 8, 2_048);
        assert!(seen.list.is_empty());
    }

    #[test]
    fn what_is_new_is_mostly_taken_for_it() {
        let hash = SecretHash::new([1, 2]);
        let mut seen = SeenNominations::default();
        let new = |range: std::ops::Range<u32>, seen: &mut SeenNominations| {
            range
                .filter(|number| seen.insert(hash, id(*number)))
                .count()
        };
        assert_eq!(new(0..64, &mut seen), 64);
        // An hour of one every 5 s, and a day.
        let hour = new(64..720, &mut seen);
        assert!(hour >= 620, "{hour}");
        new(720..17_280, &mut seen);
        let after_a_day = new(17_280..17_380, &mut seen);
        assert!((20..50).contains(&after_a_day), "{after_a_day}");
    }
}
