use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::payload::PayloadError;
use crate::{Packet, SequenceNumber};

fn packets(events: EventPackets) -> Vec<Packet> {
    (0..)
        .zip(events)
        .map(|(number, event)| Packet {
            sequence_number: SequenceNumber::new(number),
            timestamp: event.payload.timestamp,
            marker: event.payload.marker,
            payload: event.payload.data,
            ..Packet::default()
        })
        .collect()
}

fn heard<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<ReceivedEvent> {
    let mut receiver = TelephoneEventReceiver::new();
    let mut heard = Vec::new();
    for packet in packets {
        receiver
            .push(packet, &mut |event| heard.push(event))
            .unwrap();
    }
    heard
}

#[test]
fn a_tone_is_updated_and_ended_three_times() {
    let sent: Vec<_> = EventPackets::new((5, 10), 1000, 800, 400).collect();
    let shape: Vec<_> = sent
        .iter()
        .map(|packet| {
            let event = TelephoneEvent::decode(&packet.payload.data).unwrap();
            assert_eq!(
                (event.code, event.volume, packet.payload.timestamp),
                (5, 10, 1000)
            );
            (packet.due, event.duration, event.end, packet.payload.marker)
        })
        .collect();
    let end = (800, 800, true, false);
    assert_eq!(shape, [(400, 400, false, true), end, end, end]);
}

#[test]
fn losses_and_repetitions_leave_one_beginning_and_one_end() {
    let packets = packets(EventPackets::new((11, 0), 7, 4800, 960));
    let whole = [
        ReceivedEvent::Started {
            code: 11,
            volume: 0,
            timestamp: 7,
        },
        ReceivedEvent::Ended {
            code: 11,
            duration: 4800,
        },
    ];
    assert_eq!(heard(&packets), whole);
    assert_eq!(
        heard(packets.iter().flat_map(|packet| [packet, packet])),
        whole
    );
    assert_eq!(heard(&packets[packets.len() - 1..]), whole);
}

#[test]
fn an_event_without_an_end_ends_with_the_next() {
    let mut first = packets(EventPackets::new((1, 0), 0, 800, 400));
    first.truncate(1);
    let mut second = packets(EventPackets::new((1, 0), 1600, 400, 400));
    for packet in &mut second {
        packet.sequence_number = packet.sequence_number.plus(9);
    }
    first.extend(second);
    assert_eq!(
        heard(&first)[1],
        ReceivedEvent::Ended {
            code: 1,
            duration: 400
        }
    );
    assert_eq!(heard(&first).len(), 4);
}

#[test]
fn long_events_are_sent_in_segments_and_heard_as_one() {
    let packets = packets(EventPackets::new((3, 1), u32::MAX - 9, 150_000, 960));
    let mut starts: Vec<_> = packets.iter().map(|packet| packet.timestamp).collect();
    starts.dedup();
    assert_eq!(starts, [u32::MAX - 9, 65_525, 131_060]);
    let heard = heard(&packets);
    assert_eq!(
        heard[1],
        ReceivedEvent::Ended {
            code: 3,
            duration: 150_000
        }
    );
    assert_eq!(heard.len(), 2);
}

#[test]
fn catalogue_h_truncated_events_are_refused() {
    for len in 0..4 {
        assert_eq!(
            TelephoneEvent::decode(&[0; 4][..len]),
            Err(PayloadError::Truncated)
        );
    }
    let packet = Packet {
        payload: Bytes::from_static(&[1, 2]),
        ..Packet::default()
    };
    let mut receiver = TelephoneEventReceiver::new();
    assert!(receiver.push(&packet, &mut |_| panic!("nothing")).is_err());
}

#[test]
fn characters_are_keys() {
    let tones: Vec<_> = "09*#aD,".chars().map(Tone::from_char).collect();
    let keys = [0, 9, 10, 11, 12, 15].map(|key| Some(Tone::Key(key)));
    assert_eq!(tones[..6], keys);
    assert_eq!(tones[6], Some(Tone::Pause));
    assert_eq!(Tone::from_char('E'), None);
}

proptest! {
    #[test]
    fn any_event_is_heard_as_it_was_sent(
        code: u8,
        volume in 0_u8..64,
        timestamp: u32,
        duration in 1_u32..400_000,
        interval in 160_u32..4800,
    ) {
        let heard = heard(&packets(EventPackets::new((code, volume), timestamp, duration, interval)));
        prop_assert_eq!(heard, [
            ReceivedEvent::Started { code, volume, timestamp },
            ReceivedEvent::Ended { code, duration },
        ]);
    }
}
