//! Nonces that nothing is kept for: a MAC over what they are for, under a secret (RFC 8489 §9.2, §5 of RFC 8656).
//!
//! ```text
//! "obMatJos2" | base64 of the security features (3 bytes) | base64 of: expiry (4 bytes, Unix time) | MAC (8 bytes)
//! ```

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// RFC 8489 §9.2: the nonce of a server that has security features begins so. The first of the 24 bits that follow says that
/// there are password algorithms (§18.1).
const FEATURES: &str = "obMatJos2gAAA";

/// What makes and knows nonces.
pub(super) struct Nonces {
    secret: Zeroizing<[u8; 32]>,
    /// The one before, whose nonces are still good.
    former: Option<Zeroizing<[u8; 32]>>,
    lifetime: Duration,
    /// Whether the server offers password algorithms.
    features: bool,
}

/// What a nonce in a request is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// Too old, for another address, or not ours.
    Stale,
}

impl Nonces {
    pub(super) fn new(secret: [u8; 32], lifetime: Duration, features: bool) -> Self {
        Self {
            secret: Zeroizing::new(secret),
            former: None,
            lifetime,
            features,
        }
    }

    /// Makes nonces with another secret; those of the last one stay good.
    pub(super) fn replace_secret(&mut self, secret: [u8; 32]) {
        self.former = Some(std::mem::replace(&mut self.secret, Zeroizing::new(secret)));
    }

    /// A nonce for an address.
    pub(super) fn make(&self, unix: Duration, source: IpAddr) -> String {
        let expiry = unix.saturating_add(self.lifetime).as_secs();
        let expiry = u32::try_from(expiry).unwrap_or(u32::MAX).to_be_bytes();
        let mut bytes = [0; 12];
        let (head, tail) = bytes.split_at_mut(4);
        head.copy_from_slice(&expiry);
        tail.copy_from_slice(&self.tag(&self.secret, expiry, source));
        let mut nonce = String::with_capacity(32);
        if self.features {
            nonce.push_str(FEATURES);
        }
        STANDARD.encode_string(bytes, &mut nonce);
        nonce
    }

    /// Whether a nonce is one of ours, for this address, and of this time.
    pub(super) fn judge(&self, unix: Duration, source: IpAddr, nonce: &str) -> Verdict {
        let Some((expiry, tag)) = self.read(nonce) else {
            return Verdict::Stale;
        };
        let secrets = [Some(&self.secret), self.former.as_ref()];
        let is_ours = secrets.into_iter().flatten().any(|secret| {
            let expected = self.tag(secret, expiry, source);
            bool::from(expected.ct_eq(&tag))
        });
        let until = Duration::from_secs(u32::from_be_bytes(expiry).into());
        // A clock that was set back must not make nonces that live for years.
        let is_of_now = until > unix && until <= unix.saturating_add(self.lifetime);
        if is_ours && is_of_now {
            Verdict::Good
        } else {
            Verdict::Stale
        }
    }

    fn read(&self, nonce: &str) -> Option<([u8; 4], [u8; 8])> {
        let coded = if self.features {
            nonce.strip_prefix(FEATURES)?
        } else {
            nonce
        };
        let mut bytes = [0; 12];
        let length = STANDARD.decode_slice(coded, &mut bytes).ok()?;
        let (expiry, tag) = bytes.get(..length)?.split_first_chunk::<4>()?;
        Some((*expiry, tag.try_into().ok()?))
    }

    fn tag(&self, secret: &[u8; 32], expiry: [u8; 4], source: IpAddr) -> [u8; 8] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&padded(secret).into());
        mac.update(b"nonce");
        mac.update(&[u8::from(self.features)]);
        mac.update(&expiry);
        match source {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        tag.first_chunk().copied().unwrap_or_default()
    }
}

/// A secret as long as a block of the hash.
fn padded(secret: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block
        .iter_mut()
        .zip(secret)
        .for_each(|(to, from)| *to = *from);
    block
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// T-06
    #[test]
    fn t_06_a_nonce_is_good_for_its_address_until_it_expires() {
        let nonces = Nonces::new([1; 32], HOUR, true);
        let nonce = nonces.make(NOW, ip(1));
        assert_eq!(nonce.len(), 29);
        assert_eq!(nonces.judge(NOW, ip(1), &nonce), Verdict::Good);
        assert_eq!(nonces.judge(NOW, ip(2), &nonce), Verdict::Stale);
        let end = NOW + HOUR;
        let before = end - Duration::from_secs(1);
        assert_eq!(nonces.judge(before, ip(1), &nonce), Verdict::Good);
        assert_eq!(nonces.judge(end, ip(1), &nonce), Verdict::Stale);
        assert_eq!(nonces.judge(NOW - HOUR, ip(1), &nonce), Verdict::Stale);
        let other = Nonces::new([2; 32], HOUR, true);
        assert_eq!(other.judge(NOW, ip(1), &nonce), Verdict::Stale);
    }

    #[test]
    fn a_changed_character_makes_a_nonce_worthless() {
        let nonces = Nonces::new([1; 32], HOUR, true);
        let nonce = nonces.make(NOW, ip(1));
        for at in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(nonces.judge(NOW, ip(1), &forged), Verdict::Stale, "{at}");
        }
        assert_eq!(nonces.judge(NOW, ip(1), ""), Verdict::Stale);
        assert_eq!(nonces.judge(NOW, ip(1), &nonce[..28]), Verdict::Stale);
    }

    #[test]
    fn nonces_of_the_secret_before_stay_good_and_of_the_one_before_that_do_not() {
        let mut nonces = Nonces::new([1; 32], HOUR, false);
        let nonce = nonces.make(NOW, ip(1));
        assert_eq!(nonce.len(), 16);
        nonces.replace_secret([2; 32]);
        assert_eq!(nonces.judge(NOW, ip(1), &nonce), Verdict::Good);
        nonces.replace_secret([3; 32]);
        assert_eq!(nonces.judge(NOW, ip(1), &nonce), Verdict::Stale);
    }
}
