mod candidates;
mod carriage;
mod check;
mod checklist;
mod consent;
mod early;
mod events;
mod gate;
mod gathering;
mod generation;
mod interface;
mod limiter;
mod names;
mod nomination;
mod pair;
mod reflexive;
mod renewal;
mod reply;
mod request;
mod response;
mod seen;
mod settle;
mod size;
mod streams;
mod transaction;

use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use stun::{Class, Message, MessageBuilder, Method};

use self::candidates::Remotes;
use self::carriage::Carriage;
use self::checklist::Checklist;
use self::early::EarlyChecks;
use self::events::Events;
use self::gate::Gate;
use self::gathering::Gathering;
use self::generation::Generation;
use self::limiter::Limiter;
use self::pair::{Pair, PairId};
use self::reply::Replies;
use self::seen::SeenNominations;
use self::transaction::Transactions;
use crate::hash::SecretHash;
use crate::path_mtu::{BASE_DATAGRAM, PathMtu};
use crate::{
    Candidate, CandidateStats, Config, ConfigError, Credentials, Event, PairState, PairStats, Role,
    State, Stats,
};

/// How long requests with the local credentials of before a restart are still answered, when no path of that
/// time is in use any more.
const PREVIOUS_LIFETIME: Duration = Duration::from_secs(30);

/// An ICE agent (RFC 8445) for one component: it finds paths to a peer, proves them, keeps the peer's consent
/// fresh (RFC 7675) and says which path data should take.
///
/// It is a machine without I/O: datagrams and instants go in through `handle_*` and commands, and what
/// [`poll_transmit`](Self::poll_transmit), [`poll_event`](Self::poll_event) and
/// [`poll_timeout`](Self::poll_timeout) return comes out. Polls may come in any order and number.
///
/// # An ICE session
/// 1. [`add_local_candidate`](Self::add_local_candidate) for each address; signal them and
///    [`local_credentials`](Self::local_credentials).
/// 2. [`set_remote_credentials`](Self::set_remote_credentials) and
///    [`add_remote_candidate`](Self::add_remote_candidate) as signalling brings them, in any order; checks start
///    by themselves. Checks that arrive before are answered and remembered.
/// 3. As soon as [`best_path`](Self::best_path) is `Some`, data may go there (RFC 8445 §12.1), before any
///    [`Event::Selected`].
/// 4. [`restart`](Self::restart) for new credentials; the path in use carries on until there is a better one.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    rng: StdRng,
    hash: SecretHash,
    role: Role,
    tie_breaker: u64,
    state: State,
    current: Generation,
    previous: Option<Box<Previous>>,
    locals: Vec<Candidate>,
    remotes: Remotes,
    checklist: Checklist,
    transactions: Transactions,
    replies: Replies,
    early: EarlyChecks,
    seen_nominations: Option<Box<SeenNominations>>,
    /// Candidates whose names are being resolved, with the name in lower case.
    unresolved: Vec<(String, Candidate)>,
    /// The open streams that pairs use.
    streams: Vec<Path>,
    limiter: Limiter,
    events: Events,
    /// Relays, and whom they let through.
    gates: Vec<Gate>,
    gathering: Gathering,
    carriage: Carriage,
    mtu: Option<Box<PathMtu>>,
    /// The last size that the owner was told.
    told_mtu: usize,
    selected: Option<PairId>,
    /// No new check starts before this instant (Ta).
    next_check: Option<Instant>,
    /// No check to an unproved address starts before this instant: the endpoint has no budget left.
    held_until: Option<Instant>,
    /// Both sides number their nominations.
    renomination: bool,
    /// How many nominations were made.
    nominations: u32,
    /// A pair is nominated then, even if a better one may still turn up.
    nominate_at: Option<Instant>,
    /// And not later than this, whatever turns up.
    nominate_by: Option<Instant>,
    patience: Patience,
    /// A pair of this generation was valid once: losing it means failure, not patience.
    was_connected: bool,
    remote_candidates_ended: bool,
    stats: Stats,
}

/// The credentials of before a restart.
#[derive(Debug)]
struct Previous {
    generation: Generation,
    until: Instant,
}

/// How long an agent without a valid pair goes on hoping (RFC 8863 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    NotStarted,
    Until(Instant),
    Over,
}

impl Agent {
    /// An agent with random credentials and no candidates.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut rng = StdRng::from_seed(config.seed);
        let credentials = Credentials::generate(&mut rng);
        let hash = SecretHash::new([rng.next_u64(), rng.next_u64()]);
        Ok(Self {
            role: config.role,
            hash,
            tie_breaker: rng.next_u64(),
            state: State::New,
            current: Generation::new(0, credentials),
            previous: None,
            locals: Vec::new(),
            remotes: Remotes::default(),
            checklist: Checklist::new(config.max_pairs.into()),
            transactions: Transactions::default(),
            replies: Replies::default(),
            early: EarlyChecks::default(),
            seen_nominations: None,
            unresolved: Vec::new(),
            streams: Vec::new(),
            limiter: Limiter::default(),
            events: Events::default(),
            gates: Vec::new(),
            gathering: Gathering::default(),
            carriage: Carriage::default(),
            mtu: config.path_mtu.map(|config| Box::new(PathMtu::new(config))),
            told_mtu: BASE_DATAGRAM,
            selected: None,
            next_check: None,
            held_until: None,
            renomination: false,
            nominations: 0,
            nominate_at: None,
            nominate_by: None,
            patience: Patience::NotStarted,
            was_connected: false,
            remote_candidates_ended: false,
            stats: Stats::default(),
            rng,
            config,
        })
    }

    // ----- what stands

    /// The credentials to signal.
    pub const fn local_credentials(&self) -> &Credentials {
        &self.current.local
    }

    /// The role; a conflict or a lite peer may change it, which [`Event::RoleChanged`] tells.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The local candidates to signal, in the order in which they were added.
    pub fn local_candidates(&self) -> impl Iterator<Item = &Candidate> {
        let policy = self.config.policy;
        self.locals.iter().filter(move |local| policy.shows(local))
    }

    /// Where the agent stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Where data should go now: the selected pair, else the best of those that work (RFC 8445 §12.1). `None`
    /// when none works, and when the peer's consent has expired: then nothing may be sent at all (RFC 7675 §5.1).
    pub fn best_path(&self) -> Option<Path> {
        self.pair_in_use().map(|pair| pair.path)
    }

    /// Whether what arrives on a path comes from the peer: a message with valid integrity came this way. Data
    /// from elsewhere is to be dropped unread.
    pub fn is_proved(&self, path: &Path) -> bool {
        if self.is_inactive() {
            return false;
        }
        let proved = |pair: &Pair| pair.proved && pair.path == *path;
        self.selected_pair().is_some_and(proved)
            || self.checklist.iter().any(proved)
            || self.early.is_told(path)
    }

    /// The last round trip measured on the path in use.
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.pair_in_use()?.round_trip
    }

    /// What was counted.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// The candidates of both sides, peer-reflexive ones included (RFC 8445 §7.2.5.3.1, §7.3.1.3).
    pub fn candidate_stats(&self) -> impl Iterator<Item = CandidateStats> {
        let local = self.locals.iter().map(|candidate| CandidateStats {
            is_remote: false,
            address: candidate.address(),
            protocol: candidate.transport(),
            candidate_type: candidate.kind(),
            priority: candidate.priority(),
            foundation: candidate.foundation().to_owned(),
            related_address: candidate.related(),
            username_fragment: self.current.local.ufrag.clone(),
        });
        local
            .chain(self.reflexive_stats())
            .chain(self.remotes.stats(self.current.remote_ufrag()))
    }

    /// The candidate pairs.
    pub fn pair_stats(&self) -> impl Iterator<Item = PairStats> {
        self.checklist
            .iter()
            .map(|pair| pair.stats(self.local_kind(pair)))
    }

    // ----- commands

    /// Sets the role that the offer/answer exchange gave.
    pub fn set_role(&mut self, now: Instant, role: Role) {
        if self.role != role {
            self.take_role(role);
        }
        self.settle(now);
    }

    /// The peer has signalled that no more candidates will come (RFC 8838 §14).
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.remote_candidates_ended = true;
        self.settle(now);
    }

    /// The socket reported that a path is dead (an ICMP error, RFC 8445 §7.2.5.2.2). It is a hint that anybody
    /// can forge: a check in progress is given up, a pair that works is left alone.
    pub fn on_send_error(&mut self, now: Instant, path: &Path) {
        let failed = self
            .checklist
            .iter_mut()
            .find(|pair| pair.path == *path && pair.state == PairState::InProgress && !pair.proved);
        if let Some(pair) = failed {
            pair.state = PairState::Failed;
            let id = pair.id;
            self.cancel_checks(now, id);
        }
        self.settle(now);
    }

    /// Both sides have said that they know the `renomination` option (draft-thatcher-ice-renomination): nominations
    /// carry a number, and of several the one with the highest counts, whatever the priorities.
    pub const fn set_renomination(&mut self, on: bool) {
        self.renomination = on;
    }

    /// No check to an address that has not shown that it knows the credentials starts before `until`: the endpoint has
    /// used up what it may send to such addresses (see [`CheckBudget`](crate::CheckBudget)). Answers, and checks of
    /// paths that are proved, go on.
    pub fn hold_checks(&mut self, now: Instant, until: Instant) {
        self.held_until = Some(until).filter(|until| now < *until);
        self.settle(now);
    }

    /// The path carries somebody else's data now: it must be proved again before data on it is believed.
    pub fn on_path_taken(&mut self, now: Instant, path: &Path) {
        for pair in self.checklist.iter_mut().filter(|pair| pair.path == *path) {
            pair.proved = false;
        }
        self.early.set_told(path, false);
        self.settle(now);
    }

    /// Ends the session: nothing is sent any more.
    pub fn close(&mut self, now: Instant) {
        self.silence();
        self.set_state(State::Closed);
        self.settle(now);
    }

    // ----- input

    /// A datagram arrived. Only STUN belongs here; everything else, and everything that is not the peer's, is
    /// counted and dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if self.is_inactive() {
            self.stats.dropped_inactive += 1;
            return;
        }
        let path = datagram.path;
        if !self.takes(&path) {
            self.stats.dropped_policy += 1;
            return;
        }
        match Message::decode(datagram.bytes) {
            Err(_) => self.stats.dropped_malformed += 1,
            Ok(message) if message.method() != Method::BINDING => {
                self.stats.dropped_not_a_check += 1;
            }
            Ok(message) => match message.class() {
                Class::Indication => self.stats.dropped_not_a_check += 1,
                Class::Success | Class::Error
                    if self.gathering.awaits(message.transaction_id()) =>
                {
                    self.handle_server_response(now, path, &message);
                }
                // The cheap filter comes before any HMAC (RFC 8445 §7.1, §7.3).
                _ if !message.verify_fingerprint() => self.stats.dropped_fingerprint += 1,
                Class::Request => {
                    let length = datagram.bytes.len();
                    self.handle_request(now, path, &message, length);
                }
                Class::Success | Class::Error => self.handle_response(now, path, &message),
            },
        }
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
    }

    // ----- output

    /// When [`handle_timeout`](Self::handle_timeout) should be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_inactive() {
            return None;
        }
        let patience = match self.patience {
            Patience::Until(at) => Some(at),
            Patience::NotStarted | Patience::Over => None,
        };
        let previous = match &self.previous {
            Some(previous) if !self.is_previous_in_use() => Some(previous.until),
            _ => None,
        };
        [
            self.transactions.next_deadline(),
            self.next_check_deadline(),
            self.next_dial_deadline(),
            self.mtu.as_ref().and_then(|mtu| mtu.poll_timeout()),
            self.next_gathering_deadline(),
            self.nominate_at,
            self.next_consent_deadline(),
            patience,
            previous,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Appends one datagram to `buf`: an answer, else a check, else a question to a STUN server.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        while let Some(reply) = self.replies.pop() {
            let (current, previous) = (&self.current, &self.previous);
            let key = |number| key_of(current, previous.as_deref(), number);
            let carriage = &mut self.carriage;
            let carry = |message: &mut MessageBuilder<'_>| {
                carriage.write(message);
            };
            if reply.encode(buf, key, carry) {
                self.stats.responses_sent += 1;
                let number = self.current.number;
                if let Some(pair) = self.checklist.find(number, &reply.path) {
                    pair.responses_sent += 1;
                }
                return Some(Transmit::new(reply.path));
            }
        }
        self.transmit_check(now, buf)
            .or_else(|| self.transmit_query(now, buf))
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }
}

fn generation_of<'g>(
    current: &'g Generation,
    previous: Option<&'g Previous>,
    number: u32,
) -> Option<&'g Generation> {
    [Some(current), previous.map(|previous| &previous.generation)]
        .into_iter()
        .flatten()
        .find(|generation| generation.number == number)
}

/// The key that seals answers of a generation.
fn key_of<'g>(
    current: &'g Generation,
    previous: Option<&'g Previous>,
    number: u32,
) -> Option<&'g stun::IntegrityKey> {
    generation_of(current, previous, number).map(|generation| &generation.local_key)
}
