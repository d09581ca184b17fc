//! The server without sockets.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Datagram, Ecn, Path};
use stun::{
    Challenge, Class, LongTermAuth, LongTermCredentials, Message, MessageBuilder, Method,
    TransactionId,
};
use turn::server::{Clock, Config, Event, Limits, RelayAddress, RelayId, Server};
use turn::{ChannelData, ChannelNumber};

use crate::PAYLOAD;

struct Bench {
    server: Server,
    now: Instant,
    auth: Option<LongTermAuth>,
    serial: u32,
    relays: Vec<RelayId>,
}

pub(crate) fn measure() {
    for count in [1, 1_000] {
        let mut bench = Bench::new();
        let peer = SocketAddr::from(([8, 8, 8, 8], 53));
        for number in 0..count {
            let path = path(number);
            bench.allocate(path);
            bench.ask(path, Method::CHANNEL_BIND, |it| {
                it.channel_number(0x4000).xor_peer_address(peer);
            });
        }
        let mut frame = Vec::new();
        ChannelData::encode_header(ChannelNumber::MIN, PAYLOAD as u16, &mut frame);
        frame.extend_from_slice(&[7; PAYLOAD]);
        let mut indication = Vec::new();
        let mut builder = MessageBuilder::new(
            &mut indication,
            Class::Indication,
            Method::SEND,
            TransactionId::new([9; 12]),
        );
        builder.xor_peer_address(peer).data(&[7; PAYLOAD]);
        builder.finish().expect("it is short");
        let mut out = Vec::with_capacity(4_096);
        let mut each = |name: &str, bytes: &mut [u8]| {
            let began = Instant::now();
            let rounds = 2_000_000_u32;
            for round in 0..rounds {
                let datagram = Datagram::new(path(round % count), bytes);
                bench
                    .server
                    .handle_datagram_with(bench.now, datagram, |it| {
                        out.clear();
                        it.append(&mut out);
                    });
                black_box(&out);
            }
            println!(
                "{name}, {count} allocations: {} ns per packet",
                began.elapsed().as_nanos() / u128::from(rounds)
            );
        };
        each("ChannelData to a peer", &mut frame);
        each("Send to a peer", &mut indication);
        let began = Instant::now();
        let rounds = 2_000_000_u32;
        for round in 0..rounds {
            let relay = bench.relays[round as usize % bench.relays.len()];
            bench.server.handle_relayed_with(
                bench.now,
                relay,
                (peer, Ecn::NotEct),
                &[7; PAYLOAD],
                |it| {
                    out.clear();
                    it.append(&mut out);
                },
            );
            black_box(&out);
        }
        println!(
            "from a peer on a channel, {count} allocations: {} ns per packet",
            began.elapsed().as_nanos() / u128::from(rounds)
        );
    }
    let mut bench = Bench::new();
    for number in 0..2_000 {
        bench.allocate(path(number));
        for half in 0..2_u8 {
            bench.ask(path(number), Method::CREATE_PERMISSION, |it| {
                for last in 0..25 {
                    it.xor_peer_address(([8, 8, half, last], 9).into());
                }
            });
        }
    }
    let began = Instant::now();
    bench
        .server
        .handle_timeout(bench.now + Duration::from_secs(301));
    println!(
        "100,000 permissions expire: {} µs",
        began.elapsed().as_micros()
    );
}

fn path(number: u32) -> Path {
    let [_, a, b, c] = number.to_be_bytes();
    Path::udp(
        ([203, 0, 113, 1], 3_478).into(),
        ([198, a, b, c], 1_000).into(),
    )
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let clock = Clock {
            at: now,
            unix: Duration::from_secs(1_800_000_000),
        };
        let mut config = Config::new([1; 32], clock, "r");
        config.credentials.users = vec![credentials()];
        config.relays = vec![RelayAddress::new([203, 0, 113, 1].into())];
        config.limits = Limits {
            allocations_per_user: 10_000,
            ..Limits::default()
        };
        config.limits.stranger_bytes.burst = 1 << 30;
        let server = Server::new(config).expect("a good configuration");
        Self {
            server,
            now,
            auth: None,
            serial: 0,
            relays: Vec::new(),
        }
    }

    fn allocate(&mut self, path: Path) {
        let fill = |it: &mut MessageBuilder<'_>| {
            it.requested_transport(17);
        };
        // Nonces are for an address.
        self.auth = None;
        self.ask(path, Method::ALLOCATE, fill);
        self.ask(path, Method::ALLOCATE, fill);
    }

    fn ask(&mut self, path: Path, method: Method, fill: impl Fn(&mut MessageBuilder<'_>)) {
        self.serial += 1;
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.serial.to_be_bytes());
        let mut bytes = Vec::new();
        let mut builder =
            MessageBuilder::new(&mut bytes, Class::Request, method, TransactionId::new(id));
        fill(&mut builder);
        let finished = match &self.auth {
            Some(auth) => auth.seal(builder).finish(),
            None => builder.finish(),
        };
        finished.expect("it is short");
        self.server
            .handle_datagram(self.now, Datagram::new(path, &mut bytes));
        while let Some(event) = self.server.poll_event() {
            if let Event::OpenRelay { relay, .. } = event {
                self.relays.push(relay);
                self.server.on_relay_opened(self.now, relay, Ok(()));
            }
        }
        let mut answer = Vec::new();
        while self.server.poll_transmit(self.now, &mut answer).is_some() {
            let message = Message::decode(&answer).expect("an answer");
            if let Ok(challenge) = Challenge::from_response(&message, None) {
                self.auth = Some(LongTermAuth::new(&credentials(), challenge));
            } else {
                assert_eq!(message.class(), Class::Success);
            }
            answer.clear();
        }
    }
}

fn credentials() -> LongTermCredentials {
    LongTermCredentials::new("alice", "secret").expect("a credential")
}
