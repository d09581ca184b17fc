use std::net::SocketAddr;
use std::sync::{Mutex, Once};
use std::time::Duration;

use avocet::stun::Method;
use avocet::turn_server::{ListenerTransport, TurnServer};
use log::{LevelFilter, Log, Metadata, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::caller::{Caller, peer};
use super::certificates::Files;
use super::{address_of, settings};

/// What every test of this program has made the stack say, whatever the level.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{}: {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&LINES).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

pub(super) fn lines() -> Vec<String> {
    LINES.0.lock().unwrap().clone()
}

/// Calls, relays, errors, a TLS handshake that fails: from an address that nobody else has.
async fn session(log_addresses: bool, local: &str) {
    let files = Files::new(&format!("logs-{local}"));
    let listeners = [
        ("udp", "127.0.0.1:0"),
        ("tcp", "127.0.0.1:0"),
        ("tls", "127.0.0.1:0"),
        ("dtls", "127.0.0.1:0"),
    ];
    let head = format!("shards = 2\nlog_addresses = {log_addresses}");
    let settings = settings(&head, &listeners, &files.section());
    let server = TurnServer::start(&settings).await.unwrap();
    let local = local.parse().unwrap();
    let friend = peer(server.listeners()[0].address).await;
    let mut alice = Caller::udp_from(local, address_of(&server, ListenerTransport::Udp)).await;
    alice.allocate().await;
    alice.bind(0x4000, friend.local_addr().unwrap()).await;
    alice.talk(&friend, 0x4000, b"hello").await;
    let inside = alice.ask(Method::CREATE_PERMISSION, |it| {
        it.xor_peer_address("10.0.0.1:9".parse().unwrap());
    });
    assert_eq!(inside.await.code, 403);
    alice.send(b"\x00\x01noise").await;
    alice.send(&[0x40, 0x44, 0, 0]).await;
    let gone = SocketAddr::new(local, 9);
    alice.permit(gone).await;
    alice.say(gone, b"anybody?").await;
    Caller::dtls(address_of(&server, ListenerTransport::Dtls))
        .await
        .allocate()
        .await;
    for transport in [ListenerTransport::Tcp, ListenerTransport::Tls] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((local, 0).into()).unwrap();
        let mut stream = socket
            .connect(address_of(&server, transport))
            .await
            .unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    server.drain(None);
    alice.refresh(Duration::ZERO).await;
    server.stop().await;
}

/// U-26: everything on loopback that any server of this program logs, in whatever test, and a whole session with errors.
#[tokio::test]
async fn log_lines_have_no_addresses_unless_they_are_asked_for() {
    listen();
    session(false, "127.0.0.66").await;
    let said = lines();
    assert!(
        said.iter().any(|line| line.contains("TLS with a client")),
        "{said:?}"
    );
    session(true, "127.0.0.77").await;
    let said = lines();
    assert!(
        said.iter().any(|line| line.contains("127.0.0.77:")),
        "{said:?}"
    );
    for line in said.iter().filter(|line| !line.contains("127.0.0.77")) {
        assert!(
            !line.contains("127.0.0.") && !line.contains("::1"),
            "{line}"
        );
    }
}
