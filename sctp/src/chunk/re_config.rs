use bytes::{Buf, BufMut};

use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};
use super::parameter::{Parameter, ParameterType, Parameters};
use crate::message::StreamId;
use crate::serial::Tsn;

/// A change to the streams of a living association (RFC 6525 §3.1): one or two parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReConfigChunk<'a> {
    /// Requests and responses.
    pub parameters: Parameters<'a>,
}

impl<'a> ReConfigChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let parameters = Parameters(raw.expect(ChunkType::RE_CONFIG)?);
        Ok(Self { parameters })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::RE_CONFIG,
            flags: 0,
            value: self.parameters.0,
        };
        raw.encode(buf);
    }
}

/// The sender begins some of its own streams anew (RFC 6525 §4.1).
///
/// ```text
/// +-------------------------------+-------------------------------+
/// |     Parameter Type = 13       | Parameter Length = 16 + 2 * N |
/// +-------------------------------+-------------------------------+
/// |           Re-configuration Request Sequence Number            |
/// +---------------------------------------------------------------+
/// |           Re-configuration Response Sequence Number           |
/// +---------------------------------------------------------------+
/// |                Sender's Last Assigned TSN                     |
/// +-------------------------------+-------------------------------+
/// |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
/// +-------------------------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingResetRequest<'a> {
    /// This request's number.
    pub request_sequence_number: u32,
    /// The number of the request that this one answers, else the last one seen.
    pub response_sequence_number: u32,
    /// Everything up to this TSN belongs to the time before.
    pub last_assigned_tsn: Tsn,
    streams: &'a [[u8; 2]],
}

impl<'a> OutgoingResetRequest<'a> {
    /// The parameter's type.
    pub const KIND: ParameterType = ParameterType(13);

    /// Reads the parameter's value.
    pub fn decode(mut value: &'a [u8]) -> Result<Self, DecodeError> {
        let (request, response, last) = (
            value.try_get_u32()?,
            value.try_get_u32()?,
            value.try_get_u32()?,
        );
        let (streams, []) = value.as_chunks::<2>() else {
            return Err(DecodeError::Length);
        };
        Ok(Self {
            request_sequence_number: request,
            response_sequence_number: response,
            last_assigned_tsn: Tsn::new(last),
            streams,
        })
    }

    /// Which streams; none means all.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = StreamId> + use<'a> {
        let ids = self.streams.iter();
        ids.map(|id| StreamId::new(u16::from_be_bytes(*id)))
    }

    /// Appends the parameter.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let numbers = (self.request_sequence_number, self.response_sequence_number);
        Self::encode_from(buf, numbers, self.last_assigned_tsn, self.streams());
    }

    /// Appends a parameter with the numbers of the request and of the response.
    pub(crate) fn encode_from(
        buf: &mut Vec<u8>,
        (request, response): (u32, u32),
        last_assigned_tsn: Tsn,
        streams: impl Iterator<Item = StreamId>,
    ) {
        let start = ChunkStart::append_wide(buf, Self::KIND.0);
        buf.put_u32(request);
        buf.put_u32(response);
        buf.put_u32(last_assigned_tsn.get());
        for stream in streams {
            buf.put_u16(stream.get());
        }
        start.finish(buf);
    }
}

/// A wish that the peer begins its streams anew (RFC 6525 §4.2).
///
/// ```text
/// +-------------------------------+-------------------------------+
/// |     Parameter Type = 14       |  Parameter Length = 8 + 2 * N |
/// +-------------------------------+-------------------------------+
/// |           Re-configuration Request Sequence Number            |
/// +-------------------------------+-------------------------------+
/// |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
/// +-------------------------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingResetRequest<'a> {
    /// This request's number.
    pub request_sequence_number: u32,
    streams: &'a [[u8; 2]],
}

impl<'a> IncomingResetRequest<'a> {
    /// The parameter's type.
    pub const KIND: ParameterType = ParameterType(14);

    /// Reads the parameter's value.
    pub fn decode(mut value: &'a [u8]) -> Result<Self, DecodeError> {
        let request_sequence_number = value.try_get_u32()?;
        let (streams, []) = value.as_chunks::<2>() else {
            return Err(DecodeError::Length);
        };
        Ok(Self {
            request_sequence_number,
            streams,
        })
    }

    /// Which streams; none means all.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = StreamId> + use<'a> {
        let ids = self.streams.iter();
        ids.map(|id| StreamId::new(u16::from_be_bytes(*id)))
    }

    /// Appends the parameter.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let start = ChunkStart::append_wide(buf, Self::KIND.0);
        buf.put_u32(self.request_sequence_number);
        for stream in self.streams() {
            buf.put_u16(stream.get());
        }
        start.finish(buf);
    }
}

/// How a request ended (RFC 6525 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReConfigResult(pub u32);

impl ReConfigResult {
    /// Nothing was to be done.
    pub const NOTHING_TO_DO: Self = Self(0);
    /// Done.
    pub const PERFORMED: Self = Self(1);
    /// Refused.
    pub const DENIED: Self = Self(2);
    /// A stream does not exist.
    pub const WRONG_SSN: Self = Self(3);
    /// Another request is under way.
    pub const REQUEST_IN_PROGRESS: Self = Self(4);
    /// The request's number is not the one expected.
    pub const BAD_SEQUENCE_NUMBER: Self = Self(5);
    /// Not yet: ask again.
    pub const IN_PROGRESS: Self = Self(6);
}

/// The answer to a request (RFC 6525 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReConfigResponse {
    /// The request's number.
    pub response_sequence_number: u32,
    /// How it ended.
    pub result: ReConfigResult,
}

impl ReConfigResponse {
    /// The parameter's type.
    pub const KIND: ParameterType = ParameterType(16);

    /// Reads the parameter's value. The TSNs that may follow belong to SSN/TSN resets, which nobody sends here.
    pub fn decode(mut value: &[u8]) -> Result<Self, DecodeError> {
        let (number, result) = (value.try_get_u32()?, value.try_get_u32()?);
        Ok(Self {
            response_sequence_number: number,
            result: ReConfigResult(result),
        })
    }

    /// Appends the parameter.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let mut value = Vec::with_capacity(8);
        value.put_u32(self.response_sequence_number);
        value.put_u32(self.result.0);
        let parameter = Parameter {
            kind: Self::KIND,
            value: &value,
        };
        parameter.encode(buf);
    }
}
