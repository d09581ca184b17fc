//! Two connections of dimpl in memory.

use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Output, PskResolver};

use crate::{ALICE, BOB, KEY, part};

pub struct Setup {
    configs: [Arc<Config>; 2],
    /// `None` where both sides know a key.
    certificates: Option<[DtlsCertificate; 2]>,
    tls13: bool,
    now: Instant,
}

impl Setup {
    pub fn new(tls13: bool) -> Self {
        let config = Config::builder().use_server_cookie(false).build();
        let certificates = [ALICE, BOB].map(|text| DtlsCertificate {
            certificate: part(text, "CERTIFICATE"),
            private_key: part(text, "PRIVATE KEY"),
        });
        let config = Arc::new(config.expect("a good configuration"));
        Self {
            configs: [config.clone(), config],
            certificates: Some(certificates),
            tls13,
            now: Instant::now(),
        }
    }

    /// With a key that both sides know, under DTLS 1.2.
    pub fn with_key() -> Self {
        let builder = || Config::builder().use_server_cookie(false);
        let client = builder().with_psk_client(b"somebody".to_vec(), Arc::new(Known));
        let server = builder().with_psk_server(None, Arc::new(Known));
        Self {
            configs: [client, server]
                .map(|builder| Arc::new(builder.build().expect("a good configuration"))),
            certificates: None,
            tls13: false,
            now: Instant::now(),
        }
    }

    pub fn begin(&self) -> Pair {
        let side = |index: usize| {
            let config = self.configs[index].clone();
            match &self.certificates {
                None => Dtls::new_12_psk(config, self.now),
                Some(own) if self.tls13 => Dtls::new_13(config, own[index].clone(), self.now),
                Some(own) => Dtls::new_12(config, own[index].clone(), self.now),
            }
        };
        let (client, server) = (side(0), side(1));
        let mut pair = Pair {
            client,
            server,
            connected: [false; 2],
            buffer: vec![0; 4_096],
        };
        pair.client.set_active(true);
        pair.server.set_active(false);
        for side in [&mut pair.client, &mut pair.server] {
            side.handle_timeout(self.now).expect("a first deadline");
        }
        pair
    }

    pub fn connect(&self) -> Pair {
        let mut pair = self.begin();
        while pair.step() {}
        assert!(pair.is_connected());
        pair
    }
}

struct Known;

impl PskResolver for Known {
    fn resolve(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(KEY.to_vec())
    }
}

pub struct Pair {
    client: Dtls,
    server: Dtls,
    connected: [bool; 2],
    buffer: Vec<u8>,
}

impl Pair {
    pub fn step(&mut self) -> bool {
        let [a, b] = &mut self.connected;
        let there = pass(&mut self.client, &mut self.server, a, &mut self.buffer);
        let back = pass(&mut self.server, &mut self.client, b, &mut self.buffer);
        there || back
    }

    pub fn is_connected(&self) -> bool {
        self.connected == [true; 2]
    }

    pub fn seal(&mut self, payload: &[u8], buf: &mut Vec<u8>) {
        self.client
            .send_application_data(payload)
            .expect("a connection");
        loop {
            match self.client.poll_output(&mut self.buffer) {
                Output::Packet(bytes) => buf.extend_from_slice(bytes),
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    pub fn open(&mut self, datagram: &[u8]) -> usize {
        self.server.handle_packet(datagram).expect("a good record");
        let mut length = 0;
        loop {
            match self.server.poll_output(&mut self.buffer) {
                Output::ApplicationData(bytes) => length += bytes.len(),
                Output::Timeout(_) => return length,
                _ => {}
            }
        }
    }

    /// Client and server.
    pub fn into_sides(self) -> (Dtls, Dtls) {
        (self.client, self.server)
    }
}

fn pass(from: &mut Dtls, to: &mut Dtls, connected: &mut bool, buffer: &mut [u8]) -> bool {
    let mut any = false;
    loop {
        match from.poll_output(buffer) {
            Output::Packet(bytes) => {
                any = true;
                to.handle_packet(bytes).expect("a good datagram");
            }
            Output::Connected => *connected = true,
            Output::Timeout(_) => return any,
            _ => {}
        }
    }
}
