//! More than one master key, and RTCP that is not encrypted.

use super::{PROFILES, key, rtcp_packet, rtp_packet, sealed_rtcp, sealed_rtp};
use crate::{
    Config, KeyError, MAX_KEYS, MAX_MKI, MasterKey, Profile, Receiver, RtcpProtection, Sender,
    UnprotectError,
};

fn named(profile: Profile, seed: u8, identifier: &[u8]) -> MasterKey {
    key(profile, seed).with_identifier(identifier).unwrap()
}

/// media 3.4 nos. 11 and 14
#[test]
fn packets_say_which_key_they_are_under() {
    for profile in PROFILES {
        for length in [1, 4, MAX_MKI] {
            let identifier = |seed| vec![seed; length];
            let keys = [1, 2, 3].map(|seed| named(profile, seed, &identifier(seed)));
            let mut sender = Sender::new(profile, keys[0].clone()).unwrap();
            let mut receiver = Receiver::new(profile, keys[0].clone()).unwrap();
            receiver.add_key(&keys[1]).unwrap();
            for (seq, key) in (1..).zip(&keys[..2]) {
                if seq > 1 {
                    sender.set_key(key).unwrap();
                }
                let mut packet = sealed_rtp(&mut sender, 1, seq);
                assert_eq!(packet.len(), 20 + profile.rtp_overhead() + length);
                let opened = receiver.unprotect_rtp(&mut packet).unwrap();
                assert_eq!(opened, rtp_packet(1, seq));
                let mut packet = sealed_rtcp(&mut sender, 1);
                assert_eq!(packet.len(), 20 + profile.rtcp_overhead() + length);
                let opened = receiver.unprotect_rtcp(&mut packet).unwrap();
                assert_eq!(opened, rtcp_packet(1));
            }
            sender.set_key(&keys[2]).unwrap();
            let packet = sealed_rtp(&mut sender, 1, 3);
            let unknown = Some(UnprotectError::UnknownKey);
            assert_eq!(receiver.unprotect_rtp(&mut packet.clone()).err(), unknown);
            let mut rtcp = sealed_rtcp(&mut sender, 1);
            assert_eq!(receiver.unprotect_rtcp(&mut rtcp).err(), unknown);
            assert_eq!(receiver.stats().unknown_key, 2);
            receiver.add_key(&keys[2]).unwrap();
            receiver.unprotect_rtp(&mut packet.clone()).unwrap();
            assert_eq!(
                receiver.unprotect_rtp(&mut packet.clone()).err(),
                Some(UnprotectError::Replayed),
                "streams are common to the keys"
            );
        }
    }
}

#[test]
fn identifiers_of_packets_cut_short_or_changed_are_refused() {
    for profile in PROFILES {
        let key = named(profile, 1, b"key1");
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        receiver.add_key(&named(profile, 2, b"key2")).unwrap();
        let rtp = sealed_rtp(&mut sender, 1, 1);
        let rtcp = sealed_rtcp(&mut sender, 1);
        for length in 0..rtp.len() {
            assert!(receiver.unprotect_rtp(&mut rtp[..length].to_vec()).is_err());
        }
        for length in 0..rtcp.len() {
            let mut cut = rtcp[..length].to_vec();
            assert!(receiver.unprotect_rtcp(&mut cut).is_err());
        }
        for bit in 0..rtp.len() * 8 {
            let mut changed = rtp.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtp(&mut changed).is_err(), "bit {bit}");
        }
        for bit in 0..rtcp.len() * 8 {
            let mut changed = rtcp.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut changed).is_err(), "bit {bit}");
        }
        receiver.unprotect_rtp(&mut rtp.clone()).unwrap();
        receiver.unprotect_rtcp(&mut rtcp.clone()).unwrap();
    }
}

#[test]
fn keys_are_capped_and_need_identifiers_of_one_length() {
    let profile = Profile::AeadAes128Gcm;
    let refused = |key: MasterKey, identifier: &[u8]| key.with_identifier(identifier).err();
    assert_eq!(refused(key(profile, 1), &[]), Some(KeyError::Mki));
    let long = [0; MAX_MKI + 1];
    assert_eq!(refused(key(profile, 1), &long), Some(KeyError::Mki));

    let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
    let second = receiver.add_key(&key(profile, 2));
    assert_eq!(second, Err(KeyError::Mki), "nothing tells them apart");
    let mut sender = Sender::new(profile, key(profile, 1)).unwrap();
    assert_eq!(sender.set_key(&key(profile, 2)), Err(KeyError::Mki));

    let first = named(profile, 0, &[0]);
    let mut receiver = Receiver::new(profile, first.clone()).unwrap();
    let mut sender = Sender::new(profile, first.clone()).unwrap();
    assert_eq!(receiver.add_key(&first), Err(KeyError::Mki));
    assert_eq!(sender.set_key(&first), Err(KeyError::Mki));
    let longer = named(profile, 1, &[1, 1]);
    assert_eq!(receiver.add_key(&longer), Err(KeyError::Mki));
    let other = named(Profile::Aes128CmSha1_80, 1, &[1]);
    assert_eq!(receiver.add_key(&other), Err(KeyError::Length));
    assert_eq!(receiver.remove_key(&[0]), Err(KeyError::Count));
    assert_eq!(receiver.remove_key(&[9]), Err(KeyError::Mki));
    for seed in 1..MAX_KEYS as u8 {
        receiver.add_key(&named(profile, seed, &[seed])).unwrap();
    }
    let beyond = named(profile, 99, &[99]);
    assert_eq!(receiver.add_key(&beyond), Err(KeyError::Count));
    receiver.remove_key(&[0]).unwrap();
    receiver.add_key(&beyond).unwrap();
    let mut packet = sealed_rtp(&mut sender, 1, 1);
    let removed = receiver.unprotect_rtp(&mut packet).err();
    assert_eq!(removed, Some(UnprotectError::UnknownKey));
}

/// P-06
#[test]
fn p06_rtcp_without_encryption_is_taken_only_where_the_policy_says_so() {
    for profile in PROFILES {
        let mut config = Config::new(profile);
        config.rtcp = RtcpProtection::AuthenticatedOnly;
        let key = key(profile, 1);
        let mut sender = Sender::with_config(config.clone(), &key).unwrap();
        let mut lenient = Receiver::with_config(config, &key).unwrap();
        let mut strict = Receiver::new(profile, key.clone()).unwrap();
        let sealed = sealed_rtcp(&mut sender, 1);
        assert_eq!(sealed[..20], rtcp_packet(1), "readable");
        let result = strict.unprotect_rtcp(&mut sealed.clone()).err();
        let refused = profile.encrypts().then_some(UnprotectError::Unencrypted);
        assert_eq!(result, refused);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(lenient.unprotect_rtcp(&mut changed).is_err(), "bit {bit}");
        }
        let mut copy = sealed.clone();
        let opened = lenient.unprotect_rtcp(&mut copy).unwrap();
        assert_eq!(opened, rtcp_packet(1));
        let mut other = Sender::new(profile, key).unwrap();
        let opened = sealed_rtcp(&mut other, 2);
        lenient.unprotect_rtcp(&mut opened.clone()).unwrap();
    }
}
