use std::time::{Duration, Instant};

use avocet::stun::Method;
use avocet::turn_server::{ListenerTransport, TurnServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::caller::{Answer, Caller, Way, peer};
use super::{address_of, settings, start};

/// So many moves that one at least leads to another one of four shards, but for a chance of one in 4^12.
const MOVES: usize = 12;

async fn started() -> TurnServer {
    let listeners = [("udp", "127.0.0.1:0"), ("tcp", "127.0.0.1:0")];
    TurnServer::start(&settings("shards = 4", &listeners, ""))
        .await
        .unwrap()
}

fn ticket(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.code, 0);
    answer.message().mobility_ticket().unwrap().to_vec()
}

/// U-20: from one socket to the next, by UDP and TCP in turn.
#[tokio::test]
async fn an_allocation_follows_its_client_to_whatever_shard_the_kernel_sends_it_to() {
    let server = started().await;
    let (udp, tcp) = (
        address_of(&server, ListenerTransport::Udp),
        address_of(&server, ListenerTransport::Tcp),
    );
    let mut client = Caller::udp(udp).await;
    let made = client.ask(Method::ALLOCATE, |it| {
        it.requested_transport(17).mobility_ticket(&[]);
    });
    let made = made.await;
    let relayed = made
        .message()
        .xor_relayed_addresses()
        .next()
        .unwrap()
        .unwrap();
    let friend = peer(relayed).await;
    client.bind(0x4000, friend.local_addr().unwrap()).await;
    let mut token = ticket(&made);
    for number in 0..MOVES {
        client = if number % 2 == 0 {
            Caller::tcp(tcp).await
        } else {
            Caller::udp(udp).await
        };
        let moved = client.ask(Method::REFRESH, |it| {
            it.lifetime(Duration::from_secs(600))
                .mobility_ticket(&token);
        });
        token = ticket(&moved.await);
        client.talk(&friend, 0x4000, &[number as u8; 50]).await;
    }
    assert_eq!(server.stats().await.allocations, 1);
}

/// U-18
#[tokio::test]
async fn a_reserved_port_is_had_from_whatever_shard_the_kernel_sends_the_client_to() {
    let server = started().await;
    let udp = address_of(&server, ListenerTransport::Udp);
    for _ in 0..MOVES / 2 {
        let (mut first, mut second) = (Caller::udp(udp).await, Caller::udp(udp).await);
        let even = first.ask(Method::ALLOCATE, |it| {
            it.requested_transport(17).even_port(true);
        });
        let even = even.await;
        assert_eq!(even.code, 0);
        let token = even.message().reservation_token().unwrap().unwrap();
        let odd = second.ask(Method::ALLOCATE, |it| {
            it.requested_transport(17).reservation_token(token);
        });
        let odd = odd.await;
        assert_eq!(odd.code, 0);
        let port = |answer: &Answer| {
            let relayed = answer.message().xor_relayed_addresses().next();
            relayed.unwrap().unwrap().port()
        };
        assert_eq!((port(&even) % 2, port(&odd)), (0, port(&even) + 1));
        for client in [&mut first, &mut second] {
            assert_eq!(client.refresh(Duration::ZERO).await, 0);
        }
    }
}

/// U-19: the stream for the data comes to any shard, the connection is at one.
#[tokio::test]
async fn a_tcp_connection_to_a_peer_is_joined_from_whatever_shard_the_kernel_sends_the_client_to() {
    let server = started().await;
    let tcp = address_of(&server, ListenerTransport::Tcp);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    for number in 0..MOVES / 2 {
        let mut control = Caller::tcp(tcp).await;
        let made = control.ask(Method::ALLOCATE, |it| {
            it.requested_transport(6);
        });
        assert_eq!(made.await.code, 0);
        let connected = control.ask(Method::CONNECT, |it| {
            it.xor_peer_address(peer);
        });
        let connected = connected.await;
        assert_eq!(connected.code, 0);
        let id = connected.message().connection_id().unwrap().unwrap();
        let mut data = Caller::tcp(tcp).await;
        let joined = data.ask(Method::CONNECTION_BIND, |it| {
            it.connection_id(id);
        });
        assert_eq!(joined.await.code, 0);
        let (mut accepted, _) = listener.accept().await.unwrap();
        let Way::Stream(stream, _) = &mut data.way else {
            unreachable!()
        };
        let (said, mut heard) = ([number as u8; 500], [0; 500]);
        stream.write_all(&said).await.unwrap();
        accepted.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, said);
        accepted.write_all(&heard).await.unwrap();
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, said);
    }
}

/// U-7: one user on every shard has the bytes of one user; another one has his own.
#[tokio::test]
async fn the_bytes_of_a_user_are_limited_over_all_shards_together() {
    let limits = "[limits]\nallocations_per_user = 100\nuser_bytes_per_second = 65536";
    let (server, udp) = start("shards = 4", limits).await;
    let friend = peer(udp).await;
    let began = Instant::now();
    let mut sent = 0;
    for _ in 0..MOVES {
        let mut client = Caller::udp(udp).await;
        client.allocate().await;
        client.bind(0x4000, friend.local_addr().unwrap()).await;
        for _ in 0..40 {
            client.say_on(0x4000, &[0; 1_000]).await;
            sent += 1_000;
        }
        // The answer comes after all that.
        assert_eq!(client.refresh(Duration::from_secs(600)).await, 0);
    }
    let seconds = began.elapsed().as_secs_f64();
    let stats = server.stats().await;
    // Half a million bytes were sent; a shard that counted for itself would have let all of its part pass.
    let allowed = 65_536.0 * (1.0 + seconds);
    let passed = stats.bytes_to_peers as f64;
    assert!(
        passed <= allowed && sent as f64 > allowed,
        "{passed} of {sent}, {allowed} allowed"
    );
    assert!(passed > 60_000.0, "{passed}");
    assert_eq!(stats.drops.rate, (sent - stats.bytes_to_peers) / 1_000);
}
