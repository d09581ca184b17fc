use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{Digest, Hash, HmacKey};

/// The secrets under which cookies are made (RFC 6347 §4.2.1): a cookie is good under the present one and the one
/// before, so for one to two periods.
pub(super) struct CookieSecrets {
    current: Zeroizing<[u8; 32]>,
    previous: Zeroizing<[u8; 32]>,
    /// When the present one came into use; `None` until the first cookie.
    since: Option<Instant>,
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&CookieSecrets) = |secrets| crate::testing::wiped(&secrets.current);

impl CookieSecrets {
    /// A whole cookie of DTLS 1.2.
    pub(super) const LENGTH: usize = 32;
    /// How long a secret is used for new cookies.
    pub(super) const PERIOD: Duration = Duration::from_secs(60);

    pub(super) fn new(random: &mut StdRng) -> Self {
        Self {
            current: draw(random),
            previous: draw(random),
            since: None,
        }
    }

    /// Takes fresh secrets for those whose time is over.
    pub(super) fn rotate(&mut self, now: Instant, random: &mut StdRng) {
        let Some(since) = self.since else {
            self.since = Some(now);
            return;
        };
        let age = now.saturating_duration_since(since);
        if age < Self::PERIOD {
            return;
        }
        let fresh = draw(random);
        self.previous = if age < 2 * Self::PERIOD {
            std::mem::replace(&mut self.current, fresh)
        } else {
            // Nobody asked for so long that the present one is too old as well.
            self.current = fresh;
            draw(random)
        };
        self.since = Some(now);
    }

    /// The cookie for a hello from this address: whoever shows it received what was sent there.
    pub(super) fn make(&self, from: SocketAddr, hello: &[u8]) -> Zeroizing<Digest> {
        mac(&self.current, from, hello)
    }

    /// Whether a cookie is one of ours for this address and this hello; of one of `length` bytes that many are shown.
    pub(super) fn is_good(
        &self,
        from: SocketAddr,
        hello: &[u8],
        (cookie, length): (&[u8], usize),
    ) -> bool {
        let matches = |secret| {
            let mac = mac(secret, from, hello);
            mac[..length.min(mac.len())].ct_eq(cookie)
        };
        (matches(&self.current) | matches(&self.previous)).into()
    }
}

/// What a cookie of DTLS 1.3 says beside its proof: all that the answer to the second hello needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) suite: u16,
    pub(super) group: Option<u16>,
    /// The hash of the first hello.
    pub(super) digest: Vec<u8>,
}

impl Remembered {
    /// How much of the MAC is shown: half of it is as good against guesses, and the answer to a short hello has to be
    /// short.
    const PROOF: usize = 16;

    /// The bytes that the proof covers. No hello of DTLS 1.2 begins like them: its version stands there.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.suite.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.group.unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    /// The whole cookie for a client at this address.
    pub(super) fn cookie(&self, secrets: &CookieSecrets, from: SocketAddr) -> Vec<u8> {
        let mut cookie = self.encode();
        let proof = secrets.make(from, &cookie);
        cookie.extend(proof.iter().take(Self::PROOF));
        cookie
    }

    /// Reads a cookie of ours that was made for this address.
    pub(super) fn read(secrets: &CookieSecrets, from: SocketAddr, cookie: &[u8]) -> Option<Self> {
        let (said, proof) = cookie.split_last_chunk::<{ Self::PROOF }>()?;
        let (suite, rest) = said.split_first_chunk()?;
        let (group, digest) = rest.split_first_chunk()?;
        let group = u16::from_be_bytes(*group);
        secrets
            .is_good(from, said, (proof, Self::PROOF))
            .then(|| Self {
                suite: u16::from_be_bytes(*suite),
                group: (group != 0).then_some(group),
                digest: digest.to_vec(),
            })
    }
}

fn draw(random: &mut StdRng) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    random.fill_bytes(secret.as_mut_slice());
    secret
}

fn mac(secret: &[u8; 32], from: SocketAddr, hello: &[u8]) -> Zeroizing<Digest> {
    let port = from.port().to_be_bytes();
    let key = HmacKey::new(Hash::Sha256, secret);
    match from.ip() {
        IpAddr::V4(ip) => key.mac([&[4][..], &ip.octets(), &port, hello]),
        IpAddr::V6(ip) => key.mac([&[6][..], &ip.octets(), &port, hello]),
    }
}
