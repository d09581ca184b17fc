//! Relays: the clients of TURN servers, and what their addresses mean to ICE.
//!
//! A relay is one more base for ICE. What ICE, DTLS or the media send from it is put into the envelope of its client, and
//! what comes out of the client's envelopes is received as if it had come to that address.

mod envelope;
mod facts;
mod race;
mod settle;
mod socket;
mod stats;

pub use socket::{RelayFact, RelayId, RelaySocket, RelayTransport};
pub use stats::RelayStats;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Path, Transmit};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::config::Config;
use crate::data::Outlet;
use crate::event::Event;
use race::{Offer, Race, Way};

/// The most TURN servers, and the most clients at a time.
const MAX_SERVERS: usize = 4;
const MAX_CLIENTS: usize = 16;

/// How often in a row the allocation of a lost socket is taken to another one: a server that takes connections and ends
/// them would else be asked for ever.
const MAX_MOVES: u8 = 3;

/// How long the end of candidates waits for relays.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection has of relays.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    races: Vec<Race>,
    list: Vec<Relay>,
    next_id: u64,
    setup: Option<Box<Setup>>,
    /// When candidates are taken to be complete without those that are still being asked for.
    patience_ends: Option<Instant>,
}

/// What clients are made from.
#[derive(Debug)]
struct Setup {
    random: StdRng,
    families: turn::Families,
    refresh: turn::Refresh,
    mobility: bool,
    /// Whether the peer is not shown what a server sees of this host.
    hides: bool,
    scratch: Vec<u8>,
}

/// One client.
#[derive(Debug)]
struct Relay {
    id: RelayId,
    race: usize,
    way: Way,
    domain: String,
    /// Taken out while what it receives is being handed on.
    client: Option<Box<turn::Client>>,
    /// Its socket is gone, and the server lets it move to another one (RFC 8016), which is to be asked for, or was.
    is_moving: bool,
    wants_socket: bool,
    /// How often it has been, without getting there.
    moves: u8,
    /// Another one takes its place.
    is_retired: bool,
    /// Its addresses on the server.
    bases: Vec<SocketAddr>,
    /// The peer that has a channel.
    channel: Option<SocketAddr>,
}

impl Relays {
    pub(crate) fn new(config: &Config, now: Instant, random: &mut StdRng) -> Self {
        let mut relays = Self::default();
        if config.ice_mode == ice::Mode::Lite {
            return relays;
        }
        for server in &config.ice_servers {
            let uri = server.uri();
            let Some((username, password)) = server.credentials() else {
                continue;
            };
            let Ok(credentials) = stun::LongTermCredentials::new(username, password) else {
                log::debug!("the credentials for a TURN server are of no use");
                continue;
            };
            if uri.scheme().is_turn() {
                let offer = Offer {
                    transport: RelayTransport::of(uri),
                    port: uri.port(),
                    credentials,
                    challenge: server.challenge().cloned(),
                };
                relays.add(uri.host(), offer);
            }
        }
        if !relays.races.is_empty() {
            relays.patience_ends = now.checked_add(PATIENCE);
            relays.setup = Some(Box::new(Setup {
                // Drawn only where it is used: other connections stay as they were.
                random: StdRng::from_seed(crate::connection::random_seed(random)),
                families: config.relay_families,
                refresh: config.relay_refresh,
                mobility: config.relay_mobility,
                hides: config.ice_policy != ice::Policy::All,
                scratch: Vec::new(),
            }));
        }
        relays
    }

    fn add(&mut self, host: &str, offer: Offer) {
        let host = host.to_ascii_lowercase();
        let known = self.races.iter().position(|race| race.host == host);
        let at = match known {
            Some(at) => at,
            None if self.races.len() >= MAX_SERVERS => return,
            None => {
                self.races.push(Race::new(host));
                self.races.len() - 1
            }
        };
        if let Some(race) = self.races.get_mut(at) {
            race.add(offer);
        }
    }

    /// Names that are to be resolved, once each; addresses need no resolving.
    pub(crate) fn begin(&mut self, now: Instant) -> Vec<String> {
        let mut names = Vec::new();
        for race in &mut self.races {
            let literal = race.host.trim_start_matches('[').trim_end_matches(']');
            match literal.parse::<IpAddr>() {
                Ok(ip) => race.on_resolved(now, &[ip]),
                Err(_) => names.push(race.host.clone()),
            }
        }
        names
    }

    /// Whether no relay is expected to come soon.
    pub(crate) fn is_settled(&self) -> bool {
        self.patience_ends.is_none() || self.races.iter().all(Race::is_settled)
    }

    /// Permissions for every address of the peer, early: they go out together, before a check needs them.
    pub(crate) fn permit(&mut self, ice: &ice::Agent) {
        for client in self.clients_mut() {
            for address in ice.remote_addresses() {
                // What the relay cannot reach, or has no room for, is not reached through it.
                let _ = client.create_permission(address.ip());
            }
        }
    }

    /// Data takes this path from now on: with a channel, if it is one of a relay.
    pub(crate) fn on_selected(&mut self, now: Instant, path: &Path) {
        for relay in &mut self.list {
            let Some(client) = &mut relay.client else {
                continue;
            };
            let wanted = relay.bases.contains(&path.local).then_some(path.remote);
            if relay.channel == wanted {
                continue;
            }
            if let Some(former) = relay.channel.take() {
                client.release_channel(now, former);
            }
            relay.channel = wanted.filter(|peer| client.bind_channel(*peer).is_ok());
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for client in self.clients_mut() {
            if client.poll_timeout().is_some_and(|at| at <= now) {
                client.handle_timeout(now);
            }
        }
        if self.patience_ends.is_some_and(|at| at <= now) {
            self.patience_ends = None;
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let clients = self.list.iter().filter_map(|relay| relay.client.as_ref());
        let waiting = self.patience_ends.filter(|_| !self.is_settled());
        clients
            .filter_map(|client| client.poll_timeout())
            .chain(self.races.iter().filter_map(Race::poll_timeout))
            .chain(waiting)
            .min()
    }

    /// Appends the next request to a server.
    pub(crate) fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        self.clients_mut()
            .find_map(|client| client.poll_transmit(now, buf))
    }

    /// Deletes what stands on the servers; the requests are what [`poll_transmit`](Self::poll_transmit) has to say last.
    pub(crate) fn close(&mut self, now: Instant) {
        for race in &mut self.races {
            race.end();
        }
        for client in self.clients_mut() {
            client.close(now);
        }
    }

    /// What each client counted.
    pub(crate) fn stats(&self) -> Vec<RelayStats> {
        self.list
            .iter()
            .filter_map(|relay| {
                Some(RelayStats {
                    transport: relay.way.offer.transport,
                    server: relay.way.server,
                    relayed: relay.bases.clone(),
                    round_trip_time: relay.client.as_ref()?.round_trip_time(),
                    client: relay.client.as_ref()?.stats(),
                })
            })
            .collect()
    }

    fn clients_mut(&mut self) -> impl Iterator<Item = &mut turn::Client> {
        self.list
            .iter_mut()
            .filter_map(|relay| relay.client.as_deref_mut())
    }
}

impl Relay {
    /// Its old socket is of no use any more.
    fn ask_for_socket(&mut self, next: &mut u64, server: SocketAddr, events: &mut impl Outlet) {
        events.push(Event::CloseRelaySocket(self.id));
        self.id = RelayId(*next);
        *next += 1;
        events.push(Event::OpenRelaySocket(RelaySocket {
            id: self.id,
            transport: self.way.offer.transport,
            server,
            domain: self.domain.clone(),
        }));
    }

    fn is_at(&self, path: &Path) -> bool {
        let client = self.client.as_ref();
        client.is_some_and(|client| client.path() == Some(*path))
    }

    fn bases_of(&self, ip: IpAddr) -> Vec<SocketAddr> {
        let same = |base: &&SocketAddr| base.is_ipv4() == ip.is_ipv4();
        self.bases.iter().filter(same).copied().collect()
    }
}
