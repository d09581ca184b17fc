//! The messages on the wire: one file per message, shared shapes in `codec`, the record and fragment headers below them.
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod ack;
mod certificate;
mod certificate_request;
mod certificate_verify;
mod client_hello;
mod client_key_exchange;
pub(crate) mod codec;
mod connection_ids;
mod extension;
mod fragment;
mod hello_verify_request;
mod new_session_ticket;
mod path_message;
mod psk_key_exchange;
mod record;
mod server_hello;
mod server_key_exchange;
mod session_ticket;
#[cfg(test)]
mod tests;
mod tls13;
mod unified;

pub(crate) use self::ack::{Ack, RecordNumber};
pub(crate) use self::certificate::CertificateMessage;
pub(crate) use self::certificate_request::CertificateRequest;
pub(crate) use self::certificate_verify::CertificateVerify;
pub(crate) use self::client_hello::ClientHello;
pub(crate) use self::client_key_exchange::ClientKeyExchange;
pub(crate) use self::codec::DecodeError;
pub(crate) use self::connection_ids::{NewConnectionId, RequestConnectionId};
pub(crate) use self::extension::{Extensions, KeyShare, Psk, UseSrtp};
pub(crate) use self::fragment::{Fragment, FragmentHeader, HandshakeType};
pub(crate) use self::hello_verify_request::HelloVerifyRequest;
pub(crate) use self::new_session_ticket::NewSessionTicket;
pub(crate) use self::path_message::PathMessage;
pub(crate) use self::psk_key_exchange::{PskClientKeyExchange, PskServerKeyExchange};
pub(crate) use self::record::{ContentType, RecordHeader};
pub(crate) use self::server_hello::ServerHello;
pub(crate) use self::server_key_exchange::ServerKeyExchange;
pub(crate) use self::session_ticket::SessionTicket;
pub(crate) use self::tls13::{Certificate13, CertificateRequest13, EncryptedExtensions, KeyUpdate};
pub(crate) use self::unified::UnifiedHeader;

/// DTLS 1.3 (RFC 9147 §5.3), in `supported_versions` only.
pub(crate) const DTLS_1_3: u16 = 0xfefc;
/// DTLS 1.2, the one's complement of "1.2" (RFC 6347 §4.1).
pub(crate) const DTLS_1_2: u16 = 0xfefd;
/// DTLS 1.0: the version of the records around the first hello, for servers that know no better (RFC 6347 §4.2.1).
pub(crate) const DTLS_1_0: u16 = 0xfeff;
