//! What every provider has to do alike.

use p256::ecdsa::signature::hazmat::PrehashSigner as _;

use super::{
    AeadAlgorithm, Authentication, Hash, Hasher, HmacKey, NamedGroup, Provider, PublicKey,
    SignatureScheme,
};
use crate::testing::{alice, hex, rsa};

fn providers() -> [Provider; 2] {
    [Provider::ring(), Provider::rust_crypto([1; 32])]
}

#[test]
fn every_pair_of_providers_agrees_on_keys_in_every_common_group() {
    for one in providers() {
        for other in providers() {
            for group in [NamedGroup::X25519, NamedGroup::Secp256r1] {
                let a = one.secrets(&[2; 32]).key_exchange(group).unwrap();
                let b = other.secrets(&[3; 32]).key_exchange(group).unwrap();
                let (to_a, to_b) = (b.public().to_vec(), a.public().to_vec());
                assert_ne!(to_a, to_b);
                assert_eq!(a.agree(&to_a).unwrap(), b.agree(&to_b).unwrap());
            }
        }
    }
}

/// Catalogue D-20.
#[test]
fn public_values_that_lead_to_no_secret_are_refused() {
    // Low order points, and not even a u-coordinate (RFC 7748 §6.1, RFC 8422 §5.11).
    let mut bad = vec![
        (NamedGroup::X25519, vec![0; 32]),
        (NamedGroup::X25519, [&[1][..], &[0; 31]].concat()),
        (
            NamedGroup::X25519,
            hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        ),
        (NamedGroup::X25519, vec![9; 31]),
        (NamedGroup::X25519, vec![9; 33]),
        (NamedGroup::X25519, Vec::new()),
        (NamedGroup::Secp256r1, vec![4; 65]),
        (NamedGroup::Secp256r1, vec![0]),
        (NamedGroup::Secp256r1, Vec::new()),
        (NamedGroup::Secp256r1, [&[4][..], &[0; 64]].concat()),
    ];
    // A point of the curve, compressed and cut short.
    let PublicKey::P256(point) = alice().key().public().clone() else {
        panic!("the key of another kind");
    };
    let compressed = [&[2 + (point[64] & 1)][..], &point[1..33]].concat();
    bad.push((NamedGroup::Secp256r1, compressed));
    bad.push((NamedGroup::Secp256r1, point[..64].to_vec()));
    for provider in providers() {
        for (group, public) in &bad {
            let exchange = provider.secrets(&[2; 32]).key_exchange(*group).unwrap();
            assert!(
                exchange.agree(public).is_err(),
                "{provider:?} {group:?} {public:?}"
            );
        }
    }
}

#[test]
fn what_one_provider_signs_the_other_verifies() {
    let certificate = alice();
    let key = certificate.key().public().clone();
    let scheme = SignatureScheme::ECDSA_SHA256;
    for signer in providers() {
        let signature = signer.sign(certificate.key(), scheme, b"message").unwrap();
        for verifier in providers() {
            verifier
                .verify(&key, scheme, b"message", &signature)
                .unwrap();
            assert!(
                verifier
                    .verify(&key, scheme, b"massage", &signature)
                    .is_err()
            );
            for foreign in [0x0503, 0x0603, 0x0203, 0x0807, 0x0401] {
                let foreign = SignatureScheme(foreign);
                assert!(
                    verifier
                        .verify(&key, foreign, b"message", &signature)
                        .is_err()
                );
            }
        }
    }
}

/// Catalogue D-16.
#[test]
fn a_signature_over_a_truncated_digest_is_refused() {
    let certificate = alice();
    let key = certificate.key().public().clone();
    let signing = certificate.key().rust_crypto.as_ref().unwrap().p256();
    let digest = Hash::Sha256.of(b"message");
    for length in [16, 20, 24, 31, 32] {
        let made: Result<p256::ecdsa::DerSignature, _> = signing.sign_prehash(&digest[..length]);
        let Ok(signature) = made else { continue };
        for provider in providers() {
            let scheme = SignatureScheme::ECDSA_SHA256;
            let result = provider.verify(&key, scheme, b"message", signature.as_bytes());
            assert_eq!(result.is_ok(), length == 32, "{length} bytes");
        }
    }
}

#[test]
fn rsa_signatures_are_made_and_verified_in_both_forms() {
    let certificate = rsa();
    let key = certificate.key().public().clone();
    let provider = Provider::ring();
    for scheme in [
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::RSA_PKCS1_SHA256,
    ] {
        let signature = provider
            .sign(certificate.key(), scheme, b"message")
            .unwrap();
        provider
            .verify(&key, scheme, b"message", &signature)
            .unwrap();
        assert!(
            provider
                .verify(&key, scheme, b"massage", &signature)
                .is_err()
        );
        assert!(
            provider
                .verify(&key, scheme, b"message", &signature[1..])
                .is_err()
        );
    }
    assert!(!Provider::rust_crypto([0; 32]).can_sign(certificate.key()));
}

#[test]
fn ed25519_is_verified() {
    // RFC 8032 §7.1, test 2.
    let key = PublicKey::Ed25519(hex(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ));
    let signature = hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    let provider = Provider::ring();
    let scheme = SignatureScheme::ED25519;
    provider.verify(&key, scheme, &[0x72], &signature).unwrap();
    assert!(provider.verify(&key, scheme, &[0x73], &signature).is_err());
    assert_eq!(key.authentication(), Authentication::Ecdsa);
}

#[test]
fn what_one_provider_seals_the_other_opens() {
    for algorithm in [
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::ChaCha20Poly1305,
    ] {
        let key = vec![5; algorithm.key_length()];
        let mut all = Vec::new();
        for provider in providers() {
            let Ok(aead) = provider.aead(algorithm, &key) else {
                continue;
            };
            assert!(provider.aead(algorithm, &key[1..]).is_err());
            let mut buf = b"head".to_vec();
            buf.extend_from_slice(b"plaintext");
            aead.seal([6; 12], b"aad", &mut buf, 4).unwrap();
            assert_eq!(&buf[..4], b"head");
            assert_eq!(buf.len(), 4 + 9 + AeadAlgorithm::TAG_LENGTH);
            all.push((aead, buf[4..].to_vec()));
        }
        for (aead, _) in &all {
            for (_, sealed) in &all {
                assert_eq!(
                    aead.open([6; 12], b"aad", &mut sealed.clone()).unwrap(),
                    b"plaintext"
                );
                assert!(aead.open([7; 12], b"aad", &mut sealed.clone()).is_err());
                assert!(aead.open([6; 12], b"AAD", &mut sealed.clone()).is_err());
                for end in 0..sealed.len() {
                    assert!(
                        aead.open([6; 12], b"aad", &mut sealed[..end].to_vec())
                            .is_err()
                    );
                }
            }
        }
    }
}

/// A message in parts has the MAC of the whole, whatever the length of the key.
#[test]
fn a_mac_does_not_depend_on_the_parts() {
    for hash in [Hash::Sha256, Hash::Sha384] {
        for key in [&[][..], &[1; 20], &[2; 200]] {
            let key = HmacKey::new(hash, key);
            let mac = key.mac([&b"in "[..], b"", b"parts"]);
            assert_eq!(mac, key.mac([&b"in parts"[..]]));
        }
        let mut hasher = Hasher::new(hash);
        hasher.update(b"in ");
        let so_far = hasher.output();
        hasher.update(b"parts");
        assert_eq!(so_far, hash.of(b"in "));
        assert_eq!(hasher.output(), hash.of(b"in parts"));
    }
}

#[test]
fn the_deterministic_provider_depends_on_its_seeds_and_nothing_else() {
    let draw = |provider: [u8; 32], connection: [u8; 32]| {
        let provider = Provider::rust_crypto(provider);
        let mut secrets = provider.secrets(&connection);
        let exchange = secrets.key_exchange(NamedGroup::X25519).unwrap();
        exchange.public().to_vec()
    };
    assert_eq!(draw([1; 32], [2; 32]), draw([1; 32], [2; 32]));
    assert_ne!(draw([1; 32], [2; 32]), draw([2; 32], [2; 32]));
    assert_ne!(draw([1; 32], [2; 32]), draw([1; 32], [3; 32]));
    let sign = || {
        let provider = Provider::rust_crypto([1; 32]);
        provider.sign(alice().key(), SignatureScheme::ECDSA_SHA256, b"message")
    };
    assert_eq!(sign(), sign());
}
