//! A small TURN server for tests, written from RFC 8656: UDP and streams, MD5 credentials, permissions, channels.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit, Transport};
use netsim::Outgoing;
use stun::{
    Class, IntegrityKey, Message, MessageBuilder, Method, PasswordAlgorithm, TransactionId,
};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const REALM: &str = "example.org";
pub(crate) const PORT: u16 = 3478;

const FIRST_RELAYED_PORT: u16 = 50_000;

#[derive(Debug)]
struct Allocation {
    client: Path,
    id: TransactionId,
    port: u16,
    expires: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
}

/// The server.
#[derive(Debug)]
pub(crate) struct TurnServer {
    pub(crate) ip: IpAddr,
    /// Answers nothing that comes by UDP.
    pub(crate) refuses_udp: bool,
    /// Peers that nobody may reach.
    pub(crate) forbidden: Vec<IpAddr>,
    /// Forgets all allocations at the next request.
    pub(crate) forgets: bool,
    pub(crate) lifetime: Duration,
    pub(crate) users: Vec<String>,
    pub(crate) password: String,
    allocations: Vec<Allocation>,
    output: VecDeque<(Path, Vec<u8>)>,
    next_port: u16,
    /// Requests that were answered with success, by method, each repetition counted.
    pub(crate) granted: Vec<Method>,
    /// Requests without credentials.
    pub(crate) challenged: u32,
    /// Messages from clients to peers, in either form.
    pub(crate) indications: u32,
    pub(crate) channel_messages: u32,
    /// Messages that had no permission or no allocation.
    pub(crate) refused_messages: u32,
}

impl TurnServer {
    pub(crate) fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            refuses_udp: false,
            forbidden: Vec::new(),
            forgets: false,
            lifetime: Duration::from_secs(600),
            users: vec![USER.to_owned()],
            password: PASSWORD.to_owned(),
            allocations: Vec::new(),
            output: VecDeque::new(),
            next_port: FIRST_RELAYED_PORT,
            granted: Vec::new(),
            challenged: 0,
            indications: 0,
            channel_messages: 0,
            refused_messages: 0,
        }
    }

    pub(crate) fn count(&self, method: Method) -> usize {
        self.granted.iter().filter(|seen| **seen == method).count()
    }

    pub(crate) fn allocations(&self, now: Instant) -> usize {
        let lives = |it: &&Allocation| it.expires > now;
        self.allocations.iter().filter(lives).count()
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let path = datagram.path;
        self.allocations.retain(|it| it.expires > now);
        if path.transport == Transport::Udp && path.local.port() >= FIRST_RELAYED_PORT {
            return self.hear_from_peer(now, path.local.port(), path.remote, datagram.bytes);
        }
        if self.refuses_udp && path.transport == Transport::Udp {
            return;
        }
        match datagram.bytes.first() {
            Some(0x40..=0x4f) => self.channel_data(now, path, datagram.bytes),
            _ => self.message(now, path, datagram.bytes),
        }
    }

    pub(crate) fn poll_transmit(&mut self, buf: &mut Vec<u8>) -> Option<Outgoing> {
        let (path, bytes) = self.output.pop_front()?;
        buf.extend_from_slice(&bytes);
        Some(Outgoing::On(Transmit::new(path)))
    }

    /// The key of who asks, if he is known.
    fn key(&self, request: &Message<'_>) -> Option<IntegrityKey> {
        let user = request.username().ok().flatten()?;
        let is_known = self.users.iter().any(|known| known == user);
        let key = IntegrityKey::long_term(user, REALM, &self.password, PasswordAlgorithm::Md5);
        is_known.then_some(key)
    }

    fn find(&mut self, client: Path) -> Option<&mut Allocation> {
        self.allocations.iter_mut().find(|it| it.client == client)
    }

    fn message(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let message = Message::decode(bytes).unwrap();
        match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => {
                let mut buf = Vec::new();
                let mut answer = MessageBuilder::response_to(&mut buf, Class::Success, &message);
                answer.xor_mapped_address(path.remote);
                answer.finish().unwrap();
                self.output.push_back((path, buf));
            }
            (Class::Request, _) => self.request(now, path, &message),
            (Class::Indication, Method::SEND) => {
                let peer = message.xor_peer_address().unwrap().unwrap();
                self.indications += 1;
                let data = message.data().unwrap().to_vec();
                self.send_to_peer(now, path, peer, &data);
            }
            other => unreachable!("a client sent {other:?}"),
        }
    }

    fn refuse(&mut self, path: Path, request: &Message<'_>, code: u16) {
        let key = self.key(request);
        let mut buf = Vec::new();
        let mut answer = MessageBuilder::response_to(&mut buf, Class::Error, request);
        answer.error_code(code);
        match key.filter(|_| code != 401) {
            Some(key) => answer.integrity(&key).finish().unwrap(),
            None => {
                self.challenged += 1;
                answer.realm(REALM).nonce("a-nonce");
                answer.finish().unwrap();
            }
        }
        self.output.push_back((path, buf));
    }

    fn request(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let key = self.key(request);
        if !key.is_some_and(|key| request.has_integrity() && request.verify_integrity(&key)) {
            return self.refuse(path, request, 401);
        }
        if std::mem::take(&mut self.forgets) {
            self.allocations.clear();
        }
        if let Some(ticket) = request.mobility_ticket().filter(|it| !it.is_empty()) {
            let mut all = self.allocations.iter_mut();
            if let Some(moved) = all.find(|it| it.port.to_be_bytes() == ticket) {
                moved.client = path;
            }
        }
        let is_new = self.find(path).is_none();
        match request.method() {
            Method::ALLOCATE if is_new => self.allocate(now, path, request.transaction_id()),
            // RFC 8656 §7.2: a repeated request gets the same answer.
            Method::ALLOCATE => {
                let id = request.transaction_id();
                if self.find(path).is_some_and(|it| it.id != id) {
                    return self.refuse(path, request, 437);
                }
            }
            _ if is_new => return self.refuse(path, request, 437),
            Method::REFRESH => self.refresh(now, path, request),
            Method::CREATE_PERMISSION => {
                let peers: Vec<IpAddr> = request
                    .xor_peer_addresses()
                    .map(|peer| peer.unwrap().ip())
                    .collect();
                if peers.iter().any(|peer| self.forbidden.contains(peer)) {
                    return self.refuse(path, request, 403);
                }
                let until = now + Duration::from_secs(300);
                let allocation = self.find(path).unwrap();
                allocation
                    .permissions
                    .extend(peers.into_iter().map(|peer| (peer, until)));
            }
            Method::CHANNEL_BIND => {
                let number = request.channel_number().unwrap().unwrap();
                let peer = request.xor_peer_address().unwrap().unwrap();
                let allocation = self.find(path).unwrap();
                let until = now + Duration::from_secs(600);
                allocation.channels.insert(number, (peer, until));
                let until = now + Duration::from_secs(300);
                allocation.permissions.insert(peer.ip(), until);
            }
            other => unreachable!("a client asked for {other:?}"),
        }
        self.grant(path, request);
    }

    fn allocate(&mut self, now: Instant, client: Path, id: TransactionId) {
        let port = self.next_port;
        self.next_port += 1;
        self.allocations.push(Allocation {
            client,
            id,
            port,
            expires: now + self.lifetime,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
        });
    }

    fn refresh(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let asked = request.lifetime().unwrap();
        let lifetime = self.lifetime;
        self.find(path).unwrap().expires = match asked {
            Some(Duration::ZERO) => now,
            _ => now + lifetime,
        };
    }

    fn grant(&mut self, path: Path, request: &Message<'_>) {
        self.granted.push(request.method());
        let (ip, lifetime) = (self.ip, self.lifetime);
        let port = self.find(path).unwrap().port;
        let key = self.key(request).unwrap();
        let mut buf = Vec::new();
        let mut answer = MessageBuilder::response_to(&mut buf, Class::Success, request);
        match request.method() {
            Method::ALLOCATE => {
                answer
                    .xor_relayed_address(SocketAddr::new(ip, port))
                    .xor_mapped_address(path.remote)
                    .lifetime(lifetime);
            }
            Method::REFRESH => {
                answer.lifetime(match request.lifetime() {
                    Ok(Some(Duration::ZERO)) => Duration::ZERO,
                    _ => lifetime,
                });
            }
            _ => {}
        }
        if request.mobility_ticket().is_some() {
            answer.mobility_ticket(&port.to_be_bytes());
        }
        answer.integrity(&key).finish().unwrap();
        self.output.push_back((path, buf));
    }

    fn channel_data(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let number = u16::from_be_bytes([bytes[0], bytes[1]]);
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let allocation = self.find(path);
        let bound = allocation.and_then(|it| it.channels.get(&number).copied());
        match bound.filter(|(_, until)| *until > now) {
            Some((peer, _)) => {
                self.channel_messages += 1;
                self.send_to_peer(now, path, peer, &bytes[4..4 + length]);
            }
            None => self.refused_messages += 1,
        }
    }

    fn send_to_peer(&mut self, now: Instant, client: Path, peer: SocketAddr, data: &[u8]) {
        let may = |it: &Allocation| it.permissions.get(&peer.ip()).is_some_and(|at| *at > now);
        let Some(port) = self.find(client).filter(|it| may(it)).map(|it| it.port) else {
            self.refused_messages += 1;
            return;
        };
        let from = SocketAddr::new(self.ip, port);
        if peer.ip() == self.ip {
            // From one address here to another one.
            return self.hear_from_peer(now, peer.port(), from, data);
        }
        self.output
            .push_back((Path::udp(from, peer), data.to_vec()));
    }

    fn hear_from_peer(&mut self, now: Instant, port: u16, peer: SocketAddr, data: &[u8]) {
        let Some(allocation) = self.allocations.iter().find(|it| it.port == port) else {
            return;
        };
        if allocation
            .permissions
            .get(&peer.ip())
            .is_none_or(|at| *at <= now)
        {
            self.refused_messages += 1;
            return;
        }
        let mut buf = Vec::new();
        let mut channels = allocation.channels.iter();
        match channels.find(|(_, (of, until))| *of == peer && *until > now) {
            Some((number, _)) => {
                buf.extend_from_slice(&number.to_be_bytes());
                buf.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
                buf.extend_from_slice(data);
                if allocation.client.transport != Transport::Udp {
                    buf.resize(buf.len().next_multiple_of(4), 0);
                }
            }
            None => {
                let id = TransactionId::new([7; 12]);
                let mut message =
                    MessageBuilder::new(&mut buf, Class::Indication, Method::DATA, id);
                message.xor_peer_address(peer).data(data);
                message.finish().unwrap();
            }
        }
        self.output.push_back((allocation.client, buf));
    }
}
