//! Data channels through the async API, over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

mod support;

use std::time::Duration;

use avocet::peer::{
    ChannelCloseCause, ChannelState, DataChannelInit, Initiator, Message, MessageKind, PieceEnd,
    Priority, Reliability,
};
use avocet::{Event, SendError};
use support::{endpoint, negotiate, next_channel, until, with_channel, with_channel_as, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_other_side_learns_what_kind_of_channel_it_is() {
    let init = DataChannelInit {
        ordered: false,
        reliability: Reliability::MaxRetransmits(3),
        priority: Priority::High,
        protocol: "proto".into(),
        negotiated: None,
    };
    let (_a, _b, ours, theirs) = with_channel_as(init, |_| {}).await;
    for channel in [&ours, &theirs] {
        assert_eq!((channel.label(), channel.protocol()), ("test", "proto"));
        assert!(!channel.ordered());
        assert_eq!(channel.reliability(), Reliability::MaxRetransmits(3));
        assert_eq!(channel.priority(), Priority::High);
    }
    within(ours.opened()).await.unwrap();
    // Whoever asks late is told as well.
    within(ours.opened()).await.unwrap();
}

/// W3C `id`, `negotiated`, `readyState` and `maxMessageSize`.
#[tokio::test]
async fn a_channel_says_where_it_stands() {
    let init = DataChannelInit {
        negotiated: Some(7),
        ..DataChannelInit::default()
    };
    let (first, second) = (endpoint(), endpoint());
    let first = first.peer_connection().await.unwrap();
    let second = second.peer_connection().await.unwrap();
    let ours = first.create_data_channel("", init.clone()).await.unwrap();
    let mut theirs = second.create_data_channel("", init).await.unwrap();
    assert_eq!(ours.state(), ChannelState::Connecting);
    assert_eq!(ours.max_message_size(), None);
    negotiate(&first, &second).await;
    within(ours.opened()).await.unwrap();
    assert_eq!(ours.state(), ChannelState::Open);
    assert_eq!(ours.max_message_size(), Some(262_144));
    assert!(ours.negotiated() && theirs.negotiated());
    assert_eq!(ours.stream_id().await.unwrap(), Some(7));
    ours.send(b"bytes").await.unwrap();
    assert_eq!(within(theirs.recv()).await, Some(b"bytes".into()));
    let counted = theirs.stats().await.unwrap().unwrap();
    assert_eq!((counted.messages_received, counted.bytes_received), (1, 5));
    ours.close();
    assert_eq!(ours.state(), ChannelState::Closing);
    assert_eq!(within(theirs.recv()).await, None);
    assert_eq!(theirs.state(), ChannelState::Closed);
    let reason = theirs.close_reason().unwrap();
    assert_eq!(reason.cause.to_string(), "one side closed the channel");
    assert_eq!(theirs.stats().await.unwrap(), None);
    // The stream serves again.
    until(&first, |event| {
        matches!(event, Event::DataChannelClosed(..)).then_some(())
    })
    .await;
    let init = DataChannelInit {
        negotiated: Some(7),
        ..DataChannelInit::default()
    };
    let ours = first.create_data_channel("", init.clone()).await.unwrap();
    ours.send("again").await.unwrap();
    let mut theirs = second.create_data_channel("", init).await.unwrap();
    assert_eq!(within(theirs.recv()).await, Some("again".into()));
}

#[tokio::test]
async fn limits_are_set_through_the_handles() {
    let (a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    theirs.set_receive_limit(Some(100_000)).await.unwrap();
    a.set_data_rate_limit(Some(80_000_000)).await.unwrap();
    for _ in 0..30 {
        if ours.send(vec![1; 60_000]).await.is_err() {
            break;
        }
    }
    until(&a, |event| {
        matches!(event, Event::DataChannelClosing(_)).then_some(())
    })
    .await;
    while within(theirs.recv()).await.is_some() {}
    let reason = theirs.close_reason().unwrap();
    assert_eq!(reason.cause, ChannelCloseCause::Unread);
}

#[tokio::test]
async fn dropping_a_handle_sends_what_was_written_and_closes_the_channel_for_both() {
    let (a, b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let id = ours.id();
    ours.send("last").await.unwrap();
    drop(ours);
    assert_eq!(within(theirs.recv()).await, Some("last".into()));
    assert_eq!(within(theirs.recv()).await, None);
    let reason = theirs.close_reason().unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Remote, ChannelCloseCause::Requested)
    );
    let reason = until(&a, |event| match event {
        Event::DataChannelClosed(closed, reason) if closed == id => Some(reason),
        _ => None,
    })
    .await;
    assert_eq!(reason.initiator, Initiator::Local);
    assert_eq!(theirs.send("late").await, Err(SendError::Closed));
    // The connection goes on.
    let again = a
        .create_data_channel("again", DataChannelInit::default())
        .await
        .unwrap();
    again.send("hello").await.unwrap();
    let mut theirs = next_channel(&b).await;
    assert_eq!(within(theirs.recv()).await, Some("hello".into()));
}

#[tokio::test]
async fn messages_that_wait_are_still_read_after_the_other_side_is_gone() {
    let (a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    for number in 0..40_u8 {
        ours.send(vec![number; 10_000]).await.unwrap();
    }
    ours.flush().await.unwrap();
    // Nobody has read yet: everything is in the association of the other side.
    a.close().await;
    for number in 0..40_u8 {
        assert_eq!(
            within(theirs.recv()).await,
            Some(vec![number; 10_000].into())
        );
    }
    assert_eq!(within(theirs.recv()).await, None);
}

#[tokio::test]
async fn a_detached_channel_is_a_stream_of_bytes() {
    let (_a, _b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut ours, mut theirs) = (ours.detach(), theirs.detach());
    let copy = sent.clone();
    let writer = tokio::spawn(async move {
        ours.write_all(&copy).await.unwrap();
        ours.shutdown().await.unwrap();
        ours
    });
    let mut heard = Vec::new();
    within(theirs.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == sent);
    drop(within(writer).await.unwrap());
}

#[tokio::test]
async fn a_detached_channel_serves_those_who_want_the_traits_of_futures_io() {
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::compat::TokioAsyncReadCompatExt;

    let (_a, _b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    let (mut ours, mut theirs) = (ours.detach().compat(), theirs.detach().compat());
    let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    within(ours.write_all(&sent)).await.unwrap();
    within(ours.close()).await.unwrap();
    let mut heard = Vec::new();
    within(theirs.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == sent);
}

#[tokio::test]
async fn a_writer_waits_for_its_buffers_to_drain() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    within(ours.opened()).await.unwrap();
    let reader = tokio::spawn(async move {
        let mut bytes = 0;
        while bytes < 10_000_000 {
            bytes += theirs.recv().await.unwrap().len();
        }
        theirs
    });
    for _ in 0..100 {
        ours.send(vec![1; 100_000]).await.unwrap();
    }
    within(ours.buffered_amount_low(0)).await.unwrap();
    assert_eq!(ours.buffered_amount().await.unwrap(), 0);
    within(reader).await.unwrap();
}

#[tokio::test]
async fn a_future_that_is_dropped_loses_no_message_and_repeats_none() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let writer = tokio::spawn(async move {
        for number in 0..2_000_u32 {
            let mut message = vec![0; 4_000];
            message[..4].copy_from_slice(&number.to_be_bytes());
            loop {
                // The future gives up at its first pause. What it had begun it has not done.
                let sending = ours.send(message.clone());
                let now = tokio::select! {
                    biased;
                    sent = sending => Some(sent),
                    () = tokio::task::yield_now() => None,
                };
                if let Some(sent) = now {
                    break sent.unwrap();
                }
            }
        }
        ours
    });
    for number in 0..2_000_u32 {
        let message = loop {
            let now = tokio::select! {
                biased;
                message = theirs.recv() => Some(message),
                () = tokio::task::yield_now() => None,
            };
            if let Some(message) = now {
                break message.unwrap();
            }
        };
        assert_eq!(message.as_bytes()[..4], number.to_be_bytes());
    }
    drop(within(writer).await.unwrap());
}

#[tokio::test]
async fn opening_and_closing_leaves_nothing_behind() {
    let (a, b, _ours, _theirs) = with_channel(&endpoint(), &endpoint()).await;
    for round in 0..100 {
        let ours = a
            .create_data_channel(&round.to_string(), DataChannelInit::default())
            .await
            .unwrap();
        ours.send("hello").await.unwrap();
        let mut theirs = next_channel(&b).await;
        assert_eq!(theirs.label(), round.to_string());
        assert_eq!(within(theirs.recv()).await, Some("hello".into()));
        drop(ours);
        assert_eq!(within(theirs.recv()).await, None);
    }
    for connection in [&a, &b] {
        assert!(connection.stats().await.unwrap().data_channels.len() <= 2);
    }
}

#[tokio::test]
async fn text_bytes_and_nothing_arrive_as_what_they_are() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let sent: [Message; 4] = [
        "".into(),
        vec![].into(),
        "text".into(),
        vec![0xff, 0].into(),
    ];
    for message in &sent {
        ours.send(message.clone()).await.unwrap();
    }
    for message in &sent {
        assert_eq!(within(theirs.recv()).await.as_ref(), Some(message));
    }
}

/// 64 MB, or 1 GB, a sleep of 10 s and a look at the memory of the whole program with `AVOCET_LONG` set.
#[tokio::test]
async fn neither_end_of_a_long_transfer_holds_much_while_the_reader_sleeps() {
    const MESSAGE: usize = 64 << 10;
    const MOST: usize = 8 << 20;
    let long = std::env::var_os("AVOCET_LONG").is_some();
    let (total, sleep) = if long { (1 << 30, 10) } else { (64 << 20, 1) };
    let (a, b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let before = resident_bytes();
    let writer = tokio::spawn(async move {
        for number in 0..total / MESSAGE {
            let mut message = vec![number as u8; MESSAGE];
            message[..8].copy_from_slice(&(number as u64).to_be_bytes());
            ours.send(message).await.unwrap();
        }
        ours
    });
    for number in 0..total / MESSAGE {
        if number == total / MESSAGE / 4 {
            tokio::time::sleep(Duration::from_secs(sleep)).await;
            let sent = a.stats().await.unwrap().sctp.unwrap();
            let arrived = b.stats().await.unwrap().sctp.unwrap();
            assert!(sent.outstanding_bytes <= MOST, "{sent:?}");
            assert!(arrived.unread_bytes <= MOST, "{arrived:?}");
            assert!(!writer.is_finished());
            // Alone, because the other tests of this program would be counted too.
            if let (true, Some(before), Some(now)) = (long, before, resident_bytes()) {
                assert!(
                    now < before + 2 * MOST,
                    "both ends took {} bytes",
                    now - before
                );
            }
        }
        let message = within(theirs.recv()).await.unwrap();
        let bytes = message.as_bytes();
        assert_eq!(bytes.len(), MESSAGE);
        assert_eq!(bytes[..8], (number as u64).to_be_bytes());
        assert!(bytes[8..].iter().all(|byte| *byte == number as u8));
    }
    drop(within(writer).await.unwrap());
}

/// What this program holds in memory, both ends of every connection in it.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// One message of 32 MB where neither side could hold it: written and read in parts.
#[tokio::test]
async fn a_message_of_any_size_streams_through() {
    const TOTAL: usize = 32 << 20;
    let (_a, b, mut ours, mut theirs) = with_channel_as(DataChannelInit::default(), |config| {
        config.announced_max_message_size = Some(0);
    })
    .await;
    let writer = tokio::spawn(async move {
        let mut message = ours.begin(MessageKind::Binary).await.unwrap();
        for number in 0..TOTAL / 32_768 {
            message.write(vec![number as u8; 32_768]).await.unwrap();
        }
        message.finish().await.unwrap();
        ours.send("after").await.unwrap();
        ours
    });
    let mut read = 0;
    loop {
        let piece = within(theirs.recv_piece()).await.unwrap();
        assert_eq!(piece.beginning, read == 0);
        for byte in &piece.data {
            assert_eq!(*byte, (read / 32_768) as u8);
            read += 1;
        }
        if piece.end == PieceEnd::Complete {
            break;
        }
    }
    assert_eq!(read, TOTAL);
    assert_eq!(within(theirs.recv()).await, Some("after".into()));
    let held = b.stats().await.unwrap().sctp.unwrap().unread_bytes;
    assert_eq!(held, 0);
    drop(within(writer).await.unwrap());
}

/// One message of 10 MB, more than send buffer and receive window are configured to hold.
#[tokio::test]
async fn a_message_larger_than_the_buffers_is_sent_and_read_whole() {
    let (_a, b, ours, mut theirs) = with_channel_as(DataChannelInit::default(), |config| {
        config.max_message_size = 10 << 20;
    })
    .await;
    let bytes: Vec<u8> = (0..10_usize << 20)
        .map(|at| (at * 31 + (at >> 16)) as u8)
        .collect();
    let messages = [
        Message::from(bytes),
        "\u{df}".repeat(5 << 20).into(),
        "after".into(),
    ];
    let written = messages.clone();
    let writer = tokio::spawn(async move {
        for message in written {
            ours.send(message).await.unwrap();
        }
        ours
    });
    for message in messages {
        assert!(within(theirs.recv()).await.unwrap() == message);
    }
    let held = b.stats().await.unwrap().sctp.unwrap().unread_bytes;
    assert_eq!(held, 0);
    drop(within(writer).await.unwrap());
}

#[tokio::test]
async fn a_message_that_is_not_finished_closes_the_channel() {
    let (_a, _b, mut ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    let mut message = ours.begin(MessageKind::Binary).await.unwrap();
    message.write(vec![1; 10_000]).await.unwrap();
    drop(message);
    assert_eq!(within(theirs.recv()).await, None);
    assert_eq!(ours.send("more").await, Err(SendError::Closed));
}
