//! The async API over real sockets on loopback: two endpoints in one process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

mod support;

use std::time::Duration;

use avocet::peer::{ConnectionState, DataChannelInit, Message};
use avocet::rtp::{MediaKind, Packet};
use avocet::{Event, SendError};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;

use support::{PATIENCE, endpoint, negotiate, until, until_state, with_channel};

#[tokio::test]
async fn messages_cross_both_ways_in_order_and_keep_their_kind() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    assert_eq!(theirs.label(), "test");
    for number in 0..200_u32 {
        ours.send(number.to_string()).await.unwrap();
    }
    ours.send(vec![7; 200_000]).await.unwrap();
    for number in 0..200_u32 {
        let message = timeout(PATIENCE, theirs.recv()).await.unwrap();
        assert_eq!(message, Some(Message::Text(number.to_string())));
    }
    assert_eq!(
        timeout(PATIENCE, theirs.recv()).await.unwrap(),
        Some(vec![7; 200_000].into())
    );
}

#[tokio::test]
async fn what_is_written_before_the_channel_is_open_arrives() {
    let (a, b) = (endpoint(), endpoint());
    let (first, second) = (
        a.peer_connection().await.unwrap(),
        b.peer_connection().await.unwrap(),
    );
    let ours = first
        .create_data_channel("early", DataChannelInit::default())
        .await
        .unwrap();
    ours.send("first").await.unwrap();
    // A call goes through the shard: by its answer the shard has looked at the message, and could not send it.
    first.stats().await.unwrap();
    negotiate(&first, &second).await;
    let mut theirs = until(&second, |event| match event {
        Event::DataChannel(channel) => Some(channel),
        _ => None,
    })
    .await;
    ours.send("second").await.unwrap();
    for text in ["first", "second"] {
        assert_eq!(
            timeout(PATIENCE, theirs.recv()).await.unwrap(),
            Some(text.into())
        );
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_channel_goes_on() {
    let (first, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    until(&first, |event| {
        matches!(event, Event::DataChannelOpened(_)).then_some(())
    })
    .await;
    let refused = ours.send(vec![0; 262_145]).await;
    assert_eq!(refused, Err(SendError::TooLarge { limit: 262_144 }));
    ours.send("after").await.unwrap();
    assert_eq!(
        timeout(PATIENCE, theirs.recv()).await.unwrap(),
        Some("after".into())
    );
}

#[tokio::test]
async fn a_channel_is_a_stream_and_a_sink() {
    let (_a, _b, mut ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    SinkExt::feed(&mut ours, "one".into()).await.unwrap();
    SinkExt::send(&mut ours, "two".into()).await.unwrap();
    let heard: Vec<Message> = timeout(PATIENCE, theirs.take(2).collect()).await.unwrap();
    assert_eq!(heard, ["one".into(), "two".into()]);
}

#[tokio::test]
async fn a_reader_that_sleeps_stops_the_writer_and_loses_nothing() {
    const MESSAGES: usize = 400;
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let writer = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let mut message = vec![0; 60_000];
            message[..8].copy_from_slice(&(number as u64).to_be_bytes());
            ours.send(message).await.unwrap();
        }
        ours
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        !writer.is_finished(),
        "24 MB went somewhere although nobody reads"
    );
    for number in 0..MESSAGES {
        let message = timeout(PATIENCE, theirs.recv()).await.unwrap().unwrap();
        assert_eq!(message.as_bytes()[..8], (number as u64).to_be_bytes());
    }
    timeout(PATIENCE, writer).await.unwrap().unwrap();
}

#[tokio::test]
async fn packets_cross_under_the_receivers_numbers() {
    let (a, b) = (endpoint(), endpoint());
    let (first, second) = (
        a.peer_connection().await.unwrap(),
        b.peer_connection().await.unwrap(),
    );
    let sending = first
        .add_track(MediaKind::Video, &["stream"])
        .await
        .unwrap();
    negotiate(&first, &second).await;
    until_state(&first, ConnectionState::Connected).await;
    let payload_type = first.transceivers().await.unwrap()[0].send_codecs()[0].payload_type;
    let track = first.track_local(sending);
    let writer = tokio::spawn(async move {
        for number in 0_u32.. {
            track.write(Packet {
                payload_type,
                timestamp: number * 3000,
                marker: true,
                payload: number.to_be_bytes().to_vec().into(),
                ..Packet::default()
            });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut remote = until(&second, |event| match event {
        Event::Track(track) => Some(track),
        _ => None,
    })
    .await;
    assert_eq!(
        (remote.kind(), remote.streams()),
        (MediaKind::Video, &["stream".to_owned()][..])
    );
    let mut last = None;
    for _ in 0..50 {
        let received = timeout(PATIENCE, remote.recv()).await.unwrap().unwrap();
        assert_eq!(
            received.codec.payload_type,
            received.packet.packet.payload_type
        );
        let number = u32::from_be_bytes(received.packet.packet.payload[..].try_into().unwrap());
        assert!(last.is_none_or(|last| last < number));
        last = Some(number);
    }
    writer.abort();
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection_for_both() {
    let (first, second, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    drop(first);
    until(&second, |event| {
        matches!(event, Event::Closed(_)).then_some(())
    })
    .await;
    assert_eq!(timeout(PATIENCE, theirs.recv()).await.unwrap(), None);
    let refused = timeout(PATIENCE, async {
        loop {
            if let Err(error) = ours.send("late").await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(refused.await.unwrap(), SendError::Closed);
    assert!(second.stats().await.is_err());
}

#[tokio::test]
async fn nothing_lives_on_when_every_handle_is_gone() {
    let (a, b) = (endpoint(), endpoint());
    let (first, second, ours, theirs) = with_channel(&a, &b).await;
    first.close().await;
    first.close().await;
    drop((a, b, first, second, ours, theirs));
    let metrics = tokio::runtime::Handle::current().metrics();
    timeout(PATIENCE, async {
        while metrics.num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn one_port_serves_many_connections() {
    let server = endpoint();
    let mut calls = Vec::new();
    for number in 0..20 {
        // Each client has a port of its own: between the same two ports there is one connection at a time.
        let client = endpoint();
        let (first, second, ours, mut theirs) = with_channel(&client, &server).await;
        ours.send(number.to_string()).await.unwrap();
        let heard = timeout(PATIENCE, theirs.recv()).await.unwrap();
        assert_eq!(heard, Some(Message::Text(number.to_string())));
        calls.push((first, second, ours, theirs));
    }
    assert_eq!(server.addresses().len(), 1);
    for (_, _, ours, theirs) in &mut calls {
        ours.send("still here".into()).await.unwrap();
        assert_eq!(
            timeout(PATIENCE, theirs.recv()).await.unwrap(),
            Some("still here".into())
        );
    }
}

#[tokio::test]
async fn an_offer_that_cannot_be_served_names_its_m_line_and_leaves_the_connection_usable() {
    let (a, b) = (endpoint(), endpoint());
    let (first, second) = (
        a.peer_connection().await.unwrap(),
        b.peer_connection().await.unwrap(),
    );
    let _channel = first
        .create_data_channel("test", DataChannelInit::default())
        .await
        .unwrap();
    let mut offer = first.offer().await.unwrap();
    let good = offer.clone();
    offer.sdp = offer
        .sdp
        .lines()
        .filter(|line| !line.starts_with("a=fingerprint"))
        .fold(String::new(), |text, line| text + line + "\r\n");
    let refusal = second.answer(offer).await.unwrap_err().to_string();
    assert!(
        refusal.contains("m-line 0") && refusal.contains("fingerprint"),
        "{refusal}"
    );
    let answer = second.answer(good).await.unwrap();
    first.set_remote_description(answer).await.unwrap();
    until_state(&second, ConnectionState::Connected).await;
}
