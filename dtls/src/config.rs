use std::time::Duration;

use crate::crypto::{Authentication, CipherSuite};
use crate::{Certificate, ConfigError, NamedGroup, PreSharedKey, Provider, TicketKeys};

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

/// What the other side has to show of itself.
///
/// Whoever shows a certificate also proves to own its key; a pre-shared key (see [`Config::psks`]) stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PeerCertificate {
    /// WebRTC: both sides show a certificate, and it is the one whose fingerprint signalling announced
    /// (RFC 8827 §6.5). Nothing but the handshake passes before that is verified.
    #[default]
    Announced,
    /// Both sides show a certificate. Whose it is, the application has to judge: by
    /// [`peer_certificate`](crate::Connection::peer_certificate) when connected, before it trusts a byte.
    Required,
    /// As [`Required`](Self::Required), but a client may come without one.
    Requested,
    /// As server, no client is asked for a certificate.
    NotRequested,
    /// Nobody shows one: only a key that both sides know will do ([`Config::psks`]), or a ticket that goes back to one.
    Never,
}

impl PeerCertificate {
    /// Whether a server asks for a certificate.
    pub(crate) const fn is_requested(self) -> bool {
        !matches!(self, Self::NotRequested | Self::Never)
    }

    /// Whether there is no connection with a client that has no certificate, or with a server that asks for none.
    pub(crate) const fn is_mutual(self) -> bool {
        matches!(self, Self::Announced | Self::Required)
    }
}

/// What becomes of a handshake when something that nobody authenticated cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Refusal {
    /// It waits for something better: what came may have been damaged or forged by a stranger. The third refused
    /// message behind the hellos is the end, and so is the time limit.
    #[default]
    Wait,
    /// It ends at once with an alert, as TLS over a stream does. Whoever can send to us can then end a handshake.
    Close,
}

/// How a path is checked from which the other side seems to speak (RFC 9853 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PathCheck {
    /// The new path is challenged (RFC 9853 §5.1).
    #[default]
    Basic,
    /// The path before is challenged first, for a second at most, and the new one only if the other side says that it left
    /// or nothing comes back (RFC 9853 §5.2). Somebody who takes records off the path and passes them on faster than it
    /// does then moves nothing; where an address was lost, the move takes a second more.
    Enhanced,
}

/// What the connections of one endpoint share; handed to [`Connection::new`](crate::Connection::new) in an `Arc`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are. The other side learns its fingerprint by signalling (RFC 8122). Without one a client has nothing
    /// to show when it is asked, and a server needs pre-shared keys.
    pub certificate: Option<Certificate>,

    /// What the other side has to show. Default: [`PeerCertificate::Announced`].
    pub peer_certificate: PeerCertificate,

    /// The keys that are shared with others by other means (RFC 4279, RFC 5487, RFC 8446 §4.2.11), imported or not
    /// (RFC 9258). A client offers the first one, under 1.3 the first four; a server takes the one that the client names,
    /// of several the one that stands first here. With such a key no certificate is shown.
    ///
    /// At most 64. Default: none.
    pub psks: Vec<PreSharedKey>,

    /// As server, the key of the tickets by which clients of DTLS 1.3 may come back without certificates
    /// (RFC 8446 §4.6.1). A client that wants them gets two when it is connected. Default: none, there are no tickets.
    pub tickets: Option<TicketKeys>,

    /// Whether tickets are given, asked for and taken under DTLS 1.2 as well (RFC 5077), which are worth less: nothing
    /// fresh goes into the keys of a connection that goes on from another, see [`TicketKeys`]. Default: no.
    pub tickets_12: bool,

    /// As client, whether to ask for tickets, see [`Event::Ticket`](crate::Event::Ticket). Default: no.
    pub accept_tickets: bool,

    /// The application protocols that we speak, the best one first (RFC 7301). As server we take the first of *our*
    /// list that the client offers, and refuse a client that offers only others.
    ///
    /// Names of 1 to 255 bytes, at most 16. Default: none, which neither offers nor answers.
    pub alpn: Vec<Vec<u8>>,

    /// The cipher suites of DTLS 1.2 by their registered numbers, the best one first; what the provider does not
    /// know is passed over. Empty, the default: all but those with short tags (CCM_8), first those of the pre-shared
    /// keys if there are any.
    pub cipher_suites: Vec<u16>,

    /// What becomes of a handshake when something that nobody authenticated cannot be accepted.
    /// Default: [`Refusal::Wait`].
    pub refusal: Refusal,

    /// Whether a connection of DTLS 1.3 keeps the secrets of its handshake, so that
    /// [`key_log_line`](crate::Connection::key_log_line) has them too and an analyser opens all of it. Default: no.
    pub key_log: bool,

    /// Whether timers run up to a quarter longer or shorter than they would, by chance, so that the many who lost
    /// something at the same moment do not all come back at the same moment. Without it time is exact, which is what
    /// simulations and test suites count on. Default: yes.
    pub jitter: bool,

    /// Whether what an acknowledgement of DTLS 1.3 shows to be missing is sent again at once (RFC 9147 §7.2), and not
    /// only when the timer runs out; with it no more than ten records of a flight leave before one of them is
    /// acknowledged (RFC 9147 §5.8.3). Default: yes.
    pub repeat_on_ack: bool,

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
    ///
    /// With [`NamedGroup::X25519MlKem768`] in front a client sends a share of X25519 beside it, and leaves the large
    /// one out once two timeouts suggest that it does not get through.
    pub groups: Vec<NamedGroup>,

    /// Who computes. Default: [`Provider::ring`].
    pub provider: Provider,

    /// Whether to agree on connection ids (RFC 9146, RFC 9147 §9), and of what length those are that lead to us: at most
    /// [`ConnectionId::MAX_LENGTH`](crate::ConnectionId::MAX_LENGTH), the same for all connections of a socket. Of
    /// length 0 we put the other side's into our records and want none in those that we get. They are drawn from the
    /// connection's seed: with eight bytes or more no two are the same.
    ///
    /// With them goes the check whether a new path leads to the other side (RFC 9853), see
    /// [`handle_datagram_on`](crate::Connection::handle_datagram_on). Default: `None`; WebRTC has no use for them, since
    /// ICE proves paths.
    pub connection_id: Option<usize>,

    /// How a path is checked that the other side seems to be on. Default: [`PathCheck::Basic`].
    pub path_check: PathCheck,

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

    /// A message that is left out, so that tests have somebody to be wary of.
    #[cfg(test)]
    pub(crate) omit: Option<crate::wire::HandshakeType>,
    /// A message that is sent as another.
    #[cfg(test)]
    pub(crate) rename: Option<(crate::wire::HandshakeType, crate::wire::HandshakeType)>,
    /// A message that is not sent as it should be. All that follows is right for what was said.
    #[cfg(test)]
    pub(crate) meddling: Option<(crate::wire::HandshakeType, Meddling)>,
}

/// What becomes of a message, so that tests have somebody to be wary of.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) enum Meddling {
    /// It is said twice, with two numbers.
    Twice,
    /// It comes behind the next one.
    Late,
    /// This comes in its place.
    Instead(Vec<u8>),
    /// Its last bit is turned.
    Flipped,
    /// Its last byte is missing.
    Short,
    /// It has a byte more.
    Long,
}

impl Config {
    /// The smallest accepted [`Config::mtu`]: room for a record header and a useful piece of a message.
    pub const MIN_MTU: usize = 128;

    const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);

    /// A configuration with the documented defaults.
    pub fn new(certificate: Certificate) -> Self {
        Self {
            certificate: Some(certificate),
            srtp_profiles: vec![
                SrtpProfile::AEAD_AES_128_GCM,
                SrtpProfile::AES128_CM_SHA1_80,
            ],
            ..Self::empty()
        }
    }

    /// A configuration without a certificate and without SRTP, for clients and servers that are not of WebRTC.
    ///
    /// It verifies nobody yet: give it [`psks`](Self::psks), or choose [`peer_certificate`](Self::peer_certificate).
    pub fn anonymous() -> Self {
        Self::empty()
    }

    /// The suites that a handshake under TLS 1.2 may take, the best one first: what the provider has, the list
    /// names, and there is an identity for.
    pub(crate) fn suites(&self) -> impl Iterator<Item = CipherSuite> + '_ {
        let psk = self.psks_12().next().is_some();
        let certificates = self.peer_certificate != PeerCertificate::Never;
        let usable = move |suite: &CipherSuite| {
            let is_wanted = if self.cipher_suites.is_empty() {
                !suite.is_on_demand()
            } else {
                self.cipher_suites.contains(&suite.number)
            };
            let has_identity = match suite.authentication {
                Authentication::Psk => psk,
                _ => certificates,
            };
            is_wanted && has_identity
        };
        let rank = move |suite: &CipherSuite| {
            let listed = self.cipher_suites.iter().position(|n| *n == suite.number);
            (listed, suite.authentication != Authentication::Psk)
        };
        let mut suites: Vec<_> = self
            .provider
            .suites()
            .iter()
            .copied()
            .filter(usable)
            .collect();
        suites.sort_by_key(rank);
        suites.into_iter()
    }

    /// The keys for DTLS 1.2: one that is imported is kept for 1.3 (RFC 9258 §4).
    pub(crate) fn psks_12(&self) -> impl Iterator<Item = &PreSharedKey> {
        self.psks.iter().filter(|psk| psk.import().is_none())
    }

    /// Whether a version is to be spoken, and there is something to speak in it.
    pub(crate) fn speaks(&self, version: Version) -> bool {
        let has_suites = version == Version::Dtls13 || self.suites().next().is_some();
        self.versions.contains(version) && has_suites
    }

    fn empty() -> Self {
        Self {
            certificate: None,
            peer_certificate: PeerCertificate::Announced,
            psks: Vec::new(),
            tickets: None,
            tickets_12: false,
            accept_tickets: false,
            alpn: Vec::new(),
            cipher_suites: Vec::new(),
            refusal: Refusal::Wait,
            key_log: false,
            jitter: true,
            repeat_on_ack: true,
            srtp_profiles: Vec::new(),
            versions: Versions::ALL,
            groups: vec![
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::Secp384r1,
            ],
            provider: Provider::default(),
            connection_id: None,
            path_check: PathCheck::Basic,
            mtu: 1200,
            handshake_timeout: Duration::from_secs(30),
            #[cfg(test)]
            omit: None,
            #[cfg(test)]
            rename: None,
            #[cfg(test)]
            meddling: None,
        }
    }

    /// The groups that we have, the best one first.
    pub(crate) fn groups(&self) -> impl Iterator<Item = NamedGroup> + Clone {
        let known = self.provider.groups();
        let wanted = self.groups.iter().copied();
        wanted.filter(|group| known.contains(group))
    }

    /// Those of DTLS 1.2.
    pub(crate) fn groups_12(&self) -> impl Iterator<Item = NamedGroup> + Clone {
        self.groups().filter(|group| !group.is_hybrid())
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
        let too_long = |length| length > crate::ConnectionId::MAX_LENGTH;
        if self.connection_id.is_some_and(too_long) {
            return Err(ConfigError::ConnectionId);
        }
        if self.srtp_profiles.len() > 16 {
            return Err(ConfigError::SrtpProfiles);
        }
        if self.psks.len() > 64 {
            return Err(ConfigError::PreSharedKeys);
        }
        let nameless = |name: &Vec<u8>| name.is_empty() || name.len() > 255;
        if self.alpn.len() > 16 || self.alpn.iter().any(nameless) {
            return Err(ConfigError::Alpn);
        }
        Ok(())
    }
}
