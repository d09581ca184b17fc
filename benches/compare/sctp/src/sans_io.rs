//! SCTP alone, both ends in one thread; time is simulated.

use std::time::{Duration, Instant};

use dcsctp::api::Options;
use peers::{Dcsctp, Fact, Features, Message, Ours, Peer, Proto, Wish};

use crate::{contest, cpu};

/// As many packets as a driver polls before it sends.
const BATCH: usize = 16;
/// How long a batch takes at 1.5 Gbit/s.
const BATCH_TIME: Duration = Duration::from_micros(100);

/// Two ends that are connected, and the packets between them.
struct Ends<A, B> {
    a: A,
    b: B,
    now: Instant,
    batch: Vec<u8>,
    lengths: Vec<usize>,
    packets: usize,
}

impl<A: Peer, B: Peer> Ends<A, B> {
    fn connected(a: A, b: B, now: Instant, both: bool) -> Self {
        let mut ends = Self {
            a,
            b,
            now,
            batch: Vec::new(),
            lengths: Vec::new(),
            packets: 0,
        };
        ends.a.connect(now);
        if both {
            ends.b.connect(now);
        }
        let mut facts = 0;
        while facts < 2 {
            ends.exchange();
            facts += usize::from(ends.a.poll_fact() == Some(Fact::Connected));
            facts += usize::from(ends.b.poll_fact() == Some(Fact::Connected));
        }
        ends
    }

    /// A batch each way.
    fn exchange(&mut self) {
        let mut moved = carry(&mut self.a, &mut self.b, self.now, &mut self.batch, &mut self.lengths);
        self.now += BATCH_TIME;
        moved += carry(&mut self.b, &mut self.a, self.now, &mut self.batch, &mut self.lengths);
        self.packets += moved;
        if moved == 0 {
            let timers = [self.a.poll_timeout(), self.b.poll_timeout()];
            if let Some(next) = timers.into_iter().flatten().min() {
                self.now = self.now.max(next);
            }
        }
        if self.a.poll_timeout().is_some_and(|due| due <= self.now) {
            self.a.handle_timeout(self.now);
        }
        if self.b.poll_timeout().is_some_and(|due| due <= self.now) {
            self.b.handle_timeout(self.now);
        }
    }

    fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let message = Message::new(1, vec![0x5a; size]);
        let (mut sent, mut read) = (0, 0);
        let start = cpu();
        while read < count {
            while sent < count && self.a.send(self.now, &message, Wish::default()) {
                sent += 1;
            }
            self.exchange();
            while self.a.poll_fact().is_some() || self.b.poll_fact().is_some() {}
            while let Some(message) = self.b.recv(self.now) {
                assert_eq!(message.data.len(), size);
                read += 1;
            }
        }
        cpu() - start
    }
}

fn carry(
    from: &mut dyn Peer,
    to: &mut dyn Peer,
    now: Instant,
    batch: &mut Vec<u8>,
    lengths: &mut Vec<usize>,
) -> usize {
    batch.clear();
    lengths.clear();
    while lengths.len() < BATCH {
        let start = batch.len();
        if !from.poll_transmit(now, batch) {
            break;
        }
        lengths.push(batch.len() - start);
    }
    let mut rest = batch.as_slice();
    for length in lengths.iter() {
        let (packet, behind) = rest.split_at(*length);
        to.handle_datagram(now, packet);
        rest = behind;
    }
    lengths.len()
}

fn ours(features: Features) -> Ends<Ours, Ours> {
    let (a, b) = (Ours::new(1, features), Ours::new(2, features));
    Ends::connected(a, b, Instant::now(), true)
}

fn dcsctp() -> Ends<Dcsctp, Dcsctp> {
    let now = Instant::now();
    let options = Options {
        max_retransmissions: None,
        ..Options::default()
    };
    let (a, b) = (Dcsctp::with(now, &options), Dcsctp::with(now, &options));
    Ends::connected(a, b, now, true)
}

fn proto() -> Ends<Proto, Proto> {
    Ends::connected(Proto::active(), Proto::passive(), Instant::now(), false)
}

pub fn run() {
    let (mut plain, mut zero, mut theirs, mut other) = (
        ours(Features::default()),
        ours(Features {
            zero_checksum: true,
            ..Features::default()
        }),
        dcsctp(),
        proto(),
    );
    contest(
        "SCTP alone",
        &mut [
            ("avocet", Box::new(move |size, count| plain.transfer(size, count))),
            ("avocet, no checksum", Box::new(move |size, count| zero.transfer(size, count))),
            ("dcsctp", Box::new(move |size, count| theirs.transfer(size, count))),
            ("sctp-proto", Box::new(move |size, count| other.transfer(size, count))),
        ],
    );
}

pub fn memory() {
    measure("avocet", || ours(Features::default()));
    measure("dcsctp", dcsctp);
    measure("sctp-proto", proto);
}

fn measure<A: Peer, B: Peer>(name: &str, make: impl Fn() -> Ends<A, B>) {
    let mut ends = make();
    ends.transfer(65_536, 256);
    let packets = ends.packets;
    let large = allocation_counter::measure(|| {
        ends.transfer(65_536, 256);
    });
    let packets = ends.packets - packets;
    ends.transfer(100, 20_000);
    let small = allocation_counter::measure(|| {
        ends.transfer(100, 20_000);
    });
    let mut idle = None;
    let held = allocation_counter::measure(|| {
        let mut ends = make();
        // What is left of the handshake goes.
        for _ in 0..100 {
            ends.exchange();
            while ends.a.poll_fact().is_some() || ends.b.poll_fact().is_some() {}
        }
        ends.batch = Vec::new();
        ends.lengths = Vec::new();
        idle = Some(Box::new(ends));
    });
    println!(
        "| {name} | {:.2} | {:.2} | {} |",
        large.count_total as f64 / packets as f64,
        small.count_total as f64 / 20_000.0,
        held.bytes_current / 2
    );
    drop(idle);
}
