use super::codec::{self, DecodeError};
use crate::certificate::Leaf;

/// Certificate (RFC 5246 §7.4.2): a chain of which the first one, the sender's own, is the only one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateMessage<'a> {
    /// The sender's certificate in DER; `None` when it has none to show.
    pub(crate) leaf: Option<&'a [u8]>,
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
        let mut count = 0_usize;
        while !chain.is_empty() {
            let certificate = codec::vec24(&mut chain)?;
            count = count.saturating_add(1);
            if certificate.is_empty() || count > Self::MAX_CHAIN {
                return Err(DecodeError::Length);
            }
            leaf.get_or_insert(certificate);
        }
        Ok(Self { leaf })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<3>(buf, |buf| {
            if let Some(leaf) = self.leaf {
                codec::put_vec::<3>(buf, |buf| buf.extend_from_slice(leaf));
            }
        });
    }
}
