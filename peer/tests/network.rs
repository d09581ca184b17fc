//! What the network around a connection does to it: sizes of paths, policies, servers, names, addresses.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use avocet_peer as peer;
use ice::path_mtu::PathMtuConfig;
use netsim::{ADDRESS_A, ADDRESS_B, LinkConfig, Pair, Verdict};
use peer::{
    CongestionAlgorithm, ConnectionState, DataChannelInit, Event, IceServer, Message,
    PeerConnection,
};
use support::{Peer, config_a, config_b, negotiate};

/// Two connections that search for the size of their path, on a link that drops IP packets above `mtu` bytes.
fn connected(mtu: usize) -> Pair<Peer> {
    let (mut a, mut b) = (config_a(1), config_b(1));
    a.path_mtu = Some(PathMtuConfig::default());
    b.path_mtu = Some(PathMtuConfig::default());
    let (mut a, mut b) = support::with_addresses(a, b);
    a.pc.create_data_channel(netsim::epoch(), "test", DataChannelInit::default())
        .unwrap();
    negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
    let mut link = LinkConfig::delayed(Duration::from_millis(25));
    link.mtu_bytes = mtu;
    let mut pair = Pair::over(link, 1, a, b);
    let connected = |pair: &Pair<Peer>| {
        let is_connected = |peer: &Peer| peer.pc.connection_state() == ConnectionState::Connected;
        is_connected(pair.a()) && is_connected(pair.b()) && !pair.b().channels.is_empty()
    };
    assert!(pair.run_until(Duration::from_secs(30), connected));
    pair
}

fn packet_bytes(peer: &Peer) -> usize {
    peer.pc
        .stats(netsim::epoch())
        .sctp
        .unwrap()
        .max_datagram_bytes
}

/// M-1, M-3: the association's packets grow to what the path carries, less what DTLS takes.
#[test]
fn sctp_packets_grow_to_the_size_of_the_path() {
    let mut pair = connected(1_500);
    pair.run_for(Duration::from_secs(1));
    for peer in [pair.a(), pair.b()] {
        assert_eq!(peer.pc.path_budget().datagram_bytes, 1_472);
        let packet = packet_bytes(peer);
        assert!((1_400..1_472).contains(&packet), "{packet}");
    }
    let now = pair.now();
    let id = pair.b().channels[0];
    let message = Message::Binary(vec![7; 100_000].into());
    let mut channel = pair.b_mut().pc.data_channel(id).unwrap();
    channel.send(now, &message).unwrap();
    let arrived = |pair: &Pair<Peer>| !pair.a().messages.is_empty();
    assert!(pair.run_until(Duration::from_secs(10), arrived));
}

/// M-3: a path that shrinks in the middle of a call does not stop the data.
#[test]
fn data_goes_on_when_the_path_shrinks() {
    let mut pair = connected(1_500);
    pair.run_for(Duration::from_secs(1));
    let mut link = LinkConfig::delayed(Duration::from_millis(25));
    link.mtu_bytes = 1_280;
    pair.set_link(&link);
    let now = pair.now();
    let id = pair.b().channels[0];
    let message = Message::Binary(vec![7; 200_000].into());
    let mut channel = pair.b_mut().pc.data_channel(id).unwrap();
    channel.send(now, &message).unwrap();
    let found = |pair: &Pair<Peer>| pair.b().pc.path_budget().datagram_bytes <= 1_252;
    assert!(pair.run_until(Duration::from_secs(60), found));
    assert!(packet_bytes(pair.b()) <= 1_252);
}

/// I-28: what waits to be sent goes in the order of its worth: checks, then media, then data.
#[test]
fn checks_are_sent_before_media_and_media_before_data() {
    let (mut a, mut b) = support::with_addresses(config_a(9), config_b(9));
    let init = peer::TransceiverInit::default();
    let id =
        a.pc.add_transceiver(rtp::MediaKind::Audio, peer::Direction::SendRecv, init)
            .unwrap();
    let channel =
        a.pc.create_data_channel(netsim::epoch(), "test", DataChannelInit::default())
            .unwrap();
    negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
    let mut pair = Pair::over(LinkConfig::delayed(Duration::from_millis(25)), 9, a, b);
    let opened = |pair: &Pair<Peer>| pair.a().has(&Event::DataChannelOpened(channel));
    assert!(pair.run_until(Duration::from_secs(10), opened));
    pair.run_for(Duration::from_secs(1));
    // Nobody asks what is to be sent until a consent check is due, too.
    let now = pair.now() + Duration::from_secs(6);
    let pc = &mut pair.a_mut().pc;
    let message = Message::Binary(vec![7; 100].into());
    pc.data_channel(channel)
        .unwrap()
        .send(now, &message)
        .unwrap();
    let codec = &pc.transceiver(id).unwrap().send_codecs()[0];
    let packet = rtp::Packet {
        payload_type: codec.payload_type,
        payload: bytes::Bytes::from_static(b"speech"),
        ..rtp::Packet::default()
    };
    pc.send_rtp(now, id, packet).unwrap();
    pc.handle_timeout(now);
    let mut kinds = Vec::new();
    let mut buf = Vec::new();
    while pc.poll_transmit(now, &mut buf).is_some() {
        kinds.push(match buf[0] {
            0..=3 => "check",
            128..=191 => "media",
            _ => "data",
        });
        buf.clear();
    }
    let mut each = kinds.clone();
    each.dedup();
    assert_eq!(each, ["check", "media", "data"], "{kinds:?}");
}

/// RFC 8838 §16, half trickle: an offer with all its candidates, for peers of which nobody knows whether they trickle,
/// and an answer whose candidates come one by one. The offerer has nothing to say afterwards.
#[test]
fn an_offer_with_all_candidates_meets_an_answer_that_trickles() {
    let now = netsim::epoch();
    let (mut a, mut b) = (Peer::new(config_a(8)), Peer::new(config_b(8)));
    a.pc.add_local_address(now, ADDRESS_A).unwrap();
    a.pc.end_of_local_addresses(now);
    a.pc.create_data_channel(now, "test", DataChannelInit::default())
        .unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let says = |peer: &Peer, what: &str| peer.pc.local_description().unwrap().sdp.contains(what);
    assert!(says(&a, "a=candidate") && says(&a, "a=end-of-candidates"));
    assert!(!says(&b, "a=candidate") && !says(&b, "a=end-of-candidates"));
    let mut pair = Pair::over(LinkConfig::delayed(Duration::from_millis(25)), 8, a, b);
    pair.run_for(Duration::from_secs(1));
    let now = pair.now();
    pair.b_mut().pc.add_local_address(now, ADDRESS_B).unwrap();
    pair.b_mut().pc.end_of_local_addresses(now);
    pair.run_for(Duration::from_millis(1));
    let trickled = |peer: &Peer| {
        let lines = peer.events.iter().filter_map(|event| match event {
            Event::IceCandidate(line) if !line.is_empty() => Some(line.clone()),
            _ => None,
        });
        lines.collect::<Vec<_>>()
    };
    assert!(trickled(pair.a()).is_empty(), "the offer held them");
    let lines = trickled(pair.b());
    assert_eq!(lines.len(), 1);
    for line in &lines {
        pair.a_mut().pc.add_ice_candidate(now, line).unwrap();
    }
    let connected = |pair: &Pair<Peer>| {
        let is_connected = |peer: &Peer| peer.pc.connection_state() == ConnectionState::Connected;
        is_connected(pair.a()) && is_connected(pair.b())
    };
    assert!(pair.run_until(Duration::from_secs(5), connected));
}

/// I-31, I-06 of the catalogue
#[test]
fn a_connection_that_may_use_relays_only_describes_no_address_of_its_own() {
    for (policy, shows) in [(ice::Policy::Relay, false), (ice::Policy::All, true)] {
        let mut config = config_a(2);
        config.ice_policy = policy;
        let now = netsim::epoch();
        let mut pc = PeerConnection::new(config, now).unwrap();
        assert_eq!(pc.add_local_address(now, ADDRESS_A).is_ok(), shows);
        pc.create_data_channel(now, "test", DataChannelInit::default())
            .unwrap();
        let offer = pc.create_offer(now).unwrap();
        assert_eq!(offer.sdp.contains("10.0.0.1"), shows);
        assert_eq!(offer.sdp.contains("a=candidate"), shows);
    }
}

/// I-32: names of servers are resolved by the driver, addresses are asked at once; the end of candidates waits.
#[test]
fn stun_servers_are_asked_once_their_names_are_resolved() {
    let now = netsim::epoch();
    let mut config = config_a(3);
    let servers = [
        "stun:stun.example.org",
        "stun:203.0.113.1",
        "turn:turn.example.org",
    ];
    config.ice_servers = servers
        .map(|uri| IceServer::new(uri.parse().unwrap()))
        .to_vec();
    let mut pc = PeerConnection::new(config, now).unwrap();
    pc.add_local_address(now, ADDRESS_A).unwrap();
    pc.end_of_local_addresses(now);
    let asked: Vec<_> = std::iter::from_fn(|| pc.poll_event())
        .filter(|event| matches!(event, Event::ResolveName(_)))
        .collect();
    assert_eq!(asked, [Event::ResolveName("stun.example.org".into())]);
    let mut targets = Vec::new();
    let mut at = now;
    for step in 0..10 {
        if step == 1 {
            let found = [[203, 0, 113, 2].into(), "2001:db8::2".parse().unwrap()];
            pc.on_resolved(at, "stun.example.org", &found);
        }
        while let Some(transmit) = pc.poll_transmit(at, &mut Vec::new()) {
            targets.push(transmit.path.remote.to_string());
        }
        at = pc.poll_timeout().unwrap_or(at + Duration::from_millis(20));
        pc.handle_timeout(at);
    }
    assert!(targets.contains(&"203.0.113.1:3478".to_owned()));
    assert!(targets.contains(&"203.0.113.2:3478".to_owned()));
}

/// I-30
#[test]
fn a_candidate_under_a_name_connects_once_the_driver_has_resolved_it() {
    const NAME: &str = "9b36eaac-bb2e-49bb-bb78-21c41c499900.local";
    let now = netsim::epoch();
    let (mut a, mut b) = (Peer::new(config_a(4)), Peer::new(config_b(4)));
    a.pc.add_local_address(now, ADDRESS_A).unwrap();
    b.pc.add_local_address_as(now, ADDRESS_B, NAME).unwrap();
    a.pc.create_data_channel(now, "test", DataChannelInit::default())
        .unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    assert!(!b.pc.local_description().unwrap().sdp.contains("10.0.0.2"));
    let asked: Vec<_> = std::iter::from_fn(|| a.pc.poll_event()).collect();
    assert!(asked.contains(&Event::ResolveName(NAME.into())));
    a.pc.on_resolved(now, NAME, &[ADDRESS_B.ip()]);
    let mut pair = Pair::over(LinkConfig::delayed(Duration::from_millis(25)), 1, a, b);
    let connected =
        |pair: &Pair<Peer>| pair.a().pc.connection_state() == ConnectionState::Connected;
    assert!(pair.run_until(Duration::from_secs(10), connected));
}

/// I-34
#[test]
fn an_address_that_goes_away_leaves_the_next_description() {
    let now = netsim::epoch();
    let mut pc = PeerConnection::new(config_a(5), now).unwrap();
    let other: std::net::SocketAddr = ([10, 0, 1, 1], 5_001).into();
    pc.add_local_address(now, ADDRESS_A).unwrap();
    pc.add_local_address(now, other).unwrap();
    pc.create_data_channel(now, "test", DataChannelInit::default())
        .unwrap();
    let offer = pc.create_offer(now).unwrap();
    pc.set_local_description(now, offer).unwrap();
    pc.on_interface(now, ice::InterfaceFact::Down(other.ip()));
    let third = ([10, 0, 2, 1], 5_001).into();
    pc.on_interface(now, ice::InterfaceFact::Up(third));
    let sdp = pc.local_description().unwrap().sdp;
    assert!(sdp.contains("10.0.0.1") && !sdp.contains("10.0.1.1") && sdp.contains("10.0.2.1"));
    let told: Vec<_> = std::iter::from_fn(|| pc.poll_event())
        .filter_map(|event| match event {
            Event::IceCandidate(line) => Some(line),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("10.0.2.1"));
}

/// I-38, M-5: what was learned of a path says nothing about the next one: its size, the congestion window, round trips.
#[test]
fn another_path_begins_without_what_was_learned_of_the_first() {
    let other: std::net::SocketAddr = ([10, 0, 1, 1], 5_001).into();
    let (mut a, mut b) = (config_a(8), config_b(8));
    a.path_mtu = Some(PathMtuConfig::default());
    b.path_mtu = Some(PathMtuConfig::default());
    let (mut a, mut b) = support::with_addresses(a, b);
    let mut now = netsim::epoch();
    a.pc.add_local_address(now, other).unwrap();
    let id =
        a.pc.create_data_channel(now, "test", DataChannelInit::default())
            .unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pcs = [a.pc, b.pc];
    // Each step everything that is on its way arrives.
    let mut step = |pcs: &mut [PeerConnection; 2]| {
        let mut under_way = Vec::new();
        for side in [0, 1] {
            let mut buf = Vec::new();
            while let Some(transmit) = pcs[side].poll_transmit(now, &mut buf) {
                let path = transmit.path.reversed();
                under_way.push((1 - side, path, std::mem::take(&mut buf)));
            }
        }
        now += Duration::from_millis(10);
        for (to, path, mut bytes) in under_way {
            pcs[to].handle_datagram(now, net::Datagram::new(path, &mut bytes));
        }
        pcs.iter_mut().for_each(|pc| pc.handle_timeout(now));
        now
    };
    for _ in 0..100 {
        step(&mut pcs);
    }
    let mut at = step(&mut pcs);
    for _ in 0..40 {
        let message = Message::Binary(vec![7; 50_000].into());
        pcs[0].data_channel(id).unwrap().send(at, &message).unwrap();
        at = step(&mut pcs);
    }
    let learned = |pc: &PeerConnection| {
        let sctp = pc.stats(netsim::epoch()).sctp.unwrap();
        (
            pc.path_budget().datagram_bytes,
            sctp.max_datagram_bytes > 1_300,
            sctp.congestion_window_bytes,
        )
    };
    let (datagram, is_large, window) = learned(&pcs[0]);
    assert_eq!((datagram, is_large), (1_472, true));
    let first = pcs[0].selected_path().unwrap();
    pcs[0].on_interface(at, ice::InterfaceFact::Down(first.local.ip()));
    assert_ne!(pcs[0].selected_path(), Some(first));
    let (datagram, is_large, less) = learned(&pcs[0]);
    assert_eq!((datagram, is_large), (1_200, false));
    assert!(less < window / 2, "{less} after {window}");
}

/// I-15
#[test]
fn numbered_nominations_are_announced_only_when_asked_for_and_connect() {
    for numbered in [[true, true], [true, false], [false, false]] {
        let (mut a, mut b) = (config_a(6), config_b(6));
        a.ice_renomination = numbered[0];
        b.ice_renomination = numbered[1];
        let (mut a, mut b) = support::with_addresses(a, b);
        a.pc.create_data_channel(netsim::epoch(), "test", DataChannelInit::default())
            .unwrap();
        negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
        for (peer, on) in [(&a, numbered[0]), (&b, numbered[1])] {
            let sdp = peer.pc.local_description().unwrap().sdp;
            let mut options = sdp.lines().filter(|line| line.starts_with("a=ice-options"));
            assert_eq!(
                options.any(|line| line.contains(" renomination")),
                on,
                "{sdp}"
            );
        }
        let mut pair = Pair::over(LinkConfig::delayed(Duration::from_millis(25)), 1, a, b);
        let connected =
            |pair: &Pair<Peer>| pair.a().pc.connection_state() == ConnectionState::Connected;
        assert!(pair.run_until(Duration::from_secs(10), connected));
    }
}

/// P-37: a transfer that is to stay behind the call does not make it wait for 200 ms in a queue.
#[test]
fn a_transfer_may_stay_behind_everything_else() {
    let queue = |algorithm| {
        let (mut a, mut b) = (config_a(1), config_b(1));
        a.data_congestion = algorithm;
        b.data_congestion = algorithm;
        a.sped = false;
        let (mut a, mut b) = support::with_addresses(a, b);
        a.pc.create_data_channel(netsim::epoch(), "test", DataChannelInit::default())
            .unwrap();
        negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
        let mut link = LinkConfig::delayed(Duration::from_millis(20));
        link.rate_bits = Some(4_000_000);
        link.queue_bytes = 100_000;
        let mut pair = Pair::over(link, 1, a, b);
        let opened = |pair: &Pair<Peer>| !pair.b().channels.is_empty();
        assert!(pair.run_until(Duration::from_secs(10), opened));
        let (now, id) = (pair.now(), pair.b().channels[0]);
        let message = Message::Binary(vec![7; 200_000].into());
        for _ in 0..8 {
            let mut channel = pair.b_mut().pc.data_channel(id).unwrap();
            channel.send(now, &message).unwrap();
        }
        pair.run_for(Duration::from_secs(3));
        let stats = pair.b().pc.stats(pair.now()).sctp.unwrap();
        assert!(stats.outstanding_bytes > 0, "it goes on");
        stats
            .round_trip
            .unwrap()
            .saturating_sub(Duration::from_millis(40))
    };
    let (ours, theirs) = (
        queue(CongestionAlgorithm::Ledbat),
        queue(CongestionAlgorithm::Cubic),
    );
    assert!(ours < Duration::from_millis(35), "{ours:?}");
    assert!(theirs > Duration::from_millis(70), "{theirs:?}");
}

/// D-10: a handshake whose path stops working repeats nothing into the void, and goes on at once when the path is back.
#[test]
fn a_handshake_waits_for_its_path_and_goes_on_at_once() {
    let (a, b) = (config_a(9), config_b(9));
    let (mut a, mut b) = support::with_addresses(a, b);
    a.pc.create_data_channel(netsim::epoch(), "test", DataChannelInit::default())
        .unwrap();
    negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
    let round_trip = Duration::from_millis(40);
    let mut pair = Pair::new(a, b);
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = Arc::clone(&is_cut);
    // First DTLS alone is lost, so that a path works and the handshake does not; then all.
    pair.network().intercept(move |packet| {
        let is_dtls = packet
            .bytes
            .first()
            .is_some_and(|first| (20..64).contains(first));
        if is_dtls || cut.load(Ordering::Relaxed) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    let both = |pair: &Pair<Peer>, state| {
        [pair.a(), pair.b()].map(|peer| peer.pc.ice_state() == state) == [true; 2]
    };
    let patience = Duration::from_secs(30);
    assert!(pair.run_until(patience, |pair| pair.a().pc.selected_path().is_some()));
    pair.run_for(Duration::from_secs(1));
    is_cut.store(true, Ordering::Relaxed);
    let disconnected = |pair: &Pair<Peer>| both(pair, ice::State::Disconnected);
    assert!(pair.run_until(patience, disconnected));
    let sent = |pair: &mut Pair<Peer>| {
        let recorded = pair.network().recorded();
        let is_dtls = |bytes: &[u8]| bytes.first().is_some_and(|first| (20..64).contains(first));
        recorded
            .iter()
            .filter(|packet| is_dtls(&packet.bytes))
            .count()
    };
    pair.network().start_recording();
    pair.run_for(Duration::from_secs(12));
    assert_eq!(sent(&mut pair), 0);
    // All passes again.
    pair.network().intercept(|_| Verdict::Pass);
    let found = |pair: &Pair<Peer>| {
        [pair.a(), pair.b()].iter().all(|peer| {
            let state = peer.pc.ice_state();
            matches!(state, ice::State::Connected | ice::State::Completed)
        })
    };
    assert!(pair.run_until(patience, found));
    let since = pair.time();
    let connected = |pair: &Pair<Peer>| {
        [pair.a(), pair.b()].map(|peer| peer.pc.connection_state())
            == [ConnectionState::Connected; 2]
    };
    assert!(pair.run_until(patience, connected));
    let took = pair.time() - since;
    assert!(took <= 2 * round_trip, "{took:?}");
}
