use std::fmt;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::crypto::{AeadAlgorithm, Digest, Hash, HmacKey, Provider};
use crate::handshake::Circumstances;
use crate::wire::{DecodeError, NewSessionTicket, SessionTicket, codec};
use crate::{Fingerprint, PeerCertificate};

/// The key under which a server seals the tickets that it hands out (RFC 8446 §4.6.1): all that it remembers of a
/// client stands in the client's ticket, so nothing is kept.
///
/// Whoever has the key can read the tickets, pretend to be any client that was ever given one, and, since the key
/// exchange of DTLS 1.3 is always fresh (`psk_dhe_ke`), still decipher no traffic that he only listened to. A ticket of
/// DTLS 1.2 is another matter: with the key he reads that connection and those that went on from it, which is why
/// [`Config::tickets_12`](crate::Config::tickets_12) has to ask for them. Change the key now and then: make another
/// configuration with [`rotate`](Self::rotate) for the connections to come.
#[derive(Clone)]
pub struct TicketKeys {
    current: Zeroizing<[u8; 32]>,
    previous: Option<Zeroizing<[u8; 32]>>,
    /// From when on ages are counted.
    epoch: Instant,
}

impl TicketKeys {
    /// How long a ticket is good.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// Random bytes of a ticket, from which its own key is made.
    const SALT: usize = 16;
    const ALGORITHM: AeadAlgorithm = AeadAlgorithm::Aes256Gcm;

    /// A key from a cryptographic source. Ages are counted from `epoch`, which has to be the same moment, and not in
    /// the future, wherever the key is used.
    pub fn new(key: [u8; 32], epoch: Instant) -> Self {
        Self {
            current: Zeroizing::new(key),
            previous: None,
            epoch,
        }
    }

    /// The same with a new key for new tickets; those of the key before are still taken, those of the one before that
    /// are not.
    #[must_use]
    pub fn rotate(self, key: [u8; 32]) -> Self {
        Self {
            current: Zeroizing::new(key),
            previous: Some(self.current),
            epoch: self.epoch,
        }
    }

    fn age(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_secs()
    }

    /// Seals what has to be known when the client comes back. Every ticket has a key of its own, made of 16 random
    /// bytes in front of it, so that no nonce returns however many there are.
    pub(crate) fn seal(
        &self,
        provider: &Provider,
        now: Instant,
        salt: [u8; Self::SALT],
        session: &Session,
    ) -> Option<Vec<u8>> {
        let mut ticket = salt.to_vec();
        session.encode(self.age(now), &mut ticket);
        let key = ticket_key(&self.current, &salt);
        let aead = provider.aead(Self::ALGORITHM, &key).ok()?;
        aead.seal([0; 12], &salt, &mut ticket, Self::SALT).ok()?;
        Some(ticket)
    }

    /// Opens a ticket that one of the keys sealed, if its time is not over.
    pub(crate) fn open(&self, provider: &Provider, now: Instant, ticket: &[u8]) -> Option<Session> {
        let (salt, sealed) = ticket.split_first_chunk::<{ Self::SALT }>()?;
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter().flatten().find_map(|key| {
            let key = ticket_key(key, salt);
            let aead = provider.aead(Self::ALGORITHM, &key).ok()?;
            let mut sealed = Zeroizing::new(sealed.to_vec());
            let plain = aead.open([0; 12], salt, &mut sealed).ok()?;
            let (session, since) = Session::decode(plain).ok()?;
            let age = self.age(now).checked_sub(since)?;
            (age <= Self::LIFETIME.as_secs()).then_some(session)
        })
    }
}

fn ticket_key(key: &[u8; 32], salt: &[u8]) -> Zeroizing<Digest> {
    let label = b"avocet dtls ticket";
    HmacKey::new(Hash::Sha256, key).mac([label.as_slice(), salt])
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys").finish_non_exhaustive()
    }
}

/// What the server of an earlier connection gave, by which a client comes back without certificates: see
/// [`Connection::offer_ticket`](crate::Connection::offer_ticket).
///
/// It stands for the other side as it proved itself then, and is secret.
#[derive(Clone)]
pub struct Ticket {
    identity: Vec<u8>,
    age_add: u32,
    received: Instant,
    lifetime: Duration,
    pub(crate) session: Session,
}

impl Ticket {
    /// Reads what a server sent; `None` if it is not meant to be used. `key` is made of its nonce.
    pub(crate) fn new(
        now: Instant,
        message: &NewSessionTicket<'_>,
        session: Session,
    ) -> Option<Self> {
        let lifetime = message.lifetime.min(NewSessionTicket::MAX_LIFETIME);
        (lifetime > 0).then(|| Self {
            identity: message.ticket.to_vec(),
            age_add: message.age_add,
            received: now,
            lifetime: Duration::from_secs(lifetime.into()),
            session,
        })
    }

    /// The same of a server of DTLS 1.2 (RFC 5077 §3.3), which may leave the lifetime open, or give none after all.
    pub(crate) fn new_12(
        now: Instant,
        message: &SessionTicket<'_>,
        session: Session,
    ) -> Option<Self> {
        let unspecified = u32::try_from(TicketKeys::LIFETIME.as_secs()).unwrap_or(u32::MAX);
        let lifetime = match message.lifetime {
            0 => unspecified,
            lifetime => lifetime.min(NewSessionTicket::MAX_LIFETIME),
        };
        (!message.ticket.is_empty()).then(|| Self {
            identity: message.ticket.to_vec(),
            age_add: 0,
            received: now,
            lifetime: Duration::from_secs(lifetime.into()),
            session,
        })
    }

    /// When the server will have forgotten it; it is not offered from then on.
    pub fn expires(&self) -> Instant {
        let end = self.received.checked_add(self.lifetime);
        end.unwrap_or(self.received)
    }

    /// The certificate that the server proved to own, in DER; `None` if a key that both sides knew stood for it.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.session.peer.as_deref()
    }

    /// What a client shows.
    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// The age that a client names (RFC 8446 §4.2.11.1).
    pub(crate) fn obfuscated_age(&self, now: Instant) -> u32 {
        let age = now.saturating_duration_since(self.received).as_millis();
        // The lifetime of seven days fits.
        u32::try_from(age)
            .unwrap_or(u32::MAX)
            .wrapping_add(self.age_add)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("length", &self.identity.len())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// What two sides that had a connection know of each other.
#[derive(Clone)]
pub(crate) struct Session {
    /// The hash of the key schedule.
    pub(crate) hash: Hash,
    /// The key that both know from then.
    pub(crate) key: Zeroizing<Vec<u8>>,
    /// The certificate that the other side proved to own.
    pub(crate) peer: Option<Vec<u8>>,
    /// Both sides knew a key from outside.
    pub(crate) psk: bool,
    /// The cipher suite, of a session of DTLS 1.2, whose key is the master secret. One of 1.3 is bound to none.
    pub(crate) suite: Option<u16>,
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Session, &TicketKeys) = |session, keys| {
    crate::testing::wiped(&session.key);
    crate::testing::wiped(&keys.current);
};

impl Session {
    /// The form of what is sealed, of either version: another one opens as nothing.
    const FORM_13: u8 = 1;
    const FORM_12: u8 = 2;
    /// The length of a master secret (RFC 5246 §8.1).
    const MASTER: usize = 48;
    /// A certificate longer than this makes a hello too long to be worth it.
    pub(crate) const MAX_PEER: usize = 4096;

    /// Whether it is good for all that a whole handshake would show.
    pub(crate) fn suffices(&self, context: Circumstances<'_>) -> bool {
        let wanted = context.config.peer_certificate;
        let shown = self.psk || self.peer.is_some();
        let announced = context
            .announced
            .filter(|_| wanted == PeerCertificate::Announced);
        let is_announced = match (announced, &self.peer) {
            (Some(announced), Some(peer)) => Fingerprint::any_matches(announced, peer),
            _ => true,
        };
        let suffices = match wanted {
            PeerCertificate::Never => self.psk,
            _ => shown || !wanted.is_mutual(),
        };
        suffices && is_announced
    }

    fn encode(&self, since: u64, buf: &mut Vec<u8>) {
        let hash = match self.hash {
            Hash::Sha256 => 1,
            Hash::Sha384 => 2,
        };
        let form = match self.suite {
            None => Self::FORM_13,
            Some(_) => Self::FORM_12,
        };
        buf.extend_from_slice(&[form, hash, u8::from(self.psk)]);
        buf.extend_from_slice(&self.suite.unwrap_or(0).to_be_bytes());
        buf.extend_from_slice(&since.to_be_bytes());
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&self.key));
        codec::put_vec::<2>(buf, |buf| {
            buf.extend_from_slice(self.peer.as_deref().unwrap_or_default());
        });
    }

    fn decode(mut bytes: &[u8]) -> Result<(Self, u64), DecodeError> {
        let buf = &mut bytes;
        let (&[form, hash, psk], rest) = buf.split_first_chunk().ok_or(DecodeError::Truncated)?;
        let (suite, rest) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        let (since, rest) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        *buf = rest;
        let hash = match hash {
            1 => Hash::Sha256,
            2 => Hash::Sha384,
            _ => return Err(DecodeError::Value("ticket")),
        };
        let (suite, length) = match form {
            Self::FORM_13 => (None, hash.length()),
            Self::FORM_12 => (Some(u16::from_be_bytes(*suite)), Self::MASTER),
            _ => return Err(DecodeError::Value("ticket")),
        };
        let key = codec::vec8(buf)?;
        let peer = codec::vec16(buf)?;
        codec::end(buf)?;
        if key.len() != length {
            return Err(DecodeError::Length);
        }
        let session = Self {
            hash,
            key: Zeroizing::new(key.to_vec()),
            peer: (!peer.is_empty()).then(|| peer.to_vec()),
            psk: psk == 1,
            suite,
        };
        Ok((session, u64::from_be_bytes(*since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            hash: Hash::Sha384,
            key: Zeroizing::new(vec![7; 48]),
            peer: Some(vec![1, 2, 3]),
            psk: false,
            suite: None,
        }
    }

    #[test]
    fn a_ticket_opens_under_its_key_and_the_next_one_for_its_lifetime() {
        let (provider, now) = (Provider::default(), netsim::epoch());
        let keys = TicketKeys::new([1; 32], now);
        let later = now + Duration::from_secs(5);
        let ticket = keys.seal(&provider, later, [9; 16], &session()).unwrap();
        let read = keys.open(&provider, later, &ticket).unwrap();
        assert_eq!(read.key, session().key);
        assert_eq!(read.peer, session().peer);
        assert!(!read.psk);
        assert_eq!(read.hash, Hash::Sha384);

        let end = later + TicketKeys::LIFETIME;
        assert!(keys.open(&provider, end, &ticket).is_some());
        let end = end + Duration::from_secs(1);
        assert!(keys.open(&provider, end, &ticket).is_none());
        // From the future: the key was given another epoch.
        assert!(keys.open(&provider, now, &ticket).is_none());

        let rotated = keys.rotate([2; 32]);
        assert!(rotated.open(&provider, later, &ticket).is_some());
        let rotated = rotated.rotate([3; 32]);
        assert!(rotated.open(&provider, later, &ticket).is_none());
    }

    #[test]
    fn a_ticket_that_is_cut_or_changed_opens_as_nothing() {
        let (provider, now) = (Provider::default(), netsim::epoch());
        let keys = TicketKeys::new([1; 32], now);
        let ticket = keys.seal(&provider, now, [9; 16], &session()).unwrap();
        for end in 0..ticket.len() {
            assert!(keys.open(&provider, now, &ticket[..end]).is_none());
        }
        for bit in 0..8 * ticket.len() {
            let mut changed = ticket.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(&provider, now, &changed).is_none(), "bit {bit}");
        }
    }
}
