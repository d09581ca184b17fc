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
fn segments_may_begin_with_the_next_packet_and_a_marked_one_is_another_event() {
    let mut packets = packets(EventPackets::new((3, 1), 7, 70_000, 960));
    // As senders do whose segments keep to the times of their audio packets.
    for packet in packets.iter_mut().filter(|packet| packet.timestamp != 7) {
        packet.timestamp += 705;
    }
    assert_eq!(heard(&packets).len(), 2);
    for (late, marker, events) in [(5_760, false, 2), (5_761, false, 4), (0, true, 4)] {
        for packet in packets.iter_mut().filter(|packet| packet.timestamp != 7) {
            packet.timestamp = 7 + 65_535 + late;
            packet.marker = marker;
        }
        assert_eq!(heard(&packets).len(), events, "{late} {marker}");
    }
}

/// H-*
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

/// Everything a sender says in `seconds` of 20 ms steps, with the time in milliseconds.
fn play(
    sender: &mut DtmfSender,
    clock_rate: u32,
    start: u32,
    millis: u32,
) -> Vec<(u32, DtmfOutput)> {
    let mut said = Vec::new();
    for now in (0..millis).step_by(20) {
        let timestamp = start.wrapping_add(now * (clock_rate / 1000));
        while let Some(output) = sender.poll(timestamp) {
            said.push((now, output));
        }
    }
    said
}

fn changes(said: &[(u32, DtmfOutput)]) -> Vec<(u32, Option<char>)> {
    said.iter()
        .filter_map(|(at, output)| match output {
            DtmfOutput::ToneChanged(tone) => Some((*at, *tone)),
            DtmfOutput::Packet(_) => None,
        })
        .collect()
}

#[test]
fn strings_of_tones_are_played_with_gaps_and_pauses() {
    use std::time::Duration;
    for clock_rate in [8_000, 48_000] {
        let mut sender = DtmfSender::new(clock_rate);
        let ms = Duration::from_millis;
        sender.insert("1,a#", ms(100), ms(60)).unwrap();
        assert_eq!(sender.tone_buffer(), "1,A#");
        let said = play(&mut sender, clock_rate, u32::MAX - 100, 4000);
        let expected = [
            (0, Some('1')),
            (160, Some(',')),
            (2160, Some('A')),
            (2320, Some('#')),
            (2480, None),
        ];
        assert_eq!(changes(&said), expected);
        let mut receiver = TelephoneEventReceiver::new();
        let mut heard = Vec::new();
        let mut number = SequenceNumber::new(0);
        for (_, output) in said {
            let DtmfOutput::Packet(payload) = output else {
                continue;
            };
            number = number.next();
            let packet = Packet {
                sequence_number: number,
                timestamp: payload.timestamp,
                marker: payload.marker,
                payload: payload.data,
                ..Packet::default()
            };
            receiver
                .push(&packet, &mut |event| heard.push(event))
                .unwrap();
        }
        let ended: Vec<_> = heard
            .iter()
            .filter_map(|event| match event {
                ReceivedEvent::Ended { code, duration } => Some((*code, *duration)),
                ReceivedEvent::Started { .. } => None,
            })
            .collect();
        let hundred = clock_rate / 10;
        assert_eq!(ended, [(1, hundred), (12, hundred), (11, hundred)]);
    }
}

#[test]
fn new_tones_take_the_place_of_those_that_wait() {
    use std::time::Duration;
    let ms = Duration::from_millis;
    let mut sender = DtmfSender::new(8_000);
    sender.insert("123", ms(10), ms(0)).unwrap();
    let said = play(&mut sender, 8_000, 0, 40);
    assert_eq!(changes(&said), [(0, Some('1'))]);
    assert!(sender.is_playing(), "40 ms at least");
    sender.insert("9", ms(60_000), ms(60_000)).unwrap();
    let said = play(&mut sender, 8_000, 320, 13_000);
    // 30 ms of gap after the first tone; then six seconds, and a gap of six more.
    let expected = [(40, Some('9')), (12_040, None)];
    assert_eq!(changes(&said), expected);
    assert_eq!(sender.insert("12x", ms(100), ms(70)), Err(InvalidTone('x')));
    sender.insert("12", ms(100), ms(70)).unwrap();
    sender.insert("", ms(100), ms(70)).unwrap();
    let said = play(&mut sender, 8_000, 200_000, 1000);
    assert_eq!(changes(&said), [(0, None)]);
}
