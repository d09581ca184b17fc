use super::codec::{self, DecodeError};
use crate::crypto::SignatureScheme;

/// CertificateRequest (RFC 5246 §7.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateRequest {
    /// `ClientCertificateType`: 1 RSA, 64 ECDSA.
    pub(crate) certificate_types: Vec<u8>,
    pub(crate) schemes: Vec<SignatureScheme>,
}

impl CertificateRequest {
    pub(crate) const RSA_SIGN: u8 = 1;
    pub(crate) const ECDSA_SIGN: u8 = 64;

    /// The authorities are passed over: nobody issues the certificates of WebRTC.
    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let certificate_types = codec::vec8(buf)?.to_vec();
        let schemes = codec::numbers(codec::vec16(buf)?)?;
        let mut authorities = codec::vec16(buf)?;
        codec::end(buf)?;
        while !authorities.is_empty() {
            codec::vec16(&mut authorities)?;
        }
        Ok(Self {
            certificate_types,
            schemes: schemes.map(SignatureScheme).collect(),
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.certificate_types));
        codec::put_vec::<2>(buf, |buf| {
            self.schemes
                .iter()
                .for_each(|scheme| codec::put_u16(buf, scheme.0));
        });
        codec::put_u16(buf, 0);
    }
}
