//! Commands and bytes in any order: a session survives, its deadlines progress, and what it sends can be read.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rtp::{
    ExtensionMap, ExtensionUri, MediaKind, Mid, Packet, PacketView, PayloadType, SequenceNumber,
    Ssrc,
};
use session::{
    ClockAnchor, Config, KeyframeFeedback, Kind, PayloadMapping, ReceiverConfig, SenderConfig,
    Session,
};

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

fn mapping(pt: u8, rtx: u8) -> PayloadMapping {
    PayloadMapping {
        rtx_pt: PayloadType::new(rtx),
        nack: true,
        keyframe_feedback: Some(KeyframeFeedback::PictureLoss),
        ..PayloadMapping::new(PayloadType::new(pt).unwrap(), 90_000)
    }
}

fn session() -> Session {
    let clock = ClockAnchor {
        instant: *EPOCH,
        unix: Duration::from_secs(1_700_000_000),
    };
    let mut config = Config::new([7; 32], clock);
    let mut extensions = ExtensionMap::new();
    for (id, uri) in [
        (1, ExtensionUri::MID),
        (2, ExtensionUri::RID),
        (3, ExtensionUri::REPAIRED_RID),
    ] {
        extensions.insert(id, uri).unwrap();
    }
    config.extensions = extensions;
    config.receive_queue_packets = 64;
    config.send_queue_packets = 64;
    Session::new(config).unwrap()
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut session = session();
    let mut now = *EPOCH;
    let mut sender = SenderConfig::new(Ssrc::new(1), MediaKind::Video, vec![mapping(96, 97)]);
    sender.rtx_ssrc = Some(Ssrc::new(2));
    sender.mid = Mid::new("v");
    let sender = session.add_sender(now, sender);
    let mut receivers = Vec::new();
    let mut data = data;
    while let Some((&[command, length], rest)) = data.split_first_chunk() {
        let (bytes, rest) = rest.split_at(usize::from(length).min(rest.len()));
        data = rest;
        let argument = bytes.first().copied().unwrap_or(0);
        match command % 10 {
            0..=2 => session.handle_datagram(now, bytes),
            3 => {
                let mid = Mid::new(if argument & 1 == 0 { "a" } else { "b" });
                let config = ReceiverConfig::new(mid, MediaKind::Video, vec![mapping(96, 97)]);
                if receivers.len() < 16 {
                    receivers.push(session.add_receiver(now, config));
                }
            }
            4 => {
                let packet = Packet {
                    payload_type: PayloadType::new(96).unwrap(),
                    sequence_number: SequenceNumber::new(argument.into()),
                    payload: bytes::Bytes::copy_from_slice(bytes),
                    ..Packet::default()
                };
                let _ = session.send(now, sender, packet);
            }
            5 => {
                now += Duration::from_millis(u64::from(argument) * u64::from(length));
                session.handle_timeout(now);
                assert!(session.poll_timeout().is_none_or(|next| next > now));
            }
            6 => {
                while let Some((receiver, received)) = session.poll_packet() {
                    let _ = session.forward(now, sender, &received, PayloadType::new(96).unwrap());
                    session.request_keyframe(now, receiver);
                }
            }
            7 => while session.poll_event().is_some() {},
            8 => {
                if let Some(receiver) = receivers.pop() {
                    session.remove_receiver(now, receiver);
                }
            }
            _ => {
                let mut datagram = vec![0xaa];
                while let Some(kind) = session.poll_transmit(now, &mut datagram) {
                    let (prefix, packet) = datagram.split_at(1);
                    assert_eq!(prefix, [0xaa]);
                    match kind {
                        Kind::Rtp => assert!(PacketView::parse(packet).is_ok()),
                        Kind::Rtcp => {
                            assert!(rtcp::Compound::new(packet).all(|packet| packet.is_ok()))
                        }
                    }
                    datagram.truncate(1);
                }
            }
        }
    }
    session.close(now);
    let _ = session.stats();
});
