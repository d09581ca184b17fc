//! Remote candidates that have a name instead of an address (draft-ietf-mmusic-mdns-ice-candidates).

use std::net::IpAddr;
use std::time::Instant;

use super::Agent;
use crate::{AddCandidateError, Candidate, Event, mdns};

/// The most candidates that wait for their names to be resolved.
const MAX_UNRESOLVED: usize = 16;

impl Agent {
    /// Keeps a candidate until its name is resolved. Only names of multicast DNS are: those of the DNS would let a
    /// peer make this host ask for whatever it likes.
    pub(super) fn await_name(&mut self, candidate: Candidate) -> Result<(), AddCandidateError> {
        let name = candidate
            .host_name()
            .map(|(name, _)| name.to_ascii_lowercase())
            .filter(|name| mdns::is_resolvable(name))
            .ok_or(AddCandidateError::Name)?;
        if self.unresolved.iter().any(|(_, known)| *known == candidate) {
            return Ok(());
        }
        if self.unresolved.len() >= MAX_UNRESOLVED {
            self.stats.remote_candidates_refused += 1;
            return Err(AddCandidateError::TooMany);
        }
        let is_asked = self.unresolved.iter().any(|(asked, _)| *asked == name);
        if !is_asked && !self.tell(Event::ResolveName(name.clone())) {
            return Err(AddCandidateError::TooMany);
        }
        self.unresolved.push((name, candidate));
        Ok(())
    }

    /// What became of a name that [`Event::ResolveName`] asked about. Without an address its candidates are
    /// forgotten.
    pub fn on_resolved(&mut self, now: Instant, name: &str, address: Option<IpAddr>) {
        let (resolved, waiting) = std::mem::take(&mut self.unresolved)
            .into_iter()
            .partition(|(asked, _)| asked.eq_ignore_ascii_case(name));
        self.unresolved = waiting;
        for (_, candidate) in Vec::into_iter(resolved) {
            if let Some(ip) = address
                && let Err(reason) = self.add_remote_candidate(now, candidate.at(ip))
            {
                log::debug!("a resolved candidate is of no use: {reason}");
            }
        }
        self.settle(now);
    }
}
