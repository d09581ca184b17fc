//! A server on a desk: no network, no time but what the test says, sockets that open when they are asked to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "test vocabulary; each test file uses a part"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_turn::server::{
    Clock, Config, Credentials, Destination, Event, OpenError, RelayAddress, RelayId,
    RelayTransport, Server,
};
use avocet_turn::{ChannelData, ChannelNumber};
use net::{Datagram, Ecn, Path, StreamId, Transport};
use stun::{
    AttributeType, Class, IntegrityKey, LongTermCredentials, Message, MessageBuilder, Method,
    PasswordAlgorithm, TransactionId,
};

pub(crate) const REALM: &str = "example.org";

/// The Unix time at which every test begins.
pub(crate) const UNIX: Duration = Duration::from_secs(1_800_000_000);

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn listener() -> SocketAddr {
    address("203.0.113.1:3478")
}

pub(crate) fn client(number: u8) -> Path {
    let remote = SocketAddr::from(([198, 51, 100, number], 40_000 + u16::from(number)));
    Path::udp(listener(), remote)
}

pub(crate) fn stream(number: u8) -> Path {
    Path {
        transport: Transport::Stream(StreamId::new(number.into())),
        ..client(number)
    }
}

pub(crate) fn peer(number: u8) -> SocketAddr {
    ([192, 0, 2, number], 4_000 + u16::from(number)).into()
}

pub(crate) fn peer_v6(number: u16) -> SocketAddr {
    ([0x2001, 0x4860, 0, 0, 0, 0, 0, number], 5_000 + number).into()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn user(name: &str) -> LongTermCredentials {
    LongTermCredentials::new(name, format!("{name}'s secret")).unwrap()
}

pub(crate) fn config() -> Config {
    let clock = Clock {
        at: netsim::epoch(),
        unix: UNIX,
    };
    let mut config = Config::new([9; 32], clock, REALM);
    config.credentials = Credentials {
        users: ["alice", "bob"].map(user).to_vec(),
        secrets: Vec::new(),
    };
    config.relays = vec![
        RelayAddress::new(address("203.0.113.1:0").ip()),
        RelayAddress::new(address("[2606:4700::1]:0").ip()),
    ];
    config.listeners = vec![listener()];
    config.tcp_relays = true;
    config
}

/// What went out: where to, and the bytes.
pub(crate) type Sent = (Destination, Vec<u8>);

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) relays: BTreeMap<SocketAddr, RelayId>,
    pub(crate) transports: BTreeMap<RelayId, RelayTransport>,
    /// Ports that somebody else on the host has.
    pub(crate) busy: BTreeSet<u16>,
    /// How many sockets can still be opened.
    pub(crate) sockets: usize,
    pub(crate) events: Vec<Event>,
}

impl Desk {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            server: Server::new(config).unwrap(),
            now: netsim::epoch(),
            relays: BTreeMap::new(),
            transports: BTreeMap::new(),
            busy: BTreeSet::new(),
            sockets: usize::MAX,
            events: Vec::new(),
        }
    }

    /// Lets a client say something, and returns what goes out because of it.
    pub(crate) fn give(&mut self, path: Path, bytes: &[u8]) -> Vec<Sent> {
        let mut bytes = bytes.to_vec();
        let mut sent = Vec::new();
        let datagram = Datagram::new(path, &mut bytes);
        self.server.handle_datagram_with(self.now, datagram, |it| {
            let mut bytes = Vec::new();
            it.append(&mut bytes);
            assert_eq!(bytes.len(), it.length());
            sent.push((it.destination, bytes));
        });
        self.settle(&mut sent);
        sent
    }

    /// Lets a peer say something to a relayed address.
    pub(crate) fn peer_says(
        &mut self,
        relayed: SocketAddr,
        peer: SocketAddr,
        bytes: &[u8],
    ) -> Vec<Sent> {
        let relay = self.relays[&relayed];
        let mut sent = Vec::new();
        let from = (peer, Ecn::NotEct);
        self.server
            .handle_relayed_with(self.now, relay, from, bytes, |it| {
                let mut bytes = Vec::new();
                it.append(&mut bytes);
                sent.push((it.destination, bytes));
            });
        self.settle(&mut sent);
        sent
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, duration: Duration) -> Vec<Sent> {
        let until = self.now + duration;
        let mut sent = Vec::new();
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.server.handle_timeout(self.now);
            let next = self.server.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a deadline stands still"
            );
            self.settle(&mut sent);
        }
        self.now = until;
        sent
    }

    pub(crate) fn settle(&mut self, sent: &mut Vec<Sent>) {
        while let Some(event) = self.server.poll_event() {
            self.events.push(event);
            match event {
                Event::OpenRelay {
                    relay,
                    transport,
                    local,
                } => {
                    let outcome = if self.busy.contains(&local.port()) {
                        Err(OpenError::InUse)
                    } else if self.sockets == 0 {
                        Err(OpenError::Failed)
                    } else {
                        self.sockets -= 1;
                        assert!(self.relays.insert(local, relay).is_none(), "doubled");
                        self.transports.insert(relay, transport);
                        Ok(())
                    };
                    self.server.on_relay_opened(self.now, relay, outcome);
                }
                Event::CloseRelay { relay } => {
                    self.relays.retain(|_, open| *open != relay);
                }
                _ => {}
            }
        }
        let mut bytes = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut bytes) {
            sent.push((transmit.destination, std::mem::take(&mut bytes)));
        }
    }

    pub(crate) fn allocations(&self) -> u64 {
        self.server.stats().allocations
    }
}

/// How a client signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As RFC 8489 does: SHA-256 when it is offered.
    Modern,
    /// As everybody did before: SHA-1, and nonces are only text.
    Old,
}

/// A client that does what the test says.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) path: Path,
    pub(crate) credentials: LongTermCredentials,
    pub(crate) style: Style,
    pub(crate) challenge: Option<stun::Challenge>,
    serial: u32,
}

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) class: Class,
    pub(crate) code: u16,
}

impl Answer {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::decode(&self.bytes).unwrap()
    }

    pub(crate) fn relayed(&self) -> Vec<SocketAddr> {
        let message = self.message();
        message
            .xor_relayed_addresses()
            .map(Result::unwrap)
            .collect()
    }

    pub(crate) fn lifetime(&self) -> u64 {
        self.message().lifetime().unwrap().unwrap().as_secs()
    }
}

impl Caller {
    pub(crate) fn new(path: Path, name: &str) -> Self {
        Self::with(path, user(name))
    }

    pub(crate) fn with(path: Path, credentials: LongTermCredentials) -> Self {
        Self {
            path,
            credentials,
            style: Style::Modern,
            challenge: None,
            serial: 0,
        }
    }

    pub(crate) fn old(mut self) -> Self {
        self.style = Style::Old;
        self
    }

    pub(crate) fn id(&self) -> TransactionId {
        let mut id = [7; 12];
        id[..4].copy_from_slice(&self.serial.to_be_bytes());
        id[4] = self.path.remote.port().to_be_bytes()[1];
        TransactionId::new(id)
    }

    /// The next request, signed with what is known of the challenge.
    pub(crate) fn build(
        &mut self,
        method: Method,
        fill: impl Fn(&mut MessageBuilder<'_>),
    ) -> Vec<u8> {
        self.serial += 1;
        self.build_again(method, fill)
    }

    /// The request with the number of the last one.
    pub(crate) fn build_again(
        &self,
        method: Method,
        fill: impl Fn(&mut MessageBuilder<'_>),
    ) -> Vec<u8> {
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::new(&mut buf, Class::Request, method, self.id());
        fill(&mut builder);
        let Some(challenge) = &self.challenge else {
            builder.finish().unwrap();
            return buf;
        };
        match self.style {
            Style::Modern => {
                let auth = stun::LongTermAuth::new(&self.credentials, challenge.clone());
                auth.seal(builder).fingerprint().finish().unwrap();
            }
            Style::Old => {
                builder
                    .username(self.credentials.username())
                    .realm(challenge.realm())
                    .nonce(challenge.nonce());
                let key = self.key(PasswordAlgorithm::Md5);
                builder.integrity(&key).finish().unwrap();
            }
        }
        buf
    }

    pub(crate) fn key(&self, algorithm: PasswordAlgorithm) -> IntegrityKey {
        let (name, password) = (self.credentials.username(), self.credentials.password());
        IntegrityKey::long_term(name, REALM, password, algorithm)
    }

    /// Asks and returns the answer, which must be signed by the server unless it is a challenge.
    pub(crate) fn ask_once(&self, desk: &mut Desk, request: &[u8]) -> Option<Answer> {
        let sent = desk.give(self.path, request);
        let mut mine = sent
            .into_iter()
            .filter_map(|(to, bytes)| (to == Destination::Client(self.path)).then_some(bytes));
        let bytes = mine
            .find(|bytes| Message::decode(bytes).is_ok_and(|it| it.class() != Class::Indication))?;
        let message = Message::decode(&bytes).unwrap();
        let code = message.error_code().unwrap().map_or(0, |code| code.get());
        let asked = Message::decode(request).unwrap();
        assert_eq!(message.transaction_id(), asked.transaction_id());
        assert_eq!(message.method(), asked.method());
        if asked.has_integrity() && !matches!(code, 401 | 438) && message.has_integrity() {
            let strong = asked.has_integrity_sha256();
            assert_eq!(message.has_integrity_sha256(), strong);
            let algorithm = if strong {
                PasswordAlgorithm::Sha256
            } else {
                PasswordAlgorithm::Md5
            };
            assert!(message.verify_integrity(&self.key(algorithm)));
        }
        assert_eq!(message.has_fingerprint(), asked.has_fingerprint());
        Some(Answer {
            class: message.class(),
            code,
            bytes: bytes.clone(),
        })
    }

    /// Asks, and proves who it is when it is asked to.
    pub(crate) fn ask(
        &mut self,
        desk: &mut Desk,
        method: Method,
        fill: impl Fn(&mut MessageBuilder<'_>),
    ) -> Answer {
        let request = self.build(method, &fill);
        let answer = self.ask_once(desk, &request).expect("no answer");
        let is_challenge = matches!(answer.code, 401 | 438);
        if !is_challenge || (answer.code == 401 && self.challenge.is_some()) {
            return answer;
        }
        let message = answer.message();
        self.challenge = stun::Challenge::from_response(&message, self.challenge.as_ref()).ok();
        let request = self.build(method, &fill);
        self.ask_once(desk, &request).expect("no answer")
    }

    pub(crate) fn allocate(&mut self, desk: &mut Desk) -> SocketAddr {
        let answer = self.ask(desk, Method::ALLOCATE, |it| {
            it.requested_transport(17);
        });
        assert_eq!(answer.code, 0, "refused");
        answer.relayed()[0]
    }

    /// Allocates, unless that is done.
    pub(crate) fn allocate_unless(&mut self, desk: &mut Desk, done: bool) {
        if !done {
            self.allocate(desk);
        }
    }

    pub(crate) fn permit(&mut self, desk: &mut Desk, peer: SocketAddr) -> u16 {
        let answer = self.ask(desk, Method::CREATE_PERMISSION, |it| {
            it.xor_peer_address(peer);
        });
        answer.code
    }

    pub(crate) fn bind(&mut self, desk: &mut Desk, number: u16, peer: SocketAddr) -> u16 {
        let answer = self.ask(desk, Method::CHANNEL_BIND, |it| {
            it.channel_number(number).xor_peer_address(peer);
        });
        answer.code
    }

    pub(crate) fn refresh(&mut self, desk: &mut Desk, lifetime: Option<u64>) -> Answer {
        self.ask(desk, Method::REFRESH, |it| {
            if let Some(lifetime) = lifetime {
                it.lifetime(seconds(lifetime));
            }
        })
    }

    /// Sends data in an indication.
    pub(crate) fn send(&self, desk: &mut Desk, peer: SocketAddr, data: &[u8]) -> Vec<Sent> {
        let bytes = indication(|it| {
            it.xor_peer_address(peer).data(data);
        });
        desk.give(self.path, &bytes)
    }

    /// Sends data on a channel.
    pub(crate) fn channel(&self, desk: &mut Desk, number: u16, data: &[u8]) -> Vec<Sent> {
        desk.give(self.path, &channel_data(number, data))
    }
}

pub(crate) fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = ChannelNumber::new(number).unwrap();
    ChannelData::encode_header(number, u16::try_from(data.len()).unwrap(), &mut bytes);
    bytes.extend_from_slice(data);
    bytes
}

pub(crate) fn indication(fill: impl Fn(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let id = TransactionId::new([0x5e; 12]);
    let mut builder = MessageBuilder::new(&mut bytes, Class::Indication, Method::SEND, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}

/// The data of a Data indication and whose it is.
pub(crate) fn data_of(bytes: &[u8]) -> (SocketAddr, Vec<u8>) {
    let message = Message::decode(bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::DATA)
    );
    let data = message.attribute(AttributeType::DATA).unwrap().to_vec();
    (message.xor_peer_address().unwrap().unwrap(), data)
}

/// A desk with an allocation of alice's.
pub(crate) fn allocated(config: Config) -> (Desk, Caller, SocketAddr) {
    let mut desk = Desk::new(config);
    let mut alice = Caller::new(client(1), "alice");
    let relayed = alice.allocate(&mut desk);
    (desk, alice, relayed)
}
