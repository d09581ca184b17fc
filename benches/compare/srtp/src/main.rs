//! One table: what SRTP costs here, in the raw cryptography, in libsrtp2 and in `rtc-srtp`, in the same run.
#![allow(clippy::print_stdout, reason = "it prints a table")]

mod libsrtp;
mod measure;
mod raw;
mod timing;

use libsrtp::{Cipher, Session};
use measure::{Times, beside};
use raw::Raw;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use srtp::{Config, MasterKey, Profile, Provider, Receiver, Sender};

/// One-byte header extensions with 16 octets of elements.
const HEADER: usize = 32;
/// The octets of packets that are unprotected before fresh contexts take them again, because a replay window refuses
/// them twice. They fit a cache, and there are enough of them for a context to cost nothing.
const PACKET_OCTETS: usize = 1 << 20;
const SUBSCRIBERS: usize = 100;

const CIPHERS: [(Cipher, Profile, ProtectionProfile); 3] = [
    (
        Cipher::Cm128,
        Profile::Aes128CmSha1_80,
        ProtectionProfile::Aes128CmHmacSha1_80,
    ),
    (
        Cipher::Gcm128,
        Profile::AeadAes128Gcm,
        ProtectionProfile::AeadAes128Gcm,
    ),
    (
        Cipher::Gcm256,
        Profile::AeadAes256Gcm,
        ProtectionProfile::AeadAes256Gcm,
    ),
];

fn main() {
    match std::env::args().nth(1).as_deref() {
        None | Some("table") => table(),
        Some("timing") => timing::run(),
        Some(other) => {
            eprintln!("unknown: {other}");
            std::process::exit(2);
        }
    }
}

fn table() {
    println!(
        "| work | avocet ns | raw ns | avocet / raw | libsrtp2 ns | / avocet | rtc-srtp ns | / avocet |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for ciphers in CIPHERS {
        for size in [100, 1_200] {
            protect(ciphers, size);
        }
        for size in [100, 1_200] {
            unprotect(ciphers, size);
        }
        fan_out(ciphers);
    }
    providers();
}

fn row(work: &str, times: &Times) {
    let [ours, raw, c, rust] = times.least()[..] else {
        return;
    };
    println!(
        "| {work} | {ours:.0} | {raw:.0} | {:.2} | {c:.0} | {:.2} | {rust:.0} | {:.2} |",
        times.ratio(),
        c / ours,
        rust / ours
    );
}

pub fn packet(size: usize) -> Vec<u8> {
    let mut packet = vec![0x90, 96, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 4];
    packet.extend([
        0x22, 1, 2, 3, 0x31, 0, 7, 0x40, b'1', 0xa1, b'h', b'i', 0, 0, 0, 0,
    ]);
    packet.resize(size, 0x5a);
    packet
}

pub fn key(profile: Profile) -> (Vec<u8>, Vec<u8>) {
    (
        vec![7; profile.key_length()],
        vec![9; profile.salt_length()],
    )
}

fn ours(profile: Profile) -> MasterKey {
    let (key, salt) = key(profile);
    MasterKey::new(profile, &key, &salt).expect("a good key")
}

fn c(cipher: Cipher, profile: Profile, inbound: bool) -> Session {
    let (key, salt) = key(profile);
    Session::new(cipher, &[key, salt].concat(), inbound)
}

fn rust(profile: Profile, theirs: ProtectionProfile) -> Context {
    let (key, salt) = key(profile);
    let provider = rtc_srtp::crypto::default_provider().expect("ring");
    let replay = rtc_srtp::option::srtp_replay_protection(1_024);
    Context::new(&key, &salt, theirs, Some(replay), None, provider.crypto()).expect("a good key")
}

/// Copies a packet with the next number.
fn number(buf: &mut Vec<u8>, packet: &[u8], sequence: &mut u16) {
    *sequence = sequence.wrapping_add(1);
    buf.clear();
    buf.extend_from_slice(packet);
    buf[2..4].copy_from_slice(&sequence.to_be_bytes());
}

fn protect((cipher, profile, theirs): (Cipher, Profile, ProtectionProfile), size: usize) {
    let packet = packet(size);
    let mut sender = Sender::new(profile, ours(profile)).expect("a good key");
    let raw = Raw::new(cipher);
    let (mut c, mut rust) = (c(cipher, profile, false), rust(profile, theirs));
    let mut sequences = [0_u16; 4];
    let [ours, raw_number, c_number, rust_number] = &mut sequences;
    let mut buffers = [(); 4].map(|()| Vec::with_capacity(2_048));
    let [a, b, d, e] = &mut buffers;
    let times = beside(&mut [
        &mut || {
            number(a, &packet, ours);
            sender.protect_rtp(a, 0).expect("a fresh index");
            a.len()
        },
        &mut || {
            number(b, &packet, raw_number);
            raw.seal(b, HEADER);
            b.len()
        },
        &mut || {
            number(d, &packet, c_number);
            c.protect(d);
            d.len()
        },
        &mut || {
            number(e, &packet, rust_number);
            rust.encrypt_rtp(e).expect("a fresh index").len()
        },
    ]);
    row(&format!("{profile:?}, protect {size}"), &times);
}

/// Packets in turn, and whether they begin again.
struct Turns {
    next: usize,
}

impl Turns {
    fn next(&mut self, buf: &mut Vec<u8>, packets: &[Vec<u8>]) -> bool {
        let again = self.next == packets.len();
        if again {
            self.next = 0;
        }
        buf.clear();
        buf.extend_from_slice(&packets[self.next]);
        self.next += 1;
        again
    }
}

fn unprotect((cipher, profile, theirs): (Cipher, Profile, ProtectionProfile), size: usize) {
    let plain = packet(size);
    let mut sender = Sender::new(profile, ours(profile)).expect("a good key");
    let mut sequence = 0;
    let count = PACKET_OCTETS / size;
    let packets: Vec<_> = (0..count)
        .map(|_| {
            let mut packet = Vec::new();
            number(&mut packet, &plain, &mut sequence);
            sender.protect_rtp(&mut packet, 0).expect("a fresh index");
            packet
        })
        .collect();
    let raw = Raw::new(cipher);
    let raw_packets = {
        let mut packet = plain;
        raw.seal(&mut packet, HEADER);
        vec![packet; count]
    };
    let mut receiver = Receiver::new(profile, ours(profile)).expect("a good key");
    let (mut session, mut context) = (c(cipher, profile, true), rust(profile, theirs));
    let mut turns = [(); 4].map(|()| Turns { next: 0 });
    let [at, raw_at, c_at, rust_at] = &mut turns;
    let mut buffers = [(); 4].map(|()| Vec::with_capacity(2_048));
    let [a, b, d, e] = &mut buffers;
    let times = beside(&mut [
        &mut || {
            if at.next(a, &packets) {
                receiver = Receiver::new(profile, ours(profile)).expect("a good key");
            }
            receiver.unprotect_rtp(a).expect("a genuine packet").len()
        },
        &mut || {
            raw_at.next(b, &raw_packets);
            raw.open(b, HEADER)
        },
        &mut || {
            if c_at.next(d, &packets) {
                session = c(cipher, profile, true);
            }
            session.unprotect(d)
        },
        &mut || {
            if rust_at.next(e, &packets) {
                context = rust(profile, theirs);
            }
            context.decrypt_rtp(e).expect("a genuine packet").len()
        },
    ]);
    row(&format!("{profile:?}, unprotect {size}"), &times);
}

/// One packet to a hundred contexts, each with its own keys.
fn fan_out((cipher, profile, theirs): (Cipher, Profile, ProtectionProfile)) {
    let plain = packet(1_200);
    let mut senders: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| Sender::new(profile, ours(profile)).expect("a good key"))
        .collect();
    let raws: Vec<_> = (0..SUBSCRIBERS).map(|_| Raw::new(cipher)).collect();
    let mut sessions: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| c(cipher, profile, false))
        .collect();
    let mut contexts: Vec<_> = (0..SUBSCRIBERS).map(|_| rust(profile, theirs)).collect();
    let mut sequences = [0_u16; 4];
    let [ours, raw_number, c_number, rust_number] = &mut sequences;
    let mut buffers = [(); 4].map(|()| Vec::with_capacity(2_048));
    let [a, b, d, e] = &mut buffers;
    let copy = |buf: &mut Vec<u8>, sequence: u16| {
        let mut before = sequence.wrapping_sub(1);
        number(buf, &plain, &mut before);
    };
    let times = beside(&mut [
        &mut || {
            *ours = ours.wrapping_add(1);
            for sender in &mut senders {
                copy(a, *ours);
                sender.protect_rtp(a, 0).expect("a fresh index");
            }
            a.len()
        },
        &mut || {
            *raw_number = raw_number.wrapping_add(1);
            for raw in &raws {
                copy(b, *raw_number);
                raw.seal(b, HEADER);
            }
            b.len()
        },
        &mut || {
            *c_number = c_number.wrapping_add(1);
            for session in &mut sessions {
                copy(d, *c_number);
                session.protect(d);
            }
            d.len()
        },
        &mut || {
            *rust_number = rust_number.wrapping_add(1);
            let mut length = 0;
            for context in &mut contexts {
                copy(e, *rust_number);
                length = context.encrypt_rtp(e).expect("a fresh index").len();
            }
            length
        },
    ]);
    row(
        &format!("{profile:?}, protect 1200 for 100 contexts"),
        &times,
    );
}

/// Our providers beside each other.
fn providers() {
    println!("\n| provider | CM_80 protect 1200 ns | GCM-128 | GCM-256 |");
    println!("|---|---|---|---|");
    let providers = [
        ("ring", Provider::ring()),
        ("rust-crypto", Provider::rust_crypto()),
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", Provider::aws_lc_rs()),
    ];
    for (name, provider) in providers {
        let times = CIPHERS.map(|(_, profile, _)| {
            let plain = packet(1_200);
            let mut config = Config::new(profile);
            config.provider = provider.clone();
            let mut sender = Sender::with_config(config, &ours(profile)).expect("a good key");
            let (mut sequence, mut buf) = (0, Vec::with_capacity(2_048));
            beside(&mut [&mut || {
                number(&mut buf, &plain, &mut sequence);
                sender.protect_rtp(&mut buf, 0).expect("a fresh index");
                buf.len()
            }])
            .least()[0]
        });
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} |",
            times[0], times[1], times[2]
        );
    }
}
