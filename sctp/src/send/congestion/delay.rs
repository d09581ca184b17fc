use std::time::{Duration, Instant};

use super::Acked;

/// What the round trips say of the queue on the path, and how much arrives.
#[derive(Debug, Default)]
pub(super) struct DelayWatch {
    /// The last samples; the least of them is what a packet had to wait at least.
    recent: [Duration; SAMPLES],
    count: usize,
    /// A queue was seen in this round trip.
    seen: bool,
    /// Round trips without a queue, up to the last one.
    quiet_rounds: u32,
    delivery: Delivery,
}

impl DelayWatch {
    /// Takes what an acknowledgement says.
    pub(super) fn on_ack(&mut self, acked: &Acked) {
        self.delivery.on_ack(acked);
        if let Some(sample) = acked.sample {
            self.recent[self.count % SAMPLES] = sample;
            self.count += 1;
            self.seen |= self.waits(acked.least_round_trip, FIRST_SIGN_SHARE);
        }
        if acked.round_ended {
            self.quiet_rounds = if self.seen { 0 } else { self.quiet_rounds + 1 };
            self.seen = false;
        }
    }

    /// Every one of the last round trips was longer by an eighth than the least.
    pub(super) fn sees_queue(&self, least: Duration) -> bool {
        self.waits(least, QUEUE_SHARE)
    }

    fn waits(&self, least: Duration, share: u32) -> bool {
        let long = least + least / share;
        self.count >= SAMPLES && self.recent.iter().all(|sample| *sample > long)
    }

    /// Nothing waits on the path, and nothing waited a round trip ago.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet_rounds > 0 && !self.seen
    }

    /// What the path holds without a queue, at the rate at which data arrived of late.
    pub(super) fn path_bytes(&self, least: Duration) -> Option<usize> {
        let bytes = self.delivery.rate()? as f64 * least.as_secs_f64();
        Some(super::bytes(bytes))
    }

    /// What was seen is forgotten, after a silence or on another path.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// How fast data arrives, in spans of half a round trip.
#[derive(Debug, Default)]
struct Delivery {
    since: Option<Instant>,
    bytes: usize,
    /// Bytes per second in the last span, and in the one before.
    rates: [u64; 2],
}

impl Delivery {
    fn on_ack(&mut self, acked: &Acked) {
        let since = *self.since.get_or_insert(acked.now);
        let elapsed = acked.now.saturating_duration_since(since);
        self.bytes += acked.bytes;
        if elapsed < (acked.least_round_trip / 2).max(LEAST_SPAN) {
            return;
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let rate = (self.bytes as u64).saturating_mul(1_000_000) / micros.max(1);
        self.rates = [rate, self.rates[0]];
        self.since = Some(acked.now);
        self.bytes = 0;
    }

    fn rate(&self) -> Option<u64> {
        self.rates.into_iter().max().filter(|rate| *rate > 0)
    }
}

/// A queue is seen when round trips are longer by one part of so many.
const QUEUE_SHARE: u32 = 8;
/// What waits a little is no reason to go slower, and no more a reason to grow fast.
const FIRST_SIGN_SHARE: u32 = 16;
/// So many round trips in a row are no accident (RFC 9406 §4.3, N_RTT_SAMPLE).
const SAMPLES: usize = 8;
const LEAST_SPAN: Duration = Duration::from_millis(1);
