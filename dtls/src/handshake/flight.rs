use super::inbox::Message;
use crate::record::{Epochs, Exhausted, RecordLayer};
use crate::wire::{
    ClientHello, ContentType, DTLS_1_0, DTLS_1_2, FragmentHeader, HandshakeType, RecordHeader,
    RecordNumber,
};

/// What one side says before it waits for the other (RFC 6347 §4.2.4), kept until it is answered.
///
/// Records are made when a datagram leaves: a repetition has new record numbers and may be cut differently. Under
/// DTLS 1.3 what the other side acknowledged is not repeated (RFC 9147 §7.2).
#[derive(Debug, Default)]
pub(crate) struct Flight {
    items: Vec<Item>,
    /// What leaves next; `None` when all of it left.
    cursor: Option<Cursor>,
    /// Which record carried what, of a flight that can be acknowledged.
    sent: Vec<Sent>,
    acknowledged: bool,
    /// What is said in the clear can be acknowledged too.
    is_tracked: bool,
    /// It leaves in bursts of [`Self::MAX_BURST`] records, each of which waits for an acknowledgement, if it can have any.
    in_bursts: bool,
    /// Records that left since it was sent, or sent again.
    burst: usize,
    /// What a test has leave behind the message that follows it.
    #[cfg(test)]
    pub(super) held: Option<(u64, HandshakeType, Vec<u8>)>,
}

#[derive(Debug)]
enum Item {
    Message {
        epoch: u64,
        message: Message,
        /// What of it arrived: disjoint, not touching, in order.
        arrived: Vec<(usize, usize)>,
    },
    ChangeCipherSpec,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    item: usize,
    offset: usize,
}

/// A stretch of an item.
#[derive(Clone, Copy, Debug)]
struct Piece {
    item: usize,
    from: usize,
    to: usize,
}

#[derive(Debug)]
struct Sent {
    number: RecordNumber,
    item: usize,
    from: usize,
    to: usize,
}

impl Flight {
    /// A piece of a message shorter than this is not worth a record at the end of a datagram.
    const MIN_PIECE: usize = 32;
    /// Stands for the latest epoch.
    const LATEST: u64 = u64::MAX;
    /// Records that are remembered; of those that left before nobody is likely to hear.
    const MAX_SENT: usize = 256;
    /// Records that leave before something is heard of them (RFC 9147 §5.8.3).
    const MAX_BURST: usize = 10;

    /// A flight of a side that answers acknowledgements at once, and so need not say everything at once.
    pub(crate) fn in_bursts(in_bursts: bool) -> Self {
        Self {
            in_bursts,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, epoch: u64, message: Message) {
        self.items.push(Item::Message {
            epoch,
            message,
            arrived: Vec::new(),
        });
    }

    /// The same, in whatever epoch is ours when it leaves.
    pub(crate) fn push_latest(&mut self, message: Message) {
        self.push(Self::LATEST, message);
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
            self.burst = 0;
        }
    }

    /// Whether something of it has still to leave.
    pub(crate) const fn is_pending(&self) -> bool {
        self.cursor.is_some()
    }

    /// Marks what these records carried as arrived. Numbers that never left are passed over (RFC 9147 §7). Whether
    /// that was news.
    pub(crate) fn acknowledge(&mut self, numbers: &[RecordNumber]) -> bool {
        let mut news = false;
        self.sent.retain(|sent| {
            let named = numbers.contains(&sent.number);
            if named && let Some(Item::Message { arrived, .. }) = self.items.get_mut(sent.item) {
                add(arrived, sent.from, sent.to);
                news = true;
            }
            !named
        });
        self.acknowledged |= news;
        news
    }

    /// What is said in the clear can be acknowledged as well: the other side speaks DTLS 1.3.
    pub(crate) const fn track(&mut self) {
        self.is_tracked = true;
    }

    /// Forgets what of that part which is in the clear was acknowledged.
    pub(crate) fn forget_in_clear(&mut self) {
        for item in &mut self.items {
            if let Item::Message {
                epoch: 0, arrived, ..
            } = item
            {
                arrived.clear();
            }
        }
    }

    /// Whether all of it arrived.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.acknowledged && (0..self.items.len()).all(|item| self.missing(item, 0).is_none())
    }

    /// The first stretch of an item at or behind `offset` that has to be sent.
    fn missing(&self, item: usize, offset: usize) -> Option<(usize, usize)> {
        match self.items.get(item)? {
            Item::ChangeCipherSpec => (offset == 0).then_some((0, 1)),
            Item::Message {
                message, arrived, ..
            } => {
                let length = message.body.len();
                if length == 0 {
                    return (offset == 0 && arrived.is_empty()).then_some((0, 0));
                }
                let mut from = offset;
                for &(start, end) in arrived {
                    if from < start {
                        return Some((from, start));
                    }
                    from = from.max(end);
                }
                (from < length).then_some((from, length))
            }
        }
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
            let is_enough = self.burst >= Self::MAX_BURST && self.in_bursts && self.is_of_13();
            if cursor.item >= self.items.len() || is_enough {
                self.cursor = None;
                break;
            }
            let Some((from, to)) = self.missing(cursor.item, cursor.offset) else {
                self.cursor = Some(Cursor {
                    item: cursor.item + 1,
                    offset: 0,
                });
                continue;
            };
            let room = mtu.saturating_sub(buf.len() - start);
            let pieces = self.gather(cursor.item, (from, to), records, room);
            let Some(last) = pieces.last().copied() else {
                if buf.len() == start {
                    // Not even one piece fits into a whole datagram: the configuration forbids it.
                    self.cursor = None;
                }
                break;
            };
            let number = self.write_record(&pieces, records, buf)?;
            self.burst += 1;
            for piece in pieces {
                self.remember(number, piece);
            }
            self.cursor = Some(Cursor {
                item: last.item,
                // An empty message, like ChangeCipherSpec, is done with one record.
                offset: last.to.max(1),
            });
        }
        self.skip_what_arrived();
        Ok((buf.len() > start).then_some(()))
    }

    /// What goes into the next record: as much of this stretch of an item as fits; and behind it, where records are
    /// protected and every one costs a tag, of the following ones. Nothing if it is not worth a record.
    fn gather(
        &self,
        item: usize,
        stretch: (usize, usize),
        records: &RecordLayer,
        room: usize,
    ) -> Vec<Piece> {
        let Some(epoch) = self.epoch(item, records) else {
            // ChangeCipherSpec.
            let fits = records.overhead(0) < room;
            let piece = Piece {
                item,
                from: 0,
                to: 1,
            };
            return fits.then_some(piece).into_iter().collect();
        };
        let room = room.saturating_sub(records.overhead(epoch));
        let mut room = room.min(RecordHeader::MAX_PLAINTEXT);
        let mut pieces = Vec::new();
        let mut next = Some((item, stretch));
        while let Some((item, (from, to))) = next {
            let worth = if pieces.is_empty() {
                Self::MIN_PIECE
            } else {
                1
            };
            let Some(left) = room.checked_sub(FragmentHeader::LENGTH) else {
                break;
            };
            if left < (to - from).min(worth) {
                break;
            }
            let to = to.min(from + left);
            pieces.push(Piece { item, from, to });
            room = left - (to - from);
            next = self
                .stretch_behind(item, to)
                .filter(|(item, _)| epoch > 0 && self.epoch(*item, records) == Some(epoch));
        }
        pieces
    }

    /// The next stretch that has to be sent at or behind a place.
    fn stretch_behind(&self, item: usize, offset: usize) -> Option<(usize, (usize, usize))> {
        if let Some(stretch) = self.missing(item, offset.max(1)) {
            return Some((item, stretch));
        }
        (item + 1..self.items.len()).find_map(|item| Some((item, self.missing(item, 0)?)))
    }

    /// The epoch in which an item leaves; `None` for ChangeCipherSpec.
    fn epoch(&self, item: usize, records: &RecordLayer) -> Option<u64> {
        match self.items.get(item)? {
            Item::ChangeCipherSpec => None,
            Item::Message { epoch, .. } if *epoch == Self::LATEST => Some(records.write_epoch()),
            Item::Message { epoch, .. } => Some(*epoch),
        }
    }

    /// Appends one record with these pieces.
    fn write_record(
        &self,
        pieces: &[Piece],
        records: &mut RecordLayer,
        buf: &mut Vec<u8>,
    ) -> Result<RecordNumber, Exhausted> {
        let mut content = Vec::new();
        let mut version = DTLS_1_2;
        let mut epoch = None;
        for piece in pieces {
            if let Some(Item::Message { message, .. }) = self.items.get(piece.item) {
                epoch = self.epoch(piece.item, records);
                write_fragment(message, (piece.from, piece.to), &mut content)?;
                if precedes_version(message) {
                    version = DTLS_1_0;
                }
            }
        }
        match epoch {
            Some(epoch) => records.write(epoch, ContentType::Handshake, version, buf, |buf| {
                buf.extend_from_slice(&content);
            }),
            None => records.write(0, ContentType::ChangeCipherSpec, DTLS_1_2, buf, |buf| {
                buf.push(1);
            }),
        }
    }

    /// Leaves the cursor on something to send, or nowhere.
    fn skip_what_arrived(&mut self) {
        while let Some(cursor) = self.cursor {
            if cursor.item >= self.items.len() {
                self.cursor = None;
            } else if self.missing(cursor.item, cursor.offset).is_none() {
                self.cursor = Some(Cursor {
                    item: cursor.item + 1,
                    offset: 0,
                });
            } else {
                break;
            }
        }
    }

    /// Whether it can be acknowledged. A ServerHello is, together with what follows it; 1.2 knows no acknowledgements.
    fn is_of_13(&self) -> bool {
        let tracked = |item: &Item| matches!(item, Item::Message { epoch, .. } if *epoch >= Epochs::HANDSHAKE);
        self.is_tracked || self.items.iter().any(tracked)
    }

    fn remember(&mut self, number: RecordNumber, piece: Piece) {
        if !self.is_of_13() {
            return;
        }
        if self.sent.len() >= Self::MAX_SENT {
            self.sent.remove(0);
        }
        let Piece { item, from, to } = piece;
        self.sent.push(Sent {
            number,
            item,
            from,
            to,
        });
    }
}

/// Adds a stretch to those that are there.
fn add(stretches: &mut Vec<(usize, usize)>, from: usize, to: usize) {
    if stretches.is_empty() {
        *stretches = vec![(from, to)];
        return;
    }
    let first = stretches.partition_point(|&(_, end)| end < from);
    let last = first
        + stretches[first..]
            .iter()
            .take_while(|(start, _)| *start <= to)
            .count();
    let (mut from, mut to) = (from, to);
    for &(start, end) in &stretches[first..last] {
        from = from.min(start);
        to = to.max(end);
    }
    stretches.splice(first..last, [(from, to)]);
}

/// Whether a message leaves before the version is known: a hello in answer to nothing, or to HelloVerifyRequest. It
/// travels as DTLS 1.0, as every client does it for the sake of old servers (RFC 6347 §4.2.1).
fn precedes_version(message: &Message) -> bool {
    let cookie = ClientHello::cookie_of(&message.body);
    message.message_type == HandshakeType::CLIENT_HELLO
        && (message.message_seq == 0 || cookie.is_some_and(|cookie| !cookie.is_empty()))
}

/// Appends a stretch of a message with its head.
fn write_fragment(
    message: &Message,
    (from, to): (usize, usize),
    buf: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    let piece = message.body.get(from..to).unwrap_or_default();
    let length = |length: usize| u32::try_from(length).map_err(|_| Exhausted);
    FragmentHeader {
        message_type: message.message_type,
        length: length(message.body.len())?,
        message_seq: message.message_seq,
        offset: length(from)?,
        fragment_length: length(piece.len())?,
    }
    .encode(buf);
    buf.extend_from_slice(piece);
    Ok(())
}
