use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::later;
use crate::PermissionError;

/// The most permissions of a client.
pub(super) const MAX_PERMISSIONS: usize = 128;

/// How many peers one CreatePermission names: with IPv6, 400 bytes.
const MAX_BATCH: usize = 16;

/// How long a permission stands (RFC 8656 §9).
const LIFETIME: Duration = Duration::from_secs(300);

/// The peers that may reach the client, and be reached (RFC 8656 §9).
#[derive(Debug)]
pub(super) struct Permissions {
    refresh_after: Duration,
    table: BTreeMap<IpAddr, Permission>,
}

#[derive(Debug)]
struct Permission {
    step: Step,
    /// Until when it stands on the server, as far as is known; counted from when the request was sent.
    expires_at: Option<Instant>,
    /// It was refused in a batch, which says nothing about which peer was meant.
    alone: bool,
    /// Data of the peer came before the server's answer, so the answer can only be yes.
    heard: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// To be asked for at the next opportunity.
    Wanted,
    /// Asked for.
    Asked,
    /// Stands until then without another request.
    Rests(Instant),
}

impl Permissions {
    pub(super) const fn new(refresh_after: Duration) -> Self {
        Self {
            refresh_after,
            table: BTreeMap::new(),
        }
    }

    pub(super) fn want(&mut self, peer: IpAddr) -> Result<(), PermissionError> {
        if self.table.len() >= MAX_PERMISSIONS && !self.table.contains_key(&peer) {
            return Err(PermissionError::Full);
        }
        self.table.entry(peer).or_insert(Permission {
            step: Step::Wanted,
            expires_at: None,
            alone: false,
            heard: false,
        });
        Ok(())
    }

    pub(super) fn remove(&mut self, peer: IpAddr) {
        self.table.remove(&peer);
    }

    /// Whether the server has said that it stands, or shown it.
    pub(super) fn is_installed(&self, peer: IpAddr) -> bool {
        self.table
            .get(&peer)
            .is_some_and(|permission| permission.expires_at.is_some() || permission.heard)
    }

    /// Data of the peer came.
    pub(super) fn on_heard(&mut self, peer: IpAddr) {
        if let Some(permission) = self.table.get_mut(&peer) {
            permission.heard = true;
        }
    }

    /// Whether data of the peer is welcome: it stands, or was asked for, and the answer may be lost or overtaken.
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        self.table
            .get(&peer)
            .is_some_and(|it| it.expires_at.is_some() || it.step == Step::Asked)
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = IpAddr> {
        self.table.keys().copied()
    }

    /// The peers of the next CreatePermission.
    pub(super) fn next_batch(&mut self) -> Option<Vec<IpAddr>> {
        let mut batch = Vec::new();
        for (&peer, permission) in &mut self.table {
            if permission.step != Step::Wanted || (permission.alone && !batch.is_empty()) {
                continue;
            }
            permission.step = Step::Asked;
            batch.push(peer);
            if permission.alone || batch.len() == MAX_BATCH {
                break;
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// The server has installed it; tells whether that is news.
    pub(super) fn on_installed(&mut self, peer: IpAddr, sent: Instant) -> bool {
        let Some(permission) = self.table.get_mut(&peer) else {
            return false;
        };
        permission.step = Step::Rests(later(sent, self.refresh_after));
        permission.alone = false;
        permission
            .expires_at
            .replace(later(sent, LIFETIME))
            .is_none()
    }

    /// What was asked for will not be answered.
    pub(super) fn ask_again(&mut self) {
        for permission in self.table.values_mut() {
            if permission.step == Step::Asked {
                permission.step = Step::Wanted;
            }
        }
    }

    /// A batch was refused: each peer is asked for alone.
    pub(super) fn split(&mut self, peers: &[IpAddr]) {
        for peer in peers {
            if let Some(permission) = self.table.get_mut(peer) {
                permission.step = Step::Wanted;
                permission.alone = true;
                permission.heard = false;
            }
        }
    }

    /// Nobody answered: what stands is asked for again, what never stood is given up and returned.
    pub(super) fn on_timed_out(&mut self, peers: &[IpAddr]) -> Vec<IpAddr> {
        let mut lost = Vec::new();
        for peer in peers {
            match self.table.get_mut(peer) {
                Some(permission) if permission.expires_at.is_some() => {
                    permission.step = Step::Wanted;
                }
                Some(_) => {
                    self.table.remove(peer);
                    lost.push(*peer);
                }
                None => {}
            }
        }
        lost
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.table
            .values()
            .flat_map(|permission| {
                let refresh = match permission.step {
                    Step::Rests(at) => Some(at),
                    Step::Wanted | Step::Asked => None,
                };
                refresh.into_iter().chain(permission.expires_at)
            })
            .min()
    }

    /// Refreshes what is due, and forgets and returns what has expired.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<IpAddr> {
        let is_due = |at: Instant| at <= now;
        let any = self
            .table
            .values()
            .any(|it| matches!(it.step, Step::Rests(at) if is_due(at)));
        for permission in self.table.values_mut() {
            // A refresh takes along those that would be due soon.
            let together = later(now, self.refresh_after / 4);
            if any && matches!(permission.step, Step::Rests(at) if at <= together) {
                permission.step = Step::Wanted;
            }
        }
        let expired = |permission: &Permission| permission.expires_at.is_some_and(is_due);
        let lost = self
            .table
            .iter()
            .filter(|(_, it)| expired(it))
            .map(|(peer, _)| *peer);
        let lost: Vec<IpAddr> = lost.collect();
        for peer in &lost {
            self.table.remove(peer);
        }
        lost
    }
}
