/// What a [`Receiver`](crate::Receiver) has accepted and dropped, RTP and RTCP together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets accepted.
    pub accepted: u64,
    /// Dropped: no protected packet.
    pub malformed: u64,
    /// Dropped: accepted before.
    pub replayed: u64,
    /// Dropped: older than the replay window.
    pub too_old: u64,
    /// Dropped: wrong tag.
    pub unauthenticated: u64,
    /// Dropped: the identifier of no key of ours.
    pub unknown_key: u64,
    /// Dropped: RTCP without encryption.
    pub unencrypted: u64,
    /// Dropped: a header encrypted, or not, against what was negotiated.
    pub cryptex: u64,
    /// Dropped: the index would pass its end.
    pub key_exhausted: u64,
    /// Dropped: genuine, but too many sources are in use.
    pub too_many_streams: u64,
    /// Sources whose state made room for a new one.
    pub streams_evicted: u64,
    /// Evicted sources whose last index was forgotten too.
    pub streams_forgotten: u64,
    /// Packets that were tried under the neighbouring rollover counters.
    pub rollover_trials: u64,
    /// Packets that were genuine under one of those: a stream was found again.
    pub rollovers_found: u64,
}
