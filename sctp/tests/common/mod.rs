//! Two associations on the test network, and words for what they do.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: each scenario uses some of it, and stops at the first surprise"
)]

pub mod bulk;
pub mod exchanges;
pub mod raw;
pub mod tcp;

use std::time::{Duration, Instant};

use avocet_sctp::{Association, Config, Event, Message, Ordering, Ppid, SendOptions, StreamId};
use bytes::Bytes;
use net::Datagram;
use netsim::{Machine, Outgoing, Pair, Profile};

/// An association as the test network sees it.
#[derive(Debug)]
pub struct Peer {
    pub association: Association,
    pub events: Vec<Event>,
    pub messages: Vec<Message>,
    /// Where the peer was last heard from: what ICE would know.
    path: Option<net::Path>,
}

impl Peer {
    pub fn new(config: Config, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            association: Association::new(config, bytes).unwrap(),
            events: Vec::new(),
            messages: Vec::new(),
            path: None,
        }
    }

    pub fn send(&mut self, now: Instant, stream: u16, data: &[u8]) {
        self.association
            .send(
                now,
                StreamId::new(stream),
                Ppid::new(53),
                data,
                SendOptions::ordered(),
            )
            .unwrap();
    }

    /// Sends a message that is given away, as far as that saves a copy.
    pub fn give(&mut self, now: Instant, stream: u16, data: Bytes) {
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(53));
        let ordered = SendOptions::ordered();
        self.association
            .send_bytes(now, stream, ppid, data, ordered)
            .unwrap();
    }

    pub fn send_unordered(&mut self, now: Instant, stream: u16, data: &[u8]) {
        self.association
            .send(
                now,
                StreamId::new(stream),
                Ppid::new(53),
                data,
                SendOptions::unordered(),
            )
            .unwrap();
    }

    pub fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    /// The bytes of the ordered messages of a stream, in the order in which they were read.
    pub fn read(&self, stream: u16) -> Vec<&[u8]> {
        self.messages
            .iter()
            .filter(|message| message.stream.get() == stream)
            .map(|message| &message.data[..])
            .collect()
    }
}

impl Machine for Peer {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.path = Some(datagram.path);
        self.association.handle_datagram(now, datagram.bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.association.poll_transmit(now, buf)?;
        let on = |path| Outgoing::On(net::Transmit::new(path));
        Some(self.path.map_or(Outgoing::DefaultPath, on))
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.association.poll_event()?;
        let text = format!("{event:?}");
        self.events.push(event);
        Some(text)
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        let stream = self.association.next_readable()?;
        let message = self.association.recv(now, stream).unwrap();
        let mut bytes = stream.get().to_be_bytes().to_vec();
        bytes.push(u8::from(message.ordering == Ordering::Ordered));
        bytes.extend_from_slice(&message.data);
        self.messages.push(message);
        Some(bytes)
    }

    fn outcome(&self) -> String {
        format!(
            "established {}, closed {:?}",
            self.association.is_established(),
            self.association.close_reason()
        )
    }
}

pub type Peers = Pair<Peer>;

pub fn pair(seed: u64) -> Peers {
    Pair::new(
        Peer::new(Config::default(), seed * 2),
        Peer::new(Config::default(), seed * 2 + 1),
    )
}

pub fn pair_with(config: &Config, seed: u64) -> Peers {
    Pair::new(
        Peer::new(config.clone(), seed * 2),
        Peer::new(config.clone(), seed * 2 + 1),
    )
}

pub fn pair_on(profile: Profile, seed: u64) -> Peers {
    let mut config = Config::default();
    config.interleaving = seed.is_multiple_of(2);
    if profile == Profile::SmallMtu {
        // Nothing here finds the path MTU yet; it is told.
        config.mtu = 548;
    }
    // Whether a path is dead is for ICE to say, as in a connection.
    config.max_init_retransmissions = None;
    // After T3 one packet leaves (RFC 9260 §6.3.3), and a burst that is counted in packets may take eleven of those.
    if [Profile::Loss30, Profile::Loss50, Profile::BurstLoss].contains(&profile) {
        config.max_retransmissions = None;
    }
    Pair::on(
        profile,
        seed,
        Peer::new(config.clone(), seed * 2),
        Peer::new(config, seed * 2 + 1),
    )
}

/// Both sides begin at once, as in WebRTC.
pub fn connect_both(pair: &mut Peers) {
    let now = pair.now();
    pair.a_mut().association.connect(now, None);
    pair.b_mut().association.connect(now, None);
}

pub fn both_established(pair: &Peers) -> bool {
    pair.a().association.is_established() && pair.b().association.is_established()
}

pub fn established(seed: u64) -> Peers {
    establish(pair(seed))
}

pub fn establish(mut pair: Peers) -> Peers {
    connect_both(&mut pair);
    assert!(pair.run_until(Duration::from_secs(1), both_established));
    pair
}
