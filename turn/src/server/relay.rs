//! The sockets that an allocation relays through.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun::{AddressFamily, ErrorCode};

use super::allocation::{Allocation, later};
use super::ports::Want;
use super::slab::Key;
use super::timer::Timer;
use super::{Event, OpenError, RelayId, RelayTransport, Server};

/// A socket, or a port that is kept for somebody.
#[derive(Debug)]
pub(super) struct Relay {
    /// What the world sees.
    pub(super) public: SocketAddr,
    /// Which of the relay addresses it is on.
    address: usize,
    pub(super) family: AddressFamily,
    pub(super) transport: RelayTransport,
    pub(super) state: RelayState,
    is_open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelayState {
    /// It is an allocation's.
    Owned(Key),
    /// It is kept for whoever has the token; until then it belongs to an allocation that is being made.
    Reserved([u8; 8], Option<Key>),
}

/// How many ports are tried before giving up.
pub(super) const MAX_TRIES: u8 = 8;

/// How long a reserved port is kept (RFC 8656 §7.2).
const RESERVATION_LIFETIME: Duration = Duration::from_secs(30);

impl Server {
    /// A relay was opened, or could not be.
    pub fn on_relay_opened(
        &mut self,
        now: Instant,
        relay: RelayId,
        outcome: Result<(), OpenError>,
    ) {
        let Some(entry) = self.relays.get_mut(relay.0) else {
            self.stats.drops.stale += 1;
            return;
        };
        let owner = match entry.state {
            RelayState::Owned(owner) | RelayState::Reserved(_, Some(owner)) => owner,
            RelayState::Reserved(_, None) => return,
        };
        if entry.is_open {
            self.stats.drops.stale += 1;
            return;
        }
        entry.is_open = outcome.is_ok();
        match outcome {
            Ok(()) => self.on_opened(now, owner),
            Err(error) => self.on_not_opened(now, owner, relay.0, error),
        }
    }

    fn on_opened(&mut self, now: Instant, owner: Key) {
        let opening = self
            .allocations
            .get_mut(owner)
            .and_then(|it| it.rare.opening.as_mut());
        let Some(opening) = opening else { return };
        opening.waiting = opening.waiting.saturating_sub(1);
        if opening.waiting == 0 {
            self.complete(now, owner);
        }
    }

    /// Tries another port, unless that is hopeless; then the family is refused.
    fn on_not_opened(&mut self, now: Instant, owner: Key, relay: Key, error: OpenError) {
        let Some(failed) = self.relays.get(relay) else {
            return;
        };
        let (family, transport) = (failed.family, failed.transport);
        let Some(opening) = self
            .allocations
            .get_mut(owner)
            .and_then(|it| it.rare.opening.as_mut())
        else {
            return;
        };
        opening.tries += 1;
        let again = error == OpenError::InUse && opening.tries < MAX_TRIES;
        let want = opening.want;
        // Of a pair, both go: the neighbours of another port are others.
        let pair = self.relays_of(owner, family);
        if let Some(opening) = self
            .allocations
            .get_mut(owner)
            .and_then(|it| it.rare.opening.as_mut())
        {
            let open = pair
                .iter()
                .filter(|key| self.relays.get(**key).is_some_and(|it| it.is_open));
            let pending = pair.len() - open.count();
            opening.waiting = opening
                .waiting
                .saturating_sub(u8::try_from(pending).unwrap_or(u8::MAX));
        }
        for key in pair {
            self.close_relay(now, key);
        }
        if let Some(it) = self.allocations.get_mut(owner) {
            it.rare.reservation = None;
            if let Some(slot) = it.relays.get_mut(Allocation::slot(family)) {
                *slot = None;
            }
        }
        if again && self.open(now, owner, (family, transport), want) {
            return;
        }
        let Some(allocation) = self.allocations.get_mut(owner) else {
            return;
        };
        allocation.rare.refused = Some((family, ErrorCode::INSUFFICIENT_CAPACITY));
        if allocation
            .rare
            .opening
            .as_ref()
            .is_some_and(|it| it.waiting == 0)
        {
            self.complete(now, owner);
        }
    }

    /// The relay of a family and the port that is reserved with it.
    fn relays_of(&self, owner: Key, family: AddressFamily) -> Vec<Key> {
        let Some(allocation) = self.allocations.get(owner) else {
            return Vec::new();
        };
        let reserved = allocation
            .rare
            .reservation
            .and_then(|token| self.reservations.get(&token).copied());
        allocation
            .relay(family)
            .into_iter()
            .chain(reserved)
            .collect()
    }

    /// Picks a port for an allocation and has it opened; false when there is none.
    pub(super) fn open(
        &mut self,
        now: Instant,
        owner: Key,
        (family, transport): (AddressFamily, RelayTransport),
        want: Want,
    ) -> bool {
        let Some(address) = self.relay_address(family) else {
            return false;
        };
        let Some(port) = self
            .ports
            .get_mut(address)
            .and_then(|ports| ports.take(now, &mut self.rng, want))
        else {
            return false;
        };
        let state = RelayState::Owned(owner);
        let Some(key) = self.open_port((address, port), (family, transport), state) else {
            return false;
        };
        let reserved = (want == Want::Pair).then(|| self.reserve(owner, address, port, family));
        let Some(allocation) = self.allocations.get_mut(owner) else {
            return false;
        };
        if let Some(slot) = allocation.relays.get_mut(Allocation::slot(family)) {
            *slot = Some(key);
        }
        let count = 1 + u8::from(reserved.is_some());
        allocation.rare.reservation = reserved.flatten();
        if let Some(opening) = &mut allocation.rare.opening {
            opening.waiting += count;
        }
        true
    }

    /// Keeps the port above for whoever shows the token.
    fn reserve(
        &mut self,
        owner: Key,
        address: usize,
        port: u16,
        family: AddressFamily,
    ) -> Option<[u8; 8]> {
        let token = self.token();
        let state = RelayState::Reserved(token, Some(owner));
        let kind = (family, RelayTransport::Udp);
        let key = self.open_port((address, port | 1), kind, state)?;
        self.reservations.insert(token, key);
        Some(token)
    }

    fn open_port(
        &mut self,
        (address, port): (usize, u16),
        (family, transport): (AddressFamily, RelayTransport),
        state: RelayState,
    ) -> Option<Key> {
        let relay = self.config.relays.get(address)?;
        let public = SocketAddr::new(relay.public, port);
        let local = SocketAddr::new(relay.bind, port);
        let key = self.relays.insert(Relay {
            public,
            address,
            family,
            transport,
            state,
            is_open: false,
        });
        if transport == RelayTransport::Udp {
            self.by_relayed.insert(public, key);
        }
        self.events.push_back(Event::OpenRelay {
            relay: RelayId(key),
            transport,
            local,
        });
        Some(key)
    }

    pub(super) fn relay_address(&self, family: AddressFamily) -> Option<usize> {
        let mut relays = self.config.relays.iter();
        relays.position(|relay| relay.family() == family)
    }

    pub(super) fn close_relay(&mut self, now: Instant, key: Key) {
        let Some(relay) = self.relays.remove(key) else {
            return;
        };
        if let RelayState::Reserved(token, _) = relay.state {
            self.reservations.remove(&token);
        }
        if relay.transport == RelayTransport::Udp {
            self.by_relayed.remove(&relay.public);
        }
        if let Some(ports) = self.ports.get_mut(relay.address) {
            ports.release(now, relay.public.port());
        }
        self.events.push_back(Event::CloseRelay {
            relay: RelayId(key),
        });
    }

    /// The clock of a reservation begins with the answer that names it.
    pub(super) fn start_reservation(&mut self, now: Instant, token: [u8; 8]) {
        let key = self.reservations.get(&token).copied();
        let Some(relay) = key.and_then(|key| self.relays.get_mut(key)) else {
            return;
        };
        relay.state = RelayState::Reserved(token, None);
        let until = later(now, RESERVATION_LIFETIME);
        self.timers.insert((until, Timer::Reservation(token)));
    }

    pub(super) fn end_reservation(&mut self, now: Instant, token: [u8; 8]) {
        let key = self.reservations.remove(&token);
        let is_free = |key: &Key| {
            self.relays
                .get(*key)
                .is_some_and(|relay| relay.state == RelayState::Reserved(token, None))
        };
        if let Some(key) = key.filter(is_free) {
            self.close_relay(now, key);
        }
    }

    /// The relay behind a token, which is an allocation's from now on.
    pub(super) fn claim(&mut self, token: [u8; 8], owner: Key) -> Option<(AddressFamily, Key)> {
        let key = self.reservations.get(&token).copied()?;
        let relay = self.relays.get_mut(key)?;
        if relay.state != RelayState::Reserved(token, None) {
            return None;
        }
        relay.state = RelayState::Owned(owner);
        let family = relay.family;
        self.reservations.remove(&token);
        // Its deadline finds nothing.
        Some((family, key))
    }
}
