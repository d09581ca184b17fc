//! RTP, against one copy of the same bytes: headers read, rewritten, and given another extension; packets written;
//! dependency descriptors read; frames of each video codec put together.

use std::hint::black_box;

use avocet_benches::media::{self, DEPENDENCY_DESCRIPTORS, FRAME_LEN};
use avocet_benches::samples::rtp_packet;
use avocet_benches::{compare, criterion};
use bytes::Bytes;
use criterion::Criterion;
use rtp::dependency::DependencyReader;
use rtp::payload::Registry;
use rtp::{
    ExtensionFormPolicy, Packet, PacketBuffer, PacketView, PacketViewMut, PayloadType,
    SequenceNumber, Ssrc,
};

fn main() {
    let mut criterion = criterion();
    let packet = rtp_packet();
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "rtp parse header",
        || {
            let view = PacketView::parse(&packet).expect("it was built here");
            (
                view.sequence_number(),
                view.ssrc(),
                view.extension(3).map(<[u8]>::len),
                view.payload().len(),
            )
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            copy.len()
        },
    );

    let view = PacketView::parse(&packet).expect("it was built here");
    let owned = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
    let mut buf = Vec::with_capacity(2_048);
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "rtp write 1200",
        || {
            buf.clear();
            owned.encode(&mut buf);
            buf.len()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            copy.len()
        },
    );
    rewrite(&mut criterion);
    dependency_descriptors(&mut criterion);
    depacketise(&mut criterion);
    criterion.final_summary();
}

/// What a relay does to every packet: other numbers, another SSRC and payload type, another transport sequence number.
fn rewrite(criterion: &mut Criterion) {
    let mut packet = rtp_packet();
    let header = packet.clone();
    let mut copy = Vec::with_capacity(2_048);
    let payload_type = PayloadType::new(102).expect("below 128");
    let mut number = 0_u16;
    compare(
        criterion,
        "rtp parse and rewrite",
        || {
            number = number.wrapping_add(1);
            let mut view = PacketViewMut::parse(&mut packet).expect("it was built here");
            view.set_payload_type(payload_type);
            view.set_sequence_number(SequenceNumber::new(number));
            view.set_timestamp(u32::from(number));
            view.set_ssrc(Ssrc::new(7));
            view.set_extension(3, &number.to_be_bytes())
                .expect("it is there");
        },
        || {
            copy.clear();
            copy.extend_from_slice(&header);
            copy.len()
        },
    );

    let packet = rtp_packet();
    let mut buffer = PacketBuffer::new(&packet).expect("it was built here");
    let mut copy = Vec::with_capacity(2_048);
    compare(
        criterion,
        "rtp copy and insert extension",
        || {
            buffer.fill(&packet).expect("it was built here");
            let policy = ExtensionFormPolicy::PerPacket;
            buffer
                .set_extension(policy, 5, &[1, 2, 3, 4, 5, 6, 7, 8])
                .expect("it fits");
            buffer.as_bytes().len()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            copy.len()
        },
    );
}

fn dependency_descriptors(criterion: &mut Criterion) {
    let [structure, packets @ ..] = DEPENDENCY_DESCRIPTORS;
    let mut reader = DependencyReader::new();
    let mut copy = Vec::with_capacity(256);
    let mut at = 0;
    compare(
        criterion,
        "dependency descriptor with structure",
        || {
            reader
                .read(structure)
                .expect("it is of a browser")
                .dependencies
        },
        || {
            copy.clear();
            copy.extend_from_slice(structure);
            copy.len()
        },
    );
    let mut copy = Vec::with_capacity(256);
    compare(
        criterion,
        "dependency descriptor",
        || {
            at = (at + 1) % packets.len();
            reader
                .read(packets[at])
                .expect("it is of a browser")
                .dependencies
        },
        || {
            copy.clear();
            copy.extend_from_slice(black_box(packets[0]));
            copy.len()
        },
    );
}

/// A frame of 30,000 bytes from its packets, against copying the payloads together.
fn depacketise(criterion: &mut Criterion) {
    for codec in media::video_codecs() {
        let mut packets = media::packets(&codec);
        let payloads: Vec<_> = packets
            .iter()
            .map(|packet| packet.payload.clone())
            .collect();
        let mut depacketizer = Registry::standard()
            .depacketizer(&codec)
            .expect("it is registered");
        let (mut number, mut timestamp) = (SequenceNumber::new(0), 0);
        let mut frames = 0_u64;
        let mut turns = 0_u64;
        let mut copy = Vec::with_capacity(2 * FRAME_LEN);
        let name = format!("depacketise {} 30 kB", codec.mime.name());
        let ours = compare(
            criterion,
            &name,
            || {
                media::renumber(&mut packets, &mut number, &mut timestamp);
                turns += 1;
                for packet in &packets {
                    depacketizer.push(packet, &mut |frame| {
                        frames += 1;
                        black_box(frame);
                    });
                }
            },
            || {
                copy.clear();
                for payload in &payloads {
                    copy.extend_from_slice(payload);
                }
                Bytes::copy_from_slice(&copy)
            },
        );
        assert!(
            turns - frames <= 1,
            "only the first frame of a stream may be missed"
        );
        if let Some(nanoseconds) = ours {
            println!(
                "{name}: {:.0} MB/s",
                FRAME_LEN as f64 * 1_000.0 / nanoseconds
            );
        }
    }
}
