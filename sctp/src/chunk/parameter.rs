use bytes::BufMut;

use super::framing::{ChunkStart, DecodeError, WhenUnknown, split_value};

/// The type of a variable parameter (RFC 9260 §3.2.1, §3.3.2, §3.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParameterType(pub u16);

impl ParameterType {
    /// What a HEARTBEAT carries.
    pub const HEARTBEAT_INFO: Self = Self(1);
    /// An address, meaningless over DTLS (RFC 8261 §5).
    pub const IPV4_ADDRESS: Self = Self(5);
    /// An address, meaningless over DTLS.
    pub const IPV6_ADDRESS: Self = Self(6);
    /// The state cookie of an INIT ACK.
    pub const STATE_COOKIE: Self = Self(7);
    /// A parameter of the INIT that was not understood.
    pub const UNRECOGNIZED: Self = Self(8);
    /// A wish for a longer cookie life.
    pub const COOKIE_PRESERVATIVE: Self = Self(9);
    /// Which addresses the peer can use.
    pub const SUPPORTED_ADDRESS_TYPES: Self = Self(12);
    /// Packets may come without a checksum (RFC 9653 §4).
    pub const ZERO_CHECKSUM_ACCEPTABLE: Self = Self(0x8001);
    /// The chunk types beyond RFC 9260 that the sender understands (RFC 5061 §4.2.7).
    pub const SUPPORTED_EXTENSIONS: Self = Self(0x8008);
    /// Partial reliability (RFC 3758 §3.1).
    pub const FORWARD_TSN_SUPPORTED: Self = Self(0xc000);

    /// What to do with a parameter of this type when it is unknown.
    pub const fn when_unknown(self) -> WhenUnknown {
        WhenUnknown::from_high_bits((self.0 >> 14) as u8)
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The type.
    pub kind: ParameterType,
    /// The value, without padding.
    pub value: &'a [u8],
}

impl Parameter<'_> {
    /// Appends the parameter with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let start = ChunkStart::append_wide(buf, self.kind.0);
        buf.put_slice(self.value);
        start.finish(buf);
    }
}

/// A list of parameters, read as it is walked. After an error there are no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters<'a>(pub &'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, value) = match next_wide(&mut self.0)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let kind = ParameterType(kind);
        Some(Ok(Parameter { kind, value }))
    }
}

/// The next element of a list whose types have 16 bits: parameters and error causes.
pub(super) fn next_wide<'a>(list: &mut &'a [u8]) -> Option<Result<(u16, &'a [u8]), DecodeError>> {
    if list.is_empty() {
        return None;
    }
    let Some(([a, b, high, low], rest)) = list.split_first_chunk::<4>() else {
        *list = &[];
        return Some(Err(DecodeError::Truncated));
    };
    let kind = u16::from_be_bytes([*a, *b]);
    match split_value(u16::from_be_bytes([*high, *low]), rest) {
        Ok((value, rest)) => {
            *list = rest;
            Some(Ok((kind, value)))
        }
        Err(error) => {
            *list = &[];
            Some(Err(error))
        }
    }
}
