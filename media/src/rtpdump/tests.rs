use std::time::Duration;

use bytes::Bytes;
use rtp::{Packet, SequenceNumber, Ssrc};

use super::*;
use crate::testing::*;
use crate::{DemuxError, Demuxer, MuxError, Muxer};

fn packets() -> Vec<DumpedPacket> {
    let mut packets: Vec<_> = (0..20_u16)
        .map(|at| {
            let packet = Packet {
                sequence_number: SequenceNumber::new(at),
                ssrc: Ssrc::new(7),
                payload: Bytes::from(vec![at as u8; usize::from(at) * 9]),
                ..Packet::default()
            };
            DumpedPacket::rtp(Duration::from_millis(u64::from(at) * 20), &packet)
        })
        .collect();
    packets[3].protocol = DumpedProtocol::Rtcp;
    packets[5].original_len = 1500;
    packets
}

fn header() -> RtpDumpHeader {
    RtpDumpHeader {
        destination: "192.0.2.1/5004".to_owned(),
        start: Duration::new(1_763_900_000, 123_000),
    }
}

#[test]
fn packets_and_header_are_read_as_they_were_written() {
    let file = write(Vec::new(), header(), &packets()).unwrap();
    assert!(file.starts_with(b"#!rtpplay1.0 192.0.2.1/5004\n"));
    assert_eq!(whole(RtpDumpDemuxer::new(), &file), packets());
    let mut demuxer = RtpDumpDemuxer::new();
    demuxer.push(&file);
    demuxer.poll().unwrap();
    assert_eq!(demuxer.header(), Some(&header()));
    let third = packets()[2].decode().unwrap();
    assert_eq!((third.ssrc.get(), third.payload.len()), (7, 18));
    // An empty dump is a dump.
    let empty = write(Vec::new(), RtpDumpHeader::default(), &[]).unwrap();
    assert!(whole(RtpDumpDemuxer::new(), &empty).is_empty());
}

#[test]
fn the_layout_is_that_of_the_rtptools() {
    // A file written by hand after the description of the format: two packets, an RTP and an RTCP one.
    let mut file = b"#!rtpplay1.0 127.0.0.1/5004\n".to_vec();
    file.extend_from_slice(&[0, 0, 0, 9, 0, 0, 0, 5, 127, 0, 0, 1, 0x13, 0x8c, 0, 0]);
    file.extend_from_slice(&[
        0, 21, 0, 13, 0, 0, 0, 40, 0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9,
    ]);
    file.extend_from_slice(&[0, 16, 0, 0, 0, 0, 1, 0, 0x81, 201, 0, 1, 0, 0, 0, 3]);
    let packets = whole(RtpDumpDemuxer::new(), &file);
    assert_eq!(packets[0].offset, Duration::from_millis(40));
    assert_eq!(packets[0].decode().unwrap().payload, &[9][..]);
    assert_eq!(packets[1].protocol, DumpedProtocol::Rtcp);
    assert_eq!(
        (packets[1].offset.as_millis(), packets[1].original_len),
        (256, 8)
    );
}

#[test]
fn times_go_on_where_32_bits_of_milliseconds_wrap() {
    let hour = Duration::from_secs(3600);
    let packets: Vec<_> = (0..24 * 120_u32)
        .map(|at| DumpedPacket {
            offset: hour * at,
            ..packets()[1].clone()
        })
        .collect();
    let file = write(Vec::new(), header(), &packets).unwrap();
    assert_eq!(whole(RtpDumpDemuxer::new(), &file), packets);
    assert!(packets.last().unwrap().offset.as_millis() > 1 << 32);
}

#[test]
fn a_file_of_more_than_4_gib_is_read() {
    let file = write(Vec::new(), header(), &packets()[..0]).unwrap();
    let mut packet = vec![0xff, 0xff, 0xff, 0xf7, 0, 0, 0, 1];
    packet.resize(0xffff, 0x80);
    let count = if full_matrix() { 66_000 } else { 2_000 };
    let source = Endless {
        front: &file,
        pattern: &packet,
        len: file.len() as u64 + count * packet.len() as u64,
        at: 0,
    };
    assert_eq!(read(source).filter(Result::is_ok).count() as u64, count);
}

#[test]
fn files_of_other_kinds_and_lines_without_end_are_refused() {
    let error = |file: &[u8]| in_pieces(RtpDumpDemuxer::new(), file, 1).1;
    assert_eq!(error(b"#!rtpplay2.0 "), Some(DemuxError::Signature));
    assert_eq!(error(VP8), Some(DemuxError::Signature));
    assert_eq!(error(b"#!rtpplay1.0 "), Some(DemuxError::Truncated));
    let mut endless = b"#!rtpplay1.0 ".to_vec();
    endless.resize(1000, b'x');
    assert_eq!(error(&endless), Some(DemuxError::TooLarge));
    let mut file = write(Vec::new(), header(), &[]).unwrap();
    file.extend_from_slice(&[0, 7, 0, 0, 0, 0, 0, 0]);
    assert_eq!(error(&file), Some(DemuxError::Value));
    let large = DumpedPacket {
        data: Bytes::from(vec![0; 65_530]),
        ..packets()[0].clone()
    };
    let refused = RtpDumpMuxer::new(header()).write(&large, &mut Vec::new());
    assert_eq!(refused, Err(MuxError::TooLarge));
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    let file = write(Vec::new(), header(), &packets()).unwrap();
    holds(&RtpDumpDemuxer::new(), &file);
}
