//! What the tests of this crate share: certificates, vectors, and two connections on a simulated network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use net::Datagram;
use netsim::{Machine, Outgoing, Pair};
use serde_json::Value;

use crate::{Certificate, Config, Connection, Provider, Role, Versions};

pub(crate) fn alice() -> Certificate {
    Certificate::from_pem(include_str!("../../testdata/dtls/alice.pem")).unwrap()
}

pub(crate) fn bob() -> Certificate {
    Certificate::from_pem(include_str!("../../testdata/dtls/bob.pem")).unwrap()
}

pub(crate) fn rsa() -> Certificate {
    Certificate::from_pem(include_str!("../../testdata/dtls/rsa.pem")).unwrap()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn sessions() -> Value {
    json(include_str!("../../testdata/dtls/openssl_sessions.json"))
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex(value.as_str().unwrap())
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// The bodies of the handshake messages of one type in the recorded sessions.
pub(crate) fn captured(message_type: u64) -> Vec<Vec<u8>> {
    let sessions = sessions();
    let all = sessions["sessions"].as_array().unwrap().iter();
    all.flat_map(|session| {
        let messages = session["handshake_messages_reassembled"]
            .as_array()
            .unwrap();
        let wanted = messages.iter().filter(|m| m["type"] == message_type);
        wanted
            .map(|m| bytes(&m["hex"])[12..].to_vec())
            .collect::<Vec<_>>()
    })
    .collect()
}

/// The datagrams of a recorded ClientHello.
pub(crate) fn browser_hello(text: &str) -> Vec<Vec<u8>> {
    json(text)["datagrams"]
        .as_array()
        .unwrap()
        .iter()
        .map(bytes)
        .collect()
}

pub(crate) const CHROMIUM: &str = include_str!("../../testdata/dtls/chromium156_client_hello.json");
pub(crate) const FIREFOX: &str = include_str!("../../testdata/dtls/firefox153_client_hello.json");

/// The deterministic configuration of DTLS 1.2.
pub(crate) fn config(certificate: Certificate) -> Config {
    let mut config = config_13(certificate);
    config.versions = Versions::DTLS_1_2;
    config
}

/// The deterministic configuration that prefers DTLS 1.3.
pub(crate) fn config_13(certificate: Certificate) -> Config {
    let mut config = Config::new(certificate);
    config.provider = Provider::rust_crypto([7; 32]);
    // Tests tell the times.
    config.jitter = false;
    config
}

/// Takes only what is wiped when it is dropped.
pub(crate) const fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}

/// Whether the big matrices run whole.
pub(crate) fn full_matrix() -> bool {
    std::env::var_os("AVOCET_FULL_MATRIX").is_some()
}

/// A connection as the simulated network sees it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) connection: Connection,
    in_place: Vec<Vec<u8>>,
}

impl Endpoint {
    pub(crate) fn new(config: Config, role: Role, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        bytes[8] = u8::from(role == Role::Server);
        Self {
            connection: Connection::new(Arc::new(config), role, bytes).unwrap(),
            in_place: Vec::new(),
        }
    }

    /// Seals a record of application data.
    pub(crate) fn seal(&mut self, now: Instant, payload: &[u8]) -> Option<Vec<u8>> {
        let mut buf = Vec::new();
        let mark = self.connection.begin(&mut buf)?;
        buf.extend_from_slice(payload);
        self.connection.seal(now, &mut buf, mark).ok()?;
        Some(buf)
    }

    pub(crate) fn exported(&self) -> Option<[u8; 56]> {
        let mut out = [0; 56];
        self.connection
            .export_keying_material("EXTRACTOR-dtls_srtp", None, &mut out)
            .ok()?;
        Some(out)
    }
}

impl Machine for Endpoint {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let in_place = &mut self.in_place;
        self.connection
            .handle_datagram_with(now, datagram.bytes, |data| in_place.push(data.to_vec()));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.connection.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.connection.poll_transmit(now, buf).map(Outgoing::from)
    }

    fn poll_event(&mut self) -> Option<String> {
        self.connection
            .poll_event()
            .map(|event| format!("{event:?}"))
    }

    fn pull(&mut self, _now: Instant) -> Option<Vec<u8>> {
        if !self.in_place.is_empty() {
            return Some(self.in_place.remove(0));
        }
        let mut buf = Vec::new();
        self.connection.recv(&mut buf).map(|_| buf)
    }

    fn outcome(&self) -> String {
        format!("{} {:?}", self.connection.outcome(), self.exported())
    }
}

/// Client A and server B, each knowing the other's fingerprint, and started.
pub(crate) fn pair(client: Config, server: Config) -> Pair<Endpoint> {
    let client = Endpoint::new(client, Role::Client, 1);
    let server = Endpoint::new(server, Role::Server, 1);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    start(&mut pair, None);
    pair
}

/// The usual pair.
pub(crate) fn usual_pair() -> Pair<Endpoint> {
    pair(config(alice()), config(bob()))
}

pub(crate) fn introduce(pair: &mut Pair<Endpoint>) {
    let now = pair.now();
    let a = pair.a().connection.own_fingerprint();
    let b = pair.b().connection.own_fingerprint();
    pair.a_mut()
        .connection
        .set_remote_fingerprints(now, vec![b]);
    pair.b_mut()
        .connection
        .set_remote_fingerprints(now, vec![a]);
}

pub(crate) fn start(pair: &mut Pair<Endpoint>, round_trip: Option<Duration>) {
    let now = pair.now();
    pair.a_mut().connection.start(now, round_trip);
    pair.b_mut().connection.start(now, round_trip);
}

pub(crate) fn both_connected(pair: &Pair<Endpoint>) -> bool {
    pair.a().connection.is_connected() && pair.b().connection.is_connected()
}

/// Runs until both are connected.
pub(crate) fn connect(pair: &mut Pair<Endpoint>) {
    let connected = pair.run_until(Duration::from_secs(30), both_connected);
    assert!(connected, "{:?}", pair.outcomes());
    assert_eq!(pair.a().exported(), pair.b().exported());
}
