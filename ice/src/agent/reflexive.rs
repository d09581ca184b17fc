//! Local candidates that the answers to our checks tell of (RFC 8445 §7.2.5.3.1).

use std::net::SocketAddr;

use super::Agent;
use super::pair::{Pair, PairId};
use crate::{Candidate, CandidateKind, CandidateStats};

impl Agent {
    /// The answer to a check says what address the peer saw it come from: the valid pair is that of the candidate with
    /// this address, and has its priority (RFC 8445 §7.2.5.3.2). Both sides come to the same pair and number.
    pub(super) fn note_mapped(&mut self, id: PairId, mapped: SocketAddr) {
        let Some(pair) = self.checklist.get(id) else {
            return;
        };
        let base = pair.path.local;
        let mapped = Some(mapped).filter(|mapped| *mapped != base);
        if pair.mapped == mapped {
            return;
        }
        let seen = mapped.map(|address| {
            let known = self.local_at(address, base).map(Candidate::priority);
            (address, known.unwrap_or_else(|| pair.reflexive_priority()))
        });
        let role = self.role;
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.see_as(seen, role);
        }
    }

    /// The kind of the local candidate of a pair: of the one with the address that the peer sees, which need not be
    /// the base that the check left from (RFC 8445 §7.2.5.3.2).
    pub(super) fn local_kind(&self, pair: &Pair) -> CandidateKind {
        let Some(mapped) = pair.mapped else {
            return pair.local.kind;
        };
        self.local_at(mapped, pair.path.local)
            .map_or(CandidateKind::PeerReflexive, Candidate::kind)
    }

    /// The peer-reflexive local candidates, each once. They are paired with nothing (RFC 8445 §7.2.5.3.1): packets of
    /// theirs leave from their bases, which are paired already.
    pub(super) fn reflexive_stats(&self) -> impl Iterator<Item = CandidateStats> {
        let same = |pair: &Pair, other: &Pair| {
            other.mapped == pair.mapped && other.path.local == pair.path.local
        };
        let learned = self.checklist.iter().enumerate().filter(move |(at, pair)| {
            pair.is_valid() && !self.checklist.iter().take(*at).any(|it| same(pair, it))
        });
        learned.filter_map(|(_, pair)| {
            let (mapped, base) = (pair.mapped?, pair.path.local);
            if self.local_at(mapped, base).is_some() {
                return None;
            }
            let local = self.locals.iter().find(|it| it.base() == Some(base))?;
            Some(CandidateStats {
                is_remote: false,
                address: Some(mapped),
                protocol: local.transport(),
                candidate_type: CandidateKind::PeerReflexive,
                priority: pair.reflexive_priority(),
                foundation: String::new(),
                related_address: Some(base).filter(|base| !self.hides_host(*base)),
                username_fragment: self.current.local.ufrag.clone(),
            })
        })
    }

    fn local_at(&self, address: SocketAddr, base: SocketAddr) -> Option<&Candidate> {
        let is_there = |it: &&Candidate| it.address() == Some(address) && it.base() == Some(base);
        self.locals.iter().find(is_there)
    }
}
