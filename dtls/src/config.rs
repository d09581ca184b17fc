use std::time::Duration;

use crate::{Certificate, ConfigError, Provider};

/// Which side of the handshake a connection plays (`a=setup`, RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends the first ClientHello (`active`).
    Client,
    /// Waits for it (`passive`).
    Server,
}

impl Role {
    /// The role of the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A negotiated protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// DTLS 1.2 (RFC 6347), 0xfefd on the wire.
    Dtls12,
}

impl Version {
    /// The number as it stands on the wire, which is what `tlsVersion` of webrtc-stats prints.
    pub const fn number(self) -> u16 {
        match self {
            Self::Dtls12 => 0xfefd,
        }
    }
}

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2), by its registered number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SrtpProfile(pub u16);

impl SrtpProfile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, the one that every WebRTC endpoint has.
    pub const AES128_CM_SHA1_80: Self = Self(0x0001);
    /// `SRTP_AES128_CM_HMAC_SHA1_32`.
    pub const AES128_CM_SHA1_32: Self = Self(0x0002);
    /// AES-256 in counter mode with tags of 80 bits (RFC 6188). The number is not registered: it is the one of
    /// early drafts of RFC 5764.
    pub const AES256_CM_SHA1_80: Self = Self(0x0003);
    /// The same with tags of 32 bits, and the same about its number.
    pub const AES256_CM_SHA1_32: Self = Self(0x0004);
    /// `SRTP_NULL_HMAC_SHA1_80`. WebRTC forbids it (RFC 8827 §6.5).
    pub const NULL_SHA1_80: Self = Self(0x0005);
    /// `SRTP_NULL_HMAC_SHA1_32`. WebRTC forbids it.
    pub const NULL_SHA1_32: Self = Self(0x0006);
    /// `SRTP_AEAD_AES_128_GCM`.
    pub const AEAD_AES_128_GCM: Self = Self(0x0007);
    /// `SRTP_AEAD_AES_256_GCM`.
    pub const AEAD_AES_256_GCM: Self = Self(0x0008);
}

/// What the connections of one endpoint share; handed to [`Connection::new`](crate::Connection::new) in an `Arc`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are. The other side learns its fingerprint by signalling (RFC 8122).
    pub certificate: Certificate,

    /// The SRTP profiles that we speak, the best one first. As server we take the first of *our* list that the
    /// client offers (RFC 5764 §4.1.1). Empty: `use_srtp` is neither offered nor answered.
    ///
    /// Default: AEAD_AES_128_GCM, AES128_CM_SHA1_80.
    pub srtp_profiles: Vec<SrtpProfile>,

    /// Who computes. Default: [`Provider::ring`].
    pub provider: Provider,

    /// The largest datagram that the handshake makes, in bytes, at least [`Config::MIN_MTU`].
    ///
    /// Default 1200: the IPv6 minimum of 1280 without IPv6 (40), UDP (8) and a TURN ChannelData or Send header
    /// (up to 32). After repeated losses of one flight the handshake steps down to 900 and 508 on its own
    /// (RFC 6347 §4.1.1.1). Application data is never split: its size is the caller's business.
    pub mtu: usize,

    /// How long a handshake may take, counted from [`Connection::start`](crate::Connection::start).
    ///
    /// At most one hour. Default 30 s, as long as ICE needs to give up its consent (RFC 7675 §5.1).
    pub handshake_timeout: Duration,
}

impl Config {
    /// The smallest accepted [`Config::mtu`]: room for a record header and a useful piece of a message.
    pub const MIN_MTU: usize = 128;

    const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);

    /// A configuration with the documented defaults.
    pub fn new(certificate: Certificate) -> Self {
        Self {
            certificate,
            srtp_profiles: vec![
                SrtpProfile::AEAD_AES_128_GCM,
                SrtpProfile::AES128_CM_SHA1_80,
            ],
            provider: Provider::ring(),
            mtu: 1200,
            handshake_timeout: Duration::from_secs(30),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(Self::MIN_MTU..=usize::from(u16::MAX)).contains(&self.mtu) {
            return Err(ConfigError::Mtu);
        }
        if self.handshake_timeout.is_zero() || self.handshake_timeout > Self::MAX_TIMEOUT {
            return Err(ConfigError::HandshakeTimeout);
        }
        if self.srtp_profiles.len() > 16 {
            return Err(ConfigError::SrtpProfiles);
        }
        Ok(())
    }
}
