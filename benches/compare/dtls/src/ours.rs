//! Two of our connections in memory.

use std::sync::Arc;
use std::time::Instant;

use dtls::{Certificate, Config, Connection, Provider, Role, SrtpProfile, Versions};

use crate::{ALICE, BOB};

/// The configurations of both sides.
pub struct Setup {
    configs: [Arc<Config>; 2],
    certificates: [Certificate; 2],
    now: Instant,
}

impl Setup {
    pub fn new(versions: Versions, provider: Provider) -> Self {
        let certificates =
            [ALICE, BOB].map(|text| Certificate::from_pem(text).expect("a good certificate"));
        let configs = certificates.clone().map(|certificate| {
            let mut config = Config::new(certificate);
            config.versions = versions;
            config.provider = provider.clone();
            config.srtp_profiles = vec![SrtpProfile::AES128_CM_SHA1_80];
            Arc::new(config)
        });
        Self {
            configs,
            certificates,
            now: Instant::now(),
        }
    }

    /// A client and a server that have not said a word.
    pub fn begin(&self) -> Pair {
        let [alice, bob] = &self.certificates;
        let side = |config: &Arc<Config>, role, peer: &Certificate| {
            let mut connection =
                Connection::new(config.clone(), role, [7; 32]).expect("a good configuration");
            connection.set_remote_fingerprints(self.now, vec![peer.fingerprint()]);
            connection.start(self.now, None);
            connection
        };
        Pair {
            client: side(&self.configs[0], Role::Client, bob),
            server: side(&self.configs[1], Role::Server, alice),
            now: self.now,
        }
    }

    pub fn connect(&self) -> Pair {
        let mut pair = self.begin();
        while pair.step() {}
        assert!(pair.client.is_connected() && pair.server.is_connected());
        pair
    }
}

pub struct Pair {
    client: Connection,
    server: Connection,
    now: Instant,
}

impl Pair {
    /// Everything that either side has to say by now reaches the other; whether there was anything.
    pub fn step(&mut self) -> bool {
        let mut datagram = Vec::with_capacity(1_500);
        let mut any = false;
        while self.client.poll_transmit(self.now, &mut datagram).is_some() {
            self.server.handle_datagram(self.now, &mut datagram);
            datagram.clear();
            any = true;
        }
        while self.server.poll_transmit(self.now, &mut datagram).is_some() {
            self.client.handle_datagram(self.now, &mut datagram);
            datagram.clear();
            any = true;
        }
        while self.client.poll_event().is_some() || self.server.poll_event().is_some() {}
        any
    }

    pub fn is_connected(&self) -> bool {
        self.client.is_connected() && self.server.is_connected()
    }

    /// Appends a record of the client's.
    pub fn seal(&mut self, payload: &[u8], buf: &mut Vec<u8>) {
        let mark = self.client.begin(buf).expect("a connection");
        buf.extend_from_slice(payload);
        self.client.seal(self.now, buf, mark).expect("a connection");
    }

    /// The server reads a datagram, in place.
    pub fn open(&mut self, datagram: &mut [u8]) -> usize {
        let mut length = 0;
        self.server
            .handle_datagram_with(self.now, datagram, |data| length += data.len());
        length
    }

    pub fn into_client(self) -> Connection {
        self.client
    }
}
