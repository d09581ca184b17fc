use std::time::{Duration, Instant};

use super::Association;
use super::state::State;
use crate::chunk::{
    AbortChunk, CauseCode, Chunk, ChunkType, Chunks, DataChunk, DecodeError, ErrorCauses,
    IDataChunk, InitChunk, RawChunk, SackChunk, ShutdownCompleteChunk,
};
use crate::error::{CloseCause, Initiator};
use crate::message::{Ordering, StreamId};
use crate::packet::{HEADER_LENGTH, Packet};
use crate::receive::{AckTimer, Fragment, Violation};
use crate::send::{Progress, SackError};
use crate::serial::{Mid, Tsn};
use crate::timer::Timer;

/// Whether the chunks after this one are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stop,
}

impl Association {
    /// Takes one SCTP packet.
    pub fn handle_datagram(&mut self, now: Instant, packet: &[u8]) {
        self.counts.packets_received += 1;
        // Who announced it takes it, whatever the other announces (RFC 9653 §5.3).
        let zero_checksum = self.config.zero_checksum;
        let packet = match Packet::decode_with(packet, zero_checksum, &mut self.checksum) {
            Ok(packet) => packet,
            Err(DecodeError::Checksum) => {
                self.counts.dropped.checksum += 1;
                return;
            }
            Err(_) => {
                self.counts.dropped.malformed += 1;
                return;
            }
        };
        if packet.source_port != self.config.remote_port
            || packet.destination_port != self.config.local_port
        {
            self.counts.dropped.ports += 1;
            return;
        }
        self.on_packet(now, &packet);
        self.settle(now);
    }

    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        let mut chunks = packet.chunks();
        let Some(Ok(first)) = chunks.clone().next() else {
            self.counts.dropped.malformed += 1;
            return;
        };
        match first.kind {
            ChunkType::INIT => {
                chunks.next();
                return self.on_lone_init(now, packet, first, chunks);
            }
            ChunkType::COOKIE_ECHO => {
                chunks.next();
                if !self.on_cookie_echo(now, packet.verification_tag, first.value) {
                    return;
                }
            }
            kind if self.is_out_of_the_blue(kind) => {
                return self.on_out_of_the_blue(now, packet, kind);
            }
            kind if packet.verification_tag == self.local.tag => self.on_first_word(now, kind),
            _ => return self.on_reflected_tag(packet, first),
        }
        self.liveness.on_heard();
        self.on_chunks(now, chunks);
    }

    fn on_chunks(&mut self, now: Instant, chunks: Chunks<'_>) {
        let mut has_data = false;
        for raw in chunks {
            let flow = match raw {
                Ok(raw) if raw.kind == ChunkType::DATA => DataChunk::decode(raw).map(|data| {
                    has_data = true;
                    self.on_data(data.tsn, data.immediate, &Fragment::of_data(&data))
                }),
                Ok(raw) if raw.kind == ChunkType::I_DATA => IDataChunk::decode(raw).map(|data| {
                    has_data = true;
                    self.on_i_data(raw, &data)
                }),
                Ok(raw) => {
                    let chunk = Chunk::decode(raw);
                    if raw.kind == ChunkType::INIT_ACK && chunk.is_err() {
                        self.on_unreadable_init_ack(now);
                    }
                    chunk.map(|chunk| self.on_chunk(now, chunk))
                }
                Err(error) => Err(error),
            };
            match flow {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Stop) => break,
                Err(_) => {
                    self.counts.dropped.malformed += 1;
                    break;
                }
            }
        }
        if has_data {
            self.schedule_ack(now);
        }
    }

    fn on_chunk(&mut self, now: Instant, chunk: Chunk<'_>) -> Flow {
        match chunk {
            Chunk::ForwardTsn(forward) => {
                let tsn = forward.new_cumulative_tsn;
                let skipped = forward.skipped();
                let skipped = skipped.map(|(stream, ssn)| {
                    (stream, Ordering::Ordered, Mid::new(u32::from(ssn.get())))
                });
                return self.on_forward_tsn(false, tsn, skipped);
            }
            Chunk::IForwardTsn(forward) => {
                let tsn = forward.new_cumulative_tsn;
                return self.on_forward_tsn(true, tsn, forward.skipped());
            }
            Chunk::Pad(_) => {}
            Chunk::Sack(sack) => self.on_sack(now, &sack),
            Chunk::InitAck(ack) => {
                self.on_init_ack(now, &ack);
                return Flow::Stop;
            }
            Chunk::CookieAck(_) => self.on_cookie_ack(now),
            Chunk::Heartbeat(heartbeat) => self.on_heartbeat(heartbeat.info),
            Chunk::HeartbeatAck(ack) => self.on_heartbeat_ack(now, ack.info),
            Chunk::Abort(abort) => {
                if !abort.reflected_tag {
                    self.on_abort(&abort);
                }
                return Flow::Stop;
            }
            Chunk::Error(error) => self.on_error(now, error.causes),
            Chunk::Shutdown(shutdown) => self.on_shutdown(now, shutdown),
            Chunk::ShutdownAck(_) => self.on_shutdown_ack(),
            Chunk::ShutdownComplete(complete) => {
                if !complete.reflected_tag {
                    self.on_shutdown_complete();
                }
                return Flow::Stop;
            }
            Chunk::ReConfig(re_config) => self.on_re_config(re_config),
            // Neither may follow another chunk (RFC 9260 §5.1, §6.10); data went another way.
            Chunk::Init(_) | Chunk::CookieEcho(_) | Chunk::Data(_) | Chunk::IData(_) => {
                self.counts.dropped.unexpected += 1;
                return Flow::Stop;
            }
            Chunk::Unknown(raw) => return self.on_unknown(raw),
        }
        match self.state {
            State::Ended { .. } => Flow::Stop,
            _ => Flow::GoOn,
        }
    }

    fn on_lone_init(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        first: RawChunk<'_>,
        mut rest: Chunks<'_>,
    ) {
        if packet.verification_tag != 0 {
            self.counts.dropped.verification_tag += 1;
            return;
        }
        match InitChunk::decode(first) {
            Ok(init) if rest.next().is_none() => self.on_init(now, &init),
            _ => self.counts.dropped.malformed += 1,
        }
    }

    /// RFC 9260 §8.5.1: two chunks may carry the receiver's tag instead of ours, with the T bit set. Everything else with
    /// a foreign tag is silently dropped: an ABORT in answer would serve nobody on a private path.
    fn on_reflected_tag(&mut self, packet: &Packet<'_>, first: RawChunk<'_>) {
        let reflected = self
            .peer
            .is_some_and(|peer| peer.tag == packet.verification_tag);
        match first.kind {
            ChunkType::ABORT if reflected => {
                if let Ok(abort) = AbortChunk::decode(first)
                    && abort.reflected_tag
                {
                    return self.on_abort(&abort);
                }
            }
            ChunkType::SHUTDOWN_COMPLETE if reflected => {
                if let Ok(complete) = ShutdownCompleteChunk::decode(first)
                    && complete.reflected_tag
                {
                    return self.on_shutdown_complete();
                }
            }
            _ => {}
        }
        self.counts.dropped.verification_tag += 1;
    }

    fn on_i_data(&mut self, raw: RawChunk<'_>, data: &IDataChunk<'_>) -> Flow {
        if !self.agreed().interleaving {
            return self.on_unknown(raw);
        }
        self.take_data(data.tsn, data.immediate, &Fragment::of_i_data(data))
    }

    fn on_data(&mut self, tsn: Tsn, immediate: bool, fragment: &Fragment<&[u8]>) -> Flow {
        if self.agreed().interleaving {
            // RFC 8260 §2.2.2: one kind or the other.
            return self.on_violation(Violation::Pieces);
        }
        self.take_data(tsn, immediate, fragment)
    }

    fn take_data(&mut self, tsn: Tsn, immediate: bool, fragment: &Fragment<&[u8]>) -> Flow {
        if !self.state.takes_data() {
            self.counts.dropped.unexpected += 1;
            return Flow::GoOn;
        }
        if fragment.payload.is_empty() {
            // RFC 9260 §6.2: ABORT, with the TSN.
            let tsn = tsn.get().to_be_bytes();
            self.say_farewell(CauseCode::NO_USER_DATA, Some(tsn));
            self.end(Initiator::Local, CloseCause::ProtocolViolation);
            return Flow::Stop;
        }
        let stream = fragment.id.stream.get();
        let wanted = stream < self.inbound_streams();
        if !wanted {
            // RFC 9260 §6.5: acknowledged, not delivered, and reported.
            self.counts.dropped.invalid_stream += 1;
            let [high, low] = stream.to_be_bytes();
            self.control
                .push_cause(CauseCode::INVALID_STREAM, &[high, low, 0, 0]);
        }
        match self.receiver.on_chunk(tsn, immediate, fragment, wanted) {
            Ok(()) => {
                if matches!(self.state, State::ShutdownSent) {
                    // RFC 9260 §9.2: answered at once, with SHUTDOWN.
                    self.receiver.acknowledgement().demand();
                    self.control.shutdown = true;
                }
                Flow::GoOn
            }
            Err(violation) => self.on_violation(violation),
        }
    }

    /// Takes the word that messages were given up (RFC 3758 §3.6). It must be the kind of chunk that goes with the data.
    fn on_forward_tsn(
        &mut self,
        of_i_data: bool,
        tsn: Tsn,
        skipped: impl Iterator<Item = (StreamId, Ordering, Mid)>,
    ) -> Flow {
        let agreed = self.agreed();
        if !self.state.takes_data() || of_i_data != agreed.interleaving || !agreed.partial {
            self.counts.dropped.forward_tsn += 1;
            return Flow::GoOn;
        }
        let limit = self.inbound_streams();
        let skipped = skipped.filter(|(stream, ..)| stream.get() < limit);
        match self.receiver.on_forward_tsn(tsn, skipped) {
            Ok(()) => Flow::GoOn,
            Err(violation) => self.on_violation(violation),
        }
    }

    fn on_violation(&mut self, violation: Violation) -> Flow {
        let (cause, code) = match violation {
            Violation::Pieces => (CloseCause::ProtocolViolation, CauseCode::PROTOCOL_VIOLATION),
            Violation::OutOfResource => (CloseCause::OutOfResource, CauseCode::OUT_OF_RESOURCE),
        };
        self.abort_with(Initiator::Local, cause, code);
        Flow::Stop
    }

    fn schedule_ack(&mut self, now: Instant) {
        let pause = self.sender.timeout();
        match self.receiver.acknowledgement().on_packet(now, pause) {
            AckTimer::Stop => self.timers.stop(Timer::DelayedAck),
            AckTimer::Start if self.timers.is_running(Timer::DelayedAck) => {}
            AckTimer::Start => {
                let delay = ACK_DELAY.min(self.sender.timeout() / 2);
                self.timers.set(Timer::DelayedAck, now + delay);
            }
        }
    }

    fn on_sack(&mut self, now: Instant, sack: &SackChunk<'_>) {
        if !self.state.is_synchronized() {
            self.counts.dropped.unexpected += 1;
            return;
        }
        match self.sender.on_sack(now, sack) {
            Ok(progress) => self.on_progress(now, progress),
            Err(SackError::Stale) => self.counts.dropped.stale_sacks += 1,
            Err(SackError::Malformed) => self.counts.dropped.malformed_sacks += 1,
            Err(SackError::NeverSent) => self.abort_with(
                Initiator::Local,
                CloseCause::ProtocolViolation,
                CauseCode::PROTOCOL_VIOLATION,
            ),
        }
    }

    pub(super) fn on_progress(&mut self, now: Instant, progress: Progress) {
        if progress.cumulative_advanced {
            // RFC 9260 §6.3.2 R3; when nothing is left, `settle` stops it (R2).
            self.timers
                .set(Timer::Retransmission, now + self.sender.timeout());
            self.schedule_tail_probe(now);
            if self.timers.is_running(Timer::ShutdownGuard) {
                self.start_shutdown_guard(now);
            }
        }
    }

    fn on_heartbeat(&mut self, info: &[u8]) {
        if !self.state.is_synchronized() {
            self.counts.dropped.unexpected += 1;
        } else if info.len() + HEADER_LENGTH + 4 > self.config.mtu {
            self.counts.dropped.malformed += 1;
        } else if !self.control.push_heartbeat_ack(info) {
            self.counts.dropped.replies += 1;
        }
    }

    fn on_error(&mut self, now: Instant, causes: ErrorCauses<'_>) {
        for cause in causes.flatten() {
            log::debug!("the peer reports error cause {}", cause.code.0);
            if cause.code == CauseCode::STALE_COOKIE {
                self.on_stale_cookie(now);
            }
        }
    }

    /// The rules of RFC 9260 §3.2 for types that nobody here knows.
    fn on_unknown(&mut self, raw: RawChunk<'_>) -> Flow {
        self.counts.dropped.unknown += 1;
        let action = raw.kind.when_unknown();
        if action.report && self.state.is_synchronized() {
            let mut whole = Vec::with_capacity(raw.value.len() + 8);
            raw.encode(&mut whole);
            if !self
                .control
                .push_cause(CauseCode::UNRECOGNIZED_CHUNK, &whole)
            {
                self.counts.dropped.replies += 1;
            }
        }
        if action.skip { Flow::GoOn } else { Flow::Stop }
    }
}

/// The longest that an acknowledgement is put off (RFC 9260 §6.2).
const ACK_DELAY: Duration = Duration::from_millis(200);
