use rtp::{SequenceNumber, Ssrc};

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// Transport-wide feedback, version 1: which packets arrived, and when
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  FMT=15 |    PT=205     |             length            |
/// |                     SSRC of packet sender                     |
/// |                      SSRC of media source                     |
/// |      base sequence number     |      packet status count      |
/// |                 reference time                | fb pkt. count |
/// |          packet chunk         |         packet chunk          | ...
/// |  recv delta   |  recv delta   |   recv delta  | zero padding  | ...
/// ```
///
/// What was read is consistent: the chunks cover the count, and there is a delta for each packet that arrived.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    /// Who received.
    pub sender_ssrc: Ssrc,
    /// One of the streams of the transport; it names no stream in particular.
    pub media_ssrc: Ssrc,
    /// The transport-wide sequence number of the first packet.
    pub base_sequence_number: SequenceNumber,
    /// When the first delta begins, in units of 64 ms of some clock of the receiver: 24 bits, signed, which wrap.
    pub reference_time: i32,
    /// The number of this feedback, modulo 256: a gap is a lost feedback.
    pub feedback_count: u8,
    status_count: u16,
    chunks: &'a [[u8; 2]],
    deltas: &'a [u8],
}

/// A packet of which feedback speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketStatus {
    /// Its transport-wide sequence number.
    pub sequence_number: SequenceNumber,
    /// Whether and when it arrived: the time since the packet in front of it that arrived, or since the reference time,
    /// in units of 250 µs. It is negative where packets overtook each other.
    pub delta: Option<i16>,
}

/// The most packets of one status that a run-length chunk can stand for.
const MAX_RUN: u16 = 0x1fff;

/// What a symbol says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    NotReceived,
    /// A delta of one octet, not negative.
    Small,
    /// A delta of two octets.
    Large,
}

impl Symbol {
    /// The symbol of two bits; the fourth value is reserved.
    const fn from_bits(bits: u16) -> Option<Self> {
        match bits {
            0 => Some(Self::NotReceived),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }

    const fn bits(self) -> u16 {
        match self {
            Self::NotReceived => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }

    const fn delta_len(self) -> usize {
        match self {
            Self::NotReceived => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }

    const fn of(delta: Option<i16>) -> Self {
        match delta {
            None => Self::NotReceived,
            Some(0..=255) => Self::Small,
            Some(_) => Self::Large,
        }
    }
}

/// One chunk: a run of one symbol, or seven or fourteen of them.
#[derive(Clone, Copy, Debug)]
struct Chunk(u16);

impl Chunk {
    const VECTOR: u16 = 0x8000;
    const TWO_BITS: u16 = 0x4000;

    /// How many packets it stands for.
    const fn len(self) -> u16 {
        if self.0 & Self::VECTOR == 0 {
            self.0 & MAX_RUN
        } else if self.0 & Self::TWO_BITS == 0 {
            14
        } else {
            7
        }
    }

    /// The symbol of one of them.
    const fn symbol(self, place: u16) -> Option<Symbol> {
        if self.0 & Self::VECTOR == 0 {
            Symbol::from_bits(self.0 >> 13 & 3)
        } else if self.0 & Self::TWO_BITS == 0 {
            Symbol::from_bits(self.0 >> 13_u16.saturating_sub(place) & 1)
        } else {
            Symbol::from_bits(self.0 >> 12_u16.saturating_sub(place * 2) & 3)
        }
    }

    /// The octets of deltas that its first packets have; `None` if a symbol says nothing of that.
    fn deltas_len(self, packets: u16) -> Option<usize> {
        if self.0 & Self::VECTOR == 0 {
            return Some(usize::from(packets) * self.symbol(0)?.delta_len());
        }
        let ones = |bits: u16| bits.count_ones() as usize;
        if self.0 & Self::TWO_BITS == 0 {
            let symbols = self.0 & 0x3fff;
            return Some(ones(symbols >> 14_u16.saturating_sub(packets)));
        }
        // Pairs of bits: the lower one is a small delta, the upper one a large one, both are reserved.
        let symbols = (self.0 & 0x3fff) >> (14_u16.saturating_sub(packets * 2));
        let (small, large) = (symbols & 0x1555, symbols >> 1 & 0x1555);
        (small & large == 0).then(|| ones(small) + 2 * ones(large))
    }
}

impl<'a> TransportFeedback<'a> {
    /// The work is linear in the octets: a run is not unrolled to be checked.
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (
            &[
                sender,
                media,
                [b0, b1, c0, c1],
                [t0, t1, t2, feedback_count],
            ],
            _,
        ) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        let status_count = u16::from_be_bytes([c0, c1]);
        // Padding need not be whole words: what is behind the words is part of the deltas.
        let rest = frame.body.get(16..).unwrap_or_default();
        let (words, _) = rest.as_chunks();
        let (mut left, mut deltas_len, mut used) = (status_count, 0, 0);
        for chunk in words.iter().map(|&chunk| Chunk(u16::from_be_bytes(chunk))) {
            if left == 0 {
                break;
            }
            // A run of nothing would make no progress; there is no reason to send one.
            if chunk.len() == 0 {
                return Err(DecodeError::Length);
            }
            let packets = chunk.len().min(left);
            deltas_len += chunk.deltas_len(packets).ok_or(DecodeError::Length)?;
            left -= packets;
            used += 1;
        }
        let (chunks, _) = words.split_at_checked(used).ok_or(DecodeError::Length)?;
        let deltas = rest
            .get(used * 2..used * 2 + deltas_len)
            .filter(|_| left == 0)
            .ok_or(DecodeError::Length)?;
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
            base_sequence_number: SequenceNumber::new(u16::from_be_bytes([b0, b1])),
            reference_time: i32::from_be_bytes([t0, t1, t2, 0]) >> 8,
            feedback_count,
            status_count,
            chunks,
            deltas,
        })
    }

    /// How many packets it speaks of, up to 65,535.
    pub const fn status_count(&self) -> u16 {
        self.status_count
    }

    /// The packets in the order of their numbers. Take no more of them than you have sent: one datagram can speak of
    /// all 65,535.
    pub fn statuses(&self) -> PacketStatuses<'a> {
        PacketStatuses {
            next: self.base_sequence_number,
            left: self.status_count,
            chunks: self.chunks.iter(),
            chunk: Chunk(0),
            place: 0,
            deltas: self.deltas,
        }
    }
}

/// The packets of which a [`TransportFeedback`] speaks.
#[derive(Clone, Debug)]
pub struct PacketStatuses<'a> {
    next: SequenceNumber,
    left: u16,
    chunks: std::slice::Iter<'a, [u8; 2]>,
    chunk: Chunk,
    place: u16,
    deltas: &'a [u8],
}

impl Iterator for PacketStatuses<'_> {
    type Item = PacketStatus;

    fn next(&mut self) -> Option<PacketStatus> {
        self.left = self.left.checked_sub(1)?;
        if self.place >= self.chunk.len() {
            self.chunk = Chunk(u16::from_be_bytes(*self.chunks.next()?));
            self.place = 0;
        }
        let delta = match self.chunk.symbol(self.place)? {
            Symbol::NotReceived => None,
            Symbol::Small => {
                let (&delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i16::from(delta))
            }
            Symbol::Large => {
                let (&delta, rest) = self.deltas.split_first_chunk()?;
                self.deltas = rest;
                Some(i16::from_be_bytes(delta))
            }
        };
        self.place += 1;
        let sequence_number = self.next;
        self.next = sequence_number.plus(1);
        Some(PacketStatus {
            sequence_number,
            delta,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.left);
        (left, Some(left))
    }
}

impl ExactSizeIterator for PacketStatuses<'_> {}

/// Gathers arrivals into one [`TransportFeedback`].
///
/// Packets are added in the order of their numbers, with arrival times in units of 250 µs of the receiver's clock; the
/// numbers that are left out did not arrive. A packet that does not fit any more is refused: then this feedback is
/// written and the packet begins the next one.
#[derive(Clone, Debug)]
pub struct TransportFeedbackBuilder {
    base: SequenceNumber,
    /// In units of 64 ms.
    reference_time: i64,
    /// When the last packet arrived, in units of 250 µs.
    last_arrival: i64,
    statuses: u16,
    max_bytes: usize,
    /// Chunks that are full.
    chunks: Vec<u8>,
    open: OpenChunk,
    deltas: Vec<u8>,
}

/// The units of 250 µs in one of the reference time.
const UNITS_PER_REFERENCE: i64 = 256;

/// The most statuses in one feedback. One more would be half the circle away from its base.
const MAX_STATUSES: u16 = 0x7fff;

/// The octets in front of the chunks.
const FEEDBACK_HEADER: usize = 20;

impl TransportFeedbackBuilder {
    /// A feedback that begins with the number `base`, arrived or not, and is written in at most `max_bytes` octets, 64
    /// or more. `first_arrival` is the time of the first packet that will be added.
    pub const fn new(base: SequenceNumber, first_arrival: i64, max_bytes: usize) -> Self {
        let reference_time = first_arrival.div_euclid(UNITS_PER_REFERENCE);
        Self {
            base,
            reference_time,
            last_arrival: first_arrival - first_arrival.rem_euclid(UNITS_PER_REFERENCE),
            statuses: 0,
            max_bytes: if max_bytes < 64 { 64 } else { max_bytes },
            chunks: Vec::new(),
            open: OpenChunk::new(),
            deltas: Vec::new(),
        }
    }

    /// Adds a packet that arrived, whose number is behind that of the last one. `false`: it does not fit, because of
    /// its number, its time, or the octets, and nothing was changed.
    #[must_use = "a packet that was refused begins the next feedback"]
    pub fn push(&mut self, sequence_number: SequenceNumber, arrival: i64) -> bool {
        let place = sequence_number.distance_from(self.base);
        let delta = arrival
            .checked_sub(self.last_arrival)
            .and_then(|delta| i16::try_from(delta).ok());
        let (Some(missing), Some(delta)) = (place.checked_sub(self.statuses), delta) else {
            return false;
        };
        if place >= MAX_STATUSES {
            return false;
        }
        let symbol = Symbol::of(Some(delta));
        let (full, open) = (self.chunks.len(), self.open);
        self.open.push_missing(missing, &mut self.chunks);
        self.open.push(symbol, &mut self.chunks);
        let octets = delta.to_be_bytes();
        let written = octets.get(2 - symbol.delta_len()..).unwrap_or_default();
        self.deltas.extend_from_slice(written);
        if self.len() > self.max_bytes {
            self.chunks.truncate(full);
            self.open = open;
            self.deltas.truncate(self.deltas.len() - written.len());
            return false;
        }
        self.statuses = place + 1;
        self.last_arrival = arrival;
        true
    }

    /// The number behind that of the last packet: where the next feedback begins.
    pub const fn next_sequence_number(&self) -> SequenceNumber {
        self.base.plus(self.statuses)
    }

    /// Whether nothing arrived so far.
    pub const fn is_empty(&self) -> bool {
        self.statuses == 0
    }

    /// The octets of the feedback as it is, a multiple of four.
    pub const fn len(&self) -> usize {
        (FEEDBACK_HEADER + self.chunks.len() + 2 + self.deltas.len()).next_multiple_of(4)
    }

    /// Appends the feedback; nothing if nothing arrived.
    pub(crate) fn encode(&self, buf: &mut Vec<u8>, sender: Ssrc, media: Ssrc, feedback_count: u8) {
        if self.is_empty() {
            return;
        }
        let format = packet_type::TRANSPORT_WIDE;
        framing::encode(buf, format, packet_type::TRANSPORT_FEEDBACK, |buf| {
            buf.extend_from_slice(&sender.get().to_be_bytes());
            buf.extend_from_slice(&media.get().to_be_bytes());
            buf.extend_from_slice(&self.base.get().to_be_bytes());
            buf.extend_from_slice(&self.statuses.to_be_bytes());
            let [.., t0, t1, t2] = self.reference_time.to_be_bytes();
            buf.extend_from_slice(&[t0, t1, t2, feedback_count]);
            buf.extend_from_slice(&self.chunks);
            buf.extend_from_slice(&self.open.last().to_be_bytes());
            // Zeros fill the last word. The padding bit is left alone: only the last packet of a compound may have it.
            buf.extend_from_slice(&self.deltas);
        });
    }
}

/// Symbols on their way into a chunk: up to 14 different ones, or a run of one.
#[derive(Clone, Copy, Debug)]
struct OpenChunk {
    /// The first 14.
    symbols: [Symbol; 14],
    len: u16,
    uniform: bool,
    has_large: bool,
}

impl OpenChunk {
    const fn new() -> Self {
        Self {
            symbols: [Symbol::NotReceived; 14],
            len: 0,
            uniform: true,
            has_large: false,
        }
    }

    /// Adds a symbol. When it does not fit with the others into one chunk, those go to `full` first.
    fn push(&mut self, symbol: Symbol, full: &mut Vec<u8>) {
        if !self.takes(symbol) {
            let chunk = self.close();
            full.extend_from_slice(&chunk.to_be_bytes());
        }
        self.add(symbol);
    }

    /// Adds so many packets that did not arrive. A long run takes no longer than a short one: how long it is, is for the
    /// other side to say.
    fn push_missing(&mut self, mut count: u16, full: &mut Vec<u8>) {
        while count > 0 {
            let [first, ..] = self.symbols;
            let is_run = self.uniform && first == Symbol::NotReceived && self.len >= 14;
            let more = count.min(MAX_RUN - self.len);
            if is_run && more > 0 {
                self.len += more;
                count -= more;
            } else {
                self.push(Symbol::NotReceived, full);
                count -= 1;
            }
        }
    }

    fn takes(&self, symbol: Symbol) -> bool {
        let [first, ..] = self.symbols;
        self.len < 7
            || self.len < 14 && !self.has_large && symbol != Symbol::Large
            || self.len < MAX_RUN && self.uniform && first == symbol
    }

    fn add(&mut self, symbol: Symbol) {
        if let Some(place) = self.symbols.get_mut(usize::from(self.len)) {
            *place = symbol;
        }
        let [first, ..] = self.symbols;
        self.uniform &= first == symbol;
        self.has_large |= symbol == Symbol::Large;
        self.len += 1;
    }

    /// The chunk of the first symbols, seven or more, and more follow. The others stay.
    fn close(&mut self) -> u16 {
        if self.uniform || self.len >= 14 {
            let chunk = self.last();
            *self = Self::new();
            return chunk;
        }
        let chunk = self.vector_of_seven();
        let rest = *self;
        *self = Self::new();
        for place in 7..usize::from(rest.len) {
            if let Some(&symbol) = rest.symbols.get(place) {
                self.add(symbol);
            }
        }
        chunk
    }

    /// The chunk of all symbols, when none follow.
    fn last(&self) -> u16 {
        let [first, ..] = self.symbols;
        if self.uniform {
            first.bits() << 13 | self.len
        } else if self.len <= 7 {
            self.vector_of_seven()
        } else {
            (0..)
                .zip(self.symbols())
                .fold(Chunk::VECTOR, |chunk, (place, symbol)| {
                    chunk | symbol.bits() << (13_u16 - place)
                })
        }
    }

    fn vector_of_seven(&self) -> u16 {
        let symbols = (0..7).zip(self.symbols());
        symbols.fold(Chunk::VECTOR | Chunk::TWO_BITS, |chunk, (place, symbol)| {
            chunk | symbol.bits() << (12_u16 - place * 2)
        })
    }

    fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.symbols.into_iter().take(usize::from(self.len))
    }
}
