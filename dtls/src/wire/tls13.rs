//! The messages of TLS 1.3 whose form differs from that of 1.2, each small enough to stand beside the others.

use super::codec::{self, DecodeError};
use super::extension::{Extensions, Place};
use crate::certificate::Leaf;
use crate::crypto::SignatureScheme;

/// EncryptedExtensions (RFC 8446 §4.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncryptedExtensions {
    pub(crate) extensions: Extensions,
}

impl EncryptedExtensions {
    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        if body.is_empty() {
            return Err(DecodeError::Truncated);
        }
        let extensions = Extensions::decode(&mut body, Place::Other)?;
        Ok(Self { extensions })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        self.extensions.encode(buf, Place::Other);
    }
}

/// CertificateRequest (RFC 8446 §4.3.2). Authorities are neither named nor looked at: nobody issues the certificates
/// of WebRTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateRequest13<'a> {
    pub(crate) context: &'a [u8],
    pub(crate) schemes: Vec<SignatureScheme>,
}

impl<'a> CertificateRequest13<'a> {
    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let context = codec::vec8(&mut body)?;
        if body.is_empty() {
            return Err(DecodeError::Truncated);
        }
        let extensions = Extensions::decode(&mut body, Place::Other)?;
        Ok(Self {
            context,
            schemes: extensions
                .schemes
                .ok_or(DecodeError::Value("signature_algorithms"))?,
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(self.context));
        let extensions = Extensions {
            schemes: Some(self.schemes.clone()),
            ..Extensions::default()
        };
        extensions.encode(buf, Place::Other);
    }
}

/// Certificate (RFC 8446 §4.4.2): a chain of which the first one, the sender's own, is the only one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate13<'a> {
    pub(crate) context: &'a [u8],
    /// The sender's certificate in DER; `None` when it has none to show.
    pub(crate) leaf: Option<&'a [u8]>,
    /// An extension stands beside a certificate. We offer none that could.
    pub(crate) extended: bool,
}

impl<'a> Certificate13<'a> {
    /// The longest chain that is read.
    const MAX_CHAIN: usize = 10;

    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let context = codec::vec8(&mut body)?;
        let mut chain = codec::vec24(&mut body)?;
        codec::end(body)?;
        if chain.len() > Leaf::MAX_LENGTH {
            return Err(DecodeError::Length);
        }
        let mut certificate = Self {
            context,
            leaf: None,
            extended: false,
        };
        let mut count = 0_usize;
        while !chain.is_empty() {
            let der = codec::vec24(&mut chain)?;
            let extensions = codec::vec16(&mut chain)?;
            count = count.saturating_add(1);
            if der.is_empty() || count > Self::MAX_CHAIN {
                return Err(DecodeError::Length);
            }
            certificate.extended |= !extensions.is_empty();
            certificate.leaf.get_or_insert(der);
        }
        Ok(certificate)
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(self.context));
        codec::put_vec::<3>(buf, |buf| {
            if let Some(leaf) = self.leaf {
                codec::put_vec::<3>(buf, |buf| buf.extend_from_slice(leaf));
                codec::put_u16(buf, 0);
            }
        });
    }
}

/// KeyUpdate (RFC 8446 §4.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// The sender wants the receiver's keys to be updated as well.
    pub(crate) requested: bool,
}

impl KeyUpdate {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        match body {
            [0] => Ok(Self { requested: false }),
            [1] => Ok(Self { requested: true }),
            [_] => Err(DecodeError::Value("request_update")),
            _ => Err(DecodeError::Length),
        }
    }

    pub(crate) fn encode(self, buf: &mut Vec<u8>) {
        buf.push(u8::from(self.requested));
    }
}
