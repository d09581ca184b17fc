use std::time::{Duration, Instant};

use super::delay::DelayWatch;
use super::{Acked, CongestionControl, INITIAL_PACKETS, Loss, MAX_WINDOW, bytes, rate};

/// LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus, after RFC 6817): takes what others leave.
///
/// It keeps the queue that it makes at [`TARGET`], so it yields to whoever fills queues, and to media before they notice. The queue
/// is what a round trip exceeds the least one of the last minutes. So that this one is really without a queue, also beside
/// others of its kind, it slows down for two round trips every now and then; what that costs is a tenth at most.
#[derive(Debug)]
pub(crate) struct Ledbat {
    mtu: usize,
    /// In bytes; the parts of a byte count, because a window grows by less than a packet in a round trip.
    window: f64,
    slow_start_threshold: f64,
    base: BaseRoundTrip,
    /// The last samples; the least of them is free of the accidents of acknowledging.
    recent: [Duration; SAMPLES],
    count: usize,
    delivery: DelayWatch,
    /// What was sent before the last reduction is still being heard of.
    settling: bool,
    slowdown: Slowdown,
    before_timeout: Option<(f64, f64)>,
}

/// When the queue is left to drain.
#[derive(Clone, Copy, Debug)]
enum Slowdown {
    /// The first slow start goes on.
    NotYet,
    /// The next is due after so many round trips.
    After(u32),
    /// The next is due then.
    Due(Instant),
    /// Two packets, for so many round trips more, since then.
    Draining(u32, Instant),
    /// Back to where the window was; begun then.
    Returning(Instant),
}

impl Ledbat {
    pub(crate) fn new(mtu: usize) -> Self {
        Self {
            mtu,
            window: (INITIAL_PACKETS * mtu) as f64,
            slow_start_threshold: f64::INFINITY,
            base: BaseRoundTrip::default(),
            recent: [Duration::ZERO; SAMPLES],
            count: 0,
            delivery: DelayWatch::default(),
            settling: false,
            slowdown: Slowdown::NotYet,
            before_timeout: None,
        }
    }

    fn floor(&self) -> f64 {
        (FLOOR_PACKETS * self.mtu) as f64
    }

    fn in_slow_start(&self) -> bool {
        self.window < self.slow_start_threshold
    }

    /// How long packets wait, as a share of what they may; `None` when too little is known.
    fn delay(&self) -> Option<f64> {
        let waiting = self.least_recent()?.saturating_sub(self.base.value()?);
        Some(waiting.as_secs_f64() / TARGET.as_secs_f64())
    }

    fn least_recent(&self) -> Option<Duration> {
        let least = self.recent.iter().min().copied();
        least.filter(|_| self.count >= SAMPLES)
    }

    /// How much slower than Reno the window grows: on a short path a packet is a lot (section 4.2 of the draft).
    fn gain(&self) -> f64 {
        let base = self.base.value().unwrap_or(TARGET).as_secs_f64();
        let divisor = (2.0 * TARGET.as_secs_f64() / base.max(1e-6)).ceil();
        1.0 / divisor.clamp(1.0, MOST_GAIN_DIVISOR)
    }

    fn slow_start(&mut self, acked: &Acked) {
        let first = matches!(self.slowdown, Slowdown::NotYet);
        if first && self.delay().is_some_and(|delay| delay > SLOW_START_SHARE) {
            // By the time this is known twice as much is on its way as the path holds.
            let held = self.base.value().unwrap_or_default() + TARGET;
            if let Some(held) = self.delivery.path_bytes(held) {
                self.window = (held as f64).clamp(self.window / 2.0, self.window);
            }
            self.settling = true;
            self.leave_slow_start(acked.now);
        } else if acked.window_limited {
            let grown = self.window + acked.bytes as f64 * self.gain();
            self.window = grown.min(self.slow_start_threshold);
            if !self.in_slow_start() {
                self.leave_slow_start(acked.now);
            }
        }
    }

    fn leave_slow_start(&mut self, now: Instant) {
        self.slow_start_threshold = self.window;
        self.slowdown = match self.slowdown {
            Slowdown::NotYet => Slowdown::After(DRAINING_ROUNDS),
            // A tenth of the time is spent on it.
            Slowdown::Returning(since) => {
                let took = now.saturating_duration_since(since);
                Slowdown::Due(now + took.saturating_mul(9).min(LONGEST_PAUSE))
            }
            other => other,
        };
    }

    /// Up by a share of a packet in a round trip as long as the queue is below the target; above it down by what it is too long
    /// (section 4.2 of the draft), and then not again before the effect is seen.
    fn avoid_queue(&mut self, acked: &Acked) {
        let delay = self.delay().unwrap_or(0.0);
        let grows = self.gain() * self.mtu as f64;
        let share = (acked.bytes as f64 / self.window).min(1.0);
        if delay <= 1.0 && acked.window_limited {
            self.window += grows * share;
        }
        if !acked.round_ended || std::mem::take(&mut self.settling) || delay <= 1.0 {
            return;
        }
        let change = grows - self.window * (delay - 1.0);
        self.window = (self.window + change.max(-self.window / 2.0)).max(self.floor());
        self.slow_start_threshold = self.window;
        self.settling = true;
    }

    fn advance_slowdown(&mut self, acked: &Acked) {
        self.slowdown = match self.slowdown {
            // What is lost is repaired first.
            Slowdown::After(_) | Slowdown::Due(_) if acked.recovering => self.slowdown,
            Slowdown::After(0) => self.slow_down(acked.now),
            Slowdown::After(rounds) if acked.round_ended => Slowdown::After(rounds - 1),
            Slowdown::Due(due) if acked.now >= due => self.slow_down(acked.now),
            Slowdown::Draining(0, since) => Slowdown::Returning(since),
            Slowdown::Draining(rounds, since) if acked.round_ended => {
                Slowdown::Draining(rounds - 1, since)
            }
            other => other,
        };
    }

    fn slow_down(&mut self, now: Instant) -> Slowdown {
        self.slow_start_threshold = self.window.max(self.floor() * 2.0);
        self.window = self.floor();
        // What is in flight has to arrive before there is nothing but this.
        Slowdown::Draining(DRAINING_ROUNDS + 1, now)
    }

    fn halve(&mut self) {
        // While the queue drains, the window is not what the loss was found with.
        let full = match self.slowdown {
            Slowdown::Draining(..) | Slowdown::Returning(_) => self.slow_start_threshold,
            _ => self.window,
        };
        self.slow_start_threshold = (full / 2.0).max(self.floor());
        self.window = self.window.min(self.slow_start_threshold);
        self.settling = true;
        match self.slowdown {
            Slowdown::NotYet => self.slowdown = Slowdown::After(DRAINING_ROUNDS),
            Slowdown::Draining(_, since) => self.slowdown = Slowdown::Returning(since),
            _ => {}
        }
    }
}

impl CongestionControl for Ledbat {
    fn window(&self) -> usize {
        bytes(self.window)
    }

    fn on_ack(&mut self, acked: &Acked) {
        self.delivery.on_ack(acked);
        if let Some(sample) = acked.sample {
            self.base.on_sample(acked.now, sample);
            self.recent[self.count % SAMPLES] = sample;
            self.count += 1;
            if let Some(least) = self.least_recent()
                && self.base.on_filtered(acked.now, least)
            {
                self.slow_start_threshold = f64::INFINITY;
                self.slowdown = Slowdown::NotYet;
            }
        }
        self.advance_slowdown(acked);
        if acked.bytes == 0 || acked.recovering || matches!(self.slowdown, Slowdown::Draining(..)) {
            return;
        }
        if self.in_slow_start() {
            self.slow_start(acked);
        } else {
            if let Slowdown::Returning(_) = self.slowdown {
                self.leave_slow_start(acked.now);
            }
            self.avoid_queue(acked);
        }
        self.window = self.window.min(MAX_WINDOW as f64);
    }

    /// RFC 6817 §2.4.2: as TCP. Who takes what others leave has no reason to doubt a loss.
    fn on_loss(&mut self, _: &Loss) {
        self.halve();
    }

    fn on_timeout(&mut self, heard: bool) {
        self.before_timeout = Some((self.window, self.slow_start_threshold));
        if heard {
            self.halve();
        }
        self.window = self.mtu as f64;
    }

    fn on_spurious_timeout(&mut self) {
        if let Some((window, threshold)) = self.before_timeout.take() {
            self.window = self.window.max(window);
            self.slow_start_threshold = threshold;
        }
    }

    fn on_idle(&mut self, timeouts: u32) {
        let initial = (INITIAL_PACKETS * self.mtu) as f64;
        let halvings = i32::try_from(timeouts.min(64)).unwrap_or(64);
        let decayed = self.window / 2_f64.powi(halvings);
        self.window = decayed.max(initial).min(self.window);
        // What was on the path is gone, and so is what the samples say.
        self.count = 0;
        self.delivery.forget();
    }

    fn set_packet_size(&mut self, mtu: usize) {
        self.mtu = mtu;
    }

    fn pacing_rate(&self, round_trip: Duration) -> Option<u64> {
        let quarters = if self.in_slow_start() { 8 } else { 5 };
        rate(self.window(), quarters, round_trip)
    }
}

/// The least round trip of the last five to ten minutes, or of half a minute in which the round trip did not move.
///
/// Queues swing: ours at every slowdown, those of others with their windows. What stands still is the path, which became longer.
#[derive(Debug, Default)]
struct BaseRoundTrip {
    present: Option<(Duration, Instant)>,
    previous: Option<Duration>,
    swing: Swing,
}

/// Between what round trips move.
#[derive(Debug, Default)]
struct Swing {
    since: Option<Instant>,
    least: Duration,
    greatest: Duration,
    count: u32,
}

impl BaseRoundTrip {
    fn value(&self) -> Option<Duration> {
        let (present, _) = self.present?;
        Some(self.previous.map_or(present, |last| last.min(present)))
    }

    fn on_sample(&mut self, now: Instant, sample: Duration) {
        match &mut self.present {
            Some((least, since)) if now.saturating_duration_since(*since) < BASE_MEMORY => {
                *least = (*least).min(sample);
            }
            present => {
                self.previous = present.map(|(least, _)| least);
                *present = Some((sample, now));
            }
        }
    }

    /// Takes the least of the last samples. True when the path has proved to be another one.
    fn on_filtered(&mut self, now: Instant, sample: Duration) -> bool {
        let since = *self.swing.since.get_or_insert(now);
        let swing = &mut self.swing;
        if swing.count == 0 {
            (swing.least, swing.greatest) = (sample, sample);
        }
        swing.least = swing.least.min(sample);
        swing.greatest = swing.greatest.max(sample);
        swing.count += 1;
        if now.saturating_duration_since(since) < STILL
            && sample.saturating_sub(swing.least) < TARGET / 2
        {
            return false;
        }
        let still = swing.greatest - swing.least < TARGET / 2 && swing.count >= LEAST_STILL_SAMPLES;
        let least = swing.least;
        self.swing = Swing::default();
        if !still {
            return false;
        }
        let before = self.value().unwrap_or(least);
        self.previous = None;
        self.present = Some((least, now));
        least.saturating_sub(before) > TARGET / 2
    }
}

/// How much longer a packet may wait because of us. RFC 6817 §2.4.2 allows 100 ms and the draft proposes 60; a call beside a file
/// transfer should not notice it.
const TARGET: Duration = Duration::from_millis(25);
/// Slow start ends at this share of the target.
const SLOW_START_SHARE: f64 = 0.75;
/// Two packets make one acknowledgement that is not put off.
const FLOOR_PACKETS: usize = 2;
/// As many samples as one of them is not late by accident (RFC 6817 §4.2, CURRENT_FILTER).
const SAMPLES: usize = 4;
const MOST_GAIN_DIVISOR: f64 = 16.0;
/// How long the queue is left to drain, in round trips.
const DRAINING_ROUNDS: u32 = 2;
/// The base must be seen again before it is forgotten.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Half of the memory of RFC 6817 §4.2, BASE_HISTORY.
const BASE_MEMORY: Duration = Duration::from_secs(300);
/// So long no queue stands still, because we slow down within it.
const STILL: Duration = Duration::from_secs(30);
const LEAST_STILL_SAMPLES: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// P-19: a timeout before anything was acknowledged says nothing of what the path holds.
    #[test]
    fn a_timeout_leaves_one_packet_and_ends_slow_start_if_anything_was_heard() {
        let mut ledbat = Ledbat::new(1000);
        ledbat.on_timeout(false);
        assert_eq!(ledbat.window(), 1000);
        assert!(ledbat.slow_start_threshold > 1e9);
        let mut ledbat = Ledbat::new(1000);
        ledbat.on_timeout(true);
        assert_eq!(ledbat.window(), 1000);
        assert!(ledbat.slow_start_threshold < 10_000.0);
    }

    fn ack(now: Instant, bytes: usize, millis: u64) -> Acked {
        Acked {
            now,
            bytes,
            cumulative_advanced: true,
            window_limited: true,
            recovering: false,
            sample: Some(Duration::from_millis(millis)),
            least_round_trip: Duration::from_millis(millis),
            smoothed: Some(Duration::from_millis(millis)),
            round_ended: false,
        }
    }

    /// A round trip that takes so long: ten acknowledgements for a window.
    fn round(ledbat: &mut Ledbat, now: &mut Instant, millis: u64) {
        let bytes = ledbat.window() / 10;
        for place in 0..10 {
            *now += Duration::from_millis(millis) / 10;
            ledbat.on_ack(&Acked {
                round_ended: place == 9,
                ..ack(*now, bytes, millis)
            });
        }
    }

    /// One that is not in slow start and does not slow down soon, over a path of 50 ms.
    fn settled(now: &mut Instant) -> Ledbat {
        let mut ledbat = Ledbat::new(1000);
        round(&mut ledbat, now, 50);
        ledbat.window = 100_000.0;
        ledbat.slow_start_threshold = 100_000.0;
        ledbat.slowdown = Slowdown::Due(*now + LONGEST_PAUSE);
        ledbat
    }

    #[test]
    fn below_the_target_it_grows_by_a_packet_and_above_it_falls_by_the_excess() {
        let mut now = netsim::epoch();
        let mut ledbat = settled(&mut now);
        round(&mut ledbat, &mut now, 60);
        assert!((100_900..=101_000).contains(&ledbat.window()));
        // Twice the target: half of it goes, and no more before this can have had an effect.
        for _ in 0..2 {
            round(&mut ledbat, &mut now, 100);
            assert!(
                (50_000..52_000).contains(&ledbat.window()),
                "{}",
                ledbat.window()
            );
        }
        round(&mut ledbat, &mut now, 100);
        assert!(ledbat.window() < 27_000, "{}", ledbat.window());
    }

    #[test]
    fn on_a_short_path_a_packet_is_a_lot() {
        let mut now = netsim::epoch();
        let mut ledbat = Ledbat::new(1000);
        for (millis, gain) in [(60, 1.0), (20, 1.0 / 3.0), (2, 1.0 / 16.0), (0, 1.0 / 16.0)] {
            round(&mut ledbat, &mut now, millis);
            assert_eq!(ledbat.gain(), gain, "{millis}");
        }
    }

    #[test]
    fn it_slows_down_for_two_round_trips_after_slow_start_and_then_a_tenth_of_the_time() {
        let mut now = netsim::epoch();
        let mut ledbat = Ledbat::new(1000);
        let mut windows = Vec::new();
        for trip in 0..120 {
            round(&mut ledbat, &mut now, if trip == 4 { 75 } else { 50 });
            windows.push(ledbat.window());
        }
        let (low, high): (Vec<usize>, Vec<usize>) =
            windows.iter().partition(|window| **window == 2000);
        assert!((4..=16).contains(&low.len()), "{windows:?}");
        assert!(high.iter().all(|window| *window > 2000));
        assert!(windows[119] > 80_000, "{windows:?}");
    }

    #[test]
    fn a_path_that_became_longer_is_no_queue_for_ever() {
        let mut now = netsim::epoch();
        let mut ledbat = settled(&mut now);
        for _ in 0..20 {
            round(&mut ledbat, &mut now, 100);
        }
        assert_eq!(ledbat.window(), 2000, "it looks like one");
        let end = now + Duration::from_secs(45);
        while now < end {
            round(&mut ledbat, &mut now, 100);
        }
        assert!(ledbat.window() > 20_000, "{}", ledbat.window());
    }

    #[test]
    fn a_queue_that_swings_stays_a_queue() {
        let mut now = netsim::epoch();
        let mut ledbat = settled(&mut now);
        let end = now + Duration::from_secs(120);
        let mut trip = 0;
        while now < end {
            trip += 1;
            round(&mut ledbat, &mut now, 90 + trip % 40);
        }
        assert_eq!(ledbat.window(), 2000);
    }

    #[test]
    fn no_clock_and_no_round_trip_breaks_it() {
        let start = netsim::epoch() + Duration::from_secs(3600);
        let mut ledbat = Ledbat::new(1000);
        let times = [0, 0, 1, 3_000_000, 5, 0, 3_599_000, 7];
        let trips = [0, 1, u64::MAX / 2_000_000, 50, 0, 86_400_000];
        for step in 0..5000_usize {
            let back = Duration::from_millis(times[step % times.len()]);
            let now = if step % 3 == 0 {
                start - back
            } else {
                start + back
            };
            let acked = Acked {
                round_ended: step % 5 == 0,
                window_limited: step % 7 != 0,
                recovering: step % 11 == 0,
                ..ack(now, (step * 7919) % 1_000_000, trips[step % trips.len()])
            };
            ledbat.on_ack(&acked);
            match step % 97 {
                0 => ledbat.on_loss(&Loss {
                    round_trip: Duration::ZERO,
                    least_round_trip: Duration::ZERO,
                    percent: 0,
                }),
                1 => ledbat.on_timeout(true),
                2 => ledbat.on_spurious_timeout(),
                3 => ledbat.on_idle(u32::MAX),
                _ => {}
            }
            assert!((1000..=MAX_WINDOW).contains(&ledbat.window()), "{step}");
            assert!(ledbat.window.is_finite() && ledbat.base.value().is_some());
        }
    }
}
