use super::codec::{self, DecodeError};

/// ClientKeyExchange for ECDHE (RFC 8422 §5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientKeyExchange<'a> {
    pub(crate) public: &'a [u8],
}

impl<'a> ClientKeyExchange<'a> {
    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let public = codec::vec8(&mut body)?;
        codec::end(body)?;
        Ok(Self { public })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(self.public));
    }
}
