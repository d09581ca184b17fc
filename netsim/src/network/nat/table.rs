use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Filtering, Mapping};

/// The destinations for which a mapping serves (RFC 4787 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Towards {
    Everybody,
    Address(IpAddr),
    Endpoint(SocketAddr),
}

impl Towards {
    pub(super) const fn new(mapping: Mapping, destination: SocketAddr) -> Self {
        match mapping {
            Mapping::EndpointIndependent => Self::Everybody,
            Mapping::AddressDependent => Self::Address(destination.ip()),
            Mapping::AddressAndPortDependent => Self::Endpoint(destination),
        }
    }
}

/// What a mapping is found by from inside.
pub(super) type Key = (SocketAddr, Towards);

/// An internal endpoint's external one, with those to whom it has sent.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) external: SocketAddr,
    refreshed: Instant,
    /// To whom it has sent, and when last.
    permitted: BTreeMap<SocketAddr, Instant>,
}

impl Entry {
    pub(super) const fn new(external: SocketAddr, now: Instant) -> Self {
        Self {
            external,
            refreshed: now,
            permitted: BTreeMap::new(),
        }
    }

    fn is_alive(&self, now: Instant, timeout: Duration) -> bool {
        now < self.refreshed + timeout
    }

    /// A packet left for `destination`.
    pub(super) fn on_outbound(&mut self, now: Instant, destination: SocketAddr) {
        self.refreshed = now;
        self.permitted.insert(destination, now);
    }

    /// A packet from `source` came in, and refreshes what let it in.
    pub(super) fn on_inbound(&mut self, now: Instant, source: SocketAddr) {
        self.refreshed = now;
        for (endpoint, since) in &mut self.permitted {
            if endpoint.ip() == source.ip() {
                *since = now;
            }
        }
    }

    /// Whether a packet from `source` may come in (RFC 4787 §5).
    pub(super) fn admits(
        &self,
        now: Instant,
        source: SocketAddr,
        filtering: Filtering,
        timeout: Duration,
    ) -> bool {
        let fresh = |since: &Instant| now < *since + timeout;
        match filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => self
                .permitted
                .iter()
                .any(|(endpoint, since)| endpoint.ip() == source.ip() && fresh(since)),
            Filtering::AddressAndPortDependent => self.permitted.get(&source).is_some_and(fresh),
        }
    }
}

/// The mappings, to be found from either side. What has expired is gone, even where it still takes room.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<Key, Entry>,
    by_external: BTreeMap<SocketAddr, Key>,
}

impl Table {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.by_external.clear();
    }

    /// Removes what has expired by `now`.
    pub(super) fn expire(&mut self, now: Instant, timeout: Duration) {
        self.entries.retain(|_, entry| entry.is_alive(now, timeout));
        let entries = &self.entries;
        self.by_external.retain(|_, key| entries.contains_key(key));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        self.by_external.insert(entry.external, key);
        self.entries.insert(key, entry);
    }

    pub(super) fn find(&mut self, key: &Key) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// The internal endpoint behind an external one, with its mapping.
    pub(super) fn find_external(
        &mut self,
        external: SocketAddr,
    ) -> Option<(SocketAddr, &mut Entry)> {
        let key = self.by_external.get(&external)?;
        let entry = self.entries.get_mut(key)?;
        Some((key.0, entry))
    }

    pub(super) fn is_taken(&self, external: SocketAddr) -> bool {
        self.by_external.contains_key(&external)
    }

    /// Internal and external endpoints.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
        self.entries
            .iter()
            .map(|(key, entry)| (key.0, entry.external))
    }
}
