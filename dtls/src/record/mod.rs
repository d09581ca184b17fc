//! The record layer of one connection: numbers, keys and the replay window.

mod epochs;
mod ids;
mod lazy;
mod protection;
mod replay;

use std::fmt;

pub(crate) use self::epochs::{Epochs, Keys13, Opened, Protection13};
pub(crate) use self::ids::Ids;
use self::lazy::Remake;
pub(crate) use self::protection::Protection;
use self::replay::ReplayWindow;
use crate::ConnectionId;
use crate::crypto::Aead;
use crate::wire::{ContentType, DTLS_1_2, RecordHeader, RecordNumber, UnifiedHeader};

/// Everything that a record needs in order to leave or to be let in.
#[derive(Default)]
pub(crate) struct RecordLayer {
    /// The number of the next record in the clear.
    plain_next: u64,
    keys: Option<Keys>,
    /// The keys of DTLS 1.3, which has neither epoch 1 nor `keys`.
    epochs: Option<Box<Epochs>>,
    /// The connection ids that were agreed on.
    ids: Option<Box<Ids>>,
}

/// The keys of epoch 1 of DTLS 1.2, the only protected epoch of a connection without renegotiation.
struct Keys {
    write: Protection,
    next: u64,
    read: Protection,
    window: ReplayWindow,
    failures: u64,
}

/// No number is left: the connection has to end (RFC 6347 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// Why a protected record was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    NoKeys,
    /// Too short, or authentic and yet senseless.
    Malformed,
    /// Authentic, and of a type that nobody has agreed on.
    UnknownType,
    Replayed,
    Unauthentic,
    /// Authentic, and larger than a record may be (RFC 5246 §6.2.3).
    TooLarge,
    /// Unauthentic, and once too often (RFC 9147 §4.5.3; RFC 6347 leaves the limit open).
    TooManyFailures,
}

impl RecordLayer {
    /// The epoch of the only keys.
    pub(crate) const PROTECTED: u16 = 1;

    pub(crate) fn install(&mut self, write: Protection, read: Protection) {
        self.keys = Some(Keys {
            write,
            next: 0,
            read,
            window: ReplayWindow::default(),
            failures: 0,
        });
    }

    /// Lets the keys of DTLS 1.2 go until they are needed: `write` and `read` make them again.
    pub(crate) fn rest(&mut self, write: Remake<Aead>, read: Remake<Aead>) {
        if let Some(keys) = &mut self.keys {
            keys.write.rest(write);
            keys.read.rest(read);
        }
    }

    /// The next record in the clear has this number.
    pub(crate) const fn begin_at(&mut self, sequence_number: u64) {
        self.plain_next = sequence_number;
    }

    /// Begins anew with the keys of DTLS 1.3.
    pub(crate) fn begin_epochs(&mut self) -> &mut Epochs {
        self.keys = None;
        self.epochs.insert(Box::default())
    }

    /// The keys of DTLS 1.3.
    pub(crate) fn epochs(&self) -> Option<&Epochs> {
        self.epochs.as_deref()
    }

    /// The keys of DTLS 1.3.
    pub(crate) fn epochs_mut(&mut self) -> Option<&mut Epochs> {
        self.epochs.as_deref_mut()
    }

    pub(crate) const fn has_keys(&self) -> bool {
        self.keys.is_some() || self.epochs.is_some()
    }

    /// Forgets the keys.
    pub(crate) fn clear(&mut self) {
        self.keys = None;
        self.epochs = None;
        self.ids = None;
    }

    /// Protected records have connection ids, or none.
    pub(crate) fn agree_on_ids(&mut self, ids: Option<Ids>) {
        self.ids = ids.map(Box::new);
    }

    pub(crate) fn ids(&self) -> Option<&Ids> {
        self.ids.as_deref()
    }

    pub(crate) fn ids_mut(&mut self) -> Option<&mut Ids> {
        self.ids.as_deref_mut()
    }

    /// What stands in the records that we seal.
    fn id(&self) -> ConnectionId {
        self.ids
            .as_ref()
            .map_or(ConnectionId::EMPTY, |ids| ids.theirs())
    }

    /// The epoch of what we say now.
    pub(crate) fn write_epoch(&self) -> u64 {
        match (&self.epochs, &self.keys) {
            (Some(epochs), _) => epochs.write_epoch().unwrap_or(0),
            (None, Some(_)) => u64::from(Self::PROTECTED),
            (None, None) => 0,
        }
    }

    /// How many bytes a record of this epoch has more than what it carries.
    pub(crate) fn overhead(&self, epoch: u64) -> usize {
        let id = self.id();
        match (&self.epochs, &self.keys) {
            _ if epoch == 0 => RecordHeader::LENGTH,
            (Some(_), _) => Protection13::OVERHEAD + id.len(),
            (None, Some(keys)) if id.is_empty() => keys.write.overhead(),
            // And the true content type.
            (None, Some(keys)) => keys.write.overhead() + id.len() + 1,
            (None, None) => RecordHeader::LENGTH,
        }
    }

    /// Appends a whole record; the version only counts in the clear.
    pub(crate) fn write(
        &mut self,
        epoch: u64,
        content_type: ContentType,
        version: u16,
        buf: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<RecordNumber, Exhausted> {
        let start = buf.len();
        if epoch != 0 {
            self.reserve(buf).ok_or(Exhausted)?;
            body(buf);
            return self
                .seal_in(epoch, content_type, buf, start)
                .inspect_err(|_| buf.truncate(start));
        }
        if self.plain_next > RecordHeader::MAX_SEQUENCE_NUMBER {
            return Err(Exhausted);
        }
        let header = RecordHeader {
            content_type,
            version,
            epoch: 0,
            sequence_number: self.plain_next,
        };
        buf.extend_from_slice(&[0; RecordHeader::LENGTH]);
        let body_start = buf.len();
        body(buf);
        let length = u16::try_from(buf.len() - body_start).map_err(|_| Exhausted)?;
        buf[start..body_start].copy_from_slice(&header.encode(length));
        self.plain_next += 1;
        Ok(RecordNumber {
            epoch: 0,
            sequence_number: header.sequence_number,
        })
    }

    /// Appends room for the head of a protected record.
    pub(crate) fn reserve(&self, buf: &mut Vec<u8>) -> Option<()> {
        buf.resize(buf.len() + self.reserved()?, 0);
        Some(())
    }

    /// How much of a reserved record is its head.
    pub(crate) fn reserved(&self) -> Option<usize> {
        let id = self.id().len();
        if self.epochs.is_some() {
            return Some(UnifiedHeader::LENGTH + id);
        }
        Some(RecordHeader::LENGTH + id + self.keys.as_ref()?.write.prefix_length())
    }

    /// Whether the next number must be saved for the alert that ends the connection.
    pub(crate) fn is_exhausted(&self) -> bool {
        let next = match (&self.epochs, &self.keys) {
            (Some(epochs), _) => epochs.written(),
            (None, Some(keys)) => keys.next,
            (None, None) => return true,
        };
        next >= RecordHeader::MAX_SEQUENCE_NUMBER
    }

    /// Completes the protected record that begins at `start`.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), Exhausted> {
        self.seal_in(self.write_epoch(), content_type, buf, start)
            .map(drop)
    }

    fn seal_in(
        &mut self,
        epoch: u64,
        content_type: ContentType,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<RecordNumber, Exhausted> {
        let id = self.id();
        if let Some(epochs) = &mut self.epochs {
            return epochs.seal(epoch, content_type, &id, buf, start);
        }
        let keys = self.keys.as_mut().ok_or(Exhausted)?;
        if keys.next > RecordHeader::MAX_SEQUENCE_NUMBER {
            return Err(Exhausted);
        }
        let header = RecordHeader {
            content_type,
            version: DTLS_1_2,
            epoch: Self::PROTECTED,
            sequence_number: keys.next,
        };
        // The number is used up whatever happens next: it never meets a second plaintext.
        keys.next += 1;
        let sealed = keys.write.seal(header, &id, buf, start);
        sealed.map_err(|_| Exhausted)?;
        Ok(RecordNumber {
            epoch,
            sequence_number: header.sequence_number,
        })
    }

    /// Lets a protected record of DTLS 1.2 in, in place.
    pub(crate) fn open<'a>(
        &mut self,
        header: &RecordHeader,
        id: &ConnectionId,
        body: &'a mut [u8],
    ) -> Result<Opened<'a>, Rejected> {
        let keys = self.keys.as_mut().ok_or(Rejected::NoKeys)?;
        if !keys.window.admits(header.sequence_number) {
            return Err(Rejected::Replayed);
        }
        let Ok(plaintext) = keys.read.open(header, id, body) else {
            keys.failures += 1;
            return Err(if keys.failures >= keys.read.max_failures() {
                Rejected::TooManyFailures
            } else {
                Rejected::Unauthentic
            });
        };
        let is_newest = header.sequence_number >= keys.window.next();
        keys.window.record(header.sequence_number);
        let (mut content_type, mut end) = (header.content_type, plaintext.len());
        if !id.is_empty() {
            // Content, its type, zeros (RFC 9146 §4).
            let last = plaintext.iter().rposition(|byte| *byte != 0);
            end = last.ok_or(Rejected::Malformed)?;
            content_type =
                ContentType::from_number(plaintext[end]).map_err(|_| Rejected::UnknownType)?;
        }
        if end > RecordHeader::MAX_PLAINTEXT {
            return Err(Rejected::TooLarge);
        }
        Ok(Opened {
            number: RecordNumber {
                epoch: header.epoch.into(),
                sequence_number: header.sequence_number,
            },
            content_type,
            plaintext: &mut plaintext[..end],
            is_newest,
        })
    }

    #[cfg(test)]
    pub(crate) fn skip_to(&mut self, next: u64) {
        if let Some(epochs) = &mut self.epochs {
            epochs.skip_to(next);
        }
        if let Some(keys) = &mut self.keys {
            keys.next = next;
        }
    }

    #[cfg(test)]
    pub(crate) fn fail_times(&mut self, failures: u64) {
        if let Some(epochs) = &mut self.epochs {
            epochs.fail_times(failures);
        }
        if let Some(keys) = &mut self.keys {
            keys.failures = failures;
        }
    }
}

/// The number of a record added to the IV (RFC 8446 §5.3, RFC 7905 §2).
///
/// The two parts are those in which the ciphers read a nonce: written in others, they would have to wait for it.
fn nonce(iv: &[u8; 12], number: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h, low @ ..] = *iv;
    let [i, j, k, l, carried @ ..] = number.to_be_bytes();
    let high =
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ u64::from(u32::from_be_bytes([i, j, k, l]));
    let low = u32::from_be_bytes(low) ^ u32::from_be_bytes(carried);
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&high.to_be_bytes());
    nonce[8..].copy_from_slice(&low.to_be_bytes());
    nonce
}

impl fmt::Debug for RecordLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordLayer")
            .field("plain_next", &self.plain_next)
            .field("next", &self.keys.as_ref().map(|keys| keys.next))
            .field("epoch", &self.write_epoch())
            .finish_non_exhaustive()
    }
}
