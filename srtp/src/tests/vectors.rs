use rtp::Ssrc;
use serde_json::Value;

use super::{hex, json, number};
use crate::cipher::test_access::{AesGcm, Derivation, HEADER_KEY, HEADER_SALT, Purpose, label};
use crate::cipher::{Cipher, Position};
use crate::header::Coverage;
use crate::provider::{CounterMode, CryptoProvider};
use crate::{
    Config, KeyingMaterial, MasterKey, Profile, Provider, Receiver, RtcpProtection, Sender,
    UnprotectError, Usage,
};

const RFC_3711: &str = include_str!("../../../testdata/srtp/rfc3711_appendix_b.json");
const RFC_6188: &str = include_str!("../../../testdata/srtp/rfc6188.json");
const RFC_6904: &str = include_str!("../../../testdata/srtp/rfc6904.json");
const RFC_7714: &str = include_str!("../../../testdata/srtp/rfc7714.json");
const LIBSRTP: &str = include_str!("../../../testdata/srtp/libsrtp_packets.json");
const FIREFOX: &str = include_str!("../../../testdata/srtp/firefox153_session.json");

/// The keystream of a packet with index, source and roll-over counter 0.
fn keystream_is_as_published(vector: &Value, octets: usize, sum: &Value) {
    let key = hex(&vector["session_key"]);
    let cipher: Box<dyn CounterMode> = Provider::ring().counter_mode(&key).unwrap();
    let mut start = [0; 16];
    start[..14].copy_from_slice(&hex(&vector["session_salt"]));
    let mut keystream = vec![0; octets];
    cipher.apply_keystream(&start, &mut keystream).unwrap();
    for block in vector["blocks"].as_array().unwrap() {
        let counter = hex(&block["counter"]);
        let number = u16::from_be_bytes(*counter.last_chunk().unwrap());
        let start = usize::from(number) * 16;
        assert_eq!(keystream[start..start + 16], hex(&block["keystream"]));
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &keystream);
    assert_eq!(digest.as_ref(), hex(sum));
}

fn derived(master: &MasterKey, label: u8, length: usize) -> Vec<u8> {
    let provider = Provider::ring();
    let mut octets = vec![0; length];
    Derivation::new(&provider, master)
        .unwrap()
        .fill(label, &mut octets)
        .unwrap();
    octets
}

#[test]
fn aes_cm_keystream_is_that_of_rfc_3711_b2() {
    let data = json(RFC_3711);
    let vector = &data["aes_cm_keystream"];
    let octets = number(&vector["keystream_octets"]) as usize;
    keystream_is_as_published(vector, octets, &vector["keystream_sha256_of_all_octets"]);
}

#[test]
fn aes_256_cm_keystream_is_that_of_rfc_6188() {
    let data = json(RFC_6188);
    let vector = &data["ctr"]["256"];
    let sum = &vector["keystream_sha256_of_1044512_octets"];
    keystream_is_as_published(vector, 1_044_512, sum);
}

#[test]
fn session_keys_are_those_of_rfc_3711_b3() {
    let data = json(RFC_3711);
    let vector = &data["key_derivation"];
    let master = master(
        Profile::Aes128CmSha1_80,
        &vector["master_key"],
        &vector["master_salt"],
    );
    let rtp = |purpose| derived(&master, label(Usage::Rtp, purpose), 94);
    let rtcp = |purpose| derived(&master, label(Usage::Rtcp, purpose), 20);
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
fn session_keys_of_256_bits_are_those_of_rfc_6188() {
    let data = json(RFC_6188);
    let vector = &data["kdf"]["256"];
    let master = master(
        Profile::Aes256CmSha1_80,
        &vector["master_key"],
        &vector["master_salt"],
    );
    let key = |purpose, length| derived(&master, label(Usage::Rtp, purpose), length);
    assert_eq!(key(Purpose::Encryption, 32), hex(&vector["cipher_key"]));
    assert_eq!(key(Purpose::Salt, 14), hex(&vector["cipher_salt"]));
    assert_eq!(
        key(Purpose::Authentication, 20),
        hex(&vector["auth_key_20"])
    );
}

#[test]
fn gcm_packets_are_those_of_rfc_7714() {
    let data = json(RFC_7714);
    let mut seen = 0;
    for vector in data["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let salt = hex(&vector["salt"]);
        let key = hex(&vector["key"]);
        let provider = Provider::ring();
        let aead = AesGcm::new(&provider, &key, salt.first_chunk().unwrap()).unwrap();
        let cipher = Cipher::AesGcm(aead);
        seen += 1;
        if vector["rtp"].is_string() {
            let (plain, sealed) = (hex(&vector["rtp"]), hex(&vector["srtp"]));
            // All is clear where a packet is only authenticated.
            let coverage = Coverage::Payload {
                header: hex(&vector["aad"]).len(),
            };
            let at = Position {
                ssrc: Ssrc::new(u32::from_be_bytes(plain[8..12].try_into().unwrap())),
                index: number(&vector["roc"]) << 16
                    | u64::from(u16::from_be_bytes([plain[2], plain[3]])),
            };
            let mut buf = plain.clone();
            cipher.seal_rtp(&mut buf, 0, coverage, at, &[]).unwrap();
            assert_eq!(buf, sealed, "{name}");
            let opened = cipher.open_rtp(&mut buf, coverage, at, 0).unwrap();
            assert_eq!(opened, plain);
        } else {
            let (plain, sealed) = (hex(&vector["rtcp"]), hex(&vector["srtcp"]));
            let at = Position {
                ssrc: Ssrc::new(u32::from_be_bytes(plain[4..8].try_into().unwrap())),
                index: number(&vector["srtcp_index"]),
            };
            let encrypted = !name.contains("tag only");
            let mut buf = sealed.clone();
            let word = cipher.rtcp_index(&buf, 0).unwrap();
            assert_eq!(u64::from(word & 0x7fff_ffff), at.index, "{name}");
            assert_eq!(word >> 31 == 1, encrypted, "{name}");
            let opened = cipher.open_rtcp(&mut buf, at, encrypted, 0).unwrap();
            assert_eq!(opened, plain, "{name}");
            let mut buf = plain;
            cipher.seal_rtcp(&mut buf, 0, at, encrypted, &[]).unwrap();
            assert_eq!(buf, sealed, "{name}");
        }
    }
    assert_eq!(seen, 8);
}

/// P-12: encrypted header extensions, RFC 6904 appendix A and RFC 7714 §8.3.
#[test]
fn p12_encrypted_extensions_are_those_of_rfc_6904() {
    let data = json(RFC_6904);
    let cm = master(
        Profile::Aes128CmSha1_80,
        &data["master_key"],
        &data["master_salt"],
    );
    assert_eq!(
        derived(&cm, HEADER_KEY, 16),
        hex(&data["header_encryption_key_label_06"])
    );
    assert_eq!(
        derived(&cm, HEADER_SALT, 14),
        hex(&data["header_encryption_salt_label_07"])
    );
    let gcm = master(
        Profile::AeadAes128Gcm,
        &data["gcm"]["master_key"],
        &data["gcm"]["master_salt_12"],
    );
    let ids = data["encrypted_ids"].as_array().unwrap();
    for (profile, key, sealed) in [
        (
            Profile::Aes128CmSha1_80,
            cm,
            hex(&data["srtp_aes128cm_sha1_80"]),
        ),
        (
            Profile::AeadAes128Gcm,
            gcm,
            hex(&data["gcm"]["srtp_aead_aes_128_gcm"]),
        ),
    ] {
        let mut config = Config::new(profile);
        config.encrypted_extensions = ids.iter().map(|id| number(id) as u8).collect();
        let plain = hex(&data["plaintext_rtp"]);
        let mut sender = Sender::with_config(config.clone(), &key).unwrap();
        let mut buf = b"prefix".to_vec();
        buf.extend_from_slice(&plain);
        sender.protect_rtp(&mut buf, 6).unwrap();
        assert_eq!(buf[6..], sealed, "{profile:?}");
        let mut receiver = Receiver::with_config(config, &key).unwrap();
        assert_eq!(receiver.unprotect_rtp(&mut buf[6..]).unwrap(), plain);
    }
}

fn master(profile: Profile, key: &Value, salt: &Value) -> MasterKey {
    MasterKey::new(profile, &hex(key), &hex(salt)).unwrap()
}

#[test]
fn whole_packets_are_those_of_libsrtp() {
    let data = json(LIBSRTP);
    for (number, profile) in [
        ("SRTP_AES128_CM_SHA1_80", Profile::Aes128CmSha1_80),
        ("SRTP_AEAD_AES_128_GCM", Profile::AeadAes128Gcm),
        ("AES_CM_256_HMAC_SHA1_80", Profile::Aes256CmSha1_80),
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

        let Some(index) = vector["srtcp_index"].as_u64() else {
            continue;
        };
        sender.set_rtcp_index(index);
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
        (Profile::Aes128CmSha1_32, "cm", "srtp_aes128cm_sha1_32"),
        (Profile::AeadAes128Gcm, "gcm", "srtp_aead_aes_128_gcm"),
    ] {
        let key = master(
            profile,
            &set[format!("{prefix}_master_key")],
            &set[format!("{prefix}_master_salt")],
        );
        let cipher = Cipher::derive(&Provider::ring(), &key, Usage::Rtp).unwrap();
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        for packet in set["packets"].as_array().unwrap() {
            let (plain, sealed) = (hex(&packet["rtp"]), hex(&packet[field]));
            let ssrc = Ssrc::new(u32::from_be_bytes(plain[8..12].try_into().unwrap()));
            let index = number(&packet["roc"]) << 16 | number(&packet["seq"]);
            let at = Position { ssrc, index };
            let mut buf = plain.clone();
            let coverage = Coverage::Payload { header: 12 };
            cipher.seal_rtp(&mut buf, 0, coverage, at, &[]).unwrap();
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
        let mut receiver = Receiver::new(profile, key.clone()).unwrap();
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

                let mut config = Config::new(profile);
                config.rtcp = RtcpProtection::AuthenticatedOnly;
                let mut sender = Sender::with_config(config.clone(), &key).unwrap();
                sender.set_rtcp_index(number(&packet["index"]));
                let mut buf = plain.clone();
                sender.protect_rtcp(&mut buf, 0).unwrap();
                assert_eq!(buf, hex(unencrypted));
                let mut receiver = Receiver::with_config(config, &key).unwrap();
                assert_eq!(receiver.unprotect_rtcp(&mut buf).unwrap(), plain);
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
