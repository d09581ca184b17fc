//! Good and bad packets by the ids of their classes, and what the writer makes.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_rtcp::{
    ApplicationDefined, Compound, DecodeError, EncodeError, FirEntry, MAX_NACK_ENTRIES, NtpTime,
    Packet, ReportBlock, SenderInfo, Writer, XrBlock,
};
use proptest::prelude::*;
use rtp::{SequenceNumber, Ssrc};
use support::{case, hex, one, written};

///
#[test]
fn q00_sender_report_is_read_and_written_back() {
    let bytes = case("SR with one report block");
    let Ok(Packet::SenderReport(report)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(report.ssrc, Ssrc::new(1));
    let info = SenderInfo {
        ntp_time: NtpTime::new(0x83aa_7e80_8000_0000),
        rtp_timestamp: 90_000,
        packet_count: 10,
        octet_count: 1_000,
    };
    assert_eq!(report.info, info);
    let blocks: Vec<_> = report.blocks.iter().collect();
    let block = ReportBlock {
        ssrc: Ssrc::new(2),
        fraction_lost: 64,
        cumulative_lost: 5,
        extended_highest_sequence_number: 131_071,
        jitter: 17,
        last_sender_report: 0x7e80_8000,
        delay_since_last_sender_report: 65_536,
    };
    assert_eq!(blocks, [block]);
    assert_eq!(
        written(|writer| writer.sender_report(report.ssrc, &info, &blocks)),
        bytes
    );
}

///
#[test]
fn q00_cumulative_loss_is_signed() {
    let bytes = case("RR cumulative lost -1");
    let Ok(Packet::ReceiverReport(report)) = one(&bytes) else {
        panic!();
    };
    let blocks: Vec<_> = report.blocks.iter().collect();
    assert_eq!(blocks[0].cumulative_lost, -1);
    assert_eq!(
        written(|writer| writer.receiver_report(report.ssrc, &blocks)),
        bytes
    );
    for (lost, clamped) in [(i32::MIN, -0x80_0000), (i32::MAX, 0x7f_ffff)] {
        let block = ReportBlock {
            cumulative_lost: lost,
            ..ReportBlock::default()
        };
        let bytes = written(|writer| writer.receiver_report(Ssrc::new(1), &[block]));
        let Ok(Packet::ReceiverReport(report)) = one(&bytes) else {
            panic!();
        };
        assert_eq!(
            report.blocks.iter().next().unwrap().cumulative_lost,
            clamped
        );
    }
}

///
#[test]
fn q00_source_description_goodbye_and_key_frame_requests_are_written_back() {
    let sdes = case("SDES CNAME");
    let Ok(Packet::SourceDescription(packet)) = one(&sdes) else {
        panic!();
    };
    let chunk = packet.chunks().next().unwrap();
    assert_eq!((chunk.ssrc, chunk.cname()), (Ssrc::new(1), Some("hello")));
    assert_eq!(
        written(|writer| writer.source_description(chunk.ssrc, "hello")),
        sdes
    );

    let bye = case("BYE with reason");
    let Ok(Packet::Goodbye(packet)) = one(&bye) else {
        panic!();
    };
    assert_eq!(packet.reason(), Some("bye"));
    assert_eq!(
        written(|writer| writer.goodbye(&[Ssrc::new(1)], Some("bye"))),
        bye
    );

    let pli = case("PLI");
    let Ok(Packet::PictureLossIndication(packet)) = one(&pli) else {
        panic!();
    };
    let (sender, media) = (packet.sender_ssrc, packet.media_ssrc);
    assert_eq!((sender, media), (Ssrc::new(1), Ssrc::new(2)));
    assert_eq!(
        written(|writer| writer.picture_loss_indication(sender, media)),
        pli
    );

    let fir = case("FIR one entry seq 7");
    let Ok(Packet::FullIntraRequest(packet)) = one(&fir) else {
        panic!();
    };
    let entries: Vec<_> = packet.entries().collect();
    let entry = FirEntry {
        ssrc: Ssrc::new(2),
        sequence_number: 7,
    };
    assert_eq!(entries, [entry]);
    assert_eq!(
        written(|writer| writer.full_intra_request(Ssrc::new(1), &entries)),
        fir
    );
}

///
#[test]
fn q00_packets_not_read_here_come_out_whole() {
    // A third-party loss report (FMT 8 of 205), and a type that nobody has.
    for (hex_text, number) in [
        ("88cd0003000000010000000212345678", 205),
        ("81d2000112345678", 210),
    ] {
        let bytes = hex(hex_text);
        let Ok(Packet::Unknown(packet)) = one(&bytes) else {
            panic!();
        };
        assert_eq!(packet.packet_type, number);
        assert_eq!(packet.count, bytes[0] & 0x1f);
        assert_eq!(packet.body, &bytes[4..]);
    }
}

///
#[test]
fn q01_q02_wrong_lengths_are_refused() {
    assert_eq!(one(&case("3 bytes")).err(), Some(DecodeError::Truncated));
    assert_eq!(
        one(&case("length field beyond")).err(),
        Some(DecodeError::Truncated)
    );
    assert_eq!(one(&case("SR with RC=31")).err(), Some(DecodeError::Length));
    assert_eq!(
        one(&case("RR RC=1 length 1")).err(),
        Some(DecodeError::Length)
    );
    assert_eq!(
        one(&case("REMB count 255")).err(),
        Some(DecodeError::Length)
    );
    for version in [0, 1, 3] {
        let mut bytes = case("PLI");
        bytes[0] = bytes[0] & 0x3f | version << 6;
        assert_eq!(one(&bytes).err(), Some(DecodeError::Version));
    }
}

///
#[test]
fn q03_text_does_not_run_past_the_packet() {
    let bytes = case("SDES chunk without terminator");
    let Ok(Packet::SourceDescription(packet)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(packet.chunks().next().unwrap().cname(), Some("ab"));
    let bytes = case("BYE reason length past");
    let Ok(Packet::Goodbye(packet)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(packet.reason(), None);
    assert_eq!(packet.sources().len(), 1);
    for cut in [
        "81ca00020000000101ff6162",
        "82ca0003000000010105 68656c6c6f00",
    ] {
        assert_eq!(
            one(&hex(&cut.replace(' ', ""))).err(),
            Some(DecodeError::Length)
        );
    }
}

///
#[test]
fn q03_chunks_of_every_length_are_told_apart() {
    for length in 0..12_usize {
        let mut body = vec![0, 0, 0, 1, 1, u8::try_from(length).unwrap()];
        body.resize(6 + length, b'x');
        body.push(0);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend_from_slice(&[0, 0, 0, 2, 1, 1, b'y', 0]);
        let mut bytes = vec![0x82, 202, 0, u8::try_from(body.len() / 4).unwrap()];
        bytes.extend_from_slice(&body);
        let Ok(Packet::SourceDescription(packet)) = one(&bytes) else {
            panic!("{length}");
        };
        let chunks: Vec<_> = packet
            .chunks()
            .map(|chunk| (chunk.ssrc, chunk.cname()))
            .collect();
        let first = "x".repeat(length);
        assert_eq!(
            chunks,
            [(Ssrc::new(1), Some(&*first)), (Ssrc::new(2), Some("y"))]
        );
    }
}

///
#[test]
fn q04_padding_is_only_valid_at_the_end_and_within_the_body() {
    assert_eq!(
        one(&case("P=1 with padding count 0")).err(),
        Some(DecodeError::Padding)
    );
    assert_eq!(
        one(&case("P=1 padding 200")).err(),
        Some(DecodeError::Padding)
    );
    assert_eq!(one(&hex("a0c90000")).err(), Some(DecodeError::Padding));
    let padded = hex("a0c900020000000100000004");
    assert!(matches!(one(&padded), Ok(Packet::ReceiverReport(_))));
    let mut bytes = padded;
    bytes.extend_from_slice(&case("PLI"));
    assert_eq!(
        one(&bytes).err(),
        Some(DecodeError::Padding),
        "not the last"
    );
}

///
#[test]
fn q05_entries_of_a_nack_are_capped_and_the_rest_is_counted() {
    let mut bytes = hex("81cd3ffe0000000100000002");
    for _ in 0..16_380 {
        bytes.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
    let Ok(Packet::Nack(nack)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(nack.entries().len(), MAX_NACK_ENTRIES);
    assert_eq!(nack.ignored_entries(), 16_380 - MAX_NACK_ENTRIES);
    assert_eq!(nack.sequence_numbers().count(), 17 * MAX_NACK_ENTRIES);
}

///
#[test]
fn q07_estimates_saturate() {
    let bytes = case("REMB exponent 63");
    let Ok(Packet::ReceiverEstimatedMaximumBitrate(remb)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(remb.bits_per_second, u64::MAX);
    for rate in [0, 1, 262_143, 262_144, 1_000_000, 2_500_000_000, u64::MAX] {
        let ssrcs = [Ssrc::new(2), Ssrc::new(3)];
        let bytes = written(|writer| {
            writer.receiver_estimated_maximum_bitrate(Ssrc::new(1), rate, &ssrcs);
        });
        let Ok(Packet::ReceiverEstimatedMaximumBitrate(remb)) = one(&bytes) else {
            panic!();
        };
        assert!(remb.bits_per_second <= rate);
        assert!(rate - remb.bits_per_second <= rate >> 17, "{rate}");
        assert_eq!(remb.ssrcs().collect::<Vec<_>>(), ssrcs);
    }
    let other = hex("8fce0003000000010000000000000000");
    assert!(matches!(
        one(&other),
        Ok(Packet::ApplicationLayerFeedback(feedback)) if feedback.data == [0; 4]
    ));
}

///
#[test]
fn q08_q09_many_packets_and_empty_blocks_are_linear() {
    assert_eq!(Compound::new(&case("365 RRs")).count(), 180);
    let bytes = case("XR block of length 0");
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(report.blocks().count(), 100);
    let unknown = |block| matches!(block, XrBlock::Unknown(block) if block.body.is_empty());
    assert!(report.blocks().all(unknown));
    let smallest = [0x80, 201, 0, 0].repeat(16_383);
    let results: Vec<_> = Compound::new(&smallest).collect();
    assert_eq!(results.len(), 16_383);
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().err() == Some(&DecodeError::Length))
    );
}

#[test]
fn packet_with_a_wrong_body_does_not_hide_its_neighbours() {
    let mut bytes = case("PLI");
    bytes.extend_from_slice(&case("RR RC=1 length 1"));
    bytes.extend_from_slice(&case("BYE with reason"));
    let results: Vec<_> = Compound::new(&bytes).map(|result| result.is_ok()).collect();
    assert_eq!(results, [true, false, true]);
    bytes.extend_from_slice(&[0x80, 200]);
    let results: Vec<_> = Compound::new(&bytes).map(|result| result.is_ok()).collect();
    assert_eq!(results, [true, false, true, false]);
}

#[test]
fn more_blocks_and_sources_than_a_packet_holds_go_into_more_packets() {
    let blocks: Vec<_> = (0..70)
        .map(|number| ReportBlock {
            ssrc: Ssrc::new(number),
            ..ReportBlock::default()
        })
        .collect();
    let sources: Vec<_> = (0..70).map(Ssrc::new).collect();
    let bytes = written(|writer| {
        writer.sender_report(Ssrc::new(1), &SenderInfo::default(), &blocks);
        writer.goodbye(&sources, None);
        writer.goodbye(&[], None);
    });
    let (mut reported, mut ended) = (Vec::new(), Vec::new());
    for packet in Compound::new(&bytes) {
        match packet.unwrap() {
            Packet::SenderReport(report) => reported.extend(report.blocks.iter()),
            Packet::ReceiverReport(report) => reported.extend(report.blocks.iter()),
            Packet::Goodbye(bye) => ended.extend(bye.sources()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reported, blocks);
    assert_eq!(ended, sources);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let text = "é".repeat(200);
    let bytes = written(|writer| {
        writer.source_description(Ssrc::new(1), &text);
        writer.goodbye(&[Ssrc::new(1)], Some(&text));
    });
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [Packet::SourceDescription(sdes), Packet::Goodbye(bye)] = &packets[..] else {
        panic!();
    };
    assert_eq!(sdes.chunks().next().unwrap().cname(), Some(&text[..254]));
    assert_eq!(bye.reason(), Some(&text[..254]));
}

#[test]
fn application_packets_go_round_and_refuse_what_does_not_fit() {
    let packet = ApplicationDefined {
        subtype: 31,
        ssrc: Ssrc::new(7),
        name: *b"test",
        data: &[1, 2, 3, 4],
    };
    let bytes = written(|writer| writer.application_defined(&packet).unwrap());
    assert!(matches!(one(&bytes), Ok(Packet::ApplicationDefined(read)) if read == packet));
    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf);
    let data = vec![0; 262_133];
    let long = ApplicationDefined {
        data: &data,
        ..packet
    };
    assert_eq!(writer.application_defined(&long), Err(EncodeError::TooLong));
    let odd = ApplicationDefined {
        subtype: 32,
        ..packet
    };
    assert_eq!(writer.application_defined(&odd), Err(EncodeError::Subtype));
    assert!(writer.raw(&bytes).is_ok());
    let wrong = writer.raw(&bytes[..7]);
    assert_eq!(wrong, Err(EncodeError::Malformed(DecodeError::Truncated)));
    assert_eq!(buf, bytes, "nothing of what was refused is written");
}

proptest! {
    #[test]
    fn nack_names_exactly_the_lost_packets(
        start: u16,
        gaps in proptest::collection::vec(1_u16..40, 0..600),
    ) {
        let mut lost = vec![SequenceNumber::new(start)];
        for gap in gaps {
            lost.push(lost[lost.len() - 1].plus(gap));
        }
        let bytes = written(|writer| {
            writer.nack(Ssrc::new(1), Ssrc::new(2), lost.iter().copied());
        });
        let mut named = Vec::new();
        for packet in Compound::new(&bytes) {
            let Ok(Packet::Nack(nack)) = packet else { panic!() };
            prop_assert_eq!(nack.ignored_entries(), 0);
            named.extend(nack.sequence_numbers());
        }
        prop_assert_eq!(named, lost);
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
        kind in 199_u8..208,
        count in 0x80_u8..0xc0,
        words in 0_u8..30,
    ) {
        if let [first, second, high, low, ..] = &mut bytes[..] {
            (*first, *second, *high, *low) = (count, kind, 0, words);
        }
        for packet in Compound::new(&bytes).flatten() {
            match packet {
                Packet::SourceDescription(sdes) => {
                    for chunk in sdes.chunks() {
                        chunk.items().for_each(drop);
                    }
                }
                Packet::Nack(nack) => nack.sequence_numbers().for_each(drop),
                _ => {}
            }
        }
    }
}

#[test]
fn nothing_lost_is_nothing_written() {
    assert!(written(|writer| writer.nack(Ssrc::new(1), Ssrc::new(2), [])).is_empty());
    assert!(written(|writer| writer.full_intra_request(Ssrc::new(1), &[])).is_empty());
}

#[test]
fn seventeen_packets_in_a_row_are_one_entry() {
    let lost = (0..17).map(|step| SequenceNumber::new(65_530).plus(step));
    let bytes = written(|writer| writer.nack(Ssrc::new(1), Ssrc::new(2), lost));
    assert_eq!(bytes, hex("81cd00030000000100000002fffaffff"));
}
