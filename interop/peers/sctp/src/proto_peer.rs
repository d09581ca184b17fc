use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event,
    Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, Transmit,
    TransportConfig,
};

use crate::{Fact, Message, Peer, Wish};

/// The crate `sctp-proto`.
pub struct Proto {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    transport: Arc<TransportConfig>,
    remote: SocketAddr,
    /// Whether it waits for the other side's INIT; else it sends its own, and takes none.
    passive: bool,
    packets: VecDeque<Bytes>,
    facts: VecDeque<Fact>,
    /// Streams that may have something to read.
    readable: Vec<u16>,
    /// What it holds unacknowledged at most, as its users bound it.
    send_buffer: usize,
}

const SEND_BUFFER: usize = 2_000_000;

impl Proto {
    pub fn active() -> Self {
        Self::new(false)
    }

    pub fn passive() -> Self {
        Self::new(true)
    }

    fn new(passive: bool) -> Self {
        let transport = TransportConfig::default()
            .with_max_send_message_size(262_144)
            .with_max_receive_message_size(262_144)
            .with_max_receive_buffer_size(5 << 20)
            .with_max_init_retransmits(None)
            .with_rto_max_ms(3_000);
        let transport = Arc::new(transport);
        let server = passive.then(|| {
            let mut config = ServerConfig::new();
            config.transport = Arc::clone(&transport);
            Arc::new(config)
        });
        Self {
            endpoint: Endpoint::new(Arc::new(EndpointConfig::new()), server),
            association: None,
            transport,
            remote: ([127, 0, 0, 1], 5000).into(),
            passive,
            packets: VecDeque::new(),
            facts: VecDeque::new(),
            readable: Vec::new(),
            send_buffer: SEND_BUFFER,
        }
    }

    /// With another bound of what is unacknowledged.
    #[must_use]
    pub fn with_send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = bytes;
        self
    }

    /// Its INIT, as a session description carries it.
    pub fn snap_init(&self) -> Bytes {
        sctp_proto::generate_snap_token(&self.transport).unwrap()
    }

    /// Connects with what both descriptions carry.
    pub fn connect_with(&mut self, own: Bytes, other: &[u8]) {
        let mut config = ClientConfig::new().with_snap(own, Bytes::copy_from_slice(other));
        config.transport = Arc::clone(&self.transport);
        self.association = Some(self.endpoint.connect(config, self.remote).unwrap());
    }

    fn drain(&mut self, now: Instant) {
        let Some((_, association)) = &mut self.association else {
            return;
        };
        while let Some(event) = association.poll() {
            let fact = match event {
                Event::Connected => Fact::Connected,
                Event::HandshakeFailed { reason } => Fact::Aborted(reason.to_string()),
                Event::AssociationLost { reason } => match reason {
                    sctp_proto::AssociationError::AssociationClosed => Fact::ShutDown,
                    reason => Fact::Aborted(reason.to_string()),
                },
                Event::Stream(StreamEvent::Readable { id } | StreamEvent::Opened { id }) => {
                    if !self.readable.contains(&id) {
                        self.readable.push(id);
                    }
                    continue;
                }
                Event::Stream(StreamEvent::Finished { id }) => Fact::IncomingReset(vec![id]),
                Event::Stream(StreamEvent::ResetComplete { id }) => Fact::OutgoingReset(vec![id]),
                _ => continue,
            };
            self.facts.push_back(fact);
        }
        while association.accept_stream().is_some() {}
        while let Some(transmit) = association.poll_transmit(now) {
            push(&mut self.packets, transmit);
        }
        while association.poll_endpoint_event().is_some() {}
    }
}

fn push(packets: &mut VecDeque<Bytes>, transmit: Transmit) {
    if let Payload::RawEncode(encoded) = transmit.payload {
        packets.extend(encoded);
    }
}

impl Peer for Proto {
    fn connect(&mut self, _now: Instant) {
        let mut config = ClientConfig::new();
        config.transport = Arc::clone(&self.transport);
        self.association = Some(self.endpoint.connect(config, self.remote).unwrap());
    }

    fn handle_datagram(&mut self, now: Instant, packet: &[u8]) {
        const INIT: u8 = 1;
        if !self.passive && packet.get(12) == Some(&INIT) {
            return;
        }
        let packet = Bytes::copy_from_slice(packet);
        match self.endpoint.handle(now, self.remote, None, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            None => {}
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            push(&mut self.packets, transmit);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref()?.1.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        if self.packets.is_empty() {
            self.drain(now);
        }
        match self.packets.pop_front() {
            Some(packet) => {
                buf.extend_from_slice(&packet);
                true
            }
            None => false,
        }
    }

    fn poll_fact(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    fn send(&mut self, _now: Instant, message: &Message, wish: Wish) -> bool {
        let ppid = PayloadProtocolIdentifier::from(message.ppid);
        let Some((_, association)) = &mut self.association else {
            return false;
        };
        if association.stream(message.stream).is_err() {
            association.open_stream(message.stream, ppid).unwrap();
        }
        let mut stream = association.stream(message.stream).unwrap();
        if stream.buffered_amount().unwrap() > self.send_buffer {
            return false;
        }
        let (kind, value) = match (wish.retransmits, wish.lifetime) {
            (Some(count), _) => (ReliabilityType::Rexmit, u32::from(count)),
            (None, Some(ms)) => (ReliabilityType::Timed, ms),
            (None, None) => (ReliabilityType::Reliable, 0),
        };
        stream
            .set_reliability_params(wish.unordered, kind, value)
            .unwrap();
        stream.write_with_ppi(&message.data, ppid).unwrap();
        true
    }

    fn recv(&mut self, _now: Instant) -> Option<Message> {
        let (_, association) = self.association.as_mut()?;
        while let Some(&id) = self.readable.first() {
            let read = association
                .stream(id)
                .ok()
                .and_then(|mut stream| stream.read().ok().flatten());
            let Some(chunks) = read else {
                self.readable.remove(0);
                continue;
            };
            let mut data = vec![0; chunks.len()];
            chunks.read(&mut data).unwrap();
            return Some(Message {
                stream: id,
                ppid: chunks.ppi as u32,
                data,
            });
        }
        None
    }

    fn reset(&mut self, _now: Instant, stream: u16) {
        if let Some((_, association)) = &mut self.association
            && let Ok(mut stream) = association.stream(stream)
        {
            stream.close().unwrap();
        }
    }

    fn shutdown(&mut self, _now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.shutdown().unwrap();
        }
    }

    fn abort(&mut self, _now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.close().unwrap();
        }
    }
}
