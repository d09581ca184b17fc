//! Which session a datagram belongs to, when many share one socket.
//!
//! One [`Mux`] per socket. A datagram is routed by what it is:
//!
//! * a STUN **request** by the username fragment in it, since that alone names a session before a path is known,
//!   and since a request that names another session than the path is bound to is how a path changes hands;
//! * a STUN **response** by its transaction id, since several sessions may talk to one remote address;
//! * everything else by the path, which was bound when the session proved it.
//!
//! Nothing that a stranger sends creates an entry: entries come from [`insert_fragment`](Mux::insert_fragment),
//! [`bind`](Mux::bind) and [`on_request_sent`](Mux::on_request_sent), which the owner calls.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use net::Path;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use stun::{Class, Message, TransactionId};

use crate::grow;
use crate::hash::SecretHash;

/// The most paths bound to one session; of more, the oldest that is not selected goes. A session needs one, and
/// a few more while its path changes.
pub const MAX_PATHS_PER_SESSION: usize = 8;

/// The most username fragments of one session; of more, the oldest goes. There are two during a restart.
pub const MAX_FRAGMENTS_PER_SESSION: usize = 4;

/// The most outstanding requests that are remembered, over all sessions; of more, the oldest is forgotten, and
/// its response is then routed by path or lost like any datagram.
pub const MAX_TRANSACTIONS: usize = 65_536;

/// How long a request is remembered: a little longer than its last retransmission is waited for
/// (RFC 8489 §6.2.1: 39.5 s).
pub const TRANSACTION_LIFETIME: Duration = Duration::from_secs(40);

/// Names a session: the key of the owner's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(usize);

impl SessionId {
    /// Makes an id from the owner's key.
    pub const fn new(key: usize) -> Self {
        Self(key)
    }

    /// The owner's key.
    pub const fn get(self) -> usize {
        self.0
    }
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The path is bound to this session.
    Bound(SessionId),
    /// A request with this session's fragment, on a path that is not bound to it. Before the next datagram is
    /// routed, the session should handle this one and a [`PathProved`](crate::Event::PathProved) be bound.
    ByFragment(SessionId),
    /// A response to a request of this session.
    ByTransaction(SessionId),
    /// Nobody's.
    Unknown,
}

/// The table of one socket.
pub struct Mux {
    fragments: HashMap<Box<str>, SessionId, SecretHash>,
    paths: HashMap<Path, SessionId, SecretHash>,
    transactions: HashMap<TransactionId, Sent, SecretHash>,
    /// The transactions in the order in which they expire; may name some that are gone.
    expiries: VecDeque<(Instant, TransactionId)>,
    sessions: HashMap<SessionId, Session, SecretHash>,
    stats: MuxStats,
}

/// What a table counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MuxStats {
    /// Datagrams that were nobody's.
    pub unknown: u64,
    /// Paths taken over from another session.
    pub rebound_paths: u64,
    /// Paths forgotten because their session had too many.
    pub evicted_paths: u64,
    /// Transactions forgotten because there were too many.
    pub evicted_transactions: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    session: SessionId,
    expires: Instant,
}

#[derive(Debug, Default)]
struct Session {
    fragments: Vec<Box<str>>,
    /// In the order in which they were bound.
    paths: Vec<Path>,
    selected: Option<Path>,
}

impl Mux {
    /// An empty table. The seed keeps strangers from aiming at one bucket of it.
    pub fn new(seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let hash = SecretHash::new([rng.next_u64(), rng.next_u64()]);
        Self {
            fragments: HashMap::with_hasher(hash),
            paths: HashMap::with_hasher(hash),
            transactions: HashMap::with_hasher(hash),
            expiries: VecDeque::new(),
            sessions: HashMap::with_hasher(hash),
            stats: MuxStats::default(),
        }
    }

    /// Requests with this local fragment are this session's from now on. A session may have several: the old
    /// ones stay valid during a restart.
    pub fn insert_fragment(&mut self, local_ufrag: &str, session: SessionId) {
        if let Some(old) = self.fragments.insert(local_ufrag.into(), session)
            && let Some(entry) = self.sessions.get_mut(&old)
        {
            entry
                .fragments
                .retain(|fragment| **fragment != *local_ufrag);
        }
        let entry = self.sessions.entry(session).or_default();
        grow::push(&mut entry.fragments, local_ufrag.into());
        if entry.fragments.len() > MAX_FRAGMENTS_PER_SESSION {
            let oldest = entry.fragments.remove(0);
            self.fragments.remove(&oldest);
        }
    }

    /// Forgets a session and everything that led to it. (Its outstanding transactions run out by themselves.)
    pub fn remove_session(&mut self, session: SessionId) {
        let Some(entry) = self.sessions.remove(&session) else {
            return;
        };
        for fragment in entry.fragments {
            self.fragments.remove(&fragment);
        }
        for path in entry.paths {
            self.paths.remove(&path);
        }
    }

    /// The session has proved this path ([`PathProved`](crate::Event::PathProved)): what arrives on it is the
    /// session's. A path that another session had changes hands.
    ///
    /// Returns the session that had the path until now: it is to be told
    /// ([`Agent::on_path_taken`](crate::Agent::on_path_taken)), so that it proves the path anew if it still uses it.
    pub fn bind(&mut self, session: SessionId, path: Path) -> Option<SessionId> {
        let mut taken_from = None;
        match self.paths.insert(path, session) {
            Some(old) if old == session => return None,
            Some(old) => {
                taken_from = Some(old);
                self.stats.rebound_paths += 1;
                if let Some(entry) = self.sessions.get_mut(&old) {
                    entry.paths.retain(|bound| *bound != path);
                }
            }
            None => {}
        }
        let entry = self.sessions.entry(session).or_default();
        grow::push(&mut entry.paths, path);
        if entry.paths.len() > MAX_PATHS_PER_SESSION {
            let selected = entry.selected;
            let at = entry
                .paths
                .iter()
                .position(|bound| Some(*bound) != selected);
            let evicted = entry.paths.remove(at.unwrap_or(0));
            self.paths.remove(&evicted);
            self.stats.evicted_paths += 1;
        }
        taken_from
    }

    /// Binds a path that carries the session's data ([`Selected`](crate::Event::Selected)): it is never the one
    /// that is forgotten when there are too many.
    pub fn bind_selected(&mut self, session: SessionId, path: Path) -> Option<SessionId> {
        self.sessions.entry(session).or_default().selected = Some(path);
        self.bind(session, path)
    }

    /// Says whose a datagram is.
    pub fn route(&mut self, now: Instant, path: &Path, bytes: &[u8]) -> Route {
        self.expire(now);
        let bound = self.paths.get(path).copied();
        // What is not STUN by its header is data, and costs one look-up.
        let route = match Message::decode(bytes) {
            Ok(message) => match message.class() {
                Class::Request => self.route_request(bound, &message),
                Class::Success | Class::Error => self
                    .transactions
                    .remove(&message.transaction_id())
                    .filter(|sent| self.sessions.contains_key(&sent.session))
                    .map(|sent| Route::ByTransaction(sent.session)),
                Class::Indication => None,
            },
            Err(_) => None,
        };
        let route = route.or_else(|| bound.map(Route::Bound));
        if route.is_none() {
            self.stats.unknown += 1;
        }
        route.unwrap_or(Route::Unknown)
    }

    fn route_request(&self, bound: Option<SessionId>, message: &Message<'_>) -> Option<Route> {
        let (local, _remote) = message.username().ok()??.split_once(':')?;
        let session = *self.fragments.get(local)?;
        Some(if bound == Some(session) {
            Route::Bound(session)
        } else {
            Route::ByFragment(session)
        })
    }

    /// Remembers an outgoing STUN request, so that the response finds its session; anything else is ignored.
    pub fn on_request_sent(&mut self, now: Instant, session: SessionId, bytes: &[u8]) {
        self.expire(now);
        let Ok(message) = Message::decode(bytes) else {
            return;
        };
        if message.class() != Class::Request || !self.sessions.contains_key(&session) {
            return;
        }
        let id = message.transaction_id();
        let expires = now + TRANSACTION_LIFETIME;
        // A retransmission is remembered from the first sending on, plus this much again at most.
        if self
            .transactions
            .insert(id, Sent { session, expires })
            .is_none()
        {
            self.expiries.push_back((expires, id));
        }
        if self.expiries.len() > MAX_TRANSACTIONS
            && let Some((_, oldest)) = self.expiries.pop_front()
            && self.transactions.remove(&oldest).is_some()
        {
            self.stats.evicted_transactions += 1;
        }
    }

    /// What was counted.
    pub const fn stats(&self) -> MuxStats {
        self.stats
    }

    /// Forgets what is old: a bounded number each time, and more than can be added at once.
    fn expire(&mut self, now: Instant) {
        for _ in 0..8 {
            match self.expiries.front() {
                Some(&(expires, id)) if expires <= now => {
                    self.expiries.pop_front();
                    match self.transactions.get(&id) {
                        Some(sent) if sent.expires <= now => {
                            self.transactions.remove(&id);
                        }
                        Some(sent) => self.expiries.push_back((sent.expires, id)),
                        None => {}
                    }
                }
                _ => return,
            }
        }
    }
}

impl fmt::Debug for Mux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mux")
            .field("sessions", &self.sessions.len())
            .field("paths", &self.paths.len())
            .field("transactions", &self.transactions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
