//! Who asks (RFC 8489 §9.2.4).

use std::time::{Duration, Instant};

use net::Path;
use stun::{AttributeType, Class, DecodeError, ErrorCode, Message, PasswordAlgorithm};

use super::Server;
use super::answer::Reply;
use super::nonce::Verdict;

/// PASSWORD-ALGORITHMS: MD5 and SHA-256 without parameters (RFC 8489 §14.11). The order is the server's liking, which clients
/// that know the mechanism follow: SHA-256 first.
const OFFER: &[u8] = &[0, 2, 0, 0, 0, 1, 0, 0];

/// Somebody who proved to be a user, and how to answer.
#[derive(Debug)]
pub(super) struct Session {
    /// Whom quotas and allocations belong to.
    pub(super) identity: String,
    /// Until when it may make allocations.
    pub(super) expires_at: Option<Duration>,
    pub(super) reply: Reply,
}

/// Why somebody is a stranger.
enum Objection {
    Code(ErrorCode),
    Malformed,
}

impl From<DecodeError> for Objection {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

impl Server {
    /// Finds out who asks; a stranger is told how to prove himself, as often as strangers are answered.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
    ) -> Option<Session> {
        match self.identify(now, path, request) {
            Ok(session) => Some(session),
            Err(Objection::Code(code)) => {
                self.challenge(now, path, request, code);
                None
            }
            Err(Objection::Malformed) => {
                self.refuse_stranger(now, path, request);
                None
            }
        }
    }

    fn identify(
        &self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
    ) -> Result<Session, Objection> {
        const STRANGER: Objection = Objection::Code(ErrorCode::UNAUTHENTICATED);
        if !request.has_integrity() {
            return Err(STRANGER);
        }
        let username = match (request.username()?, request.userhash()?) {
            (Some(name), _) => Some(name),
            (None, Some(hash)) => Some(self.keyring.unhash(hash).ok_or(STRANGER)?),
            (None, None) => None,
        };
        let (Some(username), Some(realm), Some(nonce)) =
            (username, request.realm()?, request.nonce()?)
        else {
            return Err(Objection::Malformed);
        };
        let unix = self.config.clock.unix_at(now);
        if self.nonces.judge(unix, path.remote.ip(), nonce) == Verdict::Stale {
            return Err(Objection::Code(ErrorCode::STALE_NONCE));
        }
        if realm != self.config.realm {
            return Err(STRANGER);
        }
        let algorithm = self.algorithm(request)?;
        let user = self
            .keyring
            .find(username, realm, algorithm)
            .ok_or(STRANGER)?;
        let key = user
            .keys
            .into_iter()
            .find(|key| request.verify_integrity(key))
            .ok_or(STRANGER)?;
        Ok(Session {
            identity: user.identity,
            expires_at: user.expires_at,
            reply: Reply::to(path, request).signed(key, request.has_integrity_sha256()),
        })
    }

    /// RFC 8489 §9.2.4: neither attribute, or both and as offered.
    fn algorithm(&self, request: &Message<'_>) -> Result<PasswordAlgorithm, Objection> {
        let offered = request.attribute(AttributeType::PASSWORD_ALGORITHMS);
        let chosen = request.attribute(AttributeType::PASSWORD_ALGORITHM);
        match (offered, chosen) {
            (None, None) => Ok(PasswordAlgorithm::Md5),
            (Some(OFFER), Some(&[n0, n1, 0, 0])) if self.config.sha256 => {
                let number = u16::from_be_bytes([n0, n1]);
                PasswordAlgorithm::from_number(number).ok_or(Objection::Malformed)
            }
            _ => Err(Objection::Malformed),
        }
    }

    /// Tells a stranger how to prove himself: 401, or 438 when the nonce is the trouble.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        code: ErrorCode,
    ) {
        let offer = if self.config.sha256 {
            4 + OFFER.len()
        } else {
            0
        };
        let nonce = if self.config.sha256 { 32 } else { 16 };
        let realm = self.config.realm.len().next_multiple_of(4);
        let length = 20 + 8 + 4 + realm + 4 + nonce + offer;
        if !self.admits_stranger(now, path, request, length) {
            return;
        }
        self.stats.answers.count(code.get());
        let unix = self.config.clock.unix_at(now);
        let nonce = self.nonces.make(unix, path.remote.ip());
        let realm = std::mem::take(&mut self.config.realm);
        let offers = self.config.sha256;
        self.answer(&Reply::to(path, request), Class::Error, |builder| {
            builder.error_code(code.get()).realm(&realm).nonce(&nonce);
            if offers {
                builder.attribute(AttributeType::PASSWORD_ALGORITHMS, OFFER);
            }
        });
        self.config.realm = realm;
    }

    /// 400 to somebody unknown.
    pub(super) fn refuse_stranger(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        if self.admits_stranger(now, path, request, 28) {
            self.refuse(&Reply::to(path, request), ErrorCode::BAD_REQUEST);
        }
    }

    /// Whether to answer a stranger so many bytes.
    pub(super) fn admits_stranger(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        length: usize,
    ) -> bool {
        let fingerprint = if request.has_fingerprint() { 8 } else { 0 };
        let lengths = (request.bytes().len(), length + fingerprint);
        let source = path.remote.ip();
        let admitted = self.strangers.admit(now, &self.keyed, source, lengths);
        self.stats.drops.strangers += u64::from(!admitted);
        admitted
    }
}
