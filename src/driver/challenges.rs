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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn challenge(nonce: &str) -> stun::Challenge {
        let mut buf = Vec::new();
        let id = stun::TransactionId::new([1; 12]);
        let (class, method) = (stun::Class::Error, stun::Method::ALLOCATE);
        let mut message = stun::MessageBuilder::new(&mut buf, class, method, id);
        message.error_code(401).realm("example.org").nonce(nonce);
        message.finish().unwrap();
        let message = stun::Message::decode(&buf).unwrap();
        stun::Challenge::from_response(&message, None).unwrap()
    }

    fn server(uri: &str, user: &str) -> peer::IceServer {
        peer::IceServer::with_credentials(uri.parse().unwrap(), user, "word")
    }

    #[test]
    fn the_last_challenge_of_a_server_and_user_is_handed_on() {
        let known = Challenges::default();
        for nonce in ["first", "second"] {
            known.keep("turn.example.org".into(), "alice".into(), challenge(nonce));
        }
        let with = |uri, user| known.add_to(server(uri, user)).challenge().cloned();
        let found = with("turns:TURN.example.org", "alice").unwrap();
        assert_eq!(found.nonce(), "second");
        assert_eq!(with("turn:turn.example.org", "bob"), None);
        assert_eq!(with("turn:other.example.org", "alice"), None);
        for number in 0..MAX_CHALLENGES {
            known.keep(number.to_string(), "alice".into(), challenge("another"));
        }
        assert_eq!(with("turn:turn.example.org", "alice"), None);
    }
}
