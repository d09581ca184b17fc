//! What the driver and the application report: names, sockets, addresses, credentials.

use std::net::IpAddr;
use std::time::Instant;

use super::race::Race;
use super::{MAX_MOVES, Relay, RelayFact, Relays};

impl Relays {
    pub(crate) fn on_resolved(&mut self, now: Instant, name: &str, addresses: &[IpAddr]) {
        let asked = |race: &&mut Race| race.is_unresolved() && race.host.eq_ignore_ascii_case(name);
        for race in self.races.iter_mut().filter(asked) {
            race.on_resolved(now, addresses);
        }
    }

    /// What became of a socket; `false` when nobody wants it any more.
    pub(crate) fn on_socket(&mut self, fact: RelayFact) -> bool {
        let (RelayFact::Opened(id, _) | RelayFact::Refused(id) | RelayFact::Closed(id)) = fact;
        let Some(relay) = self.list.iter_mut().find(|relay| relay.id == id) else {
            return false;
        };
        match (fact, &mut relay.client) {
            (RelayFact::Opened(_, path), Some(client)) if relay.is_moving => {
                relay.is_moving = false;
                client.migrate(path).is_ok()
            }
            (RelayFact::Opened(_, path), Some(client)) => client.allocate(path).is_ok(),
            (RelayFact::Closed(_), Some(client))
                if client.is_mobile() && relay.moves < MAX_MOVES =>
            {
                relay.is_moving = true;
                relay.moves += 1;
                relay.wants_socket = true;
                true
            }
            _ => {
                relay.client = None;
                true
            }
        }
    }

    /// Other credentials for a server: the same user's serve what stands, another user gets addresses of his own, which
    /// then replace the old ones (RFC 8656 §5: an allocation belongs to the user that made it).
    pub(crate) fn set_credentials(
        &mut self,
        now: Instant,
        host: &str,
        credentials: &stun::LongTermCredentials,
    ) -> bool {
        let found = self
            .races
            .iter()
            .position(|race| race.host.eq_ignore_ascii_case(host));
        let Some(at) = found else {
            return false;
        };
        let mut serves = false;
        for relay in self.list.iter_mut().filter(|relay| relay.race == at) {
            let client = relay.client.as_mut();
            let taken = client.is_some_and(|it| it.set_credentials(credentials.clone()).is_ok());
            serves |= taken && !relay.bases.is_empty();
        }
        if let Some(race) = self.races.get_mut(at) {
            race.set_credentials(credentials);
            if !serves {
                race.begin_anew(now);
            }
        }
        true
    }

    /// The addresses of this host changed: what led nowhere may lead there now.
    pub(crate) fn on_network_change(&mut self, now: Instant) {
        for race in &mut self.races {
            race.on_network_change(now);
        }
    }

    /// An address of this host is gone, with the sockets that had it.
    pub(crate) fn on_address_lost(&mut self, ip: IpAddr) {
        let is_on = |relay: &&Relay| {
            let path = relay.client.as_ref().and_then(|client| client.path());
            path.is_some_and(|path| path.local.ip() == ip)
        };
        let lost: Vec<_> = self.list.iter().filter(is_on).map(|it| it.id).collect();
        for id in lost {
            self.on_socket(RelayFact::Closed(id));
        }
    }
}
