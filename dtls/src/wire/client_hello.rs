use super::codec::{self, DecodeError};
use super::extension::{Extensions, Place};

/// ClientHello (RFC 6347 §4.2.1, RFC 5246 §7.4.1.2, RFC 9147 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientHello {
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) session_id: Vec<u8>,
    pub(crate) cookie: Vec<u8>,
    pub(crate) cipher_suites: Vec<u16>,
    pub(crate) compression_methods: Vec<u8>,
    pub(crate) extensions: Extensions,
}

impl ClientHello {
    /// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746 §3.3).
    pub(crate) const RENEGOTIATION_INFO_SCSV: u16 = 0x00ff;

    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let version = codec::u16(buf)?;
        let random = codec::random(buf)?;
        let session_id = codec::vec8(buf)?;
        if session_id.len() > 32 {
            return Err(DecodeError::Length);
        }
        let cookie = codec::vec8(buf)?;
        let cipher_suites = codec::numbers(codec::vec16(buf)?)?;
        let compression_methods = codec::vec8(buf)?;
        if compression_methods.is_empty() {
            return Err(DecodeError::Length);
        }
        Ok(Self {
            version,
            random,
            session_id: session_id.to_vec(),
            cookie: cookie.to_vec(),
            cipher_suites: cipher_suites.collect(),
            compression_methods: compression_methods.to_vec(),
            extensions: Extensions::decode(buf, Place::ClientHello)?,
        })
    }

    /// The cookie of HelloVerifyRequest in the body of a ClientHello, which DTLS 1.3 leaves empty (RFC 9147 §5.3).
    pub(crate) fn cookie_of(mut body: &[u8]) -> Option<&[u8]> {
        let buf = &mut body;
        codec::u16(buf).ok()?;
        codec::random(buf).ok()?;
        codec::vec8(buf).ok()?;
        codec::vec8(buf).ok()
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u16(buf, self.version);
        buf.extend_from_slice(&self.random);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.session_id));
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.cookie));
        codec::put_vec::<2>(buf, |buf| {
            for suite in &self.cipher_suites {
                codec::put_u16(buf, *suite);
            }
        });
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.compression_methods));
        self.extensions.encode(buf, Place::ClientHello);
    }
}
