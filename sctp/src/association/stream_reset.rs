use std::time::Instant;

use super::Association;
use super::state::State;
use crate::chunk::{
    ChunkStart, ChunkType, IncomingResetRequest, OutgoingResetRequest, Parameter, ReConfigChunk,
    ReConfigResponse, ReConfigResult,
};
use crate::event::{Direction, Event};
use crate::message::StreamId;
use crate::serial::{Tsn, Unwrapped};
use crate::timer::Timer;

/// Streams that begin anew, ours and the peer's (RFC 6525).
#[derive(Debug, Default)]
pub(super) struct StreamResets {
    /// Asked for by the application, each at most once.
    wanted: Vec<StreamId>,
    /// The one request that may be under way.
    outgoing: Option<Outgoing>,
    next_request: u32,
    /// The number of the peer's next request.
    expected: u32,
    /// The answer to the peer's last request, for when it asks again.
    answered: Option<ReConfigResponse>,
    /// The peer's request that waits for data sent before it.
    deferred: Option<Deferred>,
    /// An answer waits to be sent.
    response: Option<ReConfigResponse>,
}

#[derive(Debug)]
struct Outgoing {
    sequence_number: u32,
    /// The last TSN that may belong to these streams.
    last: Unwrapped,
    streams: Vec<StreamId>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The request is to be sent.
    Due,
    /// It was sent.
    Sent,
}

#[derive(Debug)]
struct Deferred {
    sequence_number: u32,
    last: Tsn,
    streams: Vec<StreamId>,
}

impl StreamResets {
    /// Takes the numbers at which the requests begin: the initial TSNs (RFC 6525 §4.1).
    pub(super) fn begin(&mut self, local: Tsn, peer: Tsn) {
        *self = Self {
            next_request: local.get(),
            expected: peer.get(),
            ..Self::default()
        };
    }

    /// The number of our next request, and of the peer's.
    pub(super) const fn numbers(&self) -> (u32, u32) {
        (self.next_request, self.expected)
    }

    /// Nothing was asked that was not answered.
    pub(super) fn are_quiescent(&self) -> bool {
        self.wanted.is_empty()
            && self.outgoing.is_none()
            && self.deferred.is_none()
            && self.response.is_none()
    }

    pub(super) fn want(&mut self, stream: StreamId) {
        self.wanted.push(stream);
    }

    /// Whether a RE-CONFIG waits to be sent.
    pub(super) fn is_due(&self) -> bool {
        let due = |outgoing: &Outgoing| outgoing.phase == Phase::Due;
        self.response.is_some() || self.outgoing.as_ref().is_some_and(due)
    }
}

impl Association {
    /// Takes the steps for which the data of the streams had to arrive first.
    pub(super) fn settle_resets(&mut self, now: Instant) {
        if let Some(deferred) = self.resets.deferred.take() {
            self.perform_or_defer(deferred);
        }
        if self.resets.outgoing.is_none() && !self.resets.wanted.is_empty() {
            let sender = &self.sender;
            let mut streams = Vec::new();
            self.resets.wanted.retain(|stream| {
                let ready = streams.len() < MAX_STREAMS_SENT
                    && sender.streams().buffered_bytes(*stream) == 0;
                if ready {
                    streams.push(*stream);
                }
                !ready
            });
            if !streams.is_empty() {
                self.resets.outgoing = Some(Outgoing {
                    sequence_number: self.resets.next_request,
                    last: self.sender.next_tsn().previous(),
                    streams,
                    // Everything was sent. Waiting until it is acknowledged would cost the peer's delay; a peer that
                    // does not have it all yet says so and performs the reset later (RFC 6525 §5.2.2).
                    phase: Phase::Due,
                });
                self.resets.next_request = self.resets.next_request.wrapping_add(1);
                // A request that is never polled for is not a silent peer, but it must not be forgotten either.
                self.timers
                    .set(Timer::ReConfig, now + self.sender.timeout());
            }
        }
    }

    /// No answer came.
    pub(super) fn on_re_config_timer(&mut self, now: Instant) {
        let Some(outgoing) = &mut self.resets.outgoing else {
            return;
        };
        outgoing.phase = Phase::Due;
        self.sender.on_request_timeout();
        self.timers
            .set(Timer::ReConfig, now + self.sender.timeout());
        self.on_path_error();
    }

    pub(super) fn on_re_config(&mut self, chunk: ReConfigChunk<'_>) {
        if !self.state.is_synchronized() {
            self.counts.dropped.unexpected += 1;
            return;
        }
        for parameter in chunk.parameters.take(2) {
            let read = parameter.and_then(|Parameter { kind, value }| match kind {
                OutgoingResetRequest::KIND => {
                    let request = OutgoingResetRequest::decode(value)?;
                    self.on_outgoing_request(&request);
                    Ok(())
                }
                IncomingResetRequest::KIND => {
                    let request = IncomingResetRequest::decode(value)?;
                    self.on_incoming_request(&request);
                    Ok(())
                }
                ReConfigResponse::KIND => {
                    self.on_re_config_response(ReConfigResponse::decode(value)?);
                    Ok(())
                }
                _ => Ok(()),
            });
            if read.is_err() {
                self.counts.dropped.malformed += 1;
                return;
            }
        }
    }

    /// Appends a RE-CONFIG: an answer before a request of our own.
    pub(super) fn encode_re_config(&mut self, now: Instant, buf: &mut Vec<u8>) {
        let chunk = ChunkStart::append(buf, ChunkType::RE_CONFIG, 0);
        if let Some(response) = self.resets.response.take() {
            response.encode(buf);
        } else if let Some(outgoing) = &mut self.resets.outgoing {
            outgoing.phase = Phase::Sent;
            let numbers = (
                outgoing.sequence_number,
                self.resets.expected.wrapping_sub(1),
            );
            let streams = outgoing.streams.iter().copied();
            OutgoingResetRequest::encode_from(buf, numbers, outgoing.last.wrap(), streams);
            let due = now + self.sender.timeout();
            self.timers.set(Timer::ReConfig, due);
        }
        chunk.finish(buf);
    }

    fn on_outgoing_request(&mut self, request: &OutgoingResetRequest<'_>) {
        let sequence_number = request.request_sequence_number;
        if !self.accept_number(sequence_number) {
            return;
        }
        let limit = self.inbound_streams();
        if request.streams().len() > MAX_STREAMS_TAKEN {
            self.respond(sequence_number, ReConfigResult::DENIED);
        } else if request.streams().any(|stream| stream.get() >= limit) {
            self.respond(sequence_number, ReConfigResult::WRONG_SSN);
        } else {
            self.perform_or_defer(Deferred {
                sequence_number,
                last: request.last_assigned_tsn,
                streams: request.streams().collect(),
            });
        }
    }

    /// The peer wishes that our streams begin anew (RFC 6525 §5.2.3): as if the application had asked for it. The request that this becomes
    /// answers the wish.
    fn on_incoming_request(&mut self, request: &IncomingResetRequest<'_>) {
        let number = request.request_sequence_number;
        if !self.accept_number(number) {
            return;
        }
        let limit = self.outbound_streams();
        let count = request.streams().len();
        if count > MAX_STREAMS_TAKEN || !matches!(self.state, State::Established) {
            return self.respond(number, ReConfigResult::DENIED);
        }
        if request.streams().any(|stream| stream.get() >= limit) {
            return self.respond(number, ReConfigResult::WRONG_SSN);
        }
        let mut wanted = request.streams().collect::<Vec<_>>();
        if wanted.is_empty() {
            wanted = self.sender.streams().numbered().collect();
        }
        wanted.retain(|stream| self.sender.streams_mut().begin_reset(*stream));
        let result = if wanted.is_empty() {
            ReConfigResult::NOTHING_TO_DO
        } else {
            ReConfigResult::IN_PROGRESS
        };
        for stream in wanted {
            self.resets.want(stream);
        }
        self.respond(number, result);
    }

    /// Whether a request is new. A repeated one gets the answer it got (RFC 6525 §5.2.1).
    fn accept_number(&mut self, sequence_number: u32) -> bool {
        if sequence_number == self.resets.expected {
            self.resets.expected = sequence_number.wrapping_add(1);
            return true;
        }
        let repeated = self
            .resets
            .answered
            .filter(|answer| answer.response_sequence_number == sequence_number);
        self.resets.response = Some(repeated.unwrap_or(ReConfigResponse {
            response_sequence_number: sequence_number,
            result: ReConfigResult::BAD_SEQUENCE_NUMBER,
        }));
        false
    }

    /// RFC 6525 §5.2.2: the streams begin anew once everything sent before the request has arrived.
    fn perform_or_defer(&mut self, request: Deferred) {
        let cumulative = self.receiver.cumulative();
        let arrived = cumulative.near(request.last) <= cumulative;
        if !arrived || self.events.len() >= MAX_EVENTS {
            let asked_before = self
                .resets
                .answered
                .is_some_and(|answer| answer.response_sequence_number == request.sequence_number);
            if !asked_before {
                self.respond(request.sequence_number, ReConfigResult::IN_PROGRESS);
            }
            self.resets.deferred = Some(request);
            return;
        }
        self.receiver.reset_streams(&request.streams);
        self.respond(request.sequence_number, ReConfigResult::PERFORMED);
        self.events.push_back(Event::StreamsReset {
            direction: Direction::Incoming,
            streams: request.streams,
        });
    }

    fn respond(&mut self, sequence_number: u32, result: ReConfigResult) {
        let response = ReConfigResponse {
            response_sequence_number: sequence_number,
            result,
        };
        self.resets.answered = Some(response);
        self.resets.response = Some(response);
    }

    fn on_re_config_response(&mut self, response: ReConfigResponse) {
        let number = response.response_sequence_number;
        let ours = |outgoing: &mut Outgoing| outgoing.sequence_number == number;
        if response.result == ReConfigResult::IN_PROGRESS {
            // Asked again when the timer says so.
            return;
        }
        let Some(outgoing) = self.resets.outgoing.take_if(ours) else {
            return;
        };
        self.timers.stop(Timer::ReConfig);
        let performed = matches!(
            response.result,
            ReConfigResult::PERFORMED | ReConfigResult::NOTHING_TO_DO
        );
        for stream in &outgoing.streams {
            self.sender.streams_mut().end_reset(*stream, performed);
        }
        let streams = outgoing.streams;
        self.events.push_back(if performed {
            Event::StreamsReset {
                direction: Direction::Outgoing,
                streams,
            }
        } else {
            Event::ResetRefused { streams }
        });
    }
}

/// As many ids as fit into the smallest packet.
const MAX_STREAMS_SENT: usize = 200;
/// More in one request are refused.
const MAX_STREAMS_TAKEN: usize = 1000;
/// With so many events waiting to be polled, the peer's wishes wait too.
const MAX_EVENTS: usize = 64;
