//! Permissions, channels and the data that they let through.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_turn::{BindError, Event, Refusal, SendError, State};
use net::{Datagram, Path, StreamId, Transport};
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Profile, Side};
use stun::{ErrorCode, Method};
use support::*;

#[test]
fn permissions_asked_for_early_go_out_together_when_the_relay_stands() {
    let mut pair = allocating(Profile::Clean, 1, config(1), Habits::default());
    for number in 1..=10 {
        pair.a_mut()
            .client
            .create_permission(peer(number).ip())
            .unwrap();
    }
    pair.run_for(Duration::from_millis(160));
    assert_eq!(pair.b().batches, [10]);
    assert_eq!(
        pair.a()
            .count(|it| matches!(it, Event::PermissionInstalled(_))),
        10
    );
}

#[test]
fn one_forbidden_peer_does_not_cost_the_others_their_permission() {
    let habits = Habits {
        forbidden: vec![peer(2).ip()],
        ..Habits::default()
    };
    let mut pair = allocated(habits);
    for number in 1..=3 {
        pair.a_mut()
            .client
            .create_permission(peer(number).ip())
            .unwrap();
    }
    pair.run_for(Duration::from_secs(2));
    assert_eq!(
        pair.a()
            .count(|it| matches!(it, Event::PermissionInstalled(_))),
        2
    );
    let refusal = Event::PermissionRefused(peer(2).ip(), Refusal::Code(ErrorCode::FORBIDDEN));
    assert!(pair.a().events.contains(&refusal));
}

#[test]
fn data_goes_in_indications_at_first_and_on_the_channel_then() {
    let mut pair = permitted(Habits::default());
    pair.a_mut().say(peer(1), b"hello");
    pair.run_for(Duration::from_secs(1));
    assert_eq!((pair.b().indications, pair.b().channel_messages), (1, 0));
    pair.a_mut().client.bind_channel(peer(1)).unwrap();
    pair.run_for(Duration::from_secs(1));
    pair.a_mut().say(peer(1), b"again");
    pair.run_for(Duration::from_secs(1));
    assert_eq!((pair.b().indications, pair.b().channel_messages), (1, 1));
    assert_eq!(pair.pulled(Side::A), [b"hello".to_vec(), b"again".to_vec()]);
}

#[test]
fn data_flows_across_hours_of_refreshed_permissions_and_channels() {
    let mut pair = permitted(Habits::default());
    pair.a_mut().client.bind_channel(peer(2)).unwrap();
    pair.run_for(Duration::from_secs(1));
    let mut sent = 0;
    for _ in 0..120 {
        pair.run_for(Duration::from_secs(61));
        pair.a_mut().say(peer(1), b"by indication");
        pair.a_mut().say(peer(2), b"by channel");
        sent += 2;
    }
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.pulled(Side::A).len(), sent);
    assert_eq!(
        pair.a().count(|it| matches!(it, Event::ChannelBound(..))),
        1,
        "news once"
    );
    assert!(
        pair.b().count(Method::CHANNEL_BIND) >= 24,
        "at least every 300 s"
    );
}

/// T-5: a permission after 240 s, a channel after 300 s, with the permission that came with it.
#[test]
fn permissions_are_asked_for_after_240_seconds_and_channels_after_300() {
    for (with_channel, permissions, channels) in [
        (false, vec![0, 240, 480, 720, 960], vec![]),
        (true, vec![240, 540, 840], vec![0, 300, 600, 900]),
    ] {
        let mut pair = allocated(Habits::default());
        let start = pair.now();
        let client = &mut pair.a_mut().client;
        match with_channel {
            true => client.bind_channel(peer(1)).unwrap(),
            false => client.create_permission(peer(1).ip()).unwrap(),
        }
        pair.run_for(Duration::from_secs(1_000));
        let seconds = |method| -> Vec<u64> {
            let times = pair.b().times(method, start);
            times.iter().map(Duration::as_secs).collect()
        };
        assert_eq!(seconds(Method::CREATE_PERMISSION), permissions);
        assert_eq!(seconds(Method::CHANNEL_BIND), channels);
    }
}

/// S-15: sixteen requests are outstanding at most; the others wait for their turn, and none is lost.
#[test]
fn sixteen_requests_are_outstanding_and_the_others_wait() {
    let mut pair = allocated(Habits::default());
    for number in 1..=64 {
        pair.a_mut().client.bind_channel(peer(number)).unwrap();
    }
    assert_eq!(
        pair.a_mut().client.bind_channel(peer(65)),
        Err(BindError::Full)
    );
    let before = pair.b().seen.len();
    pair.run_for(Duration::from_millis(30));
    assert_eq!(pair.b().seen.len() - before, 16);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().seen.len() - before, 64);
    assert_eq!(
        pair.a().count(|it| matches!(it, Event::ChannelBound(..))),
        64
    );
}

/// T-12: on a datagram ChannelData is as long as its payload and four bytes; on a stream it is filled up to a multiple of four.
#[test]
fn channel_data_is_padded_on_streams_only() {
    let stream = Path {
        transport: Transport::Stream(StreamId::new(1)),
        ..path()
    };
    for (way, expected) in [(path(), 9), (stream, 12)] {
        let mut host = Host::new(config(1));
        host.client.allocate(way).unwrap();
        let mut pair = netsim::Pair::on(Profile::Clean, 1, host, Server::new(Habits::default()));
        assert!(pair.run_until(Duration::from_secs(5), is_allocated));
        pair.a_mut().client.bind_channel(peer(1)).unwrap();
        pair.run_for(Duration::from_secs(1));
        let mut buf = Vec::new();
        let sealed = pair.a_mut().client.send(&mut buf, peer(1), b"hello");
        sealed.unwrap().unwrap();
        assert_eq!(buf.len(), expected);
        assert_eq!(&buf[..9], b"\x40\x00\x00\x05hello");
        // T-18: what is said of the cost is enough, and not a byte more than padding may need.
        let overhead = pair.a().client.overhead(peer(1));
        assert_eq!(overhead, if way == path() { 4 } else { 7 });
    }
}

#[test]
fn nothing_is_sent_to_a_peer_without_a_permission() {
    let mut pair = allocated(Habits::default());
    let mut buf = b"prefix".to_vec();
    let refused = pair.a_mut().client.begin(&mut buf, peer(1)).unwrap_err();
    assert_eq!(refused, SendError::NoPermission);
    assert_eq!(buf, b"prefix");
    let mut host = Host::new(config(2));
    let refused = host.client.begin(&mut buf, peer(1)).unwrap_err();
    assert_eq!(refused, SendError::NotAllocated);
}

#[test]
fn t_09_data_of_peers_without_a_permission_is_dropped() {
    let mut pair = permitted(Habits::default());
    pair.inject(Side::A, path(), &data_indication(peer(2), b"who are you?"));
    pair.inject(Side::A, path(), &[0x40, 0, 0, 2, b'h', b'i']);
    pair.inject(
        Side::A,
        Path::udp(ADDRESS_A, peer(3)),
        &data_indication(peer(1), b"forged"),
    );
    pair.run_for(Duration::from_secs(1));
    assert!(pair.pulled(Side::A).is_empty());
    let drops = pair.a().client.stats().drops;
    assert_eq!(
        (drops.no_permission, drops.no_channel, drops.foreign),
        (1, 1, 1)
    );
}

#[test]
fn data_that_overtakes_the_answer_to_a_request_is_delivered() {
    let mut pair = allocated(Habits::default());
    let client = &mut pair.a_mut().client;
    client.create_permission(peer(1).ip()).unwrap();
    client.bind_channel(peer(2)).unwrap();
    let early = [
        data_indication(peer(1), b"indication"),
        vec![0x40, 0, 0, 2, b'h', b'i'],
    ];
    for bytes in &early {
        pair.inject(Side::A, path(), bytes);
    }
    assert_eq!(
        pair.a().client.stats().messages_received,
        0,
        "not asked yet"
    );
    pair.run_for(Duration::from_millis(1));
    for bytes in &early {
        pair.inject(Side::A, path(), bytes);
    }
    assert_eq!(pair.a().client.stats().messages_received, 2);
}

#[test]
fn data_is_delivered_where_it_stands() {
    let mut pair = permitted(Habits::default());
    pair.a_mut().client.bind_channel(peer(1)).unwrap();
    pair.run_for(Duration::from_secs(1));
    let now = pair.now();
    let indication = data_indication(peer(1), b"abcde");
    let channel_data = b"\x40\x00\x00\x05abcde".to_vec();
    for mut bytes in [indication, channel_data] {
        let range = bytes.as_ptr_range();
        let mut seen = Vec::new();
        let datagram = Datagram::new(path(), &mut bytes);
        let client = &mut pair.a_mut().client;
        let heap = allocation_counter::measure(|| {
            client.handle_datagram_with(now, datagram, |_, data| {
                assert!(range.contains(&data.as_ptr()));
            });
        });
        assert_eq!(heap.count_total, 0);
        let datagram = Datagram::new(path(), &mut bytes);
        client.handle_datagram_with(now, datagram, |from, data| seen.push((from, data.to_vec())));
        assert_eq!(seen, [(peer(1), b"abcde".to_vec())]);
    }
}

#[test]
fn a_message_is_sealed_around_its_payload_and_costs_what_overhead_says() {
    let mut pair = permitted(Habits::default());
    let client = &mut pair.a_mut().client;
    let mut buf = b"prefix".to_vec();
    let mark = client.begin(&mut buf, peer(1)).unwrap();
    assert_eq!(buf.len(), 6 + 36);
    buf.extend_from_slice(b"12345");
    client.seal(&mut buf, mark).unwrap();
    assert_eq!(buf.len(), 6 + 36 + 8);
    assert!(buf.len() - 6 - 5 <= client.overhead(peer(1)));
    let message = stun::Message::decode(&buf[6..]).unwrap();
    assert_eq!(message.data(), Some(&b"12345"[..]));
    assert_eq!(message.xor_peer_address(), Ok(Some(peer(1))));
    let mark = client.begin(&mut buf, peer(1)).unwrap();
    client.abandon(&mut buf, mark);
    assert_eq!(buf.len(), 6 + 36 + 8);
    let mark = client.begin(&mut buf, peer(1)).unwrap();
    buf.resize(buf.len() + 65_536, 0);
    assert!(client.seal(&mut buf, mark).is_err());
    assert_eq!(buf.len(), 6 + 36 + 8);
}

#[test]
fn a_number_stays_with_its_peer_until_nobody_can_know_it_any_more() {
    let mut pair = permitted(Habits::default());
    let bind = |pair: &mut Relayed, number| {
        pair.a_mut().client.bind_channel(peer(number)).unwrap();
        pair.run_for(Duration::from_secs(1));
        let found = pair.a().events.iter().rev().find_map(|event| match event {
            Event::ChannelBound(to, channel) if *to == peer(number) => Some(channel.get()),
            _ => None,
        });
        found.unwrap()
    };
    assert_eq!(bind(&mut pair, 1), 0x4000);
    let now = pair.now();
    pair.a_mut().client.release_channel(now, peer(1));
    assert_eq!(bind(&mut pair, 2), 0x4001);
    pair.run_for(Duration::from_secs(880));
    assert_eq!(bind(&mut pair, 3), 0x4002, "900 s are not over");
    pair.run_for(Duration::from_secs(40));
    assert_eq!(bind(&mut pair, 4), 0x4000);
}

#[test]
fn a_refused_channel_is_told_and_data_goes_on_in_indications() {
    let mut pair = permitted(Habits {
        forbidden: vec![peer(5).ip()],
        ..Habits::default()
    });
    pair.a_mut().client.bind_channel(peer(5)).unwrap();
    pair.run_for(Duration::from_secs(1));
    let refusal = Event::ChannelRefused(peer(5), Refusal::Code(ErrorCode::FORBIDDEN));
    assert!(pair.a().events.contains(&refusal));
    assert_eq!(pair.a().client.state(), State::Allocated);
}

#[test]
fn a_stale_nonce_in_the_middle_is_answered_for_every_request() {
    let mut pair = permitted(Habits::default());
    pair.b_mut().go_stale(2);
    pair.a_mut().client.create_permission(peer(7).ip()).unwrap();
    pair.a_mut().client.bind_channel(peer(8)).unwrap();
    pair.run_for(Duration::from_secs(2));
    assert!(pair.has_event(Side::A, "PermissionInstalled(192.0.2.7)"));
    assert!(pair.has_event(Side::A, "ChannelBound(192.0.2.8"));
}

/// The same server behind a stream that is cut in any way.
#[test]
fn a_stream_is_framed_both_ways_however_it_is_cut() {
    for piece in [1, 3, 7, 100] {
        let stream = Path {
            transport: Transport::Stream(StreamId::new(1)),
            ..path()
        };
        let mut host = Host::new(config(3));
        host.client.allocate(stream).unwrap();
        host.client.create_permission(peer(1).ip()).unwrap();
        host.client.bind_channel(peer(1)).unwrap();
        let mut server = Server::new(Habits::default());
        let now = netsim::Pair::new(Host::new(config(4)), Server::default()).now();
        let mut said = false;
        for _ in 0..20 {
            let bound = host
                .events
                .iter()
                .any(|it| matches!(it, Event::ChannelBound(..)));
            if bound && !std::mem::replace(&mut said, true) {
                host.say(peer(1), b"hello");
                host.say(peer(1), b"");
            }
            let mut sent = Vec::new();
            while host.poll_transmit(now, &mut sent).is_some() {}
            assert_eq!(sent.len() % 4, 0, "frames are padded");
            let mut reader = stun::FrameReader::new(avocet_turn::measure_frame);
            let handle = |frame: &mut [u8]| {
                server.handle_datagram(now, Datagram::new(stream.reversed(), frame));
            };
            reader.read(&mut sent, handle).unwrap();
            let mut answered = Vec::new();
            while server.poll_transmit(now, &mut answered).is_some() {}
            for piece in answered.chunks_mut(piece) {
                host.handle_datagram(now, Datagram::new(stream, piece));
            }
            while host.poll_event().is_some() {}
        }
        assert_eq!(host.pull(now), Some(b"hello".to_vec()));
        assert_eq!(host.pull(now), Some(Vec::new()));
    }
}

#[test]
fn a_stream_that_is_not_turn_ends_the_client() {
    let stream = Path::udp(ADDRESS_A, ADDRESS_B);
    let stream = Path {
        transport: Transport::Stream(StreamId::new(1)),
        ..stream
    };
    let mut pair = allocated(Habits::default());
    let now = pair.now();
    let mut host = Host::new(config(3));
    host.client.allocate(stream).unwrap();
    let mut bytes = b"SSH-2.0-OpenSSH_10.0\r\n".to_vec();
    host.client
        .handle_datagram(now, Datagram::new(stream, &mut bytes));
    assert_eq!(host.client.state(), State::Closed);
    pair.run_for(Duration::from_secs(1));
}
