//! Sound, and what comes beside it: tones, comfort noise, redundancy.

use rtp::payload::Depacketizer;
use rtp::payload::audio::{AudioDepacketizer, AudioFormat};
use rtp::payload::red::blocks;
use rtp::payload::telephone_event::{EventPackets, ReceivedEvent, TelephoneEventReceiver, Tone};
use rtp::{MimeType, Packet};

use crate::{Capture, named};

impl Capture {
    /// The packets of the payload types that accompany the codec under this name.
    fn beside(&self, name: &str) -> Vec<&Packet> {
        let types = self.index["accompanying"][name].as_array().unwrap();
        let types: Vec<_> = types
            .iter()
            .map(|number| number.as_u64().unwrap())
            .collect();
        let packets = self.packets.iter();
        packets
            .filter(|packet| types.contains(&packet.payload_type.get().into()))
            .collect()
    }
}

/// The tones that the browser was asked for, as event codes, and how long each lasts in ticks.
fn asked(capture: &Capture, clock_rate: u32) -> (Vec<u8>, u32) {
    let tones = &capture.index["tones"];
    let played = tones["played"].as_array().unwrap().iter();
    let codes = played.map(|tone| {
        let tone = tone["tone"].as_str().unwrap().chars().next().unwrap();
        match Tone::from_char(tone) {
            Some(Tone::Key(code)) => code,
            other => panic!("{other:?}"),
        }
    });
    let milliseconds = tones["duration"].as_u64().unwrap() as u32;
    (codes.collect(), milliseconds * clock_rate / 1000)
}

#[test]
fn tones_are_heard_as_the_browsers_were_asked_for_them() {
    for (name, clock_rate) in [
        ("chromium_dtmf_8000", 8_000),
        ("firefox_dtmf_8000", 8_000),
        ("chromium_dtmf_48000", 48_000),
    ] {
        let capture = named(name);
        let (codes, duration) = asked(&capture, clock_rate);
        let mut receiver = TelephoneEventReceiver::new();
        let mut heard = Vec::new();
        for packet in capture.beside("telephone-event") {
            receiver
                .push(packet, &mut |event| heard.push(event))
                .unwrap();
        }
        assert_eq!(heard.len(), 2 * codes.len(), "{name}: {heard:?}");
        let (pairs, _) = heard.as_chunks::<2>();
        for (pair, code) in pairs.iter().zip(codes) {
            let [
                ReceivedEvent::Started { code: begun, .. },
                ReceivedEvent::Ended {
                    code: over,
                    duration: lasted,
                },
            ] = *pair
            else {
                panic!("{name}: {pair:?}");
            };
            assert_eq!((begun, over), (code, code), "{name}");
            // Where an event is cut in two, some senders count up to a packet of it twice.
            let more = lasted.checked_sub(duration);
            assert!(
                more.is_some_and(|more| more < clock_rate / 50),
                "{name}: {lasted}"
            );
        }
    }
}

#[test]
fn tones_of_one_segment_are_sent_as_browsers_send_them() {
    for name in ["chromium_dtmf_8000", "firefox_dtmf_8000"] {
        let capture = named(name);
        let (codes, duration) = asked(&capture, 8_000);
        let events = capture.beside("telephone-event");
        let mut sent = events
            .iter()
            .map(|packet| (packet.timestamp, packet.marker, packet.payload.clone()));
        let starts = events.iter().filter(|packet| packet.marker);
        for (code, start) in codes.into_iter().zip(starts) {
            for ours in EventPackets::new((code, 10), start.timestamp, duration, 160) {
                let ours = ours.payload;
                assert_eq!(
                    sent.next(),
                    Some((ours.timestamp, ours.marker, ours.data)),
                    "{name}"
                );
            }
        }
        assert_eq!(sent.next(), None, "{name}");
    }
}

#[test]
fn comfort_noise_fills_the_pauses_between_talkspurts() {
    let capture = named("chromium_cn");
    let noise = capture.beside("CN");
    assert!(noise.len() >= 10, "only {}", noise.len());
    let mut depacketizer = AudioDepacketizer::new(AudioFormat::ComfortNoise);
    let mut frames = Vec::new();
    for packet in &noise {
        depacketizer.push(packet, &mut |frame| frames.push(frame));
    }
    assert_eq!(frames.len(), noise.len());
    for frame in &frames {
        assert_eq!((&frame.codec, frame.duration), (&MimeType::CN, None));
        // A level in dBov with the sign dropped, and a spectrum of eight coefficients (RFC 3389 §3).
        assert!(frame.data.len() == 9 && frame.data[0] <= 127);
    }
    // Sound begins anew behind each pause, where its sender says so, and nowhere else.
    let (frames, _) = capture.frames();
    let starts: Vec<_> = frames
        .iter()
        .filter(|frame| frame.talkspurt_start)
        .map(|frame| frame.timestamp)
        .collect();
    let marked = capture.packets.iter().filter(|packet| packet.marker);
    assert_eq!(
        starts,
        marked.map(|packet| packet.timestamp).collect::<Vec<_>>()
    );
    assert!(starts.len() >= 5);
    for pair in frames.windows(2) {
        let end = pair[0].timestamp.wrapping_add(pair[0].duration.unwrap());
        let pause = pair[1].timestamp.wrapping_sub(end);
        let noise = noise
            .iter()
            .filter(|noise| noise.timestamp.wrapping_sub(end) < pause);
        assert_eq!(pair[1].talkspurt_start, noise.count() > 0);
        assert_eq!(pair[1].talkspurt_start, pause > 0);
    }
}

/// GStreamer's test sound is a sine of 440 Hz, 0.8 of what 16 bits hold, whose first sample was left out.
#[test]
fn linear_sound_has_the_samples_of_the_source() {
    for (name, samples) in [
        ("gstreamer_l16_8000_1", 8_000),
        ("gstreamer_l16_44100_2", 26_460),
        ("gstreamer_l16_48000_1", 48_000),
    ] {
        let capture = named(name);
        let rate = f64::from(capture.codec.clock_rate);
        let channels = usize::from(capture.codec.channels.unwrap_or(1));
        let (frames, _) = capture.frames();
        let octets: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.data.to_vec())
            .collect();
        let (values, rest) = octets.as_chunks::<2>();
        assert_eq!(
            (values.len(), rest.len()),
            (samples * channels, 0),
            "{name}"
        );
        let ticks = frames.iter().map(|frame| frame.duration.unwrap());
        assert_eq!(ticks.sum::<u32>() as usize, samples, "{name}");
        for (at, value) in values.iter().enumerate() {
            let turns = 440.0 * (at / channels + 1) as f64 / rate;
            let expected = 0.8 * 32_767.0 * (turns * std::f64::consts::TAU).sin();
            let value = f64::from(i16::from_be_bytes(*value));
            assert!((value - expected).abs() < 2.0, "{name}: {at}");
        }
    }
}

#[test]
fn redundant_blocks_repeat_what_was_sent_before() {
    for name in ["chromium_red", "gstreamer_red"] {
        repeats(&named(name));
    }
}

fn repeats(capture: &Capture) {
    let mut sent: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut repeated = 0;
    for packet in &capture.packets {
        let blocks = blocks(&packet.payload).unwrap();
        let (primary, redundant) = blocks.split_last().unwrap();
        for block in redundant.iter().filter(|block| !block.data.is_empty()) {
            let time = packet.timestamp.wrapping_sub(block.timestamp_offset.into());
            let before = sent.iter().find(|(known, _)| *known == time);
            repeated += usize::from(before.is_some());
            assert!(before.is_none_or(|(_, data)| data == block.data));
        }
        sent.push((packet.timestamp, primary.data.to_vec()));
    }
    assert!(repeated * 10 > capture.packets.len() * 9);

    // Without every second packet nothing is missing.
    let mut depacketizer = capture.depacketizer();
    let mut frames = Vec::new();
    for packet in capture.packets.iter().step_by(2) {
        depacketizer.push(packet, &mut |frame| frames.push(frame));
    }
    let last = sent.len() - 1 + sent.len() % 2;
    let data: Vec<_> = frames.iter().map(|frame| frame.data.to_vec()).collect();
    let expected: Vec<_> = sent[..last].iter().map(|(_, data)| data.clone()).collect();
    assert!(data.ends_with(&expected));
}
