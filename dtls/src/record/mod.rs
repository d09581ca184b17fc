//! The record layer of one connection: numbers, keys and the replay window.

mod protection;
mod replay;

use std::fmt;

pub(crate) use self::protection::Protection;
use self::replay::ReplayWindow;
use crate::wire::{ContentType, DTLS_1_2, RecordHeader};

/// Everything that a record needs in order to leave or to be let in.
#[derive(Default)]
pub(crate) struct RecordLayer {
    /// The number of the next record in the clear.
    plain_next: u64,
    keys: Option<Keys>,
}

/// The keys of epoch 1, the only protected epoch of a connection without renegotiation.
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

    pub(crate) const fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Forgets the keys.
    pub(crate) fn clear(&mut self) {
        self.keys = None;
    }

    /// How many bytes a record of this epoch has more than what it carries.
    pub(crate) fn overhead(&self, epoch: u16) -> usize {
        match &self.keys {
            Some(keys) if epoch == Self::PROTECTED => keys.write.overhead(),
            _ => RecordHeader::LENGTH,
        }
    }

    /// Appends a whole record.
    pub(crate) fn write(
        &mut self,
        epoch: u16,
        content_type: ContentType,
        version: u16,
        buf: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Exhausted> {
        let start = buf.len();
        if epoch == Self::PROTECTED {
            self.reserve(buf).ok_or(Exhausted)?;
            body(buf);
            return self
                .seal(content_type, buf, start)
                .inspect_err(|_| buf.truncate(start));
        }
        if self.plain_next > RecordHeader::MAX_SEQUENCE_NUMBER {
            return Err(Exhausted);
        }
        let header = RecordHeader {
            content_type,
            version,
            epoch,
            sequence_number: self.plain_next,
        };
        buf.extend_from_slice(&[0; RecordHeader::LENGTH]);
        let body_start = buf.len();
        body(buf);
        let length = u16::try_from(buf.len() - body_start).map_err(|_| Exhausted)?;
        buf[start..body_start].copy_from_slice(&header.encode(length));
        self.plain_next += 1;
        Ok(())
    }

    /// Appends room for the head of a protected record.
    pub(crate) fn reserve(&self, buf: &mut Vec<u8>) -> Option<()> {
        let prefix = self.keys.as_ref()?.write.prefix_length();
        buf.resize(buf.len() + RecordHeader::LENGTH + prefix, 0);
        Some(())
    }

    /// How much of a reserved record is its head.
    pub(crate) fn reserved(&self) -> Option<usize> {
        Some(RecordHeader::LENGTH + self.keys.as_ref()?.write.prefix_length())
    }

    /// Whether the next number must be saved for the alert that ends the connection.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.keys
            .as_ref()
            .is_none_or(|keys| keys.next >= RecordHeader::MAX_SEQUENCE_NUMBER)
    }

    /// Completes the protected record that begins at `start`.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), Exhausted> {
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
        keys.write.seal(header, buf, start).map_err(|_| Exhausted)
    }

    /// Lets a protected record in, in place.
    pub(crate) fn open<'a>(
        &mut self,
        header: &RecordHeader,
        body: &'a mut [u8],
    ) -> Result<&'a mut [u8], Rejected> {
        let keys = self.keys.as_mut().ok_or(Rejected::NoKeys)?;
        if !keys.window.admits(header.sequence_number) {
            return Err(Rejected::Replayed);
        }
        match keys.read.open(header, body) {
            Ok(plaintext) => {
                keys.window.record(header.sequence_number);
                if plaintext.len() > RecordHeader::MAX_PLAINTEXT {
                    return Err(Rejected::TooLarge);
                }
                Ok(plaintext)
            }
            Err(_) => {
                keys.failures += 1;
                Err(if keys.failures >= keys.read.max_failures() {
                    Rejected::TooManyFailures
                } else {
                    Rejected::Unauthentic
                })
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn skip_to(&mut self, next: u64) {
        if let Some(keys) = &mut self.keys {
            keys.next = next;
        }
    }

    #[cfg(test)]
    pub(crate) fn fail_times(&mut self, failures: u64) {
        if let Some(keys) = &mut self.keys {
            keys.failures = failures;
        }
    }
}

impl fmt::Debug for RecordLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordLayer")
            .field("plain_next", &self.plain_next)
            .field("next", &self.keys.as_ref().map(|keys| keys.next))
            .finish_non_exhaustive()
    }
}
