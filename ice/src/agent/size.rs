//! The size of the selected path's datagrams: padded checks are the probes (RFC 8899 §6.2, RFC 5780 §7.6).

use std::net::IpAddr;
use std::time::Instant;

use net::{Path, Transport};
use stun::MessageBuilder;

use super::Agent;
use super::pair::{Pair, PairId};
use super::transaction::Purpose;
use crate::path_mtu::{BASE_DATAGRAM, PathBudget};
use crate::{CandidateKind, Event};

/// What integrity and FINGERPRINT take, and the header of PADDING.
const AROUND_PADDING: usize = 24 + 8 + 4;

/// What a relay takes of a datagram before a channel is bound (RFC 8656 §11.4, IPv4).
const RELAY_BYTES: usize = 36;

/// The most that a relay takes on the way to it: an indication of an IPv6 peer, and DTLS around it.
const ENVELOPE_BYTES: usize = 48 + 48;

impl Agent {
    /// What the layers above may fill of one datagram on the path in use. [`Event::PathMtu`] tells of changes.
    pub fn path_budget(&self) -> PathBudget {
        let datagram_bytes = self
            .mtu
            .as_ref()
            .map_or(BASE_DATAGRAM, |mtu| mtu.datagram_bytes());
        let is_relayed = |pair: &Pair| pair.local.kind == CandidateKind::Relayed;
        let relay_bytes = match self.pair_in_use().is_some_and(is_relayed) {
            true => RELAY_BYTES,
            false => 0,
        };
        PathBudget {
            // The base stands for what is within the relay's envelope, too: every path carries that much.
            datagram_bytes: datagram_bytes + relay_bytes,
            relay_bytes,
        }
    }

    /// This host refused a datagram of this size on a path (EMSGSIZE), or a router did and its message was verified.
    pub fn on_too_large(&mut self, now: Instant, path: &Path, bytes: usize) {
        if self.best_path() == Some(*path)
            && let Some(mtu) = &mut self.mtu
        {
            mtu.on_too_large(now, bytes);
        }
        self.settle(now);
    }

    /// A layer above found that a datagram of this size was lost.
    pub fn on_datagram_lost(&mut self, now: Instant, bytes: usize) {
        if let Some(mtu) = &mut self.mtu {
            mtu.on_packet_lost(bytes);
        }
        self.settle(now);
    }

    /// A layer above found that a datagram of this size arrived.
    pub const fn on_datagram_acknowledged(&mut self, bytes: usize) {
        if let Some(mtu) = &mut self.mtu {
            mtu.on_packet_acknowledged(bytes);
        }
    }

    /// Data takes another path: the search begins anew.
    pub(super) fn measure(&mut self, id: PairId) {
        let measured = self
            .checklist
            .get(id)
            .and_then(|pair| match pair.path.transport {
                Transport::Udp => {
                    let is_ipv4 = matches!(pair.path.remote.ip(), IpAddr::V4(_));
                    let is_relayed = pair.local.kind == CandidateKind::Relayed;
                    Some((is_ipv4, if is_relayed { ENVELOPE_BYTES } else { 0 }))
                }
                Transport::Stream(_) => None,
            });
        if let Some(mtu) = &mut self.mtu {
            match measured {
                Some((is_ipv4, envelope)) => mtu.on_path(is_ipv4, envelope),
                None => mtu.on_no_path(),
            }
        }
    }

    /// Sends the probe that is due, and tells what is new.
    pub(super) fn settle_mtu(&mut self, now: Instant) {
        let is_usable = self.selected_pair().is_some_and(Pair::is_healthy);
        let is_full = self.transactions.is_full();
        let Some(mtu) = &mut self.mtu else {
            return;
        };
        mtu.handle_timeout(now);
        if self.selected.is_none() {
            mtu.on_no_path();
        }
        let due = match (is_usable && !is_full, self.selected) {
            (true, Some(id)) => mtu.poll_probe(now).map(|size| (id, size)),
            _ => None,
        };
        let bytes = mtu.datagram_bytes();
        if let Some((id, size)) = due {
            self.start_request(id, Purpose::Probe(size));
        }
        if bytes != self.told_mtu && self.tell(Event::PathMtu(bytes)) {
            self.told_mtu = bytes;
        }
    }
}

/// Makes a message as long as a probe has to be in the end.
pub(super) fn pad(message: &mut MessageBuilder<'_>, size: usize) {
    let padding = size.saturating_sub(message.length() + AROUND_PADDING);
    if let Ok(padding) = u16::try_from(padding) {
        message.padding(padding);
    }
}
