//! What becomes of messages, and of those who wait, when a channel, a handle, a connection or a runtime ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use avocet::peer::{DataChannelInit, Initiator, Message};
use avocet::{DataChannel, Event, SendError};
use futures_util::{FutureExt, StreamExt};
use support::{PATIENCE, endpoint, next_channel, until, with_channel, within};
use tokio::time::timeout;

/// Writes until nothing more is taken: every buffer between here and the reader, who sleeps, is full.
async fn fill(channel: &DataChannel) -> usize {
    let mut messages = 0;
    let write = async {
        loop {
            channel.send(vec![messages as u8; 60_000]).await.unwrap();
            messages += 1;
        }
    };
    let _ = timeout(Duration::from_millis(500), write).await;
    messages
}

/// Writes until it is refused.
async fn refused(channel: &DataChannel) -> SendError {
    loop {
        if let Err(error) = channel.send(vec![1; 60_000]).await {
            return error;
        }
    }
}

async fn reads_all(mut channel: DataChannel, messages: usize) {
    for number in 0..messages {
        let message = within(channel.recv()).await;
        assert!(message == Some(vec![number as u8; 60_000].into()));
    }
    assert!(within(channel.recv()).await.is_none());
}

#[tokio::test]
async fn what_was_written_before_the_connection_is_closed_arrives() {
    let (a, _b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    let messages = fill(&ours).await;
    let reader = tokio::spawn(reads_all(theirs, messages));
    within(a.close()).await;
    assert_eq!(ours.send("late").await, Err(SendError::Closed));
    within(reader).await.unwrap();
}

#[tokio::test]
async fn what_was_written_before_the_last_handle_is_dropped_arrives() {
    let (a, _b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    let messages = fill(&ours).await;
    drop((ours, a));
    reads_all(theirs, messages).await;
}

#[tokio::test]
async fn what_arrived_is_still_read_when_an_answer_finds_the_channel_closed() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    for number in 0..100_u8 {
        ours.send(vec![number; 10_000]).await.unwrap();
    }
    drop(ours);
    let mut refused = 0;
    for number in 0..100_u8 {
        let message = within(theirs.recv()).await;
        assert!(message == Some(vec![number; 10_000].into()), "{number}");
        refused += usize::from(theirs.send("thanks").await.is_err());
        tokio::task::yield_now().await;
    }
    assert!(refused > 0);
    assert_eq!(within(theirs.recv()).await, None);
}

/// Nothing is missed by who looks late: the handle, what was said, and that it is over.
#[tokio::test]
async fn a_channel_that_closes_as_soon_as_it_opened_is_given_all_the_same() {
    let (a, b, _ours, _theirs) = with_channel(&endpoint(), &endpoint()).await;
    for text in [None, Some("hello")] {
        let init = DataChannelInit::default();
        let ours = a.create_data_channel("short", init).await.unwrap();
        let id = ours.id();
        if let Some(text) = text {
            ours.send(text).await.unwrap();
        }
        drop(ours);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut theirs = next_channel(&b).await;
        assert_eq!(theirs.label(), "short");
        if let Some(text) = text {
            assert_eq!(within(theirs.recv()).await, Some(text.into()));
        }
        assert_eq!(within(theirs.recv()).await, None);
        let reason = theirs.close_reason().unwrap();
        assert_eq!(reason.initiator, Initiator::Remote);
        until(&a, |event| match event {
            Event::DataChannelClosed(closed, _) if closed == id => Some(()),
            _ => None,
        })
        .await;
    }
}

#[tokio::test]
async fn two_sides_that_only_write_and_go_end_their_channel() {
    let (a, b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    within(ours.opened()).await.unwrap();
    tokio::join!(fill(&ours), fill(&theirs));
    drop((ours, theirs));
    for connection in [&a, &b] {
        until(connection, |event| {
            matches!(event, Event::DataChannelClosed(..)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_channel_without_a_reader_that_is_dropped_holds_no_other_one_up() {
    let (a, b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    fill(&ours).await;
    let other = a
        .create_data_channel("other", DataChannelInit::default())
        .await
        .unwrap();
    other.send("hello").await.unwrap();
    // All that the association takes waits for nobody.
    drop(theirs);
    let mut other = next_channel(&b).await;
    assert_eq!(within(other.recv()).await, Some("hello".into()));
}

#[tokio::test]
async fn writers_that_wait_hear_that_the_other_side_closes_although_nobody_reads() {
    let (a, _b, ours, theirs) = with_channel(&endpoint(), &endpoint()).await;
    theirs.send("never read").await.unwrap();
    fill(&ours).await;
    let ours = Arc::new(ours);
    let writer = Arc::clone(&ours);
    let writer = tokio::spawn(async move { refused(&writer).await });
    let watcher = Arc::clone(&ours);
    let watcher = tokio::spawn(async move { watcher.buffered_amount_low(0).await });
    tokio::task::yield_now().await;
    theirs.close();
    assert_eq!(within(writer).await.unwrap(), SendError::Closed);
    assert_eq!(within(watcher).await.unwrap(), Err(SendError::Closed));
    let closing = until(&a, |event| match event {
        Event::DataChannelClosing(id) => Some(id),
        _ => None,
    })
    .await;
    assert_eq!(closing, ours.id());
    let mut ours = Arc::into_inner(ours).unwrap();
    assert_eq!(within(ours.recv()).await, Some("never read".into()));
    assert_eq!(within(ours.recv()).await, None);
}

#[tokio::test]
async fn a_writer_that_waits_hears_that_its_own_side_closes() {
    let (_a, _b, ours, _theirs) = with_channel(&endpoint(), &endpoint()).await;
    fill(&ours).await;
    let ours = Arc::new(ours);
    let writer = Arc::clone(&ours);
    let writer = tokio::spawn(async move { refused(&writer).await });
    tokio::task::yield_now().await;
    ours.close();
    assert_eq!(within(writer).await.unwrap(), SendError::Closed);
}

#[tokio::test]
async fn every_task_that_waits_for_low_buffers_is_woken() {
    let (_a, _b, ours, mut theirs) = with_channel(&endpoint(), &endpoint()).await;
    fill(&ours).await;
    let ours = Arc::new(ours);
    let mut waiters = Vec::new();
    for bytes in [0, 1_000, 100_000, 100_000] {
        let channel = Arc::clone(&ours);
        let wait = async move { channel.buffered_amount_low(bytes).await };
        waiters.push(tokio::spawn(wait));
    }
    tokio::task::yield_now().await;
    let reader = tokio::spawn(async move { while theirs.recv().await.is_some() {} });
    for waiter in waiters {
        within(waiter).await.unwrap().unwrap();
    }
    reader.abort();
}

/// Each event goes to one of them, and the end to all.
#[tokio::test]
async fn tasks_that_wait_for_events_are_all_woken() {
    let (a, _b, _ours, _theirs) = with_channel(&endpoint(), &endpoint()).await;
    let mut waiters = Vec::new();
    for _ in 0..3 {
        let mut events = a.events();
        let wait = async move { while events.next().await.is_some() {} };
        waiters.push(tokio::spawn(wait));
    }
    tokio::task::yield_now().await;
    within(a.close()).await;
    for waiter in waiters {
        within(waiter).await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_made() {
    let (ours, theirs) = (endpoint(), endpoint());
    let (a, b, _ours, _theirs) = with_channel(&ours, &theirs).await;
    for _ in 0..20 {
        let create = a.create_data_channel("given up", DataChannelInit::default());
        assert!(create.now_or_never().is_none());
        assert!(ours.peer_connection().now_or_never().is_none());
    }
    let all_gone = async {
        for connection in [&a, &b] {
            while connection.stats().await.unwrap().data_channels.len() > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    within(all_gone).await;
}

#[test]
fn the_end_of_a_runtime_is_the_end_of_its_channels() {
    let mut driver = tokio::runtime::Builder::new_multi_thread();
    let driver = driver.worker_threads(1).enable_all().build().unwrap();
    let (a, b, ours, mut theirs) =
        driver.block_on(async { with_channel(&endpoint(), &endpoint()).await });
    let mut mine = tokio::runtime::Builder::new_current_thread();
    let mine = mine.enable_all().build().unwrap();
    // Handles work wherever they are.
    mine.block_on(async {
        ours.send("across").await.unwrap();
        let message = within(theirs.recv()).await;
        assert_eq!(message, Some(Message::from("across")));
    });
    driver.shutdown_timeout(PATIENCE);
    mine.block_on(async {
        assert_eq!(within(theirs.recv()).await, None);
        assert_eq!(within(ours.send("late")).await, Err(SendError::Closed));
        assert!(within(a.stats()).await.is_err());
        within(b.close()).await;
        while within(b.next_event()).await.is_some() {}
    });
}

#[tokio::test]
async fn a_channel_that_was_never_negotiated_ends_with_its_connection() {
    let connection = endpoint().peer_connection().await.unwrap();
    let init = DataChannelInit::default();
    let mut channel = connection.create_data_channel("x", init).await.unwrap();
    channel.send("never sent").await.unwrap();
    within(connection.close()).await;
    assert_eq!(within(channel.recv()).await, None);
    assert_eq!(within(channel.opened()).await, Err(SendError::Closed));
    // It says that something was lost.
    assert_eq!(within(channel.flush()).await, Err(SendError::Closed));
}
