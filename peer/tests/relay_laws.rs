//! The law battery over a connection that reaches its peer through a TURN server and in no other way.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_peer as peer;
use net::{Datagram, Ecn, Path};
use netsim::laws::{Battery, Resists, Stage};
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Outgoing, Pair, Profile};
use peer::{Config, ConnectionState, DataChannelInit, IceServer};
use support::relayed::{Host, Party};
use support::{Peer, config_a, config_b, negotiate_with};
use turn::server::{Clock, Credentials, Destination, Event, RelayAddress, RelayId};

const USER: &str = "alice";
const PASSWORD: &str = "secret";

/// Where the other connection is: beyond the server.
const BEYOND: ([u8; 4], u16) = ([203, 0, 113, 9], 6_000);

/// A connection whose driver looks after its sockets by itself, whether or not the application asks for events.
#[derive(Debug)]
struct Near {
    party: Party,
    said: VecDeque<String>,
}

impl Near {
    fn pc(&self) -> &peer::PeerConnection {
        &self.party.host().peer.pc
    }

    fn pc_mut(&mut self) -> &mut peer::PeerConnection {
        &mut self.party.host_mut().peer.pc
    }

    fn serve(&mut self) {
        while let Some(said) = self.party.poll_event() {
            self.said.push_back(said);
        }
        // An application that asks for nothing misses what is old.
        self.said.truncate(MAX_OUTPUT);
    }
}

impl Machine for Near {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.party.handle_datagram(now, datagram);
        self.serve();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.party.handle_timeout(now);
        self.serve();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.party.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.party.poll_transmit(now, buf)
    }

    fn poll_event(&mut self) -> Option<String> {
        self.serve();
        self.said.pop_front()
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.party.pull(now)
    }

    fn outcome(&self) -> String {
        self.party.outcome()
    }
}

/// What waits for the way to A at most: more is dropped, as by any router.
const MAX_OUTPUT: usize = 256;

/// A TURN server, and the other connection on a wire of no length behind it.
#[derive(Debug)]
struct Far {
    server: turn::Server,
    relays: Vec<(RelayId, SocketAddr)>,
    peer: Peer,
    output: VecDeque<(Path, Vec<u8>)>,
}

impl Far {
    fn new(seed: u8) -> Self {
        let clock = Clock {
            at: netsim::epoch(),
            unix: Duration::from_secs(1_800_000_000),
        };
        let mut config = turn::server::Config::new([seed; 32], clock, "example.org");
        config.credentials = Credentials {
            users: vec![stun::LongTermCredentials::new(USER, PASSWORD).unwrap()],
            secrets: Vec::new(),
        };
        config.relays = vec![RelayAddress::new(ADDRESS_B.ip())];
        let mut peer = Peer::new(config_b(seed));
        peer.pc
            .add_local_address(netsim::epoch(), BEYOND.into())
            .unwrap();
        peer.pc.end_of_local_addresses(netsim::epoch());
        Self {
            server: turn::Server::new(config).unwrap(),
            relays: Vec::new(),
            peer,
            output: VecDeque::new(),
        }
    }

    /// Brings everything to where it goes that does not have to cross the network.
    fn settle(&mut self, now: Instant) {
        loop {
            let mut moved = false;
            while let Some(event) = self.server.poll_event() {
                moved = true;
                match event {
                    Event::OpenRelay { relay, local, .. } => {
                        self.relays.push((relay, local));
                        self.server.on_relay_opened(now, relay, Ok(()));
                    }
                    Event::CloseRelay { relay } => self.relays.retain(|(it, _)| *it != relay),
                    _ => {}
                }
            }
            let mut bytes = Vec::new();
            while let Some(transmit) = self.server.poll_transmit(now, &mut bytes) {
                moved = true;
                self.deliver(now, transmit.destination, std::mem::take(&mut bytes));
            }
            while let Some(transmit) = self.peer.pc.poll_transmit(now, &mut bytes) {
                moved = true;
                self.relay(now, transmit.path, &bytes);
                bytes.clear();
            }
            if !moved {
                return;
            }
        }
    }

    /// What the server sends: to A over the network, or to the other connection at once.
    fn deliver(&mut self, now: Instant, destination: Destination, mut bytes: Vec<u8>) {
        match destination {
            Destination::Client(path) if self.output.len() < MAX_OUTPUT => {
                self.output.push_back((path, bytes));
            }
            Destination::Peer { relay, peer, .. } if peer == BEYOND.into() => {
                let from = self.relays.iter().find(|(it, _)| *it == relay).unwrap().1;
                let datagram = Datagram::new(Path::udp(peer, from), &mut bytes);
                self.peer.handle_datagram(now, datagram);
            }
            _ => {}
        }
    }

    /// What the other connection sends, which goes to the relay or nowhere.
    fn relay(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let relay = self.relays.iter().find(|(_, at)| *at == path.remote);
        let Some((relay, _)) = relay.copied() else {
            return;
        };
        let mut onward = Vec::new();
        let from = (path.local, Ecn::NotEct);
        self.server
            .handle_relayed_with(now, relay, from, bytes, |it| {
                let mut bytes = Vec::new();
                it.append(&mut bytes);
                onward.push((it.destination, bytes));
            });
        for (destination, bytes) in onward {
            self.deliver(now, destination, bytes);
        }
    }
}

impl Machine for Far {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let mut onward = Vec::new();
        self.server.handle_datagram_with(now, datagram, |it| {
            let mut bytes = Vec::new();
            it.append(&mut bytes);
            onward.push((it.destination, bytes));
        });
        for (destination, bytes) in onward {
            self.deliver(now, destination, bytes);
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.server.handle_timeout(now);
        self.peer.handle_timeout(now);
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [self.server.poll_timeout(), self.peer.poll_timeout()];
        deadlines.into_iter().flatten().min()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        // What the application has just said.
        self.settle(now);
        let (path, bytes) = self.output.pop_front()?;
        buf.extend_from_slice(&bytes);
        Some(Outgoing::On(net::Transmit::new(path)))
    }

    fn poll_event(&mut self) -> Option<String> {
        self.peer.poll_event()
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.peer.pull(now)
    }

    fn outcome(&self) -> String {
        self.peer.outcome()
    }
}

fn relayed_config(seed: u8) -> Config {
    let mut config = config_a(seed);
    let uri = format!("turn:{ADDRESS_B}").parse().unwrap();
    config.ice_servers = vec![IceServer::with_credentials(uri, USER, PASSWORD)];
    config.ice_policy = ice::Policy::Relay;
    config
}

/// A call with a channel through the relay, brought to a stage.
fn pair_at(stage: Stage, seed: u64) -> Pair<Near, Far> {
    let number = seed as u8;
    let mut host = Host::new(relayed_config(number), ADDRESS_A.ip(), None);
    let mut far = Far::new(number);
    let now = netsim::epoch();
    let init = DataChannelInit::default;
    host.peer
        .pc
        .create_data_channel(now, "chat", init())
        .unwrap();
    negotiate_with(now, &mut host.peer.pc, &mut far.peer.pc, |_| {});
    let party = Party::Host(Box::new(host));
    let mut near = Near {
        party,
        said: VecDeque::new(),
    };
    near.serve();
    let mut pair = Pair::on(Profile::Clean, seed, near, far);
    if stage == Stage::New {
        return pair;
    }
    // The address on the server, once it is known.
    let is_known = |pair: &Pair<Near, Far>| {
        let description = pair.a().pc().local_description();
        description.is_some_and(|it| it.sdp.contains("typ relay"))
    };
    assert!(pair.run_until(Duration::from_secs(5), is_known));
    let description = pair.a().pc().local_description().unwrap();
    let now = pair.now();
    let lines = description.sdp.lines();
    for line in lines.filter_map(|line| line.strip_prefix("a=")) {
        if line.starts_with("candidate") {
            pair.b_mut().peer.pc.add_ice_candidate(now, line).unwrap();
        }
    }
    if stage == Stage::MidHandshake {
        pair.run_datagrams(8);
        return pair;
    }
    pair.run_for(Duration::from_secs(4));
    for pc in [pair.a().pc(), &pair.b().peer.pc] {
        assert_eq!(pc.connection_state(), ConnectionState::Connected);
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().pc_mut().close(now);
    }
    pair
}

fn speak(pair: &mut Pair<Near, Far>, round: u32) {
    let now = pair.now();
    let text = format!("round {round}");
    let say = |pc: &mut peer::PeerConnection| {
        let channels: Vec<_> = pc.stats(now).data_channels.iter().map(|it| it.id).collect();
        for id in channels {
            let mut channel = pc.data_channel(id).unwrap();
            let _ = channel.send_text(now, &text);
            let _ = channel.send_binary(now, &vec![1; 2_000]);
        }
    };
    say(pair.a_mut().pc_mut());
    say(&mut pair.b_mut().peer.pc);
}

#[test]
fn a_peer_connection_on_a_relay_keeps_the_laws() {
    Battery::new("peer::PeerConnection on a relay", pair_at)
        .traffic(speak)
        .resists(Resists::Forgeries)
        .heap_limit_bytes(1024 * 1024)
        .seeds(0..1)
        .horizon(Duration::from_secs(40))
        .check();
}
