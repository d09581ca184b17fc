//! ICE through the driver on loopback: TCP candidates, names of multicast DNS, STUN servers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may stop at the first surprise; the driver lives in real time"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use avocet::net::Transport;
use avocet::peer::{DataChannelInit, IceServer, Message, SessionDescription};
use avocet::stun::{self, Class, MessageBuilder};
use avocet::{Endpoint, EndpointConfig, Event, PeerConnection, ServerTrust};
use futures_util::StreamExt;
use tokio::time::timeout;

/// No step of these tests takes this long; a hang ends here.
const PATIENCE: Duration = Duration::from_secs(30);

fn endpoint(change: impl FnOnce(&mut EndpointConfig)) -> Endpoint {
    let mut config = EndpointConfig::default();
    config.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    change(&mut config);
    Endpoint::bind(config).unwrap()
}

async fn until<T>(connection: &PeerConnection, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
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

/// A description without the candidates whose line has this word.
fn without(mut description: SessionDescription, word: &str) -> SessionDescription {
    let lines = description.sdp.split_inclusive("\r\n");
    description.sdp = lines
        .filter(|line| !(line.starts_with("a=candidate:") && line.contains(word)))
        .collect();
    description
}

/// A message goes there and comes back.
async fn talk(a: &PeerConnection, b: &PeerConnection, drop_candidates: &str) {
    let mut ours = a
        .create_data_channel("test", DataChannelInit::default())
        .await
        .unwrap();
    let offer = without(a.offer().await.unwrap(), drop_candidates);
    let answer = without(b.answer(offer).await.unwrap(), drop_candidates);
    a.set_remote_description(answer).await.unwrap();
    let mut theirs = until(b, |event| match event {
        Event::DataChannel(channel) => Some(channel),
        _ => None,
    })
    .await;
    let message = Message::Text("hello".into());
    timeout(PATIENCE, ours.send(message.clone()))
        .await
        .unwrap()
        .unwrap();
    let arrived = timeout(PATIENCE, theirs.next()).await.unwrap().unwrap();
    assert_eq!(arrived, message);
    timeout(PATIENCE, theirs.send(arrived))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        timeout(PATIENCE, ours.next()).await.unwrap().unwrap(),
        message
    );
}

/// I-28, I-29
#[tokio::test]
async fn a_call_goes_over_tcp_where_only_that_is_signalled() {
    let server = endpoint(|config| config.tcp_port = Some(0));
    let client = endpoint(|config| config.tcp_dial = true);
    assert_eq!(server.tcp_addresses().len(), 1);
    for server_offers in [true, false] {
        let (ours, theirs) = (
            server.peer_connection().await.unwrap(),
            client.peer_connection().await.unwrap(),
        );
        let (first, second) = if server_offers {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        talk(first, second, " udp ").await;
        for connection in [&ours, &theirs] {
            let stats = connection.stats().await.unwrap();
            let used: Vec<_> = stats
                .candidate_pairs
                .iter()
                .filter(|pair| pair.responses_received > 0)
                .map(|pair| pair.path.transport)
                .collect();
            assert!(matches!(used[..], [Transport::Stream(_)]), "{used:?}");
        }
        ours.close().await;
        theirs.close().await;
    }
    assert_eq!(server.stats().stream_datagrams_dropped, 0);
}

/// I-29: slow-loris and noise.
#[tokio::test]
async fn strangers_on_the_tcp_port_are_shown_the_door() {
    let server = endpoint(|config| config.tcp_port = Some(0));
    let _connection = server.peer_connection().await.unwrap();
    let address = server.tcp_addresses()[0];
    let stranger = tokio::net::TcpStream::connect(address).await.unwrap();
    stranger.writable().await.unwrap();
    stranger.try_write(b"\x00\x10GET / HTTP/1.1\r\n").unwrap();
    let ended = async {
        loop {
            stranger.readable().await.unwrap();
            match stranger.try_read(&mut [0; 64]) {
                Ok(0) => return,
                Ok(_) => panic!("an answer"),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
}

/// I-30
#[tokio::test]
async fn two_connections_meet_under_names_and_neither_description_has_an_address() {
    let hidden = endpoint(|config| config.hide_host_addresses = true);
    let other = endpoint(|config| config.hide_host_addresses = true);
    let (ours, theirs) = (
        hidden.peer_connection().await.unwrap(),
        other.peer_connection().await.unwrap(),
    );
    talk(&ours, &theirs, " nothing ").await;
    for connection in [&ours, &theirs] {
        let description = connection.local_description().await.unwrap().unwrap();
        assert!(description.sdp.contains(".local"));
        let mut lines = description.sdp.lines();
        assert!(!lines.any(|line| line.starts_with("a=candidate") && line.contains("127.0.0.1")));
    }
}

/// I-32
#[tokio::test]
async fn what_a_stun_server_shows_is_signalled() {
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("stun:localhost:{}", server.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            let request = stun::Message::decode(&buffer[..length]).unwrap();
            let mut answer = Vec::new();
            let mut message = MessageBuilder::response_to(&mut answer, Class::Success, &request);
            message.xor_mapped_address(SocketAddr::from(([203, 0, 113, 5], 4_000)));
            message.finish().unwrap();
            let _ = server.send_to(&answer, from).await;
        }
    });
    let server = IceServer::new(uri.parse().unwrap());
    let ours = endpoint(|config| config.ice_servers = vec![server]);
    let connection = ours.peer_connection().await.unwrap();
    connection
        .create_data_channel("test", DataChannelInit::default())
        .await
        .unwrap();
    connection.offer().await.unwrap();
    let line = until(&connection, |event| match event {
        Event::IceCandidate(line) if line.contains("typ srflx") => Some(line),
        _ => None,
    })
    .await;
    assert!(
        line.contains("203.0.113.5 4000 typ srflx raddr 127.0.0.1"),
        "{line}"
    );
}

/// T-8: what a TURN server asked the first connection of an endpoint, the second one answers unasked: another user is asked anew.
#[tokio::test]
async fn the_second_connection_of_an_endpoint_is_not_challenged() {
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("turn:127.0.0.1:{}", server.local_addr().unwrap().port());
    let (tell, mut asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            let request = stun::Message::decode(&buffer[..length]).unwrap();
            if request.method() != stun::Method::ALLOCATE {
                continue;
            }
            let is_signed = request.has_integrity();
            let user = request.username().unwrap().unwrap_or("").to_owned();
            tell.send((is_signed, user.clone())).unwrap();
            let mut answer = Vec::new();
            let class = if is_signed {
                Class::Success
            } else {
                Class::Error
            };
            let mut message = MessageBuilder::response_to(&mut answer, class, &request);
            if is_signed {
                let algorithm = stun::PasswordAlgorithm::Md5;
                let key = stun::IntegrityKey::long_term(&user, "realm", "secret", algorithm);
                message
                    .xor_relayed_address(SocketAddr::from(([203, 0, 113, 9], 50_000)))
                    .lifetime(Duration::from_secs(600));
                message.integrity(&key).finish().unwrap();
            } else {
                message.error_code(401).realm("realm").nonce("nonce");
                message.finish().unwrap();
            }
            let _ = server.send_to(&answer, from).await;
        }
    });
    let endpoint = endpoint(|_| {});
    for (user, expected) in [
        ("alice", vec![false, true]),
        ("alice", vec![true]),
        ("bob", vec![false, true]),
        ("alice", vec![true]),
    ] {
        let mut config = endpoint.connection_config().unwrap();
        let server = IceServer::with_credentials(uri.parse().unwrap(), user, "secret");
        config.ice_servers = vec![server];
        let connection = endpoint.peer_connection_with(config).await.unwrap();
        let init = DataChannelInit::default();
        connection.create_data_channel("test", init).await.unwrap();
        connection.offer().await.unwrap();
        until(&connection, |event| match event {
            Event::IceCandidate(line) => line.contains("typ relay").then_some(()),
            _ => None,
        })
        .await;
        let mut found = Vec::new();
        while let Ok((is_signed, _)) = asked.try_recv() {
            found.push(is_signed);
        }
        assert_eq!(found, expected, "{user}");
    }
}

/// T-11: a request reaches a server behind TLS only when its certificate is believed.
#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_is_not_used() {
    use tokio::io::AsyncReadExt as _;
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (root, is_believed) in [(&own, true), (&other, false)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(
            own.signing_key.serialize_der(),
        )
        .unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let uri = format!("turns:localhost:{port}");
        let server = IceServer::with_credentials(uri.parse().unwrap(), "alice", "secret");
        let endpoint = endpoint(|config| {
            config.ice_servers = vec![server];
            config.server_trust = ServerTrust::Roots(vec![root.cert.der().to_vec()]);
        });
        let connection = endpoint.peer_connection().await.unwrap();
        let served = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let mut header = [0; 4];
            stream.read_exact(&mut header).await.ok().map(|_| header)
        };
        let first = timeout(PATIENCE, served).await.unwrap();
        // An Allocate request.
        assert_eq!(
            first.map(|header| (header[0], header[1])),
            is_believed.then_some((0, 3))
        );
        if !is_believed {
            timeout(PATIENCE, connection.gathered())
                .await
                .unwrap()
                .unwrap();
        }
    }
}
