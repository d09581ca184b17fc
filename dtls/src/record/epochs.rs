use super::lazy::{Lazy, Remake};
use super::replay::ReplayWindow;
use super::{Exhausted, Rejected, nonce};
use crate::ConnectionId;
use crate::crypto::{Aead, AeadAlgorithm, CryptoError, Provider, SequenceCipher};
use crate::wire::{ContentType, RecordHeader, RecordNumber, UnifiedHeader};
use zeroize::Zeroizing;

/// The protection of one direction of an epoch under DTLS 1.3 (RFC 9147 §4).
pub(crate) struct Protection13 {
    keys: Lazy<Keys13>,
    iv: Zeroizing<[u8; 12]>,
}

/// The keys of a direction: that of the content, and that of the numbers.
pub(crate) struct Keys13 {
    aead: Aead,
    sequence: SequenceCipher,
}

impl Keys13 {
    pub(crate) fn new(
        provider: &Provider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        sequence_key: &[u8],
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            aead: provider.aead(algorithm, key)?,
            sequence: provider.sequence_cipher(algorithm, sequence_key)?,
        })
    }

    fn mask(&self, ciphertext: &[u8]) -> Result<[u8; 2], CryptoError> {
        self.sequence
            .mask(ciphertext.first_chunk().ok_or(CryptoError)?)
    }
}

impl Protection13 {
    /// The most bytes that a record has more than its plaintext: head, content type, tag.
    pub(crate) const OVERHEAD: usize = UnifiedHeader::LENGTH + 1 + AeadAlgorithm::TAG_LENGTH;

    pub(crate) fn new(keys: Keys13, iv: [u8; 12]) -> Self {
        Self {
            keys: Lazy::Ready(keys),
            iv: Zeroizing::new(iv),
        }
    }

    /// Completes the record that begins at `start`: room for its head, then the plaintext to the end.
    fn seal(
        &mut self,
        number: RecordNumber,
        content_type: ContentType,
        id: &ConnectionId,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CryptoError> {
        let head_length = UnifiedHeader::LENGTH + id.len();
        buf.push(content_type.number());
        let (head, body) = buf
            .get_mut(start..)
            .and_then(|record| record.split_at_mut_checked(head_length))
            .ok_or(CryptoError)?;
        let length = body.len() + AeadAlgorithm::TAG_LENGTH;
        let length = u16::try_from(length).map_err(|_| CryptoError)?;
        UnifiedHeader::write(number.epoch, number.sequence_number, id, length, head)
            .ok_or(CryptoError)?;
        // The epoch has no part in it, since every epoch has keys of its own.
        let nonce = nonce(&self.iv, number.sequence_number);
        let keys = self.keys.ready()?;
        let tag = keys.aead.seal_apart(nonce, head, body)?;
        buf.extend_from_slice(&tag);
        let (head, body) = buf
            .get_mut(start..)
            .and_then(|record| record.split_at_mut_checked(head_length))
            .ok_or(CryptoError)?;
        let mask = keys.mask(body)?;
        let masked = head.iter_mut().skip(1 + id.len()).zip(mask);
        masked.for_each(|(byte, mask)| *byte ^= mask);
        Ok(())
    }
}

/// The keys of DTLS 1.3, by epoch: 2 is the handshake, 3 and above carry data (RFC 9147 §6.1). A handful at most are
/// there at a time.
#[derive(Default)]
pub(crate) struct Epochs {
    read: Vec<ReadEpoch>,
    write: Vec<WriteEpoch>,
    failures: u64,
}

struct ReadEpoch {
    epoch: u64,
    keys: Protection13,
    window: ReplayWindow,
}

struct WriteEpoch {
    epoch: u64,
    keys: Protection13,
    next: u64,
}

/// A record that was let in.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) number: RecordNumber,
    pub(crate) content_type: ContentType,
    pub(crate) plaintext: &'a mut [u8],
    /// No record that was let in before is newer.
    pub(crate) is_newest: bool,
}

impl Epochs {
    /// The epoch of the handshake.
    pub(crate) const HANDSHAKE: u64 = 2;
    /// The first epoch of data.
    pub(crate) const APPLICATION: u64 = 3;

    /// What protection may add to a plaintext (RFC 8446 §5.2).
    const MAX_EXPANSION: usize = 256;

    /// Failed authentications before the connection gives up (RFC 9147 §4.5.3).
    const MAX_FAILURES: u64 = 1 << 36;

    pub(crate) fn install_read(&mut self, epoch: u64, keys: Protection13) {
        self.read.push(ReadEpoch {
            epoch,
            keys,
            window: ReplayWindow::default(),
        });
    }

    /// The same, of an epoch that was read before.
    pub(crate) fn reinstall_read(&mut self, epoch: u64, keys: Protection13) {
        self.install_read(epoch, keys);
        self.read.rotate_right(1);
    }

    pub(crate) fn install_write(&mut self, epoch: u64, keys: Protection13) {
        self.write.push(WriteEpoch {
            epoch,
            keys,
            next: 0,
        });
    }

    /// Forgets keys of earlier epochs.
    pub(crate) fn retire_read(&mut self, before: u64) {
        self.read.retain(|read| read.epoch >= before);
        self.read.shrink_to_fit();
    }

    /// Forgets keys of earlier epochs.
    pub(crate) fn retire_write(&mut self, before: u64) {
        self.write.retain(|write| write.epoch >= before);
        self.write.shrink_to_fit();
    }

    /// The latest epoch that we write in.
    pub(crate) fn write_epoch(&self) -> Option<u64> {
        self.write.last().map(|write| write.epoch)
    }

    /// The latest epoch that we read.
    pub(crate) fn read_epoch(&self) -> Option<u64> {
        self.read.last().map(|read| read.epoch)
    }

    /// Lets the keys of both directions go until they are needed, where there is one epoch alone; `write` and `read` make
    /// them again.
    pub(crate) fn rest(&mut self, write: Remake<Keys13>, read: Remake<Keys13>) {
        if let ([own], [theirs]) = (self.write.as_mut_slice(), self.read.as_mut_slice()) {
            own.keys.keys.rest(write);
            theirs.keys.keys.rest(read);
        }
    }

    /// How many records left in the latest epoch.
    pub(crate) fn written(&self) -> u64 {
        self.write.last().map_or(0, |write| write.next)
    }

    /// Whether a record failed to open.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Whether there are keys for a record of these epoch bits.
    pub(crate) fn can_read(&self, epoch_bits: u8) -> bool {
        self.find(epoch_bits).is_some()
    }

    fn find(&self, epoch_bits: u8) -> Option<usize> {
        let fits = |read: &ReadEpoch| read.epoch & 3 == u64::from(epoch_bits);
        self.read.iter().rposition(fits)
    }

    /// Completes the record that begins at `start`.
    pub(crate) fn seal(
        &mut self,
        epoch: u64,
        content_type: ContentType,
        id: &ConnectionId,
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<RecordNumber, Exhausted> {
        let write = self.write.iter_mut().find(|write| write.epoch == epoch);
        let write = write.ok_or(Exhausted)?;
        if write.next > RecordHeader::MAX_SEQUENCE_NUMBER {
            return Err(Exhausted);
        }
        let number = RecordNumber {
            epoch,
            sequence_number: write.next,
        };
        // The number is used up whatever happens next: it never meets a second plaintext.
        write.next += 1;
        write
            .keys
            .seal(number, content_type, id, buf, start)
            .map_err(|_| Exhausted)?;
        Ok(number)
    }

    /// Lets a record in, in place.
    pub(crate) fn open<'a>(
        &mut self,
        header: &UnifiedHeader,
        record: &'a mut [u8],
    ) -> Result<Opened<'a>, Rejected> {
        let index = self.find(header.epoch_bits).ok_or(Rejected::NoKeys)?;
        let latest = self.read_epoch();
        let read = &mut self.read[index];
        let (head, body) = record
            .split_at_mut_checked(header.header_length)
            .ok_or(Rejected::Malformed)?;
        // The mask needs sixteen bytes, the tag as many, the content type one (RFC 9147 §4.2.3).
        // What is longer than protection can make it is never sent (RFC 8446 §5.2).
        if body.len() <= AeadAlgorithm::TAG_LENGTH
            || body.len() > RecordHeader::MAX_PLAINTEXT + Self::MAX_EXPANSION
        {
            return Err(Rejected::Malformed);
        }
        let Protection13 { keys, iv } = &mut read.keys;
        let keys = keys.ready().map_err(|_| Rejected::NoKeys)?;
        let mask = keys.mask(body).map_err(|_| Rejected::Malformed)?;
        let masked = head.iter_mut().skip(1 + header.id_length).zip(mask);
        let mut low = 0;
        for (byte, mask) in masked.take(header.sequence_length) {
            *byte ^= mask;
            low = low << 8 | u64::from(*byte);
        }
        let bits = 8 * header.sequence_length;
        let sequence_number = nearest(read.window.next(), low, bits);
        if sequence_number > RecordHeader::MAX_SEQUENCE_NUMBER
            || !read.window.admits(sequence_number)
        {
            return Err(Rejected::Replayed);
        }
        let Ok(inner) = keys.aead.open(nonce(iv, sequence_number), head, body) else {
            self.failures += 1;
            return Err(if self.failures >= Self::MAX_FAILURES {
                Rejected::TooManyFailures
            } else {
                Rejected::Unauthentic
            });
        };
        let is_newest = latest == Some(read.epoch) && sequence_number >= read.window.next();
        read.window.record(sequence_number);
        // Content, its type, zeros (RFC 8446 §5.2).
        let end = inner.iter().rposition(|byte| *byte != 0);
        let end = end.ok_or(Rejected::Malformed)?;
        let content_type =
            ContentType::from_number(inner[end]).map_err(|_| Rejected::UnknownType)?;
        if end > RecordHeader::MAX_PLAINTEXT {
            return Err(Rejected::TooLarge);
        }
        Ok(Opened {
            number: RecordNumber {
                epoch: read.epoch,
                sequence_number,
            },
            content_type,
            plaintext: &mut inner[..end],
            is_newest,
        })
    }

    #[cfg(test)]
    pub(crate) fn skip_to(&mut self, next: u64) {
        if let Some(write) = self.write.last_mut() {
            write.next = next;
        }
    }

    #[cfg(test)]
    pub(crate) const fn fail_times(&mut self, failures: u64) {
        self.failures = failures;
    }
}

/// The number with these low bits that is nearest to the one expected next (RFC 9147 §4.2.2).
fn nearest(expected: u64, low: u64, bits: usize) -> u64 {
    let span = 1_u64 << bits;
    let candidate = expected & !(span - 1) | low;
    if candidate + span / 2 < expected {
        candidate + span
    } else if candidate > expected + span / 2 && candidate >= span {
        candidate - span
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_number_is_completed_to_the_nearest_one() {
        for (expected, low, bits, number) in [
            (0, 0, 8, 0),
            (0, 255, 8, 255),
            (1, 200, 8, 200),
            (256, 255, 8, 255),
            (256, 1, 8, 257),
            (250, 3, 8, 259),
            (511, 129, 8, 385),
            (0x1_0000, 0xffff, 16, 0xffff),
            (0xfff0, 0x0001, 16, 0x1_0001),
            (0x1_8001, 0x0000, 16, 0x2_0000),
            (0x1_7fff, 0x0000, 16, 0x1_0000),
            (0x1_8001, 0x0000, 8, 0x1_8000),
        ] {
            assert_eq!(nearest(expected, low, bits), number, "{expected} {low}");
        }
    }
}
