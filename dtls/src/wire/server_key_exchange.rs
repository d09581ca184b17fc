use super::codec::{self, DecodeError};
use crate::crypto::SignatureScheme;

/// ServerKeyExchange for ECDHE (RFC 8422 §5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerKeyExchange<'a> {
    pub(crate) group: u16,
    pub(crate) public: &'a [u8],
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> ServerKeyExchange<'a> {
    /// `ECCurveType.named_curve`, the only one left.
    const NAMED_CURVE: u8 = 3;

    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let (group, public) = Self::decode_params(buf)?;
        let scheme = SignatureScheme(codec::u16(buf)?);
        let signature = codec::vec16(buf)?;
        codec::end(buf)?;
        Ok(Self {
            group,
            public,
            scheme,
            signature,
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        Self::encode_params(self.group, self.public, buf);
        codec::put_u16(buf, self.scheme.0);
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.signature));
    }

    /// Group and public value.
    pub(super) fn decode_params(buf: &mut &'a [u8]) -> Result<(u16, &'a [u8]), DecodeError> {
        if codec::u8(buf)? != Self::NAMED_CURVE {
            return Err(DecodeError::Value("curve type"));
        }
        Ok((codec::u16(buf)?, codec::vec8(buf)?))
    }

    /// What the signature covers behind the two randoms: `ServerECDHParams`.
    pub(crate) fn encode_params(group: u16, public: &[u8], buf: &mut Vec<u8>) {
        buf.push(Self::NAMED_CURVE);
        codec::put_u16(buf, group);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(public));
    }
}
