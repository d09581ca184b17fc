use super::codec::{self, DecodeError};
use super::extension::{Extensions, Place};

/// ServerHello (RFC 5246 §7.4.1.3), and HelloRetryRequest, which has its form (RFC 8446 §4.1.3, §4.1.4).
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
    /// The random that makes a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
    pub(crate) const RETRY: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ];
    /// The end of the random of a server that knows DTLS 1.3 and answers with 1.2 (RFC 8446 §4.1.3).
    pub(crate) const DOWNGRADE: [u8; 8] = *b"DOWNGRD\x01";
    /// The same, when it answers with less than 1.2.
    pub(crate) const DOWNGRADE_BELOW: [u8; 8] = *b"DOWNGRD\x00";

    /// Whether this asks for another ClientHello.
    pub(crate) fn is_retry(&self) -> bool {
        self.random == Self::RETRY
    }

    fn place(random: &[u8; 32]) -> Place {
        if *random == Self::RETRY {
            Place::HelloRetryRequest
        } else {
            Place::ServerHello
        }
    }

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
            extensions: Extensions::decode(buf, Self::place(&random))?,
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u16(buf, self.version);
        buf.extend_from_slice(&self.random);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.session_id));
        codec::put_u16(buf, self.cipher_suite);
        buf.push(self.compression_method);
        self.extensions.encode(buf, Self::place(&self.random));
    }
}
