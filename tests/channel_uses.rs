//! What programs do with data channels: proxies, copies, codecs, requests and answers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use avocet::peer::{DataChannelInit, Message, MessageKind, PieceEnd};
use avocet::{DataChannel, PeerConnection, SendError};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use support::{endpoint, next_channel, with_channel, with_channel_as, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

type Call = (PeerConnection, PeerConnection, DataChannel, DataChannel);

async fn call() -> Call {
    with_channel(&endpoint(), &endpoint()).await
}

/// Two calls that meet in a program which passes on what each side says, and the end of it.
#[tokio::test]
async fn a_proxy_forwards_every_message_and_the_end() {
    let (_a, _b, mut left, near) = call().await;
    let (_c, _d, far, mut right) = call().await;
    let proxy = tokio::spawn(async move {
        let (near_sink, near) = near.split();
        let (far_sink, far) = far.split();
        let there = near.map(Ok::<Message, SendError>).forward(far_sink);
        let back = far.map(Ok::<Message, SendError>).forward(near_sink);
        tokio::join!(there, back)
    });
    let sent: Vec<Message> = (0..300_usize)
        .map(|number| match number % 3 {
            0 => number.to_string().into(),
            1 => vec![number as u8; number * 300].into(),
            _ => "".into(),
        })
        .collect();
    let write = async {
        for message in &sent {
            left.send(message.clone()).await.unwrap();
        }
    };
    let read = async {
        for message in &sent {
            assert!(right.recv().await.as_ref() == Some(message));
        }
        right.send("thanks").await.unwrap();
    };
    within(async { tokio::join!(write, read) }).await;
    assert_eq!(within(left.recv()).await, Some("thanks".into()));
    left.close();
    assert_eq!(within(right.recv()).await, None);
    let (there, _) = within(proxy).await.unwrap();
    there.unwrap();
}

/// A tunnel: bytes of a socket into a channel and out of it, both ways at the same time.
#[tokio::test]
async fn bytes_are_copied_into_a_channel_and_out_of_it() {
    const TOTAL: usize = 3_000_000;
    let (_a, _b, ours, theirs) = call().await;
    let (client, entrance) = tokio::io::duplex(10_000);
    let (exit, server) = tokio::io::duplex(777);
    let tunnel = |mut socket, channel: DataChannel| {
        let mut channel = channel.detach();
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut socket, &mut channel).await })
    };
    let (one, other) = (tunnel(entrance, ours), tunnel(exit, theirs));
    let byte = |at: usize| (at * 31 + (at >> 9)) as u8;
    let echo = tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(server);
        tokio::io::copy(&mut read, &mut write).await
    });
    let (mut read, mut write) = tokio::io::split(client);
    let writer = tokio::spawn(async move {
        let bytes: Vec<u8> = (0..TOTAL).map(byte).collect();
        write.write_all(&bytes).await.unwrap();
        write
    });
    let mut heard = vec![0; TOTAL];
    within(read.read_exact(&mut heard)).await.unwrap();
    assert!(
        heard
            .iter()
            .enumerate()
            .all(|(at, heard)| *heard == byte(at))
    );
    let mut write = within(writer).await.unwrap();
    write.shutdown().await.unwrap();
    let (sent, received) = within(one).await.unwrap().unwrap();
    assert_eq!((sent, received), (TOTAL as u64, TOTAL as u64));
    within(other).await.unwrap().unwrap();
    assert_eq!(within(echo).await.unwrap().unwrap(), TOTAL as u64);
}

/// A reader with a buffer smaller than a message gets all of it, and what it had asked for when it gave up.
#[tokio::test]
async fn a_detached_channel_is_read_with_a_buffer_of_any_size() {
    let (_a, _b, ours, theirs) = call().await;
    let sent: Vec<u8> = (0..100_000_u32).map(|at| (at % 253) as u8).collect();
    ours.send(sent[..70_000].to_vec()).await.unwrap();
    ours.send(Vec::new()).await.unwrap();
    ours.send(sent[70_000..].to_vec()).await.unwrap();
    ours.close();
    let mut theirs = theirs.detach();
    let mut heard = Vec::new();
    for size in (1..).cycle() {
        let mut buffer = vec![0; size % 1_400 + 1];
        let read = tokio::select! {
            biased;
            read = theirs.read(&mut buffer) => read.unwrap(),
            () = tokio::task::yield_now() => continue,
        };
        heard.extend_from_slice(&buffer[..read]);
        if read == 0 {
            break;
        }
    }
    assert!(heard == sent);
}

#[tokio::test]
async fn frames_of_a_codec_pass_through_a_detached_channel() {
    let (_a, _b, ours, theirs) = call().await;
    let mut ours = Framed::new(ours.detach(), LengthDelimitedCodec::new());
    let mut theirs = Framed::new(theirs.detach(), LengthDelimitedCodec::new());
    let sizes = [0, 1, 16_383, 16_384, 1_000_000, 5];
    let writer = tokio::spawn(async move {
        for size in sizes {
            ours.send(Bytes::from(vec![size as u8; size]))
                .await
                .unwrap();
        }
        SinkExt::<Bytes>::close(&mut ours).await.unwrap();
    });
    for size in sizes {
        let frame = within(theirs.next()).await.unwrap().unwrap();
        assert!(frame == vec![size as u8; size]);
    }
    assert!(within(theirs.next()).await.is_none());
    within(writer).await.unwrap();
}

/// Many tasks ask over one channel; some give up waiting and harm nobody.
#[tokio::test]
async fn requests_of_many_tasks_share_a_channel() {
    let (_a, _b, ours, mut theirs) = call().await;
    let server = tokio::spawn(async move {
        let mut served = 0;
        while let Some(request) = theirs.recv().await {
            served += 1;
            theirs.send(request).await.unwrap();
        }
        served
    });
    let waiting: BTreeMap<String, tokio::sync::oneshot::Sender<()>> = BTreeMap::new();
    let waiting = Arc::new(Mutex::new(waiting));
    let (outgoing, mut requests) = tokio::sync::mpsc::channel::<Message>(4);
    let table = Arc::clone(&waiting);
    let client = tokio::spawn(async move {
        let mut ours = ours;
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => ours.send(request).await.unwrap(),
                    None => break,
                },
                answer = ours.recv() => {
                    let answer = String::from_utf8(answer.unwrap().as_bytes().to_vec()).unwrap();
                    if let Some(asker) = table.lock().await.remove(&answer) {
                        let _ = asker.send(());
                    }
                }
            }
        }
    });
    let mut tasks = Vec::new();
    for number in 0..200 {
        let (waiting, outgoing) = (Arc::clone(&waiting), outgoing.clone());
        tasks.push(tokio::spawn(async move {
            let (asker, answer) = tokio::sync::oneshot::channel();
            waiting.lock().await.insert(number.to_string(), asker);
            outgoing.send(number.to_string().into()).await.unwrap();
            if number % 7 == 0 {
                let _ = timeout(Duration::ZERO, answer).await;
            } else {
                answer.await.unwrap();
            }
        }));
    }
    drop(outgoing);
    for task in tasks {
        within(task).await.unwrap();
    }
    within(client).await.unwrap();
    assert_eq!(within(server).await.unwrap(), 200);
}

/// The handle is shared: whoever writes needs no `mut`.
#[tokio::test]
async fn many_tasks_send_on_one_channel() {
    const TASKS: usize = 20;
    const EACH: usize = 50;
    let (_a, _b, ours, mut theirs) = call().await;
    let ours = Arc::new(ours);
    for task in 0..TASKS {
        let ours = Arc::clone(&ours);
        tokio::spawn(async move {
            for number in 0..EACH {
                let mut message = vec![task as u8; 10_000];
                message[1] = number as u8;
                ours.send(message).await.unwrap();
            }
        });
    }
    drop(ours);
    let mut next = [0; TASKS];
    while let Some(message) = within(theirs.recv()).await {
        let (task, number) = (message.as_bytes()[0], message.as_bytes()[1]);
        assert_eq!(usize::from(number), next[usize::from(task)]);
        next[usize::from(task)] += 1;
    }
    assert_eq!(next, [EACH; TASKS]);
}

/// One task writes a message of 20 MB, another reads meanwhile, and may stop the first.
#[tokio::test]
async fn a_half_writes_a_large_message_while_the_other_reads() {
    const BLOCK: usize = 50_000;
    let (_a, _b, ours, theirs) = with_channel_as(DataChannelInit::default(), |config| {
        config.announced_max_message_size = Some(0);
    })
    .await;
    let (mut sends, mut receives) = ours.into_split();
    let (answers, mut pieces) = theirs.into_split();
    let reader = tokio::spawn(async move {
        let mut read = 0;
        while let Some(piece) = pieces.recv_piece().await {
            let before = read / 1_000_000;
            read += piece.data.len();
            if read / 1_000_000 > before {
                answers.send((read / 1_000_000).to_string()).await.unwrap();
            }
            if piece.end == PieceEnd::Complete {
                break;
            }
        }
        read
    });
    let writer = tokio::spawn(async move {
        let mut message = sends.begin(MessageKind::Binary).await.unwrap();
        for _ in 0..400 {
            message.write(vec![1; BLOCK]).await.unwrap();
        }
        message.finish().await.unwrap();
        sends
    });
    for number in 1..=20 {
        let told = within(receives.recv()).await;
        assert_eq!(told, Some(number.to_string().into()));
    }
    assert_eq!(within(reader).await.unwrap(), 400 * BLOCK);
    // The channel lives as long as one of its halves.
    drop(within(writer).await.unwrap());
    assert_eq!(within(receives.recv()).await, None);
}

/// Before the channel is open nobody knows how large a message the other side takes, and for a stream it does not matter.
#[tokio::test]
async fn a_stream_of_bytes_fits_into_messages_of_any_size() {
    let (first, second) = (endpoint(), endpoint());
    let first = first.peer_connection().await.unwrap();
    let second = second.peer_connection().await.unwrap();
    let init = DataChannelInit::default();
    let mut ours = first.create_data_channel("", init).await.unwrap().detach();
    ours.write_all(&[1; 40_000]).await.unwrap();
    let offer = first.offer().await.unwrap();
    let mut answer = second.answer(offer).await.unwrap();
    let size = "a=max-message-size:";
    answer.sdp = answer
        .sdp
        .replace(&format!("{size}262144"), &format!("{size}700"));
    assert!(answer.sdp.contains(&format!("{size}700")));
    first.set_remote_description(answer).await.unwrap();
    let mut theirs = next_channel(&second).await;
    within(ours.write_all(&[1; 300_000])).await.unwrap();
    within(ours.shutdown()).await.unwrap();
    let mut read = 0;
    while let Some(message) = within(theirs.recv()).await {
        assert!(message.len() <= 700);
        read += message.len();
    }
    assert_eq!(read, 340_000);
}
