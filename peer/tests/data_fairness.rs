//! What a bulk transfer leaves to others where every packet is a DTLS record. Each association travels in a DTLS connection of its
//! own, from the handshake on, as it does below a peer connection. The lines that are printed have the columns of
//! `testdata/golden/sctp_fairness.csv` (`sctp/tests/fairness.rs`), which counts the bytes of a record and seals nothing.
//!
//! `cargo test` checks one row, for a shorter time; `AVOCET_FULL_MATRIX=1 cargo test --release` all of them.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../../sctp/tests/common/tcp.rs"]
#[allow(dead_code, unreachable_pub, reason = "sctp's tests use all of it")]
mod tcp;

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::{Datagram, Path};
use netsim::{LinkConfig, Machine, Network, NodeId, Outgoing, World};
use sctp::{Association, Ppid, SendOptions, StreamId};

use crate::tcp::Tcp;

const PEMS: [&str; 2] = [
    include_str!("../../testdata/peer/a.pem"),
    include_str!("../../testdata/peer/b.pem"),
];
/// As `peer` limits them.
const DATAGRAM_BYTES: usize = 1_200;
const MESSAGE: [u8; 16_384] = [7; 16_384];

/// One end of a transfer that never ends, in DTLS.
#[derive(Debug)]
struct Secured {
    dtls: dtls::Connection,
    /// From the end of the handshake on.
    association: Option<Association>,
    checksum: bool,
    sends: bool,
    seed: u8,
    received: usize,
    largest: usize,
}

impl Secured {
    fn new(now: Instant, seed: u8, sends: bool, checksum: bool) -> Self {
        let [ours, theirs] = [usize::from(!sends), usize::from(sends)]
            .map(|index| dtls::Certificate::from_pem(PEMS[index]).unwrap());
        let fingerprint = theirs.fingerprint();
        let mut config = dtls::Config::new(ours);
        config.provider = dtls::Provider::rust_crypto([seed; 32]);
        let role = if sends {
            dtls::Role::Client
        } else {
            dtls::Role::Server
        };
        let mut dtls = dtls::Connection::new(Arc::new(config), role, [seed; 32]).unwrap();
        dtls.set_remote_fingerprints(now, vec![fingerprint]);
        dtls.start(now, None);
        Self {
            dtls,
            association: None,
            checksum,
            sends,
            seed,
            received: 0,
            largest: 0,
        }
    }

    /// Begins the association when the handshake is done, and sends what is taken.
    fn turn(&mut self, now: Instant) {
        while let Some(event) = self.dtls.poll_event() {
            if matches!(event, dtls::Event::Connected { .. }) {
                let mut config = sctp::Config::default();
                config.zero_checksum = !self.checksum;
                config.mtu = DATAGRAM_BYTES - self.dtls.max_overhead();
                let association = Association::new(config, [self.seed; 32]).unwrap();
                self.association.insert(association).connect(now, None);
            }
        }
        let Some(association) = &mut self.association else {
            return;
        };
        let (stream, ppid) = (StreamId::new(0), Ppid::new(53));
        while self.sends
            && association
                .send(now, stream, ppid, &MESSAGE, SendOptions::ordered())
                .is_ok()
        {}
    }
}

impl Machine for Secured {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let association = &mut self.association;
        let mut bytes = datagram.bytes.to_vec();
        self.dtls.handle_datagram_with(now, &mut bytes, |packet| {
            if let Some(association) = association {
                association.handle_datagram(now, packet);
            }
        });
        self.turn(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.dtls.handle_timeout(now);
        if let Some(association) = &mut self.association {
            association.handle_timeout(now);
        }
        self.turn(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let association = self.association.as_ref();
        let timers = [
            self.dtls.poll_timeout(),
            association.and_then(Association::poll_timeout),
        ];
        timers.into_iter().flatten().min()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let start = buf.len();
        if self.dtls.poll_transmit(now, buf).is_none() {
            let association = self.association.as_mut()?;
            let mark = self.dtls.begin(buf)?;
            if association.poll_transmit(now, buf).is_none() {
                self.dtls.abandon(buf, mark);
                return None;
            }
            self.dtls.seal(now, buf, mark).unwrap();
        }
        self.largest = self.largest.max(buf.len() - start);
        Some(Outgoing::DefaultPath)
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.association.as_mut()?.poll_event();
        event.map(|_| String::new())
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        let association = self.association.as_mut()?;
        while let Some(stream) = association.next_readable() {
            self.received += association.recv(now, stream).unwrap().data.len();
        }
        None
    }

    fn outcome(&self) -> String {
        String::new()
    }
}

/// An end of either kind of flow.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are four of them")]
enum End {
    Secured(Secured),
    Tcp(Tcp),
}

impl End {
    fn received(&self) -> usize {
        match self {
            Self::Secured(end) => end.received,
            Self::Tcp(tcp) => tcp.received,
        }
    }

    fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Self::Secured(end) => end,
            Self::Tcp(tcp) => tcp,
        }
    }
}

impl Machine for End {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.machine().handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine().handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Secured(end) => end.poll_timeout(),
            Self::Tcp(tcp) => tcp.poll_timeout(),
        }
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.machine().poll_transmit(now, buf)
    }

    fn poll_event(&mut self) -> Option<String> {
        self.machine().poll_event()
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.machine().pull(now)
    }

    fn outcome(&self) -> String {
        String::new()
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// The flow that is TCP with CUBIC, if one is: the first or the second.
    tcp: Option<u8>,
    rate_mbit: u32,
    rtt_ms: u32,
    checksum: bool,
}

impl Row {
    fn other(&self) -> &'static str {
        match self.tcp {
            None => "same",
            Some(0) => "tcp first",
            Some(_) => "tcp",
        }
    }

    fn end(&self, now: Instant, index: u8, sends: bool) -> End {
        if self.tcp == Some(index) {
            return End::Tcp(Tcp::new(sends));
        }
        let seed = 2 * index + u8::from(sends);
        End::Secured(Secured::new(now, seed, sends, self.checksum))
    }

    /// The line of the table, and whether it is as it should be. The queue holds what the path does.
    fn measure(&self, settle: Duration, measured: Duration) -> (String, bool) {
        let mut network = Network::new(5);
        let [left, right] = [network.router(), network.router()];
        let rate = f64::from(self.rate_mbit) * 125_000.0;
        let edge = Duration::from_millis(1);
        let delay = Duration::from_micros(u64::from(self.rtt_ms) * 500);
        let mut bottleneck = LinkConfig::delayed(delay - 2 * edge);
        bottleneck.rate_bits = Some(u64::from(self.rate_mbit) * 1_000_000);
        bottleneck.queue_bytes = (rate * f64::from(self.rtt_ms) / 1000.0) as usize;
        network.link(left, right, &bottleneck);
        let places = [1, 2].map(|last| {
            (
                place(&mut network, last, left),
                place(&mut network, last + 10, right),
            )
        });
        let mut world = World::new(network);
        let (mut receivers, mut senders) = (Vec::new(), Vec::new());
        for (index, ((a, from), (b, to))) in (0..).zip(places) {
            let now = world.now();
            let [sender, receiver] = [true, false].map(|sends| self.end(now, index, sends));
            senders.push(world.add(a, Some(Path::udp(from, to)), sender));
            receivers.push(world.add(b, Some(Path::udp(to, from)), receiver));
            world.run_for(settle / 5);
        }
        world.run_for(settle);
        let before = [0, 1].map(|index| world.machine(receivers[index]).received());
        world.run_for(measured);
        let [a, b] = [0, 1].map(|index| {
            let received = world.machine(receivers[index]).received() - before[index];
            received as f64 / measured.as_secs_f64()
        });
        let (jain, first) = ((a + b).powi(2) / (2.0 * (a * a + b * b)), a / (a + b));
        let used = (a + b) / (rate * 1160.0 / 1228.0);
        let (mut spurious_pct, mut largest) = (0.0f64, 0);
        for sender in senders {
            if let End::Secured(end) = world.machine(sender) {
                let stats = end.association.as_ref().unwrap().stats();
                let share = stats.spurious_retransmissions as f64 / stats.packets_sent as f64;
                spurious_pct = spurious_pct.max(share * 100.0);
                largest = largest.max(end.largest);
            }
        }
        let line = format!(
            "{},{},{},1,{},on,{jain:.3},{first:.3},{used:.3},{spurious_pct:.2},{largest}",
            self.other(),
            self.rate_mbit,
            self.rtt_ms,
            if self.checksum { "on" } else { "off" },
        );
        let fair = match self.tcp {
            None => jain >= 0.95,
            Some(_) => (0.35..=0.65).contains(&first),
        };
        let good = fair && used >= 0.85 && spurious_pct <= 2.0 && largest <= DATAGRAM_BYTES;
        (line, good)
    }
}

fn place(network: &mut Network, last: u8, router: NodeId) -> (NodeId, SocketAddr) {
    let address = IpAddr::from([10, 0, 0, last]);
    let node = network.host([address]);
    network.link(node, router, &LinkConfig::delayed(Duration::from_millis(1)));
    (node, SocketAddr::new(address, 5000))
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for tcp in [None, Some(1), Some(0)] {
        for checksum in [true, false] {
            rows.push(Row {
                tcp,
                rate_mbit: 10,
                rtt_ms: 40,
                checksum,
            });
        }
    }
    rows
}

#[test]
fn nobody_starves_beside_data_in_dtls() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let (settle, measured) = if full { (25, 60) } else { (2, 5) };
    let [settle, measured] = [settle, measured].map(Duration::from_secs);
    let mut bad = String::new();
    let rows = rows();
    for row in if full { &rows[..] } else { &rows[1..2] } {
        let (line, good) = row.measure(settle, measured);
        eprintln!("{line}");
        if !good {
            writeln!(bad, "{line}").unwrap();
        }
    }
    assert!(bad.is_empty(), "{bad}");
}
