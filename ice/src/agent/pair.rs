use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Path, Transport};

use super::streams::{Dial, UNOPENED};
use crate::candidate::tcp_type_preference;
use crate::{CandidateKind, PairState, PairStats, Role};

/// Names a pair for as long as the agent lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PairId(pub(super) u64);

/// RFC 7675 §5.1: "Consent expires after 30 seconds".
pub(super) const CONSENT_EXPIRY: Duration = Duration::from_secs(30);

/// One end of a pair, as far as checks care.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) kind: CandidateKind,
    pub(super) priority: u32,
}

/// A candidate pair. It is named by its path, the base and the remote address. A valid pair with a reflexive local
/// candidate (RFC 8445 §7.2.5.3.2) leaves from the same base, so it is kept here too: it is what the pair is while it
/// is valid, with a priority of its own.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) id: PairId,
    pub(super) generation: u32,
    pub(super) path: Path,
    pub(super) local: End,
    pub(super) remote: End,
    /// In the checklist: of the candidates that were paired (RFC 8445 §6.1.2.3).
    pub(super) priority: u64,
    /// In the valid list: of the candidates that the two sides see (RFC 8445 §7.2.5.3.2).
    valid_priority: u64,
    pub(super) state: PairState,
    /// The address that the peer saw our last answered check come from, where it is not the base.
    pub(super) mapped: Option<SocketAddr>,
    /// The priority of the local candidate with that address.
    mapped_priority: Option<u32>,
    pub(super) nomination: Nomination,
    /// When the peer last asked for this pair (controlled), or we got it (controlling).
    pub(super) nominated_at: Option<Instant>,
    /// A message with valid integrity came this way.
    pub(super) proved: bool,
    /// When the last valid answer to a request of ours came; on a lite agent, the last valid request.
    pub(super) last_answer: Option<Instant>,
    /// When the oldest request was sent that has had no answer since the last answer.
    pub(super) unanswered_since: Option<Instant>,
    pub(super) trouble: Trouble,
    /// When the next consent check is due.
    pub(super) next_consent: Option<Instant>,
    /// Whose the stream is to open, where there is one.
    pub(super) dial: Dial,
    /// When its first check left.
    pub(super) first_checked: Option<Instant>,
    /// The counter that the peer's last nomination of this pair carried (draft-thatcher-ice-renomination).
    pub(super) nomination_count: Option<u32>,
    pub(super) round_trip: Option<Duration>,
    pub(super) total_round_trip: Duration,
    pub(super) round_trips: u64,
    pub(super) requests_sent: u64,
    pub(super) retransmissions_sent: u64,
    pub(super) consent_requests_sent: u64,
    pub(super) requests_received: u64,
    pub(super) responses_received: u64,
    pub(super) responses_sent: u64,
}

/// How far a pair is on its way to being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nomination {
    No,
    /// Controlling: the check with USE-CANDIDATE is on its way. Controlled: USE-CANDIDATE came before the pair
    /// was valid (RFC 8445 §7.3.1.5).
    Wanted,
    Done,
}

/// What has been noticed about missing answers, each step once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    None,
    /// An answer is overdue; checks with retransmissions are out.
    Suspected,
    /// Answers are missing for so long that the state says so.
    Disconnected,
}

impl Pair {
    pub(super) fn new(
        id: PairId,
        generation: u32,
        path: Path,
        ends: (End, End),
        role: Role,
    ) -> Self {
        let (local, remote) = ends;
        let priority = pair_priority(role, local.priority, remote.priority);
        Self {
            id,
            generation,
            path,
            local,
            remote,
            priority,
            valid_priority: priority,
            state: PairState::Waiting,
            mapped: None,
            mapped_priority: None,
            nomination: Nomination::No,
            nominated_at: None,
            proved: false,
            last_answer: None,
            unanswered_since: None,
            trouble: Trouble::None,
            next_consent: None,
            dial: match path.transport {
                Transport::Stream(UNOPENED) => Dial::Wanted,
                _ => Dial::Foreign,
            },
            first_checked: None,
            nomination_count: None,
            round_trip: None,
            total_round_trip: Duration::ZERO,
            round_trips: 0,
            requests_sent: 0,
            retransmissions_sent: 0,
            consent_requests_sent: 0,
            requests_received: 0,
            responses_received: 0,
            responses_sent: 0,
        }
    }

    pub(super) fn recompute_priority(&mut self, role: Role) {
        let remote = self.remote.priority;
        self.priority = pair_priority(role, self.local.priority, remote);
        let local = self.mapped_priority.unwrap_or(self.local.priority);
        self.valid_priority = pair_priority(role, local, remote);
    }

    /// The peer saw a check come from the candidate with this address and priority; `None` is the one that was paired.
    pub(super) fn see_as(&mut self, seen: Option<(SocketAddr, u32)>, role: Role) {
        self.mapped = seen.map(|(address, _)| address);
        self.mapped_priority = seen.map(|(_, priority)| priority);
        self.recompute_priority(role);
    }

    /// By what it is compared with pairs of its list: a valid pair has the priority that the other side knows too.
    pub(super) const fn rank(&self) -> u64 {
        match self.state {
            PairState::Succeeded => self.valid_priority,
            _ => self.priority,
        }
    }

    /// PRIORITY of our checks: what a candidate would have that the peer learns from them (RFC 8445 §7.1.1).
    pub(super) const fn reflexive_priority(&self) -> u32 {
        let kind = CandidateKind::PeerReflexive;
        let preference = match self.path.transport {
            Transport::Udp => kind.type_preference(),
            Transport::Stream(_) => tcp_type_preference(kind),
        };
        ((preference as u32) << 24) | (self.local.priority & 0x00ff_ffff)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.state == PairState::Succeeded
    }

    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, PairState::Waiting | PairState::InProgress)
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.is_valid() && self.trouble != Trouble::Disconnected
    }

    pub(super) fn is_direct(&self) -> bool {
        matches!(self.path.transport, Transport::Udp)
            && self.local.kind == CandidateKind::Host
            && self.remote.kind == CandidateKind::Host
    }

    pub(super) fn is_relayed(&self) -> bool {
        self.local.kind == CandidateKind::Relayed || self.remote.kind == CandidateKind::Relayed
    }

    pub(super) fn consent_expires(&self) -> Option<Instant> {
        self.last_answer.map(|at| at + CONSENT_EXPIRY)
    }

    /// A valid answer came.
    pub(super) fn on_answer(&mut self, now: Instant, round_trip: Option<Duration>) {
        self.state = PairState::Succeeded;
        self.last_answer = Some(self.last_answer.map_or(now, |last| last.max(now)));
        self.unanswered_since = None;
        self.trouble = Trouble::None;
        if let Some(sample) = round_trip {
            self.round_trip = Some(sample);
            self.total_round_trip = self.total_round_trip.saturating_add(sample);
            self.round_trips += 1;
        }
    }

    pub(super) const fn stats(&self, local: CandidateKind) -> PairStats {
        PairStats {
            path: self.path,
            state: self.state,
            priority: self.rank(),
            nominated: matches!(self.nomination, Nomination::Done),
            current_round_trip_time: self.round_trip,
            last_answer: self.last_answer,
            total_round_trip_time: self.total_round_trip,
            round_trip_time_measurements: self.round_trips,
            requests_sent: self.requests_sent,
            retransmissions_sent: self.retransmissions_sent,
            consent_requests_sent: self.consent_requests_sent,
            responses_sent: self.responses_sent,
            local_candidate_type: local,
            remote_candidate_type: self.remote.kind,
            requests_received: self.requests_received,
            responses_received: self.responses_received,
        }
    }
}

/// `2^32·min(G,D) + 2·max(G,D) + (G>D ? 1 : 0)`, where G is the controlling side's priority (RFC 8445 §6.1.2.3).
pub(super) fn pair_priority(role: Role, local: u32, remote: u32) -> u64 {
    let (g, d) = match role {
        Role::Controlling => (u64::from(local), u64::from(remote)),
        Role::Controlled => (u64::from(remote), u64::from(local)),
    };
    (g.min(d) << 32)
        .saturating_add(2 * g.max(d))
        .saturating_add(u64::from(g > d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_priorities_are_those_of_rfc_8445() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../testdata/ice/priorities.json")).unwrap();
        for case in vectors["pair"].as_array().unwrap() {
            let number = |name: &str| u32::try_from(case[name].as_u64().unwrap()).unwrap();
            let (g, d) = (number("controlling"), number("controlled"));
            let expected: u128 = case["pair_priority"].as_str().unwrap().parse().unwrap();
            // Priorities beyond 2^31, which are not allowed, reach beyond 64 bits.
            let expected = u64::try_from(expected).unwrap_or(u64::MAX);
            assert_eq!(pair_priority(Role::Controlling, g, d), expected);
            assert_eq!(pair_priority(Role::Controlled, d, g), expected);
        }
    }
}
