//! One table: what RTP and transport-wide feedback cost here and in `rtc-rtp` and `rtc-rtcp`, in the same run, in CPU time.
#![allow(clippy::print_stdout, reason = "it prints a table")]

#[path = "../../../src/beside.rs"]
#[allow(dead_code, reason = "only one of its ways is wanted here")]
mod beside;
#[path = "../../../src/media.rs"]
#[allow(dead_code, reason = "the layer benches want more of it")]
mod media;

use std::hint::black_box;

use beside::beside;
use bytes::{Bytes, BytesMut};
use media::{FRAME_LEN, rtp_packet};
use rtc_rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc_rtp::codec::{av1, h264, vp8, vp9};
use rtc_rtp::packetizer::Depacketizer as Theirs;
use rtc_shared::marshal::{Marshal, MarshalSize, Unmarshal};
use rtcp::{Compound, TransportFeedbackBuilder, Writer};
use rtp::payload::Registry;
use rtp::{
    ExtensionFormPolicy, Packet, PacketBuffer, PacketView, PacketViewMut, PayloadType,
    SequenceNumber, Ssrc,
};

fn main() {
    println!("| work | avocet | rtc-rtp, rtc-rtcp | theirs / ours |");
    println!("|---|---|---|---|");
    parse();
    rewrite();
    insert();
    write();
    feedback();
    depacketise();
}

fn row(work: &str, (ours, theirs): (f64, f64)) {
    println!(
        "| {work} | {ours:.1} ns | {theirs:.1} ns | {:.1} |",
        theirs / ours
    );
}

fn parse() {
    let packet = rtp_packet();
    let shared = Bytes::from(packet.clone());
    let times = beside(
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
            let packet =
                rtc_rtp::Packet::unmarshal(&mut shared.clone()).expect("it was built here");
            let header = &packet.header;
            let extension = header.get_extension(3).map(|value| value.len());
            (
                header.sequence_number,
                header.ssrc,
                extension,
                packet.payload.len(),
            )
        },
    );
    row("parse 1,200 bytes, four extensions, read one", times);
}

/// From datagram to datagram with other numbers, as a relay does; ours does it in place.
fn rewrite() {
    let mut packet = rtp_packet();
    let shared = Bytes::from(packet.clone());
    let payload_type = PayloadType::new(102).expect("below 128");
    let mut out = BytesMut::zeroed(2_048);
    let times = beside(
        || {
            let mut view = PacketViewMut::parse(&mut packet).expect("it was built here");
            view.set_payload_type(payload_type);
            view.set_sequence_number(SequenceNumber::new(9));
            view.set_timestamp(7);
            view.set_ssrc(Ssrc::new(7));
            view.set_extension(3, &[1, 2]).expect("it is there");
        },
        || {
            let mut packet =
                rtc_rtp::Packet::unmarshal(&mut shared.clone()).expect("it was built here");
            packet.header.payload_type = 102;
            packet.header.sequence_number = 9;
            packet.header.timestamp = 7;
            packet.header.ssrc = 7;
            packet
                .header
                .set_extension(3, Bytes::from_static(&[1, 2]))
                .expect("it is there");
            packet.marshal_to(&mut out).expect("there is room")
        },
    );
    row("rewrite five fields of a datagram", times);
}

fn insert() {
    let packet = rtp_packet();
    let shared = Bytes::from(packet.clone());
    let mut buffer = PacketBuffer::new(&packet).expect("it was built here");
    let mut out = BytesMut::zeroed(2_048);
    let times = beside(
        || {
            buffer.fill(&packet).expect("it was built here");
            buffer
                .set_extension(ExtensionFormPolicy::PerPacket, 5, &[7; 8])
                .expect("it fits");
            buffer.as_bytes().len()
        },
        || {
            let mut packet =
                rtc_rtp::Packet::unmarshal(&mut shared.clone()).expect("it was built here");
            packet
                .header
                .set_extension(5, Bytes::from_static(&[7; 8]))
                .expect("it fits");
            packet.marshal_to(&mut out).expect("there is room")
        },
    );
    row("copy a datagram and add an extension", times);
}

fn write() {
    let packet = rtp_packet();
    let view = PacketView::parse(&packet).expect("it was built here");
    let ours = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
    let theirs =
        rtc_rtp::Packet::unmarshal(&mut Bytes::from(packet.clone())).expect("it was built here");
    let mut buf = Vec::with_capacity(2_048);
    let mut out = BytesMut::zeroed(2_048);
    let times = beside(
        || {
            buf.clear();
            ours.encode(&mut buf);
            buf.len()
        },
        || {
            black_box(theirs.marshal_size());
            theirs.marshal_to(&mut out).expect("there is room")
        },
    );
    row("write 1,200 bytes", times);
}

/// Transport-wide feedback of 100 packets in bursts of ten, four of them lost. Theirs has no gathering of its own, so the bench of
/// the layer measures ours, and here both write what was gathered before.
fn feedback() {
    let arrivals: Vec<_> = (0..100_u16)
        .filter(|number| number % 25 != 7)
        .map(|number| {
            let time = i64::from(number / 10) * 132 + i64::from(number % 10) * 2;
            (SequenceNumber::new(65_500).plus(number), 1_000 + time)
        })
        .collect();
    let (first, time) = arrivals[0];
    let mut builder = TransportFeedbackBuilder::new(first, time, 1_200);
    for &(number, time) in &arrivals {
        assert!(builder.push(number, time), "it fits");
    }
    let write = |buf: &mut Vec<u8>| {
        buf.clear();
        Writer::new(buf).transport_feedback(Ssrc::new(1), Ssrc::new(2), 0, &builder);
        buf.len()
    };
    let mut bytes = Vec::with_capacity(1_200);
    write(&mut bytes);
    let shared = Bytes::from(bytes.clone());
    let theirs = TransportLayerCc::unmarshal(&mut shared.clone()).expect("it was built here");
    let (mut buf, mut out) = (Vec::with_capacity(1_200), BytesMut::zeroed(2_048));
    let times = beside(
        || write(&mut buf),
        || {
            black_box(theirs.marshal_size());
            theirs.marshal_to(&mut out).expect("there is room")
        },
    );
    row("write feedback of 100 packets, gathered before", times);
    let times = beside(
        || {
            let feedback = Compound::new(&bytes).next();
            let Some(Ok(rtcp::Packet::TransportFeedback(feedback))) = feedback else {
                return 0;
            };
            let deltas = feedback.statuses().filter_map(|status| status.delta);
            deltas.map(i64::from).sum::<i64>()
        },
        || {
            let feedback =
                TransportLayerCc::unmarshal(&mut shared.clone()).expect("it was built here");
            feedback
                .recv_deltas
                .iter()
                .map(|delta| delta.delta)
                .sum::<i64>()
        },
    );
    row("read feedback of 100 packets", times);
}

/// Frames of 30 kB. Theirs takes single payloads, so the bench joins what it yields, as ours does inside, without any look
/// at order or loss.
fn depacketise() {
    for codec in media::video_codecs() {
        let mut packets = media::packets(&codec);
        let payloads: Vec<_> = packets
            .iter()
            .map(|packet| packet.payload.clone())
            .collect();
        let mut ours = Registry::standard()
            .depacketizer(&codec)
            .expect("it is registered");
        let mut theirs: Box<dyn Theirs> = match codec.mime.name() {
            "VP8" => Box::new(vp8::Vp8Packet::default()),
            "VP9" => Box::new(vp9::Vp9Packet::default()),
            "AV1" => Box::new(av1::Av1Depacketizer::default()),
            "H264" => Box::new(h264::H264Packet::default()),
            _ => continue, // theirs yields parsed units, not octets
        };
        let (mut number, mut timestamp) = (SequenceNumber::new(0), 0);
        let mut joined = Vec::with_capacity(2 * FRAME_LEN);
        let times = beside(
            || {
                media::renumber(&mut packets, &mut number, &mut timestamp);
                for packet in &packets {
                    ours.push(packet, &mut |frame| {
                        black_box(frame);
                    });
                }
            },
            || {
                joined.clear();
                for payload in &payloads {
                    joined.extend_from_slice(
                        &theirs.depacketize(payload).expect("it is of the codec"),
                    );
                }
                Bytes::copy_from_slice(&joined)
            },
        );
        let rate = |nanoseconds: f64| FRAME_LEN as f64 * 1_000.0 / nanoseconds;
        println!(
            "| depacketise {} | {:.0} MB/s | {:.0} MB/s | {:.1} |",
            codec.mime.name(),
            rate(times.0),
            rate(times.1),
            times.1 / times.0
        );
    }
}
