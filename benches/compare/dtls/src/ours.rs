//! Two of our connections in memory.

use std::sync::Arc;
use std::time::Instant;

use dtls::{
    Certificate, Config, Connection, PreSharedKey, Provider, Role, SrtpProfile, Ticket, TicketKeys,
    Versions,
};

use crate::{ALICE, BOB, KEY};

/// The configurations of both sides.
pub struct Setup {
    configs: [Arc<Config>; 2],
    certificates: Option<[Certificate; 2]>,
    now: Instant,
}

impl Setup {
    /// With a key that both sides know, under DTLS 1.2, and a suite that all have.
    pub fn with_key(provider: Provider) -> Self {
        let mut config = Config::anonymous();
        config.versions = Versions::DTLS_1_2;
        config.provider = provider;
        config.psks = vec![PreSharedKey::new(b"somebody", KEY).expect("a good key")];
        config.cipher_suites = vec![0xc0a8];
        let config = Arc::new(config);
        Self {
            configs: [config.clone(), config],
            certificates: None,
            now: Instant::now(),
        }
    }

    /// A ticket of the server's.
    pub fn ticket(&self) -> Ticket {
        let mut setup = Self {
            certificates: self.certificates.clone(),
            configs: self.configs.clone(),
            now: self.now,
        };
        Arc::make_mut(&mut setup.configs[0]).accept_tickets = true;
        let mut client = setup.connect().client;
        client.take_ticket().expect("a ticket")
    }

    /// Goes on from there.
    pub fn resume(&self, ticket: &Ticket) -> Pair {
        let mut pair = self.new_pair();
        pair.client.offer_ticket(ticket.clone());
        self.start(&mut pair);
        while pair.step() {}
        assert!(pair.client.is_resumed() && pair.server.is_resumed());
        pair
    }

    pub fn new(versions: Versions, provider: Provider) -> Self {
        let certificates =
            [ALICE, BOB].map(|text| Certificate::from_pem(text).expect("a good certificate"));
        let now = Instant::now();
        let configs = certificates.clone().map(|certificate| {
            let mut config = Config::new(certificate);
            config.versions = versions;
            config.provider = provider.clone();
            config.srtp_profiles = vec![SrtpProfile::AES128_CM_SHA1_80];
            // Nobody gets one who does not ask.
            config.tickets = Some(TicketKeys::new([5; 32], now));
            config.tickets_12 = true;
            Arc::new(config)
        });
        Self {
            configs,
            certificates: Some(certificates),
            now,
        }
    }

    fn new_pair(&self) -> Pair {
        let side = |config: &Arc<Config>, role, peer: Option<&Certificate>| {
            let mut connection =
                Connection::new(config.clone(), role, [7; 32]).expect("a good configuration");
            if let Some(peer) = peer {
                connection.set_remote_fingerprints(self.now, vec![peer.fingerprint()]);
            }
            connection
        };
        let certificates = self.certificates.as_ref();
        Pair {
            client: side(&self.configs[0], Role::Client, certificates.map(|c| &c[1])),
            server: side(&self.configs[1], Role::Server, certificates.map(|c| &c[0])),
            now: self.now,
        }
    }

    fn start(&self, pair: &mut Pair) {
        pair.client.start(self.now, None);
        pair.server.start(self.now, None);
    }

    /// A client and a server that have not said a word.
    pub fn begin(&self) -> Pair {
        let mut pair = self.new_pair();
        self.start(&mut pair);
        pair
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

    /// Client and server, of which nobody wants anything for a while.
    pub fn into_resting(mut self) -> (Connection, Connection) {
        self.client.rest(self.now);
        self.server.rest(self.now);
        (self.client, self.server)
    }

    /// Client and server.
    pub fn into_sides(self) -> (Connection, Connection) {
        (self.client, self.server)
    }
}
