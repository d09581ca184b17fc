use std::io;

/// Why an [`Endpoint`](crate::Endpoint) could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A socket could not be bound or set up.
    #[error("cannot bind {address}")]
    Socket {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The interfaces of this host could not be listed.
    #[error("cannot list the network interfaces")]
    Interfaces(#[source] io::Error),
    /// No certificate could be made.
    #[error("cannot generate a certificate")]
    Certificate(#[source] dtls::CertificateError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Randomness,
    /// There is nothing to bind.
    #[error("no address to bind")]
    NoAddress,
}

/// The connection is over, or its endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed")]
pub struct Closed;

/// Why a command on a connection failed: the command's own error, or there is no connection any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The connection refused.
    #[error(transparent)]
    Refused(E),
    /// The connection is over.
    #[error("the connection is closed")]
    Closed,
}

impl<E> From<Closed> for CallError<E> {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The channel or its connection is closed.
    #[error("the data channel is closed")]
    Closed,
    /// The other side takes no message of this size.
    #[error("the message is larger than the other side takes ({limit} bytes)")]
    TooLarge {
        /// The largest message it takes.
        limit: usize,
    },
}

/// Why a whole step of negotiation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// A description was refused.
    #[error(transparent)]
    Set(#[from] peer::SetDescriptionError),
    /// No description could be made.
    #[error(transparent)]
    Create(#[from] peer::CreateDescriptionError),
    /// No description stands after all.
    #[error("no description stands")]
    NoDescription,
}
