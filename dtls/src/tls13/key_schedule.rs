use zeroize::Zeroizing;

use crate::Role;
use crate::crypto::{AeadAlgorithm, CipherSuite13, CryptoError, Hash, HmacKey, Provider};
use crate::record::{Keys13, Protection13};

/// A secret of the key schedule, as long as the hash.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// The key derivation of TLS 1.3 with one hash (RFC 8446 §7.1), under the labels of DTLS (RFC 9147 §5.9).
#[derive(Clone, Copy)]
pub(crate) struct Derivation<'a> {
    provider: &'a Provider,
    hash: Hash,
    prefix: &'static [u8],
}

impl<'a> Derivation<'a> {
    pub(crate) const fn new(provider: &'a Provider, hash: Hash) -> Self {
        Self {
            provider,
            hash,
            prefix: b"dtls13",
        }
    }

    /// The labels of TLS, for its test vectors.
    #[cfg(test)]
    pub(crate) const fn of_tls(provider: &'a Provider, hash: Hash) -> Self {
        Self {
            provider,
            hash,
            prefix: b"tls13 ",
        }
    }

    /// `Transcript-Hash` of these bytes.
    pub(crate) fn transcript_hash(&self, bytes: &[u8]) -> Vec<u8> {
        self.provider.hash(self.hash, bytes)
    }

    /// `HKDF-Extract` (RFC 5869 §2.2).
    fn extract(&self, salt: &[u8], input: &[u8]) -> Secret {
        self.provider.hmac(self.hash, salt).mac(&[input])
    }

    /// A secret as the key under which others are expanded from it.
    fn key(&self, secret: &[u8]) -> HmacKey {
        self.provider.hmac(self.hash, secret)
    }

    /// `HKDF-Expand-Label` (RFC 8446 §7.1).
    pub(crate) fn expand_label(&self, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
        self.expand(&self.key(secret), label, context, out);
    }

    fn expand(&self, key: &HmacKey, label: &[u8], context: &[u8], out: &mut [u8]) {
        // Labels, hashes and what we ask for are far below 255 and 65,535 bytes.
        let [.., high, low] = out.len().to_be_bytes();
        let [.., label_length] = (self.prefix.len() + label.len()).to_be_bytes();
        let [.., context_length] = context.len().to_be_bytes();
        let lengths = [high, low, label_length];
        let mut previous = Zeroizing::new(Vec::new());
        for (counter, block) in (1..=u8::MAX).zip(out.chunks_mut(self.hash.length())) {
            previous = key.mac(&[
                &previous,
                &lengths,
                self.prefix,
                label,
                &[context_length],
                context,
                &[counter],
            ]);
            block.copy_from_slice(&previous[..block.len()]);
        }
    }

    fn derive(&self, secret: &[u8], label: &[u8], transcript_hash: &[u8]) -> Secret {
        self.derive_under(&self.key(secret), label, transcript_hash)
    }

    fn derive_under(&self, key: &HmacKey, label: &[u8], transcript_hash: &[u8]) -> Secret {
        let mut out = Zeroizing::new(vec![0; self.hash.length()]);
        self.expand(key, label, transcript_hash, &mut out);
        out
    }

    fn derived(&self, secret: &[u8]) -> Secret {
        self.derive(secret, b"derived", &self.transcript_hash(&[]))
    }

    /// The early secret; without a pre-shared key of zeros.
    pub(crate) fn early(&self, psk: Option<&[u8]>) -> Secret {
        let zeros = vec![0; self.hash.length()];
        self.extract(&zeros, psk.unwrap_or(&zeros))
    }

    /// The proof that a client has a key, over its hello up to the proofs (RFC 8446 §4.2.11.2).
    pub(crate) fn binder(&self, early: &[u8], label: &[u8], transcript_hash: &[u8]) -> Secret {
        let key = self.derive(early, label, &self.transcript_hash(&[]));
        self.verify_data(&key, transcript_hash)
    }

    /// What a key from outside becomes in a handshake with another hash, which says how long it is (RFC 9258 §5.1). This
    /// derivation is of the hash that the key is meant for.
    pub(crate) fn import(&self, key: &[u8], identity: &[u8], length: usize) -> Secret {
        let zeros = vec![0; self.hash.length()];
        let mut out = Zeroizing::new(vec![0; length]);
        self.expand_label(
            &self.extract(&zeros, key),
            b"derived psk",
            &self.transcript_hash(identity),
            &mut out,
        );
        out
    }

    /// The handshake secret.
    pub(crate) fn handshake(&self, early: &[u8], shared: &[u8]) -> Secret {
        self.extract(&self.derived(early), shared)
    }

    /// The master secret.
    pub(crate) fn master(&self, handshake: &[u8]) -> Secret {
        let zeros = vec![0; self.hash.length()];
        self.extract(&self.derived(handshake), &zeros)
    }

    /// Both traffic secrets of the handshake, the client's first.
    pub(crate) fn handshake_traffic(
        &self,
        handshake: &[u8],
        transcript_hash: &[u8],
    ) -> [Secret; 2] {
        let key = self.key(handshake);
        [b"c hs traffic", b"s hs traffic"]
            .map(|label| self.derive_under(&key, label, transcript_hash))
    }

    /// Both first traffic secrets of the data, the client's first.
    pub(crate) fn application_traffic(&self, master: &[u8], transcript_hash: &[u8]) -> [Secret; 2] {
        let key = self.key(master);
        [b"c ap traffic", b"s ap traffic"]
            .map(|label| self.derive_under(&key, label, transcript_hash))
    }

    /// The secret that exporters start from.
    pub(crate) fn exporter_master(&self, master: &[u8], transcript_hash: &[u8]) -> Secret {
        self.derive(master, b"exp master", transcript_hash)
    }

    /// The secret that tickets start from.
    pub(crate) fn resumption_master(&self, master: &[u8], transcript_hash: &[u8]) -> Secret {
        self.derive(master, b"res master", transcript_hash)
    }

    /// The key that goes with a ticket (RFC 8446 §4.6.1).
    pub(crate) fn ticket_key(&self, resumption: &[u8], nonce: &[u8]) -> Secret {
        self.derive(resumption, b"resumption", nonce)
    }

    /// The traffic secret that follows after a KeyUpdate (RFC 8446 §7.2).
    pub(crate) fn next_traffic(&self, traffic: &[u8]) -> Secret {
        self.derive(traffic, b"traffic upd", &[])
    }

    /// The content of a Finished (RFC 8446 §4.4.4).
    pub(crate) fn verify_data(&self, traffic: &[u8], transcript_hash: &[u8]) -> Secret {
        let key = self.derive(traffic, b"finished", &[]);
        self.provider.hmac(self.hash, &key).mac(&[transcript_hash])
    }

    /// Keying material for others (RFC 8446 §7.5).
    pub(crate) fn export(&self, exporter: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
        let secret = self.derive(exporter, label, &self.transcript_hash(&[]));
        self.expand_label(&secret, b"exporter", &self.transcript_hash(context), out);
    }
}

/// The record protection of a traffic secret (RFC 8446 §7.3, RFC 9147 §4.2.3).
pub(crate) fn protection(
    provider: &Provider,
    suite: CipherSuite13,
    traffic: &[u8],
) -> Result<Protection13, CryptoError> {
    let mut iv = Zeroizing::new([0; 12]);
    let derivation = Derivation::new(provider, suite.hash);
    derivation.expand_label(traffic, b"iv", &[], iv.as_mut_slice());
    Ok(Protection13::new(
        record_keys(provider, suite, traffic)?,
        *iv,
    ))
}

/// The keys of that protection.
pub(crate) fn record_keys(
    provider: &Provider,
    suite: CipherSuite13,
    traffic: &[u8],
) -> Result<Keys13, CryptoError> {
    let derivation = Derivation::new(provider, suite.hash);
    record_keys_under(&derivation, suite, &derivation.key(traffic))
}

fn record_keys_under(
    derivation: &Derivation<'_>,
    suite: CipherSuite13,
    secret: &HmacKey,
) -> Result<Keys13, CryptoError> {
    let length = suite.aead.key_length();
    let mut key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
    let mut sequence_key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
    let (key, sequence_key) = (&mut key[..length], &mut sequence_key[..length]);
    derivation.expand(secret, b"key", &[], key);
    derivation.expand(secret, b"sn", &[], sequence_key);
    Keys13::new(derivation.provider, suite.aead, key, sequence_key)
}

/// What of the key schedule stays when the handshake is complete.
pub(crate) struct Secrets {
    pub(crate) suite: CipherSuite13,
    /// The traffic secrets in use, the client's first, and how often each was updated.
    pub(crate) traffic: [Secret; 2],
    pub(crate) updates: [u32; 2],
    /// Those of the handshake, if a key log is to have them.
    pub(crate) handshake: Option<[Secret; 2]>,
    pub(crate) exporter: Secret,
    pub(crate) client_random: [u8; 32],
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Secrets) = |secrets| {
    crate::testing::wiped(&secrets.exporter);
    let [client, server] = &secrets.traffic;
    crate::testing::wiped(client);
    crate::testing::wiped(server);
};

impl Secrets {
    /// How the keys of the data are made once more: ours, then those of the other side.
    pub(crate) fn remakers(
        &self,
        provider: &Provider,
        role: Role,
    ) -> [impl Fn() -> Result<Keys13, CryptoError> + Send + Sync + use<>; 2] {
        let (own, theirs) = super::directions(role, &self.traffic);
        [own, theirs].map(|traffic| {
            let (provider, suite, traffic) = (provider.clone(), self.suite, traffic.clone());
            move || record_keys(&provider, suite, &traffic)
        })
    }

    /// Keying material for others. A missing context is the same as an empty one (RFC 8446 §7.5).
    pub(crate) fn export(
        &self,
        provider: &Provider,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) {
        Derivation::new(provider, self.suite.hash).export(
            &self.exporter,
            label,
            context.unwrap_or_default(),
            out,
        );
    }

    /// The lines of a key log by which packet analysers open the data, and the handshake if its secrets were kept.
    pub(crate) fn key_log(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let random = hex(&self.client_random);
        let [client, server] = &self.traffic;
        let [client_updates, server_updates] = self.updates;
        let handshake = self.handshake.as_ref().map(|[client, server]| {
            format!(
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {}\n\
                 SERVER_HANDSHAKE_TRAFFIC_SECRET {random} {}\n",
                hex(client),
                hex(server)
            )
        });
        let handshake = handshake.unwrap_or_default();
        format!(
            "{handshake}CLIENT_TRAFFIC_SECRET_{client_updates} {random} {}\n\
             SERVER_TRAFFIC_SECRET_{server_updates} {random} {}\n\
             EXPORTER_SECRET {random} {}",
            hex(client),
            hex(server),
            hex(&self.exporter)
        )
    }
}
