//! A client on a simulated network, and a small TURN server to test it against.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "test vocabulary; each test file uses a part"
)]

mod server;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_turn::{Client, Config, Event, State};
use net::{Datagram, Path};
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Outgoing, Pair, Profile, Side};
pub(crate) use server::{Habits, Server};
use stun::{
    Class, IntegrityKey, LongTermCredentials, MessageBuilder, Method, PasswordAlgorithm,
    TransactionId,
};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const REALM: &str = "example.org";

pub(crate) fn peer(number: u8) -> SocketAddr {
    ([192, 0, 2, number], 4000 + u16::from(number)).into()
}

pub(crate) fn peer_v6(number: u16) -> SocketAddr {
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, number], 5000).into()
}

pub(crate) fn credentials() -> LongTermCredentials {
    LongTermCredentials::new(USER, PASSWORD).unwrap()
}

pub(crate) fn config(seed: u64) -> Config {
    let mut bytes = [0x77; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Config::new(bytes, credentials())
}

/// A client with an application that keeps its events and sends what is put into its outbox.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) events: Vec<Event>,
    pub(crate) outbox: VecDeque<(SocketAddr, Vec<u8>)>,
}

impl Host {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            client: Client::new(config).unwrap(),
            events: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    pub(crate) fn say(&mut self, peer: SocketAddr, data: &[u8]) {
        self.outbox.push_back((peer, data.to_vec()));
    }

    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is(event)).count()
    }
}

impl Machine for Host {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.client.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        if let Some(transmit) = self.client.poll_transmit(now, buf) {
            return Some(transmit.into());
        }
        while let Some((peer, data)) = self.outbox.pop_front() {
            if let Ok(sealed) = self.client.send(buf, peer, &data) {
                return Some(sealed.unwrap().into());
            }
        }
        None
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.client.poll_event()?;
        self.events.push(event.clone());
        Some(format!("{event:?}"))
    }

    fn pull(&mut self, _: Instant) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        self.client.recv(&mut data).map(|_| data)
    }

    fn outcome(&self) -> String {
        format!("{:?} {:?}", self.client.state(), self.client.relayed())
    }
}

/// The name of every connection.
pub(crate) const FIRST_CONNECTION: u32 = 0x1234_5678;

/// The key of the one user.
pub(crate) fn key() -> IntegrityKey {
    IntegrityKey::long_term(USER, REALM, PASSWORD, PasswordAlgorithm::Md5)
}

pub(crate) fn data_indication(peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut buf = Vec::new();
    let id = TransactionId::new([0xda; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Indication, Method::DATA, id);
    builder.xor_peer_address(peer).data(data);
    builder.finish().unwrap();
    buf
}

pub(crate) type Relayed = Pair<Host, Server>;

pub(crate) fn path() -> Path {
    Path::udp(ADDRESS_A, ADDRESS_B)
}

/// A client that has just been told to allocate.
pub(crate) fn allocating(profile: Profile, seed: u64, config: Config, habits: Habits) -> Relayed {
    let mut host = Host::new(config);
    host.client.allocate(path()).unwrap();
    Pair::on(profile, seed, host, Server::new(habits))
}

pub(crate) fn is_allocated(pair: &Relayed) -> bool {
    pair.a().client.state() == State::Allocated
}

pub(crate) fn is_closed(pair: &Relayed) -> bool {
    pair.a().client.state() == State::Closed
}

/// A client whose relay stands.
pub(crate) fn allocated(habits: Habits) -> Relayed {
    let mut pair = allocating(Profile::Clean, 1, config(1), habits);
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    pair
}

/// The same, with a permission for peer 1.
pub(crate) fn permitted(habits: Habits) -> Relayed {
    let mut pair = allocated(habits);
    pair.a_mut().client.create_permission(peer(1).ip()).unwrap();
    let installed = |pair: &Relayed| pair.has_event(Side::A, "PermissionInstalled");
    assert!(pair.run_until(Duration::from_secs(5), installed));
    pair
}

pub(crate) fn last_closed(pair: &Relayed) -> Option<avocet_turn::CloseReason> {
    pair.a().events.iter().find_map(|event| match event {
        Event::Closed(reason) => Some(*reason),
        _ => None,
    })
}
