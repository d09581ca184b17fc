//! The machine: five verbs around the record layer, the handshake, and what it leaves behind.

mod end;
mod established;
mod id_exchange;
mod inbound;
mod outbound;
mod paths;
mod post_handshake;
mod receive;
mod rest;
mod start;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use zeroize::Zeroizing;

use self::end::Alert;
use self::established::Established;
use self::inbound::{Early, Inbound, Sink};
pub use self::outbound::Mark;
pub use self::paths::PathId;
use self::paths::Paths;
use crate::handshake::{Environment, Failure, Handshake, Suspicion};
use crate::record::RecordLayer;
use crate::{
    Cause, CloseReason, Config, ConfigError, Event, ExportError, Fingerprint, Initiator,
    PeerCertificate, Role, Stats, Ticket,
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
    /// want it the handshake is a whole one. Tickets of DTLS 1.2 are offered only if the configuration wants them
    /// ([`Config::tickets_12`]). Nothing is sent before the handshake is complete: there is no early data.
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
            Phase::Established(established) if established.verified => established.take_ticket(),
            _ => None,
        }
    }

    /// Whether the handshake went on from an earlier connection, by a ticket.
    pub fn is_resumed(&self) -> bool {
        self.verified().is_some_and(Established::is_resumed)
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
                [timer, handshake.acks.deadline()]
                    .into_iter()
                    .flatten()
                    .min()
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
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<()> {
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
                        paths.write(now, &mut self.records, buf)
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

    /// The certificates in DER that the other side sent behind its own, in its order: what leads from that to one that
    /// is believed. They are as they came, unverified. None where fingerprints were announced, and after resumption.
    pub fn peer_issuers(&self) -> &[Vec<u8>] {
        self.verified().map_or(&[], |it| it.peer_issuers())
    }

    /// The agreed application protocol (RFC 7301), once connected.
    pub fn application_protocol(&self) -> Option<&[u8]> {
        self.verified()?.alpn()
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
        established.export(label, context, out);
        Ok(())
    }

    /// The secrets of this connection as lines of an NSS key log, with which packet analysers open it; those of a
    /// handshake of DTLS 1.3 are among them if [`Config::key_log`] says so.
    ///
    /// Whoever reads the line reads the connection. Nothing calls this but the application.
    pub fn key_log_line(&self) -> Option<String> {
        Some(self.verified()?.key_log())
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
        let judgement = self.config.peer_certificate;
        let known = established.knows_our_key();
        if judgement == PeerCertificate::Never && !known {
            self.fail(now, Failure::no_certificate());
            return;
        }
        if judgement == PeerCertificate::Announced && !known {
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
            if established.has_tickets() {
                self.announce_tickets();
            }
        }
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
