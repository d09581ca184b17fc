//! Relays: the clients of TURN servers, and what their addresses mean to ICE.
//!
//! A relay is one more base for ICE. What ICE, DTLS or the media send from it is put into the envelope of its client, and
//! what comes out of the client's envelopes is received as if it had come to that address.

mod race;
mod socket;

pub use socket::{RelayFact, RelayId, RelaySocket, RelayTransport};

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::config::Config;
use crate::data::Outlet;
use crate::event::Event;
use race::{Offer, Race, Way};

/// The most TURN servers, and the most clients at a time.
const MAX_SERVERS: usize = 4;
const MAX_CLIENTS: usize = 16;

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
    /// Another one takes its place.
    is_retired: bool,
    /// Its addresses on the server.
    bases: Vec<SocketAddr>,
    /// The peer that has a channel.
    channel: Option<SocketAddr>,
}

/// A datagram that was begun: on its way straight to the peer, or in a relay's envelope.
#[derive(Debug)]
pub(crate) enum Envelope {
    None(Path),
    Relayed(usize, turn::Mark),
}

/// A client that was taken out to read what came.
#[derive(Debug)]
pub(crate) struct Reader {
    at: usize,
    client: Box<turn::Client>,
    bases: Vec<SocketAddr>,
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

    pub(crate) fn on_resolved(&mut self, now: Instant, name: &str, addresses: &[IpAddr]) {
        let asked = |race: &&mut Race| race.is_unresolved() && race.host.eq_ignore_ascii_case(name);
        for race in self.races.iter_mut().filter(asked) {
            race.on_resolved(now, addresses);
        }
    }

    /// Whether no relay is expected to come soon.
    pub(crate) fn is_settled(&self) -> bool {
        self.patience_ends.is_none() || self.races.iter().all(Race::is_settled)
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
            (RelayFact::Closed(_), Some(client)) if client.is_mobile() => {
                relay.is_moving = true;
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

    /// Whether an address is one on a server.
    pub(crate) fn is_base(&self, local: SocketAddr) -> bool {
        self.of_base(local).is_some()
    }

    /// Begins a datagram: what is appended next is what the peer gets. `None` when nothing can be sent that way.
    pub(crate) fn open(&mut self, buf: &mut Vec<u8>, path: Path) -> Option<Envelope> {
        let Some(at) = self.of_base(path.local) else {
            return Some(Envelope::None(path));
        };
        let client = self.list.get_mut(at)?.client.as_mut()?;
        let mark = client.begin(buf, path.remote).ok()?;
        Some(Envelope::Relayed(at, mark))
    }

    /// Completes a datagram, and says where it goes.
    pub(crate) fn close_envelope(
        &mut self,
        buf: &mut Vec<u8>,
        envelope: Envelope,
    ) -> Option<Transmit> {
        match envelope {
            Envelope::None(path) => Some(Transmit::new(path)),
            Envelope::Relayed(at, mark) => {
                let client = self.list.get_mut(at)?.client.as_mut()?;
                client.seal(buf, mark).ok()
            }
        }
    }

    /// Takes a begun datagram back.
    pub(crate) fn abandon(&mut self, buf: &mut Vec<u8>, envelope: Envelope) {
        if let Envelope::Relayed(at, mark) = envelope
            && let Some(relay) = self.list.get_mut(at)
            && let Some(client) = &mut relay.client
        {
            client.abandon(buf, mark);
        }
    }

    /// Puts what stands behind `start` into an envelope, when its path is a relay's. `None` when it cannot be sent; the
    /// buffer is then cut back.
    pub(crate) fn wrap(
        &mut self,
        buf: &mut Vec<u8>,
        start: usize,
        transmit: Transmit,
    ) -> Option<Transmit> {
        let path = transmit.path;
        if !self.is_base(path.local) {
            return Some(transmit);
        }
        let mut scratch = match &mut self.setup {
            Some(setup) => std::mem::take(&mut setup.scratch),
            None => Vec::new(),
        };
        scratch.clear();
        scratch.extend_from_slice(buf.get(start..).unwrap_or_default());
        buf.truncate(start);
        let sealed = self.open(buf, path).and_then(|envelope| {
            buf.extend_from_slice(&scratch);
            self.close_envelope(buf, envelope)
        });
        if let Some(setup) = &mut self.setup {
            setup.scratch = scratch;
        }
        if sealed.is_none() {
            buf.truncate(start);
        }
        sealed.map(|mut sealed| {
            sealed.probe = transmit.probe;
            sealed
        })
    }

    /// The client whose server this came from, to read it.
    pub(crate) fn reader(&mut self, path: &Path) -> Option<Reader> {
        let at = self.list.iter().position(|relay| relay.is_at(path))?;
        let relay = self.list.get_mut(at)?;
        let client = relay.client.take()?;
        let bases = std::mem::take(&mut relay.bases);
        Some(Reader { at, client, bases })
    }

    /// Gives it back.
    pub(crate) fn restore(&mut self, reader: Reader) {
        if let Some(relay) = self.list.get_mut(reader.at) {
            relay.client = Some(reader.client);
            relay.bases = reader.bases;
        }
    }

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
                // Connections are for TCP allocations, which are none of ICE's.
                turn::Event::Migrated
                | turn::Event::ConnectionReady { .. }
                | turn::Event::ConnectRefused(..) => {}
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

    fn of_base(&self, local: SocketAddr) -> Option<usize> {
        self.list
            .iter()
            .position(|relay| relay.bases.contains(&local))
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

impl Reader {
    /// Reads a datagram, or a piece of a stream; what peers sent is handed on as it would have come to the relayed
    /// address itself.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
        mut receive: impl FnMut(Datagram<'_>),
    ) {
        let (ecn, bases) = (datagram.ecn, &self.bases);
        self.client
            .handle_datagram_with(now, datagram, |peer, bytes| {
                let of_family = |base: &&SocketAddr| base.is_ipv4() == peer.is_ipv4();
                if let Some(base) = bases.iter().find(of_family) {
                    let path = Path::udp(*base, peer);
                    receive(Datagram { path, ecn, bytes });
                }
            });
    }
}

/// What one client of a TURN server has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayStats {
    /// How the server is reached.
    pub transport: RelayTransport,
    /// Where it is.
    pub server: SocketAddr,
    /// The addresses on it, none before it has granted any.
    pub relayed: Vec<SocketAddr>,
    /// The round trip to the server.
    pub round_trip_time: Option<Duration>,
    /// What the client counted.
    pub client: turn::Stats,
}

fn unspecified(like: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match like {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, 0)
}
