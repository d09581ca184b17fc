use std::time::Duration;

use crate::{Certificate, ConfigError, NamedGroup, Provider};

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
    /// DTLS 1.3 (RFC 9147), 0xfefc on the wire.
    Dtls13,
}

impl Version {
    /// The number as it stands on the wire, which is what `tlsVersion` of webrtc-stats prints.
    pub const fn number(self) -> u16 {
        match self {
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }
}

/// The versions that a connection may agree on; the higher one wins if the other side has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    dtls12: bool,
    dtls13: bool,
}

impl Versions {
    /// Both: the default.
    pub const ALL: Self = Self {
        dtls12: true,
        dtls13: true,
    };
    /// DTLS 1.2 alone.
    pub const DTLS_1_2: Self = Self {
        dtls12: true,
        dtls13: false,
    };
    /// DTLS 1.3 alone.
    pub const DTLS_1_3: Self = Self {
        dtls12: false,
        dtls13: true,
    };

    /// Whether a version is among them.
    pub const fn contains(self, version: Version) -> bool {
        match version {
            Version::Dtls12 => self.dtls12,
            Version::Dtls13 => self.dtls13,
        }
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self::ALL
    }
}

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2), by its registered number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SrtpProfile(pub u16);

impl SrtpProfile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, the one that every WebRTC endpoint has.
    pub const AES128_CM_SHA1_80: Self = Self(0x0001);
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

    /// The versions to offer and to accept. Default: [`Versions::ALL`].
    pub versions: Versions,

    /// The groups for the key agreement, in order of preference; those that the provider lacks are left out.
    ///
    /// A client of DTLS 1.3 sends a share in the first one; a server prefers one that it has a share of, which saves
    /// a round trip. Default: X25519, P-256, P-384.
    pub groups: Vec<NamedGroup>,

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
            versions: Versions::ALL,
            groups: vec![
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::Secp384r1,
            ],
            provider: Provider::ring(),
            mtu: 1200,
            handshake_timeout: Duration::from_secs(30),
        }
    }

    /// The groups that we have, the best one first.
    pub(crate) fn groups(&self) -> impl Iterator<Item = NamedGroup> + Clone {
        let known = self.provider.groups();
        let wanted = self.groups.iter().copied();
        wanted.filter(|group| known.contains(group))
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(Self::MIN_MTU..=usize::from(u16::MAX)).contains(&self.mtu) {
            return Err(ConfigError::Mtu);
        }
        if self.handshake_timeout.is_zero() || self.handshake_timeout > Self::MAX_TIMEOUT {
            return Err(ConfigError::HandshakeTimeout);
        }
        if self.groups().next().is_none() || self.groups.len() > 16 {
            return Err(ConfigError::Groups);
        }
        if self.srtp_profiles.len() > 16 {
            return Err(ConfigError::SrtpProfiles);
        }
        Ok(())
    }
}
