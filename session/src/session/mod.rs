use crate::config::{Config, ReceiverConfig, SenderConfig};
use crate::error::{ConfigError, SendError};
use crate::event::{Event, Kind};
use crate::id::{ReceiverId, SenderId};
use crate::packet::ReceivedPacket;
use crate::stats::Stats;
use rtp::{ExtensionMap, PayloadType};
use std::time::{Duration, Instant};

/// The RTP session of one BUNDLE group.
#[derive(Debug)]
pub struct Session {
    config: Config,
}

/// The five verbs.
impl Session {
    /// Takes a plaintext RTP or RTCP packet: decrypted and authenticated, never anything else.
    pub fn handle_datagram(&mut self, _now: Instant, _plaintext: &[u8]) {}

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one plaintext RTP or RTCP packet to `buf` and says which. Order of service: RTCP, audio,
    /// retransmissions, video.
    pub fn poll_transmit(&mut self, _now: Instant, _buf: &mut Vec<u8>) -> Option<Kind> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// The next received media packet, in order of arrival.
    pub fn poll_packet(&mut self) -> Option<(ReceiverId, ReceivedPacket)> {
        None
    }
}

/// Construction and commands.
impl Session {
    /// A session without streams.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config })
    }

    /// Replaces the header extensions of the BUNDLE group, after a negotiation.
    pub fn set_extensions(&mut self, extensions: ExtensionMap) {
        self.config.extensions = extensions;
    }

    /// Sets what RTCP packets look like, after a negotiation.
    pub fn set_rtcp_mode(&mut self, mode: crate::RtcpMode) {
        self.config.rtcp_mode = mode;
    }

    /// Hands in a round-trip time measured elsewhere, as by ICE; used until RTCP has measured one.
    pub fn set_round_trip_time(&mut self, _round_trip: Duration) {}

    /// Adds an outgoing stream.
    pub fn add_sender(&mut self, _now: Instant, _config: SenderConfig) -> SenderId {
        SenderId::new(0)
    }

    /// Changes the payload types and the announcement of a sender after a negotiation; SSRCs stay.
    pub fn update_sender(&mut self, _now: Instant, _sender: SenderId, _config: SenderConfig) {}

    /// Ends an outgoing stream with BYE.
    pub fn remove_sender(&mut self, _now: Instant, _sender: SenderId) {}

    /// Adds a receiving media section.
    pub fn add_receiver(&mut self, _now: Instant, _config: ReceiverConfig) -> ReceiverId {
        ReceiverId::new(0)
    }

    /// Changes a receiving media section after a negotiation; its streams go on.
    pub fn update_receiver(
        &mut self,
        _now: Instant,
        _receiver: ReceiverId,
        _config: ReceiverConfig,
    ) {
    }

    /// Removes a receiving media section and its streams.
    pub fn remove_receiver(&mut self, _now: Instant, _receiver: ReceiverId) {}

    /// Sends a packet. Payload type, marker, timestamp, extensions and payload are taken from it.
    pub fn send(
        &mut self,
        _now: Instant,
        _sender: SenderId,
        _packet: rtp::Packet,
    ) -> Result<(), SendError> {
        Ok(())
    }

    /// Says when media was captured, for sender reports.
    pub fn set_capture_time(&mut self, _sender: SenderId, _captured: Instant, _timestamp: u32) {}

    /// Forwards a received packet of any session as this sender's.
    pub fn forward(
        &mut self,
        _now: Instant,
        _sender: SenderId,
        _received: &ReceivedPacket,
        _payload_type: PayloadType,
    ) -> Result<(), SendError> {
        Ok(())
    }

    /// Asks the remote side for a keyframe.
    pub fn request_keyframe(&mut self, _now: Instant, _receiver: ReceiverId) {}

    /// Says BYE for every sender and ends the session.
    pub fn close(&mut self, _now: Instant) {}

    /// What was counted.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}
