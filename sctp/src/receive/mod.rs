//! What arrives: which TSNs were seen, messages put together, and what the peer is told of it.

mod acknowledgement;
mod fragment;
mod islands;
mod streams;

use std::time::{Duration, Instant};

use bytes::Bytes;

pub(crate) use self::acknowledgement::AckTimer;
use self::acknowledgement::Acknowledgement;
use self::fragment::{Assembled, Fragment, MessageId};
use self::islands::{Islands, Landing};
use self::streams::{Delivery, InboundStreams, charge};
use crate::chunk::{DataChunk, SackChunk};
use crate::config::Config;
use crate::message::{Message, Ppid, StreamId};
use crate::serial::{Tsn, Unwrapped};

/// The receiving half of an association.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Everything up to here has arrived.
    cumulative: Unwrapped,
    /// What arrived beyond the first gap.
    islands: Islands,
    /// The one message whose pieces end at the cumulative TSN. Pieces of a DATA message are neighbours, so there is
    /// never a second one.
    open: Option<Open>,
    streams: InboundStreams,
    acknowledgement: Acknowledgement,
    duplicates: Vec<Tsn>,
    /// What everything that is kept counts against the window.
    charged_bytes: usize,
    window_bytes: usize,
    /// What the window may grow to.
    most_window_bytes: usize,
    /// Since when what is read is counted, and how many bytes that is.
    reading: Option<(Instant, usize)>,
    /// The window in our last word.
    advertised: usize,
    max_message_size: usize,
    /// The size of the last message, the best guess for the next one.
    usual_size: usize,
    mtu: usize,
    counts: Counts,
}

/// How much may wait unread on one stream, and what happens beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiveLimit {
    /// Unread payload bytes. A single message may be larger than this.
    pub bytes: usize,
    /// Unordered messages beyond the limit are dropped and the stream lives on; right for a stream whose messages may get lost.
    /// When false, and for ordered messages, the stream is refused
    /// ([`Event::StreamRefused`](crate::Event::StreamRefused)).
    pub drops_unordered: bool,
}

/// What the receiving half counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) duplicate_chunks: u64,
    pub(crate) window_overruns: u64,
    pub(crate) refused_messages: u64,
}

#[derive(Debug)]
struct Open {
    id: MessageId,
    ppid: Ppid,
    data: Vec<u8>,
}

/// Why the association cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Pieces that do not belong together have neighbouring TSNs.
    Pieces,
    /// A message is larger than announced.
    MessageTooLarge,
}

impl Receiver {
    pub(crate) fn new(config: &Config, peer_initial: Tsn) -> Self {
        Self {
            cumulative: Unwrapped::first(peer_initial).previous(),
            islands: Islands::default(),
            open: None,
            streams: InboundStreams::new(),
            acknowledgement: Acknowledgement::default(),
            duplicates: Vec::new(),
            charged_bytes: 0,
            window_bytes: initial_window(config),
            most_window_bytes: config.receive_window_bytes,
            reading: None,
            advertised: initial_window(config),
            max_message_size: config.max_message_size,
            usual_size: 0,
            mtu: config.mtu,
            counts: Counts::default(),
        }
    }

    pub(crate) fn cumulative(&self) -> Unwrapped {
        self.cumulative
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn acknowledgement(&mut self) -> &mut Acknowledgement {
        &mut self.acknowledgement
    }

    pub(crate) fn wants_ack(&self) -> bool {
        self.acknowledgement.is_wanted()
    }

    pub(crate) fn is_ack_due(&self) -> bool {
        self.acknowledgement.is_due()
    }

    /// Takes a DATA chunk. One that is not `wanted` (its stream does not exist) is acknowledged and not kept.
    pub(crate) fn on_data(&mut self, chunk: &DataChunk<'_>, wanted: bool) -> Result<(), Violation> {
        let tsn = self.cumulative.near(chunk.tsn);
        if chunk.immediate {
            self.acknowledgement.demand();
        }
        if tsn <= self.cumulative || self.islands.contains(tsn) {
            self.counts.duplicate_chunks += 1;
            self.acknowledgement.demand();
            if self.duplicates.len() < MAX_DUPLICATES {
                self.duplicates.push(chunk.tsn);
            }
            return Ok(());
        }
        let in_order = tsn == self.cumulative.plus(1);
        if !self.has_room(chunk.payload.len(), in_order) || tsn.since(self.cumulative) > REACH {
            // The peer learns the window, and sends it again.
            self.counts.window_overruns += 1;
            self.acknowledgement.demand();
            return Ok(());
        }
        let fragment = wanted.then(|| Fragment::of(chunk));
        if !in_order {
            self.acknowledgement.demand();
            return self.land(tsn, fragment);
        }
        self.cumulative = tsn;
        if let Some(fragment) = fragment {
            self.append(fragment)?;
        }
        if !self.islands.is_empty() {
            self.drain_islands()?;
            // A gap was filled (RFC 9260 §6.7).
            self.acknowledgement.demand();
        }
        Ok(())
    }

    pub(crate) fn recv(&mut self, stream: StreamId) -> Option<Message> {
        let message = self.streams.recv(stream)?;
        self.charged_bytes -= charge(&message.data);
        // Tell a peer that may be waiting, and not in small steps (RFC 9260 §6.2, RFC 1122 §4.2.3.3).
        let opened = self.window().saturating_sub(self.advertised);
        let was_small = self.advertised < self.window_bytes / 4;
        if opened >= self.window_bytes / 2 || (was_small && opened >= UPDATE_PACKETS * self.mtu) {
            self.acknowledgement.demand();
        }
        Some(message)
    }

    /// Widens the window when half of it is read in one round trip: then it may be what holds the peer back.
    ///
    /// Only what the application reads counts, so a peer cannot make the window grow by sending, and one that is not read stays small.
    pub(crate) fn tune_window(&mut self, now: Instant, read: usize, round_trip: Option<Duration>) {
        if self.window_bytes >= self.most_window_bytes {
            return;
        }
        let span = round_trip.unwrap_or_default().max(LEAST_SPAN);
        let (since, bytes) = self.reading.get_or_insert((now, 0));
        if now.saturating_duration_since(*since) > span {
            (*since, *bytes) = (now, 0);
        }
        *bytes += read;
        if *bytes >= self.window_bytes / 2 {
            self.window_bytes = self
                .window_bytes
                .saturating_mul(2)
                .min(self.most_window_bytes);
            self.reading = None;
        }
    }

    pub(crate) fn next_readable(&self) -> Option<StreamId> {
        self.streams.next_readable()
    }

    pub(crate) fn next_announcement(&mut self) -> Option<StreamId> {
        self.streams.next_announcement()
    }

    /// The peer begins streams anew; none means all.
    pub(crate) fn reset_streams(&mut self, streams: &[StreamId]) {
        if streams.is_empty() {
            self.charged_bytes -= self.streams.reset_all();
        }
        for stream in streams {
            self.charged_bytes -= self.streams.reset(*stream);
        }
    }

    /// Appends a SACK of at most `room` bytes.
    pub(crate) fn encode_sack(&mut self, room: usize, buf: &mut Vec<u8>) {
        let words = room.saturating_sub(SackChunk::OVERHEAD) / 4;
        let mut gaps = [crate::chunk::GapAckBlock { start: 0, end: 0 }; MAX_GAP_ACK_BLOCKS];
        let mut count = 0;
        let blocks = self.islands.gap_ack_blocks(self.cumulative);
        for (place, block) in gaps.iter_mut().zip(blocks.take(words)) {
            *place = block;
            count += 1;
        }
        let duplicates = self.duplicates.len().min(words - count);
        self.advertised = self.window();
        let a_rwnd = u32::try_from(self.advertised).unwrap_or(u32::MAX);
        SackChunk::encode_from(
            buf,
            (self.cumulative.wrap(), a_rwnd),
            gaps[..count].iter().copied(),
            self.duplicates[..duplicates].iter().copied(),
        );
        self.duplicates.clear();
        self.acknowledgement.on_sent();
    }

    /// What the peer may still send.
    fn window(&self) -> usize {
        self.window_bytes.saturating_sub(self.charged_bytes)
    }

    fn has_room(&self, length: usize, in_order: bool) -> bool {
        if self.charged_bytes + length + PLACE_OVERHEAD <= self.window_bytes {
            return true;
        }
        // When nothing can be read, only the next chunk in order leads on: refusing it would be a deadlock. What this adds
        // beyond the window is at most one message, the open one.
        in_order && self.streams.readable_messages() == 0
    }

    /// Keeps a chunk that came before its turn.
    fn land(&mut self, tsn: Unwrapped, fragment: Option<Fragment<&[u8]>>) -> Result<(), Violation> {
        let length = fragment.map_or(0, |fragment| fragment.payload.len());
        if let Landing::Held { complete, pieces } = self.islands.insert(tsn, fragment) {
            self.charged_bytes += length + PLACE_OVERHEAD;
            if let Some(assembled) = complete {
                // The places stay, and go on counting, until the gap is filled.
                debug_assert!(pieces > 0);
                self.charged_bytes -= assembled.data.len();
                self.deliver(assembled)?;
            }
        }
        Ok(())
    }

    fn drain_islands(&mut self) -> Result<(), Violation> {
        while let Some(kept) = self.islands.take(self.cumulative.plus(1)) {
            self.cumulative = self.cumulative.plus(1);
            self.charged_bytes -= PLACE_OVERHEAD;
            if let Some(fragment) = kept {
                self.charged_bytes -= fragment.payload.len();
                if fragment.beginning && fragment.ending && self.open.is_none() {
                    self.deliver(Assembled {
                        id: fragment.id,
                        ppid: fragment.ppid,
                        data: fragment.payload,
                    })?;
                } else {
                    self.append(fragment.borrow())?;
                }
            }
        }
        Ok(())
    }

    /// Takes the next piece in order.
    fn append(&mut self, fragment: Fragment<&[u8]>) -> Result<(), Violation> {
        let Some(open) = &mut self.open else {
            if !fragment.beginning {
                return Err(Violation::Pieces);
            }
            if fragment.ending {
                return self.deliver(Assembled {
                    id: fragment.id,
                    ppid: fragment.ppid,
                    data: Bytes::copy_from_slice(fragment.payload),
                });
            }
            let mut data = Vec::with_capacity(self.usual_size);
            data.extend_from_slice(fragment.payload);
            self.charged_bytes += data.len();
            self.open = Some(Open {
                id: fragment.id,
                ppid: fragment.ppid,
                data,
            });
            return Ok(());
        };
        if fragment.beginning || fragment.id != open.id {
            return Err(Violation::Pieces);
        }
        open.data.extend_from_slice(fragment.payload);
        self.charged_bytes += fragment.payload.len();
        if open.data.len() > self.max_message_size {
            return Err(Violation::MessageTooLarge);
        }
        if fragment.ending
            && let Some(mut open) = self.open.take()
        {
            self.charged_bytes -= open.data.len();
            self.usual_size = open.data.len();
            if open.data.capacity() / 8 * 7 > open.data.len() {
                open.data.shrink_to_fit();
            }
            self.deliver(Assembled {
                id: open.id,
                ppid: open.ppid,
                data: Bytes::from(open.data),
            })?;
        }
        Ok(())
    }

    fn deliver(&mut self, assembled: Assembled) -> Result<(), Violation> {
        let length = assembled.data.len();
        if length > self.max_message_size {
            return Err(Violation::MessageTooLarge);
        }
        let cost = charge(&assembled.data);
        match self.streams.deliver(assembled) {
            Delivery::Refused => self.counts.refused_messages += 1,
            Delivery::Waiting => self.charged_bytes += cost,
            Delivery::Readable(count) => {
                self.charged_bytes += cost;
                self.counts.messages += count as u64;
            }
        }
        self.counts.bytes += length as u64;
        Ok(())
    }
}

/// The window at first: small, unless messages are large, and never more than it may become.
pub(crate) fn initial_window(config: &Config) -> usize {
    INITIAL_WINDOW
        .max(config.max_message_size.saturating_mul(2))
        .min(config.receive_window_bytes)
}

const INITIAL_WINDOW: usize = 256 << 10;
/// Round trips shorter than this are not told apart.
const LEAST_SPAN: Duration = Duration::from_millis(10);
/// What a place on an island counts beside its bytes: the place, and its share of an island of its own.
const PLACE_OVERHEAD: usize = 256;
/// How many packets more must fit before a nearly closed window is worth an update.
const UPDATE_PACKETS: usize = 4;
/// As many gap ack blocks go into a SACK as one packet holds: on a long path that loses, each stands for a repair, and
/// what is not reported looks lost. The nearest ones matter most.
const MAX_GAP_ACK_BLOCKS: usize = 255;
const MAX_DUPLICATES: usize = 20;
/// How far beyond the cumulative TSN a chunk may lie: what a gap ack block can report.
const REACH: u64 = u16::MAX as u64;

#[cfg(test)]
mod tests;
