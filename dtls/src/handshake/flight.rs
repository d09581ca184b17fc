use super::inbox::Message;
use crate::record::{Exhausted, RecordLayer};
use crate::wire::{ContentType, DTLS_1_0, DTLS_1_2, FragmentHeader, HandshakeType};

/// What one side says before it waits for the other (RFC 6347 §4.2.4), kept until it is answered.
///
/// Records are made when a datagram leaves: a repetition has new record numbers and may be cut differently.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    items: Vec<Item>,
    /// What leaves next; `None` when all of it left.
    cursor: Option<Cursor>,
}

#[derive(Debug)]
enum Item {
    Message { epoch: u16, message: Message },
    ChangeCipherSpec,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    item: usize,
    offset: usize,
}

impl Flight {
    /// A piece of a message shorter than this is not worth a record at the end of a datagram.
    const MIN_PIECE: usize = 32;

    pub(crate) fn push(&mut self, epoch: u16, message: Message) {
        self.items.push(Item::Message { epoch, message });
    }

    pub(crate) fn push_change_cipher_spec(&mut self) {
        self.items.push(Item::ChangeCipherSpec);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The message of a flight that has but one.
    pub(crate) fn only_message(&self) -> Option<&Message> {
        match self.items.as_slice() {
            [Item::Message { message, .. }] => Some(message),
            _ => None,
        }
    }

    /// Sends it, or sends it again.
    pub(crate) fn send(&mut self) {
        if !self.items.is_empty() {
            self.cursor = Some(Cursor::default());
        }
    }

    /// Whether something of it has still to leave.
    pub(crate) const fn is_pending(&self) -> bool {
        self.cursor.is_some()
    }

    /// Appends one datagram of at most `mtu` bytes, as full as it gets. `None` when nothing has to leave.
    pub(crate) fn write(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        let start = buf.len();
        while let Some(cursor) = self.cursor {
            let Some(item) = self.items.get(cursor.item) else {
                self.cursor = None;
                break;
            };
            let room = mtu.saturating_sub(buf.len() - start);
            let Some(offset) = write_item(item, cursor.offset, records, room, buf)? else {
                if buf.len() == start {
                    // Not even one piece fits into a whole datagram: the configuration forbids it.
                    self.cursor = None;
                }
                break;
            };
            let done = match item {
                Item::Message { message, .. } => offset >= message.body.len(),
                Item::ChangeCipherSpec => true,
            };
            self.cursor = Some(if done {
                Cursor {
                    item: cursor.item + 1,
                    offset: 0,
                }
            } else {
                Cursor { offset, ..cursor }
            });
        }
        if self
            .cursor
            .is_some_and(|cursor| cursor.item >= self.items.len())
        {
            self.cursor = None;
        }
        Ok((buf.len() > start).then_some(()))
    }
}

/// Appends one record with as much of an item as fits; how far it came, or `None` if it was not worth a record.
fn write_item(
    item: &Item,
    offset: usize,
    records: &mut RecordLayer,
    room: usize,
    buf: &mut Vec<u8>,
) -> Result<Option<usize>, Exhausted> {
    let (epoch, message) = match item {
        Item::ChangeCipherSpec => {
            if records.overhead(0) + 1 > room {
                return Ok(None);
            }
            records.write(0, ContentType::ChangeCipherSpec, DTLS_1_2, buf, |buf| {
                buf.push(1)
            })?;
            return Ok(Some(1));
        }
        Item::Message { epoch, message } => (*epoch, message),
    };
    let rest = message.body.get(offset..).unwrap_or_default();
    let overhead = records.overhead(epoch) + FragmentHeader::LENGTH;
    let Some(room) = room.checked_sub(overhead) else {
        return Ok(None);
    };
    if room < rest.len().min(Flight::MIN_PIECE) {
        return Ok(None);
    }
    let piece = &rest[..rest.len().min(room)];
    // The first hello travels as DTLS 1.0, as every client does it for the sake of old servers (RFC 6347 §4.2.1).
    let version = if message.message_type == HandshakeType::CLIENT_HELLO {
        DTLS_1_0
    } else {
        DTLS_1_2
    };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| Exhausted);
    let header = FragmentHeader {
        message_type: message.message_type,
        length: length(&message.body)?,
        message_seq: message.message_seq,
        offset: u32::try_from(offset).map_err(|_| Exhausted)?,
        fragment_length: length(piece)?,
    };
    records.write(epoch, ContentType::Handshake, version, buf, |buf| {
        header.encode(buf);
        buf.extend_from_slice(piece);
    })?;
    Ok(Some(offset + piece.len()))
}
