use super::codec::{self, DecodeError};
use super::extension::Extensions;

/// ServerHello (RFC 5246 §7.4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerHello {
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) session_id: Vec<u8>,
    pub(crate) cipher_suite: u16,
    pub(crate) compression_method: u8,
    pub(crate) extensions: Extensions,
}

impl ServerHello {
    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let version = codec::u16(buf)?;
        let random = codec::random(buf)?;
        let session_id = codec::vec8(buf)?;
        if session_id.len() > 32 {
            return Err(DecodeError::Length);
        }
        Ok(Self {
            version,
            random,
            session_id: session_id.to_vec(),
            cipher_suite: codec::u16(buf)?,
            compression_method: codec::u8(buf)?,
            extensions: Extensions::decode(buf)?,
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u16(buf, self.version);
        buf.extend_from_slice(&self.random);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.session_id));
        codec::put_u16(buf, self.cipher_suite);
        buf.push(self.compression_method);
        self.extensions.encode(buf);
    }
}
