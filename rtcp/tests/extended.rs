//! Extended reports, the rarer requests, and packets cut into datagrams.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_rtcp::{
    ApplicationLayerFeedback, Compound, Datagrams, DecodeError, DlrrItem, EncodeError,
    LayerBitrate, LossNotification, MAX_DLRR_ITEMS, NtpTime, Packet, RapidResynchronisationRequest,
    SdesItem, TemporaryBitrateEntry, UnknownXrBlock, Writer, XrBlock, XrBlockToSend,
};
use rtp::{SequenceNumber, Ssrc};
use support::{THEM, US, case, hex, one, written};

///
#[test]
fn q08_extended_reports_go_round() {
    let bytes = case("XR RRTR");
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let blocks: Vec<_> = report.blocks().collect();
    let [XrBlock::ReceiverReferenceTime(time), XrBlock::Dlrr(dlrr)] = blocks[..] else {
        panic!("{blocks:?}");
    };
    assert_eq!(time, NtpTime::new(0x83aa_7e80_8000_0000));
    let items: Vec<_> = dlrr.items().collect();
    let item = DlrrItem {
        ssrc: THEM,
        last_receiver_report: 0x7e80_8000,
        delay_since_last_receiver_report: 65_536,
    };
    assert_eq!(items, [item]);
    let again = written(|writer| {
        let blocks = [
            XrBlockToSend::ReceiverReferenceTime(time),
            XrBlockToSend::Dlrr(&items),
        ];
        writer.extended_report(report.ssrc, &blocks).unwrap();
    });
    assert_eq!(again, bytes);

    let layers = [(0, 0, 100), (2, 1, 0xff_ffff)].map(|(spatial, temporal, rate)| LayerBitrate {
        spatial,
        temporal,
        kilobits_per_second: rate,
    });
    let other = UnknownXrBlock {
        block_type: 1,
        type_specific: 0x45,
        body: &[1, 2, 3, 4],
    };
    let bytes = written(|writer| {
        let blocks = [
            XrBlockToSend::TargetBitrate(&layers),
            XrBlockToSend::Other(other),
            XrBlockToSend::Other(UnknownXrBlock {
                body: &[1, 2, 3, 4, 5],
                ..other
            }),
        ];
        writer.extended_report(US, &blocks).unwrap();
    });
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let blocks: Vec<_> = report.blocks().collect();
    assert!(matches!(blocks[0], XrBlock::TargetBitrate(target) if target.layers().eq(layers)));
    assert!(matches!(blocks[1], XrBlock::Unknown(block) if block == other));
    assert!(matches!(blocks[2], XrBlock::Unknown(block) if block.body == [1, 2, 3, 4, 5, 0, 0, 0]));
}

///
#[test]
fn q08_blocks_of_wrong_lengths_are_refused_or_left_unread() {
    // A block that runs past the packet.
    assert_eq!(
        one(&hex("80cf00020000000104000002")).err(),
        Some(DecodeError::Length)
    );
    // A reference time of one word and a DLRR of two: known types in forms that are not.
    let bytes = hex("80cf000600000001040000011111111105000002222222222222222 2"
        .replace(' ', "")
        .as_str());
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(report.blocks().count(), 2);
    let unread = |block| matches!(block, XrBlock::Unknown(_));
    assert!(report.blocks().all(unread));

    let items = vec![DlrrItem::default(); 60];
    let bytes = written(|writer| {
        let blocks = [XrBlockToSend::Dlrr(&items)];
        writer.extended_report(US, &blocks).unwrap();
    });
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let Some(XrBlock::Dlrr(dlrr)) = report.blocks().next() else {
        panic!();
    };
    assert_eq!(
        (dlrr.items().len(), dlrr.ignored_items()),
        (MAX_DLRR_ITEMS, 10)
    );

    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf);
    let body = vec![0; 262_140];
    let long = UnknownXrBlock {
        block_type: 1,
        type_specific: 0,
        body: &body,
    };
    let refused = writer.extended_report(US, &[XrBlockToSend::Other(long)]);
    assert_eq!(refused, Err(EncodeError::TooLong));
    writer.extended_report(US, &[]).unwrap();
    assert!(buf.is_empty());
}

#[test]
fn temporary_bit_rates_go_round() {
    let rates = [0, 1, 131_071, 131_072, 2_500_000, u64::MAX];
    let entries: Vec<_> = (0..)
        .zip(rates)
        .map(|(place, bits_per_second)| TemporaryBitrateEntry {
            ssrc: Ssrc::new(place),
            bits_per_second,
            overhead_bytes: [0, 40, 511, 512][place as usize % 4],
        })
        .collect();
    let bytes = written(|writer| {
        writer.temporary_bitrate_request(US, &entries);
        writer.temporary_bitrate_request(US, &[]);
        writer.temporary_bitrate_notification(THEM, &entries[..1]);
        writer.temporary_bitrate_notification(THEM, &[]);
    });
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [
        Packet::TemporaryBitrateRequest(request),
        Packet::TemporaryBitrateNotification(granted),
        Packet::TemporaryBitrateNotification(none),
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((request.sender_ssrc, granted.sender_ssrc), (US, THEM));
    for (read, wanted) in request.entries().zip(&entries) {
        assert_eq!(read.ssrc, wanted.ssrc);
        assert!(read.bits_per_second <= wanted.bits_per_second);
        let lost = wanted.bits_per_second - read.bits_per_second;
        assert!(lost <= wanted.bits_per_second >> 16);
        assert_eq!(read.overhead_bytes, wanted.overhead_bytes.min(511));
    }
    assert_eq!((granted.entries().len(), none.entries().len()), (1, 0));
    // The exponent saturates instead of shifting out of sight.
    let bytes = hex("83cd0004000000010000000000000002ffffffff");
    let Ok(Packet::TemporaryBitrateRequest(request)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(request.entries().next().unwrap().bits_per_second, u64::MAX);
    assert_eq!(
        one(&hex("83cd00030000000100000000 00000002"
            .replace(' ', "")
            .as_str()))
        .err(),
        Some(DecodeError::Length)
    );
}

#[test]
fn requests_and_notices_of_one_stream_go_round() {
    let resynchronise = RapidResynchronisationRequest {
        sender_ssrc: US,
        media_ssrc: THEM,
    };
    let loss = LossNotification {
        sender_ssrc: US,
        media_ssrc: THEM,
        last_decoded: SequenceNumber::new(65_535),
        last_received: SequenceNumber::new(9),
        decodable: true,
    };
    let other = ApplicationLayerFeedback {
        sender_ssrc: US,
        media_ssrc: THEM,
        data: b"TEST1234",
    };
    let bytes = written(|writer| {
        writer.rapid_resynchronisation_request(US, THEM);
        writer.loss_notification(loss);
        writer.application_layer_feedback(&other).unwrap();
        writer.source_description_items(
            US,
            &[(SdesItem::CNAME, "c"), (0, "x"), (SdesItem::MID, "0")],
        );
    });
    assert_eq!(bytes[..12], hex("85cd00020000000100000002"));
    assert_eq!(
        bytes[12..32],
        hex("8fce000400000001000000024c4e5446ffff0015")
    );
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [
        Packet::RapidResynchronisationRequest(a),
        Packet::LossNotification(b),
        Packet::ApplicationLayerFeedback(c),
        Packet::SourceDescription(sdes),
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((a, b, c), (resynchronise, loss, other));
    let chunk = sdes.chunks().next().unwrap();
    let items: Vec<_> = chunk.items().map(|item| (item.kind, item.value)).collect();
    let expected: [(u8, &[u8]); 2] = [(SdesItem::CNAME, b"c"), (SdesItem::MID, b"0")];
    assert_eq!(items, expected);
    let data = vec![0; 262_140];
    let long = ApplicationLayerFeedback {
        data: &data,
        ..other
    };
    let refused = Writer::new(&mut Vec::new()).application_layer_feedback(&long);
    assert_eq!(refused, Err(EncodeError::TooLong));
}

/// media 3.3 no. 10
#[test]
fn packets_are_cut_into_datagrams_between_two_of_them() {
    let bytes = written(|writer| {
        for number in 0..100 {
            writer.picture_loss_indication(US, Ssrc::new(number));
        }
        writer.source_description(US, &"x".repeat(200));
        writer.nack(
            US,
            THEM,
            (0..1_000).map(|step| SequenceNumber::new(step * 20)),
        );
    });
    for max_bytes in [0, 12, 100, 500, 1_200, usize::MAX] {
        let datagrams: Vec<_> = Datagrams::new(&bytes, max_bytes).collect();
        assert_eq!(datagrams.concat(), bytes);
        for datagram in &datagrams {
            let packets = Compound::new(datagram).map(Result::unwrap).count();
            assert!(datagram.len() <= max_bytes || packets == 1);
        }
        if max_bytes == 1_200 {
            let needed = bytes.len().div_ceil(1_200);
            assert!(datagrams.len() <= needed + 4);
            assert!(datagrams.iter().all(|datagram| datagram.len() <= 1_200));
        }
    }
    assert_eq!(Datagrams::new(&[], 1_200).count(), 0);
    assert_eq!(
        Datagrams::new(&[1, 2, 3], 1_200).collect::<Vec<_>>(),
        [[1, 2, 3]]
    );
}
