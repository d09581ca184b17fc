//! The chunks of RFC 9260 §3.3, one file each, with RE-CONFIG (RFC 6525), FORWARD-TSN (RFC 3758), I-DATA and I-FORWARD-TSN
//! (RFC 8260) and PAD (RFC 4820).
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod abort;
mod cause;
mod cookie_ack;
mod cookie_echo;
mod data;
mod error;
mod forward_tsn;
mod framing;
mod heartbeat;
mod heartbeat_ack;
mod i_data;
mod i_forward_tsn;
mod init;
mod init_ack;
mod pad;
mod parameter;
mod re_config;
mod sack;
mod shutdown;
mod shutdown_ack;
mod shutdown_complete;

pub use abort::AbortChunk;
pub use cause::{CauseCode, ErrorCause, ErrorCauses};
pub use cookie_ack::CookieAckChunk;
pub use cookie_echo::CookieEchoChunk;
pub use data::DataChunk;
pub use error::ErrorChunk;
pub use forward_tsn::ForwardTsnChunk;
pub(crate) use framing::ChunkStart;
pub use framing::{ChunkType, Chunks, DecodeError, RawChunk, WhenUnknown};
pub use heartbeat::HeartbeatChunk;
pub use heartbeat_ack::HeartbeatAckChunk;
pub use i_data::{IDataChunk, Place};
pub use i_forward_tsn::IForwardTsnChunk;
pub use init::InitChunk;
pub use init_ack::InitAckChunk;
pub use pad::PadChunk;
pub use parameter::{Parameter, ParameterType, Parameters};
pub use re_config::{
    IncomingResetRequest, OutgoingResetRequest, ReConfigChunk, ReConfigResponse, ReConfigResult,
};
pub use sack::{GapAckBlock, SackChunk};
pub use shutdown::ShutdownChunk;
pub use shutdown_ack::ShutdownAckChunk;
pub use shutdown_complete::ShutdownCompleteChunk;

/// Any chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunk<'a> {
    /// Payload data.
    Data(DataChunk<'a>),
    /// Initiation.
    Init(InitChunk<'a>),
    /// Initiation acknowledgement.
    InitAck(InitAckChunk<'a>),
    /// Selective acknowledgement.
    Sack(SackChunk<'a>),
    /// Heartbeat request.
    Heartbeat(HeartbeatChunk<'a>),
    /// Heartbeat acknowledgement.
    HeartbeatAck(HeartbeatAckChunk<'a>),
    /// Abort.
    Abort(AbortChunk<'a>),
    /// Shutdown.
    Shutdown(ShutdownChunk),
    /// Shutdown acknowledgement.
    ShutdownAck(ShutdownAckChunk),
    /// Operation error.
    Error(ErrorChunk<'a>),
    /// State cookie.
    CookieEcho(CookieEchoChunk<'a>),
    /// Cookie acknowledgement.
    CookieAck(CookieAckChunk),
    /// Shutdown complete.
    ShutdownComplete(ShutdownCompleteChunk),
    /// Re-configuration.
    ReConfig(ReConfigChunk<'a>),
    /// Payload data that may mix with that of other messages.
    IData(IDataChunk<'a>),
    /// Messages given up.
    ForwardTsn(ForwardTsnChunk<'a>),
    /// Messages given up, with I-DATA.
    IForwardTsn(IForwardTsnChunk<'a>),
    /// Padding.
    Pad(PadChunk<'a>),
    /// A type that is not known here.
    Unknown(RawChunk<'a>),
}

impl<'a> Chunk<'a> {
    /// Reads a chunk by its type.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        Ok(match raw.kind {
            ChunkType::DATA => Self::Data(DataChunk::decode(raw)?),
            ChunkType::INIT => Self::Init(InitChunk::decode(raw)?),
            ChunkType::INIT_ACK => Self::InitAck(InitAckChunk::decode(raw)?),
            ChunkType::SACK => Self::Sack(SackChunk::decode(raw)?),
            ChunkType::HEARTBEAT => Self::Heartbeat(HeartbeatChunk::decode(raw)?),
            ChunkType::HEARTBEAT_ACK => Self::HeartbeatAck(HeartbeatAckChunk::decode(raw)?),
            ChunkType::ABORT => Self::Abort(AbortChunk::decode(raw)?),
            ChunkType::SHUTDOWN => Self::Shutdown(ShutdownChunk::decode(raw)?),
            ChunkType::SHUTDOWN_ACK => Self::ShutdownAck(ShutdownAckChunk::decode(raw)?),
            ChunkType::ERROR => Self::Error(ErrorChunk::decode(raw)?),
            ChunkType::COOKIE_ECHO => Self::CookieEcho(CookieEchoChunk::decode(raw)?),
            ChunkType::COOKIE_ACK => Self::CookieAck(CookieAckChunk::decode(raw)?),
            ChunkType::SHUTDOWN_COMPLETE => {
                Self::ShutdownComplete(ShutdownCompleteChunk::decode(raw)?)
            }
            ChunkType::RE_CONFIG => Self::ReConfig(ReConfigChunk::decode(raw)?),
            ChunkType::I_DATA => Self::IData(IDataChunk::decode(raw)?),
            ChunkType::FORWARD_TSN => Self::ForwardTsn(ForwardTsnChunk::decode(raw)?),
            ChunkType::I_FORWARD_TSN => Self::IForwardTsn(IForwardTsnChunk::decode(raw)?),
            ChunkType::PAD => Self::Pad(PadChunk::decode(raw)?),
            _ => Self::Unknown(raw),
        })
    }

    /// Appends the chunk with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        match self {
            Self::Data(chunk) => chunk.encode(buf),
            Self::Init(chunk) => chunk.encode(buf),
            Self::InitAck(chunk) => chunk.encode(buf),
            Self::Sack(chunk) => chunk.encode(buf),
            Self::Heartbeat(chunk) => chunk.encode(buf),
            Self::HeartbeatAck(chunk) => chunk.encode(buf),
            Self::Abort(chunk) => chunk.encode(buf),
            Self::Shutdown(chunk) => chunk.encode(buf),
            Self::ShutdownAck(chunk) => chunk.encode(buf),
            Self::Error(chunk) => chunk.encode(buf),
            Self::CookieEcho(chunk) => chunk.encode(buf),
            Self::CookieAck(chunk) => chunk.encode(buf),
            Self::ShutdownComplete(chunk) => chunk.encode(buf),
            Self::ReConfig(chunk) => chunk.encode(buf),
            Self::IData(chunk) => chunk.encode(buf),
            Self::ForwardTsn(chunk) => chunk.encode(buf),
            Self::IForwardTsn(chunk) => chunk.encode(buf),
            Self::Pad(chunk) => chunk.encode(buf),
            Self::Unknown(raw) => raw.encode(buf),
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test may stop at the first surprise"
)]
mod tests;
