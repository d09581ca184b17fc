//! One test for each class of attack on SRTP, by the id of the class.

use super::{PROFILES, hex, json, key, pair, rtcp_packet, rtp_packet, sealed_rtcp, sealed_rtp};
use crate::receiver::{IDLE_PACKETS, MAX_STREAMS, SRTCP_WINDOW, SRTP_WINDOW};
use crate::sender::MAX_RTCP_INDEX;
use crate::{
    Event, KEY_MARGIN, KeyError, KeyingMaterial, MasterKey, Profile, ProtectError, Receiver,
    Sender, UnprotectError, Usage,
};
use rtp::Ssrc;

/// Everything a receiver knows, but its counters.
fn state(receiver: &Receiver) -> String {
    let text = format!("{receiver:?}");
    text[..text.find("stats:").unwrap()].to_owned()
}

/// P-01
#[test]
fn p01_forged_packet_far_ahead_does_not_move_the_rollover_counter() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, 65_000))
            .unwrap();
        let before = state(&receiver);
        for seq in [100, 20_000, 65_535, 65_001, 40_000] {
            let mut forged = rtp_packet(1, seq);
            forged.extend_from_slice(&[0; 16]);
            assert!(receiver.unprotect_rtp(&mut forged).is_err());
        }
        assert_eq!(state(&receiver), before);
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, 65_001))
            .unwrap();
    }
}

/// P-02
#[test]
fn p02_replays_are_refused_in_the_window_behind_it_and_across_the_wrap() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut sent = Vec::new();
        for step in 0..=SRTP_WINDOW as u16 {
            let packet = sealed_rtp(&mut sender, 1, 65_000_u16.wrapping_add(step));
            receiver.unprotect_rtp(&mut packet.clone()).unwrap();
            sent.push(packet);
        }
        for (age, packet) in sent.iter_mut().rev().enumerate() {
            let expected = if age as u64 >= SRTP_WINDOW {
                UnprotectError::TooOld
            } else {
                UnprotectError::Replayed
            };
            assert_eq!(receiver.unprotect_rtp(packet).err(), Some(expected));
        }
        assert_eq!(receiver.stats().replayed, SRTP_WINDOW);
        assert_eq!(receiver.stats().too_old, 1);
    }
}

/// P-02
#[test]
fn p02_late_packets_inside_the_window_are_accepted_once() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut packets: Vec<_> = (0..SRTP_WINDOW as u16)
        .map(|seq| sealed_rtp(&mut sender, 1, seq))
        .collect();
    for packet in packets.iter_mut().rev() {
        receiver.unprotect_rtp(packet).unwrap();
    }
    assert_eq!(receiver.stats().accepted, SRTP_WINDOW);
}

/// P-02
#[test]
fn p02_srtcp_replays_are_refused_per_source() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut sent = Vec::new();
        for _ in 0..=SRTCP_WINDOW {
            let packet = sealed_rtcp(&mut sender, 1);
            receiver.unprotect_rtcp(&mut packet.clone()).unwrap();
            sent.push(packet);
        }
        for (age, packet) in sent.iter_mut().rev().enumerate() {
            let expected = if age as u64 >= SRTCP_WINDOW {
                UnprotectError::TooOld
            } else {
                UnprotectError::Replayed
            };
            assert_eq!(receiver.unprotect_rtcp(packet).err(), Some(expected));
        }
        receiver
            .unprotect_rtcp(&mut sealed_rtcp(&mut sender, 2))
            .unwrap();
    }
}

/// P-03
#[test]
fn p03_many_bad_packets_cost_a_counter_and_nothing_else() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let genuine = sealed_rtp(&mut sender, 1, 1);
        for _ in 0..10_000 {
            let mut bad = genuine.clone();
            bad[14] ^= 0x40;
            assert_eq!(
                receiver.unprotect_rtp(&mut bad).err(),
                Some(UnprotectError::Unauthenticated)
            );
        }
        assert_eq!(receiver.stats().unauthenticated, 10_000);
        assert_eq!(receiver.streams(), (0, 0));
        receiver.unprotect_rtp(&mut genuine.clone()).unwrap();
    }
}

/// P-04
#[test]
fn p04_every_short_length_is_an_error() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for first in [0x80, 0x9f, 0xbf, 0x00, 0xff] {
            for length in 0..=64 {
                let mut packet = vec![0xff; length];
                if let Some(octet) = packet.first_mut() {
                    *octet = first;
                }
                assert!(receiver.unprotect_rtp(&mut packet.clone()).is_err());
                assert!(receiver.unprotect_rtcp(&mut packet.clone()).is_err());
            }
        }
        let rtp = sealed_rtp(&mut sender, 1, 1);
        for length in 0..rtp.len() {
            assert!(receiver.unprotect_rtp(&mut rtp[..length].to_vec()).is_err());
        }
        let rtcp = sealed_rtcp(&mut sender, 1);
        for length in 0..rtcp.len() {
            assert!(
                receiver
                    .unprotect_rtcp(&mut rtcp[..length].to_vec())
                    .is_err()
            );
        }
        assert_eq!(receiver.streams(), (0, 0));
        assert_eq!(receiver.stats().accepted, 0);
    }
}

/// P-04
#[test]
fn p04_short_plaintext_is_refused_and_left_alone() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    for length in 0..12 {
        let mut buf = vec![0x80; length];
        assert_eq!(
            sender.protect_rtp(&mut buf, 0),
            Err(ProtectError::Malformed)
        );
        assert_eq!(buf, vec![0x80; length]);
    }
    for length in 0..8 {
        let mut buf = vec![0x80; length];
        assert_eq!(
            sender.protect_rtcp(&mut buf, 0),
            Err(ProtectError::Malformed)
        );
    }
    assert_eq!(
        sender.protect_rtp(&mut vec![0x80; 20], 21),
        Err(ProtectError::Malformed)
    );
    let mut beyond = rtp_packet(1, 1);
    beyond[0] = 0x8f;
    assert_eq!(
        sender.protect_rtp(&mut beyond, 0),
        Err(ProtectError::Malformed)
    );
}

/// P-04
#[test]
fn p04_packets_longer_than_a_datagram_are_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut rtp = rtp_packet(1, 1);
        rtp.resize(65_536, 0);
        assert_eq!(sender.protect_rtp(&mut rtp, 0), Err(ProtectError::TooLong));
        assert_eq!(rtp.len(), 65_536);
        assert_eq!(
            receiver.unprotect_rtp(&mut rtp).err(),
            Some(UnprotectError::Malformed)
        );
        let mut rtcp = rtcp_packet(1);
        rtcp.resize(65_536, 0);
        assert_eq!(
            sender.protect_rtcp(&mut rtcp, 0),
            Err(ProtectError::TooLong)
        );
        assert_eq!(
            receiver.unprotect_rtcp(&mut rtcp).err(),
            Some(UnprotectError::Malformed)
        );
    }
}

/// P-05
#[test]
fn p05_every_bit_of_a_packet_is_authenticated() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let rtp = sealed_rtp(&mut sender, 1, 1);
        let rtcp = sealed_rtcp(&mut sender, 1);
        for bit in 0..rtp.len() * 8 {
            let mut packet = rtp.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtp(&mut packet).is_err(), "bit {bit}");
        }
        for bit in 0..rtcp.len() * 8 {
            let mut packet = rtcp.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut packet).is_err(), "bit {bit}");
        }
        assert_eq!(receiver.streams(), (0, 0));
        receiver.unprotect_rtp(&mut rtp.clone()).unwrap();
        receiver.unprotect_rtcp(&mut rtcp.clone()).unwrap();
    }
}

/// P-06
#[test]
fn p06_plaintext_and_unencrypted_packets_are_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        assert!(receiver.unprotect_rtp(&mut rtp_packet(1, 1)).is_err());
        assert!(receiver.unprotect_rtcp(&mut rtcp_packet(1)).is_err());
        let mut packet = sealed_rtcp(&mut sender, 1);
        let e_bit = match profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => packet.len() - 4,
            _ => packet.len() - 14,
        };
        if !profile.encrypts() {
            assert_eq!(packet[e_bit], 0, "nothing is encrypted, as was negotiated");
            continue;
        }
        assert_eq!(packet[e_bit], 0x80);
        packet[e_bit] = 0;
        assert_eq!(
            receiver.unprotect_rtcp(&mut packet).err(),
            Some(UnprotectError::Unencrypted)
        );
    }
}

/// P-06
#[test]
fn p06_packets_do_not_pass_as_the_other_kind_or_the_other_profile() {
    let (mut cm, mut cm_receiver) = pair(Profile::Aes128CmSha1_80);
    let (mut gcm, mut gcm_receiver) = pair(Profile::AeadAes128Gcm);
    assert!(
        gcm_receiver
            .unprotect_rtp(&mut sealed_rtp(&mut cm, 1, 1))
            .is_err()
    );
    assert!(
        cm_receiver
            .unprotect_rtp(&mut sealed_rtp(&mut gcm, 1, 1))
            .is_err()
    );
    assert!(
        gcm_receiver
            .unprotect_rtp(&mut sealed_rtcp(&mut gcm, 1))
            .is_err()
    );
    assert!(
        cm_receiver
            .unprotect_rtcp(&mut sealed_rtp(&mut cm, 1, 2))
            .is_err()
    );
}

/// P-07
#[test]
fn p07_sender_refuses_to_use_an_index_twice_or_to_rewind() {
    for profile in PROFILES {
        let (mut sender, _) = pair(profile);
        sealed_rtp(&mut sender, 1, 5_000);
        let before = rtp_packet(1, 5_000);
        let mut again = before.clone();
        assert_eq!(
            sender.protect_rtp(&mut again, 0),
            Err(ProtectError::IndexUsed)
        );
        assert_eq!(again, before, "the buffer is as it was");

        sealed_rtp(&mut sender, 1, 4_999);
        let mut late = rtp_packet(1, 4_999);
        assert_eq!(
            sender.protect_rtp(&mut late, 0),
            Err(ProtectError::IndexUsed)
        );
        let mut rewound = rtp_packet(1, 5_000 - SRTP_WINDOW as u16);
        assert_eq!(
            sender.protect_rtp(&mut rewound, 0),
            Err(ProtectError::IndexUsed)
        );
        let mut below = rtp_packet(1, 60_000);
        assert_eq!(
            sender.protect_rtp(&mut below, 0),
            Err(ProtectError::IndexUsed)
        );

        sealed_rtp(&mut sender, 2, 5_000);
        sealed_rtp(&mut sender, 1, 5_001);
    }
}

/// P-07
#[test]
fn p07_rtcp_of_all_sources_draws_on_one_index() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    let first = sealed_rtcp(&mut sender, 1);
    let second = sealed_rtcp(&mut sender, 2);
    assert_eq!(first.last(), Some(&0));
    assert_eq!(second.last(), Some(&1));
}

/// P-07
#[test]
fn p07_the_two_directions_have_different_keys() {
    for profile in PROFILES {
        let mut material = KeyingMaterial::new(profile);
        for (value, octet) in (0..).zip(material.as_mut_slice()) {
            *octet = value;
        }
        let (client, server) = material.into_keys().unwrap();
        let mut sender = Sender::new(profile, client).unwrap();
        let mut receiver = Receiver::new(profile, server).unwrap();
        assert_eq!(
            receiver
                .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, 1))
                .err(),
            Some(UnprotectError::Unauthenticated)
        );
    }
}

/// P-08
#[test]
fn p08_forged_packets_leave_the_whole_state_equal() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut forger = Sender::new(profile, key(profile, 9)).unwrap();
        for seq in 0..50 {
            receiver
                .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, seq))
                .unwrap();
        }
        receiver
            .unprotect_rtcp(&mut sealed_rtcp(&mut sender, 1))
            .unwrap();
        let (before, stats) = (state(&receiver), receiver.stats());
        for ssrc in [1, 2, 77] {
            for seq in [49, 50, 51, 10_000, 65_535] {
                let mut packet = rtp_packet(ssrc, seq);
                if forger.protect_rtp(&mut packet, 0).is_ok() {
                    assert!(receiver.unprotect_rtp(&mut packet).is_err());
                }
            }
            assert!(
                receiver
                    .unprotect_rtcp(&mut sealed_rtcp(&mut forger, ssrc))
                    .is_err()
            );
        }
        assert_eq!(state(&receiver), before);
        assert_eq!(receiver.stats().accepted, stats.accepted);
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, 50))
            .unwrap();
    }
}

/// P-09
#[test]
fn p09_forged_sources_make_no_state() {
    let (_, mut receiver) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..5_000 {
        let mut packet = rtp_packet(ssrc, 1);
        packet.extend_from_slice(&[0; 16]);
        assert!(receiver.unprotect_rtp(&mut packet).is_err());
    }
    assert_eq!(receiver.streams(), (0, 0));
}

/// P-09
#[test]
fn p09_sources_are_capped_and_idle_ones_make_room() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut other = Sender::new(Profile::AeadAes128Gcm, key(Profile::AeadAes128Gcm, 1)).unwrap();
    let mut first = sealed_rtp(&mut sender, 0, 10);
    receiver.unprotect_rtp(&mut first.clone()).unwrap();
    for ssrc in 1..MAX_STREAMS as u32 {
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut sender, ssrc, 10))
            .unwrap();
    }
    assert_eq!(receiver.streams().0, MAX_STREAMS);
    assert_eq!(
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut other, 5_000, 1))
            .err(),
        Some(UnprotectError::TooManyStreams),
        "nobody is idle"
    );
    assert_eq!(receiver.stats().too_many_streams, 1);

    let (mut seq, mut sent) = (10, MAX_STREAMS as u64);
    while sent <= IDLE_PACKETS {
        seq += 1;
        receiver
            .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, seq))
            .unwrap();
        sent += 1;
    }
    receiver
        .unprotect_rtp(&mut sealed_rtp(&mut other, 5_000, 2))
        .unwrap();
    assert_eq!(receiver.streams().0, MAX_STREAMS);
    assert_eq!(receiver.stats().streams_evicted, 1);

    assert_eq!(
        receiver.unprotect_rtp(&mut first).err(),
        Some(UnprotectError::Replayed),
        "an evicted source is not open to replay"
    );
    receiver
        .unprotect_rtp(&mut sealed_rtp(&mut sender, 1, seq + 1))
        .unwrap();
    receiver
        .unprotect_rtp(&mut sealed_rtp(&mut sender, 0, 11))
        .unwrap();
    assert_eq!(
        receiver.stats().streams_evicted,
        2,
        "it comes back for the next idle one"
    );
}

/// P-09
#[test]
fn p09_sender_refuses_one_source_too_many() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..MAX_STREAMS as u32 {
        sealed_rtp(&mut sender, ssrc, 1);
    }
    let mut packet = rtp_packet(5_000, 1);
    assert_eq!(
        sender.protect_rtp(&mut packet, 0),
        Err(ProtectError::TooManyStreams)
    );
    assert_eq!(packet, rtp_packet(5_000, 1));
    sealed_rtp(&mut sender, 0, 2);
}

/// P-10
#[test]
fn p10_every_profile_goes_round_and_has_a_number() {
    let known = |number: u16| Profile::from_number(number).is_some();
    assert!((0..=u16::MAX).all(|number| known(number) == (1..=8).contains(&number)));
    for (number, profile) in (1..).zip(PROFILES) {
        assert_eq!(Profile::from_number(number), Some(profile));
        assert_eq!(profile.number(), number);
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = sealed_rtp(&mut sender, 1, 1);
        assert_eq!(packet.len(), 20 + profile.rtp_overhead());
        assert_eq!(
            receiver.unprotect_rtp(&mut packet).unwrap(),
            rtp_packet(1, 1)
        );
        let mut packet = sealed_rtcp(&mut sender, 1);
        assert_eq!(packet.len(), 20 + profile.rtcp_overhead());
        assert_eq!(
            receiver.unprotect_rtcp(&mut packet).unwrap(),
            rtcp_packet(1)
        );
    }
}

/// P-10
#[test]
fn p10_keys_of_another_length_or_profile_are_refused() {
    for profile in PROFILES {
        for length in 0..40 {
            let key = MasterKey::new(profile, &vec![0; length], &vec![0; profile.salt_length()]);
            assert_eq!(key.is_ok(), length == profile.key_length());
        }
        for length in 0..100 {
            let split = KeyingMaterial::split(profile, &vec![0; length]);
            assert_eq!(split.is_ok(), length == profile.keying_material_length());
        }
    }
    let [cm, gcm] = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm];
    assert_eq!(Sender::new(cm, key(gcm, 1)).err(), Some(KeyError::Length));
    assert_eq!(Receiver::new(gcm, key(cm, 1)).err(), Some(KeyError::Length));
}

/// P-11
#[test]
fn p11_keys_end_at_the_limits_and_say_so_before() {
    for profile in PROFILES {
        let (mut sender, _) = pair(profile);
        let expiring = |usage, packets_left| {
            Some(Event::KeyExpiring {
                usage,
                packets_left,
            })
        };
        sender.set_rtcp_index(MAX_RTCP_INDEX - KEY_MARGIN - 1);
        sealed_rtcp(&mut sender, 1);
        assert_eq!(sender.poll_event(), None);
        sealed_rtcp(&mut sender, 1);
        assert_eq!(sender.poll_event(), expiring(Usage::Rtcp, KEY_MARGIN));
        sealed_rtcp(&mut sender, 1);
        assert_eq!(sender.poll_event(), None, "once is enough");

        let last = (1 << 48) - 1 - KEY_MARGIN;
        sender.set_highest(Ssrc::new(5), last - 2);
        sealed_rtp(&mut sender, 5, (last - 1) as u16);
        assert_eq!(sender.poll_event(), None);
        sealed_rtp(&mut sender, 5, last as u16);
        assert_eq!(sender.poll_event(), expiring(Usage::Rtp, KEY_MARGIN));

        sender.set_rtcp_index(MAX_RTCP_INDEX);
        assert_eq!(sender.rtcp_packets_left(), 1);
        sealed_rtcp(&mut sender, 1);
        assert_eq!(sender.rtcp_packets_left(), 0);
        let mut packet = rtcp_packet(1);
        assert_eq!(
            sender.protect_rtcp(&mut packet, 0),
            Err(ProtectError::KeyExhausted)
        );
        assert_eq!(packet, rtcp_packet(1));

        sender.set_highest(Ssrc::new(1), (1 << 48) - 2);
        sealed_rtp(&mut sender, 1, 65_535);
        let mut packet = rtp_packet(1, 0);
        assert_eq!(
            sender.protect_rtp(&mut packet, 0),
            Err(ProtectError::KeyExhausted)
        );
        assert_eq!(packet, rtp_packet(1, 0));
    }
}

/// an index with the E bit, and half a tag.
#[test]
fn q11_srtcp_too_short_for_its_tag_is_refused() {
    const CASES: &str = include_str!("../../../testdata/rtp/rtcp_cases.json");
    let cases = json(CASES);
    let cases = cases["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["id"] == "Q-11").unwrap();
    for profile in PROFILES {
        let (_, mut receiver) = pair(profile);
        let packet = hex(&case["hex"]);
        for length in 0..=packet.len() {
            let mut cut = packet[..length].to_vec();
            assert!(receiver.unprotect_rtcp(&mut cut).is_err());
        }
        assert_eq!(receiver.streams(), (0, 0));
    }
}

/// P-11: RFC 3711 §9.2: the limit is the key's, whichever sources it was spent on.
#[test]
fn p11_packets_of_all_sources_count_against_the_key() {
    let (mut sender, _) = pair(Profile::AeadAes256Gcm);
    sender.set_rtp_packets((1 << 48) - 1);
    sealed_rtp(&mut sender, 1, 1);
    assert!(matches!(
        sender.poll_event(),
        Some(Event::KeyExpiring {
            packets_left: 0,
            ..
        })
    ));
    let mut packet = rtp_packet(2, 1);
    let refused = sender.protect_rtp(&mut packet, 0);
    assert_eq!(refused, Err(ProtectError::KeyExhausted));
    assert_eq!(packet, rtp_packet(2, 1));
}

#[test]
fn secrets_are_not_printed() {
    for profile in PROFILES {
        let (sender, receiver) = pair(profile);
        let text = format!("{:?} {sender:?} {receiver:?}", key(profile, 0xab));
        assert!(!text.contains("171"), "{text}");
        assert!(!text.to_lowercase().contains("abab"), "{text}");
    }
}
