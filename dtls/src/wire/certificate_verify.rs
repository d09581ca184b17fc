use super::codec::{self, DecodeError};
use crate::crypto::SignatureScheme;

/// CertificateVerify (RFC 5246 §7.4.8): the proof that the client owns the key of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify<'a> {
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> CertificateVerify<'a> {
    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let scheme = SignatureScheme(codec::u16(buf)?);
        let signature = codec::vec16(buf)?;
        codec::end(buf)?;
        Ok(Self { scheme, signature })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u16(buf, self.scheme.0);
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.signature));
    }
}
