//! A server before anybody is known to it.

mod cookie;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use self::cookie::CookieSecrets;
use crate::wire::{
    ClientHello, ContentType, DTLS_1_0, Fragment, FragmentHeader, HandshakeType,
    HelloVerifyRequest, RecordHeader,
};
use crate::{Config, ConfigError, Connection, Role, Version, Versions};

/// Tells clients from noise for a server that is reached without ICE, and hands out a [`Connection`] for each.
///
/// It takes the datagrams that belong to no connection. A ClientHello is answered with HelloVerifyRequest
/// (RFC 6347 §4.2.1), for which nothing is kept: the cookie in it is a MAC over the address and the hello, under a
/// secret that changes every minute. Only a client that shows the cookie, and so receives what is sent to its address,
/// gets a connection: poll [`Accepted`], keep the connection, and give it what comes from that address from then on.
/// The answer is never longer than the question.
///
/// Connections that are not complete are counted, [`MAX_HALF_OPEN`](Self::MAX_HALF_OPEN) at most: report with
/// [`on_connected`](Self::on_connected) and [`on_closed`](Self::on_closed) what became of them.
///
/// It does nothing by itself, so there is no deadline. It speaks DTLS 1.2 only, since the cookie of 1.3 travels
/// in another message.
#[derive(Debug)]
pub struct Listener {
    config: Arc<Config>,
    random: StdRng,
    secrets: CookieSecrets,
    /// Where connections wait for completion, and until when they count.
    half_open: BTreeMap<SocketAddr, Instant>,
    replies: VecDeque<(SocketAddr, Vec<u8>)>,
    accepted: VecDeque<Accepted>,
    stats: ListenerStats,
}

/// A client that proved its address.
#[derive(Debug)]
pub struct Accepted {
    /// Where it is.
    pub from: SocketAddr,
    /// Its connection, started, with the answer to its hello waiting in
    /// [`poll_transmit`](Connection::poll_transmit).
    pub connection: Connection,
}

/// What a [`Listener`] counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    /// Hellos that were answered with a cookie.
    pub challenged: u64,
    /// Connections handed out.
    pub accepted: u64,
    /// Datagrams that are no hello, or too short to hold one.
    pub malformed: u64,
    /// Hellos with a good cookie that came while too many others were under way.
    pub refused: u64,
    /// Answers that found no room in the queue.
    pub overflow: u64,
}

impl Listener {
    /// Connections that may be under way at a time.
    pub const MAX_HALF_OPEN: usize = 1000;
    /// How long one counts as under way.
    pub const HALF_OPEN_TIME: Duration = Duration::from_secs(30);
    /// Answers that wait to be polled: one batch of a socket.
    const MAX_REPLIES: usize = 128;

    /// A listener whose connections all have this configuration, except that they speak DTLS 1.2, and give up after
    /// [`HALF_OPEN_TIME`](Self::HALF_OPEN_TIME) at the latest.
    ///
    /// The seed must come from a cryptographic source.
    pub fn new(mut config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        if !config.versions.contains(Version::Dtls12) {
            return Err(ConfigError::Versions);
        }
        config.versions = Versions::DTLS_1_2;
        config.handshake_timeout = config.handshake_timeout.min(Self::HALF_OPEN_TIME);
        let config = Arc::new(config);
        // What is wrong with the configuration shows here and not with the first client.
        Connection::new(config.clone(), Role::Server, [0; 32])?;
        let mut random = StdRng::from_seed(seed);
        Ok(Self {
            config,
            secrets: CookieSecrets::new(&mut random),
            random,
            half_open: BTreeMap::new(),
            replies: VecDeque::new(),
            accepted: VecDeque::new(),
            stats: ListenerStats::default(),
        })
    }

    /// Takes a datagram from an address that has no connection.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, bytes: &mut [u8]) {
        self.secrets.rotate(now, &mut self.random);
        let Some(hello) = FirstFragment::read(bytes) else {
            self.stats.malformed += 1;
            return;
        };
        let provider = &self.config.provider;
        let good = hello.message_seq == 1
            && self
                .secrets
                .is_good(provider, from, &hello.covered, &hello.cookie);
        if good {
            self.accept(now, from, hello.sequence_number, bytes);
        } else if hello.message_seq <= 1 {
            let cookie = self.secrets.make(provider, from, &hello.covered);
            self.challenge(from, hello.sequence_number, cookie.to_vec());
        } else {
            self.stats.malformed += 1;
        }
    }

    /// Appends an answer to `buf` and says where it goes.
    pub fn poll_transmit(&mut self, buf: &mut Vec<u8>) -> Option<SocketAddr> {
        let (to, reply) = self.replies.pop_front()?;
        buf.extend_from_slice(&reply);
        Some(to)
    }

    /// The next client.
    pub fn poll_event(&mut self) -> Option<Accepted> {
        self.accepted.pop_front()
    }

    /// The handshake with the client at this address is complete.
    pub fn on_connected(&mut self, from: SocketAddr) {
        self.half_open.remove(&from);
    }

    /// The connection with the client at this address has ended.
    pub fn on_closed(&mut self, from: SocketAddr) {
        self.half_open.remove(&from);
    }

    /// Connections that are under way, as far as it was told.
    pub fn half_open(&self) -> usize {
        self.half_open.len()
    }

    /// What was counted.
    pub const fn stats(&self) -> ListenerStats {
        self.stats
    }

    fn accept(
        &mut self,
        now: Instant,
        from: SocketAddr,
        sequence_number: u64,
        datagram: &mut [u8],
    ) {
        self.half_open.retain(|_, until| *until > now);
        if self.half_open.len() >= Self::MAX_HALF_OPEN || self.half_open.contains_key(&from) {
            self.stats.refused += 1;
            return;
        }
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        // The configuration was found good at the beginning.
        let Ok(mut connection) = Connection::new(self.config.clone(), Role::Server, seed) else {
            return;
        };
        connection.start_behind_cookie(now, sequence_number);
        connection.handle_datagram(now, datagram);
        let until = now.checked_add(Self::HALF_OPEN_TIME).unwrap_or(now);
        self.half_open.insert(from, until);
        self.stats.accepted += 1;
        self.accepted.push_back(Accepted { from, connection });
    }

    fn challenge(&mut self, to: SocketAddr, sequence_number: u64, cookie: Vec<u8>) {
        if self.replies.len() >= Self::MAX_REPLIES {
            self.stats.overflow += 1;
            return;
        }
        let mut body = Vec::new();
        HelloVerifyRequest {
            version: DTLS_1_0,
            cookie,
        }
        .encode(&mut body);
        let length = u32::try_from(body.len()).unwrap_or(0);
        let mut fragment = Vec::new();
        FragmentHeader {
            message_type: HandshakeType::HELLO_VERIFY_REQUEST,
            length,
            message_seq: 0,
            offset: 0,
            fragment_length: length,
        }
        .encode(&mut fragment);
        fragment.extend_from_slice(&body);
        // The number of the record is that of the question: nothing is remembered (RFC 6347 §4.2.1).
        let header = RecordHeader {
            content_type: ContentType::Handshake,
            version: DTLS_1_0,
            epoch: 0,
            sequence_number,
        };
        let mut reply = header
            .encode(u16::try_from(fragment.len()).unwrap_or(0))
            .to_vec();
        reply.extend_from_slice(&fragment);
        self.stats.challenged += 1;
        self.replies.push_back((to, reply));
    }
}

/// The beginning of a ClientHello: all that a cookie needs, also when the rest comes in other datagrams.
struct FirstFragment {
    sequence_number: u64,
    message_seq: u16,
    /// What the cookie vouches for: version, random, session id.
    covered: Vec<u8>,
    cookie: Vec<u8>,
}

impl FirstFragment {
    fn read(datagram: &[u8]) -> Option<Self> {
        let (header, mut body) = RecordHeader::decode(&mut &*datagram).ok()?;
        if header.content_type != ContentType::Handshake
            || header.epoch != 0
            || header.version >> 8 != DTLS_1_0 >> 8
        {
            return None;
        }
        let fragment = Fragment::decode(&mut body).ok()?;
        if fragment.header.message_type != HandshakeType::CLIENT_HELLO
            || fragment.header.offset != 0
        {
            return None;
        }
        let cookie = ClientHello::cookie_of(fragment.bytes)?;
        // Behind version and random comes the session id with its length.
        let session_id = usize::from(*fragment.bytes.get(34)?);
        Some(Self {
            sequence_number: header.sequence_number,
            message_seq: fragment.header.message_seq,
            covered: fragment.bytes.get(..35 + session_id)?.to_vec(),
            cookie: cookie.to_vec(),
        })
    }
}

impl std::fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieSecrets")
    }
}
