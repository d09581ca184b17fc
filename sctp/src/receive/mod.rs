//! What arrives: which TSNs were seen, messages put together, and what the peer is told of it.

mod acknowledgement;
mod fragment;
mod interleaved;
mod islands;
mod limit;
mod reassembly;
mod streams;
mod window;

use std::time::{Duration, Instant};

pub(crate) use self::acknowledgement::AckTimer;
use self::acknowledgement::Acknowledgement;
pub(crate) use self::fragment::Fragment;
use self::fragment::{Assembled, MessageId};
use self::interleaved::Interleaved;
use self::islands::Islands;
pub use self::limit::ReceiveLimit;
use self::streams::InboundStreams;
use self::window::Window;
pub(crate) use self::window::initial_window;
use crate::chunk::SackChunk;
use crate::config::Config;
use crate::event::RefusalReason;
use crate::message::{Message, MessagePiece, Ordering, Ppid, StreamId};
use crate::serial::{Mid, Tsn, Unwrapped};

/// The receiving half of an association.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Everything up to here has arrived, or was given up by the peer.
    cumulative: Unwrapped,
    /// What arrived beyond the first gap.
    islands: Islands,
    /// The one message whose pieces end at the cumulative TSN. Pieces of a DATA message are neighbours, so there is
    /// never a second one.
    open: Option<Open>,
    /// The pieces that come next belong to a message that was given up or refused.
    skipping: bool,
    /// Messages come in I-DATA chunks, and not in DATA chunks.
    interleaving: bool,
    interleaved: Interleaved,
    streams: InboundStreams,
    acknowledgement: Acknowledgement,
    duplicates: Vec<Tsn>,
    /// What the islands and the open message count against the window.
    charged_bytes: usize,
    window: Window,
    /// Streams that were refused, and nobody was told yet.
    refusals: Vec<(StreamId, RefusalReason)>,
    max_message_size: usize,
    /// The size of the last message, the best guess for the next one.
    usual_size: usize,
    mtu: usize,
    counts: Counts,
}

/// What the receiving half counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) duplicate_chunks: u64,
    pub(crate) window_overruns: u64,
    pub(crate) refused_messages: u64,
    pub(crate) refused_stream: u64,
    pub(crate) over_limit: u64,
    pub(crate) forward_tsn: u64,
}

#[derive(Debug)]
struct Open {
    id: MessageId,
    ppid: Ppid,
    data: Vec<u8>,
    /// Some of it was made readable: `data` goes on from there.
    begun: bool,
}

/// Why the association cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Pieces that do not belong together stand where those of one message should.
    Pieces,
    /// So many messages are unfinished that none can be finished.
    OutOfResource,
}

impl Receiver {
    pub(crate) fn new(config: &Config, peer_initial: Tsn, interleaving: bool) -> Self {
        Self {
            cumulative: Unwrapped::first(peer_initial).previous(),
            islands: Islands::default(),
            open: None,
            skipping: false,
            interleaving,
            interleaved: Interleaved::default(),
            streams: InboundStreams::new(interleaving),
            acknowledgement: Acknowledgement::default(),
            duplicates: Vec::new(),
            charged_bytes: 0,
            window: Window::new(config),
            refusals: Vec::new(),
            max_message_size: config.max_message_size,
            usual_size: 0,
            mtu: config.mtu,
            counts: Counts::default(),
        }
    }

    /// Begins anew for another peer, with the settings of the streams and the counters as they are.
    pub(crate) fn renew(&mut self, config: &Config, peer_initial: Tsn, interleaving: bool) {
        let streams = self.streams.renewed(interleaving);
        let counts = self.counts;
        *self = Self::new(config, peer_initial, interleaving);
        self.streams = streams;
        self.counts = counts;
    }

    pub(crate) fn cumulative(&self) -> Unwrapped {
        self.cumulative
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn streams(&self) -> &InboundStreams {
        &self.streams
    }

    pub(crate) fn streams_mut(&mut self) -> &mut InboundStreams {
        &mut self.streams
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

    /// Everything that counts against the window.
    pub(crate) fn charged_bytes(&self) -> usize {
        self.charged_bytes + self.streams.charged_bytes() + self.interleaved.charged_bytes()
    }

    /// Nothing is unread, unfinished or unacknowledged.
    pub(crate) fn is_quiescent(&self) -> bool {
        self.charged_bytes() == 0 && !self.wants_ack()
    }

    /// Takes a DATA or I-DATA chunk. One that is not `wanted` (its stream does not exist) is acknowledged and not kept.
    pub(crate) fn on_chunk(
        &mut self,
        tsn: Tsn,
        immediate: bool,
        fragment: &Fragment<&[u8]>,
        wanted: bool,
    ) -> Result<(), Violation> {
        let number = tsn;
        let tsn = self.cumulative.near(tsn);
        if immediate {
            self.acknowledgement.demand();
        }
        if tsn <= self.cumulative || self.islands.contains(tsn) {
            self.counts.duplicate_chunks += 1;
            self.acknowledgement.demand();
            if self.duplicates.len() < MAX_DUPLICATES {
                self.duplicates.push(number);
            }
            return Ok(());
        }
        let in_order = tsn == self.cumulative.plus(1);
        if tsn.since(self.cumulative) > REACH || !self.has_room(fragment.payload.len(), in_order)? {
            // The peer learns the window, and sends it again.
            self.counts.window_overruns += 1;
            self.acknowledgement.demand();
            return Ok(());
        }
        let refused = wanted && self.streams.is_refused(fragment.id.stream);
        if refused {
            self.counts.refused_stream += 1;
            self.leave_refused();
        }
        let fragment = (wanted && !refused).then_some(fragment);
        if !in_order {
            self.acknowledgement.demand();
        }
        if self.interleaving {
            self.note(tsn, in_order);
            let taken = fragment.map_or(Ok(()), |fragment| self.interleave(fragment));
            self.widen_for_unfinished();
            return taken;
        }
        if !in_order {
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

    /// The peer gave messages up (RFC 3758 §3.6, RFC 8260 §2.3.1): everything up to `tsn` counts as arrived, and of the streams named nothing
    /// up to these messages is waited for.
    pub(crate) fn on_forward_tsn(
        &mut self,
        tsn: Tsn,
        skipped: impl Iterator<Item = (StreamId, Ordering, Mid)>,
    ) -> Result<(), Violation> {
        let last = self.cumulative.near(tsn);
        self.acknowledgement.demand();
        if last <= self.cumulative {
            return Ok(());
        }
        if last.since(self.cumulative) > REACH {
            self.counts.forward_tsn += 1;
            return Ok(());
        }
        let (places, bytes) = self.islands.discard_up_to(last);
        self.charged_bytes -= places * PLACE_OVERHEAD + bytes;
        self.cumulative = last;
        if !self.interleaving {
            // Its next piece is among what was given up.
            self.skipping = true;
            self.drop_open();
        }
        for (stream, ordering, number) in skipped {
            if self.interleaving {
                self.interleaved.skip(stream, ordering, number);
            }
            if ordering == Ordering::Ordered {
                self.counts.messages += self.streams.skip(stream, number) as u64;
            }
        }
        if self.interleaving {
            self.advance_over_islands();
            Ok(())
        } else {
            self.drain_islands()
        }
    }

    pub(crate) fn recv(&mut self, stream: StreamId) -> Option<Message> {
        let message = self.streams.recv(stream)?;
        self.after_reading();
        Some(message)
    }

    pub(crate) fn recv_piece(&mut self, stream: StreamId) -> Option<MessagePiece> {
        let piece = self.streams.recv_piece(stream)?;
        self.after_reading();
        Some(piece)
    }

    fn after_reading(&mut self) {
        if self.window.wants_update(self.charged_bytes(), self.mtu) {
            self.acknowledgement.demand();
        }
    }

    /// The application read so much: the window may grow.
    pub(crate) fn tune_window(&mut self, now: Instant, read: usize, round_trip: Option<Duration>) {
        self.window.on_read(now, read, round_trip);
    }

    pub(crate) fn next_readable(&self) -> Option<StreamId> {
        self.streams.next_readable()
    }

    pub(crate) fn next_announcement(&mut self) -> Option<StreamId> {
        self.streams.next_announcement()
    }

    /// The next stream that was refused, in no particular order.
    pub(crate) fn next_refusal(&mut self) -> Option<(StreamId, RefusalReason)> {
        self.refusals.pop()
    }

    /// The application wants nothing more of a stream.
    pub(crate) fn refuse_stream(&mut self, stream: StreamId) {
        if self.streams.refuse(stream) {
            self.forget_unfinished(stream);
        }
        self.streams.drain(stream);
        self.after_reading();
    }

    /// The peer begins streams anew; none means all.
    pub(crate) fn reset_streams(&mut self, streams: &[StreamId]) {
        if streams.is_empty() {
            self.interleaved.clear();
            self.streams.reset_all();
            self.refusals.clear();
        }
        for stream in streams {
            self.interleaved.forget_stream(*stream);
            self.streams.reset(*stream);
        }
    }

    /// Appends a SACK of at most `room` bytes.
    pub(crate) fn encode_sack(&mut self, room: usize, buf: &mut Vec<u8>) {
        let words = room.saturating_sub(SackChunk::OVERHEAD) / 4;
        let gaps = self.islands.count().min(words).min(MAX_GAP_ACK_BLOCKS);
        let duplicates = self.duplicates.len().min(words - gaps);
        let charged = self.charged_bytes();
        let a_rwnd = self.window.advertise(charged);
        SackChunk::encode_from(
            buf,
            (self.cumulative.wrap(), a_rwnd),
            self.islands.gap_ack_blocks(self.cumulative).take(gaps),
            self.duplicates[..duplicates].iter().copied(),
        );
        self.duplicates.clear();
        self.acknowledgement.on_sent();
    }

    /// Where messages mix, the window may fill with the beginnings of many while nothing is missing and nothing can be read, so that
    /// nothing would ever open it: it has to become wider, as far as it may.
    fn widen_for_unfinished(&mut self) {
        if self.islands.is_empty()
            && self.interleaved.mixes()
            && self.streams.readable_pieces() == 0
            && self.window.open(self.charged_bytes()) < self.window.bytes() / 4
            && self.window.widen()
        {
            self.acknowledgement.demand();
        }
    }

    fn has_room(&mut self, length: usize, in_order: bool) -> Result<bool, Violation> {
        let wanted = self.charged_bytes() + length + PLACE_OVERHEAD;
        // Where nothing is missing the charge is what the peer knows of, and a probe of a closed window is no reason to go beyond.
        let limit = if self.islands.is_empty() {
            self.window.bytes()
        } else {
            self.window.limit()
        };
        if wanted <= limit {
            return Ok(true);
        }
        // When nothing can be read, only the next chunk in order leads on: refusing it would be a deadlock. What this adds
        // beyond the window is at most one message, the open one.
        if !in_order || self.streams.readable_pieces() > 0 {
            return Ok(false);
        }
        // Where messages mix, many may be unfinished at once, and the window must hold them all.
        if self.interleaving && wanted > self.window.limit().saturating_add(self.max_message_size) {
            return if self.window.widen() {
                Ok(true)
            } else {
                Err(Violation::OutOfResource)
            };
        }
        Ok(true)
    }
}

/// What a place on an island counts beside its bytes: the place, and its share of an island of its own.
const PLACE_OVERHEAD: usize = 256;
/// As many gap ack blocks go into a SACK as one packet holds: on a long path that loses, each stands for a repair, and
/// what is not reported looks lost. The nearest ones matter most.
const MAX_GAP_ACK_BLOCKS: usize = 255;
const MAX_DUPLICATES: usize = 20;
/// How far beyond the cumulative TSN a chunk may lie: what a gap ack block can report.
const REACH: u64 = u16::MAX as u64;

#[cfg(test)]
mod tests;
