use super::codec::{self, DecodeError};

/// HelloVerifyRequest (RFC 6347 §4.2.1): say that again, with this cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelloVerifyRequest {
    /// Says nothing: not the version that will be chosen (RFC 6347 §4.2.1).
    pub(crate) version: u16,
    pub(crate) cookie: Vec<u8>,
}

impl HelloVerifyRequest {
    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let version = codec::u16(buf)?;
        let cookie = codec::vec8(buf)?.to_vec();
        codec::end(buf)?;
        Ok(Self { version, cookie })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u16(buf, self.version);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.cookie));
    }
}
