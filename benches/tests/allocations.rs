//! What must not allocate, held by an allocator that counts, per thread.

use allocation_counter::measure;
use avocet_benches::samples;
use rtp::PacketView;
use srtp::{KeyingMaterial, Profile, Receiver, Sender};
use stun::{IntegrityKey, Message};

/// How often each action is repeated: what amortizes to less than one allocation a packet shows as well.
const PACKETS: u16 = 1_000;

/// Allocations of `PACKETS` calls, after the first one, which may set something up.
fn allocations(mut action: impl FnMut(u16)) -> u64 {
    action(0);
    measure(|| (1..=PACKETS).for_each(&mut action)).count_total
}

#[test]
fn protecting_and_unprotecting_a_packet_allocates_nothing() {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let exported = vec![7; profile.keying_material_length()];
        let (key, _) = KeyingMaterial::split(profile, &exported).unwrap();
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        let packet = samples::rtp_packet();
        let mut buf = Vec::with_capacity(2_048);
        let count = allocations(|sequence| {
            buf.clear();
            buf.extend_from_slice(&packet);
            buf[2..4].copy_from_slice(&sequence.to_be_bytes());
            sender.protect_rtp(&mut buf, 0).unwrap();
            receiver.unprotect_rtp(&mut buf).unwrap();
        });
        assert_eq!(count, 0, "{profile:?}");
    }
}

#[test]
fn reading_an_rtp_header_allocates_nothing() {
    let packet = samples::rtp_packet();
    let count = allocations(|_| {
        let view = PacketView::parse(&packet).unwrap();
        assert!(view.extensions().count() > 2);
    });
    assert_eq!(count, 0);
}

#[test]
fn reading_and_verifying_a_stun_message_allocates_nothing() {
    let key = IntegrityKey::short_term(samples::PASSWORD);
    let message = samples::binding_request(&key);
    let count = allocations(|_| {
        let message = Message::decode(&message).unwrap();
        assert!(message.verify_fingerprint() && message.verify_integrity(&key));
        assert!(message.username().unwrap().is_some());
    });
    assert_eq!(count, 0);
}

#[test]
fn verifying_an_sctp_packet_allocates_nothing() {
    let packet = samples::sctp_packet();
    let count = allocations(|_| {
        let packet = sctp::packet::Packet::decode(&packet).unwrap();
        assert_eq!(packet.chunks().count(), 1);
    });
    assert_eq!(count, 0);
}
