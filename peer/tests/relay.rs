//! Calls through a TURN server: gathering, permissions, channels, refreshes, and what happens when a way is lost.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use netsim::{Filtering, Mapping, NatConfig};
use peer::{Config, ConnectionState, Event, Message, RelayTransport};
use stun::Method;
use support::relayed::{Host, Meeting, ROUND_TRIP, access, turn};

fn symmetric() -> Option<NatConfig> {
    Some(NatConfig::new(
        Mapping::AddressAndPortDependent,
        Filtering::AddressAndPortDependent,
    ))
}

fn with(uris: &'static [&'static str]) -> impl Fn(&mut Config) {
    move |config| config.ice_servers = uris.iter().map(|uri| turn(uri)).collect()
}

fn is_connected(host: &Host) -> bool {
    host.peer.pc.connection_state() == ConnectionState::Connected
}

/// Sends a message each way and waits until both have arrived.
fn talk(meeting: &mut Meeting, bytes: usize) {
    let message = Message::Binary(vec![7; bytes].into());
    let (a, b) = (meeting.a, meeting.b);
    let before = [a, b].map(|id| meeting.host(id).peer.messages.len());
    let now = meeting.world.now();
    for id in [a, b] {
        let peer = &mut meeting.host_mut(id).peer;
        let channel = peer.events.iter().find_map(|event| match event {
            Event::DataChannelOpened(channel) => Some(*channel),
            _ => None,
        });
        let mut channel = peer.pc.data_channel(channel.unwrap()).unwrap();
        channel.send(now, &message).unwrap();
    }
    let arrived = meeting.world.run_until(Duration::from_secs(20), |world| {
        let count = |id| world.machine(id).host().peer.messages.len();
        count(a) > before[0] && count(b) > before[1]
    });
    assert!(arrived);
}

/// T-7, T-8: two symmetric NATs meet on the relay; permissions are early and batched, the selected pair has a channel.
#[test]
fn two_symmetric_nats_talk_through_the_relay() {
    let change = with(&["turn:203.0.113.1"]);
    let mut meeting = Meeting::new(1, access(), [symmetric(), symmetric()], change);
    assert!(meeting.connect().is_some());
    talk(&mut meeting, 10_000);
    let kinds = [meeting.a, meeting.b].map(|id| meeting.kind_of(id));
    assert!(kinds.contains(&"relay"), "{kinds:?}");
    talk(&mut meeting, 100_000);
    let turn = meeting.turn();
    assert_eq!(turn.count(Method::ALLOCATE), 2);
    assert!(turn.count(Method::CREATE_PERMISSION) <= 4);
    // One channel for each side whose selected pair begins at a relay, and for no other pair.
    let relays = kinds.iter().filter(|kind| **kind == "relay").count();
    assert_eq!(turn.count(Method::CHANNEL_BIND), relays);
    // Data goes on the channel.
    assert!(turn.channel_messages > turn.indications);
    assert_eq!(turn.refused_messages, 0);
}

/// I-31: nothing but relayed candidates is described, and what they relate to says nothing of the host.
#[test]
fn a_policy_of_relays_describes_and_uses_relays_only() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
    };
    let mut meeting = Meeting::new(2, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    talk(&mut meeting, 1_000);
    for id in [meeting.a, meeting.b] {
        assert_eq!(meeting.kind_of(id), "relay");
        let description = meeting.host(id).peer.pc.local_description().unwrap();
        let lines = description.sdp.lines();
        let candidates: Vec<_> = lines
            .filter(|line| line.starts_with("a=candidate"))
            .collect();
        assert_eq!(candidates.len(), 1);
        assert!(candidates[0].contains(" 203.0.113.1 "), "{candidates:?}");
        assert!(candidates[0].contains("typ relay raddr 0.0.0.0 rport 0"));
        assert!(!description.sdp.contains("198.51.100."));
    }
}

/// T-10: where UDP does not come through, TCP is tried a quarter of a second later, and UDP is given up once TCP works.
#[test]
fn the_race_falls_back_to_tcp_where_udp_is_blocked() {
    let change = with(&[
        "turn:203.0.113.1?transport=tcp",
        "turns:203.0.113.1:3478?transport=tcp",
        "turn:203.0.113.1",
    ]);
    let blocked = || Some(NatConfig::udp_blocked());
    let mut meeting = Meeting::new(3, access(), [blocked(), blocked()], change);
    let gathered = meeting.gather(Duration::from_secs(15)).unwrap();
    // A quarter of a second, the handshake of TCP, a challenge and the allocation; STUN takes 5 s to be given up.
    assert!(gathered <= Duration::from_millis(5_300), "{gathered:?}");
    let id = meeting.a;
    let tried: Vec<_> = meeting.host(id).opened.iter().map(|it| it.1).collect();
    assert_eq!(tried, [RelayTransport::Udp, RelayTransport::Tcp]);
    assert_eq!(meeting.host(id).closed.len(), 1);
    let relays = meeting.host(id).peer.pc.stats(meeting.world.now()).relays;
    assert_eq!(relays.len(), 1);
    assert_eq!(relays[0].transport, RelayTransport::Tcp);
    assert_eq!(relays[0].relayed.len(), 1);
    meeting.introduce();
    let time = meeting.run_until_both(Duration::from_secs(20), is_connected);
    assert!(time.unwrap() <= 8 * ROUND_TRIP, "{time:?}");
}

/// T-10: nothing but UDP is opened where it works.
#[test]
fn the_race_opens_one_socket_where_udp_works() {
    let change = with(&["turn:203.0.113.1", "turn:203.0.113.1?transport=tcp"]);
    let mut meeting = Meeting::new(4, access(), [symmetric(), symmetric()], change);
    assert!(meeting.connect().is_some());
    for id in [meeting.a, meeting.b] {
        assert_eq!(meeting.host(id).opened.len(), 1);
    }
}

/// T-4, T-5: an hour of a quiet call: allocations, permissions and channels are kept alive, and nothing is lost.
#[test]
fn a_call_of_an_hour_outlives_every_lifetime() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
    };
    let mut meeting = Meeting::new(5, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    for _ in 0..12 {
        meeting.world.run_for(Duration::from_secs(300));
        talk(&mut meeting, 5_000);
    }
    let turn = meeting.turn();
    assert!(turn.count(Method::REFRESH) >= 2 * 6);
    assert!(turn.count(Method::CREATE_PERMISSION) >= 2 * 12);
    assert!(turn.count(Method::CHANNEL_BIND) >= 2 * 11);
    assert_eq!(turn.refused_messages, 0);
    assert!(turn.indications < 100, "{}", turn.indications);
}

/// A thousand datagrams each way while a permission and a channel are refreshed: none is lost.
#[test]
fn a_thousand_datagrams_each_way_pass_across_the_refreshes() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
    };
    let mut meeting = Meeting::new(6, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let before = {
        let turn = meeting.turn();
        [Method::CREATE_PERMISSION, Method::CHANNEL_BIND].map(|method| turn.count(method))
    };
    for _ in 0..1_000 {
        talk(&mut meeting, 100);
        meeting.world.run_for(Duration::from_millis(350));
    }
    let turn = meeting.turn();
    for (method, before) in [Method::CREATE_PERMISSION, Method::CHANNEL_BIND]
        .into_iter()
        .zip(before)
    {
        assert!(turn.count(method) > before, "{method:?}");
    }
    assert_eq!(turn.refused_messages, 0);
    for id in [meeting.a, meeting.b] {
        let stats = meeting.host(id).peer.pc.stats(meeting.world.now());
        assert_eq!(stats.sctp.unwrap().retransmitted_chunks, 0);
    }
}

/// T-3: the server lost the allocation. The address leaves the candidates, another one is got.
#[test]
fn an_allocation_that_is_lost_is_made_anew() {
    let change = with(&["turn:203.0.113.1"]);
    let mut meeting = Meeting::new(7, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let first = relayed(&meeting);
    meeting.turn().forgets = true;
    meeting.world.run_for(Duration::from_secs(900));
    let second = relayed(&meeting);
    assert_ne!(first, second);
    assert_eq!(second.len(), 1);
    let id = meeting.a;
    let description = meeting.host(id).peer.pc.local_description().unwrap().sdp;
    assert!(!description.contains(&format!(" {} typ relay", first[0].port())));
    assert!(description.contains(&format!(" {} typ relay", second[0].port())));
    assert!(is_connected(meeting.host(id)));
}

fn relayed(meeting: &Meeting) -> Vec<std::net::SocketAddr> {
    let stats = meeting.host(meeting.a).peer.pc.stats(meeting.world.now());
    let relays = stats.relays.into_iter();
    relays.flat_map(|relay| relay.relayed).collect()
}

/// T-4: a close deletes the allocation, after the farewell went through it.
#[test]
fn closing_says_farewell_through_the_relay_and_deletes_the_allocation() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
    };
    let mut meeting = Meeting::new(8, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let now = meeting.world.now();
    let (a, b) = (meeting.a, meeting.b);
    meeting.host_mut(a).peer.pc.close(now);
    meeting.world.run_for(Duration::from_secs(5));
    let has_closed = |event: &Event| matches!(event, Event::Closed(_));
    assert!(meeting.host(b).peer.events.iter().any(has_closed));
    let now = meeting.world.now();
    assert_eq!(meeting.turn().allocations(now), 0);
}

/// A server that lets nobody through to a peer costs no time: its pairs fail, and others are used.
#[test]
fn a_peer_that_the_relay_may_not_reach_is_reached_directly() {
    let change = with(&["turn:203.0.113.1"]);
    let mut meeting = Meeting::new(9, access(), [None, None], change);
    let everybody = [[198, 51, 100, 1], [198, 51, 100, 2], [203, 0, 113, 1]];
    meeting.turn().forbidden = everybody.map(Into::into).to_vec();
    assert!(meeting.connect().is_some());
    for id in [meeting.a, meeting.b] {
        assert_eq!(meeting.kind_of(id), "direct");
    }
    assert_eq!(meeting.turn().indications, 0);
}

/// The end of candidates waits ten seconds for a server that is silent, and the call does not.
#[test]
fn a_silent_server_holds_up_the_end_of_candidates_for_ten_seconds_only() {
    let change = with(&["turn:203.0.113.9"]);
    let mut meeting = Meeting::new(10, access(), [None, None], change);
    let gathered = meeting.gather(Duration::from_secs(60)).unwrap();
    assert!(gathered <= Duration::from_secs(10), "{gathered:?}");
    meeting.introduce();
    let time = meeting.run_until_both(Duration::from_secs(20), is_connected);
    assert!(time.unwrap() <= 6 * ROUND_TRIP);
}

/// T-17: the socket to the server breaks, and the address on it stays, with the path through it.
#[test]
fn a_relay_outlives_its_socket_where_the_server_allows_it() {
    for uri in ["turn:203.0.113.1", "turn:203.0.113.1?transport=tcp"] {
        let change = |config: &mut Config| {
            config.ice_servers = vec![turn(uri)];
            config.ice_policy = ice::Policy::Relay;
            config.relay_mobility = true;
        };
        let mut meeting = Meeting::new(11, access(), [None, None], change);
        assert!(meeting.connect().is_some());
        let (before, id, now) = (relayed(&meeting), meeting.a, meeting.world.now());
        meeting.host_mut(id).break_relay(now);
        talk(&mut meeting, 10_000);
        assert_eq!(relayed(&meeting), before);
        assert_eq!(meeting.host(id).opened.len(), 2);
        assert_eq!(meeting.turn().count(Method::ALLOCATE), 2);
    }
}

/// T-3: without that the address is given up, and another one is got a second later.
#[test]
fn a_relay_whose_socket_breaks_is_replaced() {
    let change = with(&["turn:203.0.113.1?transport=tcp"]);
    let mut meeting = Meeting::new(12, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let (before, id, now) = (relayed(&meeting), meeting.a, meeting.world.now());
    meeting.host_mut(id).break_relay(now);
    meeting.world.run_for(Duration::from_secs(2));
    let after = relayed(&meeting);
    assert_eq!(after.len(), 1);
    assert_ne!(before, after);
    talk(&mut meeting, 1_000);
}

/// T-8: what one connection was asked the next one answers at once.
#[test]
fn a_challenge_that_is_handed_on_saves_a_round_trip() {
    let change = with(&["turn:203.0.113.1"]);
    let mut meeting = Meeting::new(13, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let challenge = meeting
        .host(meeting.a)
        .peer
        .events
        .iter()
        .find_map(|event| match event {
            Event::RelayChallenge {
                host,
                username,
                challenge,
            } => {
                assert_eq!((host.as_str(), username.as_str()), ("203.0.113.1", "alice"));
                Some(challenge.clone())
            }
            _ => None,
        });
    let challenge = challenge.unwrap();
    let change = |config: &mut Config| {
        config.ice_policy = ice::Policy::Relay;
        config.ice_servers = vec![turn("turn:203.0.113.1").with_challenge((*challenge).clone())];
    };
    let mut meeting = Meeting::new(14, access(), [None, None], change);
    let gathered = meeting.gather(Duration::from_secs(5)).unwrap();
    assert_eq!(gathered, ROUND_TRIP);
    assert_eq!(meeting.turn().challenged, 0);
}

/// T-11: a name is resolved by the driver, and both addresses of the server are tried.
#[test]
fn the_name_of_a_server_is_asked_for_and_both_its_addresses_are_tried() {
    let now = netsim::epoch();
    let mut config = support::config_a(15);
    config.ice_servers = vec![turn("turn:turn.example.org?transport=tcp")];
    config.ice_policy = ice::Policy::Relay;
    let mut pc = peer::PeerConnection::new(config, now).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| pc.poll_event()).collect();
    assert!(events.contains(&Event::ResolveName("turn.example.org".into())));
    assert!(pc.is_gathering());
    let addresses = ["2001:db8::1".parse().unwrap(), [203, 0, 113, 5].into()];
    pc.on_resolved(now, "turn.example.org", &addresses);
    pc.handle_timeout(now + Duration::from_millis(250));
    let servers: Vec<_> = std::iter::from_fn(|| pc.poll_event())
        .filter_map(|event| match event {
            Event::OpenRelaySocket(socket) => {
                assert_eq!(socket.domain, "turn.example.org");
                Some(socket.server.to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(servers, ["[2001:db8::1]:3478", "203.0.113.5:3478"]);
}

/// T-16: a new password of the same user changes nothing else; another user gets addresses of his own.
#[test]
fn credentials_are_replaced_in_the_middle_of_a_call() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
    };
    let mut meeting = Meeting::new(16, access(), [None, None], change);
    assert!(meeting.connect().is_some());
    let (id, now, first) = (meeting.a, meeting.world.now(), relayed(&meeting));
    let set = |meeting: &mut Meeting, now, user: &str| {
        let pc = &mut meeting.host_mut(id).peer.pc;
        pc.set_relay_credentials(now, "203.0.113.1", user, "renewed")
    };
    // The server takes the new password alone from now on: whoever goes on with the old one loses his addresses.
    meeting.turn().password = "renewed".to_owned();
    set(&mut meeting, now, "alice").unwrap();
    let b = meeting.b;
    let pc = &mut meeting.host_mut(b).peer.pc;
    pc.set_relay_credentials(now, "203.0.113.1", "alice", "renewed")
        .unwrap();
    meeting.world.run_for(Duration::from_secs(1_300));
    talk(&mut meeting, 1_000);
    assert_eq!(relayed(&meeting), first);
    let now = meeting.world.now();
    meeting.turn().users.push("bob".to_owned());
    set(&mut meeting, now, "bob").unwrap();
    meeting.world.run_for(Duration::from_secs(5));
    let second = relayed(&meeting);
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
    let now = meeting.world.now();
    assert_eq!(meeting.turn().allocations(now), 2);
    let pc = &mut meeting.host_mut(id).peer.pc;
    let unknown = pc.set_relay_credentials(now, "203.0.113.2", "bob", "secret");
    assert_eq!(unknown, Err(peer::RelayCredentialsError::UnknownHost));
}

/// M-1, T-18: the search for the size of the path goes through the relay, and leaves room for its envelope.
#[test]
fn packets_through_a_relay_grow_to_what_its_envelope_leaves() {
    let change = |config: &mut Config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
        config.ice_policy = ice::Policy::Relay;
        config.path_mtu = Some(ice::path_mtu::PathMtuConfig::default());
    };
    let mut link = access();
    link.mtu_bytes = 1_500;
    let mut meeting = Meeting::new(17, link, [None, None], change);
    assert!(meeting.connect().is_some());
    meeting.world.run_for(Duration::from_secs(2));
    for id in [meeting.a, meeting.b] {
        let budget = meeting.host(id).peer.pc.path_budget();
        assert_eq!(budget.payload_bytes(), 1_472 - 96);
    }
    talk(&mut meeting, 100_000);
}
