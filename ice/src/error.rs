use thiserror::Error;

/// Why no agent could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// `ta` is outside 5 ms to 1 s.
    #[error("ta must be 5 ms to 1 s")]
    Ta,
    /// `initial_rto` is outside 50 ms to 3 s.
    #[error("initial_rto must be 50 ms to 3 s")]
    InitialRto,
    /// `disconnected_after` is outside 1 s to 25 s.
    #[error("disconnected_after must be 1 s to 25 s")]
    DisconnectedAfter,
    /// `patience` is outside 1 s to 5 min.
    #[error("patience must be 1 s to 5 min")]
    Patience,
    /// `max_pairs` is outside 1 to 100.
    #[error("max_pairs must be 1 to 100")]
    MaxPairs,
}

/// Why a username fragment or a password was refused (RFC 8839 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The fragment is not 4 to 256 characters long.
    #[error("a username fragment has 4 to 256 characters")]
    UfragLength,
    /// The password is not 22 to 256 characters long.
    #[error("a password has 22 to 256 characters")]
    PwdLength,
    /// A character is not an ice-char: a letter, a digit, `+` or `/`.
    #[error("only letters, digits, + and / are allowed")]
    Character,
}

/// Why a STUN server was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddStunServerError {
    /// The address can never be a server's: unspecified, multicast or port 0.
    #[error("the address cannot be used")]
    Address,
    /// A lite agent asks nobody: it has public addresses (RFC 8445 §2.5).
    #[error("a lite agent uses no STUN servers")]
    Lite,
    /// Only relays may be used.
    #[error("the policy allows relays only")]
    Policy,
    /// The cap is reached.
    #[error("there are too many STUN servers")]
    TooMany,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

/// Why a candidate was not taken. A remote candidate that is refused harms nothing: the agent goes on with the
/// others, so a signalling layer may log the reason and carry on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddCandidateError {
    /// The address is a name that is not one of multicast DNS.
    #[error("the address is a name that is not resolved")]
    Name,
    /// The transport is neither UDP nor TCP with one side that opens it.
    #[error("the transport is not supported")]
    Transport,
    /// The component is not 1: RTP and RTCP share one (RFC 5761).
    #[error("only component 1 is used")]
    Component,
    /// The address can never be a peer: unspecified, multicast, broadcast, link-local or port 0.
    #[error("the address cannot be used")]
    Address,
    /// The policy forbids candidates of its kind.
    #[error("the policy forbids the candidate")]
    Policy,
    /// The candidate's `ufrag` is not the one of the current remote credentials.
    #[error("the candidate belongs to other credentials")]
    Generation,
    /// The cap is reached; a lite agent has one host candidate of each family and transport (RFC 8445 §5.2).
    #[error("there are too many candidates")]
    TooMany,
    /// A lite agent has host candidates only (RFC 8445 §5.2).
    #[error("a lite agent has host candidates only")]
    Lite,
    /// The agent has failed or is closed.
    #[error("the agent is closed or has failed")]
    Closed,
}
