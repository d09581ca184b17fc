//! A transfer that never ends.

use std::time::Instant;

use avocet_sctp::{Association, Config, Ppid, SendOptions, StreamId};
use net::Datagram;
use netsim::{Machine, Outgoing};

/// One end of a transfer: it sends whatever is taken, and counts what it reads.
#[derive(Debug)]
pub struct Bulk {
    pub association: Association,
    pub sends: bool,
    pub received: usize,
    /// What every datagram has beside the packet, as DTLS would add it.
    pub record_bytes: usize,
    /// The largest datagram, with that.
    pub largest: usize,
}

impl Bulk {
    pub fn new(config: &Config, seed: u8, sends: bool) -> Self {
        Self {
            association: Association::new(config.clone(), [seed; 32]).unwrap(),
            sends,
            received: 0,
            record_bytes: 0,
            largest: 0,
        }
    }

    /// Sends what is taken.
    pub fn turn(&mut self, now: Instant) {
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
        let (packet, _) = datagram
            .bytes
            .split_at(datagram.bytes.len() - self.record_bytes);
        self.association.handle_datagram(now, packet);
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
        let start = buf.len();
        self.association.poll_transmit(now, buf)?;
        buf.resize(buf.len() + self.record_bytes, 0);
        self.largest = self.largest.max(buf.len() - start);
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

const MESSAGE: [u8; 16_384] = [7; 16_384];
