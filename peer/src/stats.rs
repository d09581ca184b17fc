//! What was counted, with the names of W3C webrtc-stats.

use std::time::{Duration, Instant};

use crate::{ChannelId, ChannelState, ConnectionState, TransceiverId};

/// A report of [`PeerConnection::stats`](crate::PeerConnection::stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// When it was made.
    pub timestamp: Instant,
    /// `peer-connection`.
    pub peer_connection: PeerConnectionStats,
    /// `transport`.
    pub transport: TransportStats,
    /// `candidate-pair`, one for each.
    pub candidate_pairs: Vec<ice::PairStats>,
    /// `local-candidate` and `remote-candidate`, one for each.
    pub candidates: Vec<ice::CandidateStats>,
    /// The ICE agent's own counters.
    pub ice: ice::Stats,
    /// The clients of TURN servers.
    pub relays: Vec<crate::RelayStats>,
    /// `data-channel`, one for each that is not closed.
    pub data_channels: Vec<DataChannelStats>,
    /// `inbound-rtp` and `outbound-rtp`, once media was negotiated, each with the transceiver it belongs to.
    pub media: Option<session::Stats>,
    /// Which transceiver sends and receives under which ids of [`media`](Self::media).
    pub streams: Vec<MediaIds>,
    /// What SRTP opened and refused, once there are keys.
    pub srtp: Option<srtp::Stats>,
    /// The association's counters, once there is one.
    pub sctp: Option<sctp::Stats>,
    /// The handshake's counters, once there is one.
    pub dtls: Option<dtls::Stats>,
    /// What this crate dropped, by reason.
    pub dropped: Dropped,
}

/// A transceiver and the names that the RTP session gave its two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaIds {
    /// The transceiver.
    pub transceiver: TransceiverId,
    /// Its sender.
    pub sender: Option<session::SenderId>,
    /// Its receiver.
    pub receiver: Option<session::ReceiverId>,
}

/// W3C `RTCPeerConnectionStats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerConnectionStats {
    /// Channels that reached the open state.
    pub data_channels_opened: u64,
    /// Channels that left it.
    pub data_channels_closed: u64,
    /// OPENs of the peer that were refused.
    pub data_channels_refused: u64,
}

/// W3C `RTCTransportStats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportStats {
    /// Datagrams sent.
    pub packets_sent: u64,
    /// Datagrams received, whatever was in them.
    pub packets_received: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// The state of all transports together.
    pub connection_state: ConnectionState,
    /// `dtlsRole`, once it is known.
    pub dtls_role: Option<dtls::Role>,
    /// `tlsVersion`, once connected: 0xfefc is DTLS 1.3, 0xfefd 1.2.
    pub tls_version: Option<u16>,
    /// `dtlsCipher`, by its registered number.
    pub dtls_cipher: Option<u16>,
    /// Datagrams of the handshake that connectivity checks brought (SPED).
    pub dtls_carried: u64,
    /// `srtpCipher`, by its registered number.
    pub srtp_cipher: Option<u16>,
    /// The round trip of the path in use.
    pub current_round_trip_time: Option<Duration>,
    /// How often the selected path changed.
    pub selected_candidate_pair_changes: u64,
}

/// W3C `RTCDataChannelStats`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataChannelStats {
    /// The channel.
    pub id: ChannelId,
    /// Its label.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Its stream.
    pub data_channel_identifier: Option<u16>,
    /// Its state.
    pub state: ChannelState,
    /// Messages sent.
    pub messages_sent: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Messages read by the application.
    pub messages_received: u64,
    /// Their payload bytes.
    pub bytes_received: u64,
    /// Pieces of messages that were sent again.
    pub retransmitted_chunks: u64,
    /// Messages of ours that were given up, as the channel's reliability allows.
    pub abandoned_messages: u64,
    /// W3C `bufferedAmount`.
    pub buffered_amount: usize,
    /// How long the oldest message has waited that was taken and is not wholly on its way.
    pub oldest_buffered: Option<Duration>,
    /// Bytes that arrived and were not read.
    pub unread_bytes: usize,
}

/// Datagrams and messages that were dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The first byte belongs to no protocol that is spoken here (RFC 7983).
    pub unknown_content: u64,
    /// DTLS or SRTP on a path that no connectivity check proved.
    pub unproved_path: u64,
    /// DTLS that came too early and found no room.
    pub early_dtls: u64,
    /// SRTP or SRTCP that came before the keys and found no room, or waited too long.
    pub before_keys: u64,
    /// SRTP or SRTCP that could not be opened.
    pub srtp: u64,
    /// Checks that a relay could not carry: it lets nothing through to that address, or not any more.
    pub relay: u64,
    /// Packets of ours that could not be sealed.
    pub seal: u64,
    /// Data-channel messages: of unknown kind, before their channel, or after its end.
    pub messages: u64,
}
