use std::fmt;
use std::time::Duration;

use stun::{AddressFamily, Challenge, LongTermCredentials, Timing};

/// How a client behaves. [`Config::new`] has the defaults.
#[derive(Clone)]
pub struct Config {
    /// Where all randomness of the client comes from: 32 bytes of a cryptographic source, never used twice.
    pub seed: [u8; 32],
    /// The user and the password. `None` is for servers that ask for none; then nothing a server says is
    /// authentic.
    pub credentials: Option<LongTermCredentials>,
    /// Realm and nonce of an earlier session with the same server and user: while they are good, the allocation
    /// takes one round trip less. Default: none.
    pub challenge: Option<Challenge>,
    /// Of which families relayed addresses are asked for. Default: IPv4.
    pub families: Families,
    /// What the relayed address is for. Default: datagrams.
    pub allocation: Allocation,
    /// The lifetime that is asked for, up to an hour. Default: none, so the server's, mostly 600 s (RFC 8656 §3.2).
    /// A longer one costs less traffic and leaves a dead client's allocation standing longer.
    pub lifetime: Option<Duration>,
    /// Whether the server is asked to let the allocation move to another socket (RFC 8016), for hosts whose network
    /// changes. Default: no.
    pub mobility: bool,
    /// When what stands on the server is asked for again. Default: [`Refresh::default`].
    pub refresh: Refresh,
    /// The timers of requests. Default: those of RFC 8489 §6.2.
    pub timing: Timing,
}

impl Config {
    /// The defaults.
    pub fn new(seed: [u8; 32], credentials: LongTermCredentials) -> Self {
        Self {
            seed,
            credentials: Some(credentials),
            challenge: None,
            families: Families::V4,
            allocation: Allocation::Udp,
            lifetime: None,
            mobility: false,
            refresh: Refresh::default(),
            timing: Timing::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("families", &self.families)
            .field("lifetime", &self.lifetime)
            .field("refresh", &self.refresh)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}

/// After which time permissions and channels are asked for again. They stand for 300 s and 600 s (RFC 8656 §9, §12);
/// servers may be told to forget them sooner, which clients cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Permissions. Default 240 s: a transaction that is lost six times still ends in time. 1 s to 280 s.
    pub permission: Duration,
    /// Channels. Default 300 s: a channel's request refreshes its permission, too. 1 s to 580 s.
    pub channel: Duration,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            permission: Duration::from_secs(240),
            channel: Duration::from_secs(300),
        }
    }
}

impl Refresh {
    pub(crate) fn is_usable(self) -> bool {
        let fits = |it: Duration, most| (1..=most).contains(&it.as_secs());
        fits(self.permission, 280) && fits(self.channel, 580)
    }
}

/// Of which families relayed addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Families {
    /// IPv4, without saying so: servers older than RFC 6156 understand it.
    V4,
    /// IPv6 (RFC 8656 §18.6).
    V6,
    /// Both in one allocation (RFC 8656 §18.11); a server may give IPv4 alone.
    Both,
}

impl Families {
    pub(crate) const fn include(self, family: AddressFamily) -> bool {
        match self {
            Self::V4 => matches!(family, AddressFamily::V4),
            Self::V6 => matches!(family, AddressFamily::V6),
            Self::Both => true,
        }
    }
}

/// What a relayed address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allocation {
    /// Datagrams with peers (RFC 8656).
    Udp,
    /// TCP connections with peers (RFC 6062); the way to the server is TCP or TLS.
    Tcp,
}
