//! How channels end, and what is left of them.

use sctp::{Association, Ppid, SendOptions, StreamId};

use super::{Channels, Scene};
use crate::data::{ChannelState, DataChannelInit};
use crate::event::{ChannelCloseCause, Event, Initiator};

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

/// W3C `closing`: who only writes hears that the peer closes, although messages wait that nobody reads.
#[test]
fn a_close_of_the_peer_is_told_before_everything_is_read() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    scene.they_send(0, 51, b"unread");
    let id = *scene.channels.channels.keys().next().unwrap();
    let stream = StreamId::new(0);
    scene.theirs.reset_streams(scene.now, &[stream]).unwrap();
    scene.run();
    assert_eq!(scene.said.0.last(), Some(&Event::DataChannelClosing(id)));
    assert_eq!(scene.read(), [crate::Message::from("unread")]);
    scene.run();
    let closings = scene.said.0.iter();
    let closings = closings.filter(|event| matches!(event, Event::DataChannelClosing(_)));
    assert_eq!(closings.count(), 1);
    assert!(scene.closed(id).is_some());
}

/// W3C `closing` does not follow `close`.
#[test]
fn a_close_of_ours_is_told_when_it_is_done() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    let (ours, said) = (Some(&mut scene.ours), &mut scene.said);
    scene.channels.close(now, id, cause, ours, said);
    scene.run();
    let closing = Event::DataChannelClosing(id);
    assert!(scene.closed(id).is_some() && !scene.said.0.contains(&closing));
}

/// A reset of a stream that the peer never heard of would not be answered.
#[test]
fn a_channel_whose_open_never_left_closes_at_once() {
    let mut config = sctp::Config::default();
    config.send_buffer_bytes = 3_000;
    let mut scene = Scene::with(config);
    let first = scene.we_open(DataChannelInit::default());
    scene.we_send(first, &[0; 2_950]);
    let init = DataChannelInit::default();
    let second = scene.channels.create(&"long".repeat(20), init).unwrap();
    scene.settle();
    assert!(scene.channels.channels[&second].open_unsent);
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    let (ours, said) = (Some(&mut scene.ours), &mut scene.said);
    scene.channels.close(now, second, cause, ours, said);
    scene.run();
    assert!(scene.closed(second).is_some());
    assert_eq!(scene.resets, []);
    assert!(scene.channels.contains(first));
}

/// C-9: both at once.
#[test]
fn a_channel_that_both_sides_close_at_once_is_gone_and_its_stream_free() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(id);
    scene.we_send(id, b"last");
    scene.theirs.reset_streams(scene.now, &[stream]).unwrap();
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    let (ours, said) = (Some(&mut scene.ours), &mut scene.said);
    scene.channels.close(now, id, cause, ours, said);
    scene.run();
    let reason = scene.closed(id).unwrap();
    assert_eq!(reason.initiator, Initiator::Local);
    let heard = std::iter::from_fn(|| scene.theirs.recv(scene.now, stream));
    let heard: Vec<_> = heard.map(|message| message.data).collect();
    assert_eq!(heard.last().map(|data| &data[..]), Some(&b"last"[..]));
    let again = scene.we_open(DataChannelInit::default());
    assert_eq!(scene.stream(again), stream);
}

/// The OPEN leaves with the handshake, so the end has to follow it.
#[test]
fn a_channel_that_is_closed_while_it_opens_closes_for_both() {
    let mut scene = Scene::new();
    scene.ours = Association::new(sctp::Config::default(), [3; 32]).unwrap();
    scene.theirs = Association::new(sctp::Config::default(), [4; 32]).unwrap();
    scene.channels = Channels::new(8, 262_144, 262_144);
    scene.channels.set_role(dtls::Role::Server, &mut scene.said);
    let init = DataChannelInit::default();
    let id = scene.channels.create("short", init.clone()).unwrap();
    let stream = scene.stream(id);
    scene.ours.connect(scene.now, None);
    scene.settle();
    assert!(!scene.channels.is_connected() && !scene.channels.channels[&id].open_unsent);
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    let (ours, said) = (Some(&mut scene.ours), &mut scene.said);
    scene.channels.close(now, id, cause, ours, said);
    assert_eq!(scene.closed(id), None);
    scene.theirs.connect(scene.now, None);
    scene.run();
    assert!(scene.theirs.recv(scene.now, stream).is_some());
    assert_eq!(scene.resets, [stream.get()]);
    assert!(scene.closed(id).is_some());
    // It never was open.
    assert_eq!(scene.channels.counts(), (0, 0, 0, 0));
    let again = scene.we_open(init);
    assert_eq!(scene.stream(again), stream);
    assert_eq!(scene.channels.channels[&again].state, ChannelState::Open);
}
