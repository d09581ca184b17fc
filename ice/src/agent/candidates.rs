//! Candidates of both sides, and the pairs that they form (RFC 8445 §6.1.2).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Path, Transport};

use super::Agent;
use super::checklist::Origin;
use super::pair::{End, PairId};
use super::streams::UNOPENED;
use crate::grow;
use crate::{
    AddCandidateError, Candidate, CandidateKind, CandidateStats, CandidateTransport, Mode,
    PairState, Role, State, TcpType,
};

/// The most local candidates. A host with more addresses should choose.
const MAX_LOCALS: usize = 32;

/// The most remote candidates that are signalled.
const MAX_SIGNALLED: usize = 64;

/// The most remote candidates that are learned from checks; each costs a check of our own.
const MAX_LEARNED: usize = 16;

/// How many remote candidates are learned in a row of which none leads to a valid pair. Two NATs that show a new port for
/// each destination and let everybody in make two agents learn from each other without end (RFC 4787 §4.1); whoever can
/// connect does so after three. While connected, one more is learned now and then, so that a peer that moves is found.
const MAX_LEARNED_IN_VAIN: usize = 64;
const LEARN_AGAIN: Duration = Duration::from_secs(5);

/// What is kept of a remote candidate.
#[derive(Clone, Debug)]
struct Remote {
    address: SocketAddr,
    transport: CandidateTransport,
    foundation: Option<Box<str>>,
    end: End,
    /// The fragment that it says it belongs to, kept until the credentials are known.
    ufrag: Option<Box<str>>,
    origin: Origin,
}

impl Remote {
    fn is_at(&self, path: &Path) -> bool {
        let is_udp = self.transport == CandidateTransport::Udp;
        self.address == path.remote && is_udp == (path.transport == Transport::Udp)
    }
}

/// A local base, or a remote candidate: its address, what checks need to know of it, and what reaches it.
type Near = (SocketAddr, End, CandidateTransport);
type Far = (SocketAddr, End, CandidateTransport);

/// The peer's candidates, oldest first.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    list: Vec<Remote>,
    /// How many were learned since one led to a valid pair, those included that are gone, and when the last one was.
    learned: usize,
    learned_at: Option<Instant>,
}

impl Remotes {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.learned = 0;
    }

    fn count(&self, origin: Origin) -> usize {
        let of_origin = |remote: &&Remote| remote.origin == origin;
        self.list.iter().filter(of_origin).count()
    }

    fn find(&self, path: &Path) -> Option<&Remote> {
        self.list.iter().find(|remote| remote.is_at(path))
    }

    /// What is known of each.
    pub(super) fn stats(&self, ufrag: &str) -> impl Iterator<Item = CandidateStats> {
        self.list.iter().map(move |remote| CandidateStats {
            is_remote: true,
            address: Some(remote.address),
            protocol: remote.transport,
            candidate_type: remote.end.kind,
            priority: remote.end.priority,
            foundation: remote.foundation.as_deref().unwrap_or_default().to_owned(),
            related_address: None,
            username_fragment: ufrag.to_owned(),
        })
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.list.iter().map(|remote| remote.address)
    }

    fn ends(&self) -> Vec<Far> {
        self.list
            .iter()
            .map(|it| (it.address, it.end, it.transport))
            .collect()
    }
}

impl Agent {
    /// Adds a local candidate. Its priority is lowered when another one has the same (RFC 8445 §5.1.2.1 wants
    /// them distinct), and a host candidate appears as [`Config::rewrites`](crate::Config::rewrites) have it;
    /// [`local_candidates`](Self::local_candidates) shows the result. At most 32.
    pub fn add_local_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        if self.state == State::Closed {
            return Err(AddCandidateError::Closed);
        }
        for shown in self.rewritten(candidate) {
            self.insert_local_candidate(now, shown)?;
        }
        self.settle(now);
        Ok(())
    }

    /// The candidates that stand for a host candidate outside.
    fn rewritten(&self, candidate: Candidate) -> Vec<Candidate> {
        let base = match (candidate.kind(), candidate.transport(), candidate.address()) {
            (CandidateKind::Host, CandidateTransport::Udp, Some(address)) => Some(address),
            _ => None,
        };
        match base.filter(|base| candidate.base() == Some(*base)) {
            Some(base) if !self.config.rewrites.is_empty() => {
                let announce = |address| match address == base {
                    true => candidate.clone(),
                    false => Candidate::host_announced(address, base),
                };
                let shown = crate::rewrite::shown(&self.config.rewrites, base);
                shown.into_iter().map(announce).collect()
            }
            _ => vec![candidate],
        }
    }

    pub(super) fn insert_local_candidate(
        &mut self,
        now: Instant,
        mut candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        let address = usable_address(&candidate, Side::Local)?;
        if !self.config.policy.admits(&candidate) {
            return Err(AddCandidateError::Policy);
        }
        let base = candidate.base().unwrap_or(address);
        let known = |other: &Candidate| {
            other.address().or_else(|| other.base()) == Some(address)
                && other.base() == candidate.base()
                && other.transport() == candidate.transport()
                && other.kind() == candidate.kind()
        };
        if self.locals.iter().any(known) {
            return Ok(());
        }
        if self.locals.len() >= MAX_LOCALS {
            return Err(AddCandidateError::TooMany);
        }
        if self.config.mode == Mode::Lite {
            self.may_be_of_lite(&candidate, address)?;
        }
        while self
            .locals
            .iter()
            .any(|other| other.priority() == candidate.priority())
            && candidate.priority() > 1 << 8
        {
            candidate.lower_priority();
        }
        let end = End {
            kind: candidate.kind(),
            priority: candidate.priority(),
        };
        self.gather_for(&candidate);
        let local = (base, end, candidate.transport());
        grow::push(&mut self.locals, candidate);
        if self.current.remote.is_some() {
            for remote in self.remotes.ends() {
                self.form_signalled_pair(now, local, remote);
            }
        }
        Ok(())
    }

    /// Whether a lite agent may have this candidate: its own address, and one of a kind (RFC 8445 §5.2).
    fn may_be_of_lite(
        &self,
        candidate: &Candidate,
        address: SocketAddr,
    ) -> Result<(), AddCandidateError> {
        if candidate.kind() != CandidateKind::Host {
            return Err(AddCandidateError::Lite);
        }
        let is_alike = |other: &Candidate| {
            let other_address = other.address().or_else(|| other.base());
            other.transport() == candidate.transport()
                && other_address.is_some_and(|other| other.is_ipv4() == address.is_ipv4())
        };
        match self.locals.iter().any(is_alike) {
            true => Err(AddCandidateError::TooMany),
            false => Ok(()),
        }
    }

    /// Adds a remote candidate. At most 64, of which at most 100 pairs are formed. What cannot be used is refused
    /// with the reason, which harms nothing; a candidate that is known already is fine.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        if self.is_inactive() {
            return Err(AddCandidateError::Closed);
        }
        if candidate.address().is_none() {
            let awaited = self.await_name(candidate);
            self.settle(now);
            return awaited;
        }
        let address = usable_address(&candidate, Side::Remote)?;
        let transport = candidate.transport();
        if transport == CandidateTransport::Tcp(TcpType::Active) {
            // It comes by itself, from a port that nobody knows yet.
            return Ok(());
        }
        if let (Some(ufrag), true) = (candidate.ufrag(), self.current.remote.is_some())
            && !self.current.is_remote_ufrag(ufrag)
        {
            return Err(AddCandidateError::Generation);
        }
        let end = End {
            kind: candidate.kind(),
            priority: candidate.priority(),
        };
        let at = self
            .remotes
            .list
            .iter()
            .position(|remote| remote.address == address && remote.transport == transport);
        match at.and_then(|at| self.remotes.list.get_mut(at)) {
            Some(known) if known.origin == Origin::Signalled => return Ok(()),
            // A check showed it before it was signalled: its state stays, what is said of it is better than
            // what we made of it (RFC 8838 §11.4).
            Some(known) => {
                known.origin = Origin::Signalled;
                known.end = end;
                for pair in self.checklist.iter_mut() {
                    if pair.path.remote == address
                        && pair.path.transport == Transport::Udp
                        && pair.generation == self.current.number
                    {
                        pair.remote = end;
                        pair.recompute_priority(self.role);
                    }
                }
            }
            None => {
                if self.remotes.count(Origin::Signalled) >= MAX_SIGNALLED {
                    self.stats.remote_candidates_refused += 1;
                    return Err(AddCandidateError::TooMany);
                }
                grow::push(
                    &mut self.remotes.list,
                    Remote {
                        address,
                        transport,
                        foundation: Some(candidate.foundation().into()),
                        end,
                        ufrag: candidate.ufrag().map(Into::into),
                        origin: Origin::Signalled,
                    },
                );
            }
        }
        if self.current.remote.is_some() {
            self.pair_with_locals(now, (address, end, transport));
        }
        self.settle(now);
        Ok(())
    }

    /// The credentials are known: forgets the candidates that belong to others, and forms all pairs.
    pub(super) fn pair_everything(&mut self, now: Instant) {
        let current = &self.current;
        self.remotes
            .list
            .retain_mut(|remote| match remote.ufrag.take() {
                Some(ufrag) => current.is_remote_ufrag(&ufrag),
                None => true,
            });
        for remote in self.remotes.ends() {
            self.pair_with_locals(now, remote);
        }
    }

    fn pair_with_locals(&mut self, now: Instant, remote: Far) {
        let locals: Vec<_> = self.local_bases().collect();
        for local in locals {
            self.form_signalled_pair(now, local, remote);
        }
    }

    /// Forms the pair of two candidates that were signalled, if they go together.
    fn form_signalled_pair(&mut self, now: Instant, local: Near, remote: Far) {
        let transport = match (local.2, remote.2) {
            (CandidateTransport::Udp, CandidateTransport::Udp) => Transport::Udp,
            // RFC 6544 §6.2: pairs whose local candidate is passive are pruned, the other side opens them.
            (
                CandidateTransport::Tcp(TcpType::Active),
                CandidateTransport::Tcp(TcpType::Passive),
            ) => Transport::Stream(UNOPENED),
            _ => return,
        };
        if !reaches(local.0.ip(), remote.0.ip()) {
            return;
        }
        let path = Path {
            local: local.0,
            remote: remote.0,
            transport,
        };
        self.form_pair(now, path, (local.1, remote.1), Origin::Signalled);
    }

    /// The bases that checks leave from, with the candidate that stands for each. A server-reflexive candidate is
    /// replaced by its base (RFC 8445 §6.1.2.4), which the host candidate stands for already.
    fn local_bases(&self) -> impl Iterator<Item = Near> {
        self.locals.iter().filter_map(|candidate| {
            let end = End {
                kind: candidate.kind(),
                priority: candidate.priority(),
            };
            Some((candidate.base()?, end, candidate.transport()))
        })
    }

    fn form_pair(
        &mut self,
        now: Instant,
        path: Path,
        ends: (End, End),
        origin: Origin,
    ) -> Option<PairId> {
        let before = self.checklist.len();
        let id = self
            .checklist
            .insert(self.current.number, path, ends, self.role, origin);
        match id {
            None => self.stats.pairs_refused += 1,
            Some(_) if self.checklist.len() > before => self.start_patience(now),
            Some(_) => {}
        }
        id
    }

    /// The pair of a path on which a request with valid integrity came; formed when there is none, with a
    /// peer-reflexive remote candidate when the address is not known (RFC 8445 §7.3.1.3).
    pub(super) fn learn_pair(&mut self, now: Instant, path: Path, priority: u32) -> Option<PairId> {
        if let Some(pair) = self.checklist.find(self.current.number, &path) {
            return Some(pair.id);
        }
        let is_udp = path.transport == Transport::Udp;
        let local = self
            .local_bases()
            .filter(|(base, _, transport)| {
                *base == path.local && is_udp == (*transport == CandidateTransport::Udp)
            })
            .map(|(_, end, _)| end)
            .max_by_key(|end| end.priority);
        // A datagram on an address that nobody announced, such as a wildcard's: a host candidate in all but name.
        let local = local.unwrap_or(End {
            kind: CandidateKind::Host,
            priority: crate::candidate::priority(CandidateKind::Host, 0, 1),
        });
        let remote = match self.remotes.find(&path) {
            Some(remote) => remote.end,
            None => self.learn_remote(now, &path, priority)?,
        };
        let id = self.form_pair(now, path, (local, remote), Origin::Learned)?;
        if !is_udp && !self.streams.contains(&path) {
            self.streams.push(path);
        }
        Some(id)
    }

    /// A peer-reflexive remote candidate. When there are too many, the oldest one that leads to no valid pair
    /// goes, so that a peer whose address keeps changing is followed.
    fn learn_remote(&mut self, now: Instant, path: &Path, priority: u32) -> Option<End> {
        if self.remotes.learned >= MAX_LEARNED_IN_VAIN {
            let due = self.remotes.learned_at.map(|at| at + LEARN_AGAIN);
            let is_time = due.is_none_or(|due| now >= due);
            if !(self.was_connected && is_time) {
                self.stats.remote_candidates_refused += 1;
                return None;
            }
        }
        if self.remotes.count(Origin::Learned) >= MAX_LEARNED {
            let checklist = &self.checklist;
            let oldest = self.remotes.list.iter().position(|remote| {
                remote.origin == Origin::Learned
                    && !checklist
                        .iter()
                        .any(|pair| remote.is_at(&pair.path) && pair.is_valid())
            });
            let Some(oldest) = oldest else {
                self.stats.remote_candidates_refused += 1;
                return None;
            };
            let gone = self.remotes.list.remove(oldest);
            let current = self.current.number;
            self.checklist
                .retain(|pair| !gone.is_at(&pair.path) || pair.generation != current);
            let checklist = &self.checklist;
            self.transactions
                .retain(|transaction| checklist.get(transaction.pair).is_some());
        }
        let candidate = Candidate::peer_reflexive(path.remote, priority);
        let end = End {
            kind: candidate.kind(),
            priority: candidate.priority(),
        };
        self.remotes.learned = self.remotes.learned.saturating_add(1);
        self.remotes.learned_at = Some(now);
        self.remotes.list.push(Remote {
            address: path.remote,
            transport: match path.transport {
                Transport::Udp => CandidateTransport::Udp,
                Transport::Stream(_) => CandidateTransport::Tcp(TcpType::Active),
            },
            foundation: None,
            end,
            ufrag: None,
            origin: Origin::Learned,
        });
        Some(end)
    }

    /// A pair became valid: if its candidate was learned, learning is not in vain.
    pub(super) fn on_learned_valid(&mut self, path: &Path) {
        let remotes = &mut self.remotes;
        let is_learned = |remote: &Remote| remote.origin == Origin::Learned && remote.is_at(path);
        if remotes.list.iter().any(is_learned) {
            remotes.learned = 0;
        }
    }

    /// Whether an ordinary check of a pair is wanted (RFC 8445 §6.1.4.2). While a path is selected and works,
    /// only what could beat it is checked; the rest waits for the day that it fails.
    pub(super) fn is_ordinary(&self, pair: &super::Pair) -> bool {
        if pair.state != PairState::Waiting
            || pair.generation != self.current.number
            || !self.is_open(&pair.path)
        {
            return false;
        }
        match self.selected_pair() {
            Some(selected) if selected.generation == self.current.number => {
                !selected.is_healthy()
                    || (pair.priority > selected.priority && self.role == Role::Controlling)
            }
            _ => true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Local,
    Remote,
}

fn usable_address(candidate: &Candidate, side: Side) -> Result<SocketAddr, AddCandidateError> {
    if candidate.component() != 1 {
        return Err(AddCandidateError::Component);
    }
    if candidate.transport() == CandidateTransport::Tcp(TcpType::SimultaneousOpen) {
        return Err(AddCandidateError::Transport);
    }
    // A local candidate that is shown under a name has its base.
    let address = candidate
        .address()
        .or_else(|| candidate.base())
        .ok_or(AddCandidateError::Name)?;
    let link_local = match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        // Without its zone, which is not signalled, a link-local address names nothing.
        IpAddr::V6(ip) => ip.is_unicast_link_local() && side == Side::Remote,
    };
    let ip = address.ip();
    if link_local || ip.is_unspecified() || ip.is_multicast() || address.port() == 0 {
        return Err(AddCandidateError::Address);
    }
    Ok(address)
}

/// Whether a server can have the address.
pub(super) const fn is_usable(address: SocketAddr) -> bool {
    let ip = address.ip();
    !ip.is_unspecified() && !ip.is_multicast() && address.port() != 0
}

/// Whether a signalled remote address is worth a check from a base: same family, and loopback only from loopback,
/// so that a peer cannot aim checks at services of this host by naming 127.0.0.1.
pub(super) const fn reaches(base: IpAddr, remote: IpAddr) -> bool {
    base.is_ipv4() == remote.is_ipv4() && base.is_loopback() == remote.is_loopback()
}
