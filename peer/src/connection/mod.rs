//! The coordinator: the machines of one connection, and the five verbs over all of them.

mod channels;
mod early;
mod events;
mod media;
mod negotiate;
mod network;
mod receive;
mod rekey;
mod settle;
mod sped;
mod state;
mod transmit;
mod transport;

use std::fmt;
use std::time::{Duration, Instant};

use net::Path;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use self::events::Events;
use self::media::Media;
pub(crate) use self::negotiate::Candidates;
use self::transport::Transport;
use crate::config::Config;
use crate::data::{Channels, Outlet};
use crate::error::ConfigError;
use crate::event::{CloseCause, CloseReason, Event, Failure, Initiator};
use crate::jsep::Jsep;
use crate::relay::Relays;
use crate::stats::{Dropped, PeerConnectionStats, Stats, TransportStats};

pub use self::state::ConnectionState;

/// One WebRTC connection with a peer, without I/O: it is fed datagrams and deadlines, and says what to send.
///
/// A machine with five verbs: [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout),
/// [`poll_timeout`](Self::poll_timeout), [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event).
/// Payload is pulled: [`poll_packet`](Self::poll_packet) for media, [`data_channel`](Self::data_channel) for
/// messages. Every call leaves the connection complete; they may come in any order. After each, read
/// [`poll_timeout`](Self::poll_timeout) again and transmit what there is.
pub struct PeerConnection {
    config: Config,
    random: StdRng,
    names: Names,
    jsep: Jsep,
    candidates: Candidates,
    transport: Transport,
    relays: Relays,
    media: Media,
    association: Option<sctp::Association>,
    channels: Channels,
    events: Events,
    state: State,
    counters: Counters,
}

/// What names this side in descriptions, the same for the whole session.
#[derive(Debug)]
struct Names {
    session_id: String,
    session_version: u64,
    cname: String,
    /// What the association is made from, so that its INIT can be told beforehand (SNAP).
    sctp: SctpName,
    /// The same of the association that takes its place once our answer is applied.
    successor: Option<SctpName>,
    /// The peer's INIT with which the association was made, if it was made from the descriptions.
    remote_init: Option<Vec<u8>>,
}

/// What an association is made from.
#[derive(Debug)]
struct SctpName {
    seed: [u8; 32],
    /// Its INIT, in base64.
    init: String,
}

impl Names {
    /// Whether the peer describes another association than the present one.
    fn is_another_init(&self, init: Option<&[u8]>) -> bool {
        init.is_some() && self.remote_init.is_some() && init != self.remote_init.as_deref()
    }
}

/// Where the connection stands as a whole.
#[derive(Debug, Default)]
struct State {
    connection: ConnectionState,
    failure: Option<Failure>,
    /// When the flush ends that `close` began, and why it began.
    closing: Option<(Instant, CloseReason)>,
    closed: bool,
    /// `NegotiationNeeded` was said.
    negotiation_needed: bool,
    /// The next offer has new ICE credentials.
    restart_ice: bool,
}

#[derive(Debug, Default)]
struct Counters {
    packets_sent: u64,
    packets_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
    dtls_carried: u64,
    dropped: Dropped,
}

impl PeerConnection {
    /// A connection that nothing was negotiated for yet.
    pub fn new(mut config: Config, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut random = StdRng::from_seed(config.seed);
        let transport = Transport::new(&config, random_seed(&mut random))?;
        let channels = Channels::new(
            config.max_data_channels,
            config.max_message_size,
            config.announced_message_size().unwrap_or(usize::MAX),
        );
        let relays = Relays::new(&config, now, &mut random);
        let names = Names {
            // RFC 9429 §5.2.1: 63 bits, so that nobody takes it for negative.
            session_id: (random.next_u64() >> 1).to_string(),
            session_version: 1,
            // RFC 7022 §4.2: at least 96 bits, and a letter has five.
            cname: token(&mut random, 20),
            sctp: SctpName {
                seed: random_seed(&mut random),
                init: String::new(),
            },
            successor: None,
            remote_init: None,
        };
        // Negotiation owns the codecs from here on.
        let further = std::mem::take(&mut config.extensions);
        let codecs = std::mem::take(&mut config.codecs);
        let jsep = Jsep::new(codecs, further, config.cryptex);
        let mut connection = Self {
            config,
            random,
            names,
            jsep,
            candidates: Candidates::default(),
            transport,
            relays,
            media: Media::default(),
            association: None,
            channels,
            events: Events::default(),
            state: State::default(),
            counters: Counters::default(),
        };
        let seed = connection.names.sctp.seed;
        connection.names.sctp = connection.sctp_name(seed)?;
        let ufrag = connection.local_ufrag().to_owned();
        connection.events.push(Event::LocalUfrag(ufrag));
        connection.use_servers(now);
        connection.settle(now);
        Ok(connection)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if due(self.transport.ice.poll_timeout()) {
            self.transport.ice.handle_timeout(now);
        }
        if due(self.relays.poll_timeout()) {
            self.relays.handle_timeout(now);
        }
        if let Some(dtls) = &mut self.transport.dtls
            && due(dtls.poll_timeout())
        {
            dtls.handle_timeout(now);
        }
        if let Some(association) = &mut self.association
            && due(association.poll_timeout())
        {
            association.handle_timeout(now);
        }
        if let Some(session) = &mut self.media.session
            && due(session.poll_timeout())
        {
            session.handle_timeout(now);
        }
        self.counters.dropped.before_keys += self.transport.early.expire(now);
        self.forget_retired_keys(now);
        self.transport.rest_when_idle(now);
        self.events.release();
        self.settle(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state.closed {
            return None;
        }
        let dtls = self.transport.dtls.as_ref();
        [
            self.transport.ice.poll_timeout(),
            self.relays.poll_timeout(),
            dtls.and_then(dtls::Connection::poll_timeout),
            self.association
                .as_ref()
                .and_then(sctp::Association::poll_timeout),
            self.media
                .session
                .as_deref()
                .and_then(session::Session::poll_timeout),
            self.transport.early.deadline(),
            self.transport
                .retired
                .as_ref()
                .and_then(|retired| retired.until),
            self.transport.sped.deadline(),
            self.state.closing.as_ref().map(|(deadline, _)| *deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// The state of all transports together.
    pub const fn connection_state(&self) -> ConnectionState {
        self.state.connection
    }

    /// The state of ICE.
    pub fn ice_state(&self) -> ice::State {
        self.transport.ice.state()
    }

    /// Why the state is [`Failed`](ConnectionState::Failed).
    pub fn failure(&self) -> Option<Failure> {
        match self.transport.ice.state() {
            ice::State::Failed => self.state.failure.or(Some(Failure::Ice)),
            _ => self.state.failure,
        }
    }

    /// The path that carries the traffic now.
    pub fn selected_path(&self) -> Option<Path> {
        self.transport.ice.best_path()
    }

    /// Ends the connection: BYE, SHUTDOWN once all data is delivered, close_notify. The event
    /// [`Closed`](Event::Closed) follows within [`Config::close_timeout`].
    pub fn close(&mut self, now: Instant) {
        let reason = CloseReason {
            initiator: Initiator::Local,
            cause: CloseCause::Requested,
        };
        let patience = if self.transport.is_connected() {
            self.config.close_timeout
        } else {
            Duration::ZERO
        };
        self.begin_close(now, patience, reason);
        self.settle(now);
    }

    /// How long [`close`](Self::close) waits at most ([`Config::close_timeout`]).
    pub const fn close_timeout(&self) -> Duration {
        self.config.close_timeout
    }

    /// What was counted by now.
    pub fn stats(&self, now: Instant) -> Stats {
        let transport = &self.transport;
        let (opened, closed, refused, dropped_messages) = self.channels.counts();
        let counters = &self.counters;
        Stats {
            timestamp: now,
            peer_connection: PeerConnectionStats {
                data_channels_opened: opened,
                data_channels_closed: closed,
                data_channels_refused: refused,
            },
            transport: TransportStats {
                packets_sent: counters.packets_sent,
                packets_received: counters.packets_received,
                bytes_sent: counters.bytes_sent,
                bytes_received: counters.bytes_received,
                connection_state: self.state.connection,
                dtls_role: transport.role(),
                tls_version: transport.agreed.map(|agreed| agreed.version.number()),
                dtls_carried: counters.dtls_carried,
                dtls_cipher: transport.agreed.map(|agreed| agreed.cipher_suite),
                srtp_cipher: transport
                    .agreed
                    .and_then(|agreed| agreed.srtp_profile)
                    .map(|profile| profile.0),
                current_round_trip_time: transport.ice.round_trip_time(),
                selected_candidate_pair_changes: transport.path_changes,
            },
            candidate_pairs: transport.ice.pair_stats().collect(),
            candidates: transport.ice.candidate_stats().collect(),
            ice: transport.ice.stats(),
            relays: self.relays.stats(),
            data_channels: self.channels.stats(now, self.association.as_ref()),
            media: self.media.session.as_deref().map(session::Session::stats),
            streams: self.media.ids(),
            srtp: transport.srtp.as_ref().map(|srtp| srtp.receiver.stats()),
            sctp: self.association.as_ref().map(sctp::Association::stats),
            dtls: transport.dtls.as_ref().map(dtls::Connection::stats),
            dropped: Dropped {
                messages: dropped_messages,
                ..counters.dropped
            },
        }
    }

    fn begin_close(&mut self, now: Instant, patience: Duration, reason: CloseReason) {
        if self.state.closed || self.state.closing.is_some() {
            return;
        }
        self.jsep.close();
        if let Some(session) = &mut self.media.session {
            session.close(now);
        }
        if let Some(association) = &mut self.association {
            association.shutdown(now);
        }
        let deadline = now.checked_add(patience).unwrap_or(now);
        self.state.closing = Some((deadline, reason));
    }

    fn seed(&mut self) -> [u8; 32] {
        random_seed(&mut self.random)
    }
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No text of descriptions, no credentials, no keys, no labels.
        f.debug_struct("PeerConnection")
            .field("signaling", &self.jsep.state)
            .field("connection", &self.state.connection)
            .field("ice", &self.transport.ice.state())
            .field("failure", &self.failure())
            .field("transceivers", &self.jsep.transceivers.len())
            .finish_non_exhaustive()
    }
}

pub(crate) fn random_seed(random: &mut StdRng) -> [u8; 32] {
    let mut seed = [0; 32];
    random.fill_bytes(&mut seed);
    seed
}

/// Letters and digits, 5 bits each.
fn token(random: &mut StdRng, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte & 31)))
        .map(|&letter| char::from(letter))
        .collect()
}
