use std::time::Duration;

use avocet::stun::{Message, Method};
use avocet::turn::ChannelData;
use avocet::turn_server::{ListenerTransport, TurnServer};
use tokio::time::timeout;

use super::caller::{Caller, PATIENCE, peer, receive};
use super::{address_of, settings, start};

/// U-14: an address where nobody listens, and one where somebody does, through the same relay.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_icmp_error_comes_to_the_client_and_costs_no_other_peer_a_datagram() {
    let settings = settings("", &[("udp", "127.0.0.1:0"), ("udp", "[::1]:0")], "");
    let server = TurnServer::start(&settings).await.unwrap();
    for listener in server.listeners() {
        let mut alice = Caller::udp(listener.address).await;
        if listener.address.is_ipv4() {
            alice.allocate().await;
        } else {
            alice.allocate_v6().await;
        }
        let (gone, there) = (peer(listener.address).await, peer(listener.address).await);
        let dead = gone.local_addr().unwrap();
        drop(gone);
        let live = there.local_addr().unwrap();
        alice.permit(dead).await;
        // The error is on the socket before the next datagram leaves: that one must not pay for it.
        for round in 0..20_u8 {
            alice.say(dead, b"anybody?").await;
            alice.say(live, &[round; 30]).await;
            assert_eq!(receive(&there).await.0, [round; 30]);
        }
        let told = alice.next().await;
        let message = Message::decode(&told).unwrap();
        assert_eq!(message.method(), Method::DATA);
        assert_eq!(message.xor_peer_address(), Ok(Some(dead)));
        let unreachable = if dead.is_ipv4() {
            (3, 3, [0; 4])
        } else {
            (1, 4, [0; 4])
        };
        assert_eq!(message.icmp(), Ok(Some(unreachable)));
        assert_eq!(message.data(), None);
    }
}

/// More errors than are read in one turn.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relay_that_hears_nothing_but_errors_still_hears_its_peer() {
    let (_server, address) = start("", "").await;
    let mut alice = Caller::udp(address).await;
    let relayed = alice.allocate().await;
    let (gone, there) = (peer(address).await, peer(address).await);
    let dead = gone.local_addr().unwrap();
    drop(gone);
    alice.permit(dead).await;
    for _ in 0..100 {
        alice.say(dead, b"anybody?").await;
    }
    there.send_to(b"here", relayed).await.unwrap();
    let heard = async {
        loop {
            let bytes = alice.next().await;
            if Message::decode(&bytes).unwrap().data() == Some(b"here") {
                return;
            }
        }
    };
    timeout(PATIENCE, heard)
        .await
        .expect("the peer was not heard");
}

/// U-16, T-05: a client that does not read costs 256 KiB and its own datagrams; what it reads later is whole.
#[tokio::test]
async fn a_stream_that_is_not_read_loses_whole_datagrams_and_stays_in_step() {
    let settings = settings(
        "shards = 1",
        &[("tcp", "127.0.0.1:0"), ("udp", "127.0.0.1:0")],
        "",
    );
    let server = TurnServer::start(&settings).await.unwrap();
    let mut slow = Caller::tcp(address_of(&server, ListenerTransport::Tcp)).await;
    let relayed = slow.allocate().await;
    let flood = peer(relayed).await;
    slow.bind(0x4000, flood.local_addr().unwrap()).await;
    // More than the kernel and the server hold together. Another client is served meanwhile.
    let mut other = Caller::udp(address_of(&server, ListenerTransport::Udp)).await;
    other.allocate().await;
    let friend = peer(relayed).await;
    other.bind(0x4000, friend.local_addr().unwrap()).await;
    let mut payload = vec![9; 1_201];
    for number in 0..20_000_u32 {
        payload[..4].copy_from_slice(&number.to_be_bytes());
        flood.send_to(&payload, relayed).await.unwrap();
        if number % 2_000 == 0 {
            other.talk(&friend, 0x4000, &number.to_be_bytes()).await;
        }
    }
    flood.send_to(b"the end", relayed).await.unwrap();
    let mut heard = 0;
    let mut last = None;
    let read = async {
        loop {
            let mut frame = slow.next().await;
            // One that came for certain, when there is room again.
            if heard % 64 == 0 {
                flood.send_to(b"the end", relayed).await.unwrap();
            }
            let data = ChannelData::decode(&mut frame).unwrap().data;
            if data == b"the end" {
                return;
            }
            assert_eq!((data.len(), &data[4..]), (payload.len(), &payload[4..]));
            let number = u32::from_be_bytes(data[..4].try_into().unwrap());
            assert!(last.is_none_or(|last| last < number), "out of order");
            last = Some(number);
            heard += 1;
        }
    };
    timeout(PATIENCE, read)
        .await
        .expect("the stream stands still");
    assert!(heard < 20_000, "nothing was dropped");
    assert_eq!(slow.refresh(Duration::from_secs(600)).await, 0);
}

/// T-05: who sends a byte now and then, and never a whole message, is sent away like who sends nothing.
#[tokio::test]
async fn half_a_message_a_byte_at_a_time_does_not_hold_a_stream_open() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    let settings = settings(
        "",
        &[("tcp", "127.0.0.1:0")],
        "[limits]\nstream_idle_seconds = 1",
    );
    let server = TurnServer::start(&settings).await.unwrap();
    let mut stream = TcpStream::connect(server.listeners()[0].address)
        .await
        .unwrap();
    let drip = async {
        // A ChannelData message that says it is as long as one can be.
        let mut bytes = [0x40, 0, 0xff, 0xff]
            .into_iter()
            .chain(std::iter::repeat(0));
        let mut buf = [0; 16];
        loop {
            let byte = bytes.next().unwrap();
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            let read = timeout(Duration::from_millis(50), stream.read(&mut buf)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                return;
            }
        }
    };
    timeout(PATIENCE, drip).await.expect("it is still open");
    assert_eq!(server.stats().await.drops.streams, 1);
}

/// U-25
#[tokio::test]
async fn a_server_that_drains_serves_who_is_there_sends_others_away_and_is_empty_when_they_are_gone()
 {
    let (server, address) = start("", "").await;
    let mut alice = Caller::udp(address).await;
    let relayed = alice.allocate().await;
    let friend = peer(relayed).await;
    alice.bind(0x4000, friend.local_addr().unwrap()).await;
    let elsewhere = "192.0.2.7:3478".parse().unwrap();
    server.drain(Some(elsewhere));
    alice.talk(&friend, 0x4000, b"still here").await;
    let mut late = Caller::udp(address).await;
    let answer = late.ask(Method::ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let answer = answer.await;
    assert_eq!(answer.code, 300);
    assert_eq!(answer.message().alternate_server(), Ok(Some(elsewhere)));
    assert!(!server.drained(Duration::from_millis(10)).await);
    assert_eq!(alice.refresh(Duration::from_secs(600)).await, 0);
    alice.talk(&friend, 0x4000, b"and still").await;
    assert_eq!(alice.refresh(Duration::ZERO).await, 0);
    assert!(server.drained(PATIENCE).await);
    server.stop().await;
}
