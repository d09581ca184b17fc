/// How much may be in flight: the congestion window of RFC 9260 §7.
///
/// Other algorithms stand beside it with the same five `on_` methods; nothing else of the association knows the window.
#[derive(Debug)]
pub(crate) struct NewReno {
    mtu: usize,
    window: usize,
    slow_start_threshold: usize,
    partial_bytes_acked: usize,
    burst_credit: usize,
}

/// What one acknowledgement said, as far as congestion control is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Acked {
    /// Bytes acknowledged for the first time.
    pub(crate) bytes: usize,
    /// The cumulative TSN moved on.
    pub(crate) cumulative_advanced: bool,
    /// Bytes in flight before it came.
    pub(crate) flight_before: usize,
    /// Lost data is still being repaired.
    pub(crate) recovering: bool,
}

impl NewReno {
    /// Ten packets at first, as RFC 6928 for TCP: less would add round trips to every short answer.
    pub(crate) fn new(mtu: usize) -> Self {
        Self {
            mtu,
            window: INITIAL_PACKETS * mtu,
            slow_start_threshold: usize::MAX,
            partial_bytes_acked: 0,
            burst_credit: INITIAL_PACKETS * mtu,
        }
    }

    /// The window, in bytes.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// Whether another chunk may be sent with `flight` bytes in flight (RFC 9260 §6.1 B).
    pub(crate) fn allows(&self, flight: usize) -> bool {
        flight < self.window && (flight == 0 || self.burst_credit > 0)
    }

    /// A chunk was sent.
    pub(crate) fn on_sent(&mut self, bytes: usize, flight_before: usize) {
        if flight_before == 0 {
            self.burst_credit = self.burst_credit.max(INITIAL_PACKETS * self.mtu);
        }
        self.burst_credit = self.burst_credit.saturating_sub(bytes);
    }

    /// RFC 9260 §7.2.1 and §7.2.2.
    pub(crate) fn on_ack(&mut self, acked: Acked) {
        // Each acknowledgement lets at most twice what it freed out at once, and no less than Max.Burst
        // (RFC 9260 §6.1 D): a window that opens wide after a repair must not become one burst.
        let grant = (2 * acked.bytes).max(MAX_BURST_PACKETS * self.mtu);
        self.burst_credit = self.burst_credit.saturating_add(grant).min(self.window);
        if !acked.cumulative_advanced || acked.recovering {
            return;
        }
        let was_full = acked.flight_before.saturating_add(self.mtu) > self.window;
        if self.window <= self.slow_start_threshold {
            if was_full {
                self.window += acked.bytes.min(SLOW_START_PACKETS * self.mtu);
            }
        } else {
            self.partial_bytes_acked += acked.bytes;
            if self.partial_bytes_acked >= self.window {
                self.partial_bytes_acked -= self.window;
                if was_full {
                    self.window += self.mtu;
                }
            }
        }
        self.window = self.window.min(MAX_WINDOW);
    }

    /// A gap showed a loss; called once for each repair (RFC 9260 §7.2.3).
    pub(crate) fn on_loss(&mut self) {
        self.slow_start_threshold = (self.window / 2).max(FLOOR_PACKETS * self.mtu);
        self.window = self.slow_start_threshold;
        self.partial_bytes_acked = 0;
    }

    /// T3 expired: start again from one packet (RFC 9260 §7.2.3).
    pub(crate) fn on_timeout(&mut self) {
        self.slow_start_threshold = (self.window / 2).max(FLOOR_PACKETS * self.mtu);
        self.window = self.mtu;
        self.partial_bytes_acked = 0;
        self.burst_credit = MAX_BURST_PACKETS * self.mtu;
    }

    /// Nothing was sent for some timeouts: what was learnt about the path fades (RFC 9260 §7.2.1).
    pub(crate) fn on_idle(&mut self, timeouts: u32) {
        let decayed = self.window.checked_shr(timeouts).unwrap_or(0);
        self.window = decayed.max(INITIAL_PACKETS * self.mtu).min(self.window);
        self.partial_bytes_acked = 0;
    }
}

const INITIAL_PACKETS: usize = 10;
const FLOOR_PACKETS: usize = 4;
const MAX_BURST_PACKETS: usize = 4;
/// How fast the window opens in slow start, in packets for each acknowledgement: L of RFC 9260 §7.2.1.
const SLOW_START_PACKETS: usize = 2;
/// Beyond any window a peer of ours announces; keeps the sums far from overflow.
const MAX_WINDOW: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(bytes: usize, flight_before: usize) -> Acked {
        Acked {
            bytes,
            cumulative_advanced: true,
            flight_before,
            recovering: false,
        }
    }

    #[test]
    fn the_window_grows_only_when_it_was_full() {
        let mut reno = NewReno::new(1000);
        reno.on_ack(ack(2000, 5000));
        assert_eq!(reno.window(), 10_000);
        reno.on_ack(ack(2000, 10_000));
        assert_eq!(reno.window(), 12_000);
        reno.on_ack(ack(500, 12_000));
        assert_eq!(reno.window(), 12_500);
    }

    #[test]
    fn avoidance_adds_one_packet_for_each_window() {
        let mut reno = NewReno::new(1000);
        reno.on_loss();
        assert_eq!(reno.window(), 5000);
        reno.window += 1;
        for _ in 0..5 {
            reno.on_ack(ack(1000, 5001));
        }
        assert_eq!(reno.window(), 5001);
        reno.on_ack(ack(1000, 5001));
        assert_eq!(reno.window(), 6001);
    }

    #[test]
    fn a_timeout_leaves_one_packet() {
        let mut reno = NewReno::new(1000);
        reno.on_timeout();
        assert_eq!(reno.window(), 1000);
        assert!(reno.allows(0) && reno.allows(999) && !reno.allows(1000));
    }

    #[test]
    fn one_acknowledgement_lets_no_great_burst_out() {
        let mut reno = NewReno::new(1000);
        reno.window = 100_000;
        reno.on_sent(10_000, 50_000);
        assert!(!reno.allows(60_000));
        reno.on_ack(ack(1000, 60_000));
        let mut flight = 59_000;
        while reno.allows(flight) {
            reno.on_sent(1000, flight);
            flight += 1000;
        }
        assert_eq!(flight, 63_000);
    }
}
