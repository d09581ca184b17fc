//! The client of STUN servers on a simulated network.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_stun::{Class, Client, Event, Message, MessageBuilder, Method, Timing};
use net::{Datagram, Path, StreamId, Transmit, Transport};
use netsim::laws::{Battery, Resists, Stage};
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Outgoing, Pair, Profile};

#[derive(Debug)]
struct Host {
    client: Client,
    mapped: Option<SocketAddr>,
    failed: bool,
}

impl Machine for Host {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.client.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.client.poll_transmit(now, buf).map(Outgoing::from)
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.client.poll_event()?;
        match event {
            Event::Mapped { address, .. } => self.mapped = Some(address),
            Event::Failed { .. } => self.failed = true,
        }
        Some(format!("{event:?}"))
    }

    fn outcome(&self) -> String {
        format!("{:?}", self.client.is_idle())
    }
}

/// Answers Binding requests.
#[derive(Debug, Default)]
struct Server(Vec<(Path, Vec<u8>)>);

impl Machine for Server {
    fn handle_datagram(&mut self, _: Instant, datagram: Datagram<'_>) {
        let path = datagram.path;
        let Ok(request) = Message::decode(datagram.bytes) else {
            return;
        };
        if request.class() == Class::Request && self.0.len() < 64 {
            let mut buf = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut buf, Class::Success, &request);
            builder.xor_mapped_address(path.remote);
            builder.fingerprint().finish().unwrap();
            self.0.push((path, buf));
        }
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_transmit(&mut self, _: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let (path, bytes) = self.0.pop()?;
        buf.extend_from_slice(&bytes);
        Some(Transmit::new(path).into())
    }

    fn poll_event(&mut self) -> Option<String> {
        None
    }

    fn outcome(&self) -> String {
        "a server".to_owned()
    }
}

fn path() -> Path {
    Path::udp(ADDRESS_A, ADDRESS_B)
}

fn asking(profile: Profile, seed: u64) -> Pair<Host, Server> {
    let mut bytes = [0x33; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut client = Client::new(bytes, Timing::default());
    assert!(client.ask(path()));
    assert!(!client.ask(path()), "once is enough");
    let host = Host {
        client,
        mapped: None,
        failed: false,
    };
    Pair::on(profile, seed, host, Server::default())
}

#[test]
fn a_server_tells_where_it_sees_the_client_under_every_profile() {
    for profile in Profile::ALL {
        for seed in 0..5 {
            let mut pair = asking(profile, seed);
            let over = |pair: &Pair<Host, Server>| pair.a().mapped.is_some() || pair.a().failed;
            assert!(pair.run_until(Duration::from_secs(60), over));
            let may_fail = matches!(profile, Profile::Loss50 | Profile::Nap);
            let right = pair.a().mapped == Some(ADDRESS_A);
            assert!(right || may_fail, "{profile:?} {seed}");
        }
    }
}

#[test]
fn a_client_obeys_the_laws() {
    Battery::new("stun::Client", |stage, seed| {
        let mut pair = asking(Profile::Clean, seed);
        match stage {
            Stage::New => {}
            Stage::MidHandshake => pair.run_datagrams(1),
            Stage::Established | Stage::Closing => pair.run_datagrams(2),
        }
        pair
    })
    .resists(Resists::Forgeries)
    .check();
}

#[test]
fn an_answer_from_elsewhere_is_not_believed() {
    let mut pair = asking(Profile::Clean, 1);
    let now = pair.now();
    let client = &mut pair.a_mut().client;
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    let mut answer = Vec::new();
    let request = Message::decode(&request).unwrap();
    let mut builder = MessageBuilder::response_to(&mut answer, Class::Success, &request);
    builder.xor_mapped_address(ADDRESS_B);
    builder.finish().unwrap();
    let elsewhere = Path::udp(ADDRESS_A, ([10, 9, 9, 9], 9).into());
    client.handle_datagram(now, Datagram::new(elsewhere, &mut answer));
    assert!(client.poll_event().is_none() && !client.is_idle());
    client.handle_datagram(now, Datagram::new(path(), &mut answer));
    assert!(matches!(client.poll_event(), Some(Event::Mapped { .. })));
}

#[test]
fn a_server_over_a_stream_answers_in_pieces() {
    let now = asking(Profile::Clean, 1).now();
    let stream = Path {
        transport: Transport::Stream(StreamId::new(7)),
        ..path()
    };
    let mut client = Client::new([1; 32], Timing::default());
    assert!(client.ask(stream));
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    let request = Message::decode(&request).unwrap();
    assert_eq!(request.method(), Method::BINDING);
    let mut answer = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut answer, Class::Success, &request);
    builder.mapped_address(ADDRESS_A);
    builder.finish().unwrap();
    for piece in answer.chunks_mut(5) {
        client.handle_datagram(now, Datagram::new(stream, piece));
    }
    let Some(Event::Mapped { address, .. }) = client.poll_event() else {
        panic!("no answer");
    };
    assert_eq!(address, ADDRESS_A);
}

/// S-20: ALTERNATE-SERVER (RFC 8489 §10).
#[test]
fn a_question_is_sent_on_to_another_server_three_times_and_never_round_in_a_circle() {
    let now = netsim::epoch();
    let server = |last: u8| SocketAddr::from(([203, 0, 113, last], 3478));
    let redirect_to = |client: &mut Client, to: SocketAddr| {
        let mut request = Vec::new();
        let transmit = client.poll_transmit(now, &mut request)?;
        let message = Message::decode(&request).unwrap();
        let mut answer = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut answer, Class::Error, &message);
        builder.error_code(300).alternate_server(to);
        builder.finish().unwrap();
        client.handle_datagram(now, Datagram::new(transmit.path, &mut answer));
        Some(transmit.path.remote)
    };
    let path = Path::udp(ADDRESS_A, server(1));
    let code = avocet_stun::ErrorCode::TRY_ALTERNATE;
    let failed = Event::Failed {
        path,
        code: Some(code),
    };

    let mut client = Client::new([1; 32], Timing::default());
    assert!(client.ask(path));
    for hop in 1..=4 {
        assert_eq!(redirect_to(&mut client, server(hop + 1)), Some(server(hop)));
    }
    assert_eq!(client.poll_event(), Some(failed));
    assert!(client.is_idle());

    // To itself, to where it came from, to another family, to nowhere, to this host.
    for to in [
        "203.0.113.1:3478",
        "[2001:db8::1]:3478",
        "0.0.0.0:1",
        "203.0.113.9:0",
        "127.0.0.1:1",
    ] {
        let mut client = Client::new([2; 32], Timing::default());
        assert!(client.ask(path));
        redirect_to(&mut client, to.parse().unwrap()).unwrap();
        assert_eq!(client.poll_event(), Some(failed), "{to}");
    }
    let mut client = Client::new([3; 32], Timing::default());
    assert!(client.ask(path));
    redirect_to(&mut client, server(2)).unwrap();
    redirect_to(&mut client, server(1)).unwrap();
    assert_eq!(client.poll_event(), Some(failed));
}
