//! What TURN servers asked of earlier connections, so that later ones need not be asked.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The most servers and users that are remembered; the oldest give way.
const MAX_CHALLENGES: usize = 32;

/// Shared by an endpoint's handles and its shard; held for a look or a push.
#[derive(Debug, Default)]
pub(crate) struct Challenges(Mutex<VecDeque<(String, String, stun::Challenge)>>);

impl Challenges {
    /// Remembers the last one of a server and user.
    pub(crate) fn keep(&self, host: String, username: String, challenge: stun::Challenge) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, user, _)| (of, user) != (&host, &username));
        if known.len() >= MAX_CHALLENGES {
            known.pop_front();
        }
        known.push_back((host, username, challenge));
    }

    /// The server, with what it asked last.
    pub(crate) fn add_to(&self, server: peer::IceServer) -> peer::IceServer {
        let host = server.uri().host().to_ascii_lowercase();
        let user = server.credentials().map(|(user, _)| user.to_owned());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known
            .iter()
            .find(|(of, of_user, _)| *of == host && Some(of_user) == user.as_ref())
            .map(|(_, _, challenge)| challenge.clone());
        match last {
            Some(challenge) => server.with_challenge(challenge),
            None => server,
        }
    }
}
