//! One publisher and its subscribers through whole peer connections: a forwarding server, without sockets.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtp::{Packet, PayloadType};
use session::ReceivedPacket;

use crate::pair::{Batch, Content, End, Pair, certificates};

/// A server in the middle of a conference.
#[derive(Debug)]
pub struct Conference {
    now: Instant,
    /// The publisher offers, the server answers.
    publisher: Pair,
    /// The server offers to each subscriber.
    subscribers: Vec<Pair>,
    payload_type: PayloadType,
    packet: Packet,
    frames: u32,
    received: Vec<ReceivedPacket>,
    batch: Batch,
}

/// How much time passes between two groups of packets.
const STEP: Duration = Duration::from_millis(10);

/// What the subscribers say is heard so often, in steps.
const REPORTS: u32 = 100;

impl Conference {
    /// Everybody connected; packets are so many bytes before they are sealed.
    pub fn new(now: Instant, subscribers: usize, packet_bytes: usize) -> Self {
        let certificates = certificates();
        let publisher = Pair::connected(now, Content::Video, &certificates, 0);
        let subscribers: Vec<Pair> = (1..=subscribers as u64)
            .map(|seed| Pair::connected(now, Content::Video, &certificates, seed))
            .collect();
        let track = publisher.offerer.tracks[0];
        let transceiver = publisher.offerer.connection.transceiver(track);
        let codec = &transceiver.expect("it was added").send_codecs()[0];
        let payload_type = codec.payload_type;
        let packet = Packet {
            payload_type,
            payload: Bytes::from(vec![0x5a; packet_bytes - HEADER]),
            ..Packet::default()
        };
        let pairs = subscribers.iter().chain([&publisher]);
        let now = pairs.map(|pair| pair.now).max().unwrap_or(now);
        Self {
            now,
            publisher,
            subscribers,
            payload_type,
            packet,
            frames: 0,
            received: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Time passes, and the publisher sends so many packets, which the server opens.
    pub fn receive(&mut self, packets: usize) {
        self.now += STEP;
        self.frames += 1;
        let now = self.now;
        let Pair {
            offerer, answerer, ..
        } = &mut self.publisher;
        self.packet.timestamp = self.frames.wrapping_mul(900);
        for _ in 0..packets {
            offerer
                .connection
                .send_rtp(now, offerer.tracks[0], self.packet.clone())
                .expect("it sends");
        }
        offerer.wake(now);
        answerer.wake(now);
        while offerer.send_to(now, answerer, &mut self.batch)
            + answerer.send_to(now, offerer, &mut self.batch)
            > 0
        {}
        self.received.clear();
        while let Some((_, packet)) = answerer.connection.poll_packet() {
            self.received.push(packet);
        }
    }

    /// What was received goes to every subscriber; each is polled until it is dry. Tells how many datagrams that made.
    pub fn forward(&mut self) -> usize {
        let (now, payload_type) = (self.now, self.payload_type);
        let mut datagrams = 0;
        for Pair {
            offerer, answerer, ..
        } in &mut self.subscribers
        {
            let track = offerer.tracks[0];
            for packet in &self.received {
                offerer
                    .connection
                    .forward(now, track, packet, payload_type)
                    .expect("it is mapped");
            }
            offerer.wake(now);
            datagrams += poll(now, offerer, answerer, &mut self.batch);
        }
        datagrams
    }

    /// The subscribers say what they have to say, reports and consent.
    pub fn listen(&mut self) {
        if !self.frames.is_multiple_of(REPORTS) {
            return;
        }
        for Pair {
            offerer, answerer, ..
        } in &mut self.subscribers
        {
            answerer.wake(self.now);
            while answerer.send_to(self.now, offerer, &mut self.batch) > 0 {}
        }
    }
}

/// Polls the server's end until it is dry. The media ends here, as opening it would be the subscriber's cost; the rest
/// is delivered, or consent to send would expire.
fn poll(now: Instant, server: &mut End, subscriber: &mut End, batch: &mut Batch) -> usize {
    let mut datagrams = 0;
    loop {
        match batch.fill(now, &mut server.connection, 16) {
            0 => return datagrams,
            sent => datagrams += sent,
        }
        if batch.deliver_if(now, subscriber, |bytes| bytes[0] < 128) > 0 {
            while subscriber.send_to(now, server, batch) > 0 {}
        }
    }
}

/// The header of an RTP packet with a MID in it.
const HEADER: usize = 20;
