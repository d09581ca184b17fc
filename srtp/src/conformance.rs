//! What a crypto provider must compute: published vectors and the behaviour that the contexts rely on.
//!
//! A third party runs [`check`] in a test of its own crate:
//!
//! ```
//! use avocet_srtp::{Provider, conformance};
//!
//! conformance::check(&Provider::ring())?;
//! # Ok::<(), conformance::Failure>(())
//! ```

use thiserror::Error;

use crate::provider::{CounterMode, CryptoProvider, HmacSha1};
use crate::{Config, KeyError, MasterKey, Profile, Provider, Receiver, Sender};

/// What a provider got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// It does not have a primitive for keys of so many octets.
    #[error("{0} with a key of {1} octets is missing")]
    Missing(&'static str, usize),
    /// It takes keys of lengths that no cipher has.
    #[error("{0} takes a key of {1} octets")]
    KeyLength(&'static str, usize),
    /// The result is not that of the named vector.
    #[error("{0} is wrong")]
    Wrong(&'static str),
    /// A packet did not survive the way there and back.
    #[error("a packet of {1} octets under {0:?} does not go round")]
    RoundTrip(Profile, usize),
    /// A changed packet was accepted.
    #[error("a forged packet under {0:?} is accepted")]
    Forgery(Profile),
}

/// Checks each primitive against its vectors, then whole packets under every profile.
pub fn check(provider: &Provider) -> Result<(), Failure> {
    check_counter_mode(provider)?;
    check_hmac(provider)?;
    check_gcm(provider)?;
    for profile in Profile::ALL {
        check_packets(provider, profile)?;
    }
    Ok(())
}

const COUNTER_MODE: &str = "AES in counter mode";
const HMAC: &str = "HMAC-SHA1";
const GCM: &str = "AES-GCM";

/// RFC 3711 B.2 and RFC 6188 §7.2: the first two blocks of the keystream, and two where the counter carries an octet.
fn check_counter_mode(provider: &Provider) -> Result<(), Failure> {
    let vectors: [(&[u8], [u8; 64]); 2] = [
        (
            &octets::<16>(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c),
            blocks([
                0xe03e_ad09_35c9_5e80_e166_b16d_d92b_4eb4,
                0xd235_1316_2b02_d0f7_2a43_a2fe_4a5f_97ab,
                0xec8c_df73_9860_7cb0_f2d2_1675_ea9e_a1e4,
                0x362b_7c3c_6773_5163_18a0_77d7_fc50_73ae,
            ]),
        ),
        (
            &{
                let mut key = [0; 32];
                let (high, low) = key.split_at_mut(16);
                high.copy_from_slice(&octets::<16>(0x57f8_2fe3_613f_d170_a85e_c93c_40b1_f092));
                low.copy_from_slice(&octets::<16>(0x2ec4_cb0d_c025_b582_7214_7cc4_3894_4a98));
                key
            },
            blocks([
                0x92bd_d28a_93c3_f525_11c6_77d0_8b55_15a4,
                0x9da7_1b23_78a8_54f6_7050_756d_ed16_5bac,
                0xcea5_18c9_0fd9_1ced_9cbb_18c0_78a5_4711,
                0x3dbc_4814_f4da_5f00_a087_72b6_3c6a_046d,
            ]),
        ),
    ];
    let at = |counter: u16| -> [u8; 16] {
        octets(0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_0000 | u128::from(counter))
    };
    for (key, expected) in vectors {
        let cipher = provider
            .counter_mode(key)
            .ok_or(Failure::Missing(COUNTER_MODE, key.len()))?;
        // In front, in the middle and behind a run of several blocks, whole and broken.
        let (front, carry) = expected.split_at(32);
        for (vector, blocks) in [(0, front), (0xfeff, carry)] {
            for length in 0..=32 {
                let mut octets = [0x5a; 200];
                let part = octets.get_mut(..length).unwrap_or_default();
                cipher
                    .apply_keystream(&at(vector), part)
                    .ok_or(Failure::Wrong(COUNTER_MODE))?;
                let right = part.iter().zip(blocks).all(|(a, b)| *a == b ^ 0x5a);
                let rest = octets.get(length..).unwrap_or_default();
                if !right || rest.iter().any(|octet| *octet != 0x5a) {
                    return Err(Failure::Wrong(COUNTER_MODE));
                }
            }
        }
        check_runs(&*cipher, at)?;
    }
    for length in [0, 15, 17, 31, 33] {
        if provider.counter_mode(&[0; 40][..length]).is_some() {
            return Err(Failure::KeyLength(COUNTER_MODE, length));
        }
    }
    Ok(())
}

/// A long run equals its blocks one by one, for every length up to 400.
fn check_runs(cipher: &dyn CounterMode, at: impl Fn(u16) -> [u8; 16]) -> Result<(), Failure> {
    let mut single = [0; 400];
    for (number, block) in (0..).zip(single.chunks_mut(16)) {
        cipher
            .apply_keystream(&at(number), block)
            .ok_or(Failure::Wrong(COUNTER_MODE))?;
    }
    for length in 0..=single.len() {
        let mut run = [0; 400];
        let part = run.get_mut(..length).unwrap_or_default();
        cipher
            .apply_keystream(&at(0), part)
            .ok_or(Failure::Wrong(COUNTER_MODE))?;
        if single.get(..length) != Some(&*part) {
            return Err(Failure::Wrong(COUNTER_MODE));
        }
    }
    Ok(())
}

/// RFC 2202 §3, the cases with keys of 20 octets, and the parting of message and suffix.
fn check_hmac(provider: &Provider) -> Result<(), Failure> {
    let new = |key: &[u8]| {
        provider
            .hmac_sha1(key)
            .ok_or(Failure::Missing(HMAC, key.len()))
    };
    let right = |mac: &dyn HmacSha1, message: &[u8], expected: [u8; 20]| {
        (0..=message.len()).all(|at| {
            let (front, back) = message.split_at(at);
            mac.code(front, back) == expected
        })
    };
    let first = right(
        &*new(&[0x0b; 20])?,
        b"Hi There",
        *b"\xb6\x17\x31\x86\x55\x05\x72\x64\xe2\x8b\xc0\xb6\xfb\x37\x8c\x8e\xf1\x46\xbe\x00",
    );
    let third = right(
        &*new(&[0xaa; 20])?,
        &[0xdd; 50],
        *b"\x12\x5d\x73\x42\xb9\xac\x11\xcd\x91\xa3\x9a\xf4\x8a\xa1\x7b\x4f\x63\xf1\x75\xd3",
    );
    if first && third {
        Ok(())
    } else {
        Err(Failure::Wrong(HMAC))
    }
}

/// RFC 7714 §16.1.1 and §16.2.1: a packet encrypted; and what a wrong tag leaves behind.
fn check_gcm(provider: &Provider) -> Result<(), Failure> {
    let key: [u8; 32] = std::array::from_fn(|octet| octet as u8);
    let nonce = *b"\x51\x75\x3c\x65\x80\xc2\x72\x6f\x20\x71\x84\x14";
    let associated = b"\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2";
    let plain = *b"Gallia est omnis divisa in partes tres";
    let tags = [
        (16, 0x899d_7f27_beb1_6a91_52cf_765e_e439_0cce),
        (32, 0x7aa3_db36_dfff_d6b0_f9bb_7878_d7a7_6c13_u128),
    ];
    for (length, tag) in tags {
        let key = key.get(..length).unwrap_or_default();
        let cipher = provider.aes_gcm(key).ok_or(Failure::Missing(GCM, length))?;
        let mut text = plain;
        let sealed_tag = cipher.seal(&nonce, associated, &mut text);
        let sealed_tag = sealed_tag
            .filter(|sealed_tag| *sealed_tag == octets(tag))
            .ok_or(Failure::Wrong(GCM))?;
        let mut sealed = [0; 54];
        let (front, back) = sealed.split_at_mut(plain.len());
        front.copy_from_slice(&text);
        back.copy_from_slice(&sealed_tag);
        for bit in [0, 37 * 8, 38 * 8, 53 * 8 + 7] {
            let mut forged = sealed;
            if let Some(octet) = forged.get_mut(bit / 8) {
                *octet ^= 1 << (bit % 8);
            }
            let opened = cipher.open(&nonce, associated, &mut forged);
            let leaked = forged
                .windows(16)
                .any(|window| plain.windows(16).any(|text| text == window));
            if opened.is_some() || leaked {
                return Err(Failure::Wrong(GCM));
            }
        }
        let opened = cipher.open(&nonce, associated, &mut sealed);
        if opened.is_none() || !sealed.starts_with(&plain) {
            return Err(Failure::Wrong(GCM));
        }
    }
    for length in [0, 15, 17, 31, 33] {
        if provider.aes_gcm(&[0; 40][..length]).is_some() {
            return Err(Failure::KeyLength(GCM, length));
        }
    }
    Ok(())
}

/// Packets of many lengths go round, and a changed one does not.
fn check_packets(provider: &Provider, profile: Profile) -> Result<(), Failure> {
    let unsupported = |_: KeyError| Failure::Missing("a profile", profile.key_length());
    let mut config = Config::new(profile);
    config.provider = provider.clone();
    let key = [7; 32];
    let key = key.get(..profile.key_length()).unwrap_or_default();
    let salt = [9; 14];
    let salt = salt.get(..profile.salt_length()).unwrap_or_default();
    let key = MasterKey::new(profile, key, salt).map_err(unsupported)?;
    let mut sender = Sender::with_config(config.clone(), &key).map_err(unsupported)?;
    let mut receiver = Receiver::with_config(config, &key).map_err(unsupported)?;
    for length in 0..600_u16 {
        let [high, low] = length.to_be_bytes();
        let failure = Failure::RoundTrip(profile, usize::from(length));
        let mut packet = vec![0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 1];
        packet.extend((0..length).map(|octet| octet as u8));
        let mut sealed = packet.clone();
        sender.protect_rtp(&mut sealed, 0).map_err(|_| failure)?;
        let mut forged = sealed.clone();
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        if receiver.unprotect_rtp(&mut forged).is_ok() {
            return Err(Failure::Forgery(profile));
        }
        if receiver.unprotect_rtp(&mut sealed) != Ok(&mut packet) {
            return Err(failure);
        }
    }
    Ok(())
}

fn octets<const N: usize>(value: u128) -> [u8; N] {
    let mut result = [0; N];
    result
        .iter_mut()
        .zip(value.to_be_bytes())
        .for_each(|(to, from)| *to = from);
    result
}

fn blocks(values: [u128; 4]) -> [u8; 64] {
    let mut result = [0; 64];
    for (block, value) in result.chunks_mut(16).zip(values) {
        block.copy_from_slice(&value.to_be_bytes());
    }
    result
}
