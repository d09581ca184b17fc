//! The exchanges of ETSI TS 102 369 (`testdata/sctp/etsi_ts_102_369.json`), played against one association in memory.
//!
//! A line says what is sent to us, or what we must send; placeholders for tags and TSNs are filled in. What has no meaning over DTLS, or is
//! answered with silence, is listed in `common::exchanges`, and the test holds us to that as well.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::{Duration, Instant};

use avocet_sctp::chunk::{Chunk, ChunkType, InitAckChunk, ParameterType};
use avocet_sctp::packet::Packet;
use avocet_sctp::{Association, CloseCause, Config, Ppid, SendOptions, StreamId};
use common::exchanges::{ALTERNATIVES, COMPANY, NOT_APPLICABLE, SILENT, UNLISTED};
use common::raw::seal;

#[derive(Debug)]
struct Heard {
    kind: ChunkType,
    flags: u8,
    value: Vec<u8>,
    /// The tag of its packet.
    tag: u32,
}

struct Player<'a> {
    id: &'a str,
    title: &'a str,
    association: Association,
    now: Instant,
    started: bool,
    shut: bool,
    sent: bool,
    /// Our tag and first TSN, once we said them, and the number that the exchange gives to it.
    tag: u32,
    first: u32,
    base: u32,
    cookie: Vec<u8>,
    heard: Vec<Heard>,
    /// The tag of the last packet that was said.
    said: u32,
    /// A line that is to be damaged was sent.
    damaged: bool,
}

/// The peer's TSNs are this and the number in the exchange.
const PEER_BASE: u32 = 0xffff_ff00;

impl<'a> Player<'a> {
    fn new(id: &'a str, title: &'a str) -> Self {
        let mut config = Config::default();
        config.mtu = 1480;
        config.max_init_retransmissions = Some(8);
        config.max_retransmissions = Some(10);
        config.interleaving = false;
        config.rto_max = Duration::from_secs(60);
        config.heartbeat_interval = Duration::from_secs(3600);
        Self {
            id,
            title,
            association: Association::new(config, [5; 32]).unwrap(),
            now: netsim::epoch(),
            started: false,
            shut: false,
            sent: false,
            tag: 0,
            first: 0,
            base: 0,
            cookie: Vec::new(),
            heard: Vec::new(),
            said: 0,
            damaged: false,
        }
    }

    /// Takes what the association says.
    fn listen(&mut self) {
        let mut buf = Vec::new();
        while self.association.poll_transmit(self.now, &mut buf).is_some() {
            let packet = Packet::decode(&buf).unwrap();
            for raw in packet.chunks() {
                let raw = raw.unwrap();
                if let Chunk::Init(init) | Chunk::InitAck(InitAckChunk { init }) =
                    Chunk::decode(raw).unwrap()
                    && !self.association.is_established()
                {
                    self.tag = init.initiate_tag;
                    self.first = init.initial_tsn.get();
                    for parameter in init.parameters.flatten() {
                        if parameter.kind == ParameterType::STATE_COOKIE {
                            self.cookie = parameter.value.to_vec();
                        }
                    }
                }
                self.heard.push(Heard {
                    kind: raw.kind,
                    flags: raw.flags,
                    value: raw.value.to_vec(),
                    tag: packet.verification_tag,
                });
            }
            buf.clear();
        }
    }

    /// Says a line, with a tag of its own if the exchange names one.
    fn say(&mut self, line: &str, foreign: Option<u32>) {
        let mut tag = foreign.map_or(self.tag, tag_of);
        let mut chunks = Vec::new();
        for item in items(line) {
            if item.starts_with("INIT[") || item.contains("type=0x01") {
                tag = 0;
            }
            self.encode(item, &mut chunks);
        }
        if line.contains("flgs=T") {
            tag = tag_of(1);
        }
        let mut bytes = vec![0x13, 0x88, 0x13, 0x88];
        let damages = self.damages(line);
        if damages && self.title.contains("verification tag") {
            tag = tag.wrapping_add(1);
        }
        bytes.extend_from_slice(&tag.to_be_bytes());
        self.said = tag;
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&chunks);
        seal(&mut bytes);
        if damages && self.title.contains("checksum") {
            bytes[8] ^= 1;
        }
        self.association.handle_datagram(self.now, &bytes);
        self.listen();
    }

    /// Whether this is the packet that the title speaks of; its lists do not show what is wrong with it.
    fn damages(&mut self, line: &str) -> bool {
        let wrong =
            self.title.contains("wrong verification tag") || self.title.contains("wrong checksum");
        let name = line.split('[').next().unwrap_or_default().replace('_', "-");
        let this = wrong && self.title.contains(&format!("{name} chunk"));
        this && !std::mem::replace(&mut self.damaged, true)
    }

    fn encode(&self, item: &str, buf: &mut Vec<u8>) {
        let (name, arguments) = item.split_once('[').unwrap_or((item, ""));
        let number = |key: &str| number(arguments, key);
        let ours = |tsn: u32| self.first.wrapping_add(tsn.wrapping_sub(self.base));
        let flags = u8::from(arguments.contains("flgs=T"));
        let mut value = Vec::new();
        let (kind, flags) = match name {
            "INIT" | "INIT_ACK" => {
                let tag = number("tag").unwrap_or(2);
                let tag = if tag == 0 { 0 } else { tag_of(tag) };
                value.extend_from_slice(&tag.to_be_bytes());
                value.extend_from_slice(&number("a_rwnd").unwrap_or(1500).to_be_bytes());
                for key in ["os", "is"] {
                    value.extend_from_slice(&(number(key).unwrap_or(1) as u16).to_be_bytes());
                }
                let tsn = number("tsn").unwrap_or(1).wrapping_add(PEER_BASE);
                value.extend_from_slice(&tsn.to_be_bytes());
                if let Some(kind) = self.unknown_parameter() {
                    value.extend_from_slice(&[kind, 0xab, 0, 8, 1, 2, 3, 4]);
                }
                if arguments.contains("IPV4") {
                    value.extend_from_slice(&[0, 5, 0, 8, 1, 1, 1, 1]);
                }
                if name == "INIT_ACK" && self.id != "sctp-e-i-6-4" {
                    value.extend_from_slice(&[0, 7, 0, 4]);
                }
                (if name == "INIT" { 1 } else { 2 }, 0)
            }
            "COOKIE_ECHO" => {
                match arguments.split_once("val=[") {
                    Some((_, bytes)) => value.extend(bytes_of(bytes)),
                    None => value.clone_from(&self.cookie),
                }
                (10, 0)
            }
            "COOKIE_ACK" => (11, 0),
            "DATA" => {
                for word in [
                    number("tsn").unwrap().wrapping_add(PEER_BASE),
                    number("sid").unwrap() << 16 | number("ssn").unwrap(),
                    0,
                ] {
                    value.extend_from_slice(&word.to_be_bytes());
                }
                value.resize(number("len").unwrap() as usize - 4, 7);
                let text = arguments.split(',').next().unwrap();
                let flag = |letter| u8::from(text.contains(letter) && text.starts_with("flgs"));
                (0, flag('E') | flag('B') << 1)
            }
            "SACK" => {
                let gaps = arguments
                    .split_once("gaps=[")
                    .and_then(|(_, gaps)| gaps.split_once(']'))
                    .map_or("", |(gaps, _)| gaps);
                value.extend_from_slice(&ours(number("cum_tsn").unwrap()).to_be_bytes());
                value.extend_from_slice(&number("a_rwnd").unwrap_or(1500).to_be_bytes());
                let blocks = gaps.split(',').filter_map(|gap| gap.split_once(':'));
                let blocks = blocks.collect::<Vec<_>>();
                value.extend_from_slice(&(blocks.len() as u32 * 0x1_0000).to_be_bytes());
                for (start, end) in blocks {
                    for edge in [start, end] {
                        value.extend_from_slice(&edge.trim().parse::<u16>().unwrap().to_be_bytes());
                    }
                }
                (3, 0)
            }
            "SHUTDOWN" => {
                // Before our first word there is nothing to acknowledge.
                let cumulative = ours(number("cum_tsn").unwrap());
                value.extend_from_slice(&cumulative.to_be_bytes());
                (7, 0)
            }
            "SHUTDOWN_ACK" => (8, 0),
            "SHUTDOWN_COMPLETE" => (14, flags),
            "ABORT" => (6, flags),
            "HEARTBEAT" => {
                value.extend_from_slice(&[0, 1, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
                (4, 0)
            }
            "ERROR" if arguments.contains("STALE") => {
                value.extend_from_slice(&[0, 3, 0, 8, 0, 15, 0x42, 0x40]);
                (9, 0)
            }
            "ERROR" => {
                value.extend_from_slice(&[0, 8, 0, 8, 0xc0, 0xab, 0, 4]);
                (9, 0)
            }
            "CHUNK" => {
                let (_, bytes) = arguments.split_once("val=[").unwrap();
                value.extend(bytes_of(bytes));
                let kind = match arguments.split_once("type=0x") {
                    Some((_, kind)) => u8::from_str_radix(&kind[..2], 16).unwrap(),
                    None => 2,
                };
                (kind, 0)
            }
            _ => {
                // Bytes that are no whole chunk.
                buf.extend(bytes_of(line_bytes(item)));
                return;
            }
        };
        buf.extend_from_slice(&[kind, flags]);
        buf.extend_from_slice(&((value.len() + 4) as u16).to_be_bytes());
        buf.extend_from_slice(&value);
        buf.resize(buf.len().next_multiple_of(4), 0);
    }

    /// The high byte of the unknown parameter that the title speaks of.
    fn unknown_parameter(&self) -> Option<u8> {
        if !self.title.contains("unknown parameter") {
            return None;
        }
        let bits = self
            .title
            .split_once("bits ")
            .map_or("11", |(_, bits)| &bits[..2]);
        Some(match bits {
            "00" => 0x3f,
            "01" => 0x7f,
            "10" => 0xbf,
            _ => 0xff,
        })
    }

    /// Waits for a chunk, doing what makes it come. `None` when it does not.
    fn await_chunk(&mut self, item: &str) -> Option<Heard> {
        let (name, arguments) = item.split_once('[').unwrap_or((item, ""));
        let kind = match name {
            "DATA" => ChunkType::DATA,
            "INIT" => ChunkType::INIT,
            "INIT_ACK" => ChunkType::INIT_ACK,
            "SACK" => ChunkType::SACK,
            "HEARTBEAT_ACK" => ChunkType::HEARTBEAT_ACK,
            "ABORT" => ChunkType::ABORT,
            "SHUTDOWN" => ChunkType::SHUTDOWN,
            "SHUTDOWN_ACK" => ChunkType::SHUTDOWN_ACK,
            "ERROR" => ChunkType::ERROR,
            "COOKIE_ECHO" => ChunkType::COOKIE_ECHO,
            "COOKIE_ACK" => ChunkType::COOKIE_ACK,
            "SHUTDOWN_COMPLETE" => ChunkType::SHUTDOWN_COMPLETE,
            _ => panic!("{}: {item}", self.id),
        };
        for _ in 0..40 {
            self.listen();
            if let Some(place) = self.heard.iter().position(|heard| heard.kind == kind) {
                let unlisted = |heard: &Heard| !UNLISTED.contains(&(self.id, heard.kind));
                let others = self.heard[..place].iter();
                let others = others.filter(|heard| unlisted(heard)).collect::<Vec<_>>();
                assert!(others.is_empty(), "{}: {others:?} before {item}", self.id);
                return self.heard.drain(..=place).next_back();
            }
            if kind == ChunkType::INIT && !std::mem::replace(&mut self.started, true) {
                self.association.connect(self.now, None);
            } else if kind == ChunkType::SHUTDOWN && !std::mem::replace(&mut self.shut, true) {
                self.association.shutdown(self.now);
            } else if kind == ChunkType::DATA && !self.has_sent(arguments) {
                self.send();
            } else {
                let due = self.association.poll_timeout()?;
                self.now = self.now.max(due);
                self.association.handle_timeout(self.now);
            }
        }
        None
    }

    /// Whether what carries this TSN was given to the association.
    fn has_sent(&self, arguments: &str) -> bool {
        let tsn = number(arguments, "tsn").unwrap();
        let whole = arguments.contains("flgs=BE");
        self.sent
            && (!whole
                || tsn.wrapping_sub(self.base) < self.association.stats().messages_sent as u32)
    }

    fn send(&mut self) {
        let length = match self.id {
            "sctp-d-v-8-2" => 2000,
            "sctp-d-o-8-8" => 3000,
            "sctp-d-o-8-7" | "sctp-d-v-8-1" | "sctp-d-v-8-9" => 1452,
            "sctp-d-v-8-10" => 100,
            _ => 1000,
        };
        self.sent = true;
        let data = vec![1; length];
        let (stream, ppid) = (StreamId::new(0), Ppid::new(0));
        self.association
            .send(self.now, stream, ppid, &data, SendOptions::ordered())
            .unwrap();
    }

    /// Looks at where the exchange has led: nothing more is said, and a last line that was heard had its effect.
    fn check_end(&mut self, last: &serde_json::Value) {
        self.listen();
        let unlisted = |heard: &&Heard| !UNLISTED.contains(&(self.id, heard.kind));
        let left = self.heard.iter().filter(unlisted).collect::<Vec<_>>();
        assert!(left.is_empty(), "{}: {left:?} at the end", self.id);
        if last["dir"] != "to_us" {
            return;
        }
        let reason = self.association.close_reason();
        match last["chunks"].as_str().unwrap() {
            line if line.starts_with("SHUTDOWN_COMPLETE") => {
                let cause = reason.map(|reason| reason.cause);
                assert_eq!(cause, Some(CloseCause::Shutdown), "{}", self.id);
            }
            line if line.starts_with("SACK") => {
                let outstanding = self.association.stats().outstanding_bytes;
                assert_eq!(outstanding, 0, "{}", self.id);
            }
            line => {
                let established = self.association.is_established();
                assert!(reason.is_none() && !established, "{}: {line}", self.id);
            }
        }
    }

    /// Compares what came with what the line says of it.
    fn check(&mut self, item: &str, heard: &Heard) {
        let (name, arguments) = item.split_once('[').unwrap_or((item, ""));
        let (flags, value) = (heard.flags, &heard.value[..]);
        let note = format!("{}: {item}", self.id);
        let word = |at: usize| u32::from_be_bytes(value[at..at + 4].try_into().unwrap());
        match name {
            "INIT" | "INIT_ACK" => {
                self.base = number(arguments, "tsn").unwrap_or(self.base);
            }
            "DATA" => {
                let tsn = number(arguments, "tsn").unwrap();
                assert_eq!(
                    word(0).wrapping_sub(self.first),
                    tsn.wrapping_sub(self.base),
                    "{note}"
                );
                let length = number(arguments, "len").unwrap() as usize;
                assert_eq!(value.len() + 4, length, "{note}");
                let text = arguments.split(',').next().unwrap();
                if text.starts_with("flgs") {
                    assert_eq!(flags & 1 != 0, text.contains('E'), "{note}");
                    assert_eq!(flags & 2 != 0, text.contains('B'), "{note}");
                }
            }
            "SACK" | "SHUTDOWN" => {
                // Whatever first TSN the peer chose counts from there.
                let cumulative = number(arguments, "cum_tsn").unwrap();
                assert_eq!(word(0), cumulative.wrapping_add(PEER_BASE), "{note}");
                if let Some((_, rest)) = arguments.split_once("gaps=[") {
                    let (gaps, _) = rest.split_once(']').unwrap();
                    let count = gaps.split(',').filter(|gap| gap.contains(':')).count();
                    assert_eq!(u32::from(count as u16), word(8) >> 16, "{note}");
                }
                if let Some((_, rest)) = arguments.split_once("dups=[") {
                    let twice = !rest.starts_with(']');
                    assert_eq!(word(8) & 0xffff, u32::from(twice), "{note}");
                }
            }
            "HEARTBEAT_ACK" => assert_eq!(value, [0, 1, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8], "{note}"),
            "ABORT" | "SHUTDOWN_COMPLETE" if arguments.contains("flgs=T") => {
                assert_eq!((flags, heard.tag), (1, self.said), "{note}");
                if arguments.contains("PROTOCOL_VIOLATION") {
                    assert_eq!(value[..2], [0, 13], "{note}");
                }
            }
            "ABORT" if arguments.contains("INVALID_MANDATORY") => {
                assert_eq!(value, [0, 7, 0, 4], "{note}");
            }
            "ABORT" if arguments.contains("MISSING_MANDATORY") => {
                assert_eq!(value, [0, 2, 0, 10, 0, 0, 0, 1, 0, 7, 0, 0], "{note}");
                assert_eq!((flags, heard.tag), (0, tag_of(2)), "{note}");
            }
            "ABORT" if arguments.contains("NO_USER_DATA") => {
                assert_eq!(value[..2], [0, 9], "{note}");
            }
            "ERROR" if arguments.contains("INVALID_STREAM") => {
                assert_eq!(value[..2], [0, 1], "{note}");
            }
            "ERROR" if arguments.contains("UNRECOGNIZED") => {
                assert_eq!(value[..2], [0, 6], "{note}");
            }
            _ => {}
        }
    }
}

/// The chunks of a line. Lists that end in the middle were cut where they were kept.
fn items(line: &str) -> Vec<&str> {
    line.split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn number(arguments: &str, key: &str) -> Option<u32> {
    arguments
        .split([',', '['])
        .filter_map(|argument| argument.trim().strip_prefix(key)?.strip_prefix('='))
        .find_map(|value| value.trim_end_matches(']').parse().ok())
}

fn line_bytes(item: &str) -> &str {
    item.trim_start_matches('[')
}

fn bytes_of(text: &str) -> Vec<u8> {
    let text = text.split(']').next().unwrap_or_default();
    let bytes = text
        .split(',')
        .filter_map(|byte| byte.trim().strip_prefix("0x"));
    bytes
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

/// The tags of a peer that begins anew differ.
const fn tag_of(placeholder: u32) -> u32 {
    0x7a60_0000 + placeholder
}

fn play(case: &serde_json::Value) {
    let id = case["id"].as_str().unwrap();
    let mut player = Player::new(id, case["title"].as_str().unwrap());
    let silent = SILENT
        .iter()
        .find(|(silent, _)| *silent == id)
        .map(|(_, line)| *line);
    for (place, step) in case["exchange"].as_array().unwrap().iter().enumerate() {
        let line = step["chunks"].as_str().unwrap().replace("\n", " ");
        if step["dir"] == "to_us" {
            let company = COMPANY
                .iter()
                .find(|(known, at, _)| *known == id && *at == place);
            let company = company.map_or("", |(.., company)| company);
            let foreign = step["opts"].as_str().and_then(|opts| {
                let tag = opts.strip_prefix("(tag=")?.strip_suffix(')')?;
                tag.parse().ok()
            });
            player.say(
                &format!("{line};{company}"),
                foreign.filter(|tag| *tag != 0),
            );
            continue;
        }
        if ALTERNATIVES.contains(&(id, place)) {
            continue;
        }
        let item = items(&line)[0].to_owned();
        if silent == Some(place) {
            player.listen();
            let expected = item.split('[').next().unwrap();
            let kind = if expected == "ABORT" {
                ChunkType::ABORT
            } else {
                ChunkType::SHUTDOWN_COMPLETE
            };
            let silent = player.heard.iter().all(|heard| heard.kind != kind);
            assert!(silent, "{id}: not silent at line {place}");
            continue;
        }
        let Some(heard) = player.await_chunk(&item) else {
            panic!(
                "{id}, line {place}: no {item}; {:?}",
                player.association.close_reason()
            );
        };
        player.check(&item, &heard);
    }
    player.check_end(case["exchange"].as_array().unwrap().last().unwrap());
}

#[test]
fn the_exchanges_of_ts_102_369() {
    let text = include_str!("../../testdata/sctp/etsi_ts_102_369.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut played = 0;
    let mut failures = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        if let Some((_, why)) = NOT_APPLICABLE.iter().find(|(known, _)| *known == id) {
            println!("{id}: not applicable: {why}");
            continue;
        }
        let played_well = std::panic::catch_unwind(|| play(case)).is_ok();
        println!("{id}: {}", if played_well { "ok" } else { "FAILED" });
        played += usize::from(played_well);
        if !played_well {
            failures.push(id);
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(played, 108);
    // As listed, that is, and not by silence.
    assert_eq!(played - SILENT.len(), 106);
}
