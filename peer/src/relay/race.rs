//! The ways to one TURN server, tried one after the other until one of them gives an address (in the manner of
//! RFC 8305): UDP first, and where that does not come through, TCP and TLS.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use stun::{Challenge, LongTermCredentials};

use super::RelayTransport;

/// How long a way has before the next one is tried beside it.
pub(super) const STEP: Duration = Duration::from_millis(250);

/// The most ways to one server.
const MAX_WAYS: usize = 8;

/// How often a relay that was lost is looked for again.
const MAX_RETRIES: u32 = 5;

/// What the configuration says of a server.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) transport: RelayTransport,
    pub(super) port: u16,
    pub(super) credentials: LongTermCredentials,
    pub(super) challenge: Option<Challenge>,
}

/// One way to it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) offer: Offer,
    pub(super) server: SocketAddr,
}

/// How far a race is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The name of the server is being resolved.
    Unresolved,
    /// Ways are tried; another one at that instant.
    Running(Option<Instant>),
    /// There is an address on the server.
    Won,
    /// The address was lost; it begins anew at that instant.
    Resting(Instant),
    /// No way leads there.
    Over,
}

/// A server, named by its host.
#[derive(Debug)]
pub(super) struct Race {
    pub(super) host: String,
    offers: Vec<Offer>,
    ways: Vec<Way>,
    next: usize,
    phase: Phase,
    retries: u32,
    has_won: bool,
}

impl Race {
    pub(super) const fn new(host: String) -> Self {
        Self {
            host,
            offers: Vec::new(),
            ways: Vec::new(),
            next: 0,
            phase: Phase::Unresolved,
            retries: 0,
            has_won: false,
        }
    }

    pub(super) fn add(&mut self, offer: Offer) {
        self.offers.push(offer);
        self.offers.sort_by_key(|offer| offer.transport);
    }

    pub(super) fn is_unresolved(&self) -> bool {
        self.phase == Phase::Unresolved
    }

    /// Whether nothing more is to be expected of it now.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Won | Phase::Resting(_) | Phase::Over)
    }

    /// The addresses of the server are known: for each transport the first one of each family, in their order.
    pub(super) fn on_resolved(&mut self, now: Instant, addresses: &[IpAddr]) {
        if !self.is_unresolved() {
            return;
        }
        let first = addresses.first();
        let other = addresses
            .iter()
            .find(|ip| first.is_some_and(|first| first.is_ipv4() != ip.is_ipv4()));
        for offer in &self.offers {
            for ip in [first, other].into_iter().flatten() {
                let server = SocketAddr::new(*ip, offer.port);
                if self.ways.len() < MAX_WAYS {
                    let offer = offer.clone();
                    self.ways.push(Way { offer, server });
                }
            }
        }
        self.offers = Vec::new();
        self.begin(now);
    }

    pub(super) fn set_credentials(&mut self, credentials: &LongTermCredentials) {
        let ways = self.ways.iter_mut().map(|way| &mut way.offer);
        for offer in self.offers.iter_mut().chain(ways) {
            offer.credentials = credentials.clone();
            offer.challenge = None;
        }
    }

    /// Every way is tried once more, unless none is known yet.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        if !self.is_unresolved() {
            self.begin(now);
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.next = 0;
        self.phase = match self.ways.is_empty() {
            true => Phase::Over,
            false => Phase::Running(Some(now)),
        };
    }

    /// The addresses of this host changed: what led nowhere may lead there now.
    pub(super) fn on_network_change(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Over | Phase::Resting(_)) {
            self.retries = 0;
            self.begin(now);
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running(at) => at,
            Phase::Resting(at) => Some(at),
            Phase::Unresolved | Phase::Won | Phase::Over => None,
        }
    }

    /// The way to be tried now.
    pub(super) fn poll_way(&mut self, now: Instant) -> Option<Way> {
        if let Phase::Resting(at) = self.phase
            && at <= now
        {
            self.begin(now);
        }
        match self.phase {
            Phase::Running(Some(at)) if at <= now => {}
            _ => return None,
        }
        let way = self.ways.get(self.next).cloned();
        self.next += 1;
        let more = self.next < self.ways.len();
        self.phase = Phase::Running(now.checked_add(STEP).filter(|_| more));
        way
    }

    pub(super) const fn on_won(&mut self) {
        self.phase = Phase::Won;
        self.retries = 0;
        self.has_won = true;
    }

    /// A way led nowhere, or not any more; `others` are still being tried.
    pub(super) fn on_lost(&mut self, now: Instant, others: usize) {
        match self.phase {
            Phase::Running(Some(_)) => self.phase = Phase::Running(Some(now)),
            Phase::Running(None) if others > 0 => {}
            Phase::Running(None) | Phase::Won => self.rest(now),
            Phase::Unresolved | Phase::Resting(_) | Phase::Over => {}
        }
    }

    /// What worked once is worth another try; what never did is not.
    fn rest(&mut self, now: Instant) {
        let wait = Duration::from_secs(1 << self.retries.min(MAX_RETRIES));
        self.phase = match now.checked_add(wait) {
            Some(at) if self.has_won && self.retries < MAX_RETRIES => Phase::Resting(at),
            _ => Phase::Over,
        };
        self.retries += 1;
    }

    pub(super) fn end(&mut self) {
        self.phase = Phase::Over;
    }
}
