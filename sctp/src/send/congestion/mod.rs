//! How much may be in flight, and how fast it leaves.

mod cubic;
mod delay;
mod hystart;
mod ledbat;
mod new_reno;
mod pacer;

use std::fmt;
use std::time::{Duration, Instant};

pub(crate) use self::cubic::Cubic;
pub(crate) use self::ledbat::Ledbat;
pub(crate) use self::new_reno::NewReno;
pub(crate) use self::pacer::Pacer;

/// A congestion controller: it hears what became of what was sent, and says how much may be in flight (RFC 9260 §7).
///
/// Nothing else of the association knows how the window comes about.
pub(crate) trait CongestionControl: fmt::Debug + Send + Sync {
    /// How much may be in flight, in bytes.
    fn window(&self) -> usize;

    /// An acknowledgement was taken.
    fn on_ack(&mut self, acked: &Acked);

    /// Chunks were found lost; called once for what was sent within one round trip.
    fn on_loss(&mut self, loss: &Loss);

    /// T3 expired: start again from one packet (RFC 9260 §7.2.3). Unless something was `heard` on this association, which is that anything
    /// sent was ever acknowledged, the threshold of slow start stays: nothing was learnt of what the path holds.
    fn on_timeout(&mut self, heard: bool);

    /// The last timeout was a mistake: what was in flight arrives after all.
    fn on_spurious_timeout(&mut self);

    /// Nothing was sent for some timeouts: what was learnt about the path fades (RFC 9260 §7.2.1).
    fn on_idle(&mut self, timeouts: u32);

    /// Packets have another size from now on; the window keeps its bytes.
    fn set_packet_size(&mut self, mtu: usize);

    /// Bytes per second at which packets leave, given a smoothed round trip; `None` when it is not measurable.
    fn pacing_rate(&self, round_trip: Duration) -> Option<u64>;
}

/// What one acknowledgement said, as far as congestion control is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    pub(crate) now: Instant,
    /// Bytes acknowledged for the first time.
    pub(crate) bytes: usize,
    /// The cumulative TSN moved on.
    pub(crate) cumulative_advanced: bool,
    /// There was more to send than the window let out.
    pub(crate) window_limited: bool,
    /// What was acknowledged left before the window was last reduced for a loss.
    pub(crate) recovering: bool,
    /// A measured round trip of something sent once.
    pub(crate) sample: Option<Duration>,
    /// The least round trip of the last seconds.
    pub(crate) least_round_trip: Duration,
    /// The smoothed round trip.
    pub(crate) smoothed: Option<Duration>,
    /// A round trip is over: everything in flight when the last one ended was acknowledged or lost.
    pub(crate) round_ended: bool,
}

/// What is known when a loss is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    /// The round trip of what arrived last.
    pub(crate) round_trip: Duration,
    /// The least round trip of the last seconds.
    pub(crate) least_round_trip: Duration,
    /// The share of bytes lost of late, in percent.
    pub(crate) percent: u32,
}

/// A window over a round trip, times a gain in quarters.
fn rate(window: usize, quarters: u64, round_trip: Duration) -> Option<u64> {
    if round_trip < LEAST_PACED_ROUND_TRIP {
        return None;
    }
    let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
    Some((window as u64).saturating_mul(quarters * 250_000) / micros)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest integer there is, and no window is negative"
)]
fn bytes(value: f64) -> usize {
    value as usize
}

/// Ten packets at first, as RFC 6928 for TCP: less would add round trips to every short answer.
const INITIAL_PACKETS: usize = 10;
const FLOOR_PACKETS: usize = 4;
/// Beyond any window a peer of ours announces; keeps the sums far from overflow.
const MAX_WINDOW: usize = 256 << 20;
/// On shorter paths the gaps between packets would be finer than any timer.
const LEAST_PACED_ROUND_TRIP: Duration = Duration::from_millis(1);
