use std::time::{Duration, Instant};

use super::Association;
use super::state::State;
use crate::chunk::{ChunkStart, ChunkType, PadChunk, Parameter, ParameterType};
use crate::error::ProbeError;
use crate::event::Event;
use crate::packet::HEADER_LENGTH;
use crate::timer::Timer;

/// A packet that is sent to see whether its size goes through.
#[derive(Debug, Default)]
pub(super) struct Probing {
    probe: Option<Probe>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    bytes: usize,
    nonce: u64,
    /// When it was sent; it waits to be sent until then.
    sent: Option<Instant>,
}

impl Association {
    /// Tries whether a packet of `bytes` (the whole SCTP packet, rounded down to a multiple of four) goes through: a HEARTBEAT with a PAD
    /// chunk (RFC 4820, RFC 8899 §6.2.1.2). [`Event::ProbeAcknowledged`] or [`Event::ProbeLost`] follows; a lost probe says nothing to
    /// congestion control and does not count against the peer.
    pub fn probe(&mut self, now: Instant, bytes: usize) -> Result<(), ProbeError> {
        if !matches!(self.state, State::Established) {
            return Err(ProbeError::NotEstablished);
        }
        if self.probing.probe.is_some() {
            return Err(ProbeError::Busy);
        }
        if !(508..=65_507).contains(&bytes) {
            return Err(ProbeError::Size);
        }
        self.probing.probe = Some(Probe {
            bytes: bytes & !3,
            nonce: self.secret.next_u64(),
            sent: None,
        });
        self.settle(now);
        Ok(())
    }

    /// The largest SCTP packet from now on, in bytes, within 508 to 65,507; [`Config::mtu`](crate::Config::mtu) at first, and again after
    /// [`on_path_change`](Self::on_path_change). A chunk that was sent in a larger packet and is lost is sent again as large as it was, alone
    /// in its packet, because a chunk cannot be cut (RFC 9260 §6.9): the layer below should let such datagrams be fragmented.
    pub fn set_max_datagram(&mut self, now: Instant, bytes: usize) {
        self.sender.set_packet_size(bytes.clamp(508, 65_507));
        self.settle(now);
    }

    /// The largest SCTP packet now, in bytes.
    pub fn max_datagram(&self) -> usize {
        self.sender.packet_size()
    }

    /// Sets the most that may leave, in bits of payload per second, so that data and what shares the path with it keep to one
    /// budget. Default: no limit but congestion control's.
    pub fn set_rate_limit(&mut self, bits_per_second: Option<u64>) {
        self.sender
            .set_rate_limit(bits_per_second.map(|bits| bits / 8));
        self.timers.stop(Timer::Pacing);
    }

    /// The packets take another path from now on: window, round trip, timeouts and packet size begin anew (as RFC 9260 §7.2.5 has it for
    /// a peer's address; the layer below must tell, because SCTP sees but one path, RFC 8261).
    pub fn on_path_change(&mut self, now: Instant) {
        self.sender.on_path_change(&self.config);
        self.timers.stop(Timer::Pacing);
        self.probing = Probing::default();
        self.timers.stop(Timer::Probe);
        self.settle(now);
    }

    /// Appends a probe as a packet of its own, if one waits. True when one did.
    pub(super) fn transmit_probe(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        let (Some(peer), Some(probe)) = (self.peer, &mut self.probing.probe) else {
            return false;
        };
        if probe.sent.is_some() || !self.state.is_synchronized() {
            return false;
        }
        probe.sent = Some(now);
        let Probe { bytes, nonce, .. } = *probe;
        // RFC 8899 §5.1.1 asks for more than a round trip; 15 s is the choice for paths without any.
        let patience = self.sender.round_trip().unwrap_or(LEAST_PATIENCE) * 3;
        self.timers
            .set(Timer::Probe, now + patience.max(LEAST_PATIENCE));
        let packet = self.start_packet(peer.tag, buf);
        let chunk = ChunkStart::append(buf, ChunkType::HEARTBEAT, 0);
        let mut info = [0; 9];
        info[0] = PROBE_MARK;
        info[1..].copy_from_slice(&nonce.to_be_bytes());
        Parameter {
            kind: ParameterType::HEARTBEAT_INFO,
            value: &info,
        }
        .encode(buf);
        chunk.finish(buf);
        PadChunk::encode_zeros(buf, bytes - HEADER_LENGTH - HEARTBEAT_LENGTH);
        self.finish_packet(packet, buf);
        true
    }

    pub(super) fn has_probe_to_send(&self) -> bool {
        self.probing.probe.is_some_and(|probe| probe.sent.is_none())
    }

    /// Takes the answer to a HEARTBEAT if that was a probe. True when it was.
    pub(super) fn on_probe_ack(&mut self, value: &[u8]) -> bool {
        let Some((&PROBE_MARK, nonce)) = value.split_first() else {
            return false;
        };
        let asked = self
            .probing
            .probe
            .take_if(|probe| probe.sent.is_some() && probe.nonce.to_be_bytes() == nonce);
        if let Some(Probe { bytes, .. }) = asked {
            self.timers.stop(Timer::Probe);
            self.events.push_back(Event::ProbeAcknowledged { bytes });
        }
        asked.is_some()
    }

    /// No answer came.
    pub(super) fn on_probe_timer(&mut self) {
        if let Some(Probe { bytes, .. }) = self.probing.probe.take() {
            self.events.push_back(Event::ProbeLost { bytes });
        }
    }
}

/// Tells the information of a probe from that of another HEARTBEAT.
const PROBE_MARK: u8 = 1;
/// The HEARTBEAT of a probe, with its padding.
const HEARTBEAT_LENGTH: usize = 4 + 4 + 12;
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
