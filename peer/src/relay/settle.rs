//! What follows from what the clients say: sockets to be opened, candidates of ICE, permissions, the end.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::race::Way;
use super::{MAX_CLIENTS, Relay, RelayId, RelaySocket, Relays};
use crate::data::Outlet;
use crate::event::Event;

impl Relays {
    /// Starts what is due, and takes over what the clients have to tell.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        ice: &mut ice::Agent,
        events: &mut impl Outlet,
    ) -> bool {
        let mut moved = self.start_ways(now, events);
        let mut at = 0;
        while at < self.list.len() {
            match self.settle_client(now, at, ice, events) {
                Some(changed) => {
                    moved |= changed;
                    at += 1;
                }
                None => {
                    moved = true;
                    self.drop_relay(now, at, ice, events);
                }
            }
        }
        moved
    }

    fn start_ways(&mut self, now: Instant, events: &mut impl Outlet) -> bool {
        let mut moved = false;
        for at in 0..self.races.len() {
            while let Some(way) = self.races.get_mut(at).and_then(|race| race.poll_way(now)) {
                moved = true;
                self.start(at, way, events);
            }
        }
        moved
    }

    fn start(&mut self, race: usize, way: Way, events: &mut impl Outlet) {
        let (Some(setup), Some(runs)) = (&mut self.setup, self.races.get(race)) else {
            return;
        };
        if self.list.len() >= MAX_CLIENTS {
            return;
        }
        let seed = crate::connection::random_seed(&mut setup.random);
        let mut config = turn::Config::new(seed, way.offer.credentials.clone());
        config.families = setup.families;
        config.refresh = setup.refresh;
        config.mobility = setup.mobility;
        config.challenge.clone_from(&way.offer.challenge);
        let Ok(client) = turn::Client::new(config) else {
            return;
        };
        let socket = RelaySocket {
            id: RelayId(self.next_id),
            transport: way.offer.transport,
            server: way.server,
            domain: runs.host.clone(),
        };
        self.next_id += 1;
        self.list.push(Relay {
            id: socket.id,
            race,
            way,
            domain: socket.domain.clone(),
            client: Some(Box::new(client)),
            is_moving: false,
            wants_socket: false,
            moves: 0,
            is_retired: false,
            bases: Vec::new(),
            channel: None,
        });
        events.push(Event::OpenRelaySocket(socket));
    }

    /// Whether there was something; `None` when the client is at its end.
    fn settle_client(
        &mut self,
        now: Instant,
        at: usize,
        ice: &mut ice::Agent,
        events: &mut impl Outlet,
    ) -> Option<bool> {
        let mut moved = false;
        loop {
            let relay = self.list.get_mut(at)?;
            if std::mem::take(&mut relay.wants_socket) {
                let server = relay.client.as_ref()?.path()?.remote;
                relay.ask_for_socket(&mut self.next_id, server, events);
            }
            let Some(event) = relay.client.as_mut()?.poll_event() else {
                return Some(moved);
            };
            moved = true;
            match event {
                turn::Event::SocketNeeded { server, domain, .. } => {
                    relay.domain = domain.unwrap_or_else(|| std::mem::take(&mut relay.domain));
                    relay.ask_for_socket(&mut self.next_id, server, events);
                }
                turn::Event::Migrated => relay.moves = 0,
                // Connections are for TCP allocations, which are none of ICE's.
                turn::Event::ConnectionReady { .. } | turn::Event::ConnectRefused(..) => {}
                turn::Event::Allocated {
                    relayed, mapped, ..
                } => self.on_allocated(now, at, (relayed, mapped), (ice, events)),
                turn::Event::PermissionInstalled(ip) => {
                    for base in relay.bases_of(ip) {
                        ice.admit(now, base, ip);
                    }
                }
                turn::Event::PermissionRefused(ip, _) => {
                    for base in relay.bases_of(ip) {
                        ice.deny(now, base, ip);
                    }
                }
                turn::Event::ChannelRefused(peer, _) => {
                    relay.channel = relay.channel.filter(|bound| *bound != peer);
                }
                turn::Event::ChannelBound(..) => {}
                turn::Event::Closed(reason) => {
                    log::debug!("a relay ended: {:?}", reason.cause);
                    return None;
                }
            }
        }
    }

    fn on_allocated(
        &mut self,
        now: Instant,
        at: usize,
        (relayed, mapped): (Vec<SocketAddr>, Option<SocketAddr>),
        (ice, events): (&mut ice::Agent, &mut impl Outlet),
    ) {
        let hides = |candidate: &ice::Candidate| candidate.host_name().is_some();
        let is_hidden = self.setup.as_ref().is_some_and(|setup| setup.hides)
            || ice.local_candidates().any(hides);
        let Some(relay) = self.list.get_mut(at) else {
            return;
        };
        if let Some(challenge) = relay.client.as_ref().and_then(|client| client.challenge()) {
            events.push(Event::RelayChallenge {
                host: relay.domain.clone(),
                username: relay.way.offer.credentials.username().to_owned(),
                challenge: Box::new(challenge.clone()),
            });
        }
        for base in relayed {
            relay.bases.push(base);
            ice.gate(base);
            let related = mapped.unwrap_or_else(|| unspecified(base));
            let mut candidate = ice::Candidate::relayed(base, related)
                .with_local_preference(relay.way.offer.transport.local_preference())
                .from_server(relay.way.server.ip());
            if is_hidden {
                candidate = candidate.without_related();
            }
            if let Err(refused) = ice.add_local_candidate(now, candidate) {
                log::debug!("a relayed address is not used: {refused}");
            }
        }
        if let Some(client) = &mut relay.client {
            for address in ice.remote_addresses() {
                let _ = client.create_permission(address.ip());
            }
        }
        let race = relay.race;
        let user = relay.way.offer.credentials.username().to_owned();
        if let Some(race) = self.races.get_mut(race) {
            race.on_won();
        }
        // The others are too late.
        for other in &mut self.list {
            let is_old = other.way.offer.credentials.username() != user;
            if other.race == race && (other.bases.is_empty() || is_old) {
                other.is_retired = true;
                if let Some(client) = &mut other.client {
                    client.close(now);
                }
            }
        }
    }

    fn drop_relay(
        &mut self,
        now: Instant,
        at: usize,
        ice: &mut ice::Agent,
        events: &mut impl Outlet,
    ) {
        let relay = self.list.remove(at);
        for base in &relay.bases {
            ice.remove_base(now, *base);
        }
        events.push(Event::CloseRelaySocket(relay.id));
        let others = self.list.iter().filter(|it| it.race == relay.race).count();
        if let Some(race) = self.races.get_mut(relay.race)
            && !relay.is_retired
        {
            race.on_lost(now, others);
        }
    }
}

fn unspecified(like: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match like {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, 0)
}
