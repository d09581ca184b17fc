//! The machine: five verbs around the record layer, the handshake, and what it leaves behind.

mod established;
mod id_exchange;
mod inbound;
mod paths;
mod post_handshake;
mod receive;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use self::established::Established;
use self::inbound::{Early, Inbound, Sink};
pub use self::paths::PathId;
use self::paths::Paths;
use crate::handshake::{Environment, Failure, Handshake, Suspicion};
use crate::record::{Protection, RecordLayer};
use crate::tls13::Retry;
use crate::wire::{ContentType, DTLS_1_2, RecordHeader};
use crate::{
    AlertDescription, Cause, CloseReason, Config, ConfigError, ConnectionId, Event, ExportError,
    Fingerprint, Initiator, PeerCertificate, Role, SealError, Stats, Ticket,
};

/// One DTLS association, client or server.
///
/// A machine with five verbs: [`handle_datagram`](Self::handle_datagram) (or
/// [`handle_datagram_with`](Self::handle_datagram_with)), [`handle_timeout`](Self::handle_timeout),
/// [`poll_timeout`](Self::poll_timeout), [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event); payload is pulled with [`recv`](Self::recv). Polls may come in any order and any
/// number of times; every call leaves the connection complete.
///
/// Nothing that is not authenticated ends a connection: hellos that make no sense are dropped and a better one is
/// waited for, alerts in the clear are remembered at most. What is wrong in a message that follows an accepted hello
/// is fatal.
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    role: Role,
    phase: Phase,
    records: RecordLayer,
    announced: Option<Vec<Fingerprint>>,
    /// What a client may go on from.
    ticket: Option<Box<Ticket>>,
    events: VecDeque<Event>,
    inbound: Inbound,
    /// The largest datagram of a handshake, in bytes.
    mtu: usize,
    alert: Option<Alert>,
    /// Where the other side is, if it may move.
    paths: Option<Box<Paths>>,
    stats: Stats,
}

/// The life of a connection.
enum Phase {
    New {
        seed: Zeroizing<[u8; 32]>,
        early: Early,
        /// The handshake will be carried, in datagrams of this size.
        carried: Option<usize>,
    },
    Handshaking(Box<Handshake>),
    Established(Box<Established>),
    Closed(CloseReason),
}

/// An alert that has still to leave.
#[derive(Clone, Copy, Debug)]
struct Alert {
    level: u8,
    description: AlertDescription,
    /// Whether the other side knows by now that we protect what we send.
    protected: bool,
}

impl Alert {
    const WARNING: u8 = 1;
    const FATAL: u8 = 2;
}

/// Where a record begins that [`Connection::begin`] reserved and [`Connection::seal`] completes.
#[derive(Debug)]
pub struct Mark {
    start: usize,
}

impl Connection {
    /// A connection that does nothing until [`start`](Self::start).
    ///
    /// The seed feeds every random value of this connection that crosses the wire (and, with the deterministic
    /// provider, its keys); it must come from a cryptographic source and never be used twice.
    pub fn new(config: Arc<Config>, role: Role, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.validate()?;
        let key = config.certificate.as_ref().map(crate::Certificate::key);
        if role == Role::Server && key.is_none() && config.psks.is_empty() {
            return Err(ConfigError::NoIdentity);
        }
        if key.is_some_and(|key| !config.provider.can_sign(key)) {
            return Err(ConfigError::Certificate);
        }
        let mtu = config.mtu;
        Ok(Self {
            config,
            role,
            phase: Phase::New {
                seed: Zeroizing::new(seed),
                early: Early::default(),
                carried: None,
            },
            records: RecordLayer::default(),
            announced: None,
            ticket: None,
            mtu,
            events: VecDeque::new(),
            inbound: Inbound::default(),
            alert: None,
            paths: None,
            stats: Stats::default(),
        })
    }

    /// The role this side plays.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// As client, offers the server to go on from an earlier connection with it, which saves certificates and
    /// signatures on both sides. Call it before [`start`](Self::start); later it has no effect. If the server does not
    /// want it the handshake is a whole one. Only DTLS 1.3 has it, and nothing is sent before the handshake is complete:
    /// there is no early data.
    ///
    /// The other side stays who it was: its certificate of then counts as shown, and has to be announced as always
    /// ([`PeerCertificate`]). Use a ticket once; whoever sees it twice knows that it is the same client
    /// (RFC 8446 C.4).
    pub fn offer_ticket(&mut self, ticket: Ticket) {
        if self.role == Role::Client && matches!(self.phase, Phase::New { .. }) {
            self.ticket = Some(Box::new(ticket));
        }
    }

    /// As client, a ticket that the server gave (see [`Event::Ticket`]); the one that came last. At most
    /// four wait here.
    pub fn take_ticket(&mut self) -> Option<Ticket> {
        match &mut self.phase {
            Phase::Established(established) if established.verified => {
                established.post.as_mut()?.take_ticket()
            }
            _ => None,
        }
    }

    /// Whether the handshake went on from an earlier connection, by a ticket.
    pub fn is_resumed(&self) -> bool {
        self.verified().is_some_and(Established::is_resumed)
    }

    /// The path carries datagrams from now on, and its other end is proved (ICE): the client sends its ClientHello,
    /// the server answers without a cookie, and time begins to count. A ClientHello that came before is answered now.
    ///
    /// `round_trip` is what ICE measured; flights are repeated after twice that, within 50 ms to 3 s
    /// (without it 1 s, RFC 6347 §4.2.4.1), doubling. A second call has no effect.
    pub fn start(&mut self, now: Instant, round_trip: Option<Duration>) {
        let Phase::New {
            seed,
            early,
            carried,
        } = &mut self.phase
        else {
            return;
        };
        let seed = std::mem::take(seed);
        let early = std::mem::take(early);
        let carried = *carried;
        let mut environment = Environment {
            now,
            ticket: self.ticket.as_deref(),
            config: &self.config,
            announced: self.announced.as_deref(),
            records: &mut self.records,
            stats: &mut self.stats,
        };
        let mut handshake = Handshake::start(now, round_trip, self.role, &seed, &mut environment);
        if let Some(mtu) = carried {
            handshake.timer.suspend(mtu);
        }
        if self.config.connection_id.is_some() {
            self.paths = Some(Box::new(Paths::new(handshake.seed())));
        }
        self.phase = Phase::Handshaking(Box::new(handshake));
        for mut datagram in early.into_datagrams() {
            self.receive(now, &mut datagram, &mut Sink::Queue);
        }
    }

    /// The same for a server whose client showed a cookie in its second ClientHello, which comes next, in a record of
    /// this number. Ours go on from there (RFC 6347 §4.2.1).
    pub(crate) fn start_behind_cookie(&mut self, now: Instant, sequence_number: u64) {
        self.start(now, None);
        self.records.begin_at(sequence_number);
        if let Phase::Handshaking(handshake) = &mut self.phase {
            handshake.expect_second_hello();
        }
    }

    /// The same for a client of DTLS 1.3 that showed the cookie of this HelloRetryRequest, and with it the hash of its
    /// first hello (RFC 9147 §5.1).
    pub(crate) fn start_behind_retry(
        &mut self,
        now: Instant,
        sequence_number: u64,
        retried: (Retry, Vec<u8>),
    ) {
        self.start(now, None);
        self.records.begin_at(sequence_number);
        if let Phase::Handshaking(handshake) = &mut self.phase {
            let mut environment = Environment {
                now,
                ticket: None,
                config: &self.config,
                announced: self.announced.as_deref(),
                records: &mut self.records,
                stats: &mut self.stats,
            };
            handshake.expect_retried_hello(retried, &mut environment);
        }
    }

    /// Somebody else carries the handshake and repeats what does not arrive: connectivity checks do, before any path
    /// works (SPED, DTLS in STUN). Call it before [`start`](Self::start). From then on
    /// [`poll_transmit`](Self::poll_transmit) gives each datagram of a flight once, of at most `mtu` bytes, and no
    /// timer runs but the time limit. The datagrams of a new flight take the place of those of the one before.
    /// What arrives is handed over as any datagram.
    pub fn begin_carriage(&mut self, mtu: usize) {
        let mtu = mtu.clamp(Config::MIN_MTU, usize::from(u16::MAX));
        match &mut self.phase {
            Phase::New { carried, .. } => *carried = Some(mtu),
            Phase::Handshaking(handshake) => handshake.timer.suspend(mtu),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.timer().suspend(mtu);
                }
            }
            Phase::Closed(_) => {}
        }
    }

    /// A path carries our datagrams from now on: timers run, and the time limit begins. What was carried may be
    /// under way; [`resend`](Self::resend) does not wait for that.
    pub fn end_carriage(&mut self, now: Instant, round_trip: Option<Duration>) {
        let timeout = self.config.handshake_timeout;
        match &mut self.phase {
            Phase::New { carried, .. } => *carried = None,
            Phase::Handshaking(handshake) => handshake.timer.resume(now, round_trip, timeout),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.timer().resume(now, round_trip, timeout);
                }
            }
            Phase::Closed(_) => {}
        }
    }

    /// Sends the current flight again at once, if there is one: what left before had no path to go.
    pub fn resend(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Handshaking(handshake) => handshake.resend(now, &mut self.stats),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.resend(now, &mut self.stats);
                }
            }
            Phase::New { .. } | Phase::Closed(_) => {}
        }
    }

    /// The round trip of the path became known, or changed: timers follow it at once (see [`start`](Self::start)).
    pub fn set_round_trip(&mut self, _now: Instant, round_trip: Duration) {
        match &mut self.phase {
            Phase::Handshaking(handshake) => handshake.set_round_trip(round_trip),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.set_round_trip(round_trip);
                }
            }
            Phase::New { .. } | Phase::Closed(_) => {}
        }
    }

    /// The largest datagram that the path carries became known, or changed; it takes the place of
    /// [`Config::mtu`], raised to [`Config::MIN_MTU`] if it is below.
    pub fn set_mtu(&mut self, _now: Instant, bytes: usize) {
        self.mtu = bytes.clamp(Config::MIN_MTU, usize::from(u16::MAX));
    }

    /// The fingerprints that the signalling announced for the other side.
    ///
    /// They may come late: the handshake goes on without them, but nothing other than the handshake is sent, no key
    /// is exported and no data is delivered before the certificate of the other side matched one of them. Those with
    /// the strongest hash count (RFC 8122 §5.1). An empty list announces nobody. A connection whose other side is not
    /// announced, or no longer, is closed.
    pub fn set_remote_fingerprints(&mut self, now: Instant, fingerprints: Vec<Fingerprint>) {
        self.announced = Some(fingerprints);
        self.check_announced(now);
    }

    /// Takes a datagram; application data is kept for [`recv`](Self::recv): 256 records and 256 KiB at most, a quarter
    /// of that before the other side is verified. What exceeds it is dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &mut [u8]) {
        self.begin_datagram(None);
        self.receive(now, bytes, &mut Sink::Queue);
    }

    /// Takes a datagram and hands its application data over at once, in place, one call per record.
    ///
    /// Data that is not due yet (the event `Connected` has not been polled) is kept for [`recv`](Self::recv)
    /// instead: drain that once when `Connected` came.
    pub fn handle_datagram_with(
        &mut self,
        now: Instant,
        bytes: &mut [u8],
        mut deliver: impl FnMut(&[u8]),
    ) {
        self.begin_datagram(None);
        self.receive(now, bytes, &mut Sink::Deliver(&mut deliver));
    }

    /// Appends the payload of one record to `buf` and returns its length. Nothing before the other side is verified;
    /// what came before the end may still be fetched after it.
    pub fn recv(&mut self, buf: &mut Vec<u8>) -> Option<usize> {
        match &self.phase {
            Phase::Established(established) if !established.verified => None,
            _ => self.inbound.pop(buf),
        }
    }

    /// A deadline passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(paths) = &mut self.paths {
            paths.handle_timeout(now);
        }
        let handshake = match &mut self.phase {
            Phase::Handshaking(handshake) => handshake,
            Phase::Established(established) => {
                if let Some(post) = &mut established.post
                    && !post.handle_timeout(now, &mut self.stats)
                {
                    self.end(Initiator::Network, Cause::TimedOut);
                }
                return;
            }
            Phase::New { .. } | Phase::Closed(_) => return,
        };
        handshake.acks.expire(now);
        if handshake.timer.limit_reached(now) {
            let cause = handshake.cause();
            let initiator = match handshake.suspicion {
                None => Initiator::Network,
                Some(Suspicion::Alert(_)) => Initiator::Remote,
                Some(Suspicion::Refused(failure)) => {
                    self.say(Alert::FATAL, failure.alert);
                    Initiator::Local
                }
            };
            self.end(initiator, cause);
        } else if handshake.timer.expire(now) {
            self.stats.timeouts += 1;
            let mut environment = Environment {
                now,
                ticket: self.ticket.as_deref(),
                config: &self.config,
                announced: self.announced.as_deref(),
                records: &mut self.records,
                stats: &mut self.stats,
            };
            handshake.on_expired(now, &mut environment);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None` when nothing is pending.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let paths = self.paths.as_ref().and_then(|paths| paths.next_deadline());
        match &self.phase {
            Phase::Handshaking(handshake) => {
                let timer = handshake.timer.next_deadline();
                Some(
                    handshake
                        .acks
                        .deadline()
                        .map_or(timer, |due| due.min(timer)),
                )
            }
            Phase::Established(established) => {
                let post = established.post.as_ref();
                let post = post.and_then(|post| post.next_deadline());
                [post, paths].into_iter().flatten().min()
            }
            Phase::New { .. } | Phase::Closed(_) => None,
        }
    }

    /// Appends one datagram of the handshake, or an alert, to `buf`.
    pub fn poll_transmit(&mut self, _now: Instant, buf: &mut Vec<u8>) -> Option<()> {
        let configured = self.mtu;
        let written = match &mut self.phase {
            Phase::Handshaking(handshake) => {
                let mtu = handshake.timer.mtu(configured);
                match handshake.acks.write(&mut self.records, mtu, buf) {
                    Ok(None) => handshake.flight.write(&mut self.records, mtu, buf),
                    written => written,
                }
            }
            Phase::Established(established) => {
                match (
                    established.write(&mut self.records, configured, buf),
                    &mut self.paths,
                ) {
                    (Ok(None), Some(paths)) if established.verified => {
                        paths.write(&mut self.records, buf)
                    }
                    (written, _) => written,
                }
            }
            Phase::New { .. } | Phase::Closed(_) => Ok(None),
        };
        match written {
            Ok(Some(())) => {
                self.stats.datagrams_sent += 1;
                Some(())
            }
            Ok(None) => self.write_alert(buf),
            Err(_) => {
                self.end(Initiator::Local, Cause::Exhausted);
                None
            }
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let (Event::Connected { .. }, Phase::Established(established)) =
            (&event, &mut self.phase)
        {
            established.announced = true;
        }
        Some(event)
    }

    /// Whether data can be sent and keys can be exported.
    pub fn is_connected(&self) -> bool {
        self.verified().is_some()
    }

    /// The certificate of the other side in DER, once it is verified: the announced one, or, where nothing was to be
    /// announced ([`PeerCertificate`]), whichever it proved to own.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.verified()?.peer_certificate()
    }

    /// The agreed application protocol (RFC 7301), once connected.
    pub fn application_protocol(&self) -> Option<&[u8]> {
        self.verified()?.alpn()
    }

    /// Reserves the head of a record at the end of `buf`: append the payload, then [`seal`](Self::seal) it.
    /// `None` unless connected.
    pub fn begin(&mut self, buf: &mut Vec<u8>) -> Option<Mark> {
        self.verified()?;
        let start = buf.len();
        self.records.reserve(buf)?;
        Some(Mark { start })
    }

    /// Completes the record that begins at `mark`: all that stands behind its head becomes its payload.
    /// What stands before it is not touched. On an error the record is gone from the buffer.
    pub fn seal(&mut self, now: Instant, buf: &mut Vec<u8>, mark: Mark) -> Result<(), SealError> {
        let start = mark.start;
        self.check_seal(buf.len(), start)
            .and_then(|()| {
                self.records
                    .seal(ContentType::ApplicationData, buf, start)
                    .map_err(|_| SealError::NotConnected)
            })
            .inspect(|()| self.stats.records_sealed += 1)
            .inspect_err(|_| buf.truncate(start))?;
        if let Phase::Established(established) = &mut self.phase
            && let Some(post) = &mut established.post
        {
            post.on_sealed(now, &self.records, &mut self.stats);
        }
        self.check_exhausted();
        Ok(())
    }

    /// Wants new keys in both directions (KeyUpdate, RFC 8446 §4.6.3). They come by themselves after 2^23 records;
    /// whoever wants them earlier asks here. Without effect unless DTLS 1.3 was agreed on, and while an update is under
    /// way.
    pub fn update_keys(&mut self, now: Instant) {
        self.update(now, true);
    }

    /// The same for what we send alone.
    pub fn update_own_keys(&mut self, now: Instant) {
        self.update(now, false);
    }

    fn update(&mut self, now: Instant, requested: bool) {
        if let Phase::Established(established) = &mut self.phase
            && established.verified
            && let Some(post) = &mut established.post
        {
            post.update(now, requested, &self.records, &mut self.stats);
        }
        self.check_exhausted();
    }

    /// Takes the record that begins at `mark` out of the buffer again.
    pub fn abandon(&mut self, buf: &mut Vec<u8>, mark: Mark) {
        buf.truncate(mark.start);
    }

    /// The most bytes that a record adds to its payload.
    pub fn max_overhead(&self) -> usize {
        if self.records.has_keys() {
            self.records.overhead(self.records.write_epoch())
        } else {
            // Of the other side's id the length is not known yet.
            let id = self
                .config
                .connection_id
                .map_or(0, |_| 1 + ConnectionId::MAX_LENGTH);
            Protection::MAX_OVERHEAD + id
        }
    }

    /// Fills `out` with keying material for another protocol (RFC 5705 §4), DTLS-SRTP for example
    /// (label `EXTRACTOR-dtls_srtp`, no context, RFC 5764 §4.2).
    pub fn export_keying_material(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let established = self.verified().ok_or(ExportError::NotConnected)?;
        let context = match context {
            None => None,
            Some(bytes) => {
                let length = u16::try_from(bytes.len()).map_err(|_| ExportError::Context)?;
                Some((length, bytes))
            }
        };
        established.export(&self.config.provider, label, context, out);
        Ok(())
    }

    /// The secrets of this connection as lines of an NSS key log, with which packet analysers open it; those of a
    /// handshake of DTLS 1.3 are among them if [`Config::key_log`] says so.
    ///
    /// Whoever reads the line reads the connection. Nothing calls this but the application.
    pub fn key_log_line(&self) -> Option<String> {
        Some(self.verified()?.key_log())
    }

    /// Ends the connection: `close_notify` waits in [`poll_transmit`](Self::poll_transmit), and the event `Closed`
    /// follows at once.
    pub fn close(&mut self, _now: Instant) {
        match &self.phase {
            Phase::Handshaking(_) | Phase::Established(_) => {
                self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            }
            Phase::New { .. } => {}
            Phase::Closed(_) => return,
        }
        self.end(Initiator::Local, Cause::CloseNotify);
    }

    /// Ends the connection with a fatal alert: the application does not like what it saw of the other side, its
    /// certificate for example where nothing was announced ([`PeerCertificate`]).
    pub fn abort(&mut self, _now: Instant, alert: AlertDescription) {
        if let Phase::Handshaking(_) | Phase::Established(_) = &self.phase {
            self.say(Alert::FATAL, alert);
            self.end(Initiator::Local, Cause::Alert(alert));
        }
    }

    /// What was counted.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// What the handshake left, if the other side is verified.
    fn verified(&self) -> Option<&Established> {
        match &self.phase {
            Phase::Established(established) if established.verified => Some(established),
            _ => None,
        }
    }

    /// The gate. Nobody passes whose certificate is not an announced one; unless a key that both sides know stands for
    /// it, or the application reserved the judgement to itself.
    fn check_announced(&mut self, now: Instant) {
        let Phase::Established(established) = &mut self.phase else {
            return;
        };
        let trusted = established.knows_our_key()
            || self.config.peer_certificate != PeerCertificate::Announced;
        if !trusted {
            let Some(announced) = &self.announced else {
                return;
            };
            let matches = |der| Fingerprint::any_matches(announced, der);
            if !established.peer_certificate().is_some_and(matches) {
                self.fail(now, Failure::fingerprint());
                return;
            }
        }
        if !established.verified {
            established.verified = true;
            // Room for this one: no other event but the last may come.
            self.events.reserve_exact(1);
            self.events.push_back(established.event());
            if established
                .post
                .as_ref()
                .is_some_and(|post| post.has_tickets())
            {
                self.announce_tickets();
            }
        }
    }

    /// Ends the connection when its keys ought to be updated and no number is left for that.
    fn check_exhausted(&mut self) {
        if let Phase::Established(established) = &self.phase
            && established
                .post
                .as_ref()
                .is_some_and(|post| post.is_exhausted())
        {
            self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            self.end(Initiator::Local, Cause::Exhausted);
        }
    }

    fn check_seal(&mut self, length: usize, start: usize) -> Result<(), SealError> {
        self.verified().ok_or(SealError::NotConnected)?;
        if self.records.is_exhausted() {
            self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            self.end(Initiator::Local, Cause::Exhausted);
            return Err(SealError::NotConnected);
        }
        let head = self.records.reserved().ok_or(SealError::NotConnected)?;
        let payload = start
            .checked_add(head)
            .and_then(|body| length.checked_sub(body))
            .ok_or(SealError::Mark)?;
        if payload > RecordHeader::MAX_PLAINTEXT {
            return Err(SealError::TooLarge);
        }
        Ok(())
    }

    /// Has an alert leave, in the epoch that we write in by now. A server has keys before it writes with them: its
    /// ChangeCipherSpec leaves with its Finished.
    fn say(&mut self, level: u8, description: AlertDescription) {
        let handshaking = matches!(self.phase, Phase::Handshaking(_));
        self.alert = Some(Alert {
            level,
            description,
            protected: !handshaking || self.role == Role::Client || self.records.epochs().is_some(),
        });
    }

    fn write_alert(&mut self, buf: &mut Vec<u8>) -> Option<()> {
        let Alert {
            level,
            description,
            protected,
        } = self.alert.take()?;
        let epoch = if protected {
            self.records.write_epoch()
        } else {
            0
        };
        let written = self
            .records
            .write(epoch, ContentType::Alert, DTLS_1_2, buf, |buf| {
                buf.extend_from_slice(&[level, description.0]);
            });
        if matches!(self.phase, Phase::Closed(_)) {
            self.records.clear();
        }
        written.ok()?;
        self.stats.datagrams_sent += 1;
        Some(())
    }

    /// Gives up because of what the other side sent, and tells it.
    fn fail(&mut self, _now: Instant, failure: Failure) {
        log::debug!("dtls: giving up: {:?}", failure.cause);
        self.say(Alert::FATAL, failure.alert);
        self.end(Initiator::Local, failure.cause);
    }

    /// The end. Secrets and unverified data go; an alert may still need the keys.
    fn end(&mut self, initiator: Initiator, cause: Cause) {
        if !self.is_connected() {
            self.inbound.clear();
            self.events.clear();
        }
        let reason = CloseReason { initiator, cause };
        self.phase = Phase::Closed(reason);
        self.paths = None;
        if self.alert.is_none() {
            self.records.clear();
        }
        self.events.push_back(Event::Closed(reason));
    }
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::New { .. } => f.write_str("New"),
            Self::Handshaking(handshake) => handshake.fmt(f),
            Self::Established(established) => established.fmt(f),
            Self::Closed(reason) => reason.fmt(f),
        }
    }
}
