#![doc = include_str!("../README.md")]

mod certificate;
mod config;
mod connection;
mod connection_id;
mod crypto;
mod error;
mod event;
mod fingerprint;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod handshake;
mod listener;
mod psk;
mod record;
mod stats;
#[cfg(test)]
mod testing;
mod ticket;
mod timer;
mod tls12;
mod tls13;
mod wire;

pub use certificate::{Certificate, KeyKind};
pub use config::{
    Config, PathCheck, PeerCertificate, Refusal, Role, SrtpProfile, Version, Versions,
};
pub use connection::{Connection, Mark, PathId};
pub use connection_id::ConnectionId;
pub use crypto::{NamedGroup, Provider};
pub use error::{
    AlertDescription, CertificateError, ConfigError, ExportError, FingerprintError,
    PreSharedKeyError, SealError,
};
pub use event::{Cause, CloseReason, Event, Initiator};
pub use fingerprint::{Fingerprint, HashAlgorithm};
pub use listener::{Accepted, Listener, ListenerStats};
pub use psk::PreSharedKey;
pub use stats::{Dropped, Stats};
pub use ticket::{Ticket, TicketKeys};
