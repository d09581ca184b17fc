//! A million forged packets: the call stays, and nothing grows.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use avocet_srtp::{Config, Cryptex, MasterKey, Profile, Receiver, Sender};

const PACKETS: u32 = 1_000_000;

fn key(profile: Profile) -> MasterKey {
    let (key, salt) = ([7; 32], [9; 14]);
    MasterKey::new(
        profile,
        &key[..profile.key_length()],
        &salt[..profile.salt_length()],
    )
    .unwrap()
}

fn rtp(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    packet[2..4].copy_from_slice(&seq.to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(b"payload!");
    packet
}

/// P-03, P-09: packets of a million sources, RTP and RTCP, leave the memory as it was, and the call goes on.
#[test]
fn p03_p09_million_forged_sources_leave_memory_unchanged() {
    for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm] {
        let mut config = Config::new(profile);
        config.cryptex = Cryptex::Enabled;
        let mut sender = Sender::with_config(config.clone(), &key(profile)).unwrap();
        let mut receiver = Receiver::with_config(config, &key(profile)).unwrap();
        let mut genuine = rtp(7, 1);
        sender.protect_rtp(&mut genuine, 0).unwrap();
        receiver.unprotect_rtp(&mut genuine).unwrap();

        let mut buf = Vec::with_capacity(64);
        let measured = allocation_counter::measure(|| {
            for ssrc in 0..PACKETS {
                buf.clear();
                buf.extend_from_slice(&[0x80, 96, 0, 1, 0, 0, 0, 0]);
                buf.extend_from_slice(&ssrc.to_be_bytes());
                buf.extend_from_slice(&[0x5a; 24]);
                if ssrc % 4 == 1 {
                    buf[1] = 201;
                    buf.copy_within(8..12, 4);
                }
                let refused = if ssrc % 4 == 1 {
                    receiver.unprotect_rtcp(&mut buf).is_err()
                } else {
                    receiver.unprotect_rtp(&mut buf).is_err()
                };
                assert!(refused);
            }
        });
        assert_eq!(measured.bytes_current, 0, "{profile:?}");
        assert!(measured.bytes_max < 200, "{profile:?}: {measured:?}");
        assert_eq!(receiver.streams(), (1, 0));
        let stats = receiver.stats();
        let dropped = stats.unauthenticated + stats.unencrypted + stats.malformed + stats.cryptex;
        // One of them has the number of the genuine packet.
        assert_eq!((dropped, stats.replayed), (u64::from(PACKETS) - 1, 1));

        let mut genuine = rtp(7, 2);
        sender.protect_rtp(&mut genuine, 0).unwrap();
        receiver.unprotect_rtp(&mut genuine).unwrap();
    }
}

/// Packets of known sources cost no allocation either way.
#[test]
fn packets_of_known_sources_allocate_nothing() {
    for profile in Profile::ALL {
        for cryptex in [Cryptex::Disabled, Cryptex::Enabled] {
            let mut config = Config::new(profile);
            config.cryptex = cryptex;
            config.encrypted_extensions = [1].into_iter().collect();
            let mut sender = Sender::with_config(config.clone(), &key(profile)).unwrap();
            let mut receiver = Receiver::with_config(config, &key(profile)).unwrap();
            let mut buf = Vec::with_capacity(256);
            let mut round = |seq: u16| {
                buf.clear();
                buf.extend_from_slice(&[0x91, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9]);
                buf[2..4].copy_from_slice(&seq.to_be_bytes());
                buf.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 1, 2, 3]);
                sender.protect_rtp(&mut buf, 0).unwrap();
                receiver.unprotect_rtp(&mut buf).unwrap();
                buf.clear();
                buf.extend_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 7]);
                sender.protect_rtcp(&mut buf, 0).unwrap();
                receiver.unprotect_rtcp(&mut buf).unwrap();
            };
            round(0);
            let measured = allocation_counter::measure(|| (1..100).for_each(&mut round));
            assert_eq!(measured.count_total, 0, "{profile:?} {cryptex:?}");
        }
    }
}

/// What both directions of a connection hold before the first packet.
#[test]
fn contexts_hold_little_at_their_birth() {
    for (profile, most) in [
        (Profile::AeadAes128Gcm, 2_400),
        (Profile::AeadAes256Gcm, 2_400),
        (Profile::Aes128CmSha1_80, 1_500),
    ] {
        let mut held = None;
        let measured = allocation_counter::measure(|| {
            held = Some((
                Sender::new(profile, key(profile)).unwrap(),
                Receiver::new(profile, key(profile)).unwrap(),
            ));
        });
        assert!(measured.bytes_current <= most, "{profile:?}: {measured:?}");
        drop(held);
    }
}
