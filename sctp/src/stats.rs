use std::time::Duration;

/// What an association counted since it was made, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets built.
    pub packets_sent: u64,
    /// Packets handed in, whatever became of them.
    pub packets_received: u64,
    /// Messages taken from the application.
    pub messages_sent: u64,
    /// Messages completed and made readable.
    pub messages_received: u64,
    /// Payload bytes taken from the application.
    pub bytes_sent: u64,
    /// Payload bytes of completed messages.
    pub bytes_received: u64,
    /// Payload bytes put into packets, repetitions included.
    pub payload_bytes_sent: u64,
    /// Chunks sent again.
    pub retransmitted_chunks: u64,
    /// Payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// Chunks that the peer reports as arrived more than once: sent again for nothing, or duplicated on the way.
    pub spurious_retransmissions: u64,
    /// Messages given up, as their reliability allowed.
    pub abandoned_messages: u64,
    /// Messages taken from the application and not yet acknowledged, in bytes.
    pub outstanding_bytes: usize,
    /// Payload bytes taken from the application and not yet put into a packet, over all streams.
    pub buffered_bytes: usize,
    /// Received bytes that are kept, read or not yet put together, with their overhead.
    pub unread_bytes: usize,
    /// The window in the peer's last word, in bytes.
    pub remote_window_bytes: usize,
    /// The largest SCTP packet now, in bytes.
    pub max_datagram_bytes: usize,
    /// Messages travel in I-DATA chunks (RFC 8260): both sides can, and messages of different streams may mix.
    pub interleaving: bool,
    /// Packets leave with a zero instead of a checksum (RFC 9653).
    pub zero_checksum_sent: bool,
    /// How often T3 expired.
    pub retransmission_timeouts: u64,
    /// The smoothed round trip, once one was measured.
    pub round_trip: Option<Duration>,
    /// The congestion window, in bytes.
    pub congestion_window_bytes: usize,
    /// What was not used, by reason.
    pub dropped: Dropped,
}

/// What one stream counted since it last began anew, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Messages taken from the application.
    pub messages_sent: u64,
    /// Payload bytes taken from the application.
    pub bytes_sent: u64,
    /// Messages completed and made readable.
    pub messages_received: u64,
    /// Payload bytes of those.
    pub bytes_received: u64,
    /// Chunks sent again.
    pub retransmitted_chunks: u64,
    /// Messages given up, as their reliability allowed.
    pub abandoned_messages: u64,
    /// Payload bytes taken from the application and not yet put into a packet.
    pub buffered_bytes: usize,
    /// How long the oldest message that is not wholly in packets has waited.
    pub oldest_buffered: Option<Duration>,
    /// Payload bytes that can be read.
    pub unread_bytes: usize,
}

/// What was not used, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Packets with a wrong checksum.
    pub checksum: u64,
    /// Packets and chunks that could not be read.
    pub malformed: u64,
    /// Packets for other ports.
    pub ports: u64,
    /// Packets whose verification tag is not ours (RFC 9260 §8.5).
    pub verification_tag: u64,
    /// Chunks that have no place in the state of the association.
    pub unexpected: u64,
    /// Chunks of unknown type.
    pub unknown: u64,
    /// Cookies that are not ours.
    pub forged_cookies: u64,
    /// Cookies older than a minute.
    pub stale_cookies: u64,
    /// DATA that had arrived before.
    pub duplicates: u64,
    /// DATA beyond the window.
    pub window_overruns: u64,
    /// DATA on a stream that does not exist.
    pub invalid_stream: u64,
    /// DATA on a stream that is refused.
    pub refused_stream: u64,
    /// Unordered messages beyond their stream's limit.
    pub over_limit: u64,
    /// FORWARD-TSN that were not negotiated, or lead too far.
    pub forward_tsn: u64,
    /// Messages whose number was used before.
    pub refused_messages: u64,
    /// Acknowledgements overtaken by newer ones.
    pub stale_sacks: u64,
    /// Acknowledgements with impossible gap ack blocks.
    pub malformed_sacks: u64,
    /// Replies that found their queue full.
    pub replies: u64,
}
