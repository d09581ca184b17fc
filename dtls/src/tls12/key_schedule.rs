use zeroize::Zeroizing;

use crate::Role;
use crate::crypto::{Aead, CipherSuite, CryptoError, Digest, Hash, HmacKey, Provider};
use crate::record::Protection;

/// The pseudo-random function of TLS 1.2 (RFC 5246 §5), over the concatenated seeds.
pub(crate) fn prf(hash: Hash, secret: &[u8], label: &[u8], seeds: &[&[u8]], out: &mut [u8]) {
    let key = HmacKey::new(hash, secret);
    let parts = || std::iter::once(label).chain(seeds.iter().copied());
    let mut a = key.mac(parts());
    let mut blocks = out.chunks_mut(hash.length()).peekable();
    while let Some(block) = blocks.next() {
        let output = key.mac(std::iter::once(&**a).chain(parts()));
        block.copy_from_slice(&output[..block.len()]);
        if blocks.peek().is_some() {
            a = key.mac([&**a]);
        }
    }
}

/// The premaster secret with a pre-shared key (RFC 4279 §2, RFC 5489 §2): what was agreed on beside it, as many zeros
/// as the key has bytes if nothing was, and the key, each with its length in front.
pub(crate) fn psk_pre_master(agreed: Option<&[u8]>, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let other = agreed.map_or(key.len(), <[u8]>::len);
    let mut secret = Zeroizing::new(Vec::with_capacity(4 + other + key.len()));
    // Both are far below 2^16: a point of a curve, and PreSharedKey::MAX_LENGTH.
    let length = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    secret.extend_from_slice(&length(other));
    match agreed {
        Some(agreed) => secret.extend_from_slice(agreed),
        None => secret.resize(2 + other, 0),
    }
    secret.extend_from_slice(&length(key.len()));
    secret.extend_from_slice(key);
    secret
}

/// How many bytes of the key block are a key, and how many an IV.
const fn lengths(suite: CipherSuite) -> (usize, usize) {
    (suite.aead.key_length(), Protection::iv_length(suite.aead))
}

/// The keys of both directions, then the IVs, the client's first (RFC 5246 §6.3).
fn key_block(
    suite: CipherSuite,
    master: &[u8; 48],
    (client_random, server_random): (&[u8; 32], &[u8; 32]),
) -> Zeroizing<Vec<u8>> {
    let (key, iv) = lengths(suite);
    let mut block = Zeroizing::new(vec![0; 2 * (key + iv)]);
    prf(
        suite.hash,
        master,
        b"key expansion",
        &[server_random, client_random],
        &mut block,
    );
    block
}

/// The master secret and what it is used with.
pub(crate) struct Secrets {
    hash: Hash,
    master: Zeroizing<[u8; 48]>,
    client_random: [u8; 32],
    server_random: [u8; 32],
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Secrets) = |secrets| crate::testing::wiped(&secrets.master);

impl Secrets {
    /// The extended master secret (RFC 7627 §4): it covers the whole handshake up to ClientKeyExchange, so that two
    /// sessions never share one.
    pub(crate) fn extended(
        hash: Hash,
        pre_master: &[u8],
        session_hash: &Digest,
        randoms: (&[u8; 32], &[u8; 32]),
    ) -> Self {
        let mut master = Zeroizing::new([0; 48]);
        prf(
            hash,
            pre_master,
            b"extended master secret",
            &[session_hash],
            master.as_mut_slice(),
        );
        Self {
            hash,
            master,
            client_random: *randoms.0,
            server_random: *randoms.1,
        }
    }

    /// Those of a connection that goes on from another, whose master secret stays (RFC 5246 §7.3).
    pub(crate) fn resumed(
        hash: Hash,
        master: &[u8],
        randoms: (&[u8; 32], &[u8; 32]),
    ) -> Option<Self> {
        Some(Self {
            hash,
            master: Zeroizing::new(master.try_into().ok()?),
            client_random: *randoms.0,
            server_random: *randoms.1,
        })
    }

    /// The hash of the transcript.
    pub(crate) const fn hash(&self) -> Hash {
        self.hash
    }

    /// What a connection may go on from.
    pub(crate) fn master(&self) -> &[u8] {
        self.master.as_slice()
    }

    /// The keys of both directions: the client's, then the server's (RFC 5246 §6.3).
    pub(crate) fn protections(
        &self,
        provider: &Provider,
        suite: CipherSuite,
    ) -> Result<(Protection, Protection), CryptoError> {
        let (key, iv) = lengths(suite);
        let block = key_block(
            suite,
            &self.master,
            (&self.client_random, &self.server_random),
        );
        let (keys, ivs) = block.split_at(2 * key);
        let (client_key, server_key) = keys.split_at(key);
        let (client_iv, server_iv) = ivs.split_at(iv);
        Ok((
            Protection::new(provider, suite.aead, client_key, client_iv)?,
            Protection::new(provider, suite.aead, server_key, server_iv)?,
        ))
    }

    /// How the keys of records are made once more: ours, then those of the other side.
    pub(crate) fn remakers(
        &self,
        provider: &Provider,
        suite: CipherSuite,
        role: Role,
    ) -> [impl Fn() -> Result<Aead, CryptoError> + Send + Sync + use<>; 2] {
        let (length, _) = lengths(suite);
        let block = key_block(
            suite,
            &self.master,
            (&self.client_random, &self.server_random),
        );
        [role, role.reversed()].map(|sender| {
            let start = match sender {
                Role::Client => 0,
                Role::Server => length,
            };
            let key = Zeroizing::new(block[start..start + length].to_vec());
            let provider = provider.clone();
            move || provider.aead(suite.aead, &key)
        })
    }

    /// The content of one side's Finished (RFC 5246 §7.4.9).
    pub(crate) fn verify_data(&self, sender: Role, transcript_hash: &Digest) -> [u8; 12] {
        let label: &[u8] = match sender {
            Role::Client => b"client finished",
            Role::Server => b"server finished",
        };
        let mut out = [0; 12];
        prf(
            self.hash,
            self.master.as_slice(),
            label,
            &[transcript_hash],
            &mut out,
        );
        out
    }

    /// Keying material for others (RFC 5705 §4). A context is preceded by its length, which is the caller's to check.
    pub(crate) fn export(&self, label: &[u8], context: Option<(u16, &[u8])>, out: &mut [u8]) {
        let length = context.map(|(length, _)| length.to_be_bytes());
        let mut seeds: Vec<&[u8]> = vec![&self.client_random, &self.server_random];
        if let (Some(length), Some((_, context))) = (&length, context) {
            seeds.push(length);
            seeds.push(context);
        }
        prf(self.hash, self.master.as_slice(), label, &seeds, out);
    }

    /// The line of a key log by which packet analysers open the connection.
    pub(crate) fn key_log(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        format!(
            "CLIENT_RANDOM {} {}",
            hex(&self.client_random),
            hex(self.master.as_slice())
        )
    }

    #[cfg(test)]
    pub(crate) fn from_master(
        hash: Hash,
        master: [u8; 48],
        randoms: (&[u8; 32], &[u8; 32]),
    ) -> Self {
        Self {
            hash,
            master: Zeroizing::new(master),
            client_random: *randoms.0,
            server_random: *randoms.1,
        }
    }
}
