use crate::error::CloseReason;
use crate::message::StreamId;

/// What an association has to say, fetched with [`Association::poll_event`](crate::Association::poll_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake is done. Messages sent before it are on their way.
    Connected {
        /// How many streams the peer may send on: ids `0..inbound_streams`.
        inbound_streams: u16,
        /// How many streams the peer accepts: ids `0..outbound_streams`.
        outbound_streams: u16,
    },
    /// The peer lost its state and set the association up anew (RFC 9260 §5.2.4, action A).
    ///
    /// All streams are new, and what was not acknowledged is gone.
    Restarted,
    /// A stream that had nothing to read has a message now. Read it until it is empty.
    Readable(StreamId),
    /// There is room again after [`SendError::Full`](crate::SendError::Full) on this stream. The stream that has waited longest is told
    /// first; what it takes is no longer there for the others, which then hear `Full` again and stand behind it.
    Writable(StreamId),
    /// A stream's buffered bytes fell to its threshold
    /// ([`Association::set_buffered_amount_low_threshold`](crate::Association::set_buffered_amount_low_threshold)).
    BufferedAmountLow(StreamId),
    /// Streams began anew at message number 0 (RFC 6525 §5.2).
    ///
    /// Data channels: incoming means that the peer closes its side; both together mean that the ids are free.
    StreamsReset {
        /// Incoming: the peer's wish. Outgoing: ours, which the peer has performed.
        direction: Direction,
        /// Which ones; an empty list means all.
        streams: Vec<StreamId>,
    },
    /// The peer refused to reset these outgoing streams.
    ResetRefused {
        /// Which ones.
        streams: Vec<StreamId>,
    },
    /// Nothing more is taken from an incoming stream until the peer resets it: what arrives is acknowledged and dropped, and what was
    /// unread can still be read. A data channel closes then.
    StreamRefused {
        /// Which one.
        stream: StreamId,
        /// Why.
        reason: RefusalReason,
    },
    /// A packet of this size, header and all, went through ([`Association::probe`](crate::Association::probe)).
    ProbeAcknowledged {
        /// The size of the SCTP packet, in bytes.
        bytes: usize,
    },
    /// No answer came to a probe of this size. One alone says little: packets get lost for other reasons as well.
    ProbeLost {
        /// The size of the SCTP packet, in bytes.
        bytes: usize,
    },
    /// Three times in a row all full packets were lost, and they are larger than [`Config::mtu`](crate::Config::mtu): the path may have
    /// become narrower (RFC 8899 §4.3). Answer with [`Association::set_max_datagram`](crate::Association::set_max_datagram).
    BlackHole {
        /// The size of the packets that get lost, in bytes.
        bytes: usize,
    },
    /// The end. Nothing follows, but messages that arrived before it can still be read.
    Closed(CloseReason),
}

/// Which way a stream flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer.
    Incoming,
    /// To the peer.
    Outgoing,
}

/// Why nothing more is taken from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// A message grew beyond [`Config::max_message_size`](crate::Config::max_message_size).
    MessageTooLarge,
    /// More waits unread than the stream's limit allows
    /// ([`Association::set_receive_limit`](crate::Association::set_receive_limit)).
    Unread,
}
