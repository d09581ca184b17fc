use serde_json::Value;

use super::{Derivation, protection};
use crate::Provider;
use crate::crypto::{CipherSuite13, Hash};
use crate::record::{Epochs, Opened};
use crate::testing::{bytes, json};
use crate::wire::UnifiedHeader;

const RFC_8448: &str = include_str!("../../../testdata/dtls/rfc8448_s3.json");
const ILLUSTRATED: &str = include_str!("../../../testdata/dtls/dtls13_illustrated.json");
const FIREFOX: &str = include_str!("../../../testdata/dtls/firefox153_dtls13_session.json");

fn providers() -> [Provider; 2] {
    [Provider::ring(), Provider::rust_crypto([0; 32])]
}

/// RFC 8448 §3: the schedule of TLS, which differs from that of DTLS by its labels only.
#[test]
fn the_key_schedule_is_that_of_rfc_8448() {
    let vector = json(RFC_8448);
    let messages = &vector["messages"];
    let said = |names: &[&str]| {
        let all = names.iter().map(|name| bytes(&messages[*name]));
        all.collect::<Vec<_>>().concat()
    };
    let derivation = Derivation::of_tls(Hash::Sha256);
    let is = |ours: &[u8], name: &str| assert_eq!(ours, bytes(&vector[name]), "{name}");
    let early = derivation.early(None);
    is(&early, "early_secret");
    let handshake = derivation.handshake(&early, &bytes(&vector["shared_secret"]));
    is(&handshake, "handshake_secret");
    let handshake = derivation.key(&handshake);
    let hello = said(&["client_hello", "server_hello"]);
    let [client, server] =
        derivation.handshake_traffic(&handshake, &derivation.transcript_hash(&hello));
    is(&client, "client_handshake_traffic_secret");
    is(&server, "server_handshake_traffic_secret");
    let expand = |secret: &[u8], label: &[u8], length| {
        let mut out = vec![0; length];
        derivation.expand_label(&derivation.key(secret), label, &[], &mut out);
        out
    };
    is(&expand(&server, b"key", 16), "server_handshake_key");
    is(&expand(&server, b"iv", 12), "server_handshake_iv");
    is(&expand(&client, b"key", 16), "client_handshake_key");
    let master = derivation.master(&handshake);
    is(&master, "master_secret");
    let master = derivation.key(&master);
    let before = said(&[
        "client_hello",
        "server_hello",
        "encrypted_extensions",
        "certificate",
        "certificate_verify",
    ]);
    let finished = derivation.verify_data(&server, &derivation.transcript_hash(&before));
    assert_eq!(**finished, bytes(&messages["server_finished"])[4..]);
    let behind = [before, bytes(&messages["server_finished"])].concat();
    let hash = derivation.transcript_hash(&behind);
    let [client_data, server_data] = derivation.application_traffic(&master, &hash);
    is(&client_data, "client_application_traffic_secret_0");
    is(&server_data, "server_application_traffic_secret_0");
    is(
        &derivation.exporter_master(&master, &hash),
        "exporter_master_secret",
    );
    let finished = derivation.verify_data(&client, &hash);
    assert_eq!(**finished, bytes(&messages["client_finished"])[4..]);
    let all = [behind, bytes(&messages["client_finished"])].concat();
    is(
        &derivation.resumption_master(&master, &derivation.transcript_hash(&all)),
        "resumption_master_secret",
    );
}

/// A session of wolfSSL (dtls.xargs.org): the schedule under the labels of DTLS, and every record.
#[test]
fn the_key_schedule_is_that_of_a_recorded_session() {
    let vector = json(ILLUSTRATED);
    let is = |ours: &[u8], name: &str| assert_eq!(ours, bytes(&vector[name]), "{name}");
    for provider in providers() {
        let derivation = Derivation::new(Hash::Sha256);
        let handshake =
            derivation.handshake(&derivation.early(None), &bytes(&vector["shared_secret"]));
        is(&handshake, "handshake_secret");
        let handshake = derivation.key(&handshake);
        let [client, server] =
            derivation.handshake_traffic(&handshake, &bytes(&vector["hello_hash"]));
        is(&client, "client_handshake_traffic_secret");
        is(&server, "server_handshake_traffic_secret");
        let master = derivation.master(&handshake);
        let hash = bytes(&vector["handshake_hash"]);
        let master = derivation.key(&master);
        let [client, server] = derivation.application_traffic(&master, &hash);
        is(&client, "client_application_traffic_secret_0");
        is(&server, "server_application_traffic_secret_0");
        is(
            &derivation.next_traffic(&client),
            "COMPUTED_client_application_traffic_secret_1",
        );
        let exporter = derivation.exporter_master(&master, &hash);
        is(&exporter, "COMPUTED_exporter_master_secret");
        for (length, expected) in vector["COMPUTED_exporter_dtls_srtp"].as_object().unwrap() {
            let mut out = vec![0; length.parse().unwrap()];
            derivation.export(&exporter, b"EXTRACTOR-dtls_srtp", &[], &mut out);
            assert_eq!(out, bytes(expected));
        }
        let mut sides = Sides::new(
            &provider,
            [
                bytes(&vector["client_handshake_traffic_secret"]),
                bytes(&vector["server_handshake_traffic_secret"]),
                client.to_vec(),
                server.to_vec(),
            ],
        );
        for record in vector["records"].as_array().unwrap() {
            let from = usize::from(record["from"] == "server");
            sides.open(
                from,
                &mut bytes(&record["record"]),
                std::slice::from_ref(record),
            );
        }
    }
}

/// A session of Firefox 153 with itself: every protected record of both sides, and the exporter.
///
/// D-17.
#[test]
fn the_records_of_a_browsers_session_open() {
    let vector = json(FIREFOX);
    let secrets = &vector["secrets"];
    let names = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    ];
    for provider in providers() {
        let mut sides = Sides::new(&provider, names.map(|name| bytes(&secrets[name])));
        let mut opened = 0;
        for datagram in vector["datagrams"].as_array().unwrap() {
            let from = usize::from(datagram["from"] != vector["dtls_client"]);
            let records = datagram["records"].as_array().unwrap();
            let mut rest = bytes(&datagram["hex"]);
            // A plain record with ServerHello stands before the protected ones.
            while !UnifiedHeader::recognises(rest[0]) && !records.is_empty() {
                let length = usize::from(u16::from_be_bytes([rest[11], rest[12]]));
                rest.drain(..13 + length);
            }
            opened += records.len();
            sides.open(from, &mut rest, records);
        }
        assert!(opened >= 40);
        let mut out = [0; 56];
        Derivation::new(Hash::Sha256).export(
            &bytes(&secrets["EXPORTER_SECRET"]),
            b"EXTRACTOR-dtls_srtp",
            &[],
            &mut out,
        );
        assert_eq!(
            out.to_vec(),
            bytes(&vector["srtp"]["exporter_keying_material"])
        );
    }
}

/// What both sides of a recorded session read with.
struct Sides([Epochs; 2]);

impl Sides {
    fn new(provider: &Provider, secrets: [Vec<u8>; 4]) -> Self {
        let suite = CipherSuite13::ALL[0];
        let mut sides = [Epochs::default(), Epochs::default()];
        for (index, secret) in secrets.iter().enumerate() {
            let epoch = if index < 2 {
                Epochs::HANDSHAKE
            } else {
                Epochs::APPLICATION
            };
            let keys = protection(provider, suite, secret).unwrap();
            sides[index % 2].install_read(epoch, keys);
        }
        Self(sides)
    }

    fn open(&mut self, from: usize, datagram: &mut [u8], expected: &[Value]) {
        let mut rest = datagram;
        for expected in expected {
            let header = UnifiedHeader::decode(rest, 0).unwrap();
            let (record, behind) = rest.split_at_mut(header.header_length + header.body_length);
            rest = behind;
            let mut again = record.to_vec();
            let Opened {
                number,
                content_type,
                plaintext,
                ..
            } = self.0[from].open(&header, record).unwrap();
            assert_eq!(expected["seq"], number.sequence_number);
            assert_eq!(expected["content_type"], content_type.number());
            assert_eq!(plaintext, bytes(&expected["plaintext"]));
            assert!(self.0[from].open(&header, &mut again).is_err(), "replayed");
        }
        assert!(rest.is_empty() || expected.is_empty());
    }
}
