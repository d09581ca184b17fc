//! A server before anybody is known to it.

mod cookie;
mod hello;
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

use self::cookie::{CookieSecrets, Remembered};
use self::hello::{Piece, Unfinished, cookie_of, record, second_hello};
use crate::handshake::{Circumstances, Message};
use crate::wire::{
    ClientHello, DTLS_1_0, DTLS_1_2, DTLS_1_3, FragmentHeader, HandshakeType, HelloVerifyRequest,
    RecordHeader,
};
use crate::{Config, ConfigError, Connection, Role, Version, Versions, tls13};

/// Tells clients from noise for a server that is reached without ICE, and hands out a [`Connection`] for each.
///
/// It takes the datagrams that belong to no connection. A ClientHello of DTLS 1.2 is answered with HelloVerifyRequest
/// (RFC 6347 §4.2.1), one of 1.3 with HelloRetryRequest (RFC 9147 §5.1), for which nothing is kept: the cookie is a MAC
/// over the address and the hello, or its hash, under a secret that changes every minute. Only a client that shows the
/// cookie, and so receives what is sent to its address,
/// gets a connection: poll [`Accepted`], keep the connection, and give it what comes from that address from then on.
/// The answer is never longer than the question.
///
/// A hello of 1.3 counts as a whole, so one that comes in pieces has to be put together: 32 of at most 4 KiB are, and
/// the oldest goes first.
///
/// Connections that are not complete are counted, [`MAX_HALF_OPEN`](Self::MAX_HALF_OPEN) at most: report with
/// [`on_connected`](Self::on_connected) and [`on_closed`](Self::on_closed) what became of them.
///
/// It does nothing by itself, so there is no deadline.
///
/// A server that lamps report to, each by a key of its own:
///
/// ```
/// # use std::{error::Error, net::SocketAddr, sync::Arc, time::Instant};
/// use avocet_dtls::{Config, Connection, Event, Listener, PreSharedKey, Role};
///
/// # fn main() -> Result<(), Box<dyn Error>> {
/// let lamp = || PreSharedKey::new(b"lamp", &[7; 16]);
/// let (mut server, mut client) = (Config::anonymous(), Config::anonymous());
/// server.psks.push(lamp()?);
/// client.psks.push(lamp()?);
/// // The seeds come from the operating system in real life, the addresses from the socket.
/// let mut listener = Listener::new(server, [1; 32])?;
/// let mut lamp = Connection::new(Arc::new(client), Role::Client, [2; 32])?;
/// let from: SocketAddr = "192.0.2.1:4000".parse()?;
/// # #[allow(clippy::disallowed_methods)] let now = Instant::now();
/// lamp.start(now, None);
///
/// let mut accepted: Option<Connection> = None;
/// let mut datagram = Vec::new();
/// while !(lamp.is_connected() && accepted.as_ref().is_some_and(Connection::is_connected)) {
///     while lamp.poll_transmit(now, &mut datagram).is_some() {
///         match &mut accepted {
///             Some(connection) => connection.handle_datagram(now, &mut datagram),
///             // Nobody yet: whoever shows the cookie becomes a connection.
///             None => listener.handle_datagram(now, from, &mut datagram),
///         }
///         datagram.clear();
///     }
///     if let Some(client) = listener.poll_event() {
///         assert_eq!(client.from, from);
///         accepted = Some(client.connection);
///     }
///     while let Some(to) = listener.poll_transmit(&mut datagram) {
///         assert_eq!(to, from);
///         lamp.handle_datagram(now, &mut datagram);
///         datagram.clear();
///     }
///     if let Some(connection) = &mut accepted {
///         while connection.poll_transmit(now, &mut datagram).is_some() {
///             lamp.handle_datagram(now, &mut datagram);
///             datagram.clear();
///         }
///         while let Some(event) = connection.poll_event() {
///             if let Event::Connected { .. } = event {
///                 listener.on_connected(from);
///             }
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    /// For the connections of DTLS 1.2, if there are to be any.
    config_12: Option<Arc<Config>>,
    /// For those of 1.3.
    config_13: Option<Arc<Config>>,
    unfinished: Unfinished,
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

    /// A listener whose connections all have this configuration, except that each speaks the version of its cookie, and
    /// gives up after [`HALF_OPEN_TIME`](Self::HALF_OPEN_TIME) at the latest.
    ///
    /// The seed must come from a cryptographic source.
    pub fn new(mut config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.handshake_timeout = config.handshake_timeout.min(Self::HALF_OPEN_TIME);
        // What is wrong with the configuration shows here and not with the first client.
        Connection::new(Arc::new(config.clone()), Role::Server, [0; 32])?;
        let speaking = |version, versions| {
            config.versions.contains(version).then(|| {
                Arc::new(Config {
                    versions,
                    ..config.clone()
                })
            })
        };
        let mut random = StdRng::from_seed(seed);
        Ok(Self {
            config_12: speaking(Version::Dtls12, Versions::DTLS_1_2),
            config_13: speaking(Version::Dtls13, Versions::DTLS_1_3),
            unfinished: Unfinished::default(),
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
        let Some(piece) = Piece::read(bytes) else {
            self.stats.malformed += 1;
            return;
        };
        let sequence_number = piece.sequence_number;
        if let Some(config) = self.config_12.clone()
            && piece.fragment.header.message_seq == 1
            && let Some((covered, cookie)) = piece.cookie()
            && self
                .secrets
                .is_good(from, covered, (cookie, CookieSecrets::LENGTH))
        {
            let begin = |connection: &mut Connection| {
                connection.start_behind_cookie(now, sequence_number);
            };
            self.accept(now, from, (config, bytes), begin);
            return;
        }
        if self.config_13.is_none() {
            match piece.cookie() {
                Some((covered, _)) => self.challenge_12(from, sequence_number, covered),
                None => self.stats.malformed += 1,
            }
            return;
        }
        if let Some(message) = self.unfinished.add(from, &piece.fragment) {
            self.on_hello(now, from, sequence_number, &message);
        }
    }

    /// A whole hello without a good cookie of DTLS 1.2.
    fn on_hello(
        &mut self,
        now: Instant,
        from: SocketAddr,
        sequence_number: u64,
        message: &Message,
    ) {
        let Ok(hello) = ClientHello::decode(&message.body) else {
            self.stats.malformed += 1;
            return;
        };
        let named = hello.extensions.versions.as_deref().unwrap_or_default();
        if named.contains(&DTLS_1_3)
            && let Some(config) = self.config_13.clone()
        {
            self.on_hello_13(now, (from, sequence_number), (message, &hello), config);
        } else if let Some((covered, _)) = cookie_of(&message.body) {
            self.challenge_12(from, sequence_number, covered);
        } else {
            self.stats.malformed += 1;
        }
    }

    fn on_hello_13(
        &mut self,
        now: Instant,
        (from, sequence_number): (SocketAddr, u64),
        (message, hello): (&Message, &ClientHello),
        config: Arc<Config>,
    ) {
        if let Some(cookie) = &hello.extensions.cookie {
            let remembered = Remembered::read(&self.secrets, from, cookie);
            let Some(remembered) = remembered.filter(|_| message.message_seq == 1) else {
                self.stats.malformed += 1;
                return;
            };
            let retry = tls13::Retry {
                suite: remembered.suite,
                group: remembered.group,
                cookie: Some(cookie.clone()),
            };
            let retried = (retry, remembered.digest);
            let begin = |connection: &mut Connection| {
                connection.start_behind_retry(now, sequence_number, retried);
            };
            let mut datagram = second_hello(sequence_number, message);
            self.accept(now, from, (config, &mut datagram), begin);
            return;
        }
        let circumstances = Circumstances {
            now,
            config: &config,
            announced: None,
        };
        let said = (&[][..], message.body.as_slice());
        let choice = tls13::server::Choice::new(circumstances, hello, said);
        let Some(choice) = choice.ok().filter(|_| message.message_seq == 0) else {
            self.stats.malformed += 1;
            return;
        };
        let mut retry = choice.retry(None);
        let remembered = Remembered {
            suite: retry.suite,
            group: retry.group,
            digest: tls13::hello_digest(retry.suite, &message.body),
        };
        retry.cookie = Some(remembered.cookie(&self.secrets, from));
        let reply = record(DTLS_1_2, sequence_number, &retry.message());
        self.reply(from, message.body.len(), reply);
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
        (config, datagram): (Arc<Config>, &mut [u8]),
        begin: impl FnOnce(&mut Connection),
    ) {
        self.half_open.retain(|_, until| *until > now);
        if self.half_open.len() >= Self::MAX_HALF_OPEN || self.half_open.contains_key(&from) {
            self.stats.refused += 1;
            return;
        }
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        // The configuration was found good at the beginning.
        let Ok(mut connection) = Connection::new(config, Role::Server, seed) else {
            return;
        };
        begin(&mut connection);
        connection.handle_datagram(now, datagram);
        let until = now.checked_add(Self::HALF_OPEN_TIME).unwrap_or(now);
        self.half_open.insert(from, until);
        self.stats.accepted += 1;
        self.accepted.push_back(Accepted { from, connection });
    }

    fn challenge_12(&mut self, to: SocketAddr, sequence_number: u64, covered: &[u8]) {
        if self.config_12.is_none() {
            self.stats.malformed += 1;
            return;
        }
        let cookie = self.secrets.make(to, covered).to_vec();
        let mut body = Vec::new();
        HelloVerifyRequest {
            version: DTLS_1_0,
            cookie,
        }
        .encode(&mut body);
        let message = Message {
            message_type: HandshakeType::HELLO_VERIFY_REQUEST,
            message_seq: 0,
            body,
        };
        // The number of the record is that of the question: nothing is remembered (RFC 6347 §4.2.1).
        let reply = record(DTLS_1_0, sequence_number, &message);
        // A hello that can be answered has more than the 35 bytes that are covered.
        self.reply(to, usize::MAX, reply);
    }

    /// Answers a hello of so many bytes, in a record: no more than was heard is said to an address that nobody proved.
    fn reply(&mut self, to: SocketAddr, heard: usize, reply: Vec<u8>) {
        if self.replies.len() >= Self::MAX_REPLIES {
            self.stats.overflow += 1;
        } else if reply.len() > heard.saturating_add(RecordHeader::LENGTH + FragmentHeader::LENGTH)
        {
            self.stats.malformed += 1;
        } else {
            self.stats.challenged += 1;
            self.replies.push_back((to, reply));
        }
    }
}

impl std::fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieSecrets")
    }
}
