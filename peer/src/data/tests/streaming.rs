//! Messages that are written and read bit by bit (C-15).

use std::time::Duration;

use bytes::Bytes;
use sctp::PieceEnd;

use super::{Said, Scene};
use crate::data::channels::Channels;
use crate::data::{DataChannelInit, MessageKind};
use crate::error::SendError;
use crate::event::ChannelCloseCause;

impl Scene {
    /// Our side takes messages of any size, in pieces.
    fn unlimited() -> Self {
        let mut scene = Self::new();
        let mut said = Said::default();
        scene.channels = Channels::new(8, 262_144, usize::MAX);
        scene.channels.set_role(dtls::Role::Server, &mut said);
        scene.channels.on_connected(1_000, &mut said);
        scene
    }

    fn write(&mut self, id: crate::ChannelId, data: &[u8]) -> Result<usize, SendError> {
        let now = self.now;
        self.channels.write(now, id, Some(&mut self.ours), data)
    }

    fn begin(&mut self, id: crate::ChannelId, kind: MessageKind) -> Result<(), SendError> {
        let now = self.now;
        self.channels
            .begin_message(now, id, Some(&mut self.ours), kind)
    }

    fn finish(&mut self, id: crate::ChannelId) -> Result<(), SendError> {
        let now = self.now;
        self.channels.finish_message(now, id, Some(&mut self.ours))
    }

    fn piece(&mut self) -> Option<crate::MessagePiece> {
        let id = *self.channels.channels.keys().next()?;
        let ours = Some(&mut self.ours);
        self.channels.recv_piece(self.now, id, ours, &mut self.said)
    }
}

#[test]
fn a_message_larger_than_any_buffer_is_read_as_it_comes() {
    let mut scene = Scene::unlimited();
    scene.they_open(0, "huge");
    let stream = sctp::StreamId::new(0);
    let (now, ppid) = (scene.now, sctp::Ppid::new(53));
    scene
        .theirs
        .begin_message(now, stream, ppid, sctp::SendOptions::ordered())
        .unwrap();
    let (total, mut written, mut read) = (20_000_000, 0, 0);
    let block: Vec<u8> = (0..=255).cycle().take(51_200).collect();
    let mut most = 0;
    loop {
        while written < total {
            let from = written % 256;
            let part = &block[from..(from + total - written).min(block.len())];
            match scene.theirs.write(scene.now, stream, part) {
                Ok(taken) => written += taken,
                Err(sctp::SendError::Full) => break,
                Err(error) => panic!("{error}"),
            }
            if written == total {
                scene.theirs.finish_message(scene.now, stream).unwrap();
            }
        }
        scene.run();
        most = most.max(scene.ours.stats().unread_bytes);
        let mut done = false;
        while let Some(piece) = scene.piece() {
            assert_eq!(piece.beginning, read == 0);
            assert!(
                piece
                    .data
                    .iter()
                    .enumerate()
                    .all(|(n, byte)| *byte == ((read + n) % 256) as u8)
            );
            read += piece.data.len();
            done |= piece.end == PieceEnd::Complete;
        }
        if done {
            break;
        }
    }
    assert_eq!(read, total);
    assert!(most < 9 << 20, "{most} bytes were held");
    // It goes on with messages of the usual kind.
    scene.they_send(0, 51, b"after");
    assert_eq!(scene.read(), [crate::Message::from("after")]);
}

#[test]
fn what_is_read_whole_keeps_its_limit_although_more_was_announced() {
    let mut scene = Scene::unlimited();
    scene.they_open(0, "whole");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.they_send(0, 53, &[0; 262_144]);
    assert_eq!(scene.read().len(), 1);
    scene.they_send(0, 53, &[0; 262_145]);
    assert_eq!(scene.read().len(), 0);
    scene.run();
    assert_eq!(
        scene.closed(id).unwrap().cause,
        ChannelCloseCause::MessageTooLarge
    );
}

#[test]
fn a_message_written_in_parts_arrives_as_one() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(id);
    scene.theirs.recv(scene.now, stream).unwrap();
    assert_eq!(scene.write(id, b"x"), Err(SendError::NotBegun));
    assert_eq!(scene.finish(id), Err(SendError::NotBegun));
    scene.begin(id, MessageKind::Text).unwrap();
    assert_eq!(
        scene.begin(id, MessageKind::Text),
        Err(SendError::Unfinished)
    );
    let text = "gr\u{fc}\u{df}e \u{1f980}";
    for byte in text.as_bytes() {
        assert_eq!(scene.write(id, &[*byte]), Ok(1));
    }
    assert_eq!(scene.write(id, b"\xff"), Err(SendError::Utf8));
    scene.finish(id).unwrap();
    scene.run();
    let message = scene.theirs.recv(scene.now, stream).unwrap();
    assert_eq!(
        (message.ppid.get(), &message.data[..]),
        (51, text.as_bytes())
    );
    // And nothing at all is a message too.
    scene.begin(id, MessageKind::Binary).unwrap();
    scene.finish(id).unwrap();
    scene.run();
    let message = scene.theirs.recv(scene.now, stream).unwrap();
    assert_eq!((message.ppid.get(), &message.data[..]), (57, &[0][..]));
    let stats = &scene.channels.stats(scene.now, Some(&scene.ours))[0];
    assert_eq!(
        (stats.messages_sent, stats.bytes_sent),
        (2, text.len() as u64)
    );
}

#[test]
fn a_message_may_not_grow_beyond_what_the_peer_takes() {
    let mut scene = Scene::new();
    scene.channels.max_send = 1_000;
    let id = scene.we_open(DataChannelInit::default());
    scene.begin(id, MessageKind::Binary).unwrap();
    assert_eq!(scene.write(id, &[0; 900]), Ok(900));
    assert_eq!(scene.write(id, &[0; 101]), Err(SendError::TooLarge));
    assert_eq!(scene.write(id, &[0; 100]), Ok(100));
    scene.finish(id).unwrap();
}

#[test]
fn text_in_pieces_that_is_not_utf8_closes_the_channel() {
    let mut scene = Scene::unlimited();
    scene.they_open(0, "text");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.they_send(0, 54, "\u{1f980}".as_bytes()[..2].as_ref());
    let piece = scene.piece().unwrap();
    assert_eq!(
        (piece.kind, piece.beginning, piece.end),
        (MessageKind::Text, true, PieceEnd::More)
    );
    scene.they_send(0, 51, b"abc");
    assert_eq!(scene.piece(), None);
    scene.run();
    assert_eq!(
        scene.closed(id).unwrap().cause,
        ChannelCloseCause::InvalidText
    );
}

/// C-14: nor may a text end within a character.
#[test]
fn text_in_pieces_that_ends_within_a_character_closes_the_channel() {
    let mut scene = Scene::unlimited();
    scene.they_open(0, "text");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.they_send(0, 51, "\u{1f980}".as_bytes()[..2].as_ref());
    assert_eq!(scene.piece(), None);
    scene.run();
    assert_eq!(
        scene.closed(id).unwrap().cause,
        ChannelCloseCause::InvalidText
    );
}

/// C-8: what is read in pieces may be as large as was announced, and no larger.
#[test]
fn a_message_in_pieces_larger_than_announced_closes_the_channel() {
    let mut scene = Scene::unlimited();
    scene.channels.max_streamed = 300_000;
    scene.they_open(0, "large");
    let id = *scene.channels.channels.keys().next().unwrap();
    for (size, closes) in [(300_000, false), (300_001, true)] {
        scene.they_send(0, 53, &vec![7; size]);
        for _ in 0..5 {
            scene.run();
            while scene.piece().is_some() {}
        }
        let cause = scene.closed(id).map(|reason| reason.cause);
        let expected = closes.then_some(ChannelCloseCause::MessageTooLarge);
        assert_eq!(cause, expected, "{size}");
    }
}

#[test]
fn a_channel_that_closes_within_a_message_ends() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    scene.begin(id, MessageKind::Binary).unwrap();
    scene.write(id, &[0; 100_000]).unwrap();
    scene.run();
    let (now, cause) = (scene.now, ChannelCloseCause::Requested);
    scene
        .channels
        .close(now, id, cause, Some(&mut scene.ours), &mut scene.said);
    for _ in 0..5 {
        scene.run();
        scene.now += Duration::from_secs(1);
    }
    assert!(scene.closed(id).is_some());
    let stream = *scene.resets.first().unwrap();
    assert!(
        scene
            .theirs
            .recv(scene.now, sctp::StreamId::new(stream))
            .is_some_and(|open| open.ppid.get() == 50)
    );
    assert_eq!(
        scene.theirs.recv(scene.now, sctp::StreamId::new(stream)),
        None
    );
}

#[test]
fn bytes_that_are_given_are_held_until_they_are_acknowledged() {
    let mut scene = Scene::new();
    let id = scene.we_open(DataChannelInit::default());
    let stream = scene.stream(id);
    while scene.theirs.recv(scene.now, stream).is_some() {}
    let given = Bytes::from(vec![7; 50_000]);
    for bytes in [given.clone(), Bytes::new()] {
        let (now, ours) = (scene.now, &mut scene.ours);
        let sent = scene.channels.send_bytes(now, id, Some(ours), bytes);
        sent.unwrap();
    }
    assert!(!given.is_unique());
    scene.run();
    assert!(given.is_unique());
    let heard = std::iter::from_fn(|| scene.theirs.recv(scene.now, stream));
    let heard = heard.map(|message| (message.ppid.get(), message.data));
    let expected = [(53, given), (57, Bytes::from(vec![0]))];
    assert_eq!(heard.collect::<Vec<_>>(), expected);
}
