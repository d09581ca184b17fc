//! A client gets every command, answers that were bent, and time in any order; it stays within its bounds.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Datagram, Path, StreamId, Transport};
use stun::{
    AddressFamily, Class, ErrorCode, IntegrityKey, LongTermCredentials, Message, MessageBuilder,
    Method, PasswordAlgorithm, TransactionId,
};
use turn::{Allocation, Client, Config, DataConnection, DataState, Event, Families};

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let Some((kind, steps)) = script.split_first() else {
        return;
    };
    let mut run = Run::new(*kind);
    for step in steps.chunks_exact(2) {
        run.step(step[0], step[1]);
    }
    let client = &mut run.client;
    let deadline = client.poll_timeout().unwrap_or(run.now).max(run.now);
    client.handle_timeout(deadline);
    assert!(client.poll_timeout().is_none_or(|next| next > deadline));
});

struct Run {
    client: Client,
    is_stream: bool,
    now: Instant,
    path: Path,
    sent: Vec<u8>,
    key: IntegrityKey,
    /// Connections that the server told of, and those that are being taken up.
    offered: Vec<turn::ConnectionId>,
    connections: Vec<DataConnection>,
}

impl Run {
    fn new(kind: u8) -> Self {
        let mut config = Config::new([7; 32], credentials("alice", "secret"));
        config.mobility = kind & 1 != 0;
        config.families = [Families::V4, Families::V6, Families::Both][usize::from(kind >> 1) % 3];
        if kind & 8 != 0 {
            config.allocation = Allocation::Tcp;
        }
        if kind & 16 != 0 {
            config.lifetime = Some(Duration::from_secs(60 * u64::from(kind >> 5).max(1)));
        }
        let is_stream = kind & 8 != 0 || kind & 32 != 0;
        Self {
            client: Client::new(config).expect("the defaults are valid"),
            is_stream,
            now: netsim::epoch(),
            path: way(is_stream, 0),
            sent: Vec::new(),
            key: IntegrityKey::long_term("alice", "realm", "secret", PasswordAlgorithm::Md5),
            offered: Vec::new(),
            connections: Vec::new(),
        }
    }

    fn step(&mut self, verb: u8, argument: u8) {
        let peer: SocketAddr = match argument & 0x80 {
            0 => ([192, 0, 2, argument], 9).into(),
            _ => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, argument.into()], 9).into(),
        };
        let (client, now) = (&mut self.client, self.now);
        match verb % 20 {
            0 => drop(client.allocate(self.path)),
            1 => drop(client.create_permission(peer.ip())),
            2 => drop(client.bind_channel(peer)),
            3 => client.release_channel(now, peer),
            4 => self.now += Duration::from_millis(u64::from(argument) * u64::from(argument) * 10),
            5 => client.handle_timeout(now),
            6 => {
                let mut buf = vec![argument];
                if client.poll_transmit(now, &mut buf).is_some() {
                    assert_eq!(buf.remove(0), argument);
                    self.sent = buf;
                }
            }
            7 | 8 => {
                let mut answer = respond(&self.sent, verb, argument, &self.key);
                self.receive(&mut answer);
            }
            9 if argument == 0 => client.close(now),
            9 => drop(client.send(&mut Vec::new(), peer, b"data")),
            10 => {
                let path = way(self.is_stream, argument);
                if client.migrate(path).is_ok() {
                    self.path = path;
                }
            }
            11 => drop(client.connect(peer)),
            12 => self.take_up(argument),
            13 => self.read_connection(argument),
            14 => client.remove_permission(peer.ip()),
            15 => {
                let user = if argument & 1 == 0 { "alice" } else { "bob" };
                let word = if argument & 2 == 0 { "secret" } else { "other" };
                let _ = client.set_credentials(credentials(user, word));
            }
            16 => {
                let mut indication = indicate(argument, peer, &self.key);
                self.receive(&mut indication);
            }
            17 => {
                let mut buf = vec![1, 2, 3];
                if let Ok(mark) = client.begin(&mut buf, peer) {
                    client.abandon(&mut buf, mark);
                }
                assert_eq!(buf, [1, 2, 3]);
            }
            18 if argument == 0 => client.on_stream_closed(),
            18 => drop(client.recv(&mut Vec::new())),
            _ => {
                // The server names another socket; the application opens it.
                self.path = way(self.is_stream, argument);
                let _ = client.allocate(self.path);
            }
        }
        while let Some(event) = self.client.poll_event() {
            if let Event::ConnectionReady { id, .. } = event {
                self.offered.push(id);
            }
        }
        self.offered.truncate(16);
        assert!(self.client.overhead(peer) >= 4);
    }

    fn receive(&mut self, bytes: &mut [u8]) {
        let datagram = Datagram::new(self.path, bytes);
        let mut delivered = 0;
        self.client
            .handle_datagram_with(self.now, datagram, |_, data| delivered += data.len());
        assert!(delivered <= 65_535);
    }

    fn take_up(&mut self, argument: u8) {
        if let Some(id) = self.offered.pop()
            && let Ok(connection) = self.client.open(id, way(argument != 0, argument))
        {
            self.connections.push(connection);
            self.connections.truncate(4);
        }
    }

    /// An answer cut in two, and what the peer says behind it.
    fn read_connection(&mut self, argument: u8) {
        let Some(connection) = self.connections.last_mut() else {
            return;
        };
        let mut request = Vec::new();
        let Some(transmit) = connection.poll_transmit(&mut request) else {
            return;
        };
        let mut answer = respond(&request, argument & 0x80, argument, &self.key);
        answer.extend_from_slice(b"from the peer");
        let cut = usize::from(argument) % answer.len();
        let (first, second) = answer.split_at_mut(cut);
        for piece in [first, second] {
            let datagram = Datagram::new(transmit.path, piece);
            connection.handle_datagram_with(datagram, |data| assert!(!data.is_empty()));
        }
        if matches!(connection.state(), DataState::Failed(_)) {
            self.connections.pop();
        }
    }
}

fn credentials(user: &str, word: &str) -> LongTermCredentials {
    LongTermCredentials::new(user, word).expect("a credential")
}

fn way(is_stream: bool, number: u8) -> Path {
    let transport = match is_stream {
        true => Transport::Stream(StreamId::new(number.into())),
        false => Transport::Udp,
    };
    Path {
        local: ([10, 0, 0, 1], 1 + u16::from(number)).into(),
        remote: ([10, 0, 0, 2], 2).into(),
        transport,
    }
}

/// What a server might say to the last request, right or wrong.
fn respond(sent: &[u8], verb: u8, argument: u8, key: &IntegrityKey) -> Vec<u8> {
    let Ok(request) = Message::decode(sent) else {
        return vec![argument; usize::from(verb)];
    };
    let mut buf = Vec::new();
    let class = if argument & 1 == 0 {
        Class::Success
    } else {
        Class::Error
    };
    let mut builder = MessageBuilder::response_to(&mut buf, class, &request);
    if class == Class::Error {
        let codes = [401, 401, 438, 437, 300, 403, 440, 508, 405, 446, 447];
        builder.error_code(codes[usize::from(argument >> 1) % codes.len()]);
        builder.realm("realm").nonce("nonce");
        builder.alternate_server(([10, 0, 0, argument], 3).into());
    } else {
        builder.xor_relayed_address(([203, 0, 113, argument], 4).into());
        match argument & 6 {
            0 => builder.xor_relayed_address(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 4).into()),
            2 => builder.address_error_code(AddressFamily::V6, ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED),
            _ => &mut builder,
        };
        builder.lifetime(Duration::from_secs(u64::from(argument) * 10));
        builder.mobility_ticket(&vec![argument; usize::from(argument & 0xf8) * 3]);
        builder.connection_id(argument.into());
    }
    let _ = builder.integrity(key).finish();
    if verb & 0x80 != 0 {
        let at = usize::from(argument) % buf.len();
        buf[at] ^= verb;
    }
    buf
}

/// What a server may say by itself: data of a peer in an indication or on a channel, or that a peer has connected.
fn indicate(argument: u8, peer: SocketAddr, key: &IntegrityKey) -> Vec<u8> {
    let mut buf = Vec::new();
    if argument % 3 == 0 {
        let [high, low] = (0x4000 + u16::from(argument & 7)).to_be_bytes();
        return vec![high, low, 0, 4, 1, 2, 3, 4];
    }
    let id = TransactionId::new([argument; 12]);
    let (method, data) = match argument % 3 {
        1 => (Method::DATA, &b"of a peer"[..]),
        _ => (Method::CONNECTION_ATTEMPT, &[][..]),
    };
    let mut builder = MessageBuilder::new(&mut buf, Class::Indication, method, id);
    builder
        .xor_peer_address(peer)
        .connection_id(argument.into())
        .data(data);
    let _ = match argument & 0x40 {
        0 => builder.finish(),
        _ => builder.integrity(key).finish(),
    };
    buf
}
