//! The server and our own client on a simulated network, and the server under the law battery.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_turn::server::{
    Clock, Config, Credentials, Destination, Event, RelayAddress, RelayId, Server,
};
use net::{Datagram, Transmit};
use netsim::laws::{Battery, Resists, Stage};
use netsim::{ADDRESS_B, Machine, Outgoing, Pair, Profile, Side};
use stun::LongTermCredentials;
use support::{Host, REALM, USER, path, peer};

/// A server whose sockets open at once, and whose peers echo what they get.
#[derive(Debug)]
struct Relay {
    server: Server,
    relays: BTreeMap<RelayId, SocketAddr>,
    opened: u32,
}

impl Relay {
    fn new(seed: u64, password: &str, listener: SocketAddr) -> Self {
        let mut bytes = [0x55; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let clock = Clock {
            at: netsim::epoch(),
            unix: Duration::from_secs(1_800_000_000),
        };
        let mut config = Config::new(bytes, clock, REALM);
        config.credentials = Credentials {
            users: vec![LongTermCredentials::new(USER, password).unwrap()],
            secrets: Vec::new(),
        };
        config.relays = vec![RelayAddress::new("203.0.113.1".parse().unwrap())];
        config.listeners = vec![listener];
        Self {
            server: Server::new(config).unwrap(),
            relays: BTreeMap::new(),
            opened: 0,
        }
    }

    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::OpenRelay { relay, local, .. } => {
                    self.relays.insert(relay, local);
                    self.opened += 1;
                    self.server.on_relay_opened(now, relay, Ok(()));
                }
                Event::CloseRelay { relay } => {
                    self.relays.remove(&relay);
                }
                _ => {}
            }
        }
    }
}

impl Machine for Relay {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let mut echoes = Vec::new();
        self.server.handle_datagram_with(now, datagram, |it| {
            if let Destination::Peer { relay, peer, .. } = it.destination {
                echoes.push((relay, peer, it.payload().to_vec()));
            }
        });
        for (relay, peer, data) in echoes {
            self.server.handle_relayed(now, relay, peer, &data);
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.server.handle_timeout(now);
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let transmit = self.server.poll_transmit(now, buf)?;
        let Destination::Client(path) = transmit.destination else {
            panic!("to a peer");
        };
        Some(Transmit::new(path).into())
    }

    fn poll_event(&mut self) -> Option<String> {
        None
    }

    fn outcome(&self) -> String {
        format!("{} allocations", self.server.stats().allocations)
    }
}

fn relayed_pair(profile: Profile, seed: u64, password: &str) -> Pair<Host, Relay> {
    let mut config = support::config(seed);
    config.credentials = LongTermCredentials::new(USER, password).ok();
    let mut host = Host::new(config);
    host.client.allocate(path()).unwrap();
    Pair::on(profile, seed, host, Relay::new(seed, password, ADDRESS_B))
}

#[test]
fn our_client_and_our_server_relay_over_every_kind_of_network() {
    for profile in [
        Profile::Clean,
        Profile::Loss10,
        Profile::Shuffle,
        Profile::BurstLoss,
        Profile::Jitter,
    ] {
        let mut pair = relayed_pair(profile, 7, "secret");
        let client = &mut pair.a_mut().client;
        client.create_permission(peer(1).ip()).unwrap();
        client.bind_channel(peer(2)).unwrap();
        let allocated =
            |pair: &Pair<Host, Relay>| pair.a().client.state() == avocet_turn::State::Allocated;
        assert!(
            pair.run_until(Duration::from_secs(40), allocated),
            "{profile:?}"
        );
        let bound = |pair: &Pair<Host, Relay>| {
            pair.has_event(Side::A, "PermissionInstalled")
                && pair.has_event(Side::A, "ChannelBound")
        };
        assert!(
            pair.run_until(Duration::from_secs(80), bound),
            "{profile:?}"
        );
        for round in 0..100_u8 {
            pair.a_mut().say(peer(1), &[1, round]);
            pair.a_mut().say(peer(2), &[2, round]);
            pair.run_for(Duration::from_millis(20));
        }
        pair.run_for(Duration::from_secs(5));
        let echoed = pair.pulled(Side::A).len();
        assert!(echoed >= 120, "{profile:?}: {echoed}");
        // Half an hour later it still stands.
        pair.run_for(Duration::from_secs(1_800));
        assert_eq!(pair.outcomes()[1], "1 allocations", "{profile:?}");
        let now = pair.now();
        pair.a_mut().client.close(now);
        pair.run_for(Duration::from_secs(60));
        assert_eq!(pair.outcomes()[1], "0 allocations", "{profile:?}");
        assert!(pair.b().relays.is_empty());
    }
}

/// U-28: the same inputs give the same bytes.
#[test]
fn a_run_is_replayed_bit_for_bit() {
    let run = || {
        let mut pair = relayed_pair(Profile::BurstLoss, 3, "secret");
        pair.network().start_recording();
        pair.a_mut().client.bind_channel(peer(2)).unwrap();
        pair.run_for(Duration::from_secs(700));
        let recorded = pair.network().recorded().iter().map(|it| it.bytes.clone());
        recorded.collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 10);
    assert!(first == run());
}

fn server_at(stage: Stage, seed: u64) -> Pair<Relay, Host> {
    let password = format!("secret {seed}");
    let mut config = support::config(seed);
    config.credentials = LongTermCredentials::new(USER, &*password).ok();
    let mut host = Host::new(config);
    host.client.allocate(path().reversed()).unwrap();
    host.client.create_permission(peer(1).ip()).unwrap();
    host.client.bind_channel(peer(2)).unwrap();
    let relay = Relay::new(seed, &password, netsim::ADDRESS_A);
    let mut pair = Pair::on(Profile::Clean, seed, relay, host);
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(2),
        Stage::Established | Stage::Closing => {
            let bound = |pair: &Pair<Relay, Host>| pair.has_event(Side::B, "ChannelBound");
            assert!(pair.run_until(Duration::from_secs(5), bound));
        }
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.b_mut().client.close(now);
    }
    pair
}

#[test]
fn a_server_obeys_the_laws() {
    Battery::new("turn::Server", server_at)
        .traffic(|pair, round| {
            pair.b_mut().say(peer(1), &[1, round.to_be_bytes()[3]]);
            pair.b_mut().say(peer(2), &[2, round.to_be_bytes()[3]]);
        })
        .resists(Resists::Forgeries)
        // The answers that wait, and the table of strangers, which is there from the beginning.
        .heap_limit_bytes(1024 * 1024)
        .horizon(Duration::from_secs(700))
        .check();
}
