use super::codec::{self, DecodeError};
use crate::certificate::Leaf;

/// Certificate (RFC 5246 §7.4.2): the sender's own, and those that lead from it to one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateMessage<'a> {
    /// The sender's certificate in DER; `None` when it has none to show.
    pub(crate) leaf: Option<&'a [u8]>,
    /// Those behind it.
    pub(crate) issuers: Vec<&'a [u8]>,
}

impl<'a> CertificateMessage<'a> {
    /// The longest chain that is read.
    const MAX_CHAIN: usize = 10;

    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut chain = codec::vec24(&mut body)?;
        codec::end(body)?;
        if chain.len() > Leaf::MAX_LENGTH {
            return Err(DecodeError::Length);
        }
        let mut leaf = None;
        let mut issuers = Vec::new();
        while !chain.is_empty() {
            let certificate = codec::vec24(&mut chain)?;
            if certificate.is_empty() || issuers.len().saturating_add(1) >= Self::MAX_CHAIN {
                return Err(DecodeError::Length);
            }
            match leaf {
                None => leaf = Some(certificate),
                Some(_) => issuers.push(certificate),
            }
        }
        Ok(Self { leaf, issuers })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<3>(buf, |buf| {
            for certificate in self.leaf.iter().chain(&self.issuers) {
                codec::put_vec::<3>(buf, |buf| buf.extend_from_slice(certificate));
            }
        });
    }
}
