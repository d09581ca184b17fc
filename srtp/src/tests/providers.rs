use crate::conformance::{Failure, check};
use crate::provider::{
    AesGcm, CounterMode, CryptoProvider, GCM_TAG, HMAC_SHA1, HmacSha1, Provider,
};

use super::{PROFILES, key, rtcp_packet, rtp_packet};
use crate::{Config, ProtectError, Receiver, Sender};

fn providers() -> Vec<Provider> {
    vec![
        Provider::ring(),
        Provider::rust_crypto(),
        #[cfg(feature = "aws-lc-rs")]
        Provider::aws_lc_rs(),
    ]
}

/// media 3.4 no. 19
#[test]
fn every_provider_passes_the_conformance_suite() {
    for provider in providers() {
        assert_eq!(check(&provider), Ok(()), "{provider:?}");
    }
}

#[test]
fn packets_of_one_provider_are_those_of_another() {
    for profile in PROFILES {
        for from in providers() {
            for to in providers() {
                let mut config = Config::new(profile);
                config.provider = from.clone();
                let key = key(profile, 1);
                let mut sender = Sender::with_config(config.clone(), &key).unwrap();
                config.provider = to;
                let mut receiver = Receiver::with_config(config, &key).unwrap();
                let (mut rtp, mut rtcp) = (rtp_packet(1, 1), rtcp_packet(1));
                sender.protect_rtp(&mut rtp, 0).unwrap();
                sender.protect_rtcp(&mut rtcp, 0).unwrap();
                receiver.unprotect_rtp(&mut rtp).unwrap();
                receiver.unprotect_rtcp(&mut rtcp).unwrap();
            }
        }
    }
}

/// What a provider might get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoGcm,
    NoCounterMode,
    GcmTakesAnyTag,
    GcmLeaksPlaintext,
    HmacIgnoresSuffix,
    CounterModeSkipsTheEnd,
    CounterModeFails,
}

#[derive(Debug)]
struct Faulty(Fault);

struct FaultyPart<T: ?Sized>(Fault, Box<T>);

impl CryptoProvider for Faulty {
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>> {
        let inner = Provider::ring().counter_mode(key)?;
        (self.0 != Fault::NoCounterMode).then(|| Box::new(FaultyPart(self.0, inner)) as _)
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>> {
        let inner = Provider::ring().hmac_sha1(key)?;
        Some(Box::new(FaultyPart(self.0, inner)))
    }

    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>> {
        let inner = Provider::ring().aes_gcm(key)?;
        (self.0 != Fault::NoGcm).then(|| Box::new(FaultyPart(self.0, inner)) as _)
    }
}

impl CounterMode for FaultyPart<dyn CounterMode> {
    fn apply_keystream(&self, vector: &[u8; 16], octets: &mut [u8]) -> Option<()> {
        let end = match self.0 {
            Fault::CounterModeFails if octets.len() > 64 => return None,
            Fault::CounterModeSkipsTheEnd => octets.len() / 16 * 16,
            _ => octets.len(),
        };
        self.1.apply_keystream(vector, &mut octets[..end])
    }
}

impl HmacSha1 for FaultyPart<dyn HmacSha1> {
    fn code(&self, message: &[u8], suffix: &[u8]) -> [u8; HMAC_SHA1] {
        let suffix = if self.0 == Fault::HmacIgnoresSuffix {
            &[]
        } else {
            suffix
        };
        self.1.code(message, suffix)
    }
}

impl AesGcm for FaultyPart<dyn AesGcm> {
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Option<[u8; GCM_TAG]> {
        self.1.seal(nonce, associated, text)
    }

    fn open(&self, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<()> {
        let before = sealed.to_vec();
        let result = self.1.open(nonce, associated, sealed);
        match self.0 {
            Fault::GcmTakesAnyTag => Some(()),
            Fault::GcmLeaksPlaintext if result.is_none() => {
                sealed.copy_from_slice(&before);
                let end = sealed.len() - GCM_TAG;
                let _ = self.1.seal(nonce, associated, &mut sealed[..end]);
                None
            }
            _ => result,
        }
    }
}

#[test]
fn conformance_suite_finds_each_fault() {
    for (fault, expected) in [
        (Fault::NoGcm, Failure::Missing("AES-GCM", 16)),
        (
            Fault::NoCounterMode,
            Failure::Missing("AES in counter mode", 16),
        ),
        (Fault::GcmTakesAnyTag, Failure::Wrong("AES-GCM")),
        (Fault::GcmLeaksPlaintext, Failure::Wrong("AES-GCM")),
        (Fault::HmacIgnoresSuffix, Failure::Wrong("HMAC-SHA1")),
        (
            Fault::CounterModeSkipsTheEnd,
            Failure::Wrong("AES in counter mode"),
        ),
        (
            Fault::CounterModeFails,
            Failure::Wrong("AES in counter mode"),
        ),
    ] {
        assert_eq!(check(&Provider::new(Faulty(fault))), Err(expected));
    }
}

/// A cipher that fails leaves nothing behind that could be sent.
#[test]
fn packet_that_could_not_be_encrypted_is_taken_off_the_buffer() {
    let profile = crate::Profile::Aes128CmSha1_80;
    let mut config = Config::new(profile);
    config.provider = Provider::new(Faulty(Fault::CounterModeFails));
    let mut sender = Sender::with_config(config, &key(profile, 1)).unwrap();
    let mut buf = b"prefix".to_vec();
    buf.extend(rtp_packet(1, 1));
    buf.extend([0; 100]);
    assert_eq!(sender.protect_rtp(&mut buf, 6), Err(ProtectError::Provider));
    assert_eq!(buf, b"prefix");
    let mut again = rtp_packet(1, 1);
    assert_eq!(
        sender.protect_rtp(&mut again, 0),
        Err(ProtectError::IndexUsed),
        "its index is used"
    );
}
