mod channel;
mod close;
mod connect;
mod data;
mod incoming;
mod mobility;
mod permission;
mod request;
mod response;

pub use data::Mark;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::debug;
use net::{Datagram, Path, Transmit, Transport};
use rand::SeedableRng;
use rand::rngs::StdRng;
use stun::{
    AddressFamily, Challenge, FrameReader, LongTermAuth, LongTermCredentials, Transactions,
};

use crate::{
    AllocateError, Allocation as Kind, BindError, Cause, CloseReason, Config, ConfigError, Event,
    Initiator, PermissionError, Refusal, SetCredentialsError, Stats, measure_frame,
};
use channel::Channels;
use permission::Permissions;
use request::{Purpose, Request};

/// The most requests outstanding.
const MAX_TRANSACTIONS: usize = 16;

/// The most events that wait; [`Event::Closed`] always has a place.
const MAX_EVENTS: usize = 256;

/// A client of a TURN server: one allocation from the first request to its end (RFC 8656).
///
/// **Commands**: [`allocate`](Self::allocate), [`create_permission`](Self::create_permission),
/// [`bind_channel`](Self::bind_channel), [`close`](Self::close). Permissions and channels may be asked for before the
/// relay stands; they go out, many in one request, as soon as it does, and are kept alive.
///
/// **Data out**: [`begin`](Self::begin), append the payload, [`seal`](Self::seal): the header is written around the
/// payload where it stands, as ChannelData when a channel is bound and as a Send indication before.
///
/// **Data in**: [`handle_datagram_with`](Self::handle_datagram_with) delivers slices of the received bytes;
/// [`handle_datagram`](Self::handle_datagram) keeps up to 64 KiB for [`recv`](Self::recv).
///
/// **Streams** (TCP, TLS): bytes may come cut in any way, and what `poll_transmit` and `seal` write is framed.
#[derive(Debug)]
pub struct Client {
    config: Config,
    rng: StdRng,
    state: State,
    path: Option<Path>,
    reader: FrameReader,
    auth: Option<Arc<LongTermAuth>>,
    transactions: Transactions<Request>,
    /// Requests to be made at the next opportunity, before permissions and channels.
    intents: VecDeque<Request>,
    server_history: ServerHistory,
    allocation: Option<Allocation>,
    /// What lets the allocation move to another socket.
    ticket: Option<Box<[u8]>>,
    permissions: Permissions,
    channels: Channels,
    /// Peers that the server is asked to connect to.
    connecting: Vec<SocketAddr>,
    inbox: data::Inbox,
    events: VecDeque<Event>,
    stats: Stats,
}

/// Where a client is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// [`Client::allocate`] has not been called.
    New,
    /// The server is asked for the allocation.
    Allocating,
    /// [`Event::SocketNeeded`] was given and not answered yet.
    SocketNeeded,
    /// The relay stands.
    Allocated,
    /// The relay stands, and is being moved to another socket.
    Moving,
    /// The server is told to delete the allocation.
    Closing,
    /// It is over.
    Closed,
}

/// What stands on the server.
#[derive(Debug)]
struct Allocation {
    relayed: Vec<SocketAddr>,
    /// `None` while a Refresh is outstanding.
    refresh_at: Option<Instant>,
    expires_at: Instant,
}

/// How the client came to its server, to end circles.
#[derive(Debug, Default)]
struct ServerHistory {
    asked: Vec<SocketAddr>,
    mismatches: u8,
    /// How the end is called, and by when it comes, once it has begun.
    closing: Option<(CloseReason, Instant)>,
}

impl Client {
    /// A client that does nothing yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let longest = Duration::from_secs(3600);
        let fits = |it: Duration| it >= Duration::from_secs(1) && it <= longest;
        if !config.lifetime.is_none_or(fits) {
            return Err(ConfigError::Lifetime);
        }
        let timing = config.timing;
        if timing.initial_rto.is_zero()
            || timing.stream_timeout.is_zero()
            || timing.max_sends == 0
            || timing.last_wait == 0
        {
            return Err(ConfigError::Timing);
        }
        if !config.refresh.is_usable() {
            return Err(ConfigError::Refresh);
        }
        let challenge = config.challenge.clone().zip(config.credentials.as_ref());
        Ok(Self {
            rng: StdRng::from_seed(config.seed),
            state: State::New,
            path: None,
            reader: FrameReader::new(measure_frame),
            auth: challenge.map(|(it, credentials)| Arc::new(LongTermAuth::new(credentials, it))),
            transactions: Transactions::new(timing, MAX_TRANSACTIONS),
            intents: VecDeque::new(),
            server_history: ServerHistory::default(),
            allocation: None,
            ticket: None,
            permissions: Permissions::new(config.refresh.permission),
            channels: Channels::new(config.refresh.channel),
            connecting: Vec::new(),
            inbox: data::Inbox::default(),
            events: VecDeque::new(),
            stats: Stats::default(),
            config,
        })
    }

    /// Asks the server at the far end of `path` for an allocation; also the answer to [`Event::SocketNeeded`].
    ///
    /// An allocation belongs to the path (RFC 8656 §2.2: the 5-tuple), so another one needs another socket.
    pub fn allocate(&mut self, path: Path) -> Result<(), AllocateError> {
        match self.state {
            State::New | State::SocketNeeded => {}
            State::Allocating | State::Allocated | State::Moving => {
                return Err(AllocateError::AlreadyStarted);
            }
            State::Closing | State::Closed => return Err(AllocateError::Closed),
        }
        if self.config.allocation == Kind::Tcp && path.transport == Transport::Udp {
            return Err(AllocateError::Datagrams);
        }
        self.path = Some(path);
        self.reader = FrameReader::new(measure_frame);
        self.server_history.asked.push(path.remote);
        self.state = State::Allocating;
        self.intents.push_back(Request::new(Purpose::Allocate));
        Ok(())
    }

    /// Asks the server to let data through from and to a peer, whatever its port, and keeps it so. Several calls
    /// before the next `poll_transmit` go in one request (RFC 8656 §10.1): for ICE, one per remote candidate.
    pub fn create_permission(&mut self, peer: IpAddr) -> Result<(), PermissionError> {
        if matches!(self.state, State::Closing | State::Closed) {
            return Err(PermissionError::Closed);
        }
        if !self.reaches(peer) {
            return Err(PermissionError::Family);
        }
        self.permissions.want(peer)
    }

    /// Keeps a permission alive no longer; the server forgets it within five minutes.
    pub fn remove_permission(&mut self, peer: IpAddr) {
        self.permissions.remove(peer);
    }

    /// Asks the server for a channel to a peer, which also makes a permission, and keeps it: for ICE, for the
    /// selected pair. It saves 32 bytes of 36 in each message (IPv4).
    pub fn bind_channel(&mut self, peer: SocketAddr) -> Result<(), BindError> {
        if matches!(self.state, State::Closing | State::Closed) {
            return Err(BindError::Closed);
        }
        if self.config.allocation == Kind::Tcp {
            return Err(BindError::Streams);
        }
        if !self.reaches(peer.ip()) {
            return Err(BindError::Family);
        }
        self.channels.want(peer)
    }

    /// Keeps a channel no longer. Its number is not used for another peer before the server has forgotten it, and
    /// five minutes more (RFC 8656 §12).
    pub fn release_channel(&mut self, now: Instant, peer: SocketAddr) {
        self.channels.retire(now, peer);
    }

    /// Takes another password of the same user, such as one that is good for longer, from the next request on.
    pub fn set_credentials(
        &mut self,
        credentials: LongTermCredentials,
    ) -> Result<(), SetCredentialsError> {
        let known = self.config.credentials.as_ref();
        if known.is_none_or(|known| known.username() != credentials.username()) {
            return Err(SetCredentialsError::AnotherUser);
        }
        if let Some(auth) = &self.auth {
            let challenge = auth.challenge().clone();
            self.auth = Some(Arc::new(LongTermAuth::new(&credentials, challenge)));
        }
        self.config.credentials = Some(credentials);
        Ok(())
    }

    /// Where the client is in its life.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The relayed addresses, none before the relay stands.
    pub fn relayed(&self) -> &[SocketAddr] {
        let allocation = self.allocation.as_ref();
        allocation.map_or(&[], |allocation| &allocation.relayed)
    }

    /// The way to the server.
    pub const fn path(&self) -> Option<Path> {
        self.path
    }

    /// The last challenge of the server, for [`Config::challenge`] of the next session with it.
    pub fn challenge(&self) -> Option<&Challenge> {
        self.auth.as_ref().map(|auth| auth.challenge())
    }

    /// The round trip to the server, when one was measured.
    pub const fn round_trip_time(&self) -> Option<Duration> {
        self.transactions.round_trip()
    }

    /// What was counted.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// A datagram or a piece of a stream from the server; data from peers is kept for [`recv`](Self::recv).
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let mut inbox = std::mem::take(&mut self.inbox);
        let mut unread = 0;
        self.handle_datagram_with(now, datagram, |peer, data| {
            unread += u64::from(!inbox.push(peer, data));
        });
        self.stats.drops.unread += unread;
        self.inbox = inbox;
    }

    /// The next message that [`handle_datagram`](Self::handle_datagram) kept: appends it and says who sent it.
    pub fn recv(&mut self, buf: &mut Vec<u8>) -> Option<SocketAddr> {
        self.inbox.pop(buf)
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(request) = self.transactions.expire(now) {
            self.on_timed_out(now, request);
        }
        if let Some(allocation) = &mut self.allocation {
            if allocation.expires_at <= now {
                self.end(Initiator::Network, Cause::TimedOut);
            } else if allocation.refresh_at.is_some_and(|at| at <= now) {
                allocation.refresh_at = None;
                self.intents.push_back(Request::new(Purpose::Refresh));
            }
        }
        for peer in self.permissions.handle_timeout(now) {
            self.push(Event::PermissionRefused(peer, Refusal::TimedOut));
        }
        for peer in self.channels.handle_timeout(now) {
            self.push(Event::ChannelRefused(peer, Refusal::TimedOut));
        }
        if let Some((reason, at)) = self.server_history.closing
            && at <= now
        {
            self.end(reason.initiator, reason.cause);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let allocation = self.allocation.as_ref();
        let refresh = allocation.and_then(|allocation| allocation.refresh_at);
        let expiry = allocation.map(|allocation| allocation.expires_at);
        let closing = self.server_history.closing.map(|(_, at)| at);
        [
            refresh,
            expiry,
            closing,
            self.transactions.poll_timeout(),
            self.permissions.poll_timeout(),
            self.channels.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Appends the next request to the server.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        self.make_requests(now);
        let transmit = self.transactions.poll_transmit(now, buf)?;
        self.stats.requests_sent += 1;
        Some(transmit)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the relay can reach an address; before it stands, whether it will if all goes well.
    fn reaches(&self, peer: IpAddr) -> bool {
        let peer = SocketAddr::new(peer, 0);
        let family = AddressFamily::of(&peer);
        match &self.allocation {
            Some(it) => it
                .relayed
                .iter()
                .any(|own| AddressFamily::of(own) == family),
            None => self.config.families.include(family),
        }
    }

    fn push(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS && !matches!(event, Event::Closed(_)) {
            self.stats.drops.events += 1;
            return;
        }
        debug!("turn client: {}", label(&event));
        self.events.push_back(event);
    }
}

/// An event without its addresses.
const fn label(event: &Event) -> &'static str {
    match event {
        Event::SocketNeeded { .. } => "another socket is needed",
        Event::Allocated { .. } => "allocated",
        Event::Migrated => "moved",
        Event::PermissionInstalled(_) => "permission installed",
        Event::PermissionRefused(..) => "permission refused",
        Event::ChannelBound(..) => "channel bound",
        Event::ChannelRefused(..) => "channel refused",
        Event::ConnectionReady { .. } => "connection ready",
        Event::ConnectRefused(..) => "connection refused",
        Event::Closed(_) => "closed",
    }
}

/// An instant a while later; the same one at the end of time.
fn later(instant: Instant, by: Duration) -> Instant {
    instant.checked_add(by).unwrap_or(instant)
}
