//! Two connections of dimpl in memory.

use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Output};

use crate::{ALICE, BOB, part};

pub struct Setup {
    config: Arc<Config>,
    certificates: [DtlsCertificate; 2],
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
        Self {
            config: Arc::new(config.expect("a good configuration")),
            certificates,
            tls13,
            now: Instant::now(),
        }
    }

    pub fn begin(&self) -> Pair {
        let [client, server] = self.certificates.clone().map(|certificate| {
            let new = if self.tls13 {
                Dtls::new_13
            } else {
                Dtls::new_12
            };
            new(self.config.clone(), certificate, self.now)
        });
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

    pub fn into_client(self) -> Dtls {
        self.client
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
