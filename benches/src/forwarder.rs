//! One publisher and its subscribers, sessions and SRTP without sockets: the server side of a conference.

use std::time::{Duration, Instant};

use rtp::{MediaKind, Mid, PayloadType, Ssrc};
use session::{
    ClockAnchor, Config, PayloadMapping, ReceivedPacket, ReceiverConfig, SenderConfig, SenderId,
    Session,
};
use srtp::{KeyingMaterial, Profile, Sender};

use crate::samples::rtp_packet;

const PROFILE: Profile = Profile::AeadAes128Gcm;

/// A forwarder at work.
#[derive(Debug)]
pub struct Forwarder {
    now: Instant,
    publisher: Session,
    packet: Vec<u8>,
    sequence: u16,
    subscribers: Vec<Subscriber>,
    received: Vec<ReceivedPacket>,
    datagram: Vec<u8>,
}

#[derive(Debug)]
struct Subscriber {
    session: Session,
    sender: SenderId,
    srtp: Sender,
}

impl Forwarder {
    /// A publisher of video and so many subscribers.
    pub fn new(now: Instant, subscribers: usize) -> Self {
        let mut publisher = session(now, 0);
        let receiver = ReceiverConfig::new(Mid::new("1"), MediaKind::Video, mapping());
        publisher.add_receiver(now, receiver);
        let subscribers = (1..=subscribers)
            .map(|number| Subscriber::new(now, number))
            .collect();
        Self {
            now,
            publisher,
            packet: rtp_packet(),
            sequence: 0,
            subscribers,
            received: Vec::new(),
            datagram: Vec::with_capacity(2_048),
        }
    }

    /// Time passes, and the publisher sends so many packets of 1,200 bytes.
    pub fn receive(&mut self, packets: usize) {
        self.now += Duration::from_millis(10);
        for _ in 0..packets {
            self.sequence = self.sequence.wrapping_add(1);
            self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
            self.publisher.handle_datagram(self.now, &self.packet);
        }
        self.received.clear();
        while let Some((_, packet)) = self.publisher.poll_packet() {
            self.received.push(packet);
        }
        run(&mut self.publisher, self.now);
    }

    /// What was received goes to every subscriber, sealed; each is polled until it is dry. Tells how many
    /// datagrams that made.
    pub fn forward(&mut self) -> usize {
        let mut datagrams = 0;
        for subscriber in &mut self.subscribers {
            datagrams += subscriber.forward(self.now, &self.received, &mut self.datagram);
        }
        datagrams
    }
}

impl Subscriber {
    fn new(now: Instant, number: usize) -> Self {
        let mut session = session(now, number as u64);
        let config = SenderConfig::new(Ssrc::new(number as u32), MediaKind::Video, mapping());
        let sender = session.add_sender(now, config);
        let exported = vec![7; PROFILE.keying_material_length()];
        let (key, _) = KeyingMaterial::split(PROFILE, &exported).expect("the right length");
        Self {
            session,
            sender,
            srtp: Sender::new(PROFILE, key).expect("a good key"),
        }
    }

    fn forward(&mut self, now: Instant, packets: &[ReceivedPacket], buf: &mut Vec<u8>) -> usize {
        for packet in packets {
            self.session
                .forward(now, self.sender, packet, payload_type())
                .expect("it is mapped");
        }
        if self
            .session
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.session.handle_timeout(now);
        }
        let mut datagrams = 0;
        buf.clear();
        while let Some(kind) = self.session.poll_transmit(now, buf) {
            match kind {
                session::Kind::Rtp => self.srtp.protect_rtp(buf, 0),
                session::Kind::Rtcp => self.srtp.protect_rtcp(buf, 0),
            }
            .expect("a fresh index");
            datagrams += 1;
            buf.clear();
        }
        datagrams
    }
}

/// Takes what a session has to say beside the point: reports and events.
fn run(session: &mut Session, now: Instant) {
    if session
        .poll_timeout()
        .is_some_and(|deadline| deadline <= now)
    {
        session.handle_timeout(now);
    }
    let mut buf = Vec::new();
    while session.poll_transmit(now, &mut buf).is_some() {}
    while session.poll_event().is_some() {}
}

fn session(now: Instant, seed: u64) -> Session {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let clock = ClockAnchor {
        instant: now,
        unix: Duration::from_secs(1_700_000_000),
    };
    Session::new(Config::new(bytes, clock)).expect("a good configuration")
}

fn mapping() -> Vec<PayloadMapping> {
    vec![PayloadMapping {
        nack: true,
        ..PayloadMapping::new(payload_type(), 90_000)
    }]
}

fn payload_type() -> PayloadType {
    PayloadType::new(96).expect("below 128")
}
