//! SRTP: packets of 1,200 bytes are protected and unprotected in place, under both profiles.

use avocet_benches::raw::Primitives;
use avocet_benches::samples::{RTP_HEADER, rtp_packet};
use avocet_benches::{compare, criterion};
use criterion::Criterion;
use srtp::{KeyingMaterial, MasterKey, Profile, Receiver, Sender};

/// How many packets are unprotected before a fresh receiver takes them again: a replay window refuses them twice.
const PACKETS: u16 = 512;

fn main() {
    let mut criterion = criterion();
    protect(
        &mut criterion,
        Profile::AeadAes128Gcm,
        "srtp protect GCM 1200",
    );
    protect(
        &mut criterion,
        Profile::Aes128CmSha1_80,
        "srtp protect CM 1200",
    );
    unprotect(
        &mut criterion,
        Profile::AeadAes128Gcm,
        "srtp unprotect GCM 1200",
    );
    unprotect(
        &mut criterion,
        Profile::Aes128CmSha1_80,
        "srtp unprotect CM 1200",
    );
    criterion.final_summary();
}

fn protect(criterion: &mut Criterion, profile: Profile, name: &str) {
    let packet = rtp_packet();
    let raw = Primitives::default();
    let mut sender = Sender::new(profile, key(profile)).expect("a good key");
    let mut sequence = 0_u16;
    let mut buf = Vec::with_capacity(2_048);
    let mut copy = Vec::with_capacity(2_048);
    compare(
        criterion,
        name,
        || {
            sequence = sequence.wrapping_add(1);
            buf.clear();
            buf.extend_from_slice(&packet);
            buf[2..4].copy_from_slice(&sequence.to_be_bytes());
            sender.protect_rtp(&mut buf, 0).expect("a fresh index");
            buf.len()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            if profile == Profile::AeadAes128Gcm {
                raw.gcm_seal(&mut copy, RTP_HEADER);
            } else {
                raw.aes_ctr(&mut copy[RTP_HEADER..]);
                let tag = raw.hmac_sha1(&copy);
                copy.extend_from_slice(&tag[..10]);
            }
            copy.len()
        },
    );
}

fn unprotect(criterion: &mut Criterion, profile: Profile, name: &str) {
    let raw = Primitives::default();
    let mut sender = Sender::new(profile, key(profile)).expect("a good key");
    let packets: Vec<_> = (0..PACKETS)
        .map(|sequence| {
            let mut packet = rtp_packet();
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            sender.protect_rtp(&mut packet, 0).expect("a fresh index");
            packet
        })
        .collect();
    let mut sealed = rtp_packet();
    raw.gcm_seal(&mut sealed, RTP_HEADER);

    let mut receiver = Receiver::new(profile, key(profile)).expect("a good key");
    let mut next = 0;
    let mut buf = Vec::with_capacity(2_048);
    let mut copy = Vec::with_capacity(2_048);
    compare(
        criterion,
        name,
        || {
            if next == packets.len() {
                next = 0;
                receiver = Receiver::new(profile, key(profile)).expect("a good key");
            }
            buf.clear();
            buf.extend_from_slice(&packets[next]);
            next += 1;
            receiver
                .unprotect_rtp(&mut buf)
                .expect("a genuine packet")
                .len()
        },
        || {
            copy.clear();
            if profile == Profile::AeadAes128Gcm {
                copy.extend_from_slice(&sealed);
                raw.gcm_open(&mut copy, RTP_HEADER);
            } else {
                copy.extend_from_slice(&packets[0]);
                let tag = raw.hmac_sha1(&copy[..1_200]);
                raw.aes_ctr(&mut copy[RTP_HEADER..1_200]);
                return usize::from(tag[0]);
            }
            copy.len()
        },
    );
}

fn key(profile: Profile) -> MasterKey {
    let exported = vec![7; profile.keying_material_length()];
    KeyingMaterial::split(profile, &exported)
        .expect("the right length")
        .0
}
