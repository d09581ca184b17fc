use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{Hash, Provider};

/// The secrets under which cookies are made (RFC 6347 §4.2.1): a cookie is good under the present one and the one
/// before, so for one to two periods.
pub(super) struct CookieSecrets {
    current: Zeroizing<[u8; 32]>,
    previous: Zeroizing<[u8; 32]>,
    /// When the present one came into use; `None` until the first cookie.
    since: Option<Instant>,
}

impl CookieSecrets {
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
    pub(super) fn make(
        &self,
        provider: &Provider,
        from: SocketAddr,
        hello: &[u8],
    ) -> Zeroizing<Vec<u8>> {
        mac(provider, &self.current, from, hello)
    }

    pub(super) fn is_good(
        &self,
        provider: &Provider,
        from: SocketAddr,
        hello: &[u8],
        cookie: &[u8],
    ) -> bool {
        let current = mac(provider, &self.current, from, hello).ct_eq(cookie);
        let previous = mac(provider, &self.previous, from, hello).ct_eq(cookie);
        (current | previous).into()
    }
}

fn draw(random: &mut StdRng) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    random.fill_bytes(secret.as_mut_slice());
    secret
}

fn mac(
    provider: &Provider,
    secret: &[u8; 32],
    from: SocketAddr,
    hello: &[u8],
) -> Zeroizing<Vec<u8>> {
    let port = from.port().to_be_bytes();
    let key = provider.hmac(Hash::Sha256, secret);
    match from.ip() {
        IpAddr::V4(ip) => key.mac(&[&[4], &ip.octets(), &port, hello]),
        IpAddr::V6(ip) => key.mac(&[&[6], &ip.octets(), &port, hello]),
    }
}
