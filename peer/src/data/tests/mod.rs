//! What a peer that breaks the rules of data channels gets for it.

use std::time::{Duration, Instant};

use sctp::{Association, Ppid, SendOptions, StreamId};

mod closing;
mod kinds;
mod limits;
mod streaming;

use super::channel::ChannelId;
use super::channels::{Channels, Outlet};
use super::{ChannelState, DataChannelInit, Message, MessageKind, dcep};
use crate::event::{ChannelCloseCause, Event};

#[derive(Default)]
struct Said(Vec<Event>);

impl Outlet for Said {
    fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// Our channels over an association, and the bare association of a peer that may say anything. We are the DTLS
/// server, so even streams are the peer's.
struct Scene {
    now: Instant,
    channels: Channels,
    ours: Association,
    theirs: Association,
    said: Said,
    /// Resets of our outgoing streams that the peer saw.
    resets: Vec<u16>,
    they_answer_resets: bool,
}

impl Scene {
    fn new() -> Self {
        Self::with(sctp::Config::default())
    }

    fn with(config: sctp::Config) -> Self {
        let theirs = sctp::Config::default();
        let mut scene = Self {
            now: netsim::epoch(),
            channels: Channels::new(8, 262_144, 262_144),
            ours: Association::new(config, [1; 32]).unwrap(),
            theirs: Association::new(theirs, [2; 32]).unwrap(),
            said: Said::default(),
            resets: Vec::new(),
            they_answer_resets: true,
        };
        scene.channels.max_send = 262_144;
        scene.channels.set_role(dtls::Role::Server, &mut scene.said);
        scene.ours.connect(scene.now, None);
        scene.theirs.connect(scene.now, None);
        scene.run();
        assert!(scene.channels.is_connected());
        scene
    }

    /// Opens a channel of ours, which the peer learns.
    fn we_open(&mut self, init: DataChannelInit) -> ChannelId {
        let id = self.channels.create("ours", init).unwrap();
        self.run();
        id
    }

    /// Sends on a channel of ours.
    fn we_send(&mut self, id: ChannelId, data: &[u8]) {
        let (now, ours) = (self.now, &mut self.ours);
        self.channels
            .send(now, id, Some(ours), (data, MessageKind::Binary))
            .unwrap();
    }

    fn stream(&self, id: ChannelId) -> StreamId {
        StreamId::new(self.channels.channels[&id].stream.unwrap())
    }

    /// Why a channel closed, once it did.
    fn closed(&self, id: ChannelId) -> Option<crate::ChannelCloseReason> {
        self.said.0.iter().find_map(|event| match event {
            Event::DataChannelClosed(closed, reason) if *closed == id => Some(*reason),
            _ => None,
        })
    }

    /// Lets both sides talk until a second passed.
    fn run(&mut self) {
        self.run_losing(|_| false);
    }

    /// The same, and of our packets those are lost that are chosen by their number.
    fn run_losing(&mut self, lost: impl Fn(usize) -> bool) {
        let mut number = 0;
        for _ in 0..100 {
            self.step(&lost, &mut number);
        }
    }

    /// 10 ms.
    fn step(&mut self, lost: &impl Fn(usize) -> bool, number: &mut usize) {
        self.now += Duration::from_millis(10);
        self.ours.handle_timeout(self.now);
        self.theirs.handle_timeout(self.now);
        let mut packet = Vec::new();
        while self.ours.poll_transmit(self.now, &mut packet).is_some() {
            *number += 1;
            if !lost(*number) {
                self.theirs.handle_datagram(self.now, &packet);
            }
            packet.clear();
        }
        while self.theirs.poll_transmit(self.now, &mut packet).is_some() {
            self.ours.handle_datagram(self.now, &packet);
            packet.clear();
        }
        self.settle();
    }

    fn settle(&mut self) {
        let (now, channels, ours, said) =
            (self.now, &mut self.channels, &mut self.ours, &mut self.said);
        while let Some(event) = ours.poll_event() {
            match event {
                sctp::Event::Connected {
                    outbound_streams, ..
                } => {
                    channels.on_connected(outbound_streams, said);
                }
                sctp::Event::Readable(stream) => {
                    channels.on_readable(now, stream.get(), ours, said);
                }
                sctp::Event::BufferedAmountLow(stream) => {
                    channels.on_buffered_amount_low(stream.get(), said);
                }
                sctp::Event::Writable(stream) => channels.on_writable(stream.get(), said),
                sctp::Event::Restarted => channels.on_restarted(said),
                sctp::Event::StreamRefused { stream, reason } => {
                    channels.on_refused(now, (stream.get(), reason), ours, said);
                }
                sctp::Event::StreamsReset { direction, streams } => {
                    channels.on_reset(now, direction, &streams, ours, said);
                }
                _ => {}
            }
        }
        channels.flush(now, ours, said);
        while let Some(event) = self.theirs.poll_event() {
            if let sctp::Event::StreamsReset {
                direction: sctp::Direction::Incoming,
                streams,
            } = event
            {
                self.resets
                    .extend(streams.iter().map(|stream| stream.get()));
                if self.they_answer_resets {
                    self.theirs.reset_streams(self.now, &streams).unwrap();
                }
            }
        }
    }

    fn they_send(&mut self, stream: u16, ppid: u32, data: &[u8]) {
        let options = SendOptions::ordered();
        self.theirs
            .send(
                self.now,
                StreamId::new(stream),
                Ppid::new(ppid),
                data,
                options,
            )
            .unwrap();
        self.run();
    }

    fn they_open(&mut self, stream: u16, label: &str) {
        let mut open = Vec::new();
        dcep::Message::Open(dcep::Open {
            ordered: true,
            reliability: dcep::Reliability::Reliable,
            priority: 256,
            label: label.to_owned(),
            protocol: String::new(),
        })
        .encode(&mut open);
        self.they_send(stream, 50, &open);
    }

    fn read(&mut self) -> Vec<Message> {
        let ids: Vec<_> = self.channels.channels.keys().copied().collect();
        let mut messages = Vec::new();
        for id in ids {
            while let Some(message) =
                self.channels
                    .recv(self.now, id, Some(&mut self.ours), &mut self.said)
            {
                messages.push(message);
            }
        }
        messages
    }
}

#[test]
fn a_channel_of_the_peer_is_added_opened_and_acknowledged() {
    let mut scene = Scene::new();
    scene.they_open(0, "hers");
    scene.they_send(0, 51, b"hello");
    let names: Vec<_> = scene
        .said
        .0
        .iter()
        .map(|event| format!("{event:?}"))
        .collect();
    assert_eq!(
        names,
        [
            "DataChannelAdded(ChannelId(0))",
            "DataChannelOpened(ChannelId(0))",
            "DataChannelReadable(ChannelId(0))"
        ]
    );
    let ack = scene.theirs.recv(scene.now, StreamId::new(0)).unwrap();
    assert_eq!(&ack.data[..], [2]);
    assert_eq!(scene.read(), [Message::from("hello")]);
}

#[test]
fn an_open_that_breaks_the_rules_resets_its_stream_and_makes_no_channel() {
    let good = [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'a'];
    let mut lies = good;
    lies[8] = 0xff;
    let mut text = good;
    text[12] = 0xff;
    let mut unknown = good;
    unknown[1] = 3;
    let cases: [(&str, u16, &[u8]); 5] = [
        ("unknown kind of channel", 8, &unknown),
        ("truncated", 0, &good[..1]),
        ("label beyond the message", 2, &lies),
        ("not UTF-8", 4, &text),
        ("wrong parity", 1, &good),
    ];
    let mut scene = Scene::new();
    for (what, stream, message) in cases {
        scene.they_send(stream, 50, message);
        assert!(scene.resets.contains(&stream), "{what}");
        assert!(scene.channels.channels.is_empty(), "{what}");
    }
    let (_, _, refused, _) = scene.channels.counts();
    assert_eq!(refused, 5);
    // The next genuine one is taken.
    scene.they_open(6, "good");
    assert_eq!(scene.channels.channels.len(), 1);
}

#[test]
fn an_unknown_message_type_is_ignored() {
    let mut scene = Scene::new();
    scene.they_send(0, 50, &[0x77]);
    assert!(scene.resets.is_empty() && scene.channels.channels.is_empty());
}

#[test]
fn an_open_on_an_open_channel_closes_that_channel_only() {
    let mut scene = Scene::new();
    scene.they_open(0, "one");
    scene.they_open(2, "two");
    scene.they_open(0, "again");
    scene.read();
    scene.run();
    assert_eq!(scene.resets, [0]);
    let labels: Vec<_> = scene
        .channels
        .channels
        .values()
        .map(|c| c.label.clone())
        .collect();
    assert_eq!(labels, ["two"]);
}

#[test]
fn more_channels_than_the_limit_are_refused() {
    let mut scene = Scene::new();
    for n in 0..10 {
        scene.they_open(n * 2, "x");
    }
    assert_eq!(scene.channels.channels.len(), 8);
    assert_eq!(scene.resets, [16, 18]);
    let error = scene.channels.create("mine", DataChannelInit::default());
    assert_eq!(error, Err(crate::CreateDataChannelError::TooMany));
}

#[test]
fn data_before_its_open_is_kept_within_bounds_and_delivered_after_it() {
    let mut scene = Scene::new();
    scene.they_send(0, 51, b"early");
    scene.they_send(2, 53, &[0; 65_000]);
    scene.they_send(2, 53, &[0; 1_000]);
    for stream in 0..20 {
        scene.they_send(100 + stream * 2, 51, b"nobody's");
    }
    assert_eq!(scene.channels.early.len(), 16);
    let (_, _, _, dropped) = scene.channels.counts();
    assert_eq!(dropped, 1 + 6);
    scene.they_open(0, "late");
    assert_eq!(scene.read(), [Message::from("early")]);
}

#[test]
fn payloads_of_every_kind_arrive_as_what_they_are() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    scene.they_send(0, 56, &[0]);
    scene.they_send(0, 57, &[0]);
    scene.they_send(0, 54, b"gr");
    scene.they_send(0, 51, "üße".as_bytes());
    scene.they_send(0, 52, b"many ");
    scene.they_send(0, 52, b"parts of ");
    scene.they_send(0, 53, b"one");
    scene.they_send(0, 99, b"unknown");
    scene.they_send(0, 53, b"bytes");
    let expected = [
        Message::from(""),
        Message::from(Vec::new()),
        Message::from("grüße"),
        Message::from(b"many parts of one".to_vec()),
        Message::from(b"bytes".to_vec()),
    ];
    assert_eq!(scene.read(), expected);
}

/// C-7: parts of a message count together.
#[test]
fn parts_beyond_the_largest_message_close_the_channel() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    for _ in 0..3 {
        scene.they_send(0, 52, &[0; 100_000]);
    }
    assert_eq!(scene.read(), []);
    scene.run();
    assert_eq!(scene.resets, [0]);
    let closed = scene.said.0.iter().find_map(|event| match event {
        Event::DataChannelClosed(_, reason) => Some(reason.cause),
        _ => None,
    });
    assert_eq!(closed, Some(ChannelCloseCause::MessageTooLarge));
}

/// C-7: what is sent says what it is, and nothing is sent as a byte that is not it (RFC 8831 §6.6).
#[test]
fn messages_of_every_kind_leave_as_what_they_are() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    let id = *scene.channels.channels.keys().next().unwrap();
    scene.theirs.recv(scene.now, StreamId::new(0)).unwrap();
    let sent: [(&[u8], MessageKind); 4] = [
        (b"", MessageKind::Text),
        (b"", MessageKind::Binary),
        (b"text", MessageKind::Text),
        (b"bytes", MessageKind::Binary),
    ];
    for message in sent {
        let (now, ours) = (scene.now, &mut scene.ours);
        let result = scene.channels.send(now, id, Some(ours), message);
        result.unwrap();
    }
    scene.run();
    let heard = std::iter::from_fn(|| scene.theirs.recv(scene.now, StreamId::new(0)));
    let heard = heard.map(|message| (message.ppid.get(), message.data.to_vec()));
    let expected = [
        (56, vec![0]),
        (57, vec![0]),
        (51, b"text".to_vec()),
        (53, b"bytes".to_vec()),
    ];
    assert_eq!(heard.collect::<Vec<_>>(), expected);
}

/// C-5: an ACK on a stream without a channel, or on a channel that needs none.
#[test]
fn an_ack_that_nobody_waits_for_changes_nothing() {
    let mut scene = Scene::new();
    scene.they_send(0, 50, &[2]);
    scene.they_open(2, "open");
    scene.they_send(2, 50, &[2]);
    scene.they_send(2, 51, b"still here");
    assert_eq!(scene.read(), [Message::from("still here")]);
    assert!(scene.resets.is_empty());
    assert_eq!(scene.channels.channels.len(), 1);
}

/// C-2: 65,535 is reserved (RFC 8831 §6.5), and nobody has two channels on one stream.
#[test]
fn streams_that_cannot_be_are_refused() {
    let mut scene = Scene::new();
    let on = |stream| DataChannelInit {
        negotiated: Some(stream),
        ..DataChannelInit::default()
    };
    let refused = scene.channels.create("last", on(65_535));
    assert_eq!(refused, Err(crate::CreateDataChannelError::StreamId));
    scene.channels.create("one before", on(65_534)).unwrap();
    let refused = scene.channels.create("again", on(65_534));
    assert_eq!(refused, Err(crate::CreateDataChannelError::StreamIdTaken));
}

#[test]
fn text_that_is_not_utf8_closes_the_channel() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    scene.they_send(0, 51, &[0xff, 0xfe]);
    assert_eq!(scene.read(), []);
    scene.run();
    assert_eq!(scene.resets, [0]);
    assert!(scene.channels.channels.is_empty());
}

/// C-13: nothing but the end of the association ends a channel whose OPEN is not answered.
#[test]
fn an_open_waits_for_its_answer_as_long_as_the_association_lives() {
    let mut config = sctp::Config::default();
    config.max_retransmissions = None;
    let mut scene = Scene::with(config);
    let id = scene
        .channels
        .create("ours", DataChannelInit::default())
        .unwrap();
    scene
        .channels
        .flush(scene.now, &mut scene.ours, &mut scene.said);
    // Three minutes in which nothing of ours gets through.
    for _ in 0..180 {
        scene.run_losing(|_| true);
    }
    assert_eq!(scene.closed(id), None);
    assert_eq!(scene.theirs.next_readable(), None);
    for _ in 0..5 {
        scene.run();
    }
    assert_eq!(scene.theirs.next_readable(), Some(scene.stream(id)));
    assert_eq!(scene.closed(id), None);
}

#[test]
fn channels_that_wait_open_in_the_order_of_their_streams() {
    let mut scene = Scene::new();
    let mut channels = Channels::new(8, 262_144, 262_144);
    let ids: Vec<_> = ["a", "b", "c"]
        .map(|label| channels.create(label, DataChannelInit::default()).unwrap())
        .to_vec();
    channels.set_role(dtls::Role::Client, &mut scene.said);
    channels.on_connected(100, &mut scene.said);
    scene.channels = channels;
    scene.run();
    let opened = scene.said.0.clone();
    assert_eq!(
        opened,
        ids.iter()
            .map(|id| Event::DataChannelOpened(*id))
            .collect::<Vec<_>>()
    );
    let streams: Vec<_> = scene.channels.channels.values().map(|c| c.stream).collect();
    assert_eq!(streams, [Some(0), Some(2), Some(4)]);
    assert!(
        scene
            .channels
            .channels
            .values()
            .all(|c| c.state == ChannelState::Open)
    );
}

#[test]
fn messages_that_had_arrived_are_read_before_the_peers_close_is_done() {
    let mut scene = Scene::new();
    scene.they_open(0, "x");
    scene.they_send(0, 51, b"last words");
    scene
        .theirs
        .reset_streams(scene.now, &[StreamId::new(0)])
        .unwrap();
    scene.run();
    assert_eq!(scene.channels.channels.len(), 1);
    assert_eq!(scene.read(), [Message::from("last words")]);
    scene.run();
    assert!(scene.channels.channels.is_empty());
    assert!(matches!(
        scene.said.0.last(),
        Some(Event::DataChannelClosed(..))
    ));
}
