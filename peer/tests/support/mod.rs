//! Peers for tests: how they are made, wrapped for the simulated network, and introduced to each other.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

pub(crate) mod calls;
pub(crate) mod relayed;
pub(crate) mod turn_server;

use std::time::{Duration, Instant};

use avocet_peer as peer;
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Outgoing, Pair};
use peer::{
    ChannelCloseReason, ChannelId, Config, Event, Message, PeerConnection, SessionDescription,
    TransceiverId,
};

/// A connection and what the test network and the test saw of it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) pc: PeerConnection,
    /// Messages that arrived, as an application that keeps up sees them.
    pub(crate) messages: Vec<(ChannelId, Message)>,
    pub(crate) packets: Vec<(TransceiverId, session::ReceivedPacket)>,
    pub(crate) channels: Vec<ChannelId>,
    pub(crate) tracks: Vec<TransceiverId>,
    pub(crate) events: Vec<Event>,
    /// Whether arriving messages are sent back.
    pub(crate) echoes: bool,
    last: Option<Instant>,
}

impl Peer {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            pc: PeerConnection::new(config, netsim::epoch()).unwrap(),
            messages: Vec::new(),
            packets: Vec::new(),
            channels: Vec::new(),
            tracks: Vec::new(),
            events: Vec::new(),
            echoes: false,
            last: None,
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.messages
            .iter()
            .map(|(_, message)| match message {
                Message::Text(text) => text.clone(),
                Message::Binary(bytes) => format!("{} bytes", bytes.len()),
            })
            .collect()
    }

    pub(crate) fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    /// Why a channel closed, once it did.
    pub(crate) fn closed(&self, id: ChannelId) -> Option<ChannelCloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::DataChannelClosed(closed, reason) if *closed == id => Some(*reason),
            _ => None,
        })
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::DataChannelAdded(id) => self.channels.push(*id),
            Event::TrackAdded { transceiver, .. } => self.tracks.push(*transceiver),
            Event::DataChannelReadable(id) => self.read(*id),
            _ => {}
        }
        self.events.push(event.clone());
    }

    fn read(&mut self, id: ChannelId) {
        let now = self.last.unwrap_or_else(netsim::epoch);
        while let Some(mut channel) = self.pc.data_channel(id) {
            let Some(message) = channel.recv(now) else {
                break;
            };
            if self.echoes {
                channel.send(now, &message).unwrap();
            }
            self.messages.push((id, message));
        }
    }
}

impl Machine for Peer {
    fn handle_datagram(&mut self, now: Instant, datagram: net::Datagram<'_>) {
        self.last = Some(now);
        self.pc.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.last = Some(now);
        self.pc.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pc.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.pc.poll_transmit(now, buf).map(Outgoing::from)
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.pc.poll_event()?;
        self.note(&event);
        Some(format!("{event:?}"))
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.last = Some(now);
        let (transceiver, packet) = self.pc.poll_packet()?;
        let payload = packet.packet.payload.to_vec();
        self.packets.push((transceiver, packet));
        Some(payload)
    }

    fn outcome(&self) -> String {
        let mut channels: Vec<String> = self
            .pc
            .stats(netsim::epoch())
            .data_channels
            .iter()
            .map(|channel| format!("{}:{:?}", channel.label, channel.state))
            .collect();
        channels.sort();
        format!(
            "{:?} {:?} {:?} {channels:?}",
            self.pc.connection_state(),
            self.pc.signaling_state(),
            self.pc.failure(),
        )
    }
}

/// A configuration whose bytes depend on the seed alone.
pub(crate) fn config(seed: u8, pem: &str) -> Config {
    let clock = session::ClockAnchor {
        instant: netsim::epoch(),
        unix: Duration::from_secs(1_790_000_000),
    };
    let certificate = dtls::Certificate::from_pem(pem).unwrap();
    let mut config = Config::new([seed; 32], certificate, clock);
    config.dtls_provider = dtls::Provider::rust_crypto([seed; 32]);
    config
}

pub(crate) const PEM_A: &str = include_str!("../../../testdata/peer/a.pem");
pub(crate) const PEM_B: &str = include_str!("../../../testdata/peer/b.pem");

pub(crate) fn config_a(seed: u8) -> Config {
    config(seed, PEM_A)
}

pub(crate) fn config_b(seed: u8) -> Config {
    config(seed.wrapping_add(128), PEM_B)
}

/// Two peers that know their own addresses.
pub(crate) fn peers(seed: u8) -> (Peer, Peer) {
    with_addresses(config_a(seed), config_b(seed))
}

pub(crate) fn with_addresses(a: Config, b: Config) -> (Peer, Peer) {
    let (mut a, mut b) = (Peer::new(a), Peer::new(b));
    a.pc.add_local_address(netsim::epoch(), ADDRESS_A).unwrap();
    a.pc.end_of_local_addresses(netsim::epoch());
    b.pc.add_local_address(netsim::epoch(), ADDRESS_B).unwrap();
    b.pc.end_of_local_addresses(netsim::epoch());
    (a, b)
}

/// A whole exchange: `offerer` offers, `answerer` answers, `before_answer` looks at the offer in between.
pub(crate) fn negotiate_with(
    now: Instant,
    offerer: &mut PeerConnection,
    answerer: &mut PeerConnection,
    before_answer: impl FnOnce(&mut PeerConnection),
) {
    let offer = offerer.create_offer(now).unwrap();
    offerer.set_local_description(now, offer.clone()).unwrap();
    answerer.set_remote_description(now, offer).unwrap();
    before_answer(answerer);
    let answer = answerer.create_answer(now).unwrap();
    answerer.set_local_description(now, answer.clone()).unwrap();
    offerer.set_remote_description(now, answer).unwrap();
}

pub(crate) fn negotiate(now: Instant, offerer: &mut PeerConnection, answerer: &mut PeerConnection) {
    negotiate_with(now, offerer, answerer, |_| {});
}

/// A whole exchange in a running pair, A offering.
pub(crate) fn renegotiate(pair: &mut Pair<Peer>) {
    let now = pair.now();
    let offer = pair.a_mut().pc.create_offer(now).unwrap();
    pair.a_mut()
        .pc
        .set_local_description(now, offer.clone())
        .unwrap();
    pair.b_mut().pc.set_remote_description(now, offer).unwrap();
    let answer = pair.b_mut().pc.create_answer(now).unwrap();
    pair.b_mut()
        .pc
        .set_local_description(now, answer.clone())
        .unwrap();
    pair.a_mut().pc.set_remote_description(now, answer).unwrap();
}

pub(crate) fn answer_to(
    pc: &mut PeerConnection,
    offer: &str,
) -> Result<String, peer::SetDescriptionError> {
    let now = netsim::epoch();
    pc.set_remote_description(now, SessionDescription::offer(offer))?;
    let answer = pc.create_answer(now).unwrap();
    pc.set_local_description(now, answer.clone()).unwrap();
    Ok(answer.sdp)
}
