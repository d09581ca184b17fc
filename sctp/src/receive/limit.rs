/// How much may wait unread on one stream, and what happens beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiveLimit {
    /// Unread payload bytes. A single message may be larger than this.
    pub bytes: usize,
    /// Unordered messages beyond the limit are dropped and the stream lives on; right for a stream whose messages may get lost.
    /// When false, and for ordered messages, the stream is refused
    /// ([`Event::StreamRefused`](crate::Event::StreamRefused)).
    pub drops_unordered: bool,
}
