//! TCP candidates (RFC 6544): the owner opens, accepts and frames the streams, the agent says which it wants.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Path, StreamId, Transport};

use super::Agent;
use super::pair::{Nomination, PairId, Trouble};
use super::transaction::Purpose;
use crate::{CandidateTransport, Event, PairState, StreamFact};

/// How long a connection may take to open.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections that are being opened at a time.
const MAX_DIALS: usize = 8;

/// In the path of a pair whose stream is not open yet.
pub(super) const UNOPENED: StreamId = StreamId::new(u64::MAX);

/// The stream of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Dial {
    /// None, or the other side opened it.
    #[default]
    Foreign,
    /// It is for us to open it.
    Wanted,
    /// It is being opened, until then at most.
    UnderWay(Instant),
    /// We opened it.
    Done,
}

impl Agent {
    /// What became of a stream: one that [`Event::OpenStream`] asked for, or one that was accepted for a passive
    /// candidate.
    pub fn on_stream(&mut self, now: Instant, fact: StreamFact) {
        match fact {
            StreamFact::Opened(path) => self.on_stream_opened(path),
            StreamFact::Refused { local, remote } => {
                if let Some(id) = self.dialed(local, remote)
                    && let Some(pair) = self.checklist.get_mut(id)
                {
                    pair.state = PairState::Failed;
                    pair.dial = Dial::Wanted;
                }
            }
            StreamFact::Closed(path) => self.on_stream_closed(now, &path),
        }
        self.settle(now);
    }

    fn dialed(&self, local: IpAddr, remote: SocketAddr) -> Option<PairId> {
        let is_meant = |pair: &&super::Pair| {
            matches!(pair.dial, Dial::UnderWay(_))
                && pair.path.local.ip() == local
                && pair.path.remote == remote
        };
        self.checklist.iter().find(is_meant).map(|pair| pair.id)
    }

    fn on_stream_opened(&mut self, path: Path) {
        let wanted = match path.transport {
            Transport::Stream(_) if !self.is_inactive() => {
                self.dialed(path.local.ip(), path.remote)
            }
            _ => None,
        };
        let Some(id) = wanted else {
            self.tell(Event::CloseStream(path));
            return;
        };
        self.streams.push(path);
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        pair.path = path;
        pair.dial = Dial::Done;
        if pair.state == PairState::InProgress {
            self.start_request(id, Purpose::Check { triggered: false });
        }
    }

    fn on_stream_closed(&mut self, now: Instant, path: &Path) {
        self.streams.retain(|open| open != path);
        let mut was_valid = false;
        let mut gone = Vec::new();
        for pair in self.checklist.iter_mut().filter(|pair| pair.path == *path) {
            was_valid |= pair.is_valid();
            // A connection that worked once is worth another try.
            let again = pair.is_valid() && pair.dial == Dial::Done;
            pair.state = if again {
                PairState::Waiting
            } else {
                PairState::Failed
            };
            pair.nomination = Nomination::No;
            pair.next_consent = None;
            pair.unanswered_since = None;
            pair.last_answer = None;
            pair.trouble = Trouble::None;
            pair.proved = false;
            if pair.dial == Dial::Done {
                pair.dial = Dial::Wanted;
                pair.path.transport = Transport::Stream(UNOPENED);
            }
            gone.push(pair.id);
        }
        for id in gone {
            self.checklist.untrigger(id);
            self.transactions.retain(|other| other.pair != id);
        }
        if was_valid {
            self.on_path_lost(now);
        }
    }

    /// A path that worked is gone, for a reason that says nothing about the peer: others get their time.
    pub(super) fn on_path_lost(&mut self, now: Instant) {
        if self.pair_in_use().is_none() && self.was_connected {
            self.was_connected = false;
            self.start_patience(now);
        }
    }

    /// Asks for the stream of a pair; its check follows when the stream is open.
    pub(super) fn dial(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        pair.state = PairState::InProgress;
        pair.dial = Dial::UnderWay(now + DIAL_TIMEOUT);
        pair.first_checked.get_or_insert(now);
        let (local, remote) = (pair.path.local.ip(), pair.path.remote);
        self.next_check = Some(now + self.config.ta);
        if !self.tell(Event::OpenStream { local, remote })
            && let Some(pair) = self.checklist.get_mut(id)
        {
            pair.state = PairState::Failed;
            pair.dial = Dial::Wanted;
        }
    }

    /// Whether another connection may be opened now.
    pub(super) fn may_dial(&self) -> bool {
        let under_way = |pair: &&super::Pair| matches!(pair.dial, Dial::UnderWay(_));
        self.checklist.iter().filter(under_way).count() < MAX_DIALS
    }

    /// Gives up connections that do not open, and closes the streams that serve no pair any more.
    pub(super) fn settle_streams(&mut self, now: Instant) {
        for pair in self.checklist.iter_mut() {
            if let Dial::UnderWay(until) = pair.dial
                && until <= now
            {
                pair.dial = Dial::Wanted;
                pair.state = PairState::Failed;
            }
        }
        if self.streams.is_empty() {
            return;
        }
        let unused = |path: &Path| {
            let serves = |pair: &super::Pair| {
                pair.path == *path
                    && matches!(pair.state, PairState::InProgress | PairState::Succeeded)
            };
            let triggered = self
                .checklist
                .iter()
                .any(|pair| pair.path == *path && self.checklist.is_triggered(pair.id));
            !triggered && !self.checklist.iter().any(serves)
        };
        let unused: Vec<_> = self.streams.iter().copied().filter(unused).collect();
        for path in unused {
            self.close_stream(&path);
        }
    }

    /// Has the owner close a stream; a pair that we opened it for may have another one later.
    fn close_stream(&mut self, path: &Path) {
        self.streams.retain(|open| open != path);
        for pair in self.checklist.iter_mut().filter(|pair| pair.path == *path) {
            if pair.dial == Dial::Done {
                pair.dial = Dial::Wanted;
                pair.path.transport = Transport::Stream(UNOPENED);
                pair.proved = false;
            } else {
                pair.state = PairState::Failed;
            }
        }
        self.tell(Event::CloseStream(*path));
    }

    pub(super) fn close_all_streams(&mut self) {
        for path in std::mem::take(&mut self.streams) {
            self.close_stream(&path);
        }
    }

    /// When a connection that is being opened is given up.
    pub(super) fn next_dial_deadline(&self) -> Option<Instant> {
        let until = |pair: &super::Pair| match pair.dial {
            Dial::UnderWay(until) => Some(until),
            _ => None,
        };
        self.checklist.iter().filter_map(until).min()
    }

    /// Whether what arrives on a path can be for this agent at all, as its candidates and policy stand.
    pub(super) fn takes(&self, path: &Path) -> bool {
        match path.transport {
            Transport::Udp => self.config.policy.allows_base(&self.locals, path.local),
            Transport::Stream(_) => self
                .locals
                .iter()
                .any(|local| matches!(local.transport(), CandidateTransport::Tcp(_))),
        }
    }
}
