//! Reliabilities, priorities, limits and counters.

use std::time::Duration;

use sctp::{Ppid, SendOptions, StreamId};

use super::Scene;
use crate::data::dcep::{self, Reliability};
use crate::data::{DataChannelInit, Priority};
use crate::event::{ChannelCloseCause, Event, Initiator};

/// C-6, C-11
#[test]
fn an_open_says_the_reliability_and_the_priority_that_were_asked_for() {
    let kinds = [
        (true, Reliability::Reliable, Priority::Low, [0x00, 1, 0], 0),
        (
            true,
            Reliability::MaxRetransmits(3),
            Priority::High,
            [0x01, 4, 0],
            3,
        ),
        (
            true,
            Reliability::MaxLifetime(500),
            Priority::VeryLow,
            [0x02, 0, 128],
            500,
        ),
        (
            false,
            Reliability::Reliable,
            Priority::Medium,
            [0x80, 2, 0],
            0,
        ),
        (
            false,
            Reliability::MaxRetransmits(0),
            Priority::Low,
            [0x81, 1, 0],
            0,
        ),
        (
            false,
            Reliability::MaxLifetime(65_535),
            Priority::Low,
            [0x82, 1, 0],
            65_535,
        ),
    ];
    for (ordered, reliability, priority, head, parameter) in kinds {
        let mut scene = Scene::new();
        let id = scene.we_open(DataChannelInit {
            ordered,
            reliability,
            priority,
            ..DataChannelInit::default()
        });
        let stream = scene.stream(id);
        let open = scene.theirs.recv(scene.now, stream).unwrap();
        assert_eq!(open.data[1..4], head);
        assert_eq!(open.data[4..8], u32::to_be_bytes(parameter));
    }
}

/// C-6: the channel of the peer sends as the peer's OPEN says.
#[test]
fn a_channel_of_the_peer_has_the_reliability_of_its_open() {
    let mut scene = Scene::new();
    let mut open = Vec::new();
    dcep::Message::Open(dcep::Open {
        ordered: false,
        reliability: Reliability::MaxRetransmits(0),
        priority: 1_024,
        label: "theirs".into(),
        protocol: String::new(),
    })
    .encode(&mut open);
    scene.they_send(0, 50, &open);
    let (&id, channel) = scene.channels.channels.first_key_value().unwrap();
    assert!(!channel.ordered);
    assert_eq!(channel.reliability, Reliability::MaxRetransmits(0));
    scene.run();
    scene.theirs.recv(scene.now, StreamId::new(0)).unwrap();
    for number in 0..10 {
        scene.we_send(id, &[number; 1_000]);
    }
    // Each of these fills a packet; every other one is lost, and none is sent again.
    scene.run_losing(|number| number % 2 == 0 && number <= 10);
    let mut arrived = 0;
    while scene.theirs.recv(scene.now, StreamId::new(0)).is_some() {
        arrived += 1;
    }
    assert!((1..10).contains(&arrived), "{arrived} arrived");
    let now = scene.now;
    let stats = scene.channels.stats(now, Some(&scene.ours));
    assert_eq!(stats[0].abandoned_messages, 10 - arrived);
}

/// C-3: data before the ACK goes in order, on an unordered channel too, or it could overtake its OPEN.
#[test]
fn an_unordered_channel_sends_in_order_until_the_peer_is_heard() {
    // An ACK, or data that came before it.
    for (ppid, word) in [(50, &[2][..]), (53, b"data")] {
        let mut scene = Scene::new();
        let init = DataChannelInit {
            ordered: false,
            ..DataChannelInit::default()
        };
        let id = scene.channels.create("ours", init).unwrap();
        scene.settle();
        scene.we_send(id, b"first");
        let stream = scene.stream(id);
        scene.run();
        scene.theirs.recv(scene.now, stream).unwrap();
        let first = scene.theirs.recv(scene.now, stream).unwrap();
        assert_eq!(first.ordering, sctp::Ordering::Ordered);
        scene.they_send(stream.get(), ppid, word);
        scene.we_send(id, b"second");
        scene.run();
        let second = scene.theirs.recv(scene.now, stream).unwrap();
        assert_eq!(second.ordering, sctp::Ordering::Unordered, "{ppid}");
    }
}

/// Transport 5.3 no. 12, C-3: one flight carries both.
#[test]
fn a_channel_on_an_established_association_sends_its_first_byte_with_its_open() {
    let mut scene = Scene::new();
    let id = scene
        .channels
        .create("ours", DataChannelInit::default())
        .unwrap();
    scene.settle();
    assert!(scene.said.0.contains(&Event::DataChannelOpened(id)));
    scene.we_send(id, b"first");
    let stream = scene.stream(id);
    let mut packet = Vec::new();
    scene.ours.poll_transmit(scene.now, &mut packet).unwrap();
    scene.theirs.handle_datagram(scene.now, &packet);
    assert_eq!(
        scene.theirs.recv(scene.now, stream).unwrap().ppid,
        Ppid::new(50)
    );
    assert_eq!(
        scene.theirs.recv(scene.now, stream).unwrap().data[..],
        *b"first"
    );
}

/// C-12: both sides know of it: nothing is said of it, and it is open.
#[test]
fn an_agreed_channel_is_open_at_once_and_says_nothing() {
    let mut scene = Scene::new();
    let init = DataChannelInit {
        negotiated: Some(7),
        ..DataChannelInit::default()
    };
    let id = scene.channels.create("agreed", init).unwrap();
    scene.settle();
    assert!(scene.said.0.contains(&Event::DataChannelOpened(id)));
    scene.run();
    assert_eq!(scene.theirs.next_readable(), None);
    scene.we_send(id, b"first");
    scene.run();
    let first = scene.theirs.recv(scene.now, StreamId::new(7)).unwrap();
    assert_eq!(
        (first.ppid, &first.data[..]),
        (Ppid::new(53), &b"first"[..])
    );
}

/// C-11: with I-DATA chunks take turns by weight.
#[test]
fn a_channel_of_high_priority_gets_eight_times_as_much_as_one_of_very_low() {
    let mut scene = Scene::new();
    let [high, low] = [Priority::High, Priority::VeryLow].map(|priority| {
        scene.we_open(DataChannelInit {
            priority,
            ..DataChannelInit::default()
        })
    });
    for _ in 0..20 {
        scene.we_send(low, &[0; 50_000]);
        scene.we_send(high, &[0; 50_000]);
    }
    let streams = [scene.stream(high), scene.stream(low)];
    let before = streams.map(|stream| scene.ours.buffered_bytes(stream));
    // As much as half of what the high one has.
    let mut packet = Vec::new();
    while scene.ours.buffered_bytes(streams[0]) > before[0] / 2 {
        scene.now += Duration::from_millis(1);
        while scene.ours.poll_transmit(scene.now, &mut packet).is_some() {
            scene.theirs.handle_datagram(scene.now, &packet);
            packet.clear();
        }
        scene.theirs.handle_timeout(scene.now);
        while scene.theirs.poll_transmit(scene.now, &mut packet).is_some() {
            scene.ours.handle_datagram(scene.now, &packet);
            packet.clear();
        }
        scene.ours.handle_timeout(scene.now);
        for stream in streams {
            while scene.theirs.recv(scene.now, stream).is_some() {}
        }
    }
    let sent = [0, 1].map(|n| before[n] - scene.ours.buffered_bytes(streams[n]));
    let ratio = sent[0] as f64 / sent[1] as f64;
    assert!((6.0..10.0).contains(&ratio), "{sent:?}");
}

/// P-36: a reader who is late loses its own channel, and the others go on.
#[test]
fn a_channel_beyond_its_limit_closes_and_the_others_go_on() {
    let mut scene = Scene::new();
    scene.they_open(0, "late");
    scene.they_open(2, "quick");
    let late = *scene.channels.channels.keys().next().unwrap();
    scene
        .channels
        .set_receive_limit(late, Some(10_000), Some(&mut scene.ours));
    for _ in 0..20 {
        scene.they_send(0, 53, &[0; 1_000]);
    }
    scene.they_send(2, 51, b"still here");
    scene.run();
    let reason = scene.closed(late).unwrap();
    assert_eq!(reason.cause, ChannelCloseCause::Unread);
    assert_eq!(scene.resets, [0]);
    assert!(scene.read().contains(&crate::Message::from("still here")));
}

/// P-36: where messages may get lost they do, instead of the channel.
#[test]
fn an_unreliable_channel_beyond_its_limit_loses_messages_and_lives() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit {
        ordered: false,
        reliability: Reliability::MaxRetransmits(0),
        ..DataChannelInit::default()
    });
    scene
        .channels
        .set_receive_limit(id, Some(5_000), Some(&mut scene.ours));
    let stream = scene.stream(id);
    for _ in 0..20 {
        let options = SendOptions::unordered();
        scene
            .theirs
            .send(scene.now, stream, Ppid::new(53), &[0; 1_000], options)
            .unwrap();
        scene.run();
    }
    let read = scene.read().len();
    assert!((4..10).contains(&read), "{read} of 20");
    assert_eq!(scene.closed(id), None);
}

/// C-10
#[test]
fn a_low_buffer_is_told_once_each_time_it_falls_to_the_threshold() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let low = Event::DataChannelBufferedAmountLow(id);
    let count = |scene: &Scene| scene.said.0.iter().filter(|event| **event == low).count();
    scene.we_send(id, &[0; 100_000]);
    scene.run();
    assert_eq!(count(&scene), 0, "nobody asked");
    scene
        .channels
        .set_low_threshold(id, 20_000, Some(&mut scene.ours));
    for times in 1..=3 {
        scene.we_send(id, &[0; 100_000]);
        scene.run();
        assert_eq!(count(&scene), times);
        // Below the threshold all along: no edge.
        scene.we_send(id, &[0; 10_000]);
        scene.run();
        assert_eq!(count(&scene), times);
    }
}

/// C-16
#[test]
fn statistics_tell_what_a_channel_sent_repeated_and_holds() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    for _ in 0..10 {
        scene.we_send(id, &[0; 5_000]);
    }
    scene.run_losing(|number| number == 3);
    scene.we_send(id, &[0; 200_000]);
    scene.now += Duration::from_secs(1);
    let stats = &scene.channels.stats(scene.now, Some(&scene.ours))[0];
    assert_eq!((stats.messages_sent, stats.bytes_sent), (11, 250_000));
    assert!(stats.retransmitted_chunks > 0);
    assert_eq!(stats.buffered_amount, 200_000);
    assert_eq!(stats.oldest_buffered, Some(Duration::from_secs(1)));
    scene.they_send(scene.stream(id).get(), 53, &[0; 700]);
    let stats = &scene.channels.stats(scene.now, Some(&scene.ours))[0];
    assert_eq!(stats.messages_received, 0);
    assert_eq!(scene.read().len(), 1);
    let stats = &scene.channels.stats(scene.now, Some(&scene.ours))[0];
    assert_eq!((stats.messages_received, stats.bytes_received), (1, 700));
}

/// C-1: the label and the protocol together have a limit, both ways.
#[test]
fn texts_beyond_64_kib_are_refused_both_ways() {
    let mut scene = Scene::new();
    let init = DataChannelInit {
        protocol: "x".repeat(30_000),
        ..DataChannelInit::default()
    };
    let refused = scene.channels.create(&"y".repeat(36_000), init.clone());
    assert_eq!(refused, Err(crate::CreateDataChannelError::TextTooLong));
    assert!(scene.channels.create(&"y".repeat(35_000), init).is_ok());
    let mut open = Vec::new();
    dcep::Message::Open(dcep::Open {
        ordered: true,
        reliability: Reliability::Reliable,
        priority: 256,
        label: "y".repeat(60_000),
        protocol: "x".repeat(60_000),
    })
    .encode(&mut open);
    scene.they_send(0, 50, &open);
    assert_eq!(scene.resets, [0]);
}

/// C-17
#[test]
fn what_ends_the_association_is_the_reason_of_every_channel() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let now = scene.now;
    scene.theirs.abort(now);
    let mut packet = Vec::new();
    scene.theirs.poll_transmit(now, &mut packet).unwrap();
    scene.ours.handle_datagram(now, &packet);
    let ended = std::iter::from_fn(|| scene.ours.poll_event())
        .any(|event| matches!(event, sctp::Event::Closed(_)));
    assert!(ended);
    let cause = ChannelCloseCause::AssociationClosed;
    let reason = crate::ChannelCloseReason::new(Initiator::Remote, cause);
    scene.channels.close_all(reason, &mut scene.said);
    assert_eq!(scene.closed(id), Some(reason));
    assert!(scene.channels.channels.is_empty());
}
