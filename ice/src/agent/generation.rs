use stun::IntegrityKey;

use crate::{Credentials, Mode};

/// What separates one round of ICE from the next: the credentials of both sides (RFC 8445 §9).
#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) local: Credentials,
    /// Opens what the peer sends, and seals our answers.
    pub(super) local_key: IntegrityKey,
    pub(super) remote: Option<Remote>,
}

/// The other side of a generation.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) credentials: Credentials,
    /// Seals our requests, and opens the answers.
    pub(super) key: IntegrityKey,
    pub(super) mode: Mode,
    /// USERNAME of our requests: their fragment, a colon, ours (RFC 8445 §7.2.2).
    pub(super) username: String,
}

impl Generation {
    pub(super) fn new(number: u32, local: Credentials) -> Self {
        let local_key = IntegrityKey::short_term(&local.pwd);
        Self {
            number,
            local,
            local_key,
            remote: None,
        }
    }

    pub(super) fn set_remote(&mut self, credentials: Credentials, mode: Mode) {
        self.remote = Some(Remote {
            key: IntegrityKey::short_term(&credentials.pwd),
            username: format!("{}:{}", credentials.ufrag, self.local.ufrag),
            credentials,
            mode,
        });
    }

    pub(super) fn remote_ufrag(&self) -> &str {
        self.remote
            .as_ref()
            .map_or("", |remote| remote.credentials.ufrag.as_str())
    }

    /// Whether a fragment is the peer's of this generation.
    pub(super) fn is_remote_ufrag(&self, ufrag: &str) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|remote| remote.credentials.ufrag == ufrag)
    }
}
