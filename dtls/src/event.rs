use crate::{AlertDescription, Fingerprint, PathId, SrtpProfile, Version};

/// What a [`Connection`](crate::Connection) has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is complete *and* the certificate of the other side has an announced fingerprint. Keys may be
    /// exported and data may be sent. Data that arrived before is waiting in
    /// [`recv`](crate::Connection::recv).
    Connected {
        /// The agreed SRTP profile, if any.
        srtp_profile: Option<SrtpProfile>,
        /// The agreed version.
        version: Version,
        /// The agreed cipher suite, by its registered number.
        cipher_suite: u16,
        /// The fingerprint of the certificate that the other side proved to own, SHA-256; `None` if it showed none,
        /// which cannot be under [`PeerCertificate::Announced`](crate::PeerCertificate::Announced) without a
        /// pre-shared key.
        peer_fingerprint: Option<Fingerprint>,
    },
    /// The server gave tickets: [`take_ticket`](crate::Connection::take_ticket) has them. It is said again when more
    /// come after all were taken.
    Ticket,
    /// Connection ids were agreed on, and the other side says something from this path by now. Nothing proves that what
    /// is sent there reaches it: the application has to know, and call
    /// [`move_to`](crate::Connection::move_to) then.
    NewPath {
        /// Where it came from.
        path: PathId,
    },
    /// The other side asked for further connection ids: [`connection_ids`](crate::Connection::connection_ids) are more
    /// by now.
    ConnectionIds,
    /// The other side has moved: what is sent on this path reaches it (RFC 9853).
    PathValidated {
        /// Where [`path`](crate::Connection::path) is now.
        path: PathId,
    },
    /// The end, once. An alert may still be waiting in
    /// [`poll_transmit`](crate::Connection::poll_transmit).
    Closed(CloseReason),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// Who brought it about.
    pub initiator: Initiator,
    /// What happened.
    pub cause: Cause,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// This side: the application, or our judgement of what the other side sent.
    Local,
    /// The other side.
    Remote,
    /// Nobody: what was sent did not get through.
    Network,
}

/// What ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// An orderly end: `close_notify`.
    CloseNotify,
    /// A side sent a fatal alert: the other one, or this one by [`abort`](crate::Connection::abort). Before keys exist an alert may be forged: it is then only believed when
    /// the handshake runs out of time as well.
    Alert(AlertDescription),
    /// The handshake took too long.
    TimedOut,
    /// The other side proved to own a certificate that was not announced (RFC 8122 §6).
    FingerprintMismatch,
    /// There is no certificate, or none that could be used.
    BadCertificate,
    /// The name of the pre-shared key is not known.
    UnknownIdentity,
    /// A signature, Finished or key share did not verify.
    BadProof,
    /// A message was malformed.
    Malformed,
    /// A message came that the protocol does not allow at that point, or with values that it does not allow.
    Misbehaved,
    /// The two sides have no version, cipher suite, group, signature or required extension in common.
    Incompatible,
    /// Record numbers or the allowance of failed authentications ran out (RFC 6347 §4.1, RFC 9147 §4.5.3).
    Exhausted,
    /// The provider failed.
    Crypto,
}
