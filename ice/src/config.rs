use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::path_mtu::PathMtuConfig;
use crate::{AddressRewrite, Candidate, CandidateKind, ConfigError};

/// Who decides which pair is used (RFC 8445 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Nominates.
    Controlling,
    /// Follows.
    Controlled,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// How much of ICE an agent does (RFC 8445 §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Sends checks and answers them.
    Full,
    /// Only answers checks: for hosts that everybody can reach. It never sends a packet on its own.
    Lite,
}

/// What an [`Agent`](crate::Agent) is made from.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The role until a conflict is settled. Default: controlled. The offerer is controlling, except that a full
    /// agent always controls a lite one (RFC 8445 §6.1.1).
    pub role: Role,
    /// Full or lite. Default: full.
    pub mode: Mode,
    /// The seed of everything random: credentials, transaction ids, tie-breaker, jitter. It must come from the
    /// operating system, except in tests; the same seed gives the same bytes.
    pub seed: [u8; 32],
    /// The pace of new checks (Ta, RFC 8445 §14.2). Default 20 ms: fast enough for a handful of candidates and
    /// ten times below what a NAT's table minds. 5 ms to 1 s.
    pub ta: Duration,
    /// How long the first answer is waited for before a check is sent again (RFC 8445 §14.3). Default 500 ms;
    /// 50 ms to 3 s. It doubles with each of the seven sendings.
    pub initial_rto: Duration,
    /// How long an unanswered consent check may stay unanswered before the state says
    /// [`Disconnected`](crate::State::Disconnected). A hint for people, not a rule: consent itself ends after
    /// 30 s (RFC 7675 §5.1). Default 5 s; 1 s to 25 s.
    pub disconnected_after: Duration,
    /// How long an agent without a valid pair waits before it says [`Failed`](crate::State::Failed): a peer's
    /// check may still arrive and show a path that no candidate told of (RFC 8863 §4). Default 39.5 s, the time
    /// that one full set of retransmissions takes. 1 s to 5 min.
    pub patience: Duration,
    /// The most candidate pairs (RFC 8445 §6.1.2.5): each costs up to seven packets to an address that a peer merely
    /// names. Default 100; 1 to 100.
    pub max_pairs: u8,
    /// Which candidates may be used. Default: all.
    pub policy: Policy,
    /// The addresses that the world sees in place of ours. Default: none.
    pub rewrites: Vec<AddressRewrite>,
    /// Whether checks count their sendings (TRANSACTION_TRANSMIT_COUNTER, RFC 7982), so that round trips are known
    /// in spite of loss, with peers that count too. A check that is sent again then differs from what was sent first
    /// by its counter and integrity, which RFC 7982 §3.1 allows. Checks of others are counted whatever this says.
    /// Default: no.
    pub transmit_counter: bool,
    /// Whether and how the largest datagram of the selected path is searched for (RFC 8899). Default: not at all, and
    /// 1,200 bytes are taken to pass. A host that searches must set DF on what it sends.
    pub path_mtu: Option<PathMtuConfig>,
}

/// Which candidates take part (W3C `RTCIceTransportPolicy`, RFC 8828 §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// All.
    #[default]
    All,
    /// The addresses of this host are not shown: only what servers see of it, and relays.
    NoHost,
    /// Relays only: nothing is sent to or taken from anybody but through a relay.
    Relay,
}

impl Policy {
    /// Whether a local candidate may be made.
    pub(crate) fn admits(self, candidate: &Candidate) -> bool {
        self != Self::Relay || candidate.kind() == CandidateKind::Relayed
    }

    /// Whether the peer is told of a local candidate.
    pub(crate) fn shows(self, candidate: &Candidate) -> bool {
        match self {
            Self::All => true,
            Self::NoHost => candidate.kind() != CandidateKind::Host,
            Self::Relay => candidate.kind() == CandidateKind::Relayed,
        }
    }

    /// Whether messages that arrive on a base may be looked at.
    pub(crate) fn allows_base(self, locals: &[Candidate], base: SocketAddr) -> bool {
        self != Self::Relay || locals.iter().any(|local| local.base() == Some(base))
    }
}

/// The most pairs that any agent keeps.
const MAX_PAIRS: u8 = 100;

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the seed: whoever knows it knows the passwords.
        f.debug_struct("Config")
            .field("role", &self.role)
            .field("mode", &self.mode)
            .field("ta", &self.ta)
            .field("initial_rto", &self.initial_rto)
            .field("disconnected_after", &self.disconnected_after)
            .field("patience", &self.patience)
            .field("max_pairs", &self.max_pairs)
            .field("policy", &self.policy)
            .field("rewrites", &self.rewrites)
            .field("transmit_counter", &self.transmit_counter)
            .field("path_mtu", &self.path_mtu)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The defaults, with a seed.
    pub const fn new(seed: [u8; 32]) -> Self {
        Self {
            role: Role::Controlled,
            mode: Mode::Full,
            seed,
            ta: Duration::from_millis(20),
            initial_rto: Duration::from_millis(500),
            disconnected_after: Duration::from_secs(5),
            patience: Duration::from_millis(39_500),
            max_pairs: MAX_PAIRS,
            policy: Policy::All,
            rewrites: Vec::new(),
            transmit_counter: false,
            path_mtu: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let within = |value: Duration, low: u64, high: u64| {
            (Duration::from_millis(low)..=Duration::from_millis(high)).contains(&value)
        };
        if !within(self.ta, 5, 1_000) {
            return Err(ConfigError::Ta);
        }
        if !within(self.initial_rto, 50, 3_000) {
            return Err(ConfigError::InitialRto);
        }
        if !within(self.disconnected_after, 1_000, 25_000) {
            return Err(ConfigError::DisconnectedAfter);
        }
        if !within(self.patience, 1_000, 300_000) {
            return Err(ConfigError::Patience);
        }
        if !(1..=MAX_PAIRS).contains(&self.max_pairs) {
            return Err(ConfigError::MaxPairs);
        }
        Ok(())
    }
}
