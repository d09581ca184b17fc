use std::time::{Duration, Instant};

use super::delay::DelayWatch;
use super::hystart::{HyStart, Step};
use super::{
    Acked, CongestionControl, FLOOR_PACKETS, INITIAL_PACKETS, Loss, MAX_WINDOW, bytes, rate,
};

/// CUBIC (RFC 9438) with HyStart++ (RFC 9406), and on request with an eye on the delay.
///
/// With it a loss counts as congestion only when a queue is seen: when the round trip at the time is longer by an eighth than
/// the least of late. A loss without a queue is the path's, as radio links lose, and going slower would not
/// help anybody (Veno, RFC 9438 §5.8 asks for such care). Where more than a tenth is lost it counts whatever the delay. When there
/// is a queue the window falls to what the path holds without it, and never below CUBIC's share.
///
/// It leaves slow start as soon as the queue grows. And where nothing waits on the path although the window is again where there
/// was congestion, it grows by an eighth in a round trip: CUBIC's curve takes ten seconds and more to fill a long and fast path. A
/// competitor's queue ends this at once.
#[derive(Debug)]
pub(crate) struct Cubic {
    mtu: usize,
    window: usize,
    slow_start_threshold: usize,
    hystart: HyStart,
    epoch: Option<Epoch>,
    /// The window before the last reduction, in bytes: W_max.
    last_max: f64,
    /// Parts of a byte that the window has still to grow by.
    remainder: f64,
    judges_delay: bool,
    /// What is watched when it does.
    delay: DelayWatch,
    /// The last loss was not congestion, so the repair does not hold the window.
    tolerated: bool,
    /// Round trips in which losses still come from slow start, whose end has answered them.
    answered: u32,
    before_timeout: Option<(usize, usize, f64)>,
}

/// Congestion avoidance since the last reduction.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// The last acknowledgement: what the application did not use is no time.
    last: Instant,
    /// Seconds until the window is again where the loss was.
    k: f64,
    /// Where the curve is flat, in bytes.
    origin: f64,
    /// The window that Reno would have, in bytes.
    friendly: f64,
    /// The window at the beginning.
    prior: f64,
}

impl Cubic {
    pub(crate) fn new(mtu: usize, judges_delay: bool) -> Self {
        Self {
            mtu,
            window: INITIAL_PACKETS * mtu,
            slow_start_threshold: usize::MAX,
            hystart: HyStart::default(),
            epoch: None,
            last_max: 0.0,
            remainder: 0.0,
            judges_delay,
            delay: DelayWatch::default(),
            tolerated: false,
            answered: 0,
            before_timeout: None,
        }
    }

    fn in_slow_start(&self) -> bool {
        self.window < self.slow_start_threshold
    }

    fn slow_start(&mut self, acked: &Acked) {
        if self.judges_delay {
            if self.delay.sees_queue(acked.least_round_trip) {
                self.leave_slow_start(acked.least_round_trip);
            } else if acked.window_limited {
                // Twice as much in a round trip would overflow the queue of a long and fast path by as much as it holds (RFC 3742).
                let divisor = if self.window > LIMITED_SLOW_START {
                    4
                } else {
                    1
                };
                self.window += acked.bytes / divisor;
            }
            return;
        }
        match self.hystart.on_ack(acked.sample, acked.round_ended) {
            Step::Grow(divisor) => {
                if acked.window_limited {
                    self.window += acked.bytes / divisor;
                }
            }
            Step::Leave => {
                self.slow_start_threshold = self.window;
                self.epoch = None;
            }
        }
    }

    /// The queue grows, and by the time this is known twice as much is on its way as the path holds. What arrived of late is what
    /// it holds; losses of the rest say nothing new.
    fn leave_slow_start(&mut self, least: Duration) {
        let estimate = self.delay.path_bytes(least);
        if let Some(held) = estimate.filter(|_| self.window > LEAST_SHRUNK) {
            let held = held + held / 16;
            self.window = held.clamp(self.window / 2, self.window);
        }
        self.slow_start_threshold = self.window;
        self.epoch = None;
        self.last_max = self.window as f64;
        self.answered = ANSWERED_ROUNDS;
    }

    /// RFC 9438 §4.2 to §4.5.
    fn avoid_congestion(&mut self, acked: &Acked) {
        let mtu = self.mtu as f64;
        let window = self.window as f64;
        let epoch = self
            .epoch
            .get_or_insert_with(|| Epoch::begin(acked.now, window, self.last_max, mtu));
        let since_last = acked.now.saturating_duration_since(epoch.last);
        epoch.last = acked.now;
        if !acked.window_limited {
            epoch.start = (epoch.start + since_last).min(acked.now);
            return;
        }
        let ahead = acked.smoothed.unwrap_or_default();
        let time = acked.now.saturating_duration_since(epoch.start);
        if self.judges_delay && self.delay.is_quiet() && time.as_secs_f64() >= epoch.k {
            // The window is again where there was congestion, and nothing waits: there is more to be had than the curve takes.
            self.window += acked.bytes / QUIET_GROWTH_DIVISOR;
            self.last_max = self.window as f64;
            self.epoch = None;
            return;
        }
        let alpha = if epoch.friendly < epoch.prior {
            RENO_ALPHA
        } else {
            1.0
        };
        epoch.friendly += alpha * mtu * acked.bytes as f64 / window;
        let target = epoch.curve(time + ahead, mtu).clamp(window, 1.5 * window);
        let mut growth = (target - window) / window * acked.bytes as f64;
        if epoch.curve(time, mtu) < epoch.friendly {
            growth = growth.max(epoch.friendly - window);
        }
        self.remainder += growth;
        let whole = self.remainder.floor();
        self.remainder -= whole;
        self.window += bytes(whole);
    }

    /// Lowers the window to a share of what it was (RFC 9438 §4.6, §4.7).
    fn reduce(&mut self, share: f64) {
        let window = self.window as f64;
        self.last_max = if window < self.last_max {
            window * (1.0 + share) / 2.0
        } else {
            window
        };
        self.window = bytes(window * share).max(FLOOR_PACKETS * self.mtu);
        self.slow_start_threshold = self.window;
        self.epoch = None;
        self.remainder = 0.0;
    }
}

impl CongestionControl for Cubic {
    fn window(&self) -> usize {
        self.window
    }

    fn on_ack(&mut self, acked: &Acked) {
        if self.judges_delay {
            self.delay.on_ack(acked);
            if acked.round_ended {
                self.answered = self.answered.saturating_sub(1);
            }
        }
        if acked.bytes == 0 || (acked.recovering && !self.tolerated) {
            return;
        }
        if self.in_slow_start() {
            self.slow_start(acked);
        } else {
            self.avoid_congestion(acked);
        }
        self.window = self.window.min(MAX_WINDOW);
    }

    fn on_loss(&mut self, loss: &Loss) {
        let least = loss.least_round_trip.as_secs_f64();
        let present = loss.round_trip.as_secs_f64().max(least);
        if self.answered > 0 {
            self.tolerated = true;
            return;
        }
        let queue_seen = present > least * (1.0 + QUEUE_SHARE);
        self.tolerated = self.judges_delay && !queue_seen && loss.percent < HEAVY_LOSS_PERCENT;
        if self.tolerated {
            return;
        }
        if self.judges_delay && self.in_slow_start() && self.last_max == 0.0 {
            return self.leave_slow_start(loss.least_round_trip);
        }
        let share = if self.judges_delay && queue_seen && loss.percent < HEAVY_LOSS_PERCENT {
            (DRAIN * least / present).max(BETA)
        } else {
            BETA
        };
        self.reduce(share);
    }

    fn on_timeout(&mut self, heard: bool) {
        self.before_timeout = Some((self.window, self.slow_start_threshold, self.last_max));
        if heard {
            self.reduce(BETA);
        }
        self.window = self.mtu;
        self.hystart = HyStart::default();
        self.tolerated = false;
    }

    fn on_spurious_timeout(&mut self) {
        if let Some((window, threshold, last_max)) = self.before_timeout.take() {
            self.window = self.window.max(window);
            self.slow_start_threshold = threshold;
            self.last_max = last_max;
            self.epoch = None;
        }
    }

    fn on_idle(&mut self, timeouts: u32) {
        self.delay.forget();
        let decayed = self.window.checked_shr(timeouts).unwrap_or(0);
        self.window = decayed.max(INITIAL_PACKETS * self.mtu).min(self.window);
        self.epoch = None;
    }

    fn set_packet_size(&mut self, mtu: usize) {
        self.mtu = mtu;
    }

    fn pacing_rate(&self, round_trip: Duration) -> Option<u64> {
        rate(
            self.window,
            if self.in_slow_start() { 8 } else { 5 },
            round_trip,
        )
    }
}

impl Epoch {
    fn begin(now: Instant, window: f64, last_max: f64, mtu: f64) -> Self {
        let origin = last_max.max(window);
        Self {
            start: now,
            last: now,
            k: ((origin - window) / mtu / C).cbrt(),
            origin,
            friendly: window,
            prior: origin,
        }
    }

    /// W_cubic at a time since the beginning, in bytes.
    fn curve(&self, time: Duration, mtu: f64) -> f64 {
        C * (time.as_secs_f64() - self.k).powi(3) * mtu + self.origin
    }
}

/// Beyond this slow start grows by a quarter in a round trip.
const LIMITED_SLOW_START: usize = 2 << 20;
/// A smaller window is not cut when slow start ends: the queue bears it, and a newcomer keeps its share.
const LEAST_SHRUNK: usize = 100_000;
/// By how much the window grows in a round trip where nothing waits on the path: one part of so many.
const QUIET_GROWTH_DIVISOR: usize = 8;
/// Until what was sent before slow start ended is repaired.
const ANSWERED_ROUNDS: u32 = 3;
/// RFC 9438 §5 and §4.6.
const C: f64 = 0.4;
const BETA: f64 = 0.7;
/// Reno's growth with this decrease (RFC 9438 §4.3).
const RENO_ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
/// By how much a round trip must exceed the least one to show a queue.
const QUEUE_SHARE: f64 = 0.125;
/// A little less than what the path holds, so that the queue drains.
const DRAIN: f64 = 0.95;
/// Such a loss counts whatever the delay: shallow queues and policers drop without any.
const HEAVY_LOSS_PERCENT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(now: Instant, bytes: usize) -> Acked {
        Acked {
            now,
            bytes,
            cumulative_advanced: true,
            window_limited: true,
            recovering: false,
            sample: None,
            least_round_trip: Duration::from_millis(100),
            smoothed: Some(Duration::from_millis(100)),
            round_ended: false,
        }
    }

    fn loss(millis: u64, percent: u32) -> Loss {
        Loss {
            round_trip: Duration::from_millis(millis),
            least_round_trip: Duration::from_millis(100),
            percent,
        }
    }

    fn at(window: usize, judges_delay: bool) -> Cubic {
        let mut cubic = Cubic::new(1000, judges_delay);
        cubic.window = window;
        cubic.slow_start_threshold = window;
        cubic
    }

    #[test]
    fn the_window_returns_to_where_the_loss_was_after_k_seconds() {
        let mut cubic = at(1_000_000, false);
        cubic.on_loss(&loss(100, 1));
        assert_eq!(cubic.window(), 700_000);
        // K is the cube root of 300 packets / 0.4: 9.09 s.
        let start = netsim::epoch();
        for round in 0..90 {
            let now = start + Duration::from_millis(100) * round;
            let window = cubic.window();
            cubic.on_ack(&ack(now, window));
        }
        assert!(
            (990_000..=1_000_000).contains(&cubic.window()),
            "{}",
            cubic.window()
        );
        for round in 90..180 {
            let now = start + Duration::from_millis(100) * round;
            let window = cubic.window();
            cubic.on_ack(&ack(now, window));
        }
        assert!(cubic.window() > 1_200_000);
    }

    #[test]
    fn a_loss_without_a_queue_is_not_congestion_and_one_with_a_queue_is() {
        let mut cubic = at(1_000_000, true);
        cubic.on_loss(&loss(105, 3));
        assert_eq!(cubic.window(), 1_000_000);
        cubic.on_loss(&loss(118, 3));
        assert_eq!(cubic.window(), 805_084);
        cubic.on_loss(&loss(200, 3));
        assert_eq!(cubic.window(), 563_558);
    }

    /// A round trip's worth of acknowledgements that took so long, the last one ending the round.
    fn round(cubic: &mut Cubic, now: Instant, millis: u64) {
        let bytes = cubic.window() / 10;
        for place in 0..10 {
            cubic.on_ack(&Acked {
                sample: Some(Duration::from_millis(millis)),
                round_ended: place == 9,
                ..ack(now + Duration::from_millis(10) * place, bytes)
            });
        }
    }

    #[test]
    fn where_nothing_waits_the_window_grows_by_an_eighth_and_not_before_it_is_where_the_loss_was() {
        let start = netsim::epoch();
        let mut cubic = at(1_000_000, true);
        cubic.on_loss(&loss(150, 1));
        assert_eq!(cubic.window(), 700_000);
        for second in 0..9 {
            round(&mut cubic, start + Duration::from_secs(second), 101);
        }
        assert!(cubic.window() < 1_000_000, "{}", cubic.window());
        // K is over after 9.09 s.
        round(&mut cubic, start + Duration::from_secs(10), 101);
        let before = cubic.window();
        round(&mut cubic, start + Duration::from_secs(11), 101);
        let grown = cubic.window() - before;
        assert!((before / 9..before / 7).contains(&grown), "{grown}");
        round(&mut cubic, start + Duration::from_secs(12), 110);
        let before = cubic.window();
        round(&mut cubic, start + Duration::from_secs(12), 110);
        assert!(cubic.window() - before < before / 50);
    }

    #[test]
    fn slow_start_ends_with_what_the_path_holds_when_a_queue_grows() {
        let start = netsim::epoch();
        let mut cubic = Cubic::new(1000, true);
        for trip in 0..6 {
            round(&mut cubic, start + Duration::from_millis(100) * trip, 100);
        }
        let grown = cubic.window();
        assert!(grown > 500_000, "{grown}");
        // 500 kB arrive in each of the round trips that follow, and wait longer and longer.
        for trip in 6..9 {
            for place in 0..10 {
                cubic.on_ack(&Acked {
                    sample: Some(Duration::from_millis(100 + 20 * (trip - 6) + 2 * place)),
                    ..ack(
                        start + Duration::from_millis(100 * trip + 10 * place),
                        50_000,
                    )
                });
            }
        }
        assert!(!cubic.in_slow_start());
        assert!(
            (500_000..700_000).contains(&cubic.window()),
            "{}",
            cubic.window()
        );
        let window = cubic.window();
        cubic.on_loss(&loss(180, 20));
        assert_eq!(cubic.window(), window, "that was answered");
    }

    /// P-15, P-16: what the application does not use does not grow; losses leave four packets.
    #[test]
    fn slow_start_needs_a_full_window_and_losses_leave_four_packets() {
        for judges_delay in [false, true] {
            let mut cubic = Cubic::new(1000, judges_delay);
            let idle = Acked {
                window_limited: false,
                ..ack(netsim::epoch(), 5000)
            };
            cubic.on_ack(&idle);
            assert_eq!(cubic.window(), 10_000);
            cubic.on_ack(&ack(netsim::epoch(), 5000));
            assert_eq!(cubic.window(), 15_000);
            let mut cubic = at(1_000_000, judges_delay);
            for _ in 0..40 {
                cubic.on_loss(&loss(200, 20));
            }
            assert_eq!(cubic.window(), 4000);
        }
    }

    #[test]
    fn heavy_loss_is_congestion_whatever_the_delay() {
        let mut cubic = at(1_000_000, true);
        cubic.on_loss(&loss(100, 10));
        assert_eq!(cubic.window(), 700_000);
    }

    #[test]
    fn what_the_application_does_not_use_is_no_time() {
        let mut cubic = at(100_000, false);
        cubic.on_loss(&loss(100, 1));
        let start = netsim::epoch();
        cubic.on_ack(&ack(start, 1000));
        let idle = Acked {
            window_limited: false,
            ..ack(start + Duration::from_secs(60), 1000)
        };
        cubic.on_ack(&idle);
        cubic.on_ack(&ack(start + Duration::from_secs(60), 1000));
        assert!(cubic.window() < 71_000, "{}", cubic.window());
    }
}
