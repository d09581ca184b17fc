use rtp::Ssrc;

use super::{hex, json, number};
use crate::cipher::test_access::{AesCm, AesGcm, Purpose, Usage, derive};
use crate::cipher::{Cipher, Position};
use crate::{KeyingMaterial, MasterKey, Profile, Receiver, Sender, UnprotectError};

const RFC_3711: &str = include_str!("../../../testdata/srtp/rfc3711_appendix_b.json");
const RFC_7714: &str = include_str!("../../../testdata/srtp/rfc7714.json");
const LIBSRTP: &str = include_str!("../../../testdata/srtp/libsrtp_packets.json");
const FIREFOX: &str = include_str!("../../../testdata/srtp/firefox153_session.json");

#[test]
fn aes_cm_keystream_is_that_of_rfc_3711_b2() {
    let data = json(RFC_3711);
    let vector = &data["aes_cm_keystream"];
    let salt = hex(&vector["session_salt"]);
    let cipher = AesCm::new(
        &hex(&vector["session_key"]),
        &[0; 20],
        salt.first_chunk().unwrap(),
    )
    .unwrap();
    let mut keystream = vec![0; number(&vector["keystream_octets"]) as usize];
    let at = Position {
        ssrc: Ssrc::new(0),
        index: 0,
    };
    cipher.apply_keystream(&mut keystream, at);
    for block in vector["blocks"].as_array().unwrap() {
        let counter = hex(&block["counter"]);
        let number = u16::from_be_bytes(*counter.last_chunk().unwrap());
        let start = usize::from(number) * 16;
        assert_eq!(keystream[start..start + 16], hex(&block["keystream"]));
    }
    let sum = ring::digest::digest(&ring::digest::SHA256, &keystream);
    assert_eq!(sum.as_ref(), hex(&vector["keystream_sha256_of_all_octets"]));
}

#[test]
fn session_keys_are_those_of_rfc_3711_b3() {
    let data = json(RFC_3711);
    let vector = &data["key_derivation"];
    let master = MasterKey::new(
        Profile::Aes128CmSha1_80,
        &hex(&vector["master_key"]),
        &hex(&vector["master_salt"]),
    )
    .unwrap();
    let rtp = |purpose| derive::<94>(&master, Usage::Rtp, purpose).unwrap();
    let rtcp = |purpose| derive::<20>(&master, Usage::Rtcp, purpose).unwrap();
    assert_eq!(
        rtp(Purpose::Encryption)[..16],
        hex(&vector["cipher_key_label_00"])
    );
    assert_eq!(
        rtp(Purpose::Authentication)[..],
        hex(&vector["auth_key_94_label_01"])
    );
    assert_eq!(
        rtp(Purpose::Salt)[..14],
        hex(&vector["cipher_salt_label_02"])
    );
    let computed = &data["srtcp_key_derivation_COMPUTED_not_in_rfc"];
    assert_eq!(
        rtcp(Purpose::Encryption)[..16],
        hex(&computed["srtcp_cipher_key"])
    );
    assert_eq!(
        rtcp(Purpose::Authentication)[..],
        hex(&computed["srtcp_auth_key"])
    );
    assert_eq!(rtcp(Purpose::Salt)[..14], hex(&computed["srtcp_salt"]));
}

#[test]
fn gcm_packets_are_those_of_rfc_7714() {
    let data = json(RFC_7714);
    let mut seen = 0;
    for vector in data["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        if name.contains("256") {
            continue;
        }
        seen += 1;
        let salt = hex(&vector["salt"]);
        let aead = AesGcm::new(&hex(&vector["key"]), salt.first_chunk().unwrap()).unwrap();
        let cipher = Cipher::AesGcm(Box::new(aead));
        if vector["rtp"].is_string() {
            let (plain, sealed) = (hex(&vector["rtp"]), hex(&vector["srtp"]));
            let header_len = hex(&vector["aad"]).len();
            let at = Position {
                ssrc: Ssrc::new(u32::from_be_bytes(plain[8..12].try_into().unwrap())),
                index: number(&vector["roc"]) << 16
                    | u64::from(u16::from_be_bytes([plain[2], plain[3]])),
            };
            let mut buf = plain.clone();
            cipher.seal_rtp(&mut buf, 0, header_len, at).unwrap();
            assert_eq!(buf, sealed, "{name}");
            assert_eq!(cipher.open_rtp(&mut buf, header_len, at).unwrap(), plain);
        } else {
            let (plain, sealed) = (hex(&vector["rtcp"]), hex(&vector["srtcp"]));
            let at = Position {
                ssrc: Ssrc::new(u32::from_be_bytes(plain[4..8].try_into().unwrap())),
                index: number(&vector["srtcp_index"]),
            };
            let mut buf = sealed.clone();
            let word = cipher.rtcp_index(&buf).unwrap();
            assert_eq!(u64::from(word & 0x7fff_ffff), at.index, "{name}");
            if name.contains("tag only") {
                assert_eq!(word >> 31, 0, "E is 0: the receiver refuses it");
                continue;
            }
            assert_eq!(cipher.open_rtcp(&mut buf, at).unwrap(), plain);
            let mut buf = plain;
            cipher.seal_rtcp(&mut buf, 0, at).unwrap();
            assert_eq!(buf, sealed, "{name}");
        }
    }
    assert_eq!(seen, 4);
}

fn master(profile: Profile, key: &serde_json::Value, salt: &serde_json::Value) -> MasterKey {
    MasterKey::new(profile, &hex(key), &hex(salt)).unwrap()
}

#[test]
fn whole_packets_are_those_of_libsrtp() {
    let data = json(LIBSRTP);
    for (number, profile) in [
        ("SRTP_AES128_CM_SHA1_80", Profile::Aes128CmSha1_80),
        ("SRTP_AEAD_AES_128_GCM", Profile::AeadAes128Gcm),
    ] {
        let vector = data["vectors"]
            .as_array()
            .unwrap()
            .iter()
            .find(|vector| vector["profile"] == number)
            .unwrap();
        let key = master(profile, &vector["master_key"], &vector["master_salt"]);
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();

        let mut buf = b"prefix".to_vec();
        buf.extend_from_slice(&hex(&vector["rtp"]));
        sender.protect_rtp(&mut buf, 6).unwrap();
        assert_eq!(&buf[..6], b"prefix");
        assert_eq!(buf[6..], hex(&vector["srtp"]), "{number}");
        assert_eq!(
            receiver.unprotect_rtp(&mut buf[6..]).unwrap(),
            hex(&vector["rtp"])
        );

        sender.set_rtcp_index(vector["srtcp_index"].as_u64().unwrap());
        let mut buf = b"prefix".to_vec();
        buf.extend_from_slice(&hex(&vector["rtcp"]));
        sender.protect_rtcp(&mut buf, 6).unwrap();
        assert_eq!(&buf[..6], b"prefix");
        assert_eq!(buf[6..], hex(&vector["srtcp"]), "{number}");
        assert_eq!(
            receiver.unprotect_rtcp(&mut buf[6..]).unwrap(),
            hex(&vector["rtcp"])
        );
    }
}

#[test]
fn rollover_counter_goes_into_vector_and_tag() {
    let data = json(LIBSRTP);
    let set = &data["roc_rollover_COMPUTED"];
    for (profile, prefix, field) in [
        (Profile::Aes128CmSha1_80, "cm", "srtp_aes128cm_sha1_80"),
        (Profile::AeadAes128Gcm, "gcm", "srtp_aead_aes_128_gcm"),
    ] {
        let key = master(
            profile,
            &set[format!("{prefix}_master_key")],
            &set[format!("{prefix}_master_salt")],
        );
        let cipher = Cipher::new(&key, Usage::Rtp).unwrap();
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        for packet in set["packets"].as_array().unwrap() {
            let (plain, sealed) = (hex(&packet["rtp"]), hex(&packet[field]));
            let ssrc = Ssrc::new(u32::from_be_bytes(plain[8..12].try_into().unwrap()));
            let index = number(&packet["roc"]) << 16 | number(&packet["seq"]);
            let at = Position { ssrc, index };
            let mut buf = plain.clone();
            cipher.seal_rtp(&mut buf, 0, 12, at).unwrap();
            assert_eq!(buf, sealed);

            // The steps from 65,534 to 32,768 are small enough to be followed; from there the counter leaps.
            if number(&packet["roc"]) < 2 {
                let mut buf = plain.clone();
                sender.protect_rtp(&mut buf, 0).unwrap();
                assert_eq!(buf, sealed);
                assert_eq!(receiver.unprotect_rtp(&mut buf).unwrap(), plain);
            }
        }
    }
}

#[test]
fn srtcp_index_is_carried_to_its_end() {
    let data = json(LIBSRTP);
    let set = &data["roc_rollover_COMPUTED"];
    for (profile, prefix, field) in [
        (Profile::Aes128CmSha1_80, "cm", "srtcp_aes128cm_sha1_80"),
        (Profile::AeadAes128Gcm, "gcm", "srtcp_aead_aes_128_gcm"),
    ] {
        let key = master(
            profile,
            &set[format!("{prefix}_master_key")],
            &set[format!("{prefix}_master_salt")],
        );
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        for packet in data["srtcp_index_COMPUTED"].as_array().unwrap() {
            let plain = hex(&packet["rtcp"]);
            sender.set_rtcp_index(number(&packet["index"]));
            let mut buf = plain.clone();
            sender.protect_rtcp(&mut buf, 0).unwrap();
            assert_eq!(buf, hex(&packet[field]));
            assert_eq!(receiver.unprotect_rtcp(&mut buf).unwrap(), plain);

            let unencrypted = &packet[format!("{field}_unencrypted_E0")];
            if unencrypted.is_string() {
                let result = receiver.unprotect_rtcp(&mut hex(unencrypted)).err();
                assert_eq!(result, Some(UnprotectError::Unencrypted));
            }
        }
    }
}

#[test]
fn packets_of_a_real_browser_open() {
    let data = json(FIREFOX);
    let profile = Profile::AeadAes128Gcm;
    let exported = hex(&data["exporter_keying_material"]);
    let (client, server) = KeyingMaterial::split(profile, &exported).unwrap();
    assert_eq!(data["dtls_client"], "A");
    let mut from_a = Receiver::new(profile, client).unwrap();
    let mut from_b = Receiver::new(profile, server).unwrap();
    for packet in data["packets"].as_array().unwrap() {
        let receiver = if packet["from"] == "A" {
            &mut from_a
        } else {
            &mut from_b
        };
        let mut bytes = hex(&packet["hex"]);
        if packet["kind"] == "rtp" {
            let plain = receiver.unprotect_rtp(&mut bytes).unwrap();
            assert!(rtp::PacketView::parse(plain).is_ok());
        } else {
            let plain = receiver.unprotect_rtcp(&mut bytes).unwrap();
            assert!(rtp::is_rtcp(plain));
        }
    }
    let accepted = from_a.stats().accepted + from_b.stats().accepted;
    assert_eq!(accepted as usize, data["packets"].as_array().unwrap().len());
}
