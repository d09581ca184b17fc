//! A small TURN server, written from RFC 8656, with knobs for servers that misbehave. Every peer behind its relay echoes what it gets.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit, Transport};
use netsim::{Machine, Outgoing};
use stun::{
    AddressFamily, AttributeType, Class, IntegrityKey, Message, MessageBuilder, Method,
    PasswordAlgorithm, TransactionId,
};

use super::{FIRST_CONNECTION, PASSWORD, REALM, USER, data_indication};

/// SHA-256 and MD5, in the order of a server's liking.
const ALGORITHMS: &[u8] = &[0, 1, 0, 0, 0, 2, 0, 0];

/// How the server answers.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// Whether it offers SHA-256 and hides user names.
    pub(crate) modern: bool,
    /// How many times every request meets a 438 first, whatever its nonce.
    pub(crate) stale: u32,
    /// Refuses every password.
    pub(crate) never_satisfied: bool,
    /// Answers every Allocate with 437.
    pub(crate) mismatch: u32,
    /// Answers every Allocate with 300 and the next of these.
    pub(crate) redirects: Vec<SocketAddr>,
    pub(crate) lifetime: u32,
    pub(crate) refresh_lifetime: u32,
    /// Peers that may not be reached.
    pub(crate) forbidden: Vec<IpAddr>,
    pub(crate) relayed: Vec<SocketAddr>,
    /// Forgets all allocations.
    pub(crate) amnesia: bool,
    pub(crate) password: String,
    /// Leaves the integrity out of its responses.
    pub(crate) unsigned: bool,
    /// Whether allocations may move, and whether that is answered with 405.
    pub(crate) mobile: bool,
    pub(crate) forbids_mobility: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            modern: false,
            stale: 0,
            never_satisfied: false,
            mismatch: 0,
            redirects: Vec::new(),
            lifetime: 600,
            refresh_lifetime: 600,
            forbidden: Vec::new(),
            relayed: vec!["203.0.113.7:50000".parse().unwrap()],
            amnesia: false,
            password: PASSWORD.to_owned(),
            unsigned: false,
            mobile: false,
            forbids_mobility: false,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Relay {
    allocated_by: Option<TransactionId>,
    expires: Option<Instant>,
    ticket: Vec<u8>,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
}

/// The server.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) habits: Habits,
    relays: BTreeMap<Path, Relay>,
    replies: VecDeque<(Path, Vec<u8>)>,
    stale_left: u32,
    /// Requests by method, and how many peers each CreatePermission named.
    pub(crate) seen: Vec<Method>,
    /// The same with the instant and the id.
    pub(crate) asked: Vec<(Instant, Method, TransactionId)>,
    pub(crate) batches: Vec<usize>,
    tickets: u8,
    pub(crate) indications: u32,
    pub(crate) channel_messages: u32,
}

impl Server {
    pub(crate) fn new(habits: Habits) -> Self {
        Self {
            stale_left: habits.stale,
            habits,
            ..Self::default()
        }
    }

    pub(crate) fn count(&self, method: Method) -> usize {
        self.seen.iter().filter(|seen| **seen == method).count()
    }

    pub(crate) fn has_relay(&self, now: Instant) -> bool {
        self.relays
            .values()
            .any(|relay| relay.expires.is_some_and(|at| at > now))
    }

    /// When a method was asked for, counted from an instant.
    pub(crate) fn times(&self, method: Method, since: Instant) -> Vec<Duration> {
        let asked = self.asked.iter().filter(|it| it.1 == method);
        asked
            .map(|it| it.0.saturating_duration_since(since))
            .collect()
    }

    /// Takes nonces back, so many times.
    pub(crate) fn go_stale(&mut self, times: u32) {
        self.stale_left = times;
    }

    fn nonce(&self) -> String {
        // The leftmost two of the 24 bits: password algorithms and user-name anonymity.
        let cookie = if self.habits.modern {
            "obMatJos2wAAA"
        } else {
            ""
        };
        format!("{cookie}nonce-{}", self.stale_left)
    }

    fn key(&self) -> IntegrityKey {
        let algorithm = if self.habits.modern {
            PasswordAlgorithm::Sha256
        } else {
            PasswordAlgorithm::Md5
        };
        IntegrityKey::long_term(USER, REALM, &self.habits.password, algorithm)
    }

    fn knows_user(&self, request: &Message<'_>) -> bool {
        if self.habits.modern {
            request.userhash() == Ok(Some(&stun::userhash(USER, REALM)))
                && request.has_integrity_sha256()
                && request.attribute(AttributeType::PASSWORD_ALGORITHMS) == Some(ALGORITHMS)
        } else {
            request.username() == Ok(Some(USER))
        }
    }

    fn refuse(&mut self, path: Path, request: &Message<'_>, code: u16) {
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut buf, Class::Error, request);
        builder.error_code(code);
        if code == 401 || code == 438 {
            builder.realm(REALM).nonce(&self.nonce());
            if self.habits.modern {
                builder.attribute(AttributeType::PASSWORD_ALGORITHMS, ALGORITHMS);
            }
            builder.fingerprint().finish().unwrap();
        } else {
            self.sign(builder);
        }
        self.reply(path, buf);
    }

    fn sign(&self, builder: MessageBuilder<'_>) {
        let sealed = match (self.habits.unsigned, self.habits.modern) {
            (true, _) => builder.fingerprint(),
            (_, true) => builder.integrity_sha256(&self.key()).fingerprint(),
            _ => builder.integrity(&self.key()).fingerprint(),
        };
        sealed.finish().unwrap();
    }

    fn reply(&mut self, path: Path, bytes: Vec<u8>) {
        if self.replies.len() < 64 {
            self.replies.push_back((path, bytes));
        }
    }

    fn handle_request(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        if self.seen.len() < 1_000 {
            self.seen.push(request.method());
            self.asked
                .push((now, request.method(), request.transaction_id()));
        }
        if !request.has_integrity() || self.habits.never_satisfied {
            return self.refuse(path, request, 401);
        }
        if !self.knows_user(request) || !request.verify_integrity(&self.key()) {
            return self.refuse(path, request, 401);
        }
        if self.stale_left > 0 {
            self.stale_left -= 1;
            return self.refuse(path, request, 438);
        }
        if request.nonce() != Ok(Some(&self.nonce())) {
            return self.refuse(path, request, 438);
        }
        match request.method() {
            Method::ALLOCATE => self.on_allocate(now, path, request),
            method => {
                self.move_to(path, request);
                let lives = |relay: &&mut Relay| relay.expires.is_some_and(|at| at > now);
                let amnesia = self.habits.amnesia;
                let alive = self.relays.get_mut(&path).filter(lives).is_some() && !amnesia;
                match method {
                    _ if !alive => self.refuse(path, request, 437),
                    Method::REFRESH => self.on_refresh(now, path, request),
                    Method::CREATE_PERMISSION => self.on_permission(now, path, request),
                    Method::CHANNEL_BIND => self.on_channel(now, path, request),
                    Method::CONNECT => self.on_connect(path, request),
                    _ => self.refuse(path, request, 400),
                }
            }
        }
    }

    /// RFC 8016 §3.2: a good ticket moves what it was given for.
    fn move_to(&mut self, path: Path, request: &Message<'_>) {
        let Some(ticket) = request.mobility_ticket() else {
            return;
        };
        let old = self.relays.iter().find(|(_, it)| it.ticket == ticket);
        if let Some(old) = old.map(|(path, _)| *path) {
            let relay = self.relays.remove(&old).unwrap();
            self.relays.insert(path, relay);
        }
    }

    fn fresh_ticket(&mut self, path: Path) -> Vec<u8> {
        self.tickets += 1;
        let ticket = vec![0x70, self.tickets];
        self.relays.get_mut(&path).unwrap().ticket = ticket.clone();
        ticket
    }

    fn on_allocate(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        if self.habits.forbids_mobility && request.mobility_ticket().is_some() {
            return self.refuse(path, request, 405);
        }
        let protocol = match path.transport {
            Transport::Stream(_) => [6, 17].map(|it| Ok(Some(it))),
            Transport::Udp => [Ok(Some(17)); 2],
        };
        assert!(protocol.contains(&request.requested_transport()));
        if !self.habits.redirects.is_empty() {
            let server = self.habits.redirects.remove(0);
            let mut buf = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut buf, Class::Error, request);
            builder.error_code(300).alternate_server(server);
            self.sign(builder);
            return self.reply(path, buf);
        }
        if self.habits.mismatch > 0 {
            self.habits.mismatch -= 1;
            return self.refuse(path, request, 437);
        }
        let id = request.transaction_id();
        let relay = self.relays.entry(path).or_default();
        let lives = relay.expires.is_some_and(|at| at > now);
        // RFC 8656 §7.2: a repeated request gets the same answer.
        if lives && relay.allocated_by != Some(id) {
            return self.refuse(path, request, 437);
        }
        relay.allocated_by = Some(id);
        relay.expires = Some(now + Duration::from_secs(self.habits.lifetime.into()));
        let is_asked = request.mobility_ticket().is_some() && self.habits.mobile;
        let ticket = is_asked.then(|| self.fresh_ticket(path));
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut buf, Class::Success, request);
        for relayed in &self.habits.relayed {
            builder.xor_relayed_address(*relayed);
        }
        builder
            .xor_mapped_address(path.remote)
            .lifetime(Duration::from_secs(self.habits.lifetime.into()));
        if let Some(ticket) = ticket {
            builder.mobility_ticket(&ticket);
        }
        let both = request.additional_address_family() == Ok(Some(AddressFamily::V6));
        if both && self.habits.relayed.len() == 1 {
            builder.attribute(AttributeType::ADDRESS_ERROR_CODE, &[2, 0, 4, 40]);
        }
        self.sign(builder);
        self.reply(path, buf);
    }

    fn on_refresh(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let asked = request.lifetime().unwrap();
        let granted = match asked {
            Some(Duration::ZERO) => 0,
            _ => self.habits.refresh_lifetime,
        };
        let relay = self.relays.get_mut(&path).unwrap();
        relay.expires = (granted > 0).then(|| now + Duration::from_secs(granted.into()));
        let moved = request.mobility_ticket().map(|_| self.fresh_ticket(path));
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut buf, Class::Success, request);
        builder.lifetime(Duration::from_secs(granted.into()));
        if let Some(ticket) = moved {
            builder.mobility_ticket(&ticket);
        }
        self.sign(builder);
        self.reply(path, buf);
    }

    fn on_permission(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let peers: Vec<SocketAddr> = request.xor_peer_addresses().map(Result::unwrap).collect();
        self.batches.push(peers.len());
        // RFC 8656 §10.2: all or nothing.
        if peers
            .iter()
            .any(|peer| self.habits.forbidden.contains(&peer.ip()))
        {
            return self.refuse(path, request, 403);
        }
        let relay = self.relays.get_mut(&path).unwrap();
        for peer in peers {
            relay
                .permissions
                .insert(peer.ip(), now + Duration::from_secs(300));
        }
        self.succeed(path, request);
    }

    fn on_channel(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let number = request.channel_number().unwrap().unwrap();
        let peer = request.xor_peer_address().unwrap().unwrap();
        assert!((0x4000..=0x4fff).contains(&number));
        let relay = self.relays.get_mut(&path).unwrap();
        relay.channels.retain(|_, (_, until)| *until > now);
        let taken = relay
            .channels
            .iter()
            .any(|(known, (of, _))| (*known == number) != (*of == peer));
        if taken || self.habits.forbidden.contains(&peer.ip()) {
            return self.refuse(path, request, if taken { 400 } else { 403 });
        }
        relay
            .channels
            .insert(number, (peer, now + Duration::from_secs(600)));
        relay
            .permissions
            .insert(peer.ip(), now + Duration::from_secs(300));
        self.succeed(path, request);
    }

    fn on_connect(&mut self, path: Path, request: &Message<'_>) {
        let peer = request.xor_peer_address().unwrap().unwrap();
        if self.habits.forbidden.contains(&peer.ip()) {
            return self.refuse(path, request, 447);
        }
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut buf, Class::Success, request);
        builder.connection_id(FIRST_CONNECTION);
        self.sign(builder);
        self.reply(path, buf);
    }

    /// A peer connects to the relayed address of a TCP allocation.
    pub(crate) fn connect_from(&mut self, client: Path, peer: SocketAddr) {
        let mut buf = Vec::new();
        let id = TransactionId::new([0xca; 12]);
        let (class, method) = (Class::Indication, Method::CONNECTION_ATTEMPT);
        let mut builder = MessageBuilder::new(&mut buf, class, method, id);
        builder
            .xor_peer_address(peer)
            .connection_id(FIRST_CONNECTION);
        builder.finish().unwrap();
        self.reply(client.reversed(), buf);
    }

    fn succeed(&mut self, path: Path, request: &Message<'_>) {
        let mut buf = Vec::new();
        let builder = MessageBuilder::response_to(&mut buf, Class::Success, request);
        self.sign(builder);
        self.reply(path, buf);
    }

    fn relay(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let relay = self.relays.get(&path);
        let (Ok(Some(peer)), Some(data), Some(relay)) =
            (message.xor_peer_address(), message.data(), relay)
        else {
            return;
        };
        if relay
            .permissions
            .get(&peer.ip())
            .is_none_or(|until| *until <= now)
        {
            return;
        }
        self.indications += 1;
        let reply = data_indication(peer, data);
        self.reply(path, reply);
    }

    fn relay_channel(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let number = u16::from_be_bytes([bytes[0], bytes[1]]);
        let channel = self
            .relays
            .get(&path)
            .and_then(|it| it.channels.get(&number));
        if channel.is_some_and(|(_, until)| *until > now) {
            self.channel_messages += 1;
            self.reply(path, bytes.to_vec());
        }
    }
}

impl Machine for Server {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let path = datagram.path;
        match Message::decode(datagram.bytes) {
            Ok(message) if message.class() == Class::Request => {
                self.handle_request(now, path, &message);
            }
            Ok(message) if message.method() == Method::SEND => self.relay(now, path, &message),
            Ok(_) => {}
            Err(_) if datagram.bytes.len() >= 4 => self.relay_channel(now, path, datagram.bytes),
            Err(_) => {}
        }
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_transmit(&mut self, _: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let (path, bytes) = self.replies.pop_front()?;
        buf.extend_from_slice(&bytes);
        Some(Transmit::new(path).into())
    }

    fn poll_event(&mut self) -> Option<String> {
        None
    }

    fn outcome(&self) -> String {
        "a server".to_owned()
    }
}
