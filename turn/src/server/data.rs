//! What is relayed (RFC 8656 §11, §12.5 to §12.7). Nothing here allocates.

use std::net::SocketAddr;
use std::time::Instant;

use net::{Datagram, Ecn, Path, Transport};
use rand::RngExt;
use stun::{AddressFamily, AttributeType, Class, Message, MessageBuilder, Method, TransactionId};

use super::bucket::Bucket;
use super::relay::RelayState;
use super::slab::Key;
use super::{
    Bandwidth, Destination, IcmpError, RelayId, RelayTransport, Relayed, Server, Transmit,
};
use crate::ChannelData;

/// What is understood in a Send indication; another required attribute makes it worthless (RFC 8489 §6.3.2).
const KNOWN_IN_SEND: &[AttributeType] = &[
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::USERNAME,
    AttributeType::REALM,
    AttributeType::NONCE,
];

/// The most that fits in a UDP datagram over IPv4.
const MAX_DATAGRAM: usize = 65_507;

/// Towards peers, or towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToPeer,
    ToClient,
}

/// How data is to be sent on.
#[derive(Clone, Copy)]
struct Manner {
    ecn: Ecn,
    dont_fragment: bool,
}

impl Server {
    /// A datagram, or a piece of a stream, from a client. What is for a peer is passed on where it stands, before the call
    /// returns.
    pub fn handle_datagram_with(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
        mut forward: impl FnMut(Relayed<'_>),
    ) {
        let Datagram { path, ecn, bytes } = datagram;
        match path.transport {
            Transport::Udp => self.handle_frame(now, (path, ecn), bytes, &mut forward),
            Transport::Stream(id) => self.handle_stream(now, id, bytes, &mut forward),
        }
    }

    /// A datagram from a peer to a relay. What it becomes is passed on before the call returns.
    pub fn handle_relayed_with(
        &mut self,
        now: Instant,
        relay: RelayId,
        (peer, ecn): (SocketAddr, Ecn),
        bytes: &[u8],
        mut forward: impl FnMut(Relayed<'_>),
    ) {
        if self.is_listener(peer) {
            self.stats.drops.forbidden += 1;
            return;
        }
        self.relay_to_client(now, relay.0, (peer, ecn), bytes, &mut forward);
    }

    pub(super) fn handle_frame(
        &mut self,
        now: Instant,
        from: (Path, Ecn),
        frame: &mut [u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        match frame.first() {
            Some(0x40..=0x4f) => self.handle_channel_data(now, from, frame, forward),
            Some(0..=3) => self.handle_message(now, from, frame, forward),
            _ => self.stats.drops.malformed += 1,
        }
    }

    fn handle_channel_data(
        &mut self,
        now: Instant,
        (path, ecn): (Path, Ecn),
        frame: &mut [u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let Ok(ChannelData { number, data }) = ChannelData::decode(frame) else {
            self.stats.drops.malformed += 1;
            return;
        };
        let Some(key) = self.by_path.get(&path).copied() else {
            self.stats.drops.no_allocation += 1;
            return;
        };
        let allocation = self.allocations.get(key);
        let Some(peer) = allocation.and_then(|it| it.peer_of(now, number.get())) else {
            self.stats.drops.no_channel += 1;
            return;
        };
        let manner = Manner {
            ecn,
            dont_fragment: false,
        };
        self.relay_to_peer(now, key, (peer, manner), data, forward);
    }

    fn handle_message(
        &mut self,
        now: Instant,
        (path, ecn): (Path, Ecn),
        frame: &[u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let Ok(message) = Message::decode(frame) else {
            self.stats.drops.malformed += 1;
            return;
        };
        if message.has_fingerprint() && !message.verify_fingerprint() {
            self.stats.drops.malformed += 1;
            return;
        }
        match (message.class(), message.method()) {
            (Class::Request, _) => self.handle_request(now, path, &message),
            (Class::Indication, Method::SEND) => {
                self.handle_send(now, (path, ecn), &message, forward);
            }
            // A client keeps its NAT awake.
            (Class::Indication, Method::BINDING) => {}
            _ => self.stats.drops.malformed += 1,
        }
    }

    fn handle_send(
        &mut self,
        now: Instant,
        (path, ecn): (Path, Ecn),
        message: &Message<'_>,
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let Some(key) = self.by_path.get(&path).copied() else {
            self.stats.drops.no_allocation += 1;
            return;
        };
        let dont_fragment = message.dont_fragment();
        let can = self.config.dont_fragment;
        let is_unknown = message
            .unknown_required(KNOWN_IN_SEND)
            .any(|kind| kind != AttributeType::DONT_FRAGMENT || !can);
        // Of two addresses the first counts.
        let peer = message.xor_peer_address().ok().flatten();
        let (Some(peer), Some(data), false) = (peer, message.data(), is_unknown) else {
            self.stats.drops.malformed += 1;
            return;
        };
        let allocation = self.allocations.get(key);
        if !allocation.is_some_and(|it| it.permits(now, peer.ip())) {
            self.stats.drops.no_permission += 1;
            return;
        }
        let manner = Manner { ecn, dont_fragment };
        self.relay_to_peer(now, key, (peer, manner), data, forward);
    }

    fn relay_to_peer(
        &mut self,
        now: Instant,
        key: Key,
        (peer, manner): (SocketAddr, Manner),
        data: &[u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let family = AddressFamily::of(&peer);
        let Some(allocation) = self.allocations.get(key) else {
            return;
        };
        let is_udp = allocation.transport == RelayTransport::Udp;
        let Some(relay) = allocation.relay(family).filter(|_| is_udp) else {
            self.stats.drops.no_permission += 1;
            return;
        };
        if allocation.expires_at <= now {
            self.stats.drops.no_allocation += 1;
            return;
        }
        if data.len() > MAX_DATAGRAM {
            self.stats.drops.too_long += 1;
            return;
        }
        if !self.may_pass(now, key, Direction::ToPeer, data.len()) {
            return;
        }
        if self.is_relay_address(peer.ip()) || self.is_listener(peer) {
            return self.relay_to_own(now, relay, (peer, manner), data, forward);
        }
        self.count(Direction::ToPeer, data.len());
        let destination = Destination::Peer {
            relay: RelayId(relay),
            peer,
            dont_fragment: manner.dont_fragment,
        };
        forward(Relayed::bare(destination, manner.ecn, data));
    }

    /// To one of our own addresses: into another allocation, without a socket. Another server behind the same address has
    /// other ports of the range; there a socket is needed.
    fn relay_to_own(
        &mut self,
        now: Instant,
        relay: Key,
        (peer, manner): (SocketAddr, Manner),
        data: &[u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        if let Some(other) = self.by_relayed.get(&peer).copied() {
            let Some(from) = self.relays.get(relay).map(|relay| relay.public) else {
                return;
            };
            self.count(Direction::ToPeer, data.len());
            return self.relay_to_client(now, other, (from, manner.ecn), data, forward);
        }
        let mut relays = self.config.relays.iter();
        let is_sibling = relays.any(|it| {
            let is_ours = it.ports.contains(&peer.port());
            it.public == peer.ip() && !is_ours && it.shared_ports.contains(&peer.port())
        });
        let is_allowed = self.config.peers.listed(peer.ip()) == Some(true);
        if self.is_listener(peer) || !(is_sibling || is_allowed) {
            self.stats.drops.forbidden += 1;
            return;
        }
        self.count(Direction::ToPeer, data.len());
        let destination = Destination::Peer {
            relay: RelayId(relay),
            peer,
            dont_fragment: manner.dont_fragment,
        };
        forward(Relayed::bare(destination, manner.ecn, data));
    }

    fn relay_to_client(
        &mut self,
        now: Instant,
        relay: Key,
        (peer, ecn): (SocketAddr, Ecn),
        data: &[u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let owner = match self.relays.get(relay).map(|relay| relay.state) {
            Some(RelayState::Owned(owner)) => owner,
            Some(RelayState::Reserved(..)) => {
                self.stats.drops.no_permission += 1;
                return;
            }
            None => {
                self.stats.drops.stale += 1;
                return;
            }
        };
        let Some(allocation) = self.allocations.get(owner) else {
            return;
        };
        if !allocation.permits(now, peer.ip()) || allocation.expires_at <= now {
            self.stats.drops.no_permission += 1;
            return;
        }
        let path = allocation.path;
        let number = allocation.channel_to(now, peer);
        let overhead = if number.is_some() { 4 } else { 48 };
        if data.len() + overhead > MAX_DATAGRAM {
            self.stats.drops.too_long += 1;
            return;
        }
        if !self.may_pass(now, owner, Direction::ToClient, data.len()) {
            return;
        }
        let is_stream = path.transport != Transport::Udp;
        let padding = data.len().next_multiple_of(4) - data.len();
        self.scratch.clear();
        let padding = if let Some(number) = number {
            self.scratch.extend_from_slice(&number.to_be_bytes());
            let length = u16::try_from(data.len()).unwrap_or_default();
            self.scratch.extend_from_slice(&length.to_be_bytes());
            if is_stream { padding } else { 0 }
        } else {
            self.write_indication(peer, data.len());
            padding
        };
        self.count(Direction::ToClient, data.len());
        let relayed = Relayed::bare(Destination::Client(path), ecn, data);
        forward(relayed.framed(&self.scratch, padding));
    }

    /// A Data indication up to its data.
    fn write_indication(&mut self, peer: SocketAddr, length: usize) {
        let id = TransactionId::new(self.rng.random());
        let buf = &mut self.scratch;
        let mut builder = MessageBuilder::new(buf, Class::Indication, Method::DATA, id);
        builder.xor_peer_address(peer).data(&[]);
        let body = buf.len().saturating_sub(stun::HEADER_LENGTH) + length.next_multiple_of(4);
        let at = buf.len().saturating_sub(2);
        write_at(buf, at, length);
        write_at(buf, 2, body);
    }

    /// An ICMP error came for something that a relay sent to a peer: the client is told (RFC 8656 §11.5).
    /// Only what says that a datagram did not arrive is told: types 3 and 11, and 1, 2 and 3 of ICMPv6.
    pub fn on_icmp(&mut self, now: Instant, relay: RelayId, peer: SocketAddr, error: IcmpError) {
        let kinds: &[u8] = if peer.is_ipv4() { &[3, 11] } else { &[1, 2, 3] };
        if !kinds.contains(&error.kind) {
            self.stats.drops.malformed += 1;
            return;
        }
        let state = self.relays.get(relay.0).map(|relay| relay.state);
        let Some(RelayState::Owned(owner)) = state else {
            self.stats.drops.stale += 1;
            return;
        };
        let Some(allocation) = self.allocations.get(owner) else {
            return;
        };
        if !allocation.permits(now, peer.ip()) {
            self.stats.drops.no_permission += 1;
            return;
        }
        let transmit = Transmit {
            destination: Destination::Client(allocation.path),
            ecn: Ecn::NotEct,
        };
        if !self.may_pass(now, owner, Direction::ToClient, 8) {
            return;
        }
        let id = TransactionId::new(self.rng.random());
        let pushed = self.outbox.push(transmit, |buf| {
            let mut builder = MessageBuilder::new(buf, Class::Indication, Method::DATA, id);
            builder
                .xor_peer_address(peer)
                .icmp(error.kind, error.code, error.data);
            let _ = builder.finish();
        });
        self.stats.drops.overflow += u64::from(!pushed);
    }

    const fn count(&mut self, direction: Direction, bytes: usize) {
        let stats = &mut self.stats;
        match direction {
            Direction::ToPeer => {
                stats.packets_to_peers += 1;
                stats.bytes_to_peers += bytes as u64;
            }
            Direction::ToClient => {
                stats.packets_to_clients += 1;
                stats.bytes_to_clients += bytes as u64;
            }
        }
    }

    /// Whether the bandwidth of the allocation, its user and all together has room; what is beyond is counted.
    pub(super) fn may_pass(
        &mut self,
        now: Instant,
        key: Key,
        direction: Direction,
        bytes: usize,
    ) -> bool {
        let limits = &self.config.limits;
        let rates = [limits.allocation_rate, limits.user_rate, limits.total_rate];
        if rates == [None; 3] {
            return true;
        }
        let Some(allocation) = self.allocations.get_mut(key) else {
            return false;
        };
        let amount = bytes as u64;
        let own = of(&mut allocation.buckets, direction);
        let user = self.users.get(allocation.user).map(|it| &it.bandwidth);
        let fits = |rate: Option<_>, bandwidth: Option<&Bandwidth>| match (rate, bandwidth) {
            (Some(rate), Some(bandwidth)) => bandwidth.take(now, direction, rate, amount),
            _ => true,
        };
        let is_within = limits
            .allocation_rate
            .is_none_or(|rate| own.take(now, rate, amount));
        let passes = is_within && fits(limits.user_rate, user);
        if passes && fits(limits.total_rate, Some(&self.total)) {
            return true;
        }
        // What was taken and not used is given back.
        if is_within {
            own.give(amount);
        }
        if let (true, Some(rate), Some(user)) = (passes, limits.user_rate, user) {
            user.give(direction, rate, amount);
        }
        self.stats.drops.rate += 1;
        false
    }
}

/// The bucket of a direction.
pub(super) const fn of(buckets: &mut [Bucket; 2], direction: Direction) -> &mut Bucket {
    let [to_peer, to_client] = buckets;
    match direction {
        Direction::ToPeer => to_peer,
        Direction::ToClient => to_client,
    }
}

fn write_at(buf: &mut [u8], at: usize, value: usize) {
    let value = u16::try_from(value).unwrap_or_default();
    if let Some(field) = buf.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = value.to_be_bytes();
    }
}
