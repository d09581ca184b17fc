//! How much is said to those who have not proved who they are.

use std::hash::{BuildHasher, DefaultHasher, Hash};
use std::net::IpAddr;
use std::time::Instant;

use super::bucket::{Bucket, Rate};

/// Hashers that have taken in a secret first: what strangers choose must not choose where it lies in a table.
#[derive(Clone, Copy)]
pub(super) struct Keyed {
    pub(super) secret: [u64; 2],
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        hasher
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed(..)")
    }
}

/// What counts as one source: an IPv4 network of 256 addresses, or an IPv6 network as one customer gets it.
pub(super) fn neighbourhood(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(ip) => u64::from(ip.to_bits() >> 8),
        IpAddr::V6(ip) => {
            let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = ip.octets();
            u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7])
        }
    }
}

/// Answers without authentication: challenges, refusals, and the answers to Binding requests.
///
/// Each neighbourhood has so many in a second; they share a fixed number of buckets. All together have so many bytes in a second and
/// one and a half times the bytes of what was asked, so that whoever forges sources gets no amplifier.
#[derive(Debug)]
pub(super) struct Strangers {
    buckets: Box<[Bucket]>,
    all: Bucket,
    per_source: Rate,
    bytes: Rate,
}

/// Sources are told apart by so many buckets.
const BUCKETS: usize = 4096;

impl Strangers {
    pub(super) fn new(per_source: Rate, bytes: Rate) -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS].into_boxed_slice(),
            all: Bucket::default(),
            per_source,
            bytes,
        }
    }

    /// Whether to answer so many bytes to as many.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        keyed: &Keyed,
        source: IpAddr,
        (asked, answer): (usize, usize),
    ) -> bool {
        let place = keyed.hash_one(neighbourhood(source)) % BUCKETS as u64;
        let place = usize::try_from(place).unwrap_or_default();
        let Some(bucket) = self.buckets.get_mut(place) else {
            return false;
        };
        // The question pays for its answer up to one and a half times its length, whether it is answered or not.
        self.all.give(asked as u64 + asked as u64 / 2);
        bucket.take(now, self.per_source, 1) && self.all.take(now, self.bytes, answer as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEYED: Keyed = Keyed { secret: [1, 2] };

    fn strangers() -> Strangers {
        let bytes = Rate {
            per_second: 10_000,
            burst: 20_000,
        };
        Strangers::new(Rate::per_second(25), bytes)
    }

    /// S-18
    #[test]
    fn s_18_ten_thousand_questions_in_a_second_from_one_place_get_at_most_fifty_answers() {
        let mut strangers = strangers();
        let start = netsim::epoch();
        let answered = (0..10_000_u32)
            .filter(|n| {
                let now = start + Duration::from_micros(u64::from(*n) * 100);
                let source = [192, 0, 2, n.to_be_bytes()[3]].into();
                strangers.admit(now, &KEYED, source, (20, 32))
            })
            .count();
        assert!((25..=50).contains(&answered), "{answered}");
    }

    #[test]
    fn from_everywhere_at_once_answers_are_one_and_a_half_times_the_questions_and_the_burst() {
        let mut strangers = strangers();
        let now = netsim::epoch();
        let (mut asked, mut said) = (0, 0);
        for n in 0..100_000_u32 {
            let [_, a, b, c] = n.to_be_bytes();
            let source = [a.wrapping_mul(3) ^ b, b, c, 1].into();
            asked += 28;
            said += 92 * usize::from(strangers.admit(now, &KEYED, source, (28, 92)));
        }
        assert!(said <= asked * 3 / 2 + 20_000, "{said} for {asked}");
        assert!(said > asked / 10);
    }
}
