/// What a client has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests, each sending counted.
    pub requests_sent: u64,
    /// Responses that belonged to a request and were authentic.
    pub responses_received: u64,
    /// Times that the allocation was refreshed.
    pub allocation_refreshes: u64,
    /// CreatePermission requests that were granted, the first ones included.
    pub permissions_granted: u64,
    /// ChannelBind requests that were granted, the first ones included.
    pub channels_granted: u64,
    /// Messages to peers.
    pub messages_sent: u64,
    /// Messages from peers that were handed on.
    pub messages_received: u64,
    /// What was thrown away.
    pub drops: Drops,
}

/// What was thrown away, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drops {
    /// Came on another path than the server's.
    pub foreign: u64,
    /// Neither STUN nor ChannelData, or malformed, or of a kind that a client does not get.
    pub malformed: u64,
    /// A response to nothing that is outstanding.
    pub unexpected: u64,
    /// A response without integrity, or with a wrong one.
    pub unauthenticated: u64,
    /// Data from a peer without a permission.
    pub no_permission: u64,
    /// Data on a channel that is not bound.
    pub no_channel: u64,
    /// Data that the application did not pull in time: 64 KiB wait at most.
    pub unread: u64,
    /// Events that the application did not pull: 256 wait at most.
    pub events: u64,
}
