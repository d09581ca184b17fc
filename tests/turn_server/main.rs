//! The TURN server with its sockets and threads, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

mod caller;
mod certificates;
mod listeners;
mod logs;
mod relays;
mod shards;

use std::net::SocketAddr;

use avocet::turn_server::{ListenerTransport, Settings, TurnServer};

use caller::{PASSWORD, USER};

/// Settings of which the beginning, the listeners and the rest are given.
fn settings(head: &str, listeners: &[(&str, &str)], rest: &str) -> Settings {
    let listen = |(transport, address): &(&str, &str)| {
        format!("[[listen]]\ntransport = {transport:?}\naddress = {address:?}\n")
    };
    let listeners: String = listeners.iter().map(listen).collect();
    let text = format!(
        "realm = \"example.org\"\n{head}\n{listeners}[[relay]]\naddress = \"127.0.0.1\"\n[[relay]]\naddress = \"::1\"\n\
         [users]\n{USER} = {PASSWORD:?}\n[peers]\nallow = [\"127.0.0.0/8\", \"::1\"]\n{rest}"
    );
    Settings::parse(&text).unwrap()
}

/// A server with one UDP listener, and where that is.
async fn start(head: &str, rest: &str) -> (TurnServer, SocketAddr) {
    let settings = settings(head, &[("udp", "127.0.0.1:0")], rest);
    let server = TurnServer::start(&settings).await.unwrap();
    let address = server.listeners()[0].address;
    (server, address)
}

fn address_of(server: &TurnServer, transport: ListenerTransport) -> SocketAddr {
    let mut listeners = server.listeners().iter();
    listeners
        .find(|it| it.transport == transport)
        .unwrap()
        .address
}
