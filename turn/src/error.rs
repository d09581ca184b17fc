use thiserror::Error;

/// Why bytes are not ChannelData.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChannelDataError {
    /// There are fewer bytes than the header needs or promises.
    #[error("the message is cut short")]
    Truncated,
    /// The number is not that of a channel.
    #[error("the number is not that of a channel")]
    Number,
    /// More follows than padding.
    #[error("more than padding follows")]
    Trailing,
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The lifetime is zero or longer than an hour, the most that servers grant (RFC 8656 §7.2).
    #[error("the lifetime must be 1 s to 3600 s")]
    Lifetime,
    /// A refresh would come too late, or all the time.
    #[error("permissions are refreshed after 1 s to 280 s, channels after 1 s to 580 s")]
    Refresh,
    /// No request would be sent, or all of them at once.
    #[error("the timers must be longer than zero and let a request be sent once")]
    Timing,
}

/// Why an allocation cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AllocateError {
    /// It has been started, and no event has asked for another socket.
    #[error("the allocation has been started")]
    AlreadyStarted,
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// Connections through the server are made over TCP and TLS only (RFC 6062 §3).
    #[error("a TCP allocation needs a stream to the server")]
    Datagrams,
}

/// Why an allocation cannot move to another socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// There is no allocation.
    #[error("there is no allocation")]
    NotAllocated,
    /// The server has not said that it may move.
    #[error("the server gave no ticket")]
    NoTicket,
}

/// Why no connection to a peer can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no allocation, not yet or not any more.
    #[error("there is no allocation")]
    NotAllocated,
    /// The allocation is one for datagrams.
    #[error("the allocation is one for datagrams")]
    Datagrams,
    /// The relay has no address of that family.
    #[error("the relay has no address of that family")]
    Family,
    /// The server is being asked.
    #[error("the server is being asked")]
    AlreadyAsked,
    /// Eight are being asked for.
    #[error("too many connections are being asked for")]
    Full,
}

/// Why a connection cannot be taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no allocation any more.
    #[error("there is no allocation")]
    NotAllocated,
    /// It needs a stream of its own to the server.
    #[error("a connection needs a stream to the server")]
    Datagrams,
}

/// Why a permission cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// The relay has no address of that family.
    #[error("the relay has no address of that family")]
    Family,
    /// There are 128 permissions.
    #[error("there are too many permissions")]
    Full,
}

/// Why a channel cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// The relay has no address of that family.
    #[error("the relay has no address of that family")]
    Family,
    /// What a TCP allocation carries are streams (RFC 6062 §3).
    #[error("a TCP allocation has no channels")]
    Streams,
    /// There are 64 channels, those included whose number may not be used again yet.
    #[error("there are too many channels")]
    Full,
}

/// Why nothing can be sent to a peer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// What a TCP allocation carries are streams (RFC 6062 §3).
    #[error("a TCP allocation carries no datagrams")]
    Streams,
    /// There is no allocation, not yet or not any more.
    #[error("there is no allocation")]
    NotAllocated,
    /// The server has not installed a permission for the peer, so it would drop the data.
    #[error("there is no permission for the peer")]
    NoPermission,
}

/// Why a message to a peer could not be completed; the buffer is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The payload is longer than the format can say.
    #[error("the payload is too long")]
    TooLong,
    /// The mark does not belong to this buffer, or the buffer was cut.
    #[error("the mark does not fit the buffer")]
    Mark,
    /// The allocation is gone.
    #[error("there is no allocation")]
    NotAllocated,
}

/// Why credentials cannot be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetCredentialsError {
    /// An allocation belongs to the user that made it (RFC 8656 §5, error 441): another user needs another client,
    /// on another socket.
    #[error("an allocation belongs to the user that made it")]
    AnotherUser,
}
