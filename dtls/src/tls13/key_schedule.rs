use zeroize::Zeroizing;

use crate::Role;
use crate::crypto::{AeadAlgorithm, CipherSuite13, CryptoError, Digest, Hash, HmacKey, Provider};
use crate::record::{Keys13, Protection13};

/// A secret of the key schedule, as long as the hash.
pub(crate) type Secret = Zeroizing<Digest>;

/// The key derivation of TLS 1.3 with one hash (RFC 8446 §7.1), under the labels of DTLS (RFC 9147 §5.9).
#[derive(Clone, Copy)]
pub(crate) struct Derivation {
    hash: Hash,
    prefix: &'static [u8],
}

impl Derivation {
    pub(crate) const fn new(hash: Hash) -> Self {
        Self {
            hash,
            prefix: b"dtls13",
        }
    }

    /// The labels of TLS, for its test vectors.
    #[cfg(test)]
    pub(crate) const fn of_tls(hash: Hash) -> Self {
        Self {
            hash,
            prefix: b"tls13 ",
        }
    }

    /// `Transcript-Hash` of these bytes.
    pub(crate) fn transcript_hash(&self, bytes: &[u8]) -> Digest {
        self.hash.of(bytes)
    }

    /// `HKDF-Extract` (RFC 5869 §2.2).
    fn extract(&self, salt: &[u8], input: &[u8]) -> Secret {
        self.key(salt).mac([input])
    }

    /// As many zeros as the hash has bytes.
    fn zeros(&self) -> &'static [u8] {
        const ZEROS: [u8; 48] = [0; 48];
        &ZEROS[..self.hash.length()]
    }

    /// A secret as the key under which others are expanded from it.
    pub(crate) fn key(&self, secret: &[u8]) -> HmacKey {
        HmacKey::new(self.hash, secret)
    }

    /// `HKDF-Expand-Label` (RFC 8446 §7.1).
    pub(crate) fn expand_label(&self, key: &HmacKey, label: &[u8], context: &[u8], out: &mut [u8]) {
        let length = out.len();
        let mut block = None;
        for (counter, part) in (1..=u8::MAX).zip(out.chunks_mut(self.hash.length())) {
            let next = self.block(key, (label, context, length), counter, block.as_ref());
            part.copy_from_slice(&next[..part.len()]);
            block = Some(next);
        }
    }

    /// A block of that (RFC 5869 §2.3), of which most of what is asked for is one at most.
    fn block(
        &self,
        key: &HmacKey,
        (label, context, length): (&[u8], &[u8], usize),
        counter: u8,
        previous: Option<&Secret>,
    ) -> Secret {
        // Labels, hashes and what we ask for are far below 255 and 65,535 bytes.
        let [.., high, low] = length.to_be_bytes();
        let [.., label_length] = (self.prefix.len() + label.len()).to_be_bytes();
        let [.., context_length] = context.len().to_be_bytes();
        key.mac([
            previous.map_or(&[][..], |previous| previous),
            &[high, low, label_length],
            self.prefix,
            label,
            &[context_length],
            context,
            &[counter],
        ])
    }

    /// `Derive-Secret` (RFC 8446 §7.1) of a hash that is known.
    fn derive(&self, key: &HmacKey, label: &[u8], transcript_hash: &[u8]) -> Secret {
        self.block(key, (label, transcript_hash, self.hash.length()), 1, None)
    }

    /// The salt for the next secret.
    fn derived(&self, key: &HmacKey) -> Secret {
        self.derive(key, b"derived", &self.transcript_hash(&[]))
    }

    /// The early secret; without a pre-shared key of zeros.
    pub(crate) fn early(&self, psk: Option<&[u8]>) -> Secret {
        self.extract(self.zeros(), psk.unwrap_or_else(|| self.zeros()))
    }

    /// The proof that a client has a key, over its hello up to the proofs (RFC 8446 §4.2.11.2).
    pub(crate) fn binder(&self, early: &[u8], label: &[u8], transcript_hash: &[u8]) -> Secret {
        let key = self.derive(&self.key(early), label, &self.transcript_hash(&[]));
        self.verify_data(&key, transcript_hash)
    }

    /// What a key from outside becomes in a handshake with another hash, which says how long it is (RFC 9258 §5.1). This
    /// derivation is of the hash that the key is meant for.
    pub(crate) fn import(&self, key: &[u8], identity: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        let key = self.key(&self.extract(self.zeros(), key));
        let identity = self.transcript_hash(identity);
        let mut out = Zeroizing::new(vec![0; length]);
        self.expand_label(&key, b"derived psk", &identity, &mut out);
        out
    }

    /// The handshake secret.
    pub(crate) fn handshake(&self, early: &[u8], shared: &[u8]) -> Secret {
        self.extract(&self.derived(&self.key(early)), shared)
    }

    /// The master secret.
    pub(crate) fn master(&self, handshake: &HmacKey) -> Secret {
        self.extract(&self.derived(handshake), self.zeros())
    }

    /// Both traffic secrets of the handshake, the client's first.
    pub(crate) fn handshake_traffic(
        &self,
        handshake: &HmacKey,
        transcript_hash: &[u8],
    ) -> [Secret; 2] {
        [b"c hs traffic", b"s hs traffic"]
            .map(|label| self.derive(handshake, label, transcript_hash))
    }

    /// Both first traffic secrets of the data, the client's first.
    pub(crate) fn application_traffic(
        &self,
        master: &HmacKey,
        transcript_hash: &[u8],
    ) -> [Secret; 2] {
        [b"c ap traffic", b"s ap traffic"].map(|label| self.derive(master, label, transcript_hash))
    }

    /// The secret that exporters start from.
    pub(crate) fn exporter_master(&self, master: &HmacKey, transcript_hash: &[u8]) -> Secret {
        self.derive(master, b"exp master", transcript_hash)
    }

    /// The secret that tickets start from.
    pub(crate) fn resumption_master(&self, master: &HmacKey, transcript_hash: &[u8]) -> Secret {
        self.derive(master, b"res master", transcript_hash)
    }

    /// The key that goes with a ticket (RFC 8446 §4.6.1).
    pub(crate) fn ticket_key(&self, resumption: &[u8], nonce: &[u8]) -> Secret {
        self.derive(&self.key(resumption), b"resumption", nonce)
    }

    /// The traffic secret that follows after a KeyUpdate (RFC 8446 §7.2).
    pub(crate) fn next_traffic(&self, traffic: &[u8]) -> Secret {
        self.derive(&self.key(traffic), b"traffic upd", &[])
    }

    /// The content of a Finished (RFC 8446 §4.4.4).
    pub(crate) fn verify_data(&self, traffic: &[u8], transcript_hash: &[u8]) -> Secret {
        let key = self.derive(&self.key(traffic), b"finished", &[]);
        self.key(&key).mac([transcript_hash])
    }

    /// Keying material for others (RFC 8446 §7.5).
    pub(crate) fn export(&self, exporter: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
        let secret = self.derive(&self.key(exporter), label, &self.transcript_hash(&[]));
        let context = self.transcript_hash(context);
        self.expand_label(&self.key(&secret), b"exporter", &context, out);
    }
}

/// The record protection of a traffic secret (RFC 8446 §7.3, RFC 9147 §4.2.3).
pub(crate) fn protection(
    provider: &Provider,
    suite: CipherSuite13,
    traffic: &[u8],
) -> Result<Protection13, CryptoError> {
    let derivation = Derivation::new(suite.hash);
    let secret = derivation.key(traffic);
    let mut iv = Zeroizing::new([0; 12]);
    derivation.expand_label(&secret, b"iv", &[], iv.as_mut_slice());
    let keys = keys_under(provider, suite, &secret)?;
    Ok(Protection13::new(keys, *iv))
}

/// The keys of that protection.
fn record_keys(
    provider: &Provider,
    suite: CipherSuite13,
    traffic: &[u8],
) -> Result<Keys13, CryptoError> {
    keys_under(provider, suite, &Derivation::new(suite.hash).key(traffic))
}

fn keys_under(
    provider: &Provider,
    suite: CipherSuite13,
    secret: &HmacKey,
) -> Result<Keys13, CryptoError> {
    let derivation = Derivation::new(suite.hash);
    let length = suite.aead.key_length();
    let mut key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
    let mut sequence_key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
    let (key, sequence_key) = (&mut key[..length], &mut sequence_key[..length]);
    derivation.expand_label(secret, b"key", &[], key);
    derivation.expand_label(secret, b"sn", &[], sequence_key);
    Keys13::new(provider, suite.aead, key, sequence_key)
}

/// What of the key schedule stays when the handshake is complete.
pub(crate) struct Secrets {
    pub(crate) suite: CipherSuite13,
    /// The traffic secrets in use, the client's first, and how often each was updated.
    pub(crate) traffic: [Secret; 2],
    pub(crate) updates: [u32; 2],
    /// Those of the handshake, if a key log is to have them.
    pub(crate) handshake: Option<Box<[Secret; 2]>>,
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
    pub(crate) fn export(&self, label: &[u8], context: Option<&[u8]>, out: &mut [u8]) {
        Derivation::new(self.suite.hash).export(
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
        let handshake = self.handshake.as_deref().map(|[client, server]| {
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
