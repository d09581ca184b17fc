//! Encrypted headers, whole (RFC 9335) and one by one (RFC 6904).

use proptest::prelude::*;

use super::{PROFILES, hex, json, key, rtp_packet};
use crate::{
    Config, Cryptex, ExtensionIds, MasterKey, Profile, ProtectError, Receiver, Sender,
    UnprotectError,
};

const RFC_9335: &str = include_str!("../../../testdata/srtp/rfc9335_cryptex.json");

fn pair(profile: Profile, cryptex: Cryptex) -> (Sender, Receiver) {
    let mut config = Config::new(profile);
    config.cryptex = cryptex;
    let key = key(profile, 1);
    (
        Sender::with_config(config.clone(), &key).unwrap(),
        Receiver::with_config(config, &key).unwrap(),
    )
}

/// A packet with contributing sources, and an extension block of one form.
fn packet(seq: u16, csrcs: u8, profile: Option<u16>, block: &[u8]) -> Vec<u8> {
    let mut packet = rtp_packet(1, seq);
    let payload = packet.split_off(12);
    packet[0] |= csrcs;
    packet.extend((0..csrcs * 4).map(|octet| 0xc0 | octet));
    if let Some(profile) = profile {
        packet[0] |= 0x10;
        packet.extend_from_slice(&profile.to_be_bytes());
        packet.extend_from_slice(&u16::try_from(block.len() / 4).unwrap().to_be_bytes());
        packet.extend_from_slice(block);
    }
    packet.extend_from_slice(&payload);
    packet
}

/// P-12
#[test]
fn p12_packets_are_those_of_rfc_9335() {
    let data = json(RFC_9335);
    for (profile, prefix, field) in [
        (Profile::Aes128CmSha1_80, "ctr", "srtp_aes128cm_sha1_80"),
        (Profile::AeadAes128Gcm, "gcm", "srtp_aead_aes_128_gcm"),
    ] {
        let key = MasterKey::new(
            profile,
            &hex(&data[format!("{prefix}_master_key")]),
            &hex(&data[format!("{prefix}_master_salt")]),
        )
        .unwrap();
        for cryptex in [Cryptex::Enabled, Cryptex::Required] {
            let mut config = Config::new(profile);
            config.cryptex = cryptex;
            let mut sender = Sender::with_config(config.clone(), &key).unwrap();
            let mut receiver = Receiver::with_config(config, &key).unwrap();
            for vector in data["vectors"].as_array().unwrap() {
                let plain = hex(&vector["rtp"]);
                let mut buf = b"prefix".to_vec();
                buf.extend_from_slice(&plain);
                sender.protect_rtp(&mut buf, 6).unwrap();
                assert_eq!(buf[6..], hex(&vector[field]), "{}", vector["name"]);
                assert_eq!(receiver.unprotect_rtp(&mut buf[6..]).unwrap(), plain);
            }
        }
        let mut receiver = Receiver::new(profile, key).unwrap();
        for vector in data["vectors"].as_array().unwrap() {
            let refused = receiver.unprotect_rtp(&mut hex(&vector[field])).err();
            assert_eq!(refused, Some(UnprotectError::Cryptex), "not negotiated");
        }
        assert_eq!(receiver.stats().cryptex, 6);
    }
}

/// P-12: RFC 9335 §5.1. Contributing sources need an extension block to say that they are encrypted: an empty one is
/// inserted.
#[test]
fn p12_sources_without_an_extension_get_an_empty_block() {
    let data = json(RFC_9335);
    let plain = hex(&data["negative"][0]["rtp"]);
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile, Cryptex::Required);
        let mut buf = b"prefix".to_vec();
        buf.extend_from_slice(&plain);
        sender.protect_rtp(&mut buf, 6).unwrap();
        let grown = plain.len() + 4 + profile.rtp_overhead();
        assert_eq!(buf.len(), 6 + grown);
        assert_eq!(buf[6], plain[0] | 0x10);
        assert_eq!(buf[6 + 20..6 + 24], [0xc0, 0xde, 0, 0]);
        let opened = receiver.unprotect_rtp(&mut buf[6..]).unwrap();
        let mut expected = plain.clone();
        expected[0] |= 0x10;
        expected.splice(20..20, [0xbe, 0xde, 0, 0]);
        assert_eq!(opened, expected);
    }
}

/// P-12
#[test]
fn p12_headers_in_the_clear_are_refused_where_cryptex_is_required() {
    for profile in PROFILES {
        let (mut plain, _) = pair(profile, Cryptex::Disabled);
        let (_, mut required) = pair(profile, Cryptex::Required);
        let (_, mut enabled) = pair(profile, Cryptex::Enabled);
        let clear = [
            packet(1, 0, Some(0xbede), &[0x10, 7, 0, 0]),
            packet(2, 2, None, &[]),
            packet(3, 1, Some(0x1000), &[]),
            packet(4, 0, Some(0x1234), &[1, 2, 3, 4]),
        ];
        for mut buf in clear {
            plain.protect_rtp(&mut buf, 0).unwrap();
            let refused = required.unprotect_rtp(&mut buf.clone()).err();
            assert_eq!(refused, Some(UnprotectError::Cryptex));
            enabled.unprotect_rtp(&mut buf).unwrap();
        }
        let mut bare = packet(5, 0, None, &[]);
        plain.protect_rtp(&mut bare, 0).unwrap();
        required.unprotect_rtp(&mut bare).unwrap();
    }
}

/// P-12: RFC 9335 §5 knows the two forms of RFC 8285 only.
#[test]
fn p12_opaque_extensions_go_in_the_clear_or_not_at_all() {
    let opaque = packet(1, 1, Some(0x1234), &[1, 2, 3, 4]);
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm, Cryptex::Enabled);
    let mut buf = opaque.clone();
    sender.protect_rtp(&mut buf, 0).unwrap();
    assert_eq!(buf[..24], opaque[..24]);
    assert_eq!(receiver.unprotect_rtp(&mut buf).unwrap(), opaque);
    let (mut sender, _) = pair(Profile::AeadAes128Gcm, Cryptex::Required);
    let mut buf = opaque.clone();
    let refused = sender.protect_rtp(&mut buf, 0);
    assert_eq!(refused, Err(ProtectError::OpaqueExtension));
    assert_eq!(buf, opaque, "the buffer is as it was");
    let mut already = packet(1, 0, Some(0xc0de), &[1, 2, 3, 4]);
    let refused = sender.protect_rtp(&mut already, 0);
    assert_eq!(refused, Err(ProtectError::OpaqueExtension));
}

#[test]
fn cryptex_is_switched_on_between_two_packets() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm, Cryptex::Disabled);
    receiver.set_cryptex(Cryptex::Enabled);
    for (seq, cryptex) in [(1, Cryptex::Disabled), (2, Cryptex::Enabled)] {
        sender.set_cryptex(cryptex);
        let plain = packet(seq, 0, Some(0xbede), &[0x10, 7, 0, 0]);
        let mut buf = plain.clone();
        sender.protect_rtp(&mut buf, 0).unwrap();
        let marked = buf[12..14] == [0xc0, 0xde];
        assert_eq!(marked, cryptex == Cryptex::Enabled);
        assert_eq!(receiver.unprotect_rtp(&mut buf).unwrap(), plain);
    }
}

/// P-12: lengths that lead past the tag, in a header that looks encrypted.
#[test]
fn p12_forged_lengths_stay_within_the_packet() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile, Cryptex::Enabled);
        let mut sealed = packet(1, 3, Some(0xbede), &[0x10, 7, 0, 0]);
        sender.protect_rtp(&mut sealed, 0).unwrap();
        for octet in 0..sealed.len() {
            for value in [0, 1, 0x0f, 0x7f, 0x80, 0x90, 0x9f, 0xff] {
                let mut forged = sealed.clone();
                if std::mem::replace(&mut forged[octet], value) != value {
                    assert!(receiver.unprotect_rtp(&mut forged).is_err(), "{octet}");
                }
            }
        }
        for length in 0..sealed.len() {
            let mut cut = sealed[..length].to_vec();
            assert!(receiver.unprotect_rtp(&mut cut).is_err(), "{length}");
        }
        assert_eq!(receiver.streams(), (0, 0));
        receiver.unprotect_rtp(&mut sealed).unwrap();
    }
}

#[test]
fn long_extension_values_are_masked_and_restored() {
    for profile in PROFILES {
        let mut config = Config::new(profile);
        config.encrypted_extensions = [1, 3, 200].into_iter().collect();
        let key = key(profile, 1);
        let mut sender = Sender::with_config(config.clone(), &key).unwrap();
        let mut receiver = Receiver::with_config(config, &key).unwrap();
        let mut block = vec![1, 255];
        block.extend([0xaa; 255]);
        block.extend([2, 3, 0xbb, 0xbb, 0xbb, 0, 200, 16]);
        block.extend([0xcc; 16]);
        block.extend([0; 3]);
        assert_eq!(block.len() % 4, 0);
        let plain = packet(1, 1, Some(0x1000), &block);
        let mut buf = plain.clone();
        sender.protect_rtp(&mut buf, 0).unwrap();
        let sealed = &buf[20..20 + block.len()];
        assert_eq!(sealed[..2], block[..2]);
        assert_eq!(sealed[257..265], block[257..265], "in the clear");
        let same = |range: std::ops::Range<usize>| sealed[range.clone()] == block[range];
        assert!(!same(2..18) && !same(200..257) && !same(265..281));
        assert!(same(281..284), "padding");
        assert_eq!(receiver.unprotect_rtp(&mut buf).unwrap(), plain);
    }
}

#[test]
fn sets_of_ids_hold_every_id() {
    let mut ids = ExtensionIds::default();
    assert!(ids.is_empty());
    for id in [0, 1, 63, 64, 255] {
        assert!(!ids.contains(id));
        ids.insert(id);
        assert!(ids.contains(id));
    }
    assert!(!ids.contains(2) && !ids.is_empty());
}

proptest! {
    #[test]
    fn any_header_goes_round_under_cryptex(
        csrcs in 0_u8..=15,
        form in 0..4,
        words in 0_usize..20,
        which in 0..PROFILES.len(),
        required: bool,
    ) {
        let form = [None, Some(0xbede), Some(0x1000), Some(0x4321)][usize::try_from(form).unwrap()];
        let block: Vec<u8> = (0..words * 4).map(|octet| octet as u8).collect();
        let block = if form.is_some() { &block[..] } else { &[] };
        let plain = packet(9, csrcs, form, block);
        let cryptex = if required { Cryptex::Required } else { Cryptex::Enabled };
        let (mut sender, mut receiver) = pair(PROFILES[which], cryptex);
        let mut buf = plain.clone();
        match sender.protect_rtp(&mut buf, 0) {
            Ok(()) => {
                let opened = receiver.unprotect_rtp(&mut buf).unwrap().to_vec();
                let (view, again) = (
                    rtp::PacketView::parse(&plain).unwrap(),
                    rtp::PacketView::parse(&opened).unwrap(),
                );
                prop_assert_eq!(view.payload(), again.payload());
                prop_assert!(view.csrcs().eq(again.csrcs()));
                prop_assert!(view.extensions().eq(again.extensions()));
                prop_assert!(opened.len() - plain.len() <= 4);
            }
            Err(error) => {
                prop_assert_eq!(error, ProtectError::OpaqueExtension);
                prop_assert!(required && form == Some(0x4321));
                prop_assert_eq!(buf, plain);
            }
        }
    }
}
