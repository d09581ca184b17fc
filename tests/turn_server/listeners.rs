use avocet::turn_server::{ListenerTransport, TurnServer};

use super::caller::{Caller, peer};
use super::certificates::Files;
use super::settings;

/// Every transport on either family, all at once, and each relays.
#[tokio::test]
async fn listeners_of_every_kind_and_both_families_serve_at_once() {
    let files = Files::new("listeners");
    let transports = ["udp", "tcp", "tls", "dtls"];
    let all: Vec<_> = transports
        .into_iter()
        .flat_map(|transport| [(transport, "127.0.0.1:0"), (transport, "[::1]:0")])
        .collect();
    let settings = settings("shards = 2", &all, &files.section());
    let server = TurnServer::start(&settings).await.unwrap();
    assert_eq!(server.listeners().len(), 8);
    let mut callers = Vec::new();
    for listener in server.listeners() {
        let address = listener.address;
        let mut caller = match listener.transport {
            ListenerTransport::Udp => Caller::udp(address).await,
            ListenerTransport::Tcp => Caller::tcp(address).await,
            ListenerTransport::Tls => Caller::tls(address, &files.certificate()).await.unwrap(),
            ListenerTransport::Dtls => Caller::dtls(address).await,
        };
        let relayed = caller.allocate().await;
        let friend = peer(relayed).await;
        caller.bind(0x4000, friend.local_addr().unwrap()).await;
        callers.push((caller, friend));
    }
    for (number, (caller, friend)) in callers.iter_mut().enumerate() {
        caller.talk(friend, 0x4000, &[number as u8; 99]).await;
    }
    assert_eq!(server.stats().await.allocations, 8);
}
