//! Two endpoints in one process, over loopback.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use avocet::peer::{Config, ConnectionState, DataChannelInit};
use avocet::{DataChannel, Endpoint, EndpointConfig, Event, PeerConnection};
use tokio::time::timeout;

/// No step of these tests takes this long; a hang ends here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What comes of something that must not take for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap()
}

pub(crate) fn endpoint() -> Endpoint {
    let mut config = EndpointConfig::default();
    config.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    Endpoint::bind(config).unwrap()
}

pub(crate) async fn until<T>(
    connection: &PeerConnection,
    mut wanted: impl FnMut(Event) -> Option<T>,
) -> T {
    let search = async {
        while let Some(event) = connection.next_event().await {
            if let Some(found) = wanted(event) {
                return found;
            }
        }
        panic!("the connection ended first");
    };
    timeout(PATIENCE, search).await.unwrap()
}

pub(crate) async fn until_state(connection: &PeerConnection, state: ConnectionState) {
    until(connection, |event| {
        matches!(event, Event::ConnectionStateChanged(now) if now == state).then_some(())
    })
    .await;
}

/// Negotiates: the first offers, the second answers.
pub(crate) async fn negotiate(a: &PeerConnection, b: &PeerConnection) {
    let offer = a.offer().await.unwrap();
    let answer = b.answer(offer).await.unwrap();
    a.set_remote_description(answer).await.unwrap();
}

/// Two connections with an open channel between them, on endpoints of their own.
pub(crate) async fn with_channel_as(
    init: DataChannelInit,
    change: impl Fn(&mut Config),
) -> (PeerConnection, PeerConnection, DataChannel, DataChannel) {
    let mut connections = Vec::new();
    for _ in 0..2 {
        let endpoint = endpoint();
        let mut config = endpoint.connection_config().unwrap();
        change(&mut config);
        connections.push(endpoint.peer_connection_with(config).await.unwrap());
    }
    let second = connections.pop().unwrap();
    let first = connections.pop().unwrap();
    let ours = first.create_data_channel("test", init).await.unwrap();
    negotiate(&first, &second).await;
    let theirs = next_channel(&second).await;
    (first, second, ours, theirs)
}

pub(crate) async fn next_channel(connection: &PeerConnection) -> DataChannel {
    until(connection, |event| match event {
        Event::DataChannel(channel) => Some(channel),
        _ => None,
    })
    .await
}

/// Two connections with an open channel between them.
pub(crate) async fn with_channel(
    a: &Endpoint,
    b: &Endpoint,
) -> (PeerConnection, PeerConnection, DataChannel, DataChannel) {
    let (first, second) = (
        a.peer_connection().await.unwrap(),
        b.peer_connection().await.unwrap(),
    );
    let ours = first
        .create_data_channel("test", DataChannelInit::default())
        .await
        .unwrap();
    negotiate(&first, &second).await;
    let theirs = until(&second, |event| match event {
        Event::DataChannel(channel) => Some(channel),
        _ => None,
    })
    .await;
    (first, second, ours, theirs)
}
