//! Two SCTP associations, joined in memory without anything else; time is simulated.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp::{Association, Config, Ppid, SendError, SendOptions, StreamId};

/// Two of them, and the packets between them.
#[derive(Debug)]
pub struct Associations {
    a: Association,
    b: Association,
    now: Instant,
    batch: Vec<u8>,
    lengths: Vec<usize>,
    packets: usize,
}

const STREAM: StreamId = StreamId::new(1);
const PPID: Ppid = Ppid::new(53);
/// As many packets as a driver polls before it sends.
const BATCH: usize = 16;
/// How long a batch takes at 1.5 Gbit/s.
const BATCH_TIME: Duration = Duration::from_micros(100);

impl Associations {
    /// Two that are connected; with `checksum` or, as DTLS allows, without (RFC 9653).
    pub fn connected(now: Instant, checksum: bool) -> Self {
        let [a, b] = [1, 2].map(|seed| {
            let mut config = Config::default();
            config.zero_checksum = !checksum;
            Association::new(config, [seed; 32]).expect("a valid configuration")
        });
        let mut pair = Self {
            a,
            b,
            now,
            batch: Vec::new(),
            lengths: Vec::new(),
            packets: 0,
        };
        pair.a.connect(now, None);
        pair.b.connect(now, None);
        while !(pair.a.is_established() && pair.b.is_established()) {
            pair.exchange();
        }
        pair
    }

    /// Packets that were carried, both ways.
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Sends so many messages one way, and returns when all are read.
    pub fn transfer(&mut self, message: &[u8], messages: usize) -> usize {
        self.transfer_with(message.len(), messages, |a, now| {
            a.send(now, STREAM, PPID, message, SendOptions::ordered())
        })
    }

    /// The same, with messages whose memory the association may hold.
    pub fn transfer_given(&mut self, message: &Bytes, messages: usize) -> usize {
        self.transfer_with(message.len(), messages, |a, now| {
            a.send_bytes(now, STREAM, PPID, message.clone(), SendOptions::ordered())
        })
    }

    fn transfer_with(
        &mut self,
        length: usize,
        messages: usize,
        mut send: impl FnMut(&mut Association, Instant) -> Result<(), SendError>,
    ) -> usize {
        let (mut sent, mut read) = (0, 0);
        while read < messages {
            while sent < messages && send(&mut self.a, self.now).is_ok() {
                sent += 1;
            }
            self.exchange();
            while self.a.poll_event().is_some() || self.b.poll_event().is_some() {}
            while let Some(arrived) = self.b.recv(self.now, STREAM) {
                assert_eq!(arrived.data.len(), length);
                read += 1;
            }
        }
        read
    }

    /// A batch each way, and the time that it takes.
    fn exchange(&mut self) {
        let before = self.packets;
        self.packets += carry(
            &mut self.a,
            &mut self.b,
            self.now,
            (&mut self.batch, &mut self.lengths),
        );
        self.now += BATCH_TIME;
        self.packets += carry(
            &mut self.b,
            &mut self.a,
            self.now,
            (&mut self.batch, &mut self.lengths),
        );
        if self.packets == before {
            let timers = [self.a.poll_timeout(), self.b.poll_timeout()];
            let next = timers.into_iter().flatten().min();
            self.now = next.map_or(self.now, |next| next.max(self.now));
        }
        for end in [&mut self.a, &mut self.b] {
            if end.poll_timeout().is_some_and(|due| due <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }
}

fn carry(
    from: &mut Association,
    to: &mut Association,
    now: Instant,
    (batch, lengths): (&mut Vec<u8>, &mut Vec<usize>),
) -> usize {
    batch.clear();
    lengths.clear();
    while lengths.len() < BATCH {
        let start = batch.len();
        if from.poll_transmit(now, batch).is_none() {
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
