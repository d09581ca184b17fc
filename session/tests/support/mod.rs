//! Two sessions that send each other audio and video, and packets made by hand.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each scenario uses its part, and a test may stop at the first surprise"
)]

use avocet_session::{
    ClockAnchor, Config, Event, KeyframeFeedback, Kind, PayloadMapping, ReceivedPacket,
    ReceiverConfig, ReceiverId, SenderConfig, SenderId, Session,
};
use bytes::Bytes;
use net::Datagram;
use netsim::{Machine, Outgoing, epoch};
use rtp::{ExtensionMap, ExtensionUri, MediaKind, Mid, Packet, PayloadType, SequenceNumber, Ssrc};
use std::time::{Duration, Instant};

pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const VP8_RTX: u8 = 97;
pub const MID_ID: u8 = 4;

pub fn pt(value: u8) -> PayloadType {
    PayloadType::new(value).unwrap()
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::new();
    map.insert(MID_ID, ExtensionUri::MID).unwrap();
    map.insert(1, ExtensionUri::AUDIO_LEVEL).unwrap();
    map.insert(10, ExtensionUri::RID).unwrap();
    map.insert(11, ExtensionUri::REPAIRED_RID).unwrap();
    map
}

pub fn config(seed: u8) -> Config {
    let clock = ClockAnchor {
        instant: epoch(),
        unix: Duration::from_secs(1_700_000_000),
    };
    Config {
        extensions: extensions(),
        ..Config::new([seed; 32], clock)
    }
}

pub fn opus() -> PayloadMapping {
    PayloadMapping::new(pt(OPUS), 48_000)
}

pub fn vp8() -> PayloadMapping {
    PayloadMapping {
        rtx_pt: Some(pt(VP8_RTX)),
        nack: true,
        keyframe_feedback: Some(KeyframeFeedback::PictureLoss),
        ..PayloadMapping::new(pt(VP8), 90_000)
    }
}

pub fn video_sender(ssrc: u32) -> SenderConfig {
    SenderConfig {
        rtx_ssrc: Some(Ssrc::new(ssrc + 1)),
        mid: Mid::new("1"),
        ..SenderConfig::new(Ssrc::new(ssrc), MediaKind::Video, vec![vp8()])
    }
}

pub fn audio_sender(ssrc: u32) -> SenderConfig {
    SenderConfig {
        mid: Mid::new("0"),
        ..SenderConfig::new(Ssrc::new(ssrc), MediaKind::Audio, vec![opus()])
    }
}

pub fn video_receiver() -> ReceiverConfig {
    ReceiverConfig::new(Mid::new("1"), MediaKind::Video, vec![vp8()])
}

pub fn audio_receiver() -> ReceiverConfig {
    ReceiverConfig::new(Mid::new("0"), MediaKind::Audio, vec![opus()])
}

/// A packet of media; the sequence number and the SSRC are for tests that bring their own.
pub fn packet(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Packet {
    Packet {
        payload_type: pt(payload_type),
        sequence_number: SequenceNumber::new(sequence),
        timestamp,
        ssrc: Ssrc::new(500),
        payload: Bytes::copy_from_slice(payload),
        ..Packet::default()
    }
}

/// The packet on the wire.
pub fn wire(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes);
    bytes
}

/// The same packet with the MID of its media section.
pub fn with_mid(mut packet: Packet, mid: &str) -> Packet {
    packet.extensions.set(MID_ID, mid.as_bytes()).unwrap();
    packet
}

/// Everything a session has to say.
pub fn drain(session: &mut Session, now: Instant) -> Vec<(Kind, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let mut buf = Vec::new();
        match session.poll_transmit(now, &mut buf) {
            Some(kind) => all.push((kind, buf)),
            None => return all,
        }
    }
}

/// The RTCP packets a session has to say; `pick` chooses.
pub fn rtcp<T>(
    session: &mut Session,
    now: Instant,
    mut pick: impl FnMut(rtcp::Packet<'_>) -> Option<T>,
) -> Vec<T> {
    let mut picked = Vec::new();
    for (kind, bytes) in drain(session, now) {
        if kind == Kind::Rtcp {
            picked.extend(rtcp::Compound::new(&bytes).filter_map(|packet| pick(packet.unwrap())));
        }
    }
    picked
}

pub fn events(session: &mut Session) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

pub fn packets(session: &mut Session) -> Vec<ReceivedPacket> {
    std::iter::from_fn(|| session.poll_packet())
        .map(|(_, packet)| packet)
        .collect()
}

/// One end of a call.
#[derive(Debug)]
pub struct Peer {
    pub session: Session,
    pub audio: SenderId,
    pub video: SenderId,
    pub audio_in: ReceiverId,
    pub video_in: ReceiverId,
    /// The longest time from sending to delivery of a video packet.
    pub slowest: Duration,
    sent: u32,
}

impl Peer {
    pub fn new(seed: u8) -> Self {
        Self::with(config(seed), u32::from(seed) * 100)
    }

    pub fn with(config: Config, ssrc: u32) -> Self {
        let mut session = Session::new(config).unwrap();
        Self {
            audio: session.add_sender(epoch(), audio_sender(ssrc + 10)),
            video: session.add_sender(epoch(), video_sender(ssrc + 20)),
            audio_in: session.add_receiver(epoch(), audio_receiver()),
            video_in: session.add_receiver(epoch(), video_receiver()),
            slowest: Duration::ZERO,
            sent: 0,
            session,
        }
    }

    /// Sends a video frame of some packets, each with its number and the time in it.
    pub fn send_frame(&mut self, now: Instant, packets: u32) {
        let time = now.duration_since(epoch());
        let timestamp = (time.as_millis() * 90) as u32;
        for index in 0..packets {
            let mut payload = vec![0; 1_000];
            payload[..4].copy_from_slice(&self.sent.to_be_bytes());
            payload[4..8].copy_from_slice(&(time.as_millis() as u32).to_be_bytes());
            self.sent += 1;
            let mut packet = packet(VP8, 0, timestamp, &payload);
            packet.marker = index + 1 == packets;
            self.session.send(now, self.video, packet).unwrap();
        }
    }

    pub fn send_audio(&mut self, now: Instant) {
        let time = now.duration_since(epoch());
        let packet = packet(OPUS, 0, (time.as_millis() * 48) as u32, &[7; 80]);
        self.session.send(now, self.audio, packet).unwrap();
    }

    pub const fn video_sent(&self) -> u32 {
        self.sent
    }
}

impl Machine for Peer {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.session.handle_datagram(now, datagram.bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let kind = self.session.poll_transmit(now, buf);
        kind.map(|_| Outgoing::DefaultPath)
    }

    fn poll_event(&mut self) -> Option<String> {
        self.session.poll_event().map(|event| format!("{event:?}"))
    }

    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (receiver, received) = self.session.poll_packet()?;
        let payload = received.packet.payload;
        if receiver == self.video_in {
            let sent = payload.get(4..8).and_then(|at| at.try_into().ok());
            let sent = sent.map_or(0, u32::from_be_bytes);
            let late = now.duration_since(epoch() + millis(sent.into()));
            self.slowest = self.slowest.max(late);
        }
        let mut piece = vec![u8::from(receiver == self.video_in)];
        piece.extend_from_slice(&payload);
        Some(piece)
    }

    fn outcome(&self) -> String {
        let streams: Vec<_> = self
            .session
            .stats()
            .inbound
            .iter()
            .map(|s| s.ssrc)
            .collect();
        format!("{streams:?}")
    }
}
