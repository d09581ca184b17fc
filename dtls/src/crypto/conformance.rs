//! What every provider must do, whoever it is: published vectors for each thing that it says it has, and the refusals
//! that a handshake relies on.

use std::str::FromStr;

use super::hybrid::{self, HybridExchange};
use super::rust_crypto;
use super::{
    AeadAlgorithm, CryptoError, Hash, HmacKey, KeyExchange, NamedGroup, Provider, PublicKey,
    SecretSource, SignatureScheme, SigningKey, digest,
};
use crate::testing::{alice, bob, hex, rsa};
use crate::{Certificate, HashAlgorithm, KeyKind};

fn providers() -> Vec<Provider> {
    vec![
        Provider::ring(),
        Provider::rust_crypto_unseeded(),
        #[cfg(feature = "aws-lc-rs")]
        Provider::aws_lc_rs(),
    ]
}

/// Catalogue D-20.
#[test]
fn every_provider_passes() {
    for provider in providers() {
        check_aeads(&provider);
        check_masks(&provider);
        check_groups(&provider);
        check_signatures(&provider);
        check_keys(&provider);
    }
}

/// One test of a file: its verdict and its fields.
struct Test {
    /// `None`: either will do.
    valid: Option<bool>,
    fields: Vec<Vec<u8>>,
}

impl FromStr for Test {
    type Err = char;

    fn from_str(line: &str) -> Result<Self, char> {
        let mut words = line.split(' ');
        let valid = match words.next().and_then(|word| word.chars().next()) {
            Some('+') => Some(true),
            Some('!') => Some(false),
            Some('?') => None,
            other => return Err(other.unwrap_or(' ')),
        };
        let field = |word: &str| match word {
            "-" | "=" => Vec::new(),
            // The length of a tag, the only decimal.
            "16" | "8" => vec![word.parse().unwrap()],
            word => hex(word),
        };
        Ok(Self {
            valid,
            fields: words.map(field).collect(),
        })
    }
}

/// A file of Wycheproof, see testdata/wycheproof/README.md; where a key is that of the line before, it stands again.
fn tests(text: &str) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for line in text.lines() {
        let mut test: Test = line.parse().unwrap();
        if line.split(' ').nth(1) == Some("=") {
            test.fields[0] = tests.last().unwrap().fields[0].clone();
        }
        tests.push(test);
    }
    assert!(tests.len() > 5);
    tests
}

macro_rules! wycheproof {
    ($name:literal) => {
        tests(include_str!(concat!(
            "../../../testdata/wycheproof/",
            $name,
            ".txt"
        )))
    };
}

/// FIPS 180-4, "abc".
#[test]
fn hashes_are_those_of_the_standard() {
    let sha256 = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let sha384 = hex(
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
         8086072ba1e7cc2358baeca134c825a7",
    );
    let sha512 = hex(
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    assert_eq!(*Hash::Sha256.of(b"abc"), sha256);
    assert_eq!(*Hash::Sha384.of(b"abc"), sha384);
    for (algorithm, expected) in [
        (HashAlgorithm::Sha256, &sha256),
        (HashAlgorithm::Sha384, &sha384),
        (HashAlgorithm::Sha512, &sha512),
    ] {
        assert_eq!(&digest(algorithm, b"abc"), expected);
    }
}

#[test]
fn macs_are_those_of_the_standard() {
    for (hash, tests) in [
        (Hash::Sha256, wycheproof!("hmac_sha256")),
        (Hash::Sha384, wycheproof!("hmac_sha384")),
    ] {
        for test in tests {
            let [key, message, mac] = test.fields.as_slice() else {
                panic!("three fields");
            };
            let (front, back) = message.split_at(message.len() / 3);
            let made = HmacKey::new(hash, key).mac([front, back]);
            assert_eq!(Some(**made == *mac), test.valid, "{hash:?}");
        }
    }
}

fn check_aeads(provider: &Provider) {
    let mut algorithms: Vec<_> = provider.suites().iter().map(|suite| suite.aead).collect();
    algorithms.dedup();
    for algorithm in algorithms {
        let tests = match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => wycheproof!("aes_gcm"),
            AeadAlgorithm::ChaCha20Poly1305 => wycheproof!("chacha20_poly1305"),
            AeadAlgorithm::Aes128Ccm
            | AeadAlgorithm::Aes256Ccm
            | AeadAlgorithm::Aes128Ccm8
            | AeadAlgorithm::Aes256Ccm8 => wycheproof!("aes_ccm"),
        };
        let mut seen = 0;
        for test in tests {
            let [key, nonce, aad, plaintext, sealed, tag] = test.fields.as_slice() else {
                panic!("six fields");
            };
            if key.len() != algorithm.key_length() || usize::from(tag[0]) != algorithm.tag_length()
            {
                continue;
            }
            seen += 1;
            let aead = provider.aead(algorithm, key).unwrap();
            let nonce = nonce.as_slice().try_into().unwrap();
            let opened = aead
                .open(nonce, aad, &mut sealed.clone())
                .map(|p| p.to_vec());
            match test.valid {
                Some(true) => assert_eq!(opened.as_ref(), Ok(plaintext), "{algorithm:?}"),
                Some(false) => assert_eq!(opened, Err(CryptoError), "{algorithm:?}"),
                None => {}
            }
            if test.valid == Some(true) {
                let mut buf = [b"head".as_slice(), plaintext].concat();
                aead.seal(nonce, aad, &mut buf, 4).unwrap();
                assert_eq!(buf, [b"head".as_slice(), sealed].concat());
            }
        }
        assert!(seen > 5, "{algorithm:?}: {seen}");
        for length in [0, 15, 17, 24, 31, 33] {
            assert!(provider.aead(algorithm, &[0; 40][..length]).is_err());
        }
    }
}

/// RFC 9001 A.2 and A.5: QUIC masks its numbers in the same way.
fn check_masks(provider: &Provider) {
    for (algorithm, key, sample, mask) in [
        (
            AeadAlgorithm::Aes128Gcm,
            "9f50449e04a0e810283a1e9933adedd2",
            "d1b1c98dd7689fb8ec11d242b123dc9b",
            [0x43, 0x7b],
        ),
        (
            AeadAlgorithm::ChaCha20Poly1305,
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
            "5e5cd55c41f69080575d7999c25a5bfb",
            [0xae, 0xfe],
        ),
    ] {
        if !provider.suites_13().any(|suite| suite.aead == algorithm) {
            continue;
        }
        let cipher = provider.sequence_cipher(algorithm, &hex(key)).unwrap();
        let sample = hex(sample).try_into().unwrap();
        assert_eq!(cipher.mask(&sample), Ok(mask), "{provider:?} {algorithm:?}");
        assert!(provider.sequence_cipher(algorithm, &[0; 15]).is_err());
    }
}

/// Catalogue D-20. No provider takes a private key from outside, but whether a public value is refused does not depend on it.
fn check_groups(provider: &Provider) {
    for &group in provider.groups() {
        let fresh = || provider.secrets(&[2; 32]).key_exchange(group).unwrap();
        if group.is_hybrid() {
            check_hybrid(provider);
            continue;
        }
        let tests = match group {
            NamedGroup::X25519 => wycheproof!("x25519"),
            NamedGroup::Secp256r1 => wycheproof!("ecdh_p256"),
            _ => wycheproof!("ecdh_p384"),
        };
        for test in tests {
            let agreed = fresh().agree(&test.fields[1]);
            assert_eq!(Some(agreed.is_ok()), test.valid, "{provider:?} {group:?}");
        }
        let (one, other) = (fresh(), fresh());
        let (to_one, to_other) = (other.public().to_vec(), one.public().to_vec());
        assert_eq!(one.agree(&to_one), other.agree(&to_other));
    }
}

/// The same with the secret, by the provider that can be given a private key.
///
/// Catalogue D-20.
#[test]
fn the_pure_provider_agrees_on_the_known_secrets() {
    for (group, tests) in [
        (NamedGroup::X25519, wycheproof!("x25519")),
        (NamedGroup::Secp256r1, wycheproof!("ecdh_p256")),
    ] {
        for test in tests {
            let [private, public, secret] = test.fields.as_slice() else {
                panic!("three fields");
            };
            let mut key = vec![0; 32];
            key.extend_from_slice(private);
            let key = key.split_off(key.len() - 32);
            let fill = |bytes: &mut [u8]| {
                bytes.copy_from_slice(&key);
                Ok(())
            };
            let exchange = rust_crypto::KeyExchange::new(group, fill).unwrap();
            let agreed = exchange.agree(public).ok().map(|secret| secret.to_vec());
            let expected = (test.valid != Some(false)).then(|| secret.clone());
            assert_eq!(agreed, expected, "{group:?}");
        }
    }
}

/// Keys that are out of range are refused (FIPS 203 §7.2); what was not sealed for us gives another secret and no
/// error (§6.3).
fn check_hybrid(provider: &Provider) {
    let mut source = provider.secrets(&[2; 32]);
    let classical = source.key_exchange(NamedGroup::X25519).unwrap();
    let share = |key: &[u8]| [key, classical.public()].concat();
    for test in wycheproof!("mlkem768_encaps") {
        let answer = hybrid::respond(&mut source, &share(&test.fields[1]));
        assert_eq!(Some(answer.is_ok()), test.valid);
    }
    for test in wycheproof!("mlkem768_decaps") {
        let [seed, public, ciphertext, secret] = test.fields.as_slice() else {
            panic!("four fields");
        };
        let own = source.key_exchange(NamedGroup::X25519).unwrap();
        let other = source.key_exchange(NamedGroup::X25519).unwrap();
        let answer = [ciphertext.as_slice(), other.public()].concat();
        let exchange = HybridExchange::from_seed(seed.as_slice().try_into().unwrap(), own);
        assert!(exchange.public().starts_with(public));
        let agreed = exchange.agree(&answer).unwrap();
        assert!(agreed.starts_with(secret));
    }
    for length in [0, 32, 1183, 1184, 1215, 1217] {
        assert!(hybrid::respond(&mut source, &vec![1; length]).is_err());
        let exchange = source.key_exchange(NamedGroup::X25519MlKem768).unwrap();
        assert!(
            exchange
                .agree(&vec![1; length - length / 1184 * 96])
                .is_err()
        );
    }
}

type Key = fn(Vec<u8>) -> PublicKey;

fn check_signatures(provider: &Provider) {
    use SignatureScheme as Scheme;
    let files: [(Scheme, Key, Vec<Test>); 6] = [
        (
            Scheme::ECDSA_SHA256,
            PublicKey::P256,
            wycheproof!("ecdsa_p256_sha256"),
        ),
        (
            Scheme::ECDSA_SHA384,
            PublicKey::P384,
            wycheproof!("ecdsa_p384_sha384"),
        ),
        (
            Scheme::ECDSA_SHA256,
            PublicKey::P384,
            wycheproof!("ecdsa_p384_sha256"),
        ),
        (Scheme::ED25519, PublicKey::Ed25519, wycheproof!("ed25519")),
        (
            Scheme::RSA_PKCS1_SHA256,
            PublicKey::Rsa,
            wycheproof!("rsa_pkcs1_sha256"),
        ),
        (
            Scheme::RSA_PSS_SHA256,
            PublicKey::Rsa,
            wycheproof!("rsa_pss_sha256"),
        ),
    ];
    for (scheme, kind, tests) in files {
        let kind_is_known =
            provider.schemes().len() > 1 || matches!(kind(vec![]), PublicKey::P256(_));
        if !provider.schemes().contains(&scheme) || !kind_is_known {
            continue;
        }
        for (number, test) in tests.iter().enumerate() {
            let [key, message, signature] = test.fields.as_slice() else {
                panic!("three fields");
            };
            let result = provider.verify(&kind(key.clone()), scheme, message, signature);
            if let Some(valid) = test.valid {
                assert_eq!(
                    result.is_ok(),
                    valid,
                    "{provider:?} {scheme:?} line {number}"
                );
            }
        }
    }
}

/// What it signs everybody verifies, and a generated key is one that it signs with.
fn check_keys(provider: &Provider) {
    let mut keys: Vec<Certificate> = vec![alice(), bob(), rsa()];
    let now = std::time::Duration::from_secs(1_795_392_000);
    for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519] {
        keys.push(Certificate::generate_with(kind, now).unwrap());
        if let Ok(pkcs8) = provider.generate(kind) {
            assert!(provider.can_sign(&SigningKey::from_pkcs8(&pkcs8).unwrap()));
            let twin = provider.generate(kind).unwrap();
            assert_ne!(*twin, *pkcs8);
        }
    }
    assert!(provider.generate(KeyKind::EcdsaP256).is_ok());
    for certificate in keys.iter().filter(|own| provider.can_sign(own.key())) {
        let key = certificate.key();
        let schemes = SignatureScheme::ALL.into_iter();
        for scheme in schemes.filter(|scheme| key.choose_scheme(&[*scheme]).is_some()) {
            let signature = provider.sign(key, scheme, b"message").unwrap();
            let ring = Provider::ring();
            ring.verify(key.public(), scheme, b"message", &signature)
                .unwrap();
            assert!(
                ring.verify(key.public(), scheme, b"massage", &signature)
                    .is_err()
            );
        }
        // A scheme of another kind.
        let foreign = SignatureScheme(0x0603);
        assert!(provider.sign(key, foreign, b"message").is_err());
    }
}

/// Catalogue K-03.
#[test]
fn a_random_source_that_fails_is_an_error_wherever_a_key_is_needed() {
    let mut broken = SecretSource::Broken;
    for group in NamedGroup::ALL {
        assert!(broken.key_exchange(group).is_err());
        assert!(broken.respond(group, &[9; 1216]).is_err());
    }
    for group in [NamedGroup::X25519, NamedGroup::Secp256r1] {
        assert!(rust_crypto::KeyExchange::new(group, |_| Err(CryptoError)).is_err());
    }
    // And one that gives zeros for ever ends as well.
    assert!(rust_crypto::KeyExchange::new(NamedGroup::Secp256r1, |_| Ok(())).is_err());
    assert!(matches!(
        Provider::ring()
            .secrets(&[0; 32])
            .key_exchange(NamedGroup::X25519),
        Ok(KeyExchange::Ring(_))
    ));
}
