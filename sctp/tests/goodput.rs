//! How much of a link a bulk transfer uses: the golden table `testdata/golden/sctp_goodput.csv`.
//!
//! A row is the payload that arrives while a transfer runs, as a fraction of what the link carries when every packet is full: headers
//! (28 bytes of IP and UDP, 28 of SCTP) are not counted against it, because no sender can save them. Losses hit both directions. Half a second
//! and 20 round trips pass before the measurement, which takes half as long again. Rows marked `wide` configure windows of 128 MiB, where the path
//! holds more than 5 MB; `default` rows use the default configuration.
//!
//! `cargo test` checks the short rows; `AVOCET_FULL_MATRIX=1 cargo test --release` checks all; `BLESS=1` rewrites what it runs.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use avocet_sctp::{Association, Config, CongestionAlgorithm, Ppid, SendOptions, StreamId};
use net::{Datagram, Path};
use netsim::{LinkConfig, Loss, Machine, Network, Outgoing, Pair, World};

/// One end of a transfer: it sends whatever is taken, and counts what it reads.
#[derive(Debug)]
struct Bulk {
    association: Association,
    sends: bool,
    received: usize,
}

impl Bulk {
    fn new(config: &Config, seed: u8, sends: bool) -> Self {
        Self {
            association: Association::new(config.clone(), [seed; 32]).unwrap(),
            sends,
            received: 0,
        }
    }

    fn turn(&mut self, now: Instant) {
        let ppid = Ppid::new(53);
        let options = SendOptions::ordered();
        while self.sends
            && self
                .association
                .send(now, StreamId::new(0), ppid, &MESSAGE, options)
                .is_ok()
        {}
    }
}

impl Machine for Bulk {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.association.handle_datagram(now, datagram.bytes);
        self.turn(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.turn(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.association.poll_transmit(now, buf)?;
        Some(Outgoing::DefaultPath)
    }

    fn poll_event(&mut self) -> Option<String> {
        self.association.poll_event().map(|_| String::new())
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        while let Some(stream) = self.association.next_readable() {
            self.received += self.association.recv(now, stream).unwrap().data.len();
        }
        None
    }

    fn outcome(&self) -> String {
        String::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    rate_mbit: u32,
    rtt_ms: u32,
    loss_pct: f64,
    queue_bdp: f64,
    wide: bool,
}

impl Row {
    fn key(&self) -> String {
        let windows = if self.wide { "wide" } else { "default" };
        format!(
            "{},{},{},{},{windows}",
            self.rate_mbit, self.rtt_ms, self.loss_pct, self.queue_bdp
        )
    }

    fn path_bytes(&self) -> f64 {
        f64::from(self.rate_mbit) * 125.0 * f64::from(self.rtt_ms)
    }

    fn link(&self) -> LinkConfig {
        let mut link = LinkConfig::delayed(Duration::from_micros(u64::from(self.rtt_ms) * 500));
        link.rate_bits = Some(u64::from(self.rate_mbit) * 1_000_000);
        // Two packets fit whatever the path holds.
        link.queue_bytes = ((self.path_bytes() * self.queue_bdp) as usize).max(2_500);
        if self.loss_pct > 0.0 {
            link.loss = Loss::Random(self.loss_pct / 100.0);
        }
        link
    }

    fn goodput(&self, algorithm: CongestionAlgorithm) -> f64 {
        let mut config = Config::default();
        config.congestion = algorithm;
        if self.wide {
            config.receive_window_bytes = 128 << 20;
            config.send_buffer_bytes = 128 << 20;
        }
        let a = Bulk::new(&config, 1, true);
        let b = Bulk::new(&config, 2, false);
        let mut pair = Pair::over(self.link(), 11, a, b);
        let now = pair.now();
        pair.a_mut().association.connect(now, None);
        pair.b_mut().association.connect(now, None);
        let span = Duration::from_millis(500 + u64::from(self.rtt_ms) * 20);
        pair.run_for(span);
        let before = pair.b().received;
        let span = span / 2;
        pair.run_for(span);
        let payload = (config.mtu & !3) - 28;
        let share = payload as f64 / (payload + 56) as f64;
        let possible = f64::from(self.rate_mbit) * 125_000.0 * span.as_secs_f64() * share;
        (pair.b().received - before) as f64 / possible
    }
}

fn short_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for rate_mbit in [10, 100] {
        for rtt_ms in [20, 50, 100] {
            for loss_pct in LOSSES {
                rows.push(Row {
                    rate_mbit,
                    rtt_ms,
                    loss_pct,
                    queue_bdp: 1.0,
                    wide: false,
                });
            }
        }
    }
    rows
}

fn all_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for rate_mbit in [10, 100, 1000] {
        for rtt_ms in [2, 20, 50, 100, 300] {
            for loss_pct in LOSSES {
                for queue_bdp in [0.25, 1.0, 4.0] {
                    let row = Row {
                        rate_mbit,
                        rtt_ms,
                        loss_pct,
                        queue_bdp,
                        wide: false,
                    };
                    rows.push(row);
                    if row.path_bytes() > 5e6 {
                        rows.push(Row { wide: true, ..row });
                    }
                }
            }
        }
    }
    rows
}

fn measure(rows: &[Row]) -> Vec<(Row, f64)> {
    let algorithm = match std::env::var("AVOCET_CONGESTION").as_deref() {
        Ok("newreno") => CongestionAlgorithm::NewReno,
        Ok("cubic") => CongestionAlgorithm::Cubic,
        _ => CongestionAlgorithm::default(),
    };
    let every_second = |first: usize| {
        let rows = rows.iter().skip(first).step_by(2);
        rows.map(|row| (*row, row.goodput(algorithm)))
            .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| every_second(1));
        let mut measured = every_second(0);
        measured.extend(other.join().unwrap());
        measured
    })
}

#[test]
fn goodput_is_what_the_golden_table_says() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let rows = if full { all_rows() } else { short_rows() };
    let measured = measure(&rows);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/golden/sctp_goodput.csv"
    );
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut golden = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let (key, goodput) = line.rsplit_once(',')?;
            Some((key.to_owned(), goodput.parse().ok()?))
        })
        .collect::<BTreeMap<String, f64>>();
    if std::env::var_os("BLESS").is_some() {
        for (row, goodput) in &measured {
            golden.insert(row.key(), *goodput);
        }
        let mut text = String::from("rate_mbit,rtt_ms,loss_pct,queue_bdp,windows,goodput\n");
        for row in all_rows() {
            if let Some(goodput) = golden.get(&row.key()) {
                writeln!(text, "{},{goodput:.3}", row.key()).unwrap();
            }
        }
        std::fs::write(path, text).unwrap();
        return;
    }
    let mut differences = String::new();
    for (row, goodput) in &measured {
        let expected = golden.get(&row.key()).copied().unwrap_or(f64::NAN);
        if expected.is_nan() || (goodput - expected).abs() > TOLERANCE {
            writeln!(
                differences,
                "{}: {goodput:.3}, was {expected:.3}",
                row.key()
            )
            .unwrap();
        }
    }
    assert!(
        differences.is_empty(),
        "run with BLESS=1 when this is intended:\n{differences}"
    );
}

/// What each of two transfers gets of a link of 10 Mbit/s and 40 ms, when the second begins five seconds later.
fn shares(algorithms: [CongestionAlgorithm; 2], queue_bytes: usize) -> [f64; 2] {
    let mut network = Network::new(5);
    let [left, right] = [network.router(), network.router()];
    let mut bottleneck = LinkConfig::delayed(Duration::from_millis(18));
    bottleneck.rate_bits = Some(10_000_000);
    bottleneck.queue_bytes = queue_bytes;
    network.link(left, right, &bottleneck);
    let mut place = |last: u8, router| {
        let address = IpAddr::from([10, 0, 0, last]);
        let node = network.host([address]);
        network.link(node, router, &LinkConfig::delayed(Duration::from_millis(1)));
        (node, SocketAddr::new(address, 5000))
    };
    let places = [1, 2].map(|last| (place(last, left), place(last + 10, right)));
    let mut world = World::new(network);
    let (mut receivers, mut senders) = (Vec::new(), Vec::new());
    for (index, ((a, from), (b, to))) in places.into_iter().enumerate() {
        let mut config = Config::default();
        config.congestion = algorithms[index];
        let sender = Bulk::new(&config, index as u8 * 2, true);
        let receiver = Bulk::new(&config, index as u8 * 2 + 1, false);
        let now = world.now();
        let sender = world.add(a, Some(Path::udp(from, to)), sender);
        let receiver = world.add(b, Some(Path::udp(to, from)), receiver);
        for end in [sender, receiver] {
            world.machine_mut(end).association.connect(now, None);
        }
        receivers.push(receiver);
        senders.push(sender);
        world.run_for(Duration::from_secs(5));
    }
    world.run_for(Duration::from_secs(15));
    let count = |world: &World<Bulk>, index: usize| world.machine(receivers[index]).received;
    let before = [count(&world, 0), count(&world, 1)];
    world.run_for(Duration::from_secs(20));
    for sender in senders {
        let stats = world.machine(sender).association.stats();
        // Repetitions that were for nothing: 2 % of what was sent at most.
        assert!(
            stats.spurious_retransmissions * 50 <= stats.packets_sent,
            "{stats:?}"
        );
    }
    [0, 1].map(|index| (count(&world, index) - before[index]) as f64 / 20.0)
}

#[test]
fn two_associations_share_a_link() {
    let default = CongestionAlgorithm::default();
    for queue_bytes in [12_500, 200_000] {
        let [a, b] = shares([default; 2], queue_bytes);
        let jain = (a + b).powi(2) / (2.0 * (a * a + b * b));
        assert!(
            jain >= 0.95,
            "queue {queue_bytes}: {a} and {b}, Jain {jain:.3}"
        );
        assert!(
            a + b > 0.9 * 1_190_000.0,
            "queue {queue_bytes}: {a} and {b}"
        );
    }
}

#[test]
fn neither_starves_beside_plain_cubic() {
    let pairing = [CongestionAlgorithm::default(), CongestionAlgorithm::Cubic];
    for queue_bytes in [12_500, 50_000] {
        let [a, b] = shares(pairing, queue_bytes);
        let share = a / (a + b);
        assert!(
            (0.35..=0.65).contains(&share),
            "queue {queue_bytes}: {share:.3}"
        );
    }
}

const LOSSES: [f64; 4] = [0.0, 0.1, 1.0, 3.0];
const MESSAGE: [u8; 16_384] = [7; 16_384];
/// Floating point differs in the last digit between platforms, and a run is chaotic.
const TOLERANCE: f64 = 0.02;
