use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{Derivation, Purpose, label, place};
use super::{Failed, Position, RTCP_CLEAR};
use crate::header::Coverage;
use crate::provider::{CounterMode, CryptoProvider, HmacSha1};
use crate::{KeyError, MasterKey, Provider, Usage};

/// AES in counter mode, or no encryption at all, and HMAC-SHA1 (RFC 3711 §4.1.1, §4.1.3, §4.2.1).
pub(crate) struct AesCm {
    /// Not there under the NULL profiles.
    cipher: Option<Box<dyn CounterMode>>,
    mac: Box<dyn HmacSha1>,
    /// The salt, 16 bits up, where the block counter begins.
    salt: Zeroizing<u128>,
    /// The octets of a tag.
    tag: usize,
}

impl AesCm {
    pub(crate) fn derive(
        provider: &Provider,
        master: &MasterKey,
        usage: Usage,
    ) -> Result<Self, KeyError> {
        let profile = master.profile();
        let derivation = Derivation::new(provider, master)?;
        let authentication = derivation.octets::<20>(label(usage, Purpose::Authentication))?;
        let salt = derivation.octets::<14>(label(usage, Purpose::Salt))?;
        let cipher = if profile.encrypts() {
            let key = derivation.key(label(usage, Purpose::Encryption))?;
            let key = key.get(..profile.key_length()).unwrap_or_default();
            Some(provider.counter_mode(key).ok_or(KeyError::Unsupported)?)
        } else {
            None
        };
        let mac = provider.hmac_sha1(&*authentication);
        Ok(Self {
            cipher,
            mac: mac.ok_or(KeyError::Unsupported)?,
            salt: place(&salt, 2),
            tag: match usage {
                Usage::Rtp => profile.rtp_tag_length(),
                Usage::Rtcp => profile.rtcp_tag_length(),
            },
        })
    }

    pub(crate) const fn tag_length(&self) -> usize {
        self.tag
    }

    /// Whether there is a cipher.
    pub(crate) const fn encrypts(&self) -> bool {
        self.cipher.is_some()
    }

    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        coverage: Coverage,
        at: Position,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        let suffix = at.rollover_counter().to_be_bytes();
        let packet = buf.get_mut(start..).ok_or(Failed)?;
        self.crypt(packet, coverage, at)?;
        let code = self.mac.code(packet, &suffix);
        buf.extend_from_slice(identifier);
        buf.extend_from_slice(code.get(..self.tag).ok_or(Failed)?);
        Ok(())
    }

    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        coverage: Coverage,
        at: Position,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        let suffix = at.rollover_counter().to_be_bytes();
        let packet = self.verify(packet, &suffix, identifier)?;
        self.crypt(packet, coverage, at).ok()?;
        Some(packet)
    }

    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        at: Position,
        encrypted: bool,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        let encrypted = encrypted && self.encrypts();
        if let Some(cipher) = &self.cipher
            && encrypted
        {
            let body = buf.get_mut(start + RTCP_CLEAR..).ok_or(Failed)?;
            cipher
                .apply_keystream(&self.vector(at), body)
                .ok_or(Failed)?;
        }
        buf.extend_from_slice(&at.rtcp_trailer(encrypted));
        let code = self.mac.code(buf.get(start..).ok_or(Failed)?, &[]);
        buf.extend_from_slice(identifier);
        buf.extend_from_slice(code.get(..self.tag).ok_or(Failed)?);
        Ok(())
    }

    pub(crate) fn open_rtcp<'a>(
        &self,
        packet: &'a mut [u8],
        at: Position,
        encrypted: bool,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        let authenticated = self.verify(packet, &[], identifier)?;
        let (packet, _index) = authenticated.split_last_chunk_mut::<4>()?;
        if let Some(cipher) = &self.cipher
            && encrypted
        {
            let body = packet.get_mut(RTCP_CLEAR..)?;
            cipher.apply_keystream(&self.vector(at), body)?;
        }
        Some(packet)
    }

    /// What is in front of identifier and tag, if the tag is right.
    fn verify<'a>(
        &self,
        packet: &'a mut [u8],
        suffix: &[u8],
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        let end = packet.len().checked_sub(self.tag)?;
        let (packet, tag) = packet.split_at_mut_checked(end)?;
        let end = packet.len().checked_sub(identifier)?;
        let authenticated = packet.get_mut(..end)?;
        let code = self.mac.code(authenticated, suffix);
        let expected = code.get(..self.tag)?;
        if !equal(expected, tag) {
            return refuse();
        }
        Some(authenticated)
    }

    /// Adds the keystream to what is encrypted of a packet.
    fn crypt(&self, packet: &mut [u8], coverage: Coverage, at: Position) -> Result<(), Failed> {
        let Some(cipher) = &self.cipher else {
            return Ok(());
        };
        coverage.join(packet);
        let text = packet.get_mut(coverage.clear()..).ok_or(Failed)?;
        let done = cipher.apply_keystream(&self.vector(at), text);
        coverage.part_again(packet);
        done.ok_or(Failed)
    }

    /// Where the keystream of a packet begins (RFC 3711 §4.1.1). The last 16 bits count blocks.
    fn vector(&self, at: Position) -> [u8; 16] {
        counter_vector(*self.salt, at)
    }
}

/// Whether two tags of one length are equal, in a time that does not tell where they differ. The differences of all
/// octets are gathered before anything is decided.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    differences.ct_eq(&0_u8).into()
}

/// Called where a tag is wrong, so that there is a branch, which the processor foresees: it may begin with the keystream
/// while it still hashes.
#[cold]
#[inline(never)]
const fn refuse<T>() -> Option<T> {
    None
}

/// The vector of a packet: salt, source and index; the last 16 bits are 0.
fn counter_vector(salt: u128, at: Position) -> [u8; 16] {
    (salt ^ u128::from(at.ssrc.get()) << 64 ^ u128::from(at.index) << 16).to_be_bytes()
}

/// The cipher of header extensions: AES in counter mode under every profile (RFC 6904 §3, RFC 7714 §8.3).
pub(crate) struct HeaderCipher {
    cipher: Box<dyn CounterMode>,
    salt: Zeroizing<u128>,
}

/// How many octets of keystream are made at a time.
const STRIDE: usize = 64;

impl HeaderCipher {
    pub(crate) fn derive(provider: &Provider, master: &MasterKey) -> Result<Self, KeyError> {
        let derivation = Derivation::new(provider, master)?;
        let key = derivation.key(super::derive::HEADER_KEY)?;
        let key = key.get(..master.profile().key_length()).unwrap_or_default();
        // RFC 7714 §8.3: a salt of 12 octets is filled up with zeros.
        let mut salt = Zeroizing::new([0; 14]);
        let length = master.profile().salt_length();
        derivation.fill(
            super::derive::HEADER_SALT,
            salt.get_mut(..length).unwrap_or_default(),
        )?;
        Ok(Self {
            cipher: provider.counter_mode(key).ok_or(KeyError::Unsupported)?,
            salt: place(&salt, 2),
        })
    }

    /// Adds the keystream to octets that begin `offset` octets into the extension block.
    pub(crate) fn apply(&self, at: Position, offset: usize, octets: &mut [u8]) -> Option<()> {
        let mut offset = offset;
        let mut rest = octets;
        while !rest.is_empty() {
            let skip = offset % 16;
            let mut keystream = [0; STRIDE];
            let [vector @ .., c1, c0] = counter_vector(*self.salt, at);
            let block = u16::try_from(offset / 16).ok()?;
            // The last 16 bits of the vector are those of the salt's place: 0.
            let [b1, b0] = (u16::from_be_bytes([c1, c0]) ^ block).to_be_bytes();
            let mut counter = [0; 16];
            let (front, back) = counter.split_at_mut(14);
            front.copy_from_slice(&vector);
            back.copy_from_slice(&[b1, b0]);
            self.cipher.apply_keystream(&counter, &mut keystream)?;
            let usable = keystream.get(skip..)?;
            let take = usable.len().min(rest.len());
            let (now, later) = rest.split_at_mut_checked(take)?;
            for (octet, key) in now.iter_mut().zip(usable) {
                *octet ^= key;
            }
            offset += take;
            rest = later;
        }
        Some(())
    }
}
