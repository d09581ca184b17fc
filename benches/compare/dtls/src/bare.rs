//! The least that it can cost: the cryptography alone, with the library that the provider calls.

use crate::{ALICE, BOB, part};

/// What both ends compute of a handshake with nobody around it.
macro_rules! operations {
    ($room:ident, $library:ident, [$($random:tt)*], $peer:expr) => {
        pub mod $room {
            use $library::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519};
            use $library::rand::SystemRandom;
            use $library::signature::{
                ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
                UnparsedPublicKey as Verifier,
            };

            use super::{ALICE, BOB, part};

            pub struct Operations {
                random: SystemRandom,
                keys: [EcdsaKeyPair; 2],
            }

            impl Operations {
                pub fn new() -> Self {
                    let random = SystemRandom::new();
                    let keys = [ALICE, BOB].map(|text| {
                        let key = part(text, "PRIVATE KEY");
                        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, $($random)*)
                            .expect("a good key")
                    });
                    Self { random, keys }
                }

                /// Two key pairs of X25519, and the secret twice.
                pub fn agree(&self) -> [u8; 2] {
                    let key = || EphemeralPrivateKey::generate(&X25519, &self.random).expect("a key");
                    let privates = [key(), key()];
                    let [a, b] = [&privates[0], &privates[1]]
                        .map(|key| key.compute_public_key().expect("a key"));
                    let [one, other] = privates;
                    let secret = |own, theirs: &[u8]| $peer(own, UnparsedPublicKey::new(&X25519, theirs));
                    [secret(one, b.as_ref()), secret(other, a.as_ref())]
                }

                /// Two signatures of ECDSA on P-256, each verified.
                pub fn prove(&self) {
                    for key in &self.keys {
                        let signature = key.sign(&self.random, &[7; 130]).expect("a good key");
                        Verifier::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref())
                            .verify(&[7; 130], signature.as_ref())
                            .expect("a good signature");
                    }
                }
            }
        }
    };
}

operations!(with_ring, ring, [&SystemRandom::new()], |own, theirs| {
    ring::agreement::agree_ephemeral(own, &theirs, |secret| secret[0]).expect("a good share")
});
operations!(with_aws_lc, aws_lc_rs, [], |own, theirs| {
    aws_lc_rs::agreement::agree_ephemeral(own, theirs, (), |secret| Ok(secret[0]))
        .expect("a good share")
});

/// The cryptography of a record, and a copy of the payload.
macro_rules! records {
    ($room:ident, $library:ident) => {
        pub mod $room {
            use aes::Aes128Enc;
            use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
            use $library::aead;

            pub struct Raw {
                key: aead::LessSafeKey,
                /// The cheapest that there is, whoever seals.
                mask: Aes128Enc,
                /// The content type of 1.3, which is sealed with the payload.
                suffix: &'static [u8],
                /// The header.
                aad: &'static [u8],
            }

            impl Raw {
                pub fn new(tls13: bool) -> Self {
                    let key =
                        aead::UnboundKey::new(&aead::AES_128_GCM, &[7; 16]).expect("a good key");
                    let (suffix, aad): (&[u8], &[u8]) = if tls13 {
                        (&[23], &[1; 5])
                    } else {
                        (&[], &[1; 13])
                    };
                    Self {
                        key: aead::LessSafeKey::new(key),
                        mask: Aes128Enc::new(&[8; 16].into()),
                        suffix,
                        aad,
                    }
                }

                pub fn seal(&self, payload: &[u8], buf: &mut Vec<u8>) {
                    buf.extend_from_slice(payload);
                    buf.extend_from_slice(self.suffix);
                    let nonce = aead::Nonce::assume_unique_for_key([9; 12]);
                    let tag = self
                        .key
                        .seal_in_place_separate_tag(nonce, aead::Aad::from(self.aad), buf)
                        .expect("a good key");
                    buf.extend_from_slice(tag.as_ref());
                }

                pub fn open(&self, sealed: &mut [u8]) -> usize {
                    let nonce = aead::Nonce::assume_unique_for_key([9; 12]);
                    let opened = self
                        .key
                        .open_in_place(nonce, aead::Aad::from(self.aad), sealed);
                    opened.expect("a good record").len()
                }

                /// The same as 1.3 has it, with a number in front that a mask hides (RFC 9147 §4.2.3).
                pub fn seal_masked(&self, payload: &[u8], buf: &mut Vec<u8>) {
                    buf.extend_from_slice(&[9; 2]);
                    buf.extend_from_slice(payload);
                    buf.extend_from_slice(self.suffix);
                    let nonce = aead::Nonce::assume_unique_for_key([9; 12]);
                    let (number, body) = buf.split_at_mut(2);
                    let tag = self
                        .key
                        .seal_in_place_separate_tag(nonce, aead::Aad::from(self.aad), body)
                        .expect("a good key");
                    let [a, b] = self.mask(body);
                    number[0] ^= a;
                    number[1] ^= b;
                    buf.extend_from_slice(tag.as_ref());
                }

                fn mask(&self, body: &[u8]) -> [u8; 2] {
                    let mut block = *body.first_chunk::<16>().expect("a sample");
                    self.mask.encrypt_block((&mut block).into());
                    [block[0], block[1]]
                }

                /// The nonce is known when the mask is.
                pub fn open_masked(&self, sealed: &mut [u8]) -> usize {
                    let (number, body) = sealed.split_at_mut(2);
                    let [a, b] = self.mask(body);
                    let mut nonce = [9; 12];
                    nonce[10] = number[0] ^ a;
                    nonce[11] = number[1] ^ b;
                    let nonce = aead::Nonce::assume_unique_for_key(nonce);
                    let opened = self
                        .key
                        .open_in_place(nonce, aead::Aad::from(self.aad), body);
                    opened.expect("a good record").len()
                }
            }
        }
    };
}

records!(records_with_ring, ring);
records!(records_with_aws_lc, aws_lc_rs);
