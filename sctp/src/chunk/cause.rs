use bytes::BufMut;

use super::framing::{ChunkStart, DecodeError};
use super::parameter::next_wide;

/// The code of an error cause (RFC 9260 §3.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CauseCode(pub u16);

impl CauseCode {
    /// DATA on a stream that was not negotiated.
    pub const INVALID_STREAM: Self = Self(1);
    /// A parameter is missing.
    pub const MISSING_PARAMETER: Self = Self(2);
    /// The cookie's life is over.
    pub const STALE_COOKIE: Self = Self(3);
    /// No memory is left.
    pub const OUT_OF_RESOURCE: Self = Self(4);
    /// A chunk of unknown type.
    pub const UNRECOGNIZED_CHUNK: Self = Self(6);
    /// A mandatory parameter has an impossible value.
    pub const INVALID_PARAMETER: Self = Self(7);
    /// Parameters that were not understood.
    pub const UNRECOGNIZED_PARAMETERS: Self = Self(8);
    /// DATA without a byte.
    pub const NO_USER_DATA: Self = Self(9);
    /// A cookie while the association was being shut down.
    pub const COOKIE_WHILE_SHUTTING_DOWN: Self = Self(10);
    /// The user gave up.
    pub const USER_ABORT: Self = Self(12);
    /// A rule was broken.
    pub const PROTOCOL_VIOLATION: Self = Self(13);
}

/// One error cause, as ABORT and ERROR carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCause<'a> {
    /// What went wrong.
    pub code: CauseCode,
    /// Particulars, in a form that depends on the code.
    pub value: &'a [u8],
}

impl ErrorCause<'_> {
    /// Appends the cause with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let start = ChunkStart::append_wide(buf, self.code.0);
        buf.put_slice(self.value);
        start.finish(buf);
    }
}

/// A list of error causes, read as it is walked. After an error there are no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCauses<'a>(pub &'a [u8]);

impl<'a> Iterator for ErrorCauses<'a> {
    type Item = Result<ErrorCause<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = next_wide(&mut self.0)?;
        Some(found.map(|(code, value)| ErrorCause {
            code: CauseCode(code),
            value,
        }))
    }
}
