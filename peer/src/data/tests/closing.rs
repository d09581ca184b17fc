//! How channels end, and what is left of them.

use sctp::{Ppid, SendOptions, StreamId};

use super::Scene;
use crate::data::DataChannelInit;
use crate::event::{ChannelCloseCause, Initiator};

/// C-8: the channel ends, not the association.
#[test]
fn a_message_larger_than_announced_closes_its_channel_only() {
    let mut scene = Scene::new();
    scene.they_open(0, "large");
    scene.they_open(2, "other");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.they_send(0, 53, &vec![0; 262_145]);
    scene.run();
    let reason = scene.closed(id).unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Local, ChannelCloseCause::MessageTooLarge)
    );
    assert!(scene.ours.is_established());
    scene.they_send(2, 51, b"still here");
    assert_eq!(scene.read(), [crate::Message::from("still here")]);
    // The stream serves again.
    scene.they_open(0, "again");
    scene.they_send(0, 51, b"hello");
    assert_eq!(scene.read(), [crate::Message::from("hello")]);
}

/// C-9: a stream is free once both directions began anew, and not before.
#[test]
fn a_stream_is_not_used_again_before_both_resets_are_done() {
    let mut scene = Scene::new();
    scene.they_answer_resets = false;
    let first = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(first);
    let now = scene.now;
    scene.channels.close(
        now,
        first,
        ChannelCloseCause::Requested,
        Some(&mut scene.ours),
        &mut scene.said,
    );
    scene.run();
    assert_eq!(scene.closed(first), None);
    let second = scene.we_open(DataChannelInit::default());
    assert_ne!(scene.stream(second), stream);
    scene.theirs.reset_streams(scene.now, &[stream]).unwrap();
    scene.run();
    let reason = scene.closed(first).unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Local, ChannelCloseCause::Requested)
    );
    let third = scene.we_open(DataChannelInit::default());
    assert_eq!(scene.stream(third), stream);
}

/// C-08, E-02: ten thousand, or a million with `AVOCET_LONG` set.
#[test]
fn ten_thousand_channels_one_after_the_other_leave_nothing_behind() {
    let long = std::env::var_os("AVOCET_LONG").is_some();
    let mut scene = Scene::new();
    for round in 0..if long { 1_000_000 } else { 10_000 } {
        let id = scene
            .channels
            .create("round", DataChannelInit::default())
            .unwrap();
        scene.settle();
        assert_eq!(scene.stream(id).get(), 1, "round {round}");
        scene.we_send(id, b"hello");
        let now = scene.now;
        let cause = ChannelCloseCause::Requested;
        scene
            .channels
            .close(now, id, cause, Some(&mut scene.ours), &mut scene.said);
        for _ in 0..40 {
            scene.step(&|_| false, &mut 0);
            if scene.closed(id).is_some() {
                break;
            }
        }
        while scene.theirs.recv(scene.now, StreamId::new(1)).is_some() {}
        assert!(scene.closed(id).is_some(), "round {round}");
        scene.said.0.clear();
        scene.resets.clear();
    }
    assert!(scene.channels.channels.is_empty());
    assert!(scene.channels.streams.is_empty() && scene.channels.retired.is_empty());
    assert_eq!(scene.channels.held_bytes, 0);
    assert_eq!(scene.ours.stats().outstanding_bytes, 0);
}

/// C-5, and the peer's OPEN where our own waits for its ACK.
#[test]
fn an_open_instead_of_an_ack_closes_the_channel() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(id);
    scene.they_open(stream.get(), "collision");
    scene.run();
    assert_eq!(
        scene.closed(id).unwrap().cause,
        ChannelCloseCause::UnexpectedOpen
    );
}

/// C-3: an ACK that finds no room is sent when there is some.
#[test]
fn an_ack_waits_for_room() {
    let mut config = sctp::Config::default();
    config.send_buffer_bytes = 3_000;
    let mut scene = Scene::with(config);
    scene.they_open(0, "first");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.theirs.recv(scene.now, StreamId::new(0)).unwrap();
    scene.we_send(id, &[0; 2_900]);
    let mut open = Vec::new();
    crate::dcep::Message::Open(crate::dcep::Open {
        ordered: true,
        reliability: crate::Reliability::Reliable,
        priority: 256,
        label: "second".into(),
        protocol: String::new(),
    })
    .encode(&mut open);
    let options = SendOptions::ordered();
    scene
        .theirs
        .send(scene.now, StreamId::new(2), Ppid::new(50), &open, options)
        .unwrap();
    let mut packet = Vec::new();
    scene.theirs.poll_transmit(scene.now, &mut packet).unwrap();
    scene.ours.handle_datagram(scene.now, &packet);
    scene.settle();
    assert!(
        scene
            .channels
            .channels
            .values()
            .any(|channel| channel.ack_unsent)
    );
    scene.run();
    let ack = scene.theirs.recv(scene.now, StreamId::new(2)).unwrap();
    assert_eq!(ack.data[..], [2]);
}
