use serde_json::Value;

use super::key_schedule::{Secrets, prf};
use crate::ConnectionId;
use crate::Role;
use crate::crypto::{CipherSuite, Hash, Provider, PublicKey, SUITES, SignatureScheme};
use crate::record::Protection;
use crate::testing::{bytes, json, sessions};
use crate::wire::{CertificateMessage, CertificateVerify, RecordHeader, ServerKeyExchange};

fn providers() -> [Provider; 2] {
    [Provider::ring(), Provider::rust_crypto([0; 32])]
}

fn vectors() -> Value {
    json(include_str!("../../../testdata/dtls/tls12_prf.json"))
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

#[test]
fn the_prf_agrees_with_the_published_vectors() {
    for vector in vectors()["prf"].as_array().unwrap() {
        let hash = match vector["hash"].as_str().unwrap() {
            "SHA-256" => Hash::Sha256,
            "SHA-384" => Hash::Sha384,
            _ => continue,
        };
        let expected = bytes(&vector["output"]);
        let mut out = vec![0; expected.len()];
        let label = vector["label"].as_str().unwrap().as_bytes();
        let seed = bytes(&vector["seed"]);
        prf(hash, &bytes(&vector["secret"]), label, &[&seed], &mut out);
        assert_eq!(out, expected);
    }
}

/// D-21.
#[test]
fn exporters_agree_with_the_computed_vectors() {
    let derived = &vectors()["derived_COMPUTED"];
    for (hash, name) in [
        (Hash::Sha256, "exporter_dtls_srtp_sha256"),
        (Hash::Sha384, "exporter_dtls_srtp_sha384"),
    ] {
        let secrets = Secrets::from_master(
            hash,
            array(&derived["master_secret"]),
            (
                &array(&derived["client_random"]),
                &array(&derived["server_random"]),
            ),
        );
        for (length, expected) in derived[name].as_object().unwrap() {
            let Ok(length) = length.parse() else { continue };
            let mut out = vec![0; length];
            secrets.export(b"EXTRACTOR-dtls_srtp", None, &mut out);
            assert_eq!(out, bytes(expected), "{name} {length}");
        }
    }
}

/// A recorded session, taken apart.
struct Recorded {
    session: Value,
    suite: CipherSuite,
    /// The messages that Finished covers: sender, type, bytes with their head.
    messages: Vec<(String, u64, Vec<u8>)>,
}

impl Recorded {
    fn all() -> Vec<Self> {
        let all = sessions()["sessions"].as_array().unwrap().clone();
        all.into_iter()
            .map(|session| {
                let list = session["handshake_messages_reassembled"]
                    .as_array()
                    .unwrap();
                let messages = list.iter().skip(2).map(|message| {
                    (
                        message["from"].as_str().unwrap().to_owned(),
                        message["type"].as_u64().unwrap(),
                        bytes(&message["hex"]),
                    )
                });
                let messages: Vec<_> = messages.collect();
                let hello = &messages[1].2[12..];
                let hello = crate::wire::ServerHello::decode(hello).unwrap();
                let suite = SUITES
                    .into_iter()
                    .find(|s| s.number == hello.cipher_suite)
                    .unwrap();
                Self {
                    suite,
                    messages,
                    session,
                }
            })
            .collect()
    }

    /// The transcript before the first message of a type by a sender.
    fn before(&self, from: &str, message_type: u64) -> Vec<u8> {
        let told = self.messages.iter();
        told.take_while(|(f, t, _)| f != from || *t != message_type)
            .flat_map(|(_, _, bytes)| bytes.clone())
            .collect()
    }

    fn message(&self, from: &str, message_type: u64) -> &[u8] {
        let mut all = self.messages.iter();
        let found = all.find(|(f, t, _)| f == from && *t == message_type);
        &found.unwrap().2[12..]
    }

    fn randoms(&self) -> ([u8; 32], [u8; 32]) {
        (
            array(&self.session["client_random"]),
            array(&self.session["server_random"]),
        )
    }

    fn secrets(&self) -> Secrets {
        let (client, server) = self.randoms();
        let master = array(&self.session["master_secret"]);
        Secrets::from_master(self.suite.hash, master, (&client, &server))
    }

    fn certificate(&self, from: &str) -> PublicKey {
        let message = CertificateMessage::decode(self.message(from, 11)).unwrap();
        crate::certificate::Leaf::from_der(message.leaf.unwrap())
            .unwrap()
            .public_key
    }
}

#[test]
fn recorded_sessions_have_our_session_hash_exporter_and_finished() {
    for recorded in Recorded::all() {
        let secrets = recorded.secrets();
        let hash = recorded.suite.hash;
        let through_key_exchange = recorded.before("client", 15);
        let session_hash = hash.of(&through_key_exchange);
        assert_eq!(*session_hash, bytes(&recorded.session["ems_session_hash"]));

        let expected = bytes(&recorded.session["exporter_dtls_srtp"]);
        let mut exported = vec![0; expected.len()];
        secrets.export(b"EXTRACTOR-dtls_srtp", None, &mut exported);
        assert_eq!(exported, expected);

        let mut transcript = through_key_exchange;
        let verify = recorded
            .messages
            .iter()
            .find(|(f, t, _)| f == "client" && *t == 15);
        transcript.extend_from_slice(&verify.unwrap().2);
        let client_finished = bytes(&recorded.session["client_finished"]);
        let data = secrets.verify_data(Role::Client, &hash.of(&transcript));
        assert_eq!(data, client_finished[12..]);

        transcript.extend_from_slice(&client_finished);
        // NewSessionTicket, which we never ask for.
        transcript.extend_from_slice(&recorded.messages.last().unwrap().2);
        let server_finished = bytes(&recorded.session["server_finished"]);
        let data = secrets.verify_data(Role::Server, &hash.of(&transcript));
        assert_eq!(data, server_finished[12..]);
    }
}

#[test]
fn recorded_signatures_verify_and_no_altered_one_does() {
    for recorded in Recorded::all() {
        let exchange = ServerKeyExchange::decode(recorded.message("server", 12)).unwrap();
        let (client, server) = recorded.randoms();
        let mut params = [client, server].concat();
        ServerKeyExchange::encode_params(exchange.group, exchange.public, &mut params);
        let proof = CertificateVerify::decode(recorded.message("client", 15)).unwrap();
        for (from, scheme, message, signature) in [
            ("server", exchange.scheme, params, exchange.signature),
            (
                "client",
                proof.scheme,
                recorded.before("client", 15),
                proof.signature,
            ),
        ] {
            let key = recorded.certificate(from);
            assert_eq!(scheme, SignatureScheme::ECDSA_SHA256);
            for provider in providers() {
                provider.verify(&key, scheme, &message, signature).unwrap();
                let mut altered = message.clone();
                altered[40] ^= 1;
                assert!(provider.verify(&key, scheme, &altered, signature).is_err());
                let mut altered = signature.to_vec();
                *altered.last_mut().unwrap() ^= 1;
                assert!(provider.verify(&key, scheme, &message, &altered).is_err());
                for end in 0..signature.len() {
                    assert!(
                        provider
                            .verify(&key, scheme, &message, &signature[..end])
                            .is_err()
                    );
                }
            }
        }
    }
}

#[test]
fn recorded_records_open_and_seal_to_the_same_bytes() {
    for recorded in Recorded::all() {
        let mut opened = 0;
        let mut data = false;
        for provider in providers() {
            let Ok((mut client, mut server)) =
                recorded.secrets().protections(&provider, recorded.suite)
            else {
                // ChaCha20 is not for everybody.
                continue;
            };
            for datagram in recorded.session["datagrams"].as_array().unwrap() {
                let protection: &mut Protection = match datagram["from"].as_str().unwrap() {
                    "client" => &mut client,
                    _ => &mut server,
                };
                let datagram = bytes(&datagram["hex"]);
                let mut rest = datagram.as_slice();
                while !rest.is_empty() {
                    let (header, body) = RecordHeader::decode(&mut rest).unwrap();
                    if header.epoch == 0 {
                        continue;
                    }
                    let mut body = body.to_vec();
                    let plaintext = protection
                        .open(&header, &ConnectionId::EMPTY, &mut body)
                        .unwrap()
                        .to_vec();
                    opened += 1;
                    // OpenSSL counts its explicit nonces from a start of its own: seal under its number.
                    let mut again = vec![0; RecordHeader::LENGTH + protection.prefix_length()];
                    again.extend_from_slice(&plaintext);
                    protection
                        .seal(header, &ConnectionId::EMPTY, &mut again, 0)
                        .unwrap();
                    let mut reopened = again[RecordHeader::LENGTH..].to_vec();
                    assert_eq!(
                        protection
                            .open(&header, &ConnectionId::EMPTY, &mut reopened)
                            .unwrap(),
                        plaintext
                    );
                    data |= plaintext == b"hello dtls\n";
                }
            }
        }
        assert!(opened >= 3 && data);
    }
}
