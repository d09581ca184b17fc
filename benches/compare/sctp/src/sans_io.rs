//! SCTP alone, both ends in one thread; time is simulated.

use std::time::{Duration, Instant};

use dcsctp::api::Options;
use peers::{Dcsctp, Fact, Features, Message, Ours, Peer, Proto, Wish};

use crate::contest::{Contestant, contest, cpu};

/// As many packets as a driver polls before it sends.
const BATCH: usize = 16;
/// How long a batch takes at 1.5 Gbit/s.
const BATCH_TIME: Duration = Duration::from_micros(100);

/// Two ends that are connected, and the packets between them.
pub struct Ends<A, B> {
    a: A,
    b: B,
    now: Instant,
    batch: Vec<u8>,
    lengths: Vec<usize>,
    /// How many went either way.
    pub packets: usize,
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
        let mut moved = carry(
            &mut self.a,
            &mut self.b,
            self.now,
            &mut self.batch,
            &mut self.lengths,
        );
        self.now += BATCH_TIME;
        moved += carry(
            &mut self.b,
            &mut self.a,
            self.now,
            &mut self.batch,
            &mut self.lengths,
        );
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

    /// Lets what is left of the handshake go.
    pub fn rest(&mut self) {
        for _ in 0..100 {
            self.exchange();
            while self.a.poll_fact().is_some() || self.b.poll_fact().is_some() {}
        }
        self.batch = Vec::new();
        self.lengths = Vec::new();
    }

    pub fn transfer(&mut self, size: usize, count: usize) -> Duration {
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

pub fn ours(features: Features) -> Ends<Ours, Ours> {
    let (a, b) = (Ours::new(1, features), Ours::new(2, features));
    Ends::connected(a, b, Instant::now(), true)
}

/// With so much under way at most.
pub fn dcsctp(bound: usize) -> Ends<Dcsctp, Dcsctp> {
    let now = Instant::now();
    let options = Options {
        max_retransmissions: None,
        max_send_buffer_size: bound,
        // A whole message has to fit, with something to spare.
        max_receiver_window_buffer_size: bound.max(128 << 10),
        ..Options::default()
    };
    let (a, b) = (Dcsctp::with(now, &options), Dcsctp::with(now, &options));
    Ends::connected(a, b, now, true)
}

/// With so much under way at most.
pub fn proto(bound: usize) -> Ends<Proto, Proto> {
    let [a, b] = [Proto::active(), Proto::passive()].map(|end| end.with_send_buffer(bound));
    Ends::connected(a, b, Instant::now(), false)
}

pub fn run() {
    let mut plain = ours(Features::default());
    let mut unchecked = ours(Features {
        zero_checksum: true,
        ..Features::default()
    });
    contest(
        "SCTP alone",
        &mut [
            Contestant::new("avocet", move |size, count| plain.transfer(size, count)),
            Contestant::new("avocet, no checksum", move |size, count| {
                unchecked.transfer(size, count)
            }),
            Contestant::with_bounds("dcsctp", |bound| {
                let mut ends = dcsctp(bound);
                move |size, count| ends.transfer(size, count)
            }),
            Contestant::with_bounds("sctp-proto", |bound| {
                let mut ends = proto(bound);
                move |size, count| ends.transfer(size, count)
            }),
        ],
    );
}
