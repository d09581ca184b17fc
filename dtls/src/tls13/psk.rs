//! Keys that both sides know beforehand (RFC 8446 §4.2.11): from outside, or from the ticket of an earlier connection.

use std::time::Instant;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Derivation, Secret};
use crate::crypto::Hash;
use crate::handshake::{Circumstances, Failure};
use crate::psk::Import;
use crate::ticket::Session;
use crate::wire::{ClientHello, DTLS_1_3, DecodeError, HandshakeType, Psk, codec};
use crate::{Config, HashAlgorithm, PreSharedKey, Provider, Ticket};

/// One of them.
#[derive(Clone)]
pub(crate) struct SharedKey {
    identity: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    pub(crate) hash: Hash,
    /// What else is known of the other side; `None` of a key from outside, which stands for itself.
    session: Option<Session>,
    /// What a client needs to name the age of its ticket.
    ticket: Option<Ticket>,
    /// What the proof of it is called.
    label: &'static [u8],
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&SharedKey) = |shared| crate::testing::wiped(&shared.key);

/// The number of DTLS 1.3 as a protocol that keys are imported for, which is its version.
const TARGET_PROTOCOL: u16 = DTLS_1_3;

/// The name that an imported key has on the wire: `ImportedIdentity` (RFC 9258 §5.1).
fn imported_identity(psk: &PreSharedKey, import: &Import, target: Hash) -> Vec<u8> {
    let mut identity = Vec::new();
    codec::put_vec::<2>(&mut identity, |buf| buf.extend_from_slice(psk.identity()));
    codec::put_vec::<2>(&mut identity, |buf| buf.extend_from_slice(&import.context));
    identity.extend_from_slice(&TARGET_PROTOCOL.to_be_bytes());
    // The registry of key derivation functions (RFC 9258 §10).
    identity.extend_from_slice(match target {
        Hash::Sha256 => &[0, 1],
        Hash::Sha384 => &[0, 2],
    });
    identity
}

impl SharedKey {
    /// A key as both sides know it, for one hash; `None` if it does not go with that.
    fn from_outside(psk: &PreSharedKey, hash: Hash) -> Option<Self> {
        let Some(import) = psk.import() else {
            // RFC 8446 §4.2.11: none other is named.
            return (hash == Hash::Sha256).then(|| Self {
                identity: psk.identity().to_vec(),
                key: Zeroizing::new(psk.key().to_vec()),
                hash,
                session: None,
                ticket: None,
                label: b"ext binder",
            });
        };
        let identity = imported_identity(psk, import, hash);
        let meant_for = match import.hash {
            HashAlgorithm::Sha384 => Hash::Sha384,
            _ => Hash::Sha256,
        };
        let derivation = Derivation::new(meant_for);
        Some(Self {
            key: derivation.import(psk.key(), &identity, hash.length()),
            identity,
            hash,
            session: None,
            ticket: None,
            label: b"imp binder",
        })
    }

    /// The hashes of the suites that a provider has.
    fn hashes(provider: &Provider) -> impl Iterator<Item = Hash> {
        [Hash::Sha256, Hash::Sha384]
            .into_iter()
            .filter(|hash| provider.suites_13().any(|suite| suite.hash == *hash))
    }

    fn of_session(session: Session) -> Self {
        Self {
            identity: Vec::new(),
            key: session.key.clone(),
            hash: session.hash,
            session: Some(session),
            ticket: None,
            label: b"res binder",
        }
    }

    /// Keys from outside that a client offers.
    const MAX_OFFERED: usize = 4;

    /// What a client offers: its ticket if there is one, and the first of its keys from outside.
    pub(crate) fn offered(now: Instant, config: &Config, ticket: Option<&Ticket>) -> Vec<Self> {
        let usable = |ticket: &&Ticket| {
            let mut suites = config.provider.suites_13();
            let of_13 = ticket.session.suite.is_none() && ticket.expires() > now;
            of_13 && suites.any(|suite| suite.hash == ticket.session.hash)
        };
        let ticket = ticket.filter(usable).map(|ticket| Self {
            identity: ticket.identity().to_vec(),
            ticket: Some(ticket.clone()),
            ..Self::of_session(ticket.session.clone())
        });
        let provider = &config.provider;
        let psks = config.psks.iter().take(Self::MAX_OFFERED);
        let psks = psks.flat_map(|psk| {
            Self::hashes(provider).filter_map(move |hash| Self::from_outside(psk, hash))
        });
        ticket.into_iter().chain(psks).collect()
    }

    /// The extension for these keys, with room for the proofs.
    pub(crate) fn offer(keys: &[Self], now: Instant) -> Option<Psk> {
        let age = |key: &Self| {
            let ticket = key.ticket.as_ref();
            // A key from outside has none.
            ticket.map_or(0, |ticket| ticket.obfuscated_age(now))
        };
        let identity = |key: &Self| (key.identity.clone(), age(key));
        let binder = |key: &Self| vec![0; key.hash.length()];
        (!keys.is_empty()).then(|| Psk::Offer {
            identities: keys.iter().map(identity).collect(),
            binders: keys.iter().map(binder).collect(),
        })
    }

    /// The key itself.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The certificate that the other side showed when the key came to be.
    pub(crate) fn peer(&self) -> Option<&[u8]> {
        self.session.as_ref()?.peer.as_deref()
    }

    /// Whether it comes from an earlier connection.
    pub(crate) const fn is_resumption(&self) -> bool {
        self.session.is_some()
    }

    /// Whether at the bottom of it is a key from outside.
    pub(crate) fn is_from_outside(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.psk)
    }

    /// The proof that a client has the key, over what was said before (`said`, in the form of a transcript) and its
    /// hello without the last `cut` bytes, which are the proofs.
    fn binder(&self, said: &[u8], hello: &[u8], cut: usize) -> Secret {
        let derivation = Derivation::new(self.hash);
        let mut covered = said.to_vec();
        // The head says the whole length (RFC 8446 §4.2.11.2).
        let [.., a, b, c] = hello.len().to_be_bytes();
        covered.extend_from_slice(&[HandshakeType::CLIENT_HELLO.0, a, b, c]);
        covered.extend_from_slice(&hello[..hello.len().saturating_sub(cut)]);
        derivation.binder(
            &derivation.early(Some(&self.key)),
            self.label,
            &derivation.transcript_hash(&covered),
        )
    }

    /// Writes the proofs into the end of a hello that has room for them.
    pub(crate) fn prove(keys: &[Self], said: &[u8], hello: &mut Vec<u8>) {
        let length = |key: &Self| key.hash.length().saturating_add(1);
        let cut = keys.iter().map(length).sum::<usize>().saturating_add(2);
        let binders: Vec<_> = keys
            .iter()
            .map(|key| key.binder(said, hello, cut))
            .collect();
        let at = hello.len().saturating_sub(cut);
        // The length of the list stays.
        hello.truncate(at.saturating_add(2));
        for binder in binders {
            // A hash has 48 bytes at most.
            let [.., length] = binder.len().to_be_bytes();
            hello.push(length);
            hello.extend_from_slice(&binder);
        }
    }

    /// The key of a client that a server knows as well, and its place in the client's list: a ticket before others, and of
    /// those the first of our list. Its proof has to be right: somebody who does not have it has no business to name it.
    pub(crate) fn choose(
        context: Circumstances<'_>,
        hello: &ClientHello,
        (said, body): (&[u8], &[u8]),
    ) -> Result<Option<(u16, Self)>, Failure> {
        let Some(psk) = &hello.extensions.psk else {
            return Ok(None);
        };
        let Psk::Offer {
            identities,
            binders,
        } = psk
        else {
            return Ok(None);
        };
        if binders.is_empty() {
            return Err(DecodeError::Length.into());
        }
        if identities.len() != binders.len() {
            return Err(Failure::illegal());
        }
        // Whoever offers a key says how it may be used (RFC 8446 §4.2.9).
        let Some(with_dhe) = hello.extensions.psk_modes else {
            return Err(Failure::missing_extension());
        };
        let provider = &context.config.provider;
        let usable = |key: &Self| {
            let mut suites = provider.suites_13();
            suites.any(|s| s.hash == key.hash && hello.cipher_suites.contains(&s.number))
        };
        let offered = (0_u16..).zip(identities).zip(binders);
        let known = offered
            .take(Self::MAX_TRIED)
            .filter(|_| with_dhe)
            .filter_map(|((index, (identity, _)), proof)| {
                let (rank, key) = Self::find(context, identity)?;
                usable(&key).then_some((rank, index, key, proof))
            });
        let best = known.min_by_key(|(rank, index, ..)| (*rank, *index));
        let Some((_, index, key, proof)) = best else {
            return Ok(None);
        };
        let expected = key.binder(said, body, psk.binders_length());
        if bool::from(proof.as_slice().ct_eq(&expected)) {
            Ok(Some((index, key)))
        } else {
            Err(Failure::bad_proof())
        }
    }

    /// How many names of a client are looked at: opening a ticket costs something.
    const MAX_TRIED: usize = 8;

    /// The key of a name, and how much we like it: the less the better.
    fn find(context: Circumstances<'_>, identity: &[u8]) -> Option<(usize, Self)> {
        let config = context.config;
        let provider = &config.provider;
        let named = (1..).zip(&config.psks).find_map(|(rank, psk)| {
            let is_named = |hash: &Hash| match psk.import() {
                Some(import) => imported_identity(psk, import, *hash) == identity,
                None => *hash == Hash::Sha256 && psk.identity() == identity,
            };
            let hash = Self::hashes(provider).find(is_named)?;
            Some((rank, Self::from_outside(psk, hash)?))
        });
        if named.is_some() {
            return named;
        }
        let tickets = config.tickets.as_ref()?;
        let session = tickets.open(provider, context.now, identity)?;
        let usable = session.suite.is_none() && session.suffices(context);
        usable.then(|| (0, Self::of_session(session)))
    }
}
