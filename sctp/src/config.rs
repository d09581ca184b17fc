use std::time::Duration;

use crate::error::ConfigError;

/// What an association may use. Every field has a default that suits a data channel in a browser's company.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Our SCTP port. Default 5000, the one that every browser uses (RFC 8841 §5).
    pub local_port: u16,
    /// The peer's SCTP port, from `a=sctp-port`. Default 5000.
    pub remote_port: u16,
    /// The largest message taken from the peer, in bytes, as announced in `a=max-message-size`.
    /// Default 262,144, what Chromium announces. The stream of a larger message is refused
    /// ([`Event::StreamRefused`](crate::Event::StreamRefused)), unless it is read in pieces.
    pub max_message_size: usize,
    /// How much may wait on this side, in bytes: unread messages, messages still in pieces, and 128 bytes for
    /// each piece. Default 8 MiB less 64 KiB, so that all of it stays below 8 MiB (8,388,608 bytes) of memory with what it takes to keep
    /// it. It bounds the throughput to one window per round trip, and it bounds the
    /// memory that a peer can take: the window, a quarter of it for overhead that the peer does not know of, and one message
    /// more. The window begins at 256 KiB, or two messages of the largest size, and doubles up to this whenever a quarter of it is
    /// read within a round trip.
    pub receive_window_bytes: usize,
    /// How much may wait to be acknowledged by the peer, in bytes, with 64 bytes for each message.
    /// Default 8 MiB: 2 MiB from the beginning, more when the congestion window needs it. Beyond it [`send`](crate::Association::send) says `Full`.
    pub send_buffer_bytes: usize,
    /// The largest SCTP packet, in bytes. Default 1,191: the smallest IPv6 link of 1,280 less IPv6 (40), UDP
    /// (8), a TURN channel (4) and a DTLS 1.2 record with AES-GCM (37).
    pub mtu: usize,
    /// How many streams each side may use. Default 65,535 as RFC 8831 §6.2 wants; a stream costs nothing until it
    /// is used, about 8 bytes afterwards and about 200 while it holds messages.
    pub max_streams: u16,
    /// The first retransmission timeout, when the round trip is not known. Default 1 s (RFC 9260 §16).
    pub rto_initial: Duration,
    /// The least retransmission timeout. Default 400 ms: twice the longest delay of an acknowledgement. RFC 9260
    /// §16 says 1 s, which stalls a data channel for many round trips after a lost tail.
    pub rto_min: Duration,
    /// The greatest retransmission timeout, also when backing off. Default 3 s: ICE finds out sooner than
    /// SCTP that a path is dead, and a path that returns must not wait for a minute.
    pub rto_max: Duration,
    /// After how many timeouts in a row with nothing heard from the peer the association ends (RFC 9260 §8.1).
    /// Default 10, about half a minute; `None` leaves the verdict to ICE.
    pub max_retransmissions: Option<u32>,
    /// How often INIT and COOKIE ECHO are repeated. Default 10, about half a minute (RFC 9260 §16 says 8 with
    /// a longer back-off); `None` for ever.
    pub max_init_retransmissions: Option<u32>,
    /// Whether messages may travel in I-DATA chunks (RFC 8260), so that a large one does not block other streams. Default true; it comes
    /// about when the peer can too.
    pub interleaving: bool,
    /// Which stream's turn it is. Default [`Scheduler::WeightedFair`].
    pub scheduler: Scheduler,
    /// Whether packets may carry a zero instead of a checksum (RFC 9653), both ways. Default false; set it only when the layer
    /// below detects every change to a packet itself, as DTLS does, which is the method announced (§8). Packets that arrive may
    /// then carry it; those sent do when the peer announces it too.
    pub zero_checksum: bool,
    /// How the congestion window comes about. Default [`CongestionAlgorithm::DelayAwareCubic`].
    pub congestion: CongestionAlgorithm,
    /// How long a path may be silent before it is probed (RFC 9260 §8.3). Default 30 s.
    pub heartbeat_interval: Duration,
}

/// Which of the streams with something to send goes next (RFC 8260 §3).
///
/// With I-DATA streams take turns chunk by chunk; without it message by message, because the pieces of a DATA message must be
/// neighbours, and a large message then holds the others up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduler {
    /// One after the other (RFC 8260 §3.2).
    RoundRobin,
    /// Bytes in proportion to the streams' weights (RFC 8260 §3.6). Default: with equal weights every stream gets the same.
    #[default]
    WeightedFair,
    /// The stream with the greatest weight first, as long as it has something to send; equal ones fairly (RFC 8260 §3.4).
    Priority,
}

/// How the congestion window comes about. All of them pace, and find losses in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// RFC 9260 §7: halves the window at each loss, and grows it by a packet in a round trip.
    NewReno,
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406): grows by the clock, so that long paths fill as well.
    Cubic,
    /// LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus, after RFC 6817): for transfers that may take longer. It keeps the queue that it
    /// makes at 25 ms, so it leaves the path to whoever fills queues, and does not delay a call beside it by more than that.
    Ledbat,
    /// CUBIC, where a loss counts as congestion only when the round trip shows a queue or when more than a tenth is lost.
    /// Where no queue is seen it grows by an eighth in a round trip.
    /// It keeps its rate on paths that lose packets by nature, and yields to others as CUBIC does where a queue overflows.
    #[default]
    DelayAwareCubic,
}

impl Config {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(508..=65_507).contains(&self.mtu) {
            return Err(ConfigError::Mtu);
        }
        if self.max_streams == 0 || self.send_buffer_bytes == 0 || self.max_message_size == 0 {
            return Err(ConfigError::Zero);
        }
        if self.receive_window_bytes < 2 * self.max_message_size.min(usize::MAX / 2) {
            return Err(ConfigError::ReceiveWindow);
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            local_port: 5000,
            remote_port: 5000,
            max_message_size: 262_144,
            receive_window_bytes: (8 << 20) - (64 << 10),
            send_buffer_bytes: 8 << 20,
            mtu: 1191,
            max_streams: 65_535,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_millis(400),
            rto_max: Duration::from_secs(3),
            max_retransmissions: Some(10),
            max_init_retransmissions: Some(10),
            interleaving: true,
            scheduler: Scheduler::default(),
            zero_checksum: false,
            congestion: CongestionAlgorithm::default(),
            heartbeat_interval: Duration::from_secs(30),
        }
    }
}
