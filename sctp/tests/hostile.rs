//! A peer that lies, floods or breaks the rules.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::{Duration, Instant};

use avocet_sctp::chunk::{
    AbortChunk, CauseCode, Chunk, ErrorCauses, InitChunk, Parameters, RawChunk,
};
use avocet_sctp::chunk::{ChunkType, SackChunk};
use avocet_sctp::{CloseCause, Config, Event, Ppid, RefusalReason, SendOptions, StreamId, Tsn};
use common::raw::{PEER_TAG, Victim, chunks, data, sacks, seal};

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// What a vector's `expect` comes to here.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// The association goes on, and the next genuine chunk works.
    Holds,
    /// It ends, in a typed way.
    Ends(CloseCause),
}

/// C-01, C-02, C-03, C-10.
#[test]
fn every_negative_vector_is_answered_in_bounded_time() {
    let vectors = include_str!("../../testdata/sctp/negative.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let (id, name) = (case["id"].as_str().unwrap(), case["name"].as_str().unwrap());
        let mut bytes = from_hex(case["hex"].as_str().unwrap());
        if let Some(length) = case["length"].as_u64() {
            let fill = from_hex(case["fill"].as_str().unwrap());
            let missing = length as usize - bytes.len();
            bytes.extend(fill.iter().cycle().take(missing));
        }
        let mut victim = Victim::established(Config::default());
        // The vectors speak to the tag 0x11223344, with TSN 1 as the next one.
        let tag = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
        if tag >= 0x1122_3344 {
            let tag = victim.tag.wrapping_add(tag - 0x1122_3344);
            bytes[4..8].copy_from_slice(&tag.to_be_bytes());
        }
        if id == "C-06" {
            // Nothing was sent: only the TSN before the first one can be acknowledged.
            let before = victim.initial_tsn.plus(u32::MAX).get();
            bytes[16..20].copy_from_slice(&before.to_be_bytes());
        }
        if id == "C-01" {
            seal(&mut bytes);
            bytes[8] ^= 1;
            victim.association.handle_datagram(victim.now, &bytes);
            assert_eq!(victim.association.stats().dropped.checksum, 1);
        } else {
            #[expect(
                clippy::disallowed_methods,
                reason = "the time it takes is the subject"
            )]
            let begun = Instant::now();
            victim.hear_bytes(&mut bytes);
            #[expect(
                clippy::disallowed_methods,
                reason = "the time it takes is the subject"
            )]
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(50), "{id} {name}: {took:?}");
        }
        let fate = match name {
            "DATA of zero length" => Fate::Ends(CloseCause::ProtocolViolation),
            _ => Fate::Holds,
        };
        let replies = victim.say_all();
        assert!(replies.len() <= 1, "{id} {name}: {} replies", replies.len());
        assert!(
            replies.iter().all(|reply| reply.len() <= 1191),
            "{id} {name}"
        );
        let reason = victim.association.close_reason();
        match fate {
            Fate::Ends(cause) => assert_eq!(
                reason.map(|reason| reason.cause),
                Some(cause),
                "{id} {name}"
            ),
            Fate::Holds => {
                assert_eq!(reason, None, "{id} {name}");
                // Where the vector's own DATA with TSN 1 counted, the next one is 2; a middle piece waits for 1 to 4.
                let alive = victim.is_alive(1) || victim.is_alive(2);
                let open = name.starts_with("endless");
                assert!(alive || open, "{id} {name}");
            }
        }
    }
}

/// P-22, 5.3 no. 6.
#[test]
fn a_flood_of_tiny_chunks_beyond_a_gap_stays_within_the_cap() {
    // Held beyond a gap: nothing can be delivered, every chunk costs its overhead.
    for step in [1, 2] {
        let mut victim = Victim::established(Config::default());
        let growth = allocated(|| {
            for index in 0..60_000u32 {
                victim.hear(&[data(3 + (index * step) % 65_000, 1, 1, false, false, b"x")]);
            }
        });
        assert!(growth <= (1 << 20) + (64 << 10), "step {step}: {growth}");
        assert!(victim.association.stats().dropped.window_overruns > 1000);
        victim.say_all();
        // The gap is filled by a genuine message; what waited behind it is nonsense, and ends the association.
        victim.hear(&[data(1, 5, 0, true, true, b"alive?")]);
        assert!(
            victim
                .association
                .recv(victim.now, StreamId::new(5))
                .is_some()
        );
    }
}

/// P-22.
#[test]
fn a_flood_of_tiny_messages_that_nobody_reads_stays_within_the_cap() {
    let mut victim = Victim::established(Config::default());
    let growth = allocated(|| {
        for index in 0..60_000u32 {
            let (stream, ssn) = ((index % 16) as u16, (index / 16) as u16);
            victim.hear(&[data(1 + index, stream, ssn, true, true, b"x")]);
            victim.say_all();
        }
    });
    // The window does not grow while nobody reads.
    assert!(growth <= (512 << 10) + (64 << 10), "{growth}");
    assert!(victim.association.stats().dropped.window_overruns > 1000);
    let mut read = 0;
    while let Some(stream) = victim.association.next_readable() {
        read += usize::from(victim.association.recv(victim.now, stream).is_some());
    }
    assert!(read > 2500);
    // The window opens, and the peer is told.
    let packets = victim.say_all();
    assert_eq!(sacks(&packets).last().unwrap().a_rwnd, 512 << 10);
}

/// C-05.
#[test]
fn a_message_that_never_ends_is_cut_off_with_its_stream() {
    let mut victim = Victim::established(Config::default());
    let piece = [b'x'; 1000];
    victim.hear(&[data(1, 1, 0, true, false, &piece)]);
    let mut tsn = 2;
    let growth = allocated(|| {
        while tsn < 10_000 {
            victim.hear(&[data(tsn, 1, 0, false, false, &piece)]);
            tsn += 1;
        }
    });
    assert!(growth <= (1 << 20) + (64 << 10), "{growth}");
    let refused = Event::StreamRefused {
        stream: StreamId::new(1),
        reason: RefusalReason::MessageTooLarge,
    };
    assert_eq!(victim.events(), [refused]);
    assert!(victim.association.stats().dropped.refused_stream > 9_000);
    assert!(victim.is_alive(tsn));
}

/// C-06.
#[test]
fn forged_acknowledgements_buy_nothing() {
    let mut victim = Victim::established(Config::default());
    let now = victim.now;
    for _ in 0..30 {
        let stream = StreamId::new(1);
        let options = SendOptions::ordered();
        victim
            .association
            .send(now, stream, Ppid::new(53), &[1; 1100], options)
            .unwrap();
    }
    let sent = victim.say_all().len();
    assert_eq!(sent, 11);
    let first = victim.initial_tsn;
    let sack = |cumulative: u32, blocks: &[[u16; 2]]| {
        let mut value = cumulative.to_be_bytes().to_vec();
        value.extend_from_slice(&(1u32 << 20).to_be_bytes());
        value.extend_from_slice(&(blocks.len() as u16).to_be_bytes());
        value.extend_from_slice(&[0, 0]);
        for [start, end] in blocks {
            value.extend_from_slice(&start.to_be_bytes());
            value.extend_from_slice(&end.to_be_bytes());
        }
        value
    };
    let before = first.plus(u32::MAX).get();
    for (value, blocks) in [
        (before, vec![[5, 3]]),
        (before, vec![[0, 3]]),
        (before, vec![[1, 3]]),
        (before, vec![[4, 6], [2, 3]]),
        (before, vec![[2, 12]]),
        (before, vec![[2, u16::MAX]]),
    ] {
        let value = sack(value, &blocks);
        let raw = RawChunk {
            kind: ChunkType::SACK,
            flags: 0,
            value: &value,
        };
        victim.hear(&[Chunk::Unknown(raw)]);
    }
    assert_eq!(victim.association.stats().dropped.malformed_sacks, 6);
    assert!(victim.say_all().is_empty());
    // A lie about what was never sent cannot be passed over.
    let value = sack(first.plus(11).get(), &[]);
    let raw = RawChunk {
        kind: ChunkType::SACK,
        flags: 0,
        value: &value,
    };
    assert!(SackChunk::decode(raw).is_ok());
    victim.hear(&[Chunk::Unknown(raw)]);
    let reason = victim.association.close_reason().unwrap();
    assert_eq!(reason.cause, CloseCause::ProtocolViolation);
}

/// C-02, P-1.
#[test]
fn a_blind_abort_and_a_blind_init_change_nothing() {
    let mut victim = Victim::established(Config::default());
    let abort = |reflected_tag| {
        Chunk::Abort(AbortChunk {
            reflected_tag,
            causes: ErrorCauses(&[]),
        })
    };
    let tag = victim.tag;
    victim.hear_tagged(tag.wrapping_add(1), &[abort(false)]);
    victim.hear_tagged(tag.wrapping_add(1), &[abort(true)]);
    victim.hear_tagged(PEER_TAG, &[abort(false)]);
    victim.hear_tagged(0, &[abort(false)]);
    assert_eq!(victim.association.stats().dropped.verification_tag, 4);
    let init = Chunk::Init(InitChunk {
        initiate_tag: 7,
        a_rwnd: 1 << 20,
        outbound_streams: 1,
        inbound_streams: 1,
        initial_tsn: Tsn::new(77),
        parameters: Parameters(&[]),
    });
    victim.hear_tagged(tag, &[init]);
    assert_eq!(victim.say_all().len(), 0, "its tag is zero");
    victim.hear_tagged(0, &[init, data(1, 1, 0, true, true, b"x")]);
    victim.hear_tagged(0, &[data(1, 1, 0, true, true, b"x"), init]);
    assert_eq!(victim.say_all().len(), 0, "it stands alone");
    for _ in 0..10 {
        victim.hear_tagged(0, &[init]);
    }
    // Ten INITs get one answer, to whoever asked last, and nothing else happens.
    assert_eq!(victim.say_all().len(), 1);
    assert!(victim.is_alive(1));
    victim.hear_tagged(PEER_TAG, &[abort(true)]);
    assert!(matches!(
        victim.events()[..],
        [.., Event::Closed(reason)] if reason.cause == CloseCause::Abort { code: None }
    ));
}

/// C-12, P-32.
#[test]
fn unknown_chunks_are_treated_as_their_high_bits_say() {
    for (kind, goes_on, reports) in [
        (0x3f, false, false),
        (0x7f, false, true),
        (0xbf, true, false),
        (0xff, true, true),
    ] {
        let mut victim = Victim::established(Config::default());
        let unknown = Chunk::Unknown(RawChunk {
            kind: ChunkType(kind),
            flags: 0,
            value: b"what",
        });
        victim.hear(&[unknown, data(1, 1, 0, true, true, b"x")]);
        let delivered = victim
            .association
            .recv(victim.now, StreamId::new(1))
            .is_some();
        assert_eq!(delivered, goes_on, "{kind:#x}");
        let packets = victim.say_all();
        let reported = packets
            .iter()
            .flat_map(|packet| chunks(packet))
            .any(|chunk| {
                matches!(chunk, Chunk::Error(error)
                if error.causes.flatten().any(|cause| cause.code == CauseCode::UNRECOGNIZED_CHUNK))
            });
        assert_eq!(reported, reports, "{kind:#x}");
    }
}

/// P-25.
#[test]
fn data_on_a_stream_that_does_not_exist_is_acknowledged_and_reported() {
    let mut victim = Victim::established(Config::default());
    victim.hear(&[data(1, 16, 0, true, true, b"x")]);
    assert!(victim.association.next_readable().is_none());
    let packets = victim.say_all();
    assert_eq!(sacks(&packets)[0].cumulative_tsn_ack, Tsn::new(1));
    let has_error = packets
        .iter()
        .flat_map(|packet| chunks(packet))
        .any(|chunk| {
            matches!(chunk, Chunk::Error(error)
            if error.causes.flatten().any(|cause| cause.code == CauseCode::INVALID_STREAM))
        });
    assert!(has_error);
    assert!(victim.is_alive(2));
}

/// P-30, C-10.
#[test]
fn a_heartbeat_is_answered_and_an_answer_nobody_asked_for_is_not_believed() {
    let mut victim = Victim::established(Config::default());
    let info = [0, 1, 0, 8, 1, 2, 3, 4];
    let heartbeat = RawChunk {
        kind: ChunkType::HEARTBEAT,
        flags: 0,
        value: &info,
    };
    victim.hear(&[Chunk::Unknown(heartbeat)]);
    let packets = victim.say_all();
    assert!(matches!(chunks(&packets[0])[..], [Chunk::HeartbeatAck(ack)] if ack.info == info));
    let ack = RawChunk {
        kind: ChunkType::HEARTBEAT_ACK,
        flags: 0,
        value: &info,
    };
    victim.hear(&[Chunk::Unknown(ack)]);
    assert_eq!(victim.association.stats().dropped.unexpected, 1);
    assert_eq!(victim.association.stats().round_trip, None);
}

/// Live bytes that `action` left on the heap.
fn allocated(action: impl FnOnce()) -> usize {
    let info = allocation_counter::measure(action);
    usize::try_from(info.bytes_current).unwrap_or(0)
}

/// C-08, 100,000 times by default; E-02, a million where `AVOCET_FULL_MATRIX` is set: an endless row of requests is answered one by one, a repeated one from memory, and nothing is kept of closed streams.
#[test]
fn streams_close_and_reopen_without_end() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let rounds = if full { 1_000_000 } else { 100_000 };
    let mut victim = Victim::established(Config::default());
    let request = |victim: &mut Victim, number: u32, tsn: u32| {
        let mut bytes = vec![130, 0, 0, 22, 0, 13, 0, 18];
        for word in [number, 0, tsn] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        bytes.extend_from_slice(&[0, 1, 0, 0]);
        let raw = avocet_sctp::chunk::Chunks::new(&bytes)
            .next()
            .unwrap()
            .unwrap();
        victim.hear(&[Chunk::decode(raw).unwrap()]);
        victim.say_all()
    };
    let mut growth = 0;
    for round in 0..rounds {
        let before = allocated(|| {
            victim.hear(&[data(1 + round, 1, 0, true, true, b"open")]);
            let read = victim.association.recv(victim.now, StreamId::new(1));
            assert!(read.is_some(), "{round}");
            let first = request(&mut victim, 1 + round, 1 + round);
            let again = request(&mut victim, 1 + round, 1 + round);
            let answer = |packets: &[Vec<u8>]| packets.last().unwrap()[12..28].to_vec();
            assert_eq!(answer(&first), answer(&again));
            let events = victim.events();
            assert!(
                matches!(events.last(), Some(Event::StreamsReset { .. })),
                "{events:?}"
            );
        });
        if round > 100 {
            growth = growth.max(before);
        }
    }
    assert!(growth < 16 << 10, "{growth}");
    assert!(victim.is_alive(rounds + 1));
}

/// C-09: ASCONF and addresses are unknown, or mean nothing, and are passed over.
#[test]
fn addresses_change_nothing() {
    let mut victim = Victim::established_with(
        Config::default(),
        &[
            0, 5, 0, 8, 10, 0, 0, 1, 0, 6, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
            15, 16,
        ],
    );
    for kind in [0xc1, 0x80] {
        let value = [
            0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 1, 0xc0, 1, 0, 16, 0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0,
            2,
        ];
        let kind = ChunkType(kind);
        victim.hear(&[Chunk::Unknown(RawChunk {
            kind,
            flags: 0,
            value: &value,
        })]);
    }
    assert!(victim.is_alive(1));
}

/// C-12, C-13: however much there is to report of one packet, one packet answers it.
#[test]
fn one_packet_is_answered_with_one_packet() {
    let mut victim = Victim::established(Config::default());
    let value = [7; 8];
    let unknown = Chunk::Unknown(RawChunk {
        kind: ChunkType(0xff),
        flags: 0,
        value: &value,
    });
    let mut many = vec![unknown; 60];
    many.push(data(1, 9999, 0, true, true, b"no such stream"));
    victim.hear(&many);
    let said = victim.say_all();
    assert_eq!(said.len(), 1);
    assert!(said[0].len() < 400);
    let kinds = chunks(&said[0]);
    let errors = kinds
        .iter()
        .filter(|chunk| matches!(chunk, Chunk::Error(_)));
    assert_eq!(errors.count(), 1, "{kinds:?}");
}

/// P-10, P-11: the first packet and every second one are acknowledged at once, another one within 200 ms; what ends a burst of a small window
/// asks for it.
#[test]
fn acknowledgements_come_when_they_are_due() {
    let mut victim = Victim::established(Config::default());
    victim.hear(&[data(1, 1, 0, true, true, b"a")]);
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim.hear(&[data(2, 1, 1, true, true, b"b")]);
    assert!(victim.say_all().is_empty());
    victim.pass(Duration::from_millis(199));
    assert!(victim.say_all().is_empty());
    victim.pass(Duration::from_millis(1));
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim.hear(&[data(3, 1, 2, true, true, b"c")]);
    victim.hear(&[data(4, 1, 3, true, true, b"d")]);
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    let (now, stream) = (victim.now, StreamId::new(1));
    let options = SendOptions::ordered();
    victim
        .association
        .send(now, stream, Ppid::new(53), &[1; 5_000], options)
        .unwrap();
    let packets = victim.say_all();
    let said = packets.iter().flat_map(|packet| chunks(packet));
    // The window is of ten packets: the answer takes the acknowledgement along.
    let asks = |chunk| matches!(chunk, Chunk::Data(data) if data.immediate);
    assert!(!said.into_iter().any(asks));
    // T3 leaves a window of one packet.
    victim.pass(Duration::from_secs(4));
    let packets = victim.say_all();
    let said = chunks(packets.last().unwrap());
    assert!(
        matches!(said[..], [Chunk::Data(data)] if data.immediate),
        "{said:?}"
    );
}

/// P-39: a peer that begins anew while the shutdown ends is told so.
#[test]
fn a_restart_during_the_last_word_of_a_shutdown_is_refused() {
    let mut victim = Victim::established(Config::default());
    let init = Chunk::Init(InitChunk {
        initiate_tag: 77,
        a_rwnd: 100_000,
        outbound_streams: 1,
        inbound_streams: 1,
        initial_tsn: Tsn::new(1),
        parameters: Parameters(&[]),
    });
    victim.hear_tagged(0, &[init]);
    let answer = victim.say().unwrap();
    let Chunk::InitAck(ack) = chunks(&answer)[0] else {
        panic!("no INIT ACK")
    };
    let cookie = ack.init.parameters.flatten().last().unwrap().value.to_vec();
    let tag = ack.init.initiate_tag;
    victim.hear(&[Chunk::Shutdown(avocet_sctp::chunk::ShutdownChunk {
        cumulative_tsn_ack: victim.initial_tsn.plus(u32::MAX),
    })]);
    assert!(matches!(
        chunks(&victim.say_all().concat())[..],
        [Chunk::ShutdownAck(_)]
    ));
    victim.hear_tagged(
        tag,
        &[Chunk::CookieEcho(avocet_sctp::chunk::CookieEchoChunk {
            cookie: &cookie,
        })],
    );
    let said = victim.say_all();
    let said = chunks(&said[0]);
    let Chunk::Error(error) = said[0] else {
        panic!("{said:?}")
    };
    assert_eq!(
        error.causes.flatten().next().unwrap().code,
        CauseCode::COOKIE_WHILE_SHUTTING_DOWN
    );
    assert!(matches!(said[1], Chunk::ShutdownAck(_)));
}
