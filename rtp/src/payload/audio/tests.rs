use bytes::Bytes;

use super::*;
use crate::payload::tests::{case, ogg_packets, packets_of, receive, shuffled, survives_bad_input};
use crate::payload::{Depacketizer, PacketizeError, Packetizer, Payload, PayloadError};
use crate::{Frame, MimeType, Packet, SequenceNumber};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/opus_mono_voip_fec_5s.ogg");

fn clip() -> Vec<Frame> {
    let mut timestamp = u32::MAX - 50_000;
    ogg_packets(CLIP)
        .into_iter()
        .map(|data| {
            let duration = opus_duration(&data).unwrap();
            timestamp = timestamp.wrapping_add(duration);
            Frame::new(MimeType::OPUS, timestamp, Bytes::from(data))
        })
        .collect()
}

#[test]
fn opus_of_a_clip_survives_shuffling_duplication_and_loss_bit_exactly() {
    let frames = clip();
    assert_eq!(frames.len(), 251);
    let packets = packets_of(&mut AudioPacketizer::new(AudioFormat::Opus), &frames, 1188);
    for one_in in [0, 10] {
        let arrived = shuffled(&packets, 7, one_in);
        let mut depacketizer = AudioDepacketizer::new(AudioFormat::Opus);
        let (out, _) = receive(&mut depacketizer, &arrived);
        let mut kept: Vec<_> = arrived
            .iter()
            .map(|packet| packet.payload.clone())
            .collect();
        kept.dedup();
        assert_eq!(
            out.iter().map(|out| out.data.clone()).collect::<Vec<_>>(),
            kept
        );
        assert!(out.iter().all(|out| out.key && out.duration == Some(960)));
        assert!(!out.iter().any(|out| out.talkspurt_start));
        assert_eq!(out.iter().skip(1).any(|out| out.after_loss), one_in != 0);
    }
}

#[test]
fn a_pause_of_opus_begins_a_talkspurt_and_is_no_loss() {
    let at = |number, timestamp| Packet {
        sequence_number: SequenceNumber::new(number),
        timestamp,
        payload: Bytes::from_static(&[31 << 3, 1]),
        ..Packet::default()
    };
    let mut depacketizer = AudioDepacketizer::new(AudioFormat::Opus);
    let (out, _) = receive(
        &mut depacketizer,
        &[at(1, 0), at(2, 960), at(3, 20_160), at(5, 0)],
    );
    let starts: Vec<_> = out
        .iter()
        .map(|out| (out.talkspurt_start, out.after_loss))
        .collect();
    assert_eq!(
        starts,
        [(false, true), (false, false), (true, false), (false, true)]
    );
}

/// H-*
#[test]
fn catalogue_h_opus_empty_payload_is_silence_and_not_a_frame() {
    let depacketizer = AudioDepacketizer::new(AudioFormat::Opus);
    let (frames, stats) = case(
        "Opus",
        "empty payload (DTX)",
        depacketizer,
        &[&[31 << 3, 1]],
    );
    assert!(frames.is_empty());
    assert_eq!(stats.empty_packets, 1);
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let packets = packets_of(
        &mut AudioPacketizer::new(AudioFormat::Opus),
        &clip()[..4],
        1188,
    );
    for format in [AudioFormat::Opus, AudioFormat::L16(1), AudioFormat::G722] {
        survives_bad_input(&mut AudioDepacketizer::new(format), &packets);
    }
}

#[test]
fn sampled_sound_is_cut_between_samples_with_the_time_of_each_piece() {
    let cases = [
        (AudioFormat::Pcmu(1), 400, 400),
        (AudioFormat::Pcma(2), 400, 200),
        (AudioFormat::G722, 400, 400),
        (AudioFormat::L16(2), 400, 100),
    ];
    for (format, len, ticks) in cases {
        let data: Vec<u8> = (0..len).map(|at: u16| at as u8).collect();
        let frame = Frame {
            talkspurt_start: true,
            ..Frame::new(format.codec(), 1000, Bytes::from(data))
        };
        assert_eq!(format.duration(&frame.data), Ok(Some(ticks)));
        let packets = packets_of(
            &mut AudioPacketizer::new(format),
            std::slice::from_ref(&frame),
            161,
        );
        assert_eq!(packets.len(), 3);
        let mut depacketizer = AudioDepacketizer::new(format);
        let (out, _) = receive(&mut depacketizer, &packets);
        let whole: Vec<u8> = out.iter().flat_map(|out| out.data.to_vec()).collect();
        assert_eq!(whole, frame.data);
        let starts: Vec<_> = out.iter().map(|out| out.talkspurt_start).collect();
        assert_eq!(starts, [true, false, false]);
        let last = out.last().unwrap();
        assert_eq!(last.timestamp + last.duration.unwrap(), 1000 + ticks);
    }
}

#[test]
fn half_a_sample_is_malformed() {
    let l16 = AudioFormat::L16(2);
    assert_eq!(l16.duration(&[0; 6]), Err(PayloadError::Length));
    let frame = Frame::new(MimeType::L16, 0, Bytes::from_static(&[0; 6]));
    let packetize = AudioPacketizer::new(l16).packetize(&frame, 100, &mut |_: Payload| {});
    assert_eq!(
        packetize,
        Err(PacketizeError::Malformed(PayloadError::Length))
    );
    let packet = Packet {
        payload: frame.data,
        ..Packet::default()
    };
    let mut depacketizer = AudioDepacketizer::new(l16);
    depacketizer.push(&packet, &mut |_| panic!("no frame"));
    assert_eq!(depacketizer.stats().malformed_packets, 1);
}

#[test]
fn opus_and_comfort_noise_are_never_cut() {
    for (format, data) in [
        (AudioFormat::Opus, &[31 << 3, 1, 2][..]),
        (AudioFormat::ComfortNoise, &[40, 1, 2]),
    ] {
        let frame = Frame::new(format.codec(), 0, Bytes::from_static(data));
        let mut packetizer = AudioPacketizer::new(format);
        let refused = packetizer.packetize(&frame, 2, &mut |_: Payload| panic!("nothing"));
        assert_eq!(refused, Err(PacketizeError::TooLarge));
        assert_eq!(packets_of(&mut packetizer, &[frame], 3).len(), 1);
    }
}

#[test]
fn formats_are_found_by_media_type() {
    let format = |name: &str, channels| AudioFormat::new(&name.parse().unwrap(), channels);
    assert_eq!(format("audio/OPUS", 2), Some(AudioFormat::Opus));
    assert_eq!(format("audio/pcma", 1), Some(AudioFormat::Pcma(1)));
    assert_eq!(format("audio/L16", 0), None);
    assert_eq!(format("audio/telephone-event", 1), None);
}
