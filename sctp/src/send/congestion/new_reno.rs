use std::time::Duration;

use super::{Acked, CongestionControl, FLOOR_PACKETS, INITIAL_PACKETS, Loss, MAX_WINDOW, rate};

/// The congestion control of RFC 9260 §7.
#[derive(Debug)]
pub(crate) struct NewReno {
    mtu: usize,
    window: usize,
    slow_start_threshold: usize,
    partial_bytes_acked: usize,
    /// Window and threshold before the last timeout.
    before_timeout: Option<(usize, usize)>,
}

impl NewReno {
    pub(crate) fn new(mtu: usize) -> Self {
        Self {
            mtu,
            window: INITIAL_PACKETS * mtu,
            slow_start_threshold: usize::MAX,
            partial_bytes_acked: 0,
            before_timeout: None,
        }
    }

    fn in_slow_start(&self) -> bool {
        self.window <= self.slow_start_threshold
    }
}

impl CongestionControl for NewReno {
    fn window(&self) -> usize {
        self.window
    }

    /// RFC 9260 §7.2.1 and §7.2.2.
    fn on_ack(&mut self, acked: &Acked) {
        if !acked.cumulative_advanced || acked.recovering {
            return;
        }
        if self.in_slow_start() {
            if acked.window_limited {
                self.window += acked.bytes.min(SLOW_START_PACKETS * self.mtu);
            }
        } else {
            self.partial_bytes_acked += acked.bytes;
            if self.partial_bytes_acked >= self.window {
                self.partial_bytes_acked -= self.window;
                if acked.window_limited {
                    self.window += self.mtu;
                }
            }
        }
        self.window = self.window.min(MAX_WINDOW);
    }

    /// RFC 9260 §7.2.3.
    fn on_loss(&mut self, _: &Loss) {
        self.slow_start_threshold = (self.window / 2).max(FLOOR_PACKETS * self.mtu);
        self.window = self.slow_start_threshold;
        self.partial_bytes_acked = 0;
    }

    fn on_timeout(&mut self, heard: bool) {
        self.before_timeout = Some((self.window, self.slow_start_threshold));
        if heard {
            self.slow_start_threshold = (self.window / 2).max(FLOOR_PACKETS * self.mtu);
        }
        self.window = self.mtu;
        self.partial_bytes_acked = 0;
    }

    fn on_spurious_timeout(&mut self) {
        if let Some((window, threshold)) = self.before_timeout.take() {
            self.window = self.window.max(window);
            self.slow_start_threshold = threshold;
        }
    }

    fn on_idle(&mut self, timeouts: u32) {
        let decayed = self.window.checked_shr(timeouts).unwrap_or(0);
        self.window = decayed.max(INITIAL_PACKETS * self.mtu).min(self.window);
        self.partial_bytes_acked = 0;
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

/// How fast the window opens in slow start, in packets for each acknowledgement: L of RFC 9260 §7.2.1, for a sender that paces.
const SLOW_START_PACKETS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(bytes: usize, window_limited: bool) -> Acked {
        Acked {
            now: netsim::epoch(),
            bytes,
            cumulative_advanced: true,
            window_limited,
            recovering: false,
            sample: None,
            least_round_trip: Duration::ZERO,
            smoothed: None,
            round_ended: false,
        }
    }

    const LOSS: Loss = Loss {
        round_trip: Duration::from_millis(100),
        least_round_trip: Duration::from_millis(50),
        percent: 1,
    };

    #[test]
    fn the_window_grows_only_when_it_was_full() {
        let mut reno = NewReno::new(1000);
        reno.on_ack(&ack(2000, false));
        assert_eq!(reno.window(), 10_000);
        reno.on_ack(&ack(2000, true));
        assert_eq!(reno.window(), 12_000);
        reno.on_ack(&ack(500, true));
        assert_eq!(reno.window(), 12_500);
    }

    /// P-16: eight packets for an acknowledgement, and none where the cumulative TSN stays or a loss is repaired.
    #[test]
    fn the_window_grows_by_what_moves_on_and_not_by_leaps() {
        let mut reno = NewReno::new(1000);
        reno.on_ack(&ack(20_000, true));
        assert_eq!(reno.window(), 18_000);
        reno.on_ack(&Acked {
            cumulative_advanced: false,
            ..ack(2000, true)
        });
        reno.on_ack(&Acked {
            recovering: true,
            ..ack(2000, true)
        });
        assert_eq!(reno.window(), 18_000);
    }

    /// P-15: slow start ends with a loss and not before, and losses leave four packets.
    #[test]
    fn nothing_but_a_loss_ends_slow_start_and_four_packets_are_the_floor() {
        let mut reno = NewReno::new(1000);
        while reno.window() < 2_000_000 {
            reno.on_ack(&ack(8000, true));
            assert!(reno.in_slow_start());
        }
        for _ in 0..20 {
            reno.on_loss(&LOSS);
        }
        assert_eq!(reno.window(), 4000);
    }

    #[test]
    fn avoidance_adds_one_packet_for_each_window() {
        let mut reno = NewReno::new(1000);
        reno.on_loss(&LOSS);
        assert_eq!(reno.window(), 5000);
        reno.window += 1;
        for _ in 0..5 {
            reno.on_ack(&ack(1000, true));
        }
        assert_eq!(reno.window(), 5001);
        reno.on_ack(&ack(1000, true));
        assert_eq!(reno.window(), 6001);
    }

    #[test]
    fn a_timeout_leaves_one_packet_and_a_mistaken_one_is_undone() {
        let mut reno = NewReno::new(1000);
        reno.on_timeout(true);
        assert_eq!(reno.window(), 1000);
        reno.on_spurious_timeout();
        assert_eq!(reno.window(), 10_000);
        assert!(reno.in_slow_start());
    }
}
