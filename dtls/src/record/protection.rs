use zeroize::Zeroizing;

use super::lazy::{Lazy, Remake};
use super::nonce;
use crate::ConnectionId;
use crate::crypto::{Aead, AeadAlgorithm, CryptoError, Provider};
use crate::wire::{ContentType, RecordHeader};

/// The protection of one direction of an epoch under TLS 1.2 (RFC 5288 §3, RFC 6655 §3, RFC 7905 §2).
///
/// The nonce is made of the epoch and sequence number, which never repeat for a key; it is never random.
pub(crate) struct Protection {
    aead: Lazy<Aead>,
    algorithm: AeadAlgorithm,
    nonce: Nonce,
}

enum Nonce {
    /// GCM and CCM: four bytes of salt, and the record number both in the nonce and in front of the ciphertext.
    Explicit { salt: [u8; 4] },
    /// ChaCha20-Poly1305: the record number is added to the whole IV and not sent again.
    Implicit { iv: [u8; 12] },
}

impl Protection {
    /// The most bytes that a record has more than its plaintext, head included.
    pub(crate) const MAX_OVERHEAD: usize =
        RecordHeader::LENGTH + Self::EXPLICIT_LENGTH + AeadAlgorithm::TAG_LENGTH;

    const EXPLICIT_LENGTH: usize = 8;
    /// What protection may add to a plaintext (RFC 5246 §6.2.3).
    const MAX_EXPANSION: usize = 2048;

    /// How many bytes of the key block one direction takes as IV.
    pub(crate) const fn iv_length(algorithm: AeadAlgorithm) -> usize {
        match algorithm {
            AeadAlgorithm::ChaCha20Poly1305 => 12,
            _ => 4,
        }
    }

    pub(crate) fn new(
        provider: &Provider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Self, CryptoError> {
        let nonce = match algorithm {
            AeadAlgorithm::ChaCha20Poly1305 => Nonce::Implicit {
                iv: iv.try_into().map_err(|_| CryptoError)?,
            },
            _ => Nonce::Explicit {
                salt: iv.try_into().map_err(|_| CryptoError)?,
            },
        };
        Ok(Self {
            aead: Lazy::Ready(provider.aead(algorithm, key)?),
            algorithm,
            nonce,
        })
    }

    /// Lets the key go until it is needed.
    pub(crate) fn rest(&mut self, remake: Remake<Aead>) {
        self.aead.rest(remake);
    }

    /// How many bytes stand between the head of a record and its ciphertext.
    pub(crate) const fn prefix_length(&self) -> usize {
        match self.nonce {
            Nonce::Explicit { .. } => Self::EXPLICIT_LENGTH,
            Nonce::Implicit { .. } => 0,
        }
    }

    /// How many bytes a record has more than its plaintext.
    pub(crate) const fn overhead(&self) -> usize {
        RecordHeader::LENGTH + self.prefix_length() + self.algorithm.tag_length()
    }

    /// Failed authentications before the connection gives up.
    pub(crate) const fn max_failures(&self) -> u64 {
        self.algorithm.max_failures()
    }

    /// Completes the record that begins at `start`: room for its head and prefix, then the plaintext to the end. With
    /// a connection id its content type is sealed as well (RFC 9146 §4).
    pub(crate) fn seal(
        &mut self,
        mut header: RecordHeader,
        id: &ConnectionId,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CryptoError> {
        let body = start + RecordHeader::LENGTH + id.len();
        let plaintext = body + self.prefix_length();
        if !id.is_empty() {
            buf.push(header.content_type.number());
            header.content_type = ContentType::Tls12Cid;
        }
        let length = buf.len().checked_sub(plaintext).ok_or(CryptoError)?;
        let length = u16::try_from(length).map_err(|_| CryptoError)?;
        let record_length = usize::from(length) + self.overhead() - RecordHeader::LENGTH;
        let record_length = u16::try_from(record_length).map_err(|_| CryptoError)?;
        if let Nonce::Explicit { .. } = self.nonce {
            buf[body..plaintext].copy_from_slice(&header.number());
        }
        let head = header.encode(record_length);
        let (front, length_of_body) = head.split_at(RecordHeader::LENGTH - 2);
        let (before, behind) = buf[start..body].split_at_mut(front.len());
        before.copy_from_slice(front);
        behind[..id.len()].copy_from_slice(id.as_bytes());
        behind[id.len()..].copy_from_slice(length_of_body);
        let nonce = self.make_nonce(u64::from_be_bytes(header.number()));
        let aead = self.aead.ready()?;
        if id.is_empty() {
            let aad = header.additional_data(length);
            aead.seal(nonce, &aad, buf, plaintext)
        } else {
            let (aad, end) = header.additional_data_with_id(id, length);
            aead.seal(nonce, &aad[..end], buf, plaintext)
        }
    }

    /// Verifies and decrypts the body of a record in place.
    pub(crate) fn open<'a>(
        &mut self,
        header: &RecordHeader,
        id: &ConnectionId,
        body: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        let (explicit, sealed) = body
            .split_at_mut_checked(self.prefix_length())
            .ok_or(CryptoError)?;
        let length = sealed
            .len()
            .checked_sub(self.algorithm.tag_length())
            .ok_or(CryptoError)?;
        // Nothing so long is ever sent (RFC 5246 §6.2.3): it need not even be looked at.
        if length > RecordHeader::MAX_PLAINTEXT + Self::MAX_EXPANSION {
            return Err(CryptoError);
        }
        let length = u16::try_from(length).map_err(|_| CryptoError)?;
        // A sender may choose the explicit part freely (RFC 5288 §3), so it is taken from the record.
        let number = match self.nonce {
            Nonce::Explicit { .. } => *explicit.first_chunk().ok_or(CryptoError)?,
            Nonce::Implicit { .. } => header.number(),
        };
        let nonce = self.make_nonce(u64::from_be_bytes(number));
        let aead = self.aead.ready()?;
        if id.is_empty() {
            let aad = header.additional_data(length);
            aead.open(nonce, &aad, sealed)
        } else {
            let (aad, end) = header.additional_data_with_id(id, length);
            aead.open(nonce, &aad[..end], sealed)
        }
    }

    fn make_nonce(&self, number: u64) -> [u8; 12] {
        match &self.nonce {
            Nonce::Explicit { salt: [a, b, c, d] } => {
                nonce(&[*a, *b, *c, *d, 0, 0, 0, 0, 0, 0, 0, 0], number)
            }
            Nonce::Implicit { iv } => nonce(iv, number),
        }
    }
}

impl Drop for Protection {
    fn drop(&mut self) {
        match &mut self.nonce {
            Nonce::Explicit { salt } => drop(Zeroizing::new(std::mem::take(salt))),
            Nonce::Implicit { iv } => drop(Zeroizing::new(std::mem::take(iv))),
        }
    }
}
