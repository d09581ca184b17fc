use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use net::Path;
use stun::{AddressFamily, ErrorCode, TransactionId};

use super::answer::Reply;
use super::bucket::Bucket;
use super::ports::Want;
use super::slab::Key;
use super::{ConnectionId, RelayTransport};

/// What a client has: the relays, and who may use them (RFC 8656 §3.2).
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) path: Path,
    /// Whose it is.
    pub(super) user: Key,
    pub(super) source: u64,
    pub(super) transport: RelayTransport,
    /// The Allocate that made it, and what it was granted: it may come again (RFC 8656 §7.2).
    pub(super) transaction: TransactionId,
    pub(super) granted: Duration,
    pub(super) expires_at: Instant,
    /// IPv4 and IPv6.
    pub(super) relays: [Option<Key>; 2],
    /// What is only needed at times.
    pub(super) rare: Box<Rare>,
    /// Sorted by address.
    permissions: Vec<(IpAddr, Instant)>,
    /// Sorted by number, and the numbers sorted by peer.
    channels: Vec<Channel>,
    by_peer: Vec<(SocketAddr, u16)>,
    /// To peers, and to the client.
    pub(super) buckets: [Bucket; 2],
    /// When something of it is looked at next.
    pub(super) armed: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Rare {
    /// While sockets are being opened.
    pub(super) opening: Option<Opening>,
    pub(super) reservation: Option<[u8; 8]>,
    pub(super) refused: Option<(AddressFamily, ErrorCode)>,
    pub(super) ticket: Option<[u8; TICKET_LENGTH]>,
    pub(super) connections: Vec<ConnectionId>,
}

/// A shard, and 128 bits of chance.
pub(super) const TICKET_LENGTH: usize = 17;

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) reply: Reply,
    pub(super) want: Want,
    pub(super) tries: u8,
    pub(super) waiting: u8,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires_at: Instant,
}

/// How long a permission and a channel stand (RFC 8656 §9, §12).
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

impl Allocation {
    pub(super) fn new(
        (path, transaction): (Path, TransactionId),
        (user, source): (Key, u64),
        transport: RelayTransport,
        (granted, expires_at): (Duration, Instant),
    ) -> Self {
        Self {
            path,
            user,
            source,
            transport,
            transaction,
            granted,
            expires_at,
            relays: [None, None],
            rare: Box::default(),
            permissions: Vec::new(),
            channels: Vec::new(),
            by_peer: Vec::new(),
            buckets: [Bucket::default(); 2],
            armed: None,
        }
    }

    pub(super) const fn slot(family: AddressFamily) -> usize {
        match family {
            AddressFamily::V4 => 0,
            AddressFamily::V6 => 1,
        }
    }

    /// The relay for peers of a family.
    pub(super) fn relay(&self, family: AddressFamily) -> Option<Key> {
        self.relays.get(Self::slot(family)).copied().flatten()
    }

    pub(super) fn serves(&self, peer: SocketAddr) -> bool {
        self.relay(AddressFamily::of(&peer)).is_some()
    }

    pub(super) fn permits(&self, now: Instant, peer: IpAddr) -> bool {
        let found = self.permissions.binary_search_by(|(ip, _)| ip.cmp(&peer));
        found
            .ok()
            .and_then(|at| self.permissions.get(at))
            .is_some_and(|(_, until)| *until > now)
    }

    /// How many permissions there would be with these as well.
    pub(super) fn permissions_with(&self, peers: &[SocketAddr]) -> usize {
        let is_new = |ip: &IpAddr| self.permissions.iter().all(|(known, _)| known != ip);
        let fresh = peers.iter().enumerate().filter(|(at, peer)| {
            let earlier = peers.iter().take(*at);
            is_new(&peer.ip()) && earlier.map(SocketAddr::ip).all(|ip| ip != peer.ip())
        });
        self.permissions.len() + fresh.count()
    }

    pub(super) fn permit(&mut self, now: Instant, peer: IpAddr) {
        let until = later(now, PERMISSION_LIFETIME);
        match self.permissions.binary_search_by(|(ip, _)| ip.cmp(&peer)) {
            Ok(at) => {
                if let Some((_, expires_at)) = self.permissions.get_mut(at) {
                    *expires_at = until;
                }
            }
            Err(at) => self.permissions.insert(at, (peer, until)),
        }
    }

    /// Takes permissions and channels back from those who are not wanted any more.
    pub(super) fn revoke(&mut self, is_denied: impl Fn(IpAddr) -> bool) {
        self.permissions.retain(|(ip, _)| !is_denied(*ip));
        self.channels
            .retain(|channel| !is_denied(channel.peer.ip()));
        self.by_peer.retain(|(peer, _)| !is_denied(peer.ip()));
    }

    fn channel(&self, number: u16) -> Option<&Channel> {
        let found = self.channels.binary_search_by(|it| it.number.cmp(&number));
        self.channels.get(found.ok()?)
    }

    /// The peer at the other end of a channel.
    pub(super) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        self.channel(number)
            .filter(|channel| channel.expires_at > now)
            .map(|channel| channel.peer)
    }

    /// The channel to a peer.
    pub(super) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let found = self
            .by_peer
            .binary_search_by(|(it, _)| it.cmp(&peer))
            .ok()?;
        let (_, number) = *self.by_peer.get(found)?;
        self.peer_of(now, number).map(|_| number)
    }

    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Binds a channel, or binds it for longer; false when the number or the peer is bound otherwise
    /// (RFC 8656 §12.2).
    pub(super) fn bind(&mut self, now: Instant, number: u16, peer: SocketAddr) -> bool {
        self.forget_expired(now);
        let expires_at = later(now, CHANNEL_LIFETIME);
        let by_number = self.channels.binary_search_by(|it| it.number.cmp(&number));
        let by_peer = self.by_peer.binary_search_by(|(it, _)| it.cmp(&peer));
        match (by_number, by_peer) {
            (Ok(at), Ok(_)) => {
                let channel = self.channels.get_mut(at).filter(|it| it.peer == peer);
                let is_same = channel.is_some();
                if let Some(channel) = channel {
                    channel.expires_at = expires_at;
                }
                is_same
            }
            (Err(at), Err(place)) => {
                let channel = Channel {
                    number,
                    peer,
                    expires_at,
                };
                self.channels.insert(at, channel);
                self.by_peer.insert(place, (peer, number));
                true
            }
            _ => false,
        }
    }

    /// Forgets what has expired, but not the allocation itself.
    pub(super) fn forget_expired(&mut self, now: Instant) {
        self.permissions.retain(|(_, until)| *until > now);
        let before = self.channels.len();
        self.channels.retain(|channel| channel.expires_at > now);
        if self.channels.len() != before {
            let channels = &self.channels;
            let stands = |number: u16| channels.binary_search_by(|it| it.number.cmp(&number));
            self.by_peer.retain(|(_, number)| stands(*number).is_ok());
        }
    }

    /// When the first thing of it expires.
    pub(super) fn next_expiry(&self) -> Instant {
        let permissions = self.permissions.iter().map(|(_, until)| *until);
        let channels = self.channels.iter().map(|channel| channel.expires_at);
        permissions
            .chain(channels)
            .fold(self.expires_at, Instant::min)
    }
}

/// An instant a while later; the same one at the end of time.
pub(super) fn later(instant: Instant, by: Duration) -> Instant {
    instant.checked_add(by).unwrap_or(instant)
}
