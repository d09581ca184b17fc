//! The ways to TURN servers: in which order they are tried, where redirects lead, what becomes of a way that is lost.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use avocet_peer as peer;
use net::{Datagram, Path, StreamId, Transport};
use peer::{
    Config, ConnectionState, Event, PeerConnection, RelayFact, RelaySocket, RelayTransport,
};
use stun::{Class, Message, MessageBuilder, Method};
use support::relayed::{Meeting, ROUND_TRIP, access, turn};

/// A connection that has nothing but relays, with servers given as addresses.
fn asking(uris: &[&str], change: impl Fn(&mut Config)) -> (PeerConnection, Instant) {
    let now = netsim::epoch();
    let mut config = support::config_a(1);
    config.ice_servers = uris.iter().map(|uri| turn(uri)).collect();
    config.ice_policy = ice::Policy::Relay;
    change(&mut config);
    (PeerConnection::new(config, now).unwrap(), now)
}

/// What the driver is asked to open and to close.
fn sockets(pc: &mut PeerConnection) -> (Vec<RelaySocket>, usize) {
    let (mut open, mut closed) = (Vec::new(), 0);
    while let Some(event) = pc.poll_event() {
        match event {
            Event::OpenRelaySocket(socket) => open.push(socket),
            Event::CloseRelaySocket(_) => closed += 1,
            _ => {}
        }
    }
    (open, closed)
}

fn path_of(socket: &RelaySocket, port: u16) -> Path {
    Path {
        local: ([10, 0, 0, 1], port).into(),
        remote: socket.server,
        transport: match socket.transport.is_datagram() {
            true => Transport::Udp,
            false => Transport::Stream(StreamId::new(port.into())),
        },
    }
}

const ALL: [&str; 4] = [
    "turns:203.0.113.1",
    "turn:203.0.113.1?transport=tcp",
    "turns:203.0.113.1?transport=udp",
    "turn:203.0.113.1",
];

/// T-10: UDP, DTLS, TCP and TLS a quarter of a second apart in whatever order they were configured, and each is kept.
#[test]
fn ways_are_tried_a_quarter_of_a_second_apart_and_all_are_kept() {
    let (mut pc, start) = asking(&ALL, |_| {});
    let mut opened = Vec::new();
    let mut now = start;
    for _ in 0..100 {
        let (open, closed) = sockets(&mut pc);
        assert_eq!(closed, 0);
        for socket in open {
            // It opens at once, and the server says nothing.
            let path = path_of(&socket, 20_000 + u16::try_from(opened.len()).unwrap());
            pc.on_relay_socket(now, RelayFact::Opened(socket.id, path));
            opened.push(((now - start).as_millis(), socket.transport));
        }
        while pc.poll_transmit(now, &mut Vec::new()).is_some() {}
        let Some(next) = pc
            .poll_timeout()
            .filter(|at| *at < start + Duration::from_secs(9))
        else {
            break;
        };
        now = next.max(now);
        pc.handle_timeout(now);
    }
    let expected = [
        (0, RelayTransport::Udp),
        (250, RelayTransport::Dtls),
        (500, RelayTransport::Tcp),
        (750, RelayTransport::Tls),
    ];
    assert_eq!(opened, expected);
}

/// T-10: what is refused at once costs no time.
#[test]
fn the_next_way_is_tried_at_once_when_one_is_refused() {
    let (mut pc, now) = asking(&ALL, |_| {});
    for transport in [
        RelayTransport::Udp,
        RelayTransport::Dtls,
        RelayTransport::Tcp,
        RelayTransport::Tls,
    ] {
        let (open, _) = sockets(&mut pc);
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].transport, transport);
        pc.on_relay_socket(now, RelayFact::Refused(open[0].id));
        pc.handle_timeout(now);
    }
    assert_eq!(sockets(&mut pc).0, []);
}

/// S-20, item 4 (300): over the same transport, with the certificate of ALTERNATE-DOMAIN where the server names one, and of the
/// old name where it does not.
#[test]
fn a_redirect_is_followed_over_the_same_transport_with_the_name_that_it_says() {
    let uris = [
        ("turn:203.0.113.1", "203.0.113.1"),
        ("turns:203.0.113.1", "203.0.113.1"),
        ("turns:203.0.113.1?transport=udp", "203.0.113.1"),
    ];
    for (uri, old) in uris {
        for domain in [None, Some("other.example.org")] {
            let (mut pc, now) = asking(&[uri], |_| {});
            let (open, _) = sockets(&mut pc);
            assert_eq!(open[0].domain, old);
            let path = path_of(&open[0], 20_000);
            pc.on_relay_socket(now, RelayFact::Opened(open[0].id, path));
            let mut request = Vec::new();
            assert_eq!(pc.poll_transmit(now, &mut request).unwrap().path, path);
            let request = Message::decode(&request).unwrap();
            assert_eq!(request.method(), Method::ALLOCATE);
            let mut answer = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut answer, Class::Error, &request);
            let other = ([203, 0, 113, 2], 3_479).into();
            builder.error_code(300).alternate_server(other);
            if let Some(domain) = domain {
                builder.alternate_domain(domain);
            }
            builder.finish().unwrap();
            pc.handle_datagram(now, Datagram::new(path, &mut answer));
            let (again, closed) = sockets(&mut pc);
            assert_eq!((again.len(), closed), (1, 1));
            assert_eq!(again[0].server, other);
            assert_eq!(again[0].transport, open[0].transport);
            assert_eq!(again[0].domain, domain.unwrap_or(old));
            // The new server is asked.
            let path = path_of(&again[0], 20_001);
            pc.on_relay_socket(now, RelayFact::Opened(again[0].id, path));
            assert_eq!(pc.poll_transmit(now, &mut Vec::new()).unwrap().path, path);
        }
    }
}

fn relay_only(config: &mut Config) {
    config.ice_servers = vec![turn("turn:203.0.113.1")];
    config.ice_policy = ice::Policy::Relay;
}

fn relayed(meeting: &Meeting) -> Vec<std::net::SocketAddr> {
    let stats = meeting.host(meeting.a).peer.pc.stats(meeting.world.now());
    stats.relays.into_iter().flat_map(|it| it.relayed).collect()
}

/// T-7: a candidate that trickles in later has its permission a round trip later, before any check is sent to it.
#[test]
fn a_late_candidate_is_permitted_as_soon_as_it_is_known() {
    let mut meeting = Meeting::new(1, access(), [None, None], relay_only);
    assert!(meeting.connect().is_some());
    let (a, now) = (meeting.a, meeting.world.now());
    let before = meeting.turn().count(Method::CREATE_PERMISSION);
    for last in 60..=69 {
        let line = format!("candidate:1 1 udp 2130706431 198.51.100.{last} 5000 typ host");
        let pc = &mut meeting.host_mut(a).peer.pc;
        pc.add_ice_candidate(now, &line).unwrap();
    }
    meeting.world.run_for(ROUND_TRIP / 2);
    let turn = meeting.turn();
    assert_eq!(
        turn.count(Method::CREATE_PERMISSION),
        before + 1,
        "one for all ten"
    );
    meeting.world.run_for(Duration::from_secs(1));
    assert_eq!(meeting.turn().refused_messages, 0);
}

/// T-17: the network changes under a call: the address on the server stays, and so does the path through it.
#[test]
fn a_relay_outlives_a_change_of_the_network() {
    for uri in ["turn:203.0.113.1", "turn:203.0.113.1?transport=tcp"] {
        let mut meeting = Meeting::new(2, access(), [None, None], |config| {
            relay_only(config);
            config.ice_servers = vec![turn(uri)];
            config.relay_mobility = true;
        });
        assert!(meeting.connect().is_some());
        let (before, a, now) = (relayed(&meeting), meeting.a, meeting.world.now());
        let pc = &mut meeting.host_mut(a).peer.pc;
        let own = ([198, 51, 100, 1], 5_000).into();
        pc.on_interface(now, ice::InterfaceFact::Down([198, 51, 100, 1].into()));
        pc.on_interface(now, ice::InterfaceFact::Up(own));
        meeting.world.run_for(Duration::from_secs(60));
        assert_eq!(relayed(&meeting), before, "{uri}");
        assert_eq!(meeting.host(a).opened.len(), 2);
        assert_eq!(meeting.turn().count(Method::ALLOCATE), 2);
        let state = meeting.host(a).peer.pc.connection_state();
        assert_eq!(state, ConnectionState::Connected);
        assert_eq!(meeting.kind_of(a), "relay");
    }
}

/// T-17: a server that takes every connection and ends it at once is tried three times, and then the relay is given up.
#[test]
fn a_server_that_ends_every_connection_is_not_asked_for_ever() {
    let mut meeting = Meeting::new(3, access(), [None, None], |config| {
        relay_only(config);
        config.ice_servers = vec![turn("turn:203.0.113.1?transport=tcp")];
        config.relay_mobility = true;
    });
    assert!(meeting.connect().is_some());
    let a = meeting.a;
    let before = meeting.host(a).opened.len();
    // Half a second: the relay itself would be looked for again a second after it was given up.
    for _ in 0..50 {
        let now = meeting.world.now();
        meeting.host_mut(a).break_relay(now);
        meeting.world.run_for(Duration::from_millis(10));
    }
    assert_eq!(meeting.host(a).opened.len() - before, 3);
    assert_eq!(relayed(&meeting), []);
}
