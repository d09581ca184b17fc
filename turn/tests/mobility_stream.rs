//! Allocations that move between TCP connections (RFC 8016, T-17): our client beside our server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use std::net::SocketAddr;

use avocet_turn::server::Destination;
use avocet_turn::{Client, Config, Event, State};
use desk::{Desk, client, listener, peer, seconds, stream, user};
use net::{Datagram, Path};

/// A client and a server whose bytes are cut into pieces of a few bytes where they go over a stream.
struct Rig {
    desk: Desk,
    client: Client,
    events: Vec<Event>,
    /// What the server passed on to peers.
    at_peers: Vec<(SocketAddr, Vec<u8>)>,
}

const PIECE: usize = 7;

impl Rig {
    /// A client with a relay, a permission for peer 1 and a channel to peer 2.
    fn on(way: Path) -> Self {
        let mut config = Config::new([3; 32], user("alice"));
        config.mobility = true;
        let mut rig = Self {
            desk: Desk::new(desk::config()),
            client: Client::new(config).unwrap(),
            events: Vec::new(),
            at_peers: Vec::new(),
        };
        rig.open(way);
        rig.client.allocate(way.reversed()).unwrap();
        rig.client.create_permission(peer(1).ip()).unwrap();
        rig.client.bind_channel(peer(2)).unwrap();
        rig.settle();
        assert!(rig.client.is_mobile());
        assert!(
            rig.events
                .iter()
                .any(|it| matches!(it, Event::ChannelBound(..)))
        );
        rig
    }

    /// A connection comes to the server.
    fn open(&mut self, way: Path) {
        if way.transport != net::Transport::Udp {
            self.desk.server.on_stream_opened(self.desk.now, way);
        }
    }

    fn is_closed(&self, way: Path) -> bool {
        let close = avocet_turn::server::Event::CloseStream { path: way };
        self.desk.events.contains(&close)
    }

    fn relayed(&self) -> SocketAddr {
        self.client.relayed()[0]
    }

    /// Whatever is to be said is said, and answered.
    fn settle(&mut self) {
        let mut bytes = Vec::new();
        while let Some(transmit) = self.client.poll_transmit(self.desk.now, &mut bytes) {
            self.server_hears(transmit.path, &std::mem::take(&mut bytes));
        }
        self.events
            .extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    fn server_hears(&mut self, path: Path, bytes: &[u8]) {
        let whole = path.transport == net::Transport::Udp;
        let size = if whole { bytes.len() } else { PIECE };
        for piece in bytes.chunks(size) {
            for (to, bytes) in self.desk.give(path.reversed(), piece) {
                match to {
                    Destination::Client(way) => self.client_hears(way.reversed(), &bytes),
                    Destination::Peer { peer, .. } => self.at_peers.push((peer, bytes)),
                }
            }
        }
    }

    fn client_hears(&mut self, path: Path, bytes: &[u8]) {
        let whole = path.transport == net::Transport::Udp;
        let size = if whole { bytes.len() } else { PIECE };
        for piece in bytes.to_vec().chunks_mut(size) {
            self.client
                .handle_datagram(self.desk.now, Datagram::new(path, piece));
        }
    }

    fn say(&mut self, peer: SocketAddr, data: &[u8]) {
        let mut bytes = Vec::new();
        let sealed = self.client.send(&mut bytes, peer, data).unwrap();
        self.server_hears(sealed.unwrap().path, &bytes);
    }

    /// The peer says something, and the client hears it.
    fn hear(&mut self, peer: SocketAddr, data: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        for (to, bytes) in self.desk.peer_says(self.relayed(), peer, data) {
            let Destination::Client(way) = to else {
                panic!("{to:?}");
            };
            assert_eq!(Some(way.reversed()), self.client.path());
            self.client_hears(way.reversed(), &bytes);
        }
        let mut heard = Vec::new();
        let mut data = Vec::new();
        while let Some(from) = self.client.recv(&mut data) {
            heard.push((from, std::mem::take(&mut data)));
        }
        heard
    }

    /// With both peers, in both directions: by indication and by channel.
    fn talk(&mut self, round: u8) {
        for (number, data) in [(1, [1, round]), (2, [2, round])] {
            self.say(peer(number), &data);
            let reached = self.at_peers.pop();
            assert_eq!(reached, Some((peer(number), data.to_vec())));
            let heard = self.hear(peer(number), &data);
            assert_eq!(heard, [(peer(number), data.to_vec())]);
        }
    }

    fn migrate(&mut self, way: Path) {
        self.open(way);
        self.events.clear();
        self.client.migrate(way.reversed()).unwrap();
        self.settle();
        assert_eq!(self.events, [Event::Migrated]);
        assert_eq!(self.client.state(), State::Allocated);
    }
}

#[test]
fn an_allocation_moves_to_a_new_tcp_connection_and_data_goes_on_both_ways() {
    let mut rig = Rig::on(stream(1));
    let relayed = rig.relayed();
    rig.talk(0);
    for number in 2..=4 {
        let (old, new) = (stream(number - 1), stream(number));
        // Half a frame has come by the old connection: the other half never will.
        rig.client_hears(old.reversed(), &[0x40, 0, 0, 9, 1, 2]);
        rig.migrate(new);
        rig.talk(number);
        // What still comes by the old one is nobody's, on either side.
        let before = rig.client.stats().drops.foreign;
        rig.client_hears(old.reversed(), &desk::channel_data(0x4000, b"late"));
        assert!(rig.client.stats().drops.foreign > before);
        assert!(
            rig.desk
                .give(old, &desk::channel_data(0x4000, b"late"))
                .is_empty()
        );
        // Its end takes nothing along.
        rig.desk.server.on_stream_closed(rig.desk.now, old);
        rig.talk(number + 100);
    }
    assert_eq!(rig.relayed(), relayed);
    assert_eq!((rig.desk.allocations(), rig.desk.relays.len()), (1, 1));
    // Permission and channel came along: neither was asked for again.
    let stats = rig.client.stats();
    assert_eq!((stats.permissions_granted, stats.channels_granted), (1, 1));
    rig.client.close(rig.desk.now);
    rig.settle();
    assert_eq!((rig.desk.allocations(), rig.desk.relays.len()), (0, 0));
}

#[test]
fn an_allocation_moves_when_its_connection_has_broken_before() {
    let mut rig = Rig::on(stream(1));
    rig.talk(0);
    rig.desk.server.on_stream_closed(rig.desk.now, stream(1));
    rig.desk.wait(seconds(10));
    // What a peer says meanwhile is lost, and costs nothing.
    let sent = rig.desk.peer_says(rig.relayed(), peer(1), b"into the void");
    assert!(
        sent.iter()
            .all(|(to, _)| *to == Destination::Client(stream(1)))
    );
    rig.migrate(stream(2));
    rig.talk(1);
    assert_eq!(rig.desk.allocations(), 1);
}

#[test]
fn an_allocation_moves_between_a_socket_and_a_connection() {
    let mut rig = Rig::on(client(1));
    rig.talk(0);
    for (round, way) in [(1, stream(2)), (2, client(3)), (3, stream(4))] {
        rig.migrate(way);
        rig.talk(round);
    }
    assert_eq!(rig.client.path().unwrap().remote, listener());
}

#[test]
fn a_moved_allocation_lives_on_its_new_connection_for_hours() {
    let mut rig = Rig::on(stream(1));
    rig.migrate(stream(2));
    rig.desk.server.on_stream_closed(rig.desk.now, stream(1));
    let end = rig.desk.now + seconds(4 * 3_600);
    while rig.desk.now < end {
        let next = rig.client.poll_timeout().unwrap();
        for (to, bytes) in rig.desk.wait(next - rig.desk.now) {
            let Destination::Client(way) = to else {
                panic!("{to:?}");
            };
            rig.client_hears(way.reversed(), &bytes);
        }
        rig.client.handle_timeout(rig.desk.now);
        rig.settle();
    }
    rig.talk(9);
    assert!(!rig.is_closed(stream(2)));
    assert!(rig.client.stats().allocation_refreshes >= 24);
}
