use bytes::Bytes;

use super::*;
use crate::payload::audio::{AudioDepacketizer, AudioFormat, AudioPacketizer, opus_duration};
use crate::payload::tests::{ogg_packets, packets_of, receive, survives_bad_input};
use crate::payload::{Depacketizer, PayloadError};
use crate::{Frame, MimeType, Packet, PayloadType};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/opus_mono_voip_fec_5s.ogg");

fn types() -> (PayloadType, PayloadType) {
    (
        PayloadType::new(63).unwrap(),
        PayloadType::new(111).unwrap(),
    )
}

fn clip() -> (Vec<Frame>, Vec<Packet>) {
    let (red, opus) = types();
    let frames: Vec<_> = (0..)
        .zip(ogg_packets(CLIP))
        .map(|(at, data)| {
            let timestamp = at * opus_duration(&data).unwrap();
            Frame::new(MimeType::OPUS, timestamp, Bytes::from(data))
        })
        .collect();
    let inner = AudioPacketizer::new(AudioFormat::Opus);
    let mut packets = packets_of(&mut RedPacketizer::new(inner, opus, 2), &frames, 1188);
    for packet in &mut packets {
        packet.payload_type = red;
    }
    (frames, packets)
}

fn depacketizer() -> RedDepacketizer<AudioDepacketizer> {
    RedDepacketizer::new(types().0, AudioDepacketizer::new(AudioFormat::Opus))
}

#[test]
fn two_packets_lost_in_a_row_come_back_bit_exactly() {
    let (frames, mut packets) = clip();
    let mut at = 0;
    packets.retain(|_| {
        at += 1;
        at % 5 != 2 && at % 5 != 3 || at > 245
    });
    let (out, stats) = receive(&mut depacketizer(), &packets);
    assert_eq!(out.len(), frames.len());
    for (frame, out) in frames.iter().zip(&out) {
        assert_eq!((frame.timestamp, &frame.data), (out.timestamp, &out.data));
    }
    assert_eq!(stats.gaps, 1);
}

#[test]
fn blocks_without_room_or_far_in_the_past_are_left_out() {
    let (_, opus) = types();
    let frame = |timestamp| Frame::new(MimeType::PCMU, timestamp, Bytes::from_static(&[7; 160]));
    let frames = [0, 160, 320, 320 + 16_384, 320 + 16_544].map(frame);
    let counts = |max_payload| -> Vec<_> {
        let inner = AudioPacketizer::new(AudioFormat::Pcmu(1));
        let mut packetizer = RedPacketizer::new(inner, opus, 2);
        packets_of(&mut packetizer, &frames, max_payload)
            .iter()
            .map(|packet| blocks(&packet.payload).unwrap().len())
            .collect()
    };
    assert_eq!(counts(1000), [1, 2, 3, 1, 2]);
    assert_eq!(counts(400), [1, 2, 2, 1, 2]);
    assert_eq!(counts(161), [1; 5]);
}

#[test]
fn catalogue_m_08_red_inside_red_is_not_opened() {
    let (red, opus) = types();
    for payload in [
        vec![red.get(), 1, 2],
        vec![0x80 | red.get(), 0, 0, 1, opus.get(), 9, 0xf8, 1],
    ] {
        let packet = Packet {
            payload_type: red,
            payload: Bytes::from(payload),
            ..Packet::default()
        };
        let mut depacketizer = depacketizer();
        depacketizer.push(&packet, &mut |_| panic!("no frame"));
        assert_eq!(depacketizer.stats().malformed_packets, 1);
    }
}

#[test]
fn catalogue_m_08_lying_lengths_and_long_chains_are_refused() {
    assert_eq!(blocks(&[]), Err(PayloadError::Truncated));
    assert_eq!(blocks(&[0x80 | 111, 0, 0]), Err(PayloadError::Truncated));
    assert_eq!(
        blocks(&[0x80 | 111, 0, 0, 5, 111, 1, 2]),
        Err(PayloadError::Length)
    );
    let mut chain = [0x80 | 111, 0, 0, 0].repeat(10);
    chain.extend_from_slice(&[111, 1]);
    assert_eq!(blocks(&chain), Err(PayloadError::Length));
    assert_eq!(blocks(&chain[4..]).unwrap().len(), 10);
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let (_, packets) = clip();
    survives_bad_input(&mut depacketizer(), &packets[..5]);
}
