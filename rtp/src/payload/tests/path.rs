use bytes::Bytes;

use crate::payload::{Depacketizer, DepacketizerStats, Packetizer};
use crate::{Frame, Packet, SequenceNumber, SequenceUnwrapper};

/// Numbers that look random, from a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// The frames as numbered packets. The numbers wrap on the way.
pub(crate) fn packets_of(
    packetizer: &mut dyn Packetizer,
    frames: &[Frame],
    max_payload: usize,
) -> Vec<Packet> {
    let mut packets = Vec::new();
    for frame in frames {
        let before = packets.len();
        packetizer
            .packetize(frame, max_payload, &mut |payload| {
                assert!(payload.data.len() <= max_payload);
                assert!(!payload.data.is_empty());
                let place = 65_500 + packets.len();
                packets.push(Packet {
                    sequence_number: SequenceNumber::new((place & 0xffff) as u16),
                    timestamp: payload.timestamp,
                    marker: payload.marker,
                    payload: payload.data,
                    ..Packet::default()
                });
            })
            .unwrap();
        assert!(packets.len() > before);
    }
    packets
}

/// Duplicates and shuffles within a window, loses one of `one_in` (0: none), and sorts again as a jitter buffer does.
/// Duplicates stay.
pub(crate) fn shuffled(packets: &[Packet], seed: u64, one_in: usize) -> Vec<Packet> {
    let mut dice = Dice(seed);
    let mut arrived: Vec<_> = packets
        .iter()
        .filter(|_| one_in == 0 || dice.below(one_in) != 0)
        .flat_map(|packet| [packet.clone(), packet.clone()])
        .collect();
    for at in 0..arrived.len() {
        let other = (at + dice.below(40)).min(arrived.len() - 1);
        arrived.swap(at, other);
    }
    let mut unwrapper = SequenceUnwrapper::new();
    arrived.sort_by_cached_key(|packet| unwrapper.extend(packet.sequence_number));
    arrived
}

/// Every frame that comes out of these packets.
pub(crate) fn receive(
    depacketizer: &mut dyn Depacketizer,
    packets: &[Packet],
) -> (Vec<Frame>, DepacketizerStats) {
    let mut frames = Vec::new();
    for packet in packets {
        depacketizer.push(packet, &mut |frame| frames.push(frame));
    }
    depacketizer.flush(&mut |frame| frames.push(frame));
    (frames, depacketizer.stats())
}

/// Gives every truncation of the packets, and mutations of every octet, to one depacketizer, each between two good
/// neighbours and each alone. It must hold, and afterwards take the good packets as if nothing had been.
pub(crate) fn survives_bad_input(depacketizer: &mut dyn Depacketizer, corpus: &[Packet]) {
    let mut number = SequenceNumber::new(0);
    let mut timestamp = 0;
    let mut give = |packet: &Packet, payload: Bytes, marker| {
        let packet = Packet {
            sequence_number: number,
            timestamp,
            marker,
            payload,
            ..packet.clone()
        };
        number = number.next();
        if marker {
            timestamp = timestamp.wrapping_add(3000);
        }
        let mut frames = 0;
        depacketizer.push(&packet, &mut |_| frames += 1);
        // Two pictures, or the ten blocks of a RED packet.
        assert!(frames <= 10);
    };
    for (at, packet) in corpus.iter().enumerate() {
        for len in 0..packet.payload.len() {
            give(packet, packet.payload.slice(..len), len % 3 == 0);
        }
        for place in 0..packet.payload.len() {
            let values = if place < 24 { 1..=255_u8 } else { 254..=255 };
            for value in values {
                let mut payload = packet.payload.to_vec();
                payload[place] ^= value;
                give(packet, Bytes::from(payload), packet.marker);
                if value % 16 == 0
                    && let Some(next) = corpus.get(at + 1)
                {
                    give(next, next.payload.clone(), true);
                }
            }
        }
    }
    let again: Vec<_> = corpus
        .iter()
        .map(|packet| Packet {
            timestamp: packet
                .timestamp
                .wrapping_add(timestamp)
                .wrapping_add(90_000),
            sequence_number: packet.sequence_number.plus(20_000),
            ..packet.clone()
        })
        .collect();
    let (frames, _) = receive(depacketizer, &again);
    assert!(!frames.is_empty(), "good packets come through afterwards");
}
