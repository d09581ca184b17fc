use std::time::{Duration, Instant};

use super::state::State;
use super::stray::Objection;
use super::{Association, Local};
use crate::chunk::{
    CauseCode, ChunkType, DecodeError, InitAckChunk, InitChunk, Parameter, ParameterType,
    Parameters,
};
use crate::cookie::{Cookie, Extensions, Peer};
use crate::error::{CloseCause, Initiator};
use crate::event::Event;
use crate::receive::initial_window;
use crate::send::Sender;
use crate::timer::Timer;

/// The parameters of an INIT or INIT ACK, as far as they concern us.
#[derive(Debug, Default)]
pub(super) struct Parsed<'a> {
    cookie: Option<&'a [u8]>,
    extensions: Extensions,
    /// Unknown ones that ask to be reported, each encoded whole.
    unrecognized: Vec<u8>,
}

impl Association {
    pub(super) fn begin_handshake(&mut self, now: Instant) {
        self.state = State::CookieWait;
        self.control.init = true;
        self.liveness.attempts = 0;
        self.timers.set(Timer::Init, now + self.sender.timeout());
    }

    /// T1 expired (RFC 9260 §5.1): once more, or the end.
    pub(super) fn on_handshake_timer(&mut self, now: Instant, timer: Timer) {
        self.liveness.attempts += 1;
        self.liveness.init_sent = None;
        let limit = self.config.max_init_retransmissions;
        if limit.is_some_and(|limit| self.liveness.attempts > limit) {
            let cause = CloseCause::HandshakeTimeout;
            self.abort_with(Initiator::Network, cause, CauseCode::USER_ABORT);
            return;
        }
        self.sender.on_handshake_timeout();
        self.timers.set(timer, now + self.sender.timeout());
        match self.state {
            State::CookieWait => self.control.init = true,
            State::CookieEchoed { .. } => self.control.cookie_echo = true,
            _ => self.timers.stop(timer),
        }
    }

    /// Answers an INIT (RFC 9260 §5.1 B, §5.2.1, §5.2.2). Keeps nothing: all that matters goes into the cookie.
    pub(super) fn on_init(&mut self, now: Instant, init: &InitChunk<'_>) {
        match self.state {
            State::Ended { .. } => {
                self.counts.dropped.unexpected += 1;
                self.refuse_init(now, init.initiate_tag, None);
                return;
            }
            State::ShutdownAckSent { .. } => {
                // RFC 9260 §9.2: the peer did not hear that all is over.
                self.control.shutdown_ack = true;
                return;
            }
            _ => {}
        }
        let (peer, parsed) = match self.validate_init(init) {
            Ok(valid) => valid,
            Err(why) => return self.refuse_init(now, init.initiate_tag, Some(why)),
        };
        let epoch = *self.local.epoch.get_or_insert(now);
        // Where nothing stands yet, both INITs belong to one association, and our tag is the same in both
        // (RFC 9260 §5.2.1). Where one stands, the peer may have lost its own, and gets a new name for us.
        let synchronized = self.state.is_synchronized();
        let local = if synchronized {
            Local::draw(&mut self.secret, Some(epoch))
        } else {
            self.local
        };
        let tie_tags = match (self.peer, synchronized) {
            (Some(known), true) => (self.local.tag, known.tag),
            _ => (0, 0),
        };
        let cookie = self.secret.seal(&Cookie {
            local_tag: local.tag,
            local_initial_tsn: local.initial_tsn,
            peer,
            tie_tags,
            created: now.saturating_duration_since(epoch),
        });
        let mut parameters = self.announcements();
        Parameter {
            kind: ParameterType::STATE_COOKIE,
            value: &cookie,
        }
        .encode(&mut parameters);
        for unknown in (Parameters(&parsed.unrecognized)).flatten() {
            let mut whole = Vec::new();
            unknown.encode(&mut whole);
            Parameter {
                kind: ParameterType::UNRECOGNIZED,
                value: &whole,
            }
            .encode(&mut parameters);
        }
        let mut chunk = Vec::new();
        InitAckChunk {
            init: self.init_chunk(local, &parameters),
        }
        .encode(&mut chunk);
        self.control.init_ack = Some((peer.tag, chunk));
    }

    /// Takes the answer to our INIT (RFC 9260 §5.1 C).
    pub(super) fn on_init_ack(&mut self, now: Instant, ack: &InitAckChunk<'_>) {
        if !matches!(self.state, State::CookieWait) {
            // RFC 9260 §5.2.3: an old or duplicate one.
            self.counts.dropped.unexpected += 1;
            return;
        }
        let tag = ack.init.initiate_tag;
        let (peer, parsed) = match self.validate_init(&ack.init) {
            Ok(valid) => valid,
            Err(why) => return self.refuse_init_ack(now, tag, why),
        };
        let Some(cookie) = parsed.cookie else {
            self.counts.dropped.malformed += 1;
            return self.refuse_init_ack(now, tag, Objection::NoCookie);
        };
        if let Some(sent) = self.liveness.init_sent.take() {
            let sample = now.saturating_duration_since(sent);
            self.sender.on_round_trip_sample(sample);
            // A sample sets the timeout for data, which waits for delayed acknowledgements. The handshake does not.
            self.sender.on_round_trip_hint(sample);
        }
        if !parsed.unrecognized.is_empty() {
            self.control
                .push_cause(CauseCode::UNRECOGNIZED_PARAMETERS, &parsed.unrecognized);
        }
        let cookie = cookie.to_vec();
        self.adopt(peer);
        self.state = State::CookieEchoed { cookie };
        self.control.init = false;
        self.control.cookie_echo = true;
        self.liveness.attempts = 0;
        self.timers.stop(Timer::Init);
        self.timers.set(Timer::Cookie, now + self.sender.timeout());
    }

    pub(super) fn on_unreadable_init_ack(&mut self, now: Instant) {
        if matches!(self.state, State::CookieWait) {
            self.refuse_init_ack(now, 0, Objection::Unreadable);
        }
    }

    /// Takes a cookie back (RFC 9260 §5.1.5, §5.2.4). True when the rest of the packet belongs to the association.
    pub(super) fn on_cookie_echo(&mut self, now: Instant, tag: u32, cookie: &[u8]) -> bool {
        let Some(cookie) = self.secret.open(cookie) else {
            self.counts.dropped.forged_cookies += 1;
            return false;
        };
        if cookie.local_tag != tag {
            self.counts.dropped.verification_tag += 1;
            return false;
        }
        let ours = cookie.local_tag == self.local.tag;
        let known = self.peer.is_some_and(|peer| peer.tag == cookie.peer.tag);
        let synchronized = self.state.is_synchronized();
        // Action D needs no fresh cookie: the association it speaks of stands.
        if ours && known && synchronized {
            self.control.cookie_ack = true;
            self.sender.on_cookie_repeated();
            return true;
        }
        if !self.is_fresh(now, &cookie) {
            return false;
        }
        match self.state {
            // Actions B and D, and the plain case of no association at all.
            State::Closed | State::CookieWait | State::CookieEchoed { .. } if ours => {
                if !known {
                    self.adopt(cookie.peer);
                }
                // The INIT ACK left when the cookie was made; this may be a repetition of the COOKIE ECHO.
                let epoch = self.local.epoch.unwrap_or(now);
                let age = now.saturating_duration_since(epoch + cookie.created);
                self.sender.on_round_trip_bound(age);
                self.control.cookie_ack = true;
                self.establish(now);
                true
            }
            // Action A: the peer set itself up anew, and proves with the tie-tags that it spoke to this association.
            State::Established
            | State::ShutdownPending
            | State::ShutdownSent
            | State::ShutdownReceived
                if self
                    .peer
                    .is_some_and(|peer| cookie.tie_tags == (self.local.tag, peer.tag)) =>
            {
                self.restart(now, &cookie);
                true
            }
            // Action B, when the peer began anew between our INIT and our COOKIE ECHO: the association is with the new one.
            State::Established if ours => {
                self.adopt(cookie.peer);
                self.control.cookie_ack = true;
                true
            }
            // The peer began anew and did not hear that all is over (RFC 9260 §5.2.4).
            State::ShutdownAckSent { .. } => {
                self.control.shutdown_ack = true;
                self.control
                    .push_cause(CauseCode::COOKIE_WHILE_SHUTTING_DOWN, &[]);
                false
            }
            // Action C: a cookie from before our own INIT was answered.
            _ => {
                self.counts.dropped.unexpected += 1;
                false
            }
        }
    }

    /// Takes the word that our cookie was good (RFC 9260 §5.1 E).
    pub(super) fn on_cookie_ack(&mut self, now: Instant) {
        if matches!(self.state, State::CookieEchoed { .. }) {
            self.establish(now);
        } else if !self.state.is_synchronized() {
            self.counts.dropped.unexpected += 1;
        }
    }

    /// A packet came with our tag. Only a peer that took our cookie sends data or acknowledges some without a cookie of its own before it
    /// (RFC 9260 §5.1: until COOKIE ACK comes nothing may follow a COOKIE ECHO), so it stands for the COOKIE ACK that was lost or
    /// overtaken: without it a flight of data would be dropped (§6), and be repeated after T3.
    pub(super) fn on_first_word(&mut self, now: Instant, kind: ChunkType) {
        let says_so = matches!(kind, ChunkType::DATA | ChunkType::I_DATA | ChunkType::SACK);
        if says_so && matches!(self.state, State::CookieEchoed { .. }) {
            self.establish(now);
        }
    }

    /// The peer says that our cookie came too late (RFC 9260 §5.2.6): from the beginning.
    pub(super) fn on_stale_cookie(&mut self, now: Instant) {
        if matches!(self.state, State::CookieEchoed { .. }) {
            let attempts = self.liveness.attempts;
            self.timers.stop(Timer::Cookie);
            self.control.cookie_echo = false;
            self.begin_handshake(now);
            self.liveness.attempts = attempts;
        }
    }

    /// The INIT to send.
    pub(super) fn init_chunk<'a>(&self, local: Local, parameters: &'a [u8]) -> InitChunk<'a> {
        InitChunk {
            initiate_tag: local.tag,
            a_rwnd: u32::try_from(initial_window(&self.config)).unwrap_or(u32::MAX),
            outbound_streams: self.config.max_streams,
            inbound_streams: self.config.max_streams,
            initial_tsn: local.initial_tsn,
            parameters: Parameters(parameters),
        }
    }

    /// The parameters that say what we can do.
    pub(super) fn announcements(&self) -> Vec<u8> {
        let mut parameters = Vec::new();
        let forward_tsn = Parameter {
            kind: ParameterType::FORWARD_TSN_SUPPORTED,
            value: &[],
        };
        forward_tsn.encode(&mut parameters);
        let kinds = [
            ChunkType::RE_CONFIG.0,
            ChunkType::FORWARD_TSN.0,
            ChunkType::I_DATA.0,
            ChunkType::I_FORWARD_TSN.0,
        ];
        let count = if self.config.interleaving { 4 } else { 2 };
        let extensions = Parameter {
            kind: ParameterType::SUPPORTED_EXTENSIONS,
            value: &kinds[..count],
        };
        extensions.encode(&mut parameters);
        if self.config.zero_checksum {
            let zero_checksum = Parameter {
                kind: ParameterType::ZERO_CHECKSUM_ACCEPTABLE,
                value: &DTLS_DETECTS,
            };
            zero_checksum.encode(&mut parameters);
        }
        parameters
    }

    /// Takes the peer's word for its half of the association.
    pub(super) fn adopt(&mut self, peer: Peer) {
        self.peer = Some(peer);
        let agreed = self.agreed();
        self.receiver
            .renew(&self.config, peer.initial_tsn, agreed.interleaving);
        self.sender
            .set_extensions(agreed.interleaving, agreed.partial);
        self.sender.set_advertised(peer.a_rwnd);
        self.resets.begin(self.local.initial_tsn, peer.initial_tsn);
    }

    pub(super) fn establish(&mut self, now: Instant) {
        self.state = State::Established;
        self.timers.stop(Timer::Init);
        self.timers.stop(Timer::Cookie);
        self.control.init = false;
        self.control.cookie_echo = false;
        self.liveness.attempts = 0;
        self.sender.on_established();
        if self.sender.has_outstanding() {
            let due = now + self.sender.timeout();
            self.timers.set(Timer::Retransmission, due);
        }
        self.start_heartbeat_timer(now);
        self.events.reserve_exact(1);
        self.events.push_back(Event::Connected {
            inbound_streams: self.inbound_streams(),
            outbound_streams: self.outbound_streams(),
        });
    }

    /// RFC 9260 §5.2.4.1: as if it had just begun, under the names of the cookie.
    fn restart(&mut self, now: Instant, cookie: &Cookie) {
        self.local.tag = cookie.local_tag;
        self.local.initial_tsn = cookie.local_initial_tsn;
        self.timers.stop_all();
        self.control.clear();
        let limit = self.sender.rate_limit();
        self.sender = Sender::new(&self.config, cookie.local_initial_tsn);
        self.sender.set_rate_limit(limit);
        self.resets = super::StreamResets::default();
        self.adopt(cookie.peer);
        self.control.cookie_ack = true;
        self.state = State::Established;
        self.liveness = super::Liveness::default();
        self.start_heartbeat_timer(now);
        self.events.push_back(Event::Restarted);
    }

    fn is_fresh(&mut self, now: Instant, cookie: &Cookie) -> bool {
        let age = self.local.epoch.map_or(Duration::ZERO, |epoch| {
            now.saturating_duration_since(epoch)
                .saturating_sub(cookie.created)
        });
        if age <= COOKIE_LIFE {
            return true;
        }
        self.counts.dropped.stale_cookies += 1;
        let staleness = u32::try_from((age - COOKIE_LIFE).as_micros()).unwrap_or(u32::MAX);
        self.control.stale_cookie = Some((cookie.peer.tag, staleness));
        false
    }

    /// Reads what the peer says about itself, or says why it cannot be (RFC 9260 §3.3.2, §3.3.3).
    pub(super) fn validate_init<'a>(
        &mut self,
        init: &InitChunk<'a>,
    ) -> Result<(Peer, Parsed<'a>), Objection> {
        let possible =
            init.outbound_streams != 0 && init.inbound_streams != 0 && init.a_rwnd >= LEAST_WINDOW;
        let parsed = match Parsed::read(init.parameters) {
            _ if init.initiate_tag == 0 => Err(Objection::NoTag),
            _ if !possible => Err(Objection::Values),
            Err(_) => Err(Objection::Unreadable),
            Ok(parsed) => Ok(parsed),
        };
        let parsed = parsed.inspect_err(|_| self.counts.dropped.malformed += 1)?;
        let peer = Peer {
            tag: init.initiate_tag,
            initial_tsn: init.initial_tsn,
            a_rwnd: init.a_rwnd,
            outbound_streams: init.outbound_streams,
            inbound_streams: init.inbound_streams,
            extensions: parsed.extensions,
        };
        Ok((peer, parsed))
    }
}

impl<'a> Parsed<'a> {
    fn read(parameters: Parameters<'a>) -> Result<Self, DecodeError> {
        let mut parsed = Self::default();
        for parameter in parameters {
            let parameter = parameter?;
            match parameter.kind {
                ParameterType::STATE_COOKIE => parsed.cookie = Some(parameter.value),
                ParameterType::SUPPORTED_EXTENSIONS => {
                    let lists = |kind: ChunkType| parameter.value.contains(&kind.0);
                    let extensions = &mut parsed.extensions;
                    extensions.re_config |= lists(ChunkType::RE_CONFIG);
                    extensions.forward_tsn |= lists(ChunkType::FORWARD_TSN);
                    extensions.i_data |= lists(ChunkType::I_DATA);
                    extensions.i_forward_tsn |= lists(ChunkType::I_FORWARD_TSN);
                }
                ParameterType::FORWARD_TSN_SUPPORTED => parsed.extensions.forward_tsn = true,
                ParameterType::ZERO_CHECKSUM_ACCEPTABLE => {
                    parsed.extensions.zero_checksum = parameter.value == DTLS_DETECTS;
                }
                // Known, and of no use: addresses mean nothing here (RFC 8261 §5), a declined extension is not
                // unknown.
                ParameterType::IPV4_ADDRESS
                | ParameterType::IPV6_ADDRESS
                | ParameterType::UNRECOGNIZED
                | ParameterType::COOKIE_PRESERVATIVE
                | ParameterType::SUPPORTED_ADDRESS_TYPES => {}
                unknown => {
                    let action = unknown.when_unknown();
                    if action.report
                        && parsed.unrecognized.len() + parameter.value.len() < MAX_REPORT
                    {
                        parameter.encode(&mut parsed.unrecognized);
                    }
                    if !action.skip {
                        break;
                    }
                }
            }
        }
        Ok(parsed)
    }
}

/// Valid.Cookie.Life (RFC 9260 §16).
const COOKIE_LIFE: Duration = Duration::from_secs(60);
/// The least window of a usable peer (RFC 9260 §3.3.2).
const LEAST_WINDOW: u32 = 1500;
/// How much of unknown parameters is reported.
const MAX_REPORT: usize = 64;
/// The error detection method of RFC 9653 §8: the packets are in DTLS records.
const DTLS_DETECTS: [u8; 4] = [0, 0, 0, 1];
