//! Server-reflexive candidates: asking STUN servers how our bases look from outside (RFC 8445 §5.1.1.2).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use log::debug;
use net::{Path, Transmit};
use rand::Rng;
use stun::{AttributeType, Class, Message, MessageBuilder, Method, TransactionId};

use super::{Agent, candidates};
use crate::{
    AddStunServerError, Candidate, CandidateKind, CandidateTransport, Event, Mode, Policy, State,
};

/// The most STUN servers. Two tell a symmetric NAT from another one; more only cost time.
const MAX_SERVERS: usize = 4;

/// How long a server is asked before it is given up: a server that takes longer would hold up signalling.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// How often a mapping is refreshed that the peer may still use (Tr, RFC 8445 §11).
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The comprehension-required attributes of a server's answer that this agent understands.
const KNOWN: &[AttributeType] = &[
    AttributeType::MAPPED_ADDRESS,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
    AttributeType::XOR_MAPPED_ADDRESS,
];

/// The STUN servers, and how far each base has come with each of them.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    servers: Vec<SocketAddr>,
    queries: Vec<Query>,
    /// The owner waits to be told that every server was asked.
    running: bool,
}

/// One base and one server.
#[derive(Debug)]
struct Query {
    base: SocketAddr,
    server: SocketAddr,
    phase: Phase,
    request: Option<Request>,
    /// The server has shown how the base looks from outside.
    is_mapped: bool,
    /// Nothing has come of it yet, good or bad.
    is_open: bool,
}

/// The request that is out; each sending is the same (RFC 8489 §6.2.1).
#[derive(Clone, Copy, Debug)]
struct Request {
    id: TransactionId,
    first_sent: Option<Instant>,
    sends: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To be asked when the pace allows.
    Wanted,
    /// To be sent at the next opportunity.
    Due,
    /// Sent; at this instant it is sent again or given up.
    Waiting(Instant),
    /// Answered; at this instant the mapping needs a refreshment.
    Resting(Instant),
    /// Nothing more is to be expected, or nothing is to be kept alive.
    Ended,
}

impl Gathering {
    /// Whether a request is ready that was never sent: the pace is that of the wire.
    pub(super) fn has_unsent(&self) -> bool {
        self.queries.iter().any(|query| {
            let unsent = |request: &Request| request.sends == 0;
            query.phase == Phase::Due && query.request.as_ref().is_some_and(unsent)
        })
    }

    fn is_wanted(&self) -> bool {
        self.queries
            .iter()
            .any(|query| query.phase == Phase::Wanted)
    }

    /// Whether a response belongs to a request of ours.
    pub(super) fn awaits(&self, id: TransactionId) -> bool {
        self.queries
            .iter()
            .any(|query| query.request.is_some_and(|request| request.id == id))
    }

    /// Everything is asked again: a restart (RFC 8445 §9) is a good time to look for changes.
    pub(super) fn renew(&mut self) {
        for query in &mut self.queries {
            query.phase = Phase::Wanted;
            query.request = None;
            query.is_open = true;
        }
        self.running = !self.queries.is_empty();
    }

    /// Nothing is asked from an address that is gone.
    pub(super) fn forget_base(&mut self, ip: IpAddr) {
        self.queries.retain(|query| query.base.ip() != ip);
    }

    fn add(&mut self, base: SocketAddr, server: SocketAddr) {
        if !candidates::reaches(base.ip(), server.ip()) {
            return;
        }
        self.queries.push(Query {
            base,
            server,
            phase: Phase::Wanted,
            request: None,
            is_mapped: false,
            is_open: true,
        });
        self.running = true;
    }
}

impl Query {
    /// Nobody answered, or not with an address.
    fn fail(&mut self, now: Instant) {
        self.request = None;
        self.is_open = false;
        self.phase = if self.is_mapped {
            Phase::Resting(now + KEEPALIVE)
        } else {
            Phase::Ended
        };
    }
}

impl Agent {
    /// Adds a STUN server, which is asked how each host candidate of its address family looks from outside
    /// (RFC 8445 §5.1.1.2), those that are added later included. Each address that this shows becomes a local
    /// candidate, told by [`Event::ServerReflexive`]; [`Event::GatheringComplete`] follows when every server has
    /// answered or was silent for 5 s. Until a pair is selected the mappings are kept alive (§5.1.1.4). A
    /// restart asks again. At most 4.
    ///
    /// What a server says is not authenticated, beyond a transaction id that cannot be guessed: it can make an
    /// agent announce a wrong address, to which nothing but checks will ever be sent.
    pub fn add_stun_server(
        &mut self,
        now: Instant,
        server: SocketAddr,
    ) -> Result<(), AddStunServerError> {
        if self.state == State::Closed {
            return Err(AddStunServerError::Closed);
        }
        if self.config.mode == Mode::Lite {
            return Err(AddStunServerError::Lite);
        }
        if self.config.policy == Policy::Relay {
            return Err(AddStunServerError::Policy);
        }
        if !candidates::is_usable(server) {
            return Err(AddStunServerError::Address);
        }
        if self.gathering.servers.contains(&server) {
            return Ok(());
        }
        if self.gathering.servers.len() >= MAX_SERVERS {
            return Err(AddStunServerError::TooMany);
        }
        self.gathering.servers.push(server);
        let bases: Vec<_> = self.locals.iter().filter_map(host_base).collect();
        for base in bases {
            self.gathering.add(base, server);
        }
        self.settle(now);
        Ok(())
    }

    /// Whether a STUN server has not answered for a base yet and may still.
    pub const fn is_gathering(&self) -> bool {
        self.gathering.running
    }

    /// A local candidate was added.
    pub(super) fn gather_for(&mut self, candidate: &Candidate) {
        if let Some(base) = host_base(candidate) {
            for server in self.gathering.servers.clone() {
                self.gathering.add(base, server);
            }
        }
    }

    /// Brings the time to bear on every query.
    pub(super) fn settle_gathering(&mut self, now: Instant) {
        let keeps_alive = !self.is_selected_current();
        for query in &mut self.gathering.queries {
            match query.phase {
                Phase::Waiting(at) if at <= now => {
                    let first = query.request.and_then(|request| request.first_sent);
                    if first.is_none_or(|first| first + GIVE_UP_AFTER <= now) {
                        self.stats.stun_server_timeouts += 1;
                        query.fail(now);
                    } else {
                        query.phase = Phase::Due;
                    }
                }
                Phase::Resting(at) if at <= now && keeps_alive => query.phase = Phase::Wanted,
                _ => {}
            }
        }
        let open = self.gathering.queries.iter().any(|query| query.is_open);
        if self.gathering.running && !open {
            self.gathering.running = false;
            self.tell(Event::GatheringComplete);
        }
    }

    /// Starts the next query when the pace, which is shared with the checks (RFC 8445 §14.2), allows.
    pub(super) fn start_next_query(&mut self, now: Instant) {
        if !self.has_query_to_start() || self.next_check.is_some_and(|at| now < at) {
            return;
        }
        let wanted = |query: &&mut Query| query.phase == Phase::Wanted;
        let Some(query) = self.gathering.queries.iter_mut().find(wanted) else {
            return;
        };
        let mut bytes = [0; 12];
        self.rng.fill_bytes(&mut bytes);
        query.phase = Phase::Due;
        query.request = Some(Request {
            id: TransactionId::new(bytes),
            first_sent: None,
            sends: 0,
        });
    }

    fn has_query_to_start(&self) -> bool {
        self.gathering.is_wanted() && !self.has_unsent_request()
    }

    pub(super) fn next_gathering_deadline(&self) -> Option<Instant> {
        let keeps_alive = !self.is_selected_current();
        let paced = self.next_check.filter(|_| self.has_query_to_start());
        let queries = self.gathering.queries.iter();
        queries
            .filter_map(|query| match query.phase {
                Phase::Waiting(at) => Some(at),
                Phase::Resting(at) => Some(at).filter(|_| keeps_alive),
                Phase::Wanted | Phase::Due | Phase::Ended => None,
            })
            .chain(paced)
            .min()
    }

    /// Appends the request to a server that is due.
    pub(super) fn transmit_query(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        if self.is_inactive() {
            return None;
        }
        let (ta, rto) = (self.config.ta, self.config.initial_rto);
        let due = |query: &&mut Query| query.phase == Phase::Due;
        let query = self.gathering.queries.iter_mut().find(due)?;
        let path = Path::udp(query.base, query.server);
        let Some(request) = &mut query.request else {
            query.fail(now);
            return None;
        };
        let message = MessageBuilder::new(buf, Class::Request, Method::BINDING, request.id);
        if message.fingerprint().finish().is_err() {
            query.fail(now);
            return None;
        }
        let first = *request.first_sent.get_or_insert(now);
        if request.sends == 0 {
            self.next_check = Some(now + ta);
        }
        let wait = rto.saturating_mul(1 << request.sends.min(16));
        request.sends += 1;
        query.phase = Phase::Waiting((now + wait).min(first + GIVE_UP_AFTER));
        self.stats.stun_server_requests_sent += 1;
        Some(Transmit::new(path))
    }

    /// A server, or somebody who saw our request to it, says how a base looks from outside.
    pub(super) fn handle_server_response(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
    ) {
        let id = message.transaction_id();
        let asked = |query: &&mut Query| query.request.is_some_and(|request| request.id == id);
        let Some(query) = self.gathering.queries.iter_mut().find(asked) else {
            return;
        };
        if path != Path::udp(query.base, query.server) {
            self.stats.asymmetric_responses += 1;
            return;
        }
        if message.has_fingerprint() && !message.verify_fingerprint() {
            self.stats.dropped_fingerprint += 1;
            return;
        }
        let (base, server) = (query.base, query.server);
        let is_understood = message.unknown_required(KNOWN).next().is_none();
        let mapped = match message.xor_mapped_address() {
            Ok(Some(mapped)) if message.class() == Class::Success && is_understood => mapped,
            _ => {
                debug!("a STUN server refused: {:?}", message.error_code());
                query.fail(now);
                return;
            }
        };
        query.request = None;
        query.is_open = false;
        query.is_mapped = mapped != base;
        query.phase = if query.is_mapped {
            Phase::Resting(now + KEEPALIVE)
        } else {
            // No NAT: there is no mapping to keep.
            Phase::Ended
        };
        if mapped != base || self.hides_host(base) {
            self.learn_mapping(now, mapped, base, server);
        }
    }

    /// Whether the peer is not shown the address of a base: then what a server sees must be told even where no NAT
    /// changes it.
    pub(super) fn hides_host(&self, base: SocketAddr) -> bool {
        let named = |other: &Candidate| other.base() == Some(base) && other.host_name().is_some();
        self.config.policy == Policy::NoHost || self.locals.iter().any(named)
    }

    fn learn_mapping(
        &mut self,
        now: Instant,
        mapped: SocketAddr,
        base: SocketAddr,
        server: SocketAddr,
    ) {
        // RFC 8445 §5.1.3: the same address and base make a candidate redundant, whatever its kind.
        let policy = self.config.policy;
        let known = |other: &Candidate| {
            other.address() == Some(mapped) && other.base() == Some(base) && policy.shows(other)
        };
        if self.locals.iter().any(known) {
            return;
        }
        let mut candidate = Candidate::server_reflexive(mapped, base).from_server(server.ip());
        if self.hides_host(base) {
            candidate = candidate.without_related();
        }
        match self.insert_local_candidate(now, candidate) {
            Ok(()) => {
                self.tell(Event::ServerReflexive {
                    address: mapped,
                    base,
                });
            }
            Err(refused) => debug!("what a STUN server said is of no use: {refused}"),
        }
    }
}

/// Where the packets of a host candidate leave from.
fn host_base(candidate: &Candidate) -> Option<SocketAddr> {
    candidate
        .base()
        .filter(|_| candidate.kind() == CandidateKind::Host)
        .filter(|_| candidate.transport() == CandidateTransport::Udp)
}
