//! A handshake between our DTLS and that of another crate over a link with delay and loss, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{DtlsCertificate, Output};
use dtls::{Certificate, Config, Connection, Event, Role, Version, Versions};

const ALICE: &str = include_str!("../../../../testdata/dtls/alice.pem");
const BOB: &str = include_str!("../../../../testdata/dtls/bob.pem");

/// One way of the link.
const DELAY: Duration = Duration::from_millis(20);

/// Which versions the other side has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Dtls12,
    Dtls13,
    Auto,
}

/// Our connection and the other one.
pub struct Scene {
    now: Instant,
    ours: Connection,
    theirs: dimpl::Dtls,
    /// What is under way, by time of arrival: to us or to them.
    link: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    sent: u64,
    lost: Option<u64>,
    wake: Option<Instant>,
    pub version: Option<Version>,
    connected: bool,
    their_keys: Option<Vec<u8>>,
    received: [Vec<Vec<u8>>; 2],
}

impl Scene {
    /// The datagram of number `lost`, counted over both directions, does not arrive.
    pub fn new(
        role: Role,
        versions: Versions,
        peer: Peer,
        cookie: bool,
        lost: Option<u64>,
    ) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an epoch; nothing depends on which"
        )]
        let now = Instant::now();
        let mut config = Config::new(Certificate::from_pem(ALICE).unwrap());
        config.versions = versions;
        let mut ours = Connection::new(Arc::new(config), role, [7; 32]).unwrap();
        let bob = Certificate::from_pem(BOB).unwrap();
        ours.set_remote_fingerprints(now, vec![bob.fingerprint()]);
        let blocks = pem::parse_many(BOB).unwrap();
        let part = |tag: &str| {
            let block = blocks.iter().find(|block| block.tag() == tag);
            block.unwrap().contents().to_vec()
        };
        let certificate = DtlsCertificate {
            certificate: part("CERTIFICATE"),
            private_key: part("PRIVATE KEY"),
        };
        let config = dimpl::Config::builder().use_server_cookie(cookie).build();
        let config = Arc::new(config.unwrap());
        let mut theirs = match peer {
            Peer::Dtls12 => dimpl::Dtls::new_12(config, certificate, now),
            Peer::Dtls13 => dimpl::Dtls::new_13(config, certificate, now),
            Peer::Auto => dimpl::Dtls::new_auto(config, certificate, now),
        };
        theirs.set_active(role == Role::Server);
        theirs.handle_timeout(now).unwrap();
        ours.start(now, Some(2 * DELAY));
        Self {
            now,
            ours,
            theirs,
            link: BTreeMap::new(),
            sent: 0,
            lost,
            wake: None,
            version: None,
            connected: false,
            their_keys: None,
            received: [Vec::new(), Vec::new()],
        }
    }

    fn send(&mut self, to_us: bool, datagram: Vec<u8>) {
        let number = self.sent;
        self.sent += 1;
        if self.lost != Some(number) {
            self.link
                .insert((self.now + DELAY, number), (to_us, datagram));
        }
    }

    fn poll(&mut self) {
        loop {
            let mut datagram = Vec::new();
            if self.ours.poll_transmit(self.now, &mut datagram).is_none() {
                break;
            }
            self.send(false, datagram);
        }
        while let Some(event) = self.ours.poll_event() {
            if let Event::Connected { version, .. } = event {
                self.version = Some(version);
            }
        }
        let mut data = Vec::new();
        while self.ours.recv(&mut data).is_some() {
            self.received[0].push(std::mem::take(&mut data));
        }
        let mut buffer = vec![0; 4096];
        loop {
            let datagram = match self.theirs.poll_output(&mut buffer) {
                Output::Packet(bytes) => Some(bytes.to_vec()),
                Output::Connected => {
                    self.connected = true;
                    None
                }
                Output::KeyingMaterial(keys, _) => {
                    self.their_keys = Some(keys.to_vec());
                    None
                }
                Output::ApplicationData(bytes) => {
                    self.received[1].push(bytes.to_vec());
                    None
                }
                Output::Timeout(at) => {
                    self.wake = Some(at);
                    break;
                }
                _ => None,
            };
            if let Some(datagram) = datagram {
                self.send(true, datagram);
            }
        }
    }

    /// Goes to the next thing that happens, and takes what comes of it.
    fn step(&mut self) {
        self.poll();
        let arrival = self.link.keys().next().map(|(at, _)| *at);
        let deadlines = [arrival, self.ours.poll_timeout(), self.wake];
        self.now = deadlines.into_iter().flatten().min().unwrap().max(self.now);
        while let Some(entry) = self.link.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (to_us, mut datagram) = entry.remove();
            if to_us {
                self.ours.handle_datagram(self.now, &mut datagram);
            } else {
                self.theirs.handle_packet(&datagram).unwrap();
            }
        }
        self.ours.handle_timeout(self.now);
        self.theirs.handle_timeout(self.now).unwrap();
        self.poll();
    }

    /// Runs until both are connected; how long it took.
    pub fn connect(&mut self) -> Duration {
        let began = self.now;
        while !(self.connected && self.ours.is_connected() && self.version.is_some()) {
            self.step();
            assert!(self.now - began < Duration::from_secs(30), "not connected");
        }
        let took = self.now - began;
        let mut keys = vec![0; self.their_keys.as_ref().unwrap().len()];
        self.ours
            .export_keying_material("EXTRACTOR-dtls_srtp", None, &mut keys)
            .unwrap();
        assert_eq!(Some(&keys), self.their_keys.as_ref());
        took
    }

    /// Data goes both ways.
    pub fn talk(&mut self) {
        let mut record = Vec::new();
        let mark = self.ours.begin(&mut record).unwrap();
        record.extend_from_slice(b"ours");
        self.ours.seal(self.now, &mut record, mark).unwrap();
        self.lost = None;
        self.send(false, record);
        self.theirs.send_application_data(b"theirs").unwrap();
        let until = self.now + Duration::from_secs(1);
        while self.received.iter().any(Vec::is_empty) {
            self.step();
            assert!(self.now < until, "{:?}", self.received);
        }
        assert_eq!(self.received[0], [b"theirs".to_vec()]);
        assert_eq!(self.received[1], [b"ours".to_vec()]);
    }

    /// Our keys are updated, and data goes both ways again.
    pub fn update_keys(&mut self) {
        self.ours.update_keys(self.now);
        let until = self.now + Duration::from_secs(1);
        while self.now < until {
            self.step();
        }
        self.received = [Vec::new(), Vec::new()];
        self.talk();
    }
}
