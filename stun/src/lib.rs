#![doc = include_str!("../README.md")]
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod address;
mod attribute;
mod builder;
mod error;
mod fingerprint;
mod header;
mod integrity;
mod message;

pub use attribute::{Attribute, AttributeType, Attributes};
pub use builder::{MessageBuilder, Sealed};
pub use error::{DecodeError, EncodeError};
pub use header::{Class, HEADER_LENGTH, Method, TransactionId, looks_like_stun};
pub use integrity::IntegrityKey;
pub use message::{ErrorCode, MAX_ATTRIBUTES, Message};

#[cfg(test)]
mod tests;
