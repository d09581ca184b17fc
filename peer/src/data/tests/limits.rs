//! What a peer cannot make grow, and what an end leaves behind.

use sctp::{Association, Ppid, SendOptions, StreamId};

use super::{Channels, Outlet, Scene};
use crate::Message;
use crate::data::dcep::Reliability;
use crate::data::{ChannelState, DataChannelInit};
use crate::event::{ChannelCloseCause, ChannelCloseReason, Event, Initiator};

/// An application that takes no events.
struct Behind;

impl Outlet for Behind {
    fn push(&mut self, _: Event) {}

    fn is_full(&self) -> bool {
        true
    }
}

/// E-01: who is far behind is told of no more channels.
#[test]
fn an_application_that_is_far_behind_gets_no_more_channels() {
    let mut scene = Scene::new();
    let open = [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'a'];
    let (now, stream) = (scene.now, StreamId::new(0));
    scene
        .theirs
        .send(now, stream, Ppid::new(50), &open, SendOptions::ordered())
        .unwrap();
    let mut packet = Vec::new();
    scene.theirs.poll_transmit(now, &mut packet).unwrap();
    scene.ours.handle_datagram(now, &packet);
    assert_eq!(scene.ours.poll_event(), Some(sctp::Event::Readable(stream)));
    scene
        .channels
        .on_readable(now, 0, &mut scene.ours, &mut Behind);
    assert!(scene.channels.channels.is_empty());
    scene.run();
    assert_eq!(scene.resets, [0]);
}

/// C-4: of what comes before its OPEN no more than 256 messages wait, however small they are.
#[test]
fn tiny_messages_before_their_open_are_few() {
    let mut scene = Scene::new();
    for _ in 0..300 {
        let (now, stream) = (scene.now, StreamId::new(2));
        scene
            .theirs
            .send(now, stream, Ppid::new(51), b"x", SendOptions::ordered())
            .unwrap();
    }
    scene.run();
    assert_eq!(scene.channels.early[&2].len(), 256);
    let (_, _, _, dropped) = scene.channels.counts();
    assert_eq!(dropped, 44);
    scene.they_open(2, "late");
    assert_eq!(scene.read().len(), 256);
}

/// C-12: the side that is faster does not wait for the other one to create the channel that both agreed on.
#[test]
fn data_of_an_agreed_channel_waits_until_this_side_creates_it() {
    let mut scene = Scene::new();
    scene.they_send(6, 51, b"before");
    let id = scene.we_open(DataChannelInit {
        negotiated: Some(6),
        ..DataChannelInit::default()
    });
    let said = [Event::DataChannelOpened(id), Event::DataChannelReadable(id)];
    assert_eq!(scene.said.0, said);
    scene.they_send(6, 51, b"after");
    assert_eq!(scene.read(), ["before".into(), Message::from("after")]);
    assert_eq!(scene.channels.held_bytes, 0);
}

/// C-2: a peer that takes four streams has room for two channels of ours.
#[test]
fn channels_that_find_no_stream_end_and_the_others_go_on() {
    let mut scene = Scene::new();
    let mut config = sctp::Config::default();
    config.max_streams = 4;
    scene.ours = Association::new(sctp::Config::default(), [3; 32]).unwrap();
    scene.theirs = Association::new(config, [4; 32]).unwrap();
    scene.channels = Channels::new(8, 262_144, 262_144);
    let role = dtls::Role::Server;
    scene.channels.set_role(role, &mut scene.said);
    let init = DataChannelInit::default();
    let mut create = || scene.channels.create("x", init.clone()).unwrap();
    let early = [create(), create(), create()];
    let agreed = DataChannelInit {
        negotiated: Some(9),
        ..DataChannelInit::default()
    };
    let agreed = scene.channels.create("agreed", agreed).unwrap();
    scene.ours.connect(scene.now, None);
    scene.theirs.connect(scene.now, None);
    scene.run();
    for id in [early[2], agreed] {
        let reason = scene.closed(id).unwrap();
        assert_eq!(reason.cause, ChannelCloseCause::NoStream);
    }
    let full = Err(crate::CreateDataChannelError::TooMany);
    assert_eq!(scene.channels.create("late", init.clone()), full);
    for id in &early[..2] {
        assert_eq!(scene.channels.channels[id].state, ChannelState::Open);
        scene.we_send(*id, b"hello");
    }
    scene.run();
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    let (ours, said) = (Some(&mut scene.ours), &mut scene.said);
    scene.channels.close(now, early[0], cause, ours, said);
    scene.run();
    assert!(scene.channels.create("room again", init).is_ok());
}

/// P-22: what is taken out of the association to see what it is does not add up to much.
#[test]
fn messages_that_are_looked_at_stay_within_a_mebibyte() {
    let mut scene = Scene::new();
    for stream in 0..8 {
        scene.they_open(stream * 2, "x");
        scene.they_send(stream * 2, 53, &[7; 262_144]);
    }
    for _ in 0..5 {
        scene.run();
    }
    let held = scene.channels.held_bytes;
    assert!(held <= (1 << 20) + 262_144, "{held}");
    assert_eq!(scene.read().len(), 8);
    // The same where the first message may be the ACK of a channel of ours.
    let mut scene = Scene::new();
    for _ in 0..8 {
        let id = scene.we_open(DataChannelInit::default());
        let stream = scene.stream(id).get();
        scene.they_send(stream, 53, &[7; 262_144]);
    }
    for _ in 0..5 {
        scene.run();
    }
    let held = scene.channels.held_bytes;
    assert!(held <= (1 << 20) + 262_144, "{held}");
    assert_eq!(scene.read().len(), 8);
}

/// C-9: what waits for an OPEN belongs to the stream as it was, and goes with its reset.
#[test]
fn early_data_goes_with_a_reset() {
    let mut scene = Scene::new();
    scene.they_send(2, 51, b"of the old one");
    assert_eq!(scene.channels.early.len(), 1);
    let now = scene.now;
    scene
        .theirs
        .reset_streams(now, &[StreamId::new(2)])
        .unwrap();
    scene.run();
    scene.they_open(2, "new");
    scene.they_send(2, 51, b"of the new one");
    assert_eq!(scene.read(), [Message::from("of the new one")]);
}

/// C-9: where the peer would not begin a stream anew, the channel ends and the stream is not used again.
#[test]
fn a_stream_whose_reset_is_refused_is_not_used_again() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(id);
    scene.channels.on_reset_refused(&[stream], &mut scene.said);
    let reason = scene.closed(id).unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Remote, ChannelCloseCause::ResetRefused)
    );
    let next = scene.we_open(DataChannelInit::default());
    assert_ne!(scene.stream(next), stream);
}

/// C-17, P-39: a peer that began anew knows no channel of before, and new ones can be opened.
#[test]
fn a_peer_that_began_anew_ends_every_channel() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    scene.theirs = Association::new(sctp::Config::default(), [9; 32]).unwrap();
    scene.theirs.connect(scene.now, None);
    scene.run();
    let reason = scene.closed(id).unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Remote, ChannelCloseCause::AssociationRestarted)
    );
    assert!(!scene.channels.contains(id));
    let next = scene.we_open(DataChannelInit::default());
    assert_eq!(scene.channels.channels[&next].state, ChannelState::Open);
    scene.we_send(next, b"hello");
    scene.run();
    let stream = scene.stream(next);
    let heard = std::iter::from_fn(|| scene.theirs.recv(scene.now, stream));
    let heard = heard.map(|message| message.ppid.get()).collect::<Vec<_>>();
    assert_eq!(heard, [50, 53]);
}

/// C-17: what had arrived is read after the end, and then nothing is left.
#[test]
fn what_had_arrived_is_read_after_the_end() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    scene.they_send(0, 51, b"last words");
    let cause = ChannelCloseCause::AssociationClosed;
    let reason = ChannelCloseReason::new(Initiator::Remote, cause);
    scene.channels.close_all(reason, &mut scene.said);
    assert_eq!(scene.read(), [Message::from("last words")]);
    assert!(scene.channels.channels.is_empty());
}

/// C-6: what a channel with a lifetime could not deliver in time is not delivered later.
#[test]
fn a_lifetime_of_a_channel_ends() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit {
        reliability: Reliability::MaxLifetime(100),
        ..DataChannelInit::default()
    });
    let stream = scene.stream(id);
    scene.theirs.recv(scene.now, stream).unwrap();
    scene.we_send(id, b"late");
    scene.run_losing(|_| true);
    scene.we_send(id, b"in time");
    for _ in 0..4 {
        scene.run();
    }
    let heard = std::iter::from_fn(|| scene.theirs.recv(scene.now, stream));
    let heard = heard.map(|message| message.data).collect::<Vec<_>>();
    assert_eq!(heard, [&b"in time"[..]]);
}
