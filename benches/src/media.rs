//! An RTP packet, and frames of every video codec with their packets. It needs nothing of the package but `rtp`, so that
//! packages beside it can take the file.

use bytes::Bytes;
use rtp::payload::Registry;
use rtp::{Codec, Frame, MimeType, Packet, SequenceNumber};

/// An RTP packet of 1,200 bytes as Chromium sends video: four one-byte header extensions (abs-send-time, TWCC, MID,
/// RID), then payload.
pub fn rtp_packet() -> Vec<u8> {
    let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    packet.extend([0xbe, 0xde, 0, 4]);
    packet.extend([
        0x22, 1, 2, 3, 0x31, 0, 7, 0x40, b'1', 0xa1, b'h', b'i', 0, 0, 0, 0,
    ]);
    packet.resize(1_200, 0x5a);
    packet
}

/// The octets of a frame: a picture of 640 by 360 at 2.5 Mbit/s has about as many as this in three frames, so one frame
/// makes a full batch of a receiver.
pub const FRAME_LEN: usize = 30_000;

/// The most octets of a payload.
pub const MAX_PAYLOAD: usize = 1_180;

/// The video codecs that are measured.
pub fn video_codecs() -> [Codec; 5] {
    [
        MimeType::VP8,
        MimeType::VP9,
        MimeType::AV1,
        MimeType::H264,
        MimeType::H265,
    ]
    .map(|mime| {
        let mode = if mime == MimeType::H264 {
            "packetization-mode=1"
        } else {
            ""
        };
        Codec {
            fmtp: mode.to_owned(),
            ..Codec::new(mime, 90_000)
        }
    })
}

/// A frame that depends on others, with the least that a packetizer looks at; the rest is made up.
pub fn frame(codec: &Codec) -> Frame {
    let front: &[u8] = match codec.mime.name() {
        "VP9" => &[0x86, 0, 0x40],
        // A frame OBU with its size, of 29,996 octets.
        "AV1" => &[0x32, 0xac, 0xea, 0x01, 0x30],
        "H264" => &[0, 0, 0, 1, 0x61, 0x9a],
        "H265" => &[0, 0, 0, 1, 0x02, 0x01, 0xd0],
        _ => &[0x11, 0, 0],
    };
    let mut data = front.to_vec();
    data.resize(FRAME_LEN, 0x5a);
    Frame::new(codec.mime.clone(), 0, Bytes::from(data))
}

/// The packets of [`frame`].
pub fn packets(codec: &Codec) -> Vec<Packet> {
    let mut packetizer = Registry::standard()
        .packetizer(codec, 7)
        .expect("it is registered");
    let mut packets = Vec::new();
    packetizer
        .packetize(&frame(codec), MAX_PAYLOAD, &mut |payload| {
            packets.push(Packet {
                marker: payload.marker,
                payload: payload.data,
                ..Packet::default()
            });
        })
        .expect("the frame is of its codec");
    packets
}

/// Numbers the packets of a frame as the next one of the stream.
pub fn renumber(packets: &mut [Packet], number: &mut SequenceNumber, timestamp: &mut u32) {
    *timestamp = timestamp.wrapping_add(3_000);
    for packet in packets {
        packet.sequence_number = *number;
        packet.timestamp = *timestamp;
        *number = number.next();
    }
}

/// A descriptor of an AV1 L3T3 key frame as Chromium sends it, and those of three packets behind it.
pub const DEPENDENCY_DESCRIPTORS: [&[u8]; 4] = [
    &[
        0xc1, 0x01, 0x72, 0x80, 0x08, 0x14, 0x85, 0x21, 0x4e, 0xaf, 0xff, 0xaa, 0xaa, 0x86, 0x3c,
        0xf0, 0x43, 0x0c, 0x10, 0xc3, 0x02, 0xaf, 0xc0, 0xaa, 0xa0, 0x06, 0x3c, 0x00, 0x43, 0x00,
        0x10, 0xc0, 0x02, 0xa0, 0x00, 0xa8, 0x00, 0x06, 0x00, 0x00, 0x40, 0x00, 0x1d, 0x95, 0x49,
        0x26, 0xe0, 0x82, 0xb0, 0x4a, 0x09, 0x41, 0xb8, 0x20, 0xac, 0x12, 0x82, 0x50, 0x31, 0x57,
        0xf9, 0x74, 0x00, 0x0c, 0xa8, 0x64, 0x33, 0x0e, 0x22, 0x22, 0x22, 0xec, 0xa8, 0x65, 0x53,
        0x04, 0x22, 0x42, 0x30, 0xec, 0xa8, 0x77, 0x53, 0x00, 0x77, 0x00, 0x42, 0x00, 0xef, 0x00,
        0x86, 0x01, 0xdf, 0x01, 0x0d,
    ],
    &[0x86, 0x01, 0x73],
    &[0x8b, 0x01, 0x74],
    &[0xc2, 0x01, 0x78, 0x40, 0xfc],
];
