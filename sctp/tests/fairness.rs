//! What a bulk transfer leaves to others: the golden table `testdata/golden/sctp_fairness.csv`.
//!
//! Two flows share a bottleneck; the second begins five seconds after the first. Thirty seconds later their goodput is measured for a
//! minute. `jain` is Jain's index of the two rates, `first` the first flow's share, `used` the sum as a fraction of what the link carries in
//! full packets, `spurious_pct` the chunks that were sent again for nothing among the packets sent, at the worse of the associations.
//! `dtls` rows add what a record of DTLS 1.3 with AES-GCM adds to each packet, and keep datagrams within 1,200 bytes; `checksum` says
//! whether it is computed or was negotiated away (RFC 9653).
//!
//! `cargo test` checks some rows; `AVOCET_FULL_MATRIX=1 cargo test --release` all of them; `BLESS=1` rewrites the table.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use avocet_sctp::{Config, CongestionAlgorithm};
use net::{Datagram, Path};
use netsim::{LinkConfig, Machine, Network, Outgoing, World};

use crate::common::bulk::Bulk;
use crate::common::tcp::Tcp;

/// An end of either kind of flow.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are four of them")]
enum End {
    Sctp(Bulk),
    Tcp(Tcp),
}

impl End {
    fn received(&self) -> usize {
        match self {
            Self::Sctp(bulk) => bulk.received,
            Self::Tcp(tcp) => tcp.received,
        }
    }

    fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Self::Sctp(bulk) => bulk,
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
            Self::Sctp(bulk) => bulk.poll_timeout(),
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

/// Beside whom an association with the default congestion control sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    /// Another one.
    Same,
    /// An association with plain CUBIC.
    PlainCubic,
    /// A TCP flow with CUBIC.
    Tcp,
    /// A TCP flow with CUBIC that was there first.
    TcpFirst,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    other: Other,
    rate_mbit: u32,
    rtt_ms: u32,
    queue_bdp: f64,
    checksum: bool,
    dtls: bool,
}

#[derive(Clone, Copy, Debug)]
struct Shares {
    rates: [f64; 2],
    possible: f64,
    spurious_pct: f64,
    largest: usize,
}

impl Shares {
    fn jain(&self) -> f64 {
        let [a, b] = self.rates;
        (a + b).powi(2) / (2.0 * (a * a + b * b))
    }

    fn first(&self) -> f64 {
        self.rates[0] / (self.rates[0] + self.rates[1])
    }

    fn used(&self) -> f64 {
        (self.rates[0] + self.rates[1]) / self.possible
    }
}

impl Row {
    fn line(&self, shares: &Shares) -> String {
        let other = match self.other {
            Other::Same => "same",
            Other::PlainCubic => "cubic",
            Other::Tcp => "tcp",
            Other::TcpFirst => "tcp first",
        };
        format!(
            "{other},{},{},{},{},{},{:.3},{:.3},{:.3},{:.2},{}",
            self.rate_mbit,
            self.rtt_ms,
            self.queue_bdp,
            if self.checksum { "on" } else { "off" },
            if self.dtls { "on" } else { "off" },
            shares.jain(),
            shares.first(),
            shares.used(),
            shares.spurious_pct,
            shares.largest,
        )
    }

    fn end(&self, index: u8, sends: bool) -> End {
        let tcp_index = match self.other {
            Other::Tcp => Some(1),
            Other::TcpFirst => Some(0),
            Other::Same | Other::PlainCubic => None,
        };
        if Some(index) == tcp_index {
            return End::Tcp(Tcp::new(sends));
        }
        let mut config = Config::default();
        if self.other == Other::PlainCubic && index == 1 {
            config.congestion = CongestionAlgorithm::Cubic;
        }
        config.zero_checksum = !self.checksum;
        let record = if self.dtls { RECORD_BYTES } else { 0 };
        config.mtu = 1200 - record;
        let mut bulk = Bulk::new(&config, 2 * index + u8::from(sends), sends);
        bulk.record_bytes = record;
        End::Sctp(bulk)
    }

    fn measure(&self) -> Shares {
        let mut network = Network::new(5);
        let [left, right] = [network.router(), network.router()];
        let rate = f64::from(self.rate_mbit) * 125_000.0;
        let delay = Duration::from_micros(u64::from(self.rtt_ms) * 500);
        let edge = Duration::from_millis(1);
        let mut bottleneck = LinkConfig::delayed(delay - 2 * edge);
        bottleneck.rate_bits = Some(u64::from(self.rate_mbit) * 1_000_000);
        let path_bytes = rate * f64::from(self.rtt_ms) / 1000.0;
        bottleneck.queue_bytes = (path_bytes * self.queue_bdp) as usize;
        network.link(left, right, &bottleneck);
        let mut place = |last: u8, router| {
            let address = IpAddr::from([10, 0, 0, last]);
            let node = network.host([address]);
            network.link(node, router, &LinkConfig::delayed(edge));
            (node, SocketAddr::new(address, 5000))
        };
        let places = [1, 2].map(|last| (place(last, left), place(last + 10, right)));
        let mut world = World::new(network);
        let (mut receivers, mut senders) = (Vec::new(), Vec::new());
        for (index, ((a, from), (b, to))) in (0..).zip(places) {
            let now = world.now();
            senders.push(world.add(a, Some(Path::udp(from, to)), self.end(index, true)));
            receivers.push(world.add(b, Some(Path::udp(to, from)), self.end(index, false)));
            for end in [senders[usize::from(index)], receivers[usize::from(index)]] {
                match world.machine_mut(end) {
                    End::Sctp(bulk) => bulk.association.connect(now, None),
                    End::Tcp(_) => {}
                }
            }
            world.run_for(Duration::from_secs(5));
        }
        world.run_for(Duration::from_secs(25));
        let before = [0, 1].map(|index| world.machine(receivers[index]).received());
        world.run_for(MEASURED);
        let rates = [0, 1].map(|index| {
            let received = world.machine(receivers[index]).received() - before[index];
            received as f64 / MEASURED.as_secs_f64()
        });
        let mut shares = Shares {
            rates,
            possible: rate * 1160.0 / 1228.0,
            spurious_pct: 0.0,
            largest: 0,
        };
        for sender in senders {
            if let End::Sctp(bulk) = world.machine(sender) {
                let stats = bulk.association.stats();
                let share = stats.spurious_retransmissions as f64 / stats.packets_sent as f64;
                shares.spurious_pct = shares.spurious_pct.max(share * 100.0);
                shares.largest = shares.largest.max(bulk.largest);
            }
        }
        shares
    }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let kinds = [Other::Same, Other::PlainCubic, Other::Tcp, Other::TcpFirst];
    for (rate_mbit, rtt_ms) in [(10, 10), (10, 40), (10, 100), (100, 10), (100, 40)] {
        for other in kinds {
            for queue_bdp in [0.25, 1.0, 4.0] {
                // Less than ten packets starve whoever does not pace, and TCP as it is here does not.
                if queue_bdp * f64::from(rate_mbit * rtt_ms) < 100.0 {
                    continue;
                }
                rows.push(Row {
                    other,
                    rate_mbit,
                    rtt_ms,
                    queue_bdp,
                    checksum: true,
                    dtls: true,
                });
            }
        }
    }
    for other in [Other::Same, Other::Tcp] {
        for (checksum, dtls) in [(false, true), (true, false), (false, false)] {
            rows.push(Row {
                other,
                rate_mbit: 10,
                rtt_ms: 40,
                queue_bdp: 1.0,
                checksum,
                dtls,
            });
        }
    }
    rows
}

impl Row {
    /// The rows that `cargo test` always runs.
    fn is_short(&self) -> bool {
        self.rate_mbit == 10
            && self.rtt_ms == 40
            && self.queue_bdp == 1.0
            && self.checksum
            && self.dtls
            && matches!(self.other, Other::Same | Other::TcpFirst)
    }
}

#[test]
fn nobody_starves_and_nothing_is_sent_for_nothing() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let mut text = String::from(
        "other,rate_mbit,rtt_ms,queue_bdp,checksum,dtls,jain,first,used,spurious_pct,largest_datagram\n",
    );
    let mut bad = String::new();
    for row in rows().iter().filter(|row| full || row.is_short()) {
        let shares = row.measure();
        let line = row.line(&shares);
        eprintln!("{line}");
        writeln!(text, "{line}").unwrap();
        let fair = match row.other {
            Other::Same => shares.jain() >= 0.95,
            Other::PlainCubic | Other::Tcp | Other::TcpFirst => {
                (0.35..=0.65).contains(&shares.first())
            }
        };
        if !fair || shares.used() < 0.85 || shares.spurious_pct > 2.0 || shares.largest > 1200 {
            writeln!(bad, "{line}").unwrap();
        }
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/golden/sctp_fairness.csv"
    );
    if full && std::env::var_os("BLESS").is_some() {
        std::fs::write(path, text).unwrap();
    }
    assert!(bad.is_empty(), "{bad}");
}

const MEASURED: Duration = Duration::from_secs(60);
/// DTLS 1.3 with AES-GCM: a header of five bytes, the type and the tag.
const RECORD_BYTES: usize = 22;
