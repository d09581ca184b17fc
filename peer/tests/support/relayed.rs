//! Two connections and a TURN server on an Internet with NATs.
#![allow(clippy::panic, reason = "a test may stop at the first surprise")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use avocet_peer as peer;
use net::{Datagram, Path, StreamId, Transport};
use netsim::{HostId, Internet, LinkConfig, Machine, NatConfig, Outgoing, World};
use peer::{
    Config, ConnectionState, DataChannelInit, Event, IceServer, RelayFact, RelayId, RelayTransport,
};

use super::turn_server::{PASSWORD, TurnServer, USER};
use super::{Peer, config_a, config_b};

/// From one connection to the other and back.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

pub(crate) const SERVER: [u8; 4] = [203, 0, 113, 1];

pub(crate) fn access() -> LinkConfig {
    LinkConfig::delayed(ROUND_TRIP / 4)
}

pub(crate) fn turn(uri: &str) -> IceServer {
    IceServer::with_credentials(uri.parse().unwrap(), USER, PASSWORD)
}

/// A connection with a driver that opens sockets to TURN servers.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) peer: Peer,
    ip: IpAddr,
    last: Instant,
    /// Sockets that are being opened.
    opening: Vec<(Instant, RelayFact)>,
    pub(crate) opened: Vec<(RelayId, RelayTransport, Path)>,
    pub(crate) closed: Vec<RelayId>,
    /// Names that nobody answers for.
    unresolved: Vec<String>,
    next_port: u16,
}

impl Host {
    pub(crate) fn new(config: Config, ip: IpAddr, name: Option<&str>) -> Self {
        let mut peer = Peer::new(config);
        let (now, address) = (netsim::epoch(), SocketAddr::new(ip, 5000));
        // Policies may forbid it.
        let _ = match name {
            Some(name) => peer.pc.add_local_address_as(now, address, name),
            None => peer.pc.add_local_address(now, address),
        };
        peer.pc.end_of_local_addresses(netsim::epoch());
        Self {
            peer,
            ip,
            last: netsim::epoch(),
            opening: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            unresolved: Vec::new(),
            next_port: 20_000,
        }
    }

    pub(crate) fn has_channel(&self) -> bool {
        let is_open = |event: &Event| matches!(event, Event::DataChannelOpened(_));
        self.peer.events.iter().any(is_open)
    }

    /// The server ends the stream, or the way to it is gone.
    pub(crate) fn break_relay(&mut self, now: Instant) {
        let (id, ..) = *self.opened.last().unwrap();
        self.peer.pc.on_relay_socket(now, RelayFact::Closed(id));
    }

    fn on_event(&mut self, event: &Event) {
        match event {
            Event::OpenRelaySocket(socket) => {
                let local = SocketAddr::new(self.ip, self.next_port);
                self.next_port += 1;
                let stream = Transport::Stream(StreamId::new(self.next_port.into()));
                let (transport, round_trips) = match socket.transport {
                    RelayTransport::Udp => (Transport::Udp, 0),
                    RelayTransport::Dtls => (Transport::Udp, 2),
                    RelayTransport::Tcp => (stream, 1),
                    RelayTransport::Tls => (stream, 2),
                };
                let path = Path {
                    local,
                    remote: socket.server,
                    transport,
                };
                // The server stands where the ways cross.
                let at = self.last + ROUND_TRIP * round_trips;
                self.opening.push((at, RelayFact::Opened(socket.id, path)));
                self.opened.push((socket.id, socket.transport, path));
            }
            Event::CloseRelaySocket(id) => self.closed.push(*id),
            Event::ResolveName(name) => self.unresolved.push(name.clone()),
            _ => {}
        }
    }
}

#[derive(Debug)]
pub(crate) enum Party {
    Host(Box<Host>),
    Server(Box<TurnServer>),
}

impl Party {
    pub(crate) fn host(&self) -> &Host {
        match self {
            Self::Host(host) => host,
            Self::Server(_) => panic!("a server is no host"),
        }
    }

    pub(crate) fn host_mut(&mut self) -> &mut Host {
        match self {
            Self::Host(host) => host,
            Self::Server(_) => panic!("a server is no host"),
        }
    }
}

impl Machine for Party {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self {
            Self::Host(host) => {
                host.last = now;
                host.peer.handle_datagram(now, datagram);
            }
            Self::Server(server) => server.handle_datagram(now, datagram),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Self::Host(host) = self else {
            return;
        };
        host.last = now;
        let (due, later) = std::mem::take(&mut host.opening)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        host.opening = later;
        for (_, fact) in Vec::into_iter(due) {
            host.peer.pc.on_relay_socket(now, fact);
        }
        host.peer.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let Self::Host(host) = self else {
            return None;
        };
        let opening = host.opening.iter().map(|(at, _)| *at);
        opening.chain(host.peer.poll_timeout()).min()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        match self {
            Self::Host(host) => host.peer.poll_transmit(now, buf),
            Self::Server(server) => server.poll_transmit(buf),
        }
    }

    fn poll_event(&mut self) -> Option<String> {
        let Self::Host(host) = self else {
            return None;
        };
        let said = host.peer.poll_event()?;
        if let Some(event) = host.peer.events.last().cloned() {
            host.on_event(&event);
        }
        Some(said)
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        match self {
            Self::Host(host) => host.peer.pull(now),
            Self::Server(_) => None,
        }
    }

    fn outcome(&self) -> String {
        match self {
            Self::Host(host) => host.peer.outcome(),
            Self::Server(_) => String::new(),
        }
    }
}

/// A and B, and the server.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) world: World<Party>,
    pub(crate) a: HostId,
    pub(crate) b: HostId,
    pub(crate) server: HostId,
}

impl Meeting {
    /// Two connections behind NATs of these kinds, or with public addresses; `change` is done to both configurations.
    pub(crate) fn new(
        seed: u8,
        access: LinkConfig,
        sites: [Option<NatConfig>; 2],
        change: impl Fn(&mut Config),
    ) -> Self {
        Self::under([None, None], seed, access, (sites, change))
    }

    /// The same, with addresses that are shown under names, which nobody resolves.
    pub(crate) fn under(
        names: [Option<&str>; 2],
        seed: u8,
        access: LinkConfig,
        (sites, change): ([Option<NatConfig>; 2], impl Fn(&mut Config)),
    ) -> Self {
        let mut internet = Internet::new(seed.into(), access);
        let server = internet.host(SERVER);
        let mut outer = 0;
        let places = sites.map(|site| {
            outer += 1;
            let public = [198, 51, 100, outer];
            match site {
                None => (internet.host(public), IpAddr::from(public)),
                Some(config) => {
                    let gateway = internet.nat(public, config);
                    let private = [192, 168, outer, 2];
                    (internet.host_behind(gateway, private), private.into())
                }
            }
        });
        let mut world = World::new(internet.into_network());
        let mut configs = [config_a(seed), config_b(seed)];
        configs.iter_mut().for_each(change);
        let [first, second] = configs;
        let setups = [(places[0], first, names[0]), (places[1], second, names[1])];
        let [a, b] = setups.map(|((node, ip), config, name)| {
            let host = Host::new(config, ip, name);
            world.add(node, None, Party::Host(Box::new(host)))
        });
        let turn = TurnServer::new(SERVER.into());
        let server = world.add(server, None, Party::Server(Box::new(turn)));
        Self {
            world,
            a,
            b,
            server,
        }
    }

    pub(crate) fn host(&self, id: HostId) -> &Host {
        self.world.machine(id).host()
    }

    pub(crate) fn host_mut(&mut self, id: HostId) -> &mut Host {
        self.world.machine_mut(id).host_mut()
    }

    pub(crate) fn turn(&mut self) -> &mut TurnServer {
        match self.world.machine_mut(self.server) {
            Party::Server(server) => server,
            Party::Host(_) => panic!("a host is no server"),
        }
    }

    /// A offers, and both know all their candidates; tells after which time.
    pub(crate) fn gather(&mut self, limit: Duration) -> Option<Duration> {
        let now = self.world.now();
        let a = self.a;
        let pc = &mut self.host_mut(a).peer.pc;
        pc.create_data_channel(now, "test", DataChannelInit::default())
            .unwrap();
        let offer = pc.create_offer(now).unwrap();
        pc.set_local_description(now, offer).unwrap();
        let is_done = |world: &World<Party>| {
            let offer = world.machine(a).host().peer.pc.local_description();
            offer.unwrap().sdp.contains("a=end-of-candidates")
        };
        let found = self.world.run_until(limit, is_done);
        let time = self.world.now() - now;
        // B asks the same servers at the same time, with luck of its own.
        let b = self.b;
        let is_done = |world: &World<Party>| !world.machine(b).host().peer.pc.is_gathering();
        let both = self.world.run_until(limit, is_done);
        (found && both).then_some(time)
    }

    /// Both learn at one instant what the other signals; A's offer stands.
    pub(crate) fn introduce(&mut self) {
        let now = self.world.now();
        let offer = self.host(self.a).peer.pc.local_description().unwrap();
        let b = self.b;
        let pc = &mut self.host_mut(b).peer.pc;
        pc.set_remote_description(now, offer).unwrap();
        let answer = pc.create_answer(now).unwrap();
        pc.set_local_description(now, answer).unwrap();
        let answer = pc.local_description().unwrap();
        let a = self.a;
        let pc = &mut self.host_mut(a).peer.pc;
        pc.set_remote_description(now, answer).unwrap();
    }

    pub(crate) fn run_until_both(
        &mut self,
        limit: Duration,
        holds: impl Fn(&Host) -> bool,
    ) -> Option<Duration> {
        let start = self.world.now();
        let (a, b) = (self.a, self.b);
        let both = |world: &World<Party>| [a, b].iter().all(|id| holds(world.machine(*id).host()));
        let done = self.world.run_until(limit, both);
        done.then(|| self.world.now() - start)
    }

    /// Gathers, introduces, and waits until data can go both ways.
    pub(crate) fn connect(&mut self) -> Option<Duration> {
        self.gather(Duration::from_secs(15))?;
        self.introduce();
        self.run_until_both(Duration::from_secs(60), |host| {
            host.peer.pc.connection_state() == ConnectionState::Connected && host.has_channel()
        })
    }

    /// How a side's path leaves, as a kind of candidate.
    pub(crate) fn kind_of(&self, id: HostId) -> &'static str {
        let pc = &self.host(id).peer.pc;
        let Some(path) = pc.selected_path() else {
            return "none";
        };
        match path.local.ip() == IpAddr::from(SERVER) {
            true => "relay",
            false => "direct",
        }
    }
}
