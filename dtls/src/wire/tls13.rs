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

/// Certificate (RFC 8446 §4.4.2): the sender's own, and those that lead from it to one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate13<'a> {
    pub(crate) context: &'a [u8],
    /// The sender's certificate in DER; `None` when it has none to show.
    pub(crate) leaf: Option<&'a [u8]>,
    /// Those behind it.
    pub(crate) issuers: Vec<&'a [u8]>,
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
            issuers: Vec::new(),
            extended: false,
        };
        while !chain.is_empty() {
            let der = codec::vec24(&mut chain)?;
            let extensions = codec::vec16(&mut chain)?;
            let count = certificate.issuers.len().saturating_add(1);
            if der.is_empty() || count >= Self::MAX_CHAIN {
                return Err(DecodeError::Length);
            }
            certificate.extended |= !extensions.is_empty();
            match certificate.leaf {
                None => certificate.leaf = Some(der),
                Some(_) => certificate.issuers.push(der),
            }
        }
        Ok(certificate)
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(self.context));
        codec::put_vec::<3>(buf, |buf| {
            for certificate in self.leaf.iter().chain(&self.issuers) {
                codec::put_vec::<3>(buf, |buf| buf.extend_from_slice(certificate));
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
