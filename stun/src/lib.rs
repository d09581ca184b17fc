#![doc = include_str!("../README.md")]
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod address;
mod attribute;
mod behaviour;
mod builder;
mod client;
mod credentials;
mod discovery;
mod error;
mod error_code;
mod fingerprint;
mod framing;
mod header;
mod integrity;
mod message;
mod opaque_string;
mod transaction;
mod turn;
mod uri;

pub use attribute::{Attribute, AttributeType, Attributes};
pub use behaviour::{BehaviourDiscovery, BehaviourEvent, Dependence, NatBehaviour};
pub use builder::{MessageBuilder, Sealed};
pub use client::{Client, Event};
pub use credentials::{
    Challenge, ChallengeError, CredentialsError, LongTermAuth, LongTermCredentials,
};
pub use discovery::ChangeRequest;
pub use error::{DecodeError, EncodeError};
pub use error_code::ErrorCode;
pub use fingerprint::crc32;
pub use framing::{FrameError, FrameReader, MAX_FRAME_LENGTH, MeasureFrame, measure_message};
pub use header::{Class, HEADER_LENGTH, Method, TransactionId, looks_like_stun};
pub use integrity::{IntegrityKey, PasswordAlgorithm, userhash};
pub use message::{MAX_ATTRIBUTES, Message};
pub use opaque_string::opaque_string;
pub use transaction::{Answered, Timing, Transactions};
pub use turn::{AddressFamily, TRANSPORT_TCP, TRANSPORT_UDP};
pub use uri::{Scheme, Uri, UriError, UriTransport};

#[cfg(test)]
mod tests;
