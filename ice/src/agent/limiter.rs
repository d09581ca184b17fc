use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::hash::SecretHash;

/// Error answers to the unauthenticated per second, to one bucket of sources and to all.
const PER_SOURCE: u8 = 10;
const PER_AGENT: u8 = 100;

const BUCKETS: usize = 32;

/// Limits what strangers can make an agent say. It has no entry per source: sources share a fixed number of
/// counters, spread by a hash that nobody outside can compute.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    window: Option<Instant>,
    total: u8,
    buckets: [u8; BUCKETS],
}

impl Limiter {
    /// Whether one more answer to this source is allowed now.
    pub(super) fn allow(&mut self, now: Instant, hash: SecretHash, source: IpAddr) -> bool {
        let stale = self.window.is_none_or(|start| {
            now < start || now.saturating_duration_since(start) >= Duration::from_secs(1)
        });
        if stale {
            self.window = Some(now);
            self.total = 0;
            self.buckets = [0; BUCKETS];
        }
        let bucket = usize::try_from(hash.of(&source) % BUCKETS as u64).unwrap_or(0);
        let Some(count) = self.buckets.get_mut(bucket) else {
            return false;
        };
        if *count >= PER_SOURCE || self.total >= PER_AGENT {
            return false;
        }
        *count += 1;
        self.total += 1;
        true
    }
}
