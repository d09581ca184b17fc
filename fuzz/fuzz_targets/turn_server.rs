//! A server gets requests that are signed well and ask for anything, noise, peers, streams, sockets that fail, and time in any
//! order; it keeps its quotas, closes what it opens, and ends with nothing.
#![no_main]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Datagram, Path, StreamId, Transport};
use stun::{
    AttributeType, Challenge, Class, LongTermAuth, LongTermCredentials, Message, MessageBuilder,
    Method, TransactionId,
};
use turn::server::{
    Clock, Config, ConnectionId, Destination, Event, Limits, OpenError, RelayAddress, RelayId,
    Server,
};

struct World {
    server: Server,
    now: Instant,
    relays: BTreeSet<RelayId>,
    connections: BTreeSet<ConnectionId>,
    challenge: Option<Challenge>,
    /// The last values that the server gave out: a token, a ticket, a connection.
    given: (Vec<u8>, Vec<u8>, Vec<u8>),
    fails: u8,
    serial: u32,
}

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let mut world = World::new();
    let mut rest = script;
    while let Some((&[verb, who, argument], tail)) = rest.split_first_chunk::<3>() {
        let length = usize::from(argument) % 64;
        let (data, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        world.step(verb, who, argument, data);
        world.settle();
    }
    // Whoever does not come back is forgotten.
    // (Twice: a stream has some time after its allocation.)
    for _ in 0..2 {
        world.now += Duration::from_secs(8_000);
        world.server.handle_timeout(world.now);
        world.settle();
    }
    let stats = world.server.stats();
    assert_eq!(stats.allocations, 0);
    assert!(world.relays.is_empty(), "a socket was left open");
    assert_eq!(world.server.poll_timeout(), None);
});

impl World {
    fn new() -> Self {
        let clock = Clock {
            at: netsim::epoch(),
            unix: Duration::from_secs(1_800_000_000),
        };
        let mut config = Config::new([3; 32], clock, "r");
        config.credentials.users = ["a", "b"]
            .map(|name| LongTermCredentials::new(name, "p").expect("a credential"))
            .into();
        config.relays = ["203.0.113.1", "2606:4700::1"]
            .map(|ip| RelayAddress::new(ip.parse().expect("an address")))
            .into();
        config.tcp_relays = true;
        config.dont_fragment = true;
        config.limits = Limits {
            allocations: 8,
            streams: 4,
            reservations: 2,
            ..Limits::default()
        };
        Self {
            server: Server::new(config).expect("a good configuration"),
            now: netsim::epoch(),
            relays: BTreeSet::new(),
            connections: BTreeSet::new(),
            challenge: None,
            given: (Vec::new(), Vec::new(), Vec::new()),
            fails: 0,
            serial: 0,
        }
    }

    fn path(who: u8) -> Path {
        let remote = SocketAddr::from(([198, 51, 100, who % 12], 1_000));
        let path = Path::udp(([203, 0, 113, 1], 3_478).into(), remote);
        let transport = if who & 0x80 == 0 {
            Transport::Udp
        } else {
            Transport::Stream(StreamId::new(u64::from(who % 6)))
        };
        Path { transport, ..path }
    }

    fn step(&mut self, verb: u8, who: u8, argument: u8, data: &[u8]) {
        let path = Self::path(who);
        let peer = SocketAddr::from(([192, 0, 2, argument % 60], 9));
        let (now, relay) = (
            self.now,
            self.relays.iter().nth(usize::from(who) % 9).copied(),
        );
        let connection = self.connections.iter().nth(usize::from(who) % 5).copied();
        match verb % 16 {
            0 => self
                .server
                .handle_datagram(now, Datagram::new(path, &mut data.to_vec())),
            1..=5 => self.request(path, argument, data),
            6 => {
                if let Some(relay) = relay {
                    self.server.handle_relayed(now, relay, peer, data);
                }
            }
            7 => {
                let seconds = u64::from(argument) * u64::from(who % 8);
                self.now += Duration::from_secs(seconds);
            }
            8 => {
                self.server.handle_timeout(now);
                let next = self.server.poll_timeout();
                assert!(
                    next.is_none_or(|next| next > now),
                    "a deadline stands still"
                );
            }
            9 => self.server.on_stream_opened(now, path),
            10 => self.server.on_stream_closed(now, path),
            11 => self.fails = argument % 4,
            12 => {
                if let Some(relay) = relay {
                    let accepted = self.server.on_peer_accepted(now, relay, peer);
                    self.connections.extend(accepted);
                }
            }
            13 => {
                if let Some(connection) = connection {
                    self.server
                        .on_peer_connected(now, connection, argument & 1 == 0);
                }
            }
            14 => {
                if let Some(connection) = connection {
                    let to_peer = argument & 1 == 0;
                    let bytes = usize::from(argument) * 100;
                    self.server.on_joined_data(now, connection, to_peer, bytes);
                    if argument & 2 == 0 {
                        self.connections.remove(&connection);
                        self.server.on_connection_closed(now, connection);
                    }
                }
            }
            _ => {
                let mut frame = vec![0x40, argument % 8, 0, data.len() as u8];
                frame.extend_from_slice(data);
                self.server
                    .handle_datagram(now, Datagram::new(path, &mut frame));
            }
        }
    }

    /// A request of alice's or bob's, with whatever attributes the data names.
    fn request(&mut self, path: Path, argument: u8, data: &[u8]) {
        let methods = [
            0x003, 0x003, 0x004, 0x008, 0x009, 0x00a, 0x00b, 0x001, 0x006,
        ];
        let method = Method::new(methods[usize::from(argument) % methods.len()]);
        self.serial += u32::from(argument & 0x40 == 0);
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.serial.to_be_bytes());
        let class = if method == Method::SEND {
            Class::Indication
        } else {
            Class::Request
        };
        let mut bytes = Vec::new();
        let mut builder = MessageBuilder::new(&mut bytes, class, method, TransactionId::new(id));
        for step in data.chunks(2) {
            self.attribute(&mut builder, step[0], step.get(1).copied().unwrap_or(0));
        }
        let finished = match &self.challenge {
            Some(challenge) if class == Class::Request => {
                let name = if argument & 0x80 == 0 { "a" } else { "b" };
                let credentials = LongTermCredentials::new(name, "p").expect("a credential");
                let auth = LongTermAuth::new(&credentials, challenge.clone());
                auth.seal(builder).finish()
            }
            _ => builder.finish(),
        };
        if finished.is_ok() {
            self.server
                .handle_datagram(self.now, Datagram::new(path, &mut bytes));
        }
    }

    fn attribute(&self, builder: &mut MessageBuilder<'_>, kind: u8, value: u8) {
        let peer = match value % 4 {
            0 => ([127, 0, 0, 1], 9).into(),
            1 => SocketAddr::from(([0x2606, 0x4700, 0, 0, 0, 0, 0, 9], 9)),
            _ => ([192, 0, 2, value % 60], 9).into(),
        };
        let family = AttributeType(if kind & 0x10 == 0 { 0x17 } else { 0x8000 });
        match kind % 14 {
            0 | 1 => builder.requested_transport(if value % 5 == 0 { 6 } else { 17 }),
            2 => builder.lifetime(Duration::from_secs(u64::from(value) * 20)),
            3 | 4 => builder.xor_peer_address(peer),
            5 => builder.channel_number(0x4000 + u16::from(value % 8)),
            6 => builder.attribute(family, &[value % 3, 0, 0, 0]),
            7 => builder.even_port(value & 1 == 0),
            8 => builder.attribute(AttributeType::RESERVATION_TOKEN, &self.given.0),
            9 if value & 1 == 0 => builder.mobility_ticket(&[]),
            9 => builder.mobility_ticket(&self.given.1),
            10 => builder.attribute(AttributeType::CONNECTION_ID, &self.given.2),
            11 => builder.dont_fragment(),
            12 => builder.data(&[value; 20]),
            _ => builder.attribute(AttributeType(u16::from(value)), &[kind; 3]),
        };
    }

    fn settle(&mut self) {
        loop {
            let mut bytes = Vec::new();
            while let Some(transmit) = self.server.poll_transmit(self.now, &mut bytes) {
                if let Destination::Client(_) = transmit.destination {
                    self.read(&bytes);
                }
                bytes.clear();
            }
            let Some(event) = self.server.poll_event() else {
                break;
            };
            match event {
                Event::OpenRelay { relay, .. } => {
                    let outcome = match self.fails {
                        0 => Ok(()),
                        1 => Err(OpenError::Failed),
                        _ => Err(OpenError::InUse),
                    };
                    self.fails = self.fails.saturating_sub(1);
                    if outcome.is_ok() {
                        assert!(self.relays.insert(relay), "opened twice");
                    }
                    self.server.on_relay_opened(self.now, relay, outcome);
                }
                Event::CloseRelay { relay } => {
                    self.relays.remove(&relay);
                }
                Event::ConnectPeer { connection, .. } => {
                    self.connections.insert(connection);
                }
                Event::CloseConnection { connection } => {
                    self.connections.remove(&connection);
                }
                Event::CloseStream { path } => self.server.on_stream_closed(self.now, path),
                Event::Join { .. } => {}
            }
        }
        let stats = self.server.stats();
        assert!(stats.allocations <= 8 && stats.streams <= 4);
        assert!(self.relays.len() <= 18, "{} sockets", self.relays.len());
    }

    fn read(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::decode(bytes) else {
            return;
        };
        if let Ok(challenge) = Challenge::from_response(&message, None) {
            self.challenge = Some(challenge);
        }
        let keep = |to: &mut Vec<u8>, kind| {
            if let Some(value) = message.attribute(kind) {
                *to = value.to_vec();
            }
        };
        keep(&mut self.given.0, AttributeType::RESERVATION_TOKEN);
        keep(&mut self.given.1, AttributeType::MOBILITY_TICKET);
        keep(&mut self.given.2, AttributeType::CONNECTION_ID);
    }
}
