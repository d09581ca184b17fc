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
    /// How often T3 expired.
    pub retransmission_timeouts: u64,
    /// The smoothed round trip, once one was measured.
    pub round_trip: Option<Duration>,
    /// The congestion window, in bytes.
    pub congestion_window_bytes: usize,
    /// What was not used, by reason.
    pub dropped: Dropped,
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
    /// Messages whose number was used before.
    pub refused_messages: u64,
    /// Acknowledgements overtaken by newer ones.
    pub stale_sacks: u64,
    /// Acknowledgements with impossible gap ack blocks.
    pub malformed_sacks: u64,
    /// Replies that found their queue full.
    pub replies: u64,
}
