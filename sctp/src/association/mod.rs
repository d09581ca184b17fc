mod control;
mod handover;
mod handshake;
mod inbound;
mod liveness;
mod outbound;
mod path;
mod reading;
mod sending;
mod shutdown;
mod state;
mod stray;
mod stream_reset;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use self::control::Control;
use self::liveness::Liveness;
use self::path::Probing;
use self::state::State;
use self::stray::Strays;
use self::stream_reset::StreamResets;
use crate::chunk::{Chunks, DecodeError, InitChunk};
use crate::config::Config;
use crate::cookie::{Peer, Secret};
use crate::error::{CloseCause, CloseReason, ConfigError, Initiator, RemoteInitError, ResetError};
use crate::event::Event;
use crate::message::StreamId;
use crate::packet::Checksum;
use crate::receive::Receiver;
use crate::send::{ForwardDue, Sender};
use crate::serial::Tsn;
use crate::stats::{Dropped, Stats, StreamStats};
use crate::timer::{Timer, Timers};

/// One SCTP association over datagrams that something else keeps safe, DTLS as a rule (RFC 8261).
///
/// It does no I/O. Bytes and instants go in through [`handle_datagram`](Self::handle_datagram) and
/// [`handle_timeout`](Self::handle_timeout); packets, deadlines and events are fetched with the `poll_` methods, in any order and as often
/// as one likes. After every call that takes `&mut self` there may be something new to fetch.
///
/// Messages are pulled with [`recv`](Self::recv). What is not read stays here, counts against the window that the peer sees, and so
/// holds the peer back.
#[derive(Debug)]
pub struct Association {
    config: Config,
    secret: Secret,
    local: Local,
    peer: Option<Peer>,
    checksum: Checksum,
    /// When the tail probe was scheduled, if nothing but packets of data that left then can have changed since what it depends on.
    tail_probe_set: Option<Instant>,
    state: State,
    timers: Timers,
    liveness: Liveness,
    sender: Sender,
    receiver: Receiver,
    control: Control,
    resets: StreamResets,
    probing: Probing,
    strays: Strays,
    events: VecDeque<Event>,
    counts: Counts,
}

/// What this side is called.
#[derive(Clone, Copy, Debug)]
struct Local {
    tag: u32,
    initial_tsn: Tsn,
    /// The first instant that was seen; the age of cookies counts from it.
    epoch: Option<Instant>,
}

/// What this part of the machine counts itself.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    packets_sent: u64,
    packets_received: u64,
    messages_sent: u64,
    bytes_sent: u64,
    retransmission_timeouts: u64,
    dropped: Dropped,
}

/// What both sides can.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    /// Messages travel in I-DATA chunks.
    interleaving: bool,
    /// Messages may be given up.
    partial: bool,
    /// Packets may carry a zero for a checksum.
    zero_checksum: bool,
}

impl Association {
    /// An association that has sent nothing yet. It answers a peer's INIT from now on.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut secret = Secret::new(seed);
        let local = Local::draw(&mut secret, None);
        Ok(Self {
            secret,
            local,
            peer: None,
            checksum: Checksum::default(),
            tail_probe_set: None,
            state: State::Closed,
            timers: Timers::default(),
            liveness: Liveness::default(),
            sender: Sender::new(&config, local.initial_tsn),
            receiver: Receiver::new(&config, Tsn::new(0), false),
            control: Control::default(),
            resets: StreamResets::default(),
            probing: Probing::default(),
            strays: Strays::default(),
            events: VecDeque::new(),
            counts: Counts::default(),
            config,
        })
    }

    /// Starts the handshake. Both sides call it: INIT from both is the normal case in WebRTC.
    ///
    /// With a round trip known from ICE or DTLS a lost packet is repeated after three of them and not after a second.
    pub fn connect(&mut self, now: Instant, round_trip: Option<Duration>) {
        if !matches!(self.state, State::Closed) {
            return;
        }
        self.local.epoch.get_or_insert(now);
        if let Some(round_trip) = round_trip {
            self.sender.on_round_trip_hint(round_trip);
        }
        self.begin_handshake(now);
    }

    /// Our INIT chunk as it goes into a session description (`a=sctp-init`, SNAP), always the same for one association.
    ///
    /// When both descriptions carry one, both sides call [`connect_with`](Self::connect_with) and there is no handshake;
    /// else [`connect`](Self::connect) sends the same INIT over the wire.
    pub fn local_init(&self) -> Vec<u8> {
        let parameters = self.announcements();
        let mut chunk = Vec::new();
        self.init_chunk(self.local, &parameters).encode(&mut chunk);
        chunk
    }

    /// Sets the association up from the peer's INIT chunk, taken from its session description; ours
    /// ([`local_init`](Self::local_init)) is in the peer's hands. Call it when packets can be sent:
    /// [`Event::Connected`] follows at once, and so does data.
    pub fn connect_with(
        &mut self,
        now: Instant,
        remote_init: &[u8],
        round_trip: Option<Duration>,
    ) -> Result<(), RemoteInitError> {
        if !matches!(self.state, State::Closed) {
            return Err(RemoteInitError::Begun);
        }
        let mut chunks = Chunks::new(remote_init);
        let raw = chunks.next().ok_or(DecodeError::Truncated)??;
        let init = InitChunk::decode(raw)?;
        let (peer, _) = self
            .validate_init(&init)
            .map_err(|_| RemoteInitError::Incompatible)?;
        self.local.epoch.get_or_insert(now);
        if let Some(round_trip) = round_trip {
            self.sender.on_round_trip_hint(round_trip);
        }
        self.adopt(peer);
        self.establish(now);
        self.settle(now);
        Ok(())
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for timer in Timers::ALL {
            if self.timers.expire(timer, now) {
                self.on_timer(now, timer);
            }
        }
        self.settle(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        // Nothing comes before the beginning; what can be read comes before what ends or resets its stream.
        let begins = |event: &Event| matches!(event, Event::Connected { .. } | Event::Restarted);
        if !self.events.front().is_some_and(begins) {
            if let Some(stream) = self.receiver.next_announcement() {
                return Some(Event::Readable(stream));
            }
            if let Some(stream) = self.sender.streams_mut().next_low() {
                return Some(Event::BufferedAmountLow(stream));
            }
            if let Some(stream) = self.sender.take_writable() {
                return Some(Event::Writable(stream));
            }
            if let Some((stream, reason)) = self.receiver.next_refusal() {
                return Some(Event::StreamRefused { stream, reason });
            }
        }
        self.events.pop_front()
    }

    /// Begins outgoing streams anew, once what was sent on them is acknowledged (RFC 6525): how a data channel
    /// closes (RFC 8831 §6.7). [`Event::StreamsReset`] or [`Event::ResetRefused`] follows.
    pub fn reset_streams(&mut self, now: Instant, streams: &[StreamId]) -> Result<(), ResetError> {
        if !matches!(self.state, State::Established) {
            return Err(ResetError::NotEstablished);
        }
        if !self.peer.is_some_and(|peer| peer.extensions.re_config) {
            return Err(ResetError::Unsupported);
        }
        let limit = self.outbound_streams();
        if streams.iter().any(|stream| stream.get() >= limit) {
            return Err(ResetError::InvalidStream);
        }
        for stream in streams {
            if self.sender.streams_mut().begin_reset(*stream) {
                self.resets.want(*stream);
            }
        }
        self.settle(now);
        Ok(())
    }

    /// Whether the handshake is done and no end has begun.
    pub fn is_established(&self) -> bool {
        matches!(self.state, State::Established)
    }

    /// How the association ended, once it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self.state {
            State::Ended { reason } => Some(reason),
            _ => None,
        }
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        let counts = self.receiver.counts();
        let sent = self.sender.counts();
        let mut stats = Stats {
            packets_sent: self.counts.packets_sent,
            packets_received: self.counts.packets_received,
            messages_sent: self.counts.messages_sent,
            bytes_sent: self.counts.bytes_sent,
            retransmission_timeouts: self.counts.retransmission_timeouts,
            dropped: self.counts.dropped,
            ..Stats::default()
        };
        stats.messages_received = counts.messages;
        stats.bytes_received = counts.bytes;
        stats.dropped.duplicates = counts.duplicate_chunks;
        stats.dropped.window_overruns = counts.window_overruns;
        stats.dropped.refused_messages = counts.refused_messages;
        stats.dropped.refused_stream = counts.refused_stream;
        stats.dropped.over_limit = counts.over_limit;
        stats.dropped.forward_tsn += counts.forward_tsn;
        stats.payload_bytes_sent = self.sender.payload_bytes();
        stats.retransmitted_chunks = sent.retransmitted_chunks;
        stats.retransmitted_bytes = sent.retransmitted_bytes;
        stats.spurious_retransmissions = sent.spurious;
        stats.abandoned_messages = self.sender.abandoned_messages();
        stats.outstanding_bytes = self.sender.held_bytes();
        stats.buffered_bytes = self.sender.streams().total_buffered_bytes();
        stats.unread_bytes = self.receiver.charged_bytes();
        stats.remote_window_bytes = self.sender.advertised();
        stats.max_datagram_bytes = self.sender.packet_size();
        let agreed = self.agreed();
        stats.interleaving = agreed.interleaving;
        stats.zero_checksum_sent = agreed.zero_checksum;
        stats.round_trip = self.sender.round_trip();
        stats.congestion_window_bytes = self.sender.congestion_window();
        stats
    }

    /// What one stream counted.
    pub fn stream_stats(&self, now: Instant, stream: StreamId) -> StreamStats {
        let (streams, inbound) = (self.sender.streams(), self.receiver.streams());
        let (sent, received) = (streams.counts(stream), inbound.counts(stream));
        let oldest = streams.oldest(stream);
        StreamStats {
            messages_sent: sent.messages,
            bytes_sent: sent.bytes,
            messages_received: received.messages,
            bytes_received: received.bytes,
            retransmitted_chunks: sent.retransmitted_chunks,
            abandoned_messages: sent.abandoned_messages,
            buffered_bytes: streams.buffered_bytes(stream),
            oldest_buffered: oldest.map(|since| now.saturating_duration_since(since)),
            unread_bytes: inbound.unread_bytes(stream),
        }
    }

    /// What both sides can.
    fn agreed(&self) -> Agreed {
        let theirs = self.peer.map(|peer| peer.extensions).unwrap_or_default();
        let interleaving = self.config.interleaving && theirs.i_data;
        Agreed {
            interleaving,
            partial: if interleaving {
                theirs.i_forward_tsn
            } else {
                theirs.forward_tsn
            },
            zero_checksum: self.config.zero_checksum && theirs.zero_checksum,
        }
    }

    /// How many streams can be sent on: negotiated, or as many as may be.
    fn outbound_streams(&self) -> u16 {
        let limit = self.config.max_streams;
        self.peer
            .map_or(limit, |peer| peer.inbound_streams.min(limit))
    }

    fn inbound_streams(&self) -> u16 {
        let limit = self.config.max_streams;
        self.peer
            .map_or(limit, |peer| peer.outbound_streams.min(limit))
    }

    /// Takes the steps between the parts after any input, so that nothing is left half done.
    fn settle(&mut self, now: Instant) {
        self.tail_probe_set = None;
        self.settle_shutdown(now);
        self.settle_resets(now);
        if !self.sender.has_outstanding() {
            self.timers.stop(Timer::Retransmission);
            self.timers.stop(Timer::TailProbe);
        }
        self.timers.put(Timer::Loss, self.sender.loss_due());
        if !self.sender.rests_on_memory() {
            self.timers.stop(Timer::Rest);
        } else if !self.timers.is_running(Timer::Rest) {
            self.timers.set(Timer::Rest, now + KEPT);
        }
        let forward = match self.sender.forward_due() {
            Some(ForwardDue::At(due)) if due > now => Some(due),
            _ => None,
        };
        self.timers.put(Timer::Forward, forward);
        let larger = self.sender.packet_size() > self.config.mtu;
        if larger && let Some(bytes) = self.sender.take_black_hole() {
            self.events.push_back(Event::BlackHole { bytes });
        }
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Init | Timer::Cookie => self.on_handshake_timer(now, timer),
            Timer::Shutdown => self.on_shutdown_timer(now),
            Timer::ShutdownGuard => self.on_shutdown_guard(),
            Timer::Retransmission => {
                self.counts.retransmission_timeouts += 1;
                self.sender.on_timeout(now);
                self.timers.stop(Timer::TailProbe);
                self.on_path_error();
            }
            Timer::DelayedAck => self.receiver.acknowledgement().demand(),
            Timer::Heartbeat => self.on_heartbeat_timer(now),
            Timer::ReConfig => self.on_re_config_timer(now),
            Timer::Loss => self.sender.on_loss_timer(now),
            Timer::TailProbe => self.sender.on_tail_probe_timer(),
            Timer::Probe => self.on_probe_timer(),
            Timer::Rest => self.sender.release(),
            // What they held back can be polled.
            Timer::Pacing | Timer::Forward => {}
        }
    }

    /// Tells the end and forgets what only the living need. What can be read stays.
    fn end(&mut self, initiator: Initiator, cause: CloseCause) {
        if matches!(self.state, State::Ended { .. }) {
            return;
        }
        log::debug!("association ended: {cause}");
        let reason = CloseReason::new(initiator, cause);
        self.state = State::Ended { reason };
        self.timers.stop_all();
        self.control.clear();
        self.resets = StreamResets::default();
        self.sender = Sender::new(&self.config, self.local.initial_tsn);
        self.events.push_back(Event::Closed(reason));
    }
}

/// For so long memory waits for the next messages.
const KEPT: Duration = Duration::from_secs(5);

impl Local {
    fn draw(secret: &mut Secret, epoch: Option<Instant>) -> Self {
        Self {
            // 0 is the tag of an INIT and of nothing else (RFC 9260 §5.3.1).
            tag: secret.next_u32().max(1),
            initial_tsn: Tsn::new(secret.next_u32()),
            epoch,
        }
    }
}
