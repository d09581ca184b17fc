//! Data channels as the connection offers them.

use std::time::Instant;

use super::PeerConnection;
use super::events::Events;
use crate::data::{ChannelId, Channels, DataChannel, DataChannelInit};
use crate::error::CreateDataChannelError;
use crate::jsep::SignalingState;

impl PeerConnection {
    /// Adds a data channel (W3C `createDataChannel`). It opens with the association, or at once when that stands.
    pub fn create_data_channel(
        &mut self,
        now: Instant,
        label: &str,
        init: DataChannelInit,
    ) -> Result<ChannelId, CreateDataChannelError> {
        if self.jsep.state == SignalingState::Closed {
            return Err(CreateDataChannelError::Closed);
        }
        let id = self.channels.create(label, init)?;
        self.jsep.wants_data = true;
        self.settle(now);
        self.note_negotiation();
        Ok(id)
    }

    /// Sets the most that all data channels together may send, in bits of payload per second, so that data and media keep to one budget: what
    /// an estimate of the path leaves beside the media. `None`, the default, leaves it to congestion control alone. It holds for whatever
    /// association the connection has.
    pub fn set_data_rate_limit(&mut self, now: Instant, bits_per_second: Option<u64>) {
        self.channels.rate_limit = bits_per_second;
        if let Some(association) = &mut self.association {
            association.set_rate_limit(bits_per_second);
        }
        self.settle(now);
    }

    /// A channel; `None` once it is closed and read empty.
    pub fn data_channel(&mut self, id: ChannelId) -> Option<DataChannel<'_>> {
        self.channels
            .contains(id)
            .then(|| DataChannel::new(self, id))
    }

    pub(crate) const fn data(&self) -> (&Channels, Option<&sctp::Association>) {
        (&self.channels, self.association.as_ref())
    }

    pub(crate) const fn data_mut(
        &mut self,
    ) -> (&mut Channels, Option<&mut sctp::Association>, &mut Events) {
        (
            &mut self.channels,
            self.association.as_mut(),
            &mut self.events,
        )
    }

    /// What the association may use. Its packets fit the path once they are DTLS records (M-1).
    pub(super) fn association_config(&self, remote_port: u16, packet_bytes: usize) -> sctp::Config {
        let mut config = sctp::Config::default();
        config.remote_port = remote_port;
        config.mtu = packet_bytes.max(MIN_SCTP_PACKET_BYTES);
        config.max_message_size = self.config.max_message_size;
        config.send_buffer_bytes = self.config.send_buffer_bytes;
        config.congestion = self.config.data_congestion;
        config.receive_window_bytes = self
            .config
            .receive_window_bytes
            .max(self.config.max_message_size.saturating_mul(2));
        config.max_retransmissions = None; // ICE says when the path is dead
        config.max_init_retransmissions = None;
        config.zero_checksum = true; // DTLS finds what changes on the way (RFC 9653 §8)
        config
    }
}

/// The least that the association takes.
const MIN_SCTP_PACKET_BYTES: usize = 508;
