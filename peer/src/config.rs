//! What a peer connection is told at its birth.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use rtp::{Codec, ExtensionUri, MediaKind};
use sctp::CongestionAlgorithm;

use crate::error::ConfigError;
use crate::jsep::{CodecParameters, Codecs, IMPLEMENTED_FEEDBACK};

/// The most m-lines that a session may have, counting rejected ones. Later ones make a description unusable.
pub const MAX_SECTIONS: usize = 128;

/// Candidates kept that came before the remote description; later ones are refused.
pub const MAX_EARLY_CANDIDATES: usize = 100;

/// Configuration of a [`PeerConnection`](crate::PeerConnection).
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where all randomness of this connection comes from. 32 bytes of the operating system's generator;
    /// two connections never share one.
    pub seed: [u8; 32],
    /// Proves this side to the peer. May serve many connections (cloning shares it).
    pub certificate: dtls::Certificate,
    /// The versions of DTLS. Default: 1.3, and 1.2 with peers that lack it.
    pub dtls_versions: dtls::Versions,

    /// Whether the timers of DTLS vary by chance, see [`dtls::Config::jitter`]. Default: yes. Simulations that count
    /// round trips do without.
    pub dtls_jitter: bool,
    /// The groups of the DTLS key agreement, in order of preference. Default: X25519, P-256, P-384.
    pub dtls_groups: Vec<dtls::NamedGroup>,
    /// Whether connectivity checks carry the DTLS handshake, if the other side does that too (SPED,
    /// draft-hancke-webrtc-sped): media may then flow a round trip earlier. Default: yes.
    pub sped: bool,
    /// Who computes for DTLS. Default: `ring`.
    pub dtls_provider: dtls::Provider,
    /// Which wall-clock time belongs to which instant: the NTP time of sender reports (RFC 3550 §6.4.1).
    pub clock: session::ClockAnchor,
    /// Full, or lite for a host whose addresses all peers reach (RFC 8445 §2.5). Default: full.
    pub ice_mode: ice::Mode,
    /// The DTLS role in our answers to `actpass` offers. Default: active, as RFC 8842 §5.3 recommends because
    /// it saves half a round trip; passive with [`ice::Mode::Lite`], which must not start.
    pub answer_setup: AnswerSetup,
    /// What to send and receive. Default: [`Codecs::browser_default`].
    pub codecs: Codecs,
    /// Header extensions to negotiate for the application, which reads and writes their values in packets by the id that
    /// [`Transceiver::extension`](crate::Transceiver::extension) tells. 14 ids are shared by all. Default: none beside MID
    /// and the audio level.
    pub extensions: Vec<(MediaKind, ExtensionUri)>,
    /// SRTP profiles in order of preference. Default: AEAD_AES_128_GCM, then AES128_CM_SHA1_80; GCM is the
    /// cheaper one on any processor with AES instructions. Those without encryption are refused (RFC 8827 §6.5).
    pub srtp_profiles: Vec<dtls::SrtpProfile>,
    /// Who computes for SRTP. Default: `ring`.
    pub srtp_provider: srtp::Provider,
    /// Whether RTP headers are encrypted (RFC 9335): offered and answered as `a=cryptex`, used when both sides
    /// said so, or required of every media m-line. It hides extensions such as audio levels from the network, for
    /// a few octets of encryption. Default: disabled, until browsers have it.
    pub cryptex: srtp::Cryptex,
    /// Whether and how the largest datagram of the path is searched for (RFC 8899); what is found replaces
    /// `udp_payload_bytes`. The driver must set DF. Default: not at all.
    pub path_mtu: Option<ice::path_mtu::PathMtuConfig>,
    /// Which candidates may be used (W3C `iceTransportPolicy`). Default: all.
    pub ice_policy: ice::Policy,
    /// Whether nominations are numbered with peers that do so too (draft-thatcher-ice-renomination): the last one then
    /// counts, whatever the priorities. Default: no.
    pub ice_renomination: bool,
    /// STUN and TURN servers. Default: none.
    pub ice_servers: Vec<IceServer>,
    /// Of which families addresses on TURN servers are asked for. Default: both, of which a server may grant one.
    pub relay_families: turn::Families,
    /// Whether addresses on TURN servers outlive the sockets that they were got with, where a server allows that
    /// (RFC 8016): for hosts whose network changes. A server that forbids it costs a round trip. Default: no.
    pub relay_mobility: bool,
    /// When permissions and channels on TURN servers are asked for again. Default: [`turn::Refresh::default`].
    pub relay_refresh: turn::Refresh,
    /// Rules for candidates that the world sees under another address than this host, finer than
    /// `announced_addresses`. Default: none.
    pub address_rewrites: Vec<ice::AddressRewrite>,
    /// Addresses that the world sees in place of our own behind a one-to-one NAT (a cloud host, a container):
    /// the host candidates that are signalled carry these, with the port of the socket. Default: none.
    pub announced_addresses: Vec<IpAddr>,
    /// The largest UDP payload to send. Default 1,200: what RFC 8899 §5.1.2 takes as the base of every path.
    /// The budgets of RTP and SCTP are derived from it.
    pub udp_payload_bytes: usize,
    /// The largest data-channel message to receive whole, announced as `a=max-message-size` (RFC 8841 §6). A peer
    /// that sends more loses the channel. Default 262,144.
    pub max_message_size: usize,
    /// What `a=max-message-size` says where messages are read in pieces
    /// ([`DataChannel::set_streaming`](crate::DataChannel::set_streaming)) and may be larger than whole ones; 0 is no limit.
    /// Channels that are read whole close at `max_message_size` all the same, and so do unordered ones, whose messages are always read
    /// whole. Default: the same as `max_message_size`.
    pub announced_max_message_size: Option<usize>,
    /// How much may wait unread over all channels, in bytes (see [`sctp::Config::receive_window_bytes`]). Default 8 MiB less
    /// 64 KiB for what it takes to keep them; it begins smaller and grows with what is read. It bounds the throughput to one window per round trip.
    pub receive_window_bytes: usize,
    /// How much may wait to be acknowledged over all channels, in bytes (see [`sctp::Config::send_buffer_bytes`]). Default 8 MiB; it
    /// begins with 2 MiB.
    pub send_buffer_bytes: usize,
    /// How fast channels send: the default competes as CUBIC does and tells loss from congestion, [`CongestionAlgorithm::Ledbat`] stays behind
    /// everything else and delays it by 25 ms at the most, for transfers beside a call.
    pub data_congestion: CongestionAlgorithm,
    /// Whether our SCTP INIT goes into offers, and into answers to offers that hold one (`a=sctp-init`, SNAP): channels then open without a
    /// handshake of their own. Peers that do not know it pass over it. Default true.
    pub snap: bool,
    /// Channels at one time; an OPEN beyond is answered by a reset. Default 1,024.
    pub max_data_channels: usize,
    /// How long `close` waits for what was said to arrive. Default 2 s.
    pub close_timeout: Duration,
}

impl Config {
    /// The defaults for one connection.
    pub fn new(
        seed: [u8; 32],
        certificate: dtls::Certificate,
        clock: session::ClockAnchor,
    ) -> Self {
        Self {
            seed,
            certificate,
            dtls_versions: dtls::Versions::ALL,
            dtls_jitter: true,
            dtls_groups: vec![
                dtls::NamedGroup::X25519,
                dtls::NamedGroup::Secp256r1,
                dtls::NamedGroup::Secp384r1,
            ],
            sped: true,
            dtls_provider: dtls::Provider::ring(),
            clock,
            ice_mode: ice::Mode::Full,
            answer_setup: AnswerSetup::Active,
            codecs: Codecs::browser_default(),
            extensions: Vec::new(),
            srtp_profiles: vec![
                dtls::SrtpProfile::AEAD_AES_128_GCM,
                dtls::SrtpProfile::AES128_CM_SHA1_80,
            ],
            srtp_provider: srtp::Provider::ring(),
            cryptex: srtp::Cryptex::Disabled,
            path_mtu: None,
            ice_policy: ice::Policy::All,
            ice_renomination: false,
            ice_servers: Vec::new(),
            relay_families: turn::Families::Both,
            relay_mobility: false,
            relay_refresh: turn::Refresh::default(),
            address_rewrites: Vec::new(),
            announced_addresses: Vec::new(),
            udp_payload_bytes: 1_200,
            max_message_size: 262_144,
            announced_max_message_size: None,
            receive_window_bytes: (8 << 20) - (64 << 10),
            send_buffer_bytes: 8 << 20,
            data_congestion: CongestionAlgorithm::default(),
            snap: true,
            max_data_channels: 1_024,
            close_timeout: Duration::from_secs(2),
        }
    }

    /// The largest message that the peer may send; `None` is no limit.
    pub(crate) fn announced_message_size(&self) -> Option<usize> {
        match self.announced_max_message_size {
            Some(0) => None,
            Some(announced) => Some(announced.max(self.max_message_size)),
            None => Some(self.max_message_size),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(576..=65_507).contains(&self.udp_payload_bytes) {
            return Err(ConfigError::UdpPayload(self.udp_payload_bytes));
        }
        if self.max_message_size < MIN_MESSAGE_SIZE {
            return Err(ConfigError::MessageSize(self.max_message_size));
        }
        if self.send_buffer_bytes == 0 {
            return Err(ConfigError::Sctp(sctp::ConfigError::Zero));
        }
        if !(1..=65_535).contains(&self.max_data_channels) {
            return Err(ConfigError::DataChannels(self.max_data_channels));
        }
        let known = |profile: &dtls::SrtpProfile| {
            srtp::Profile::from_number(profile.0).is_some_and(srtp::Profile::encrypts)
        };
        if self.srtp_profiles.is_empty() || !self.srtp_profiles.iter().all(known) {
            return Err(ConfigError::SrtpProfiles);
        }
        let writable = |uri: &str| uri.len() <= 255 && uri.bytes().all(|c| c.is_ascii_graphic());
        if !self
            .extensions
            .iter()
            .all(|(_, uri)| writable(uri.as_str()))
        {
            return Err(ConfigError::Extension);
        }
        validate_codecs(&self.codecs)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the seed nor the certificate's key.
        f.debug_struct("Config")
            .field("ice_mode", &self.ice_mode)
            .field("ice_policy", &self.ice_policy)
            .field("ice_servers", &self.ice_servers)
            .field("answer_setup", &self.answer_setup)
            .field("codecs", &self.codecs)
            .field("srtp_profiles", &self.srtp_profiles)
            .field("cryptex", &self.cryptex)
            .field("udp_payload_bytes", &self.udp_payload_bytes)
            .field("max_message_size", &self.max_message_size)
            .field("max_data_channels", &self.max_data_channels)
            .field("close_timeout", &self.close_timeout)
            .finish_non_exhaustive()
    }
}

/// A STUN or TURN server (W3C `RTCIceServer`, with one URL).
#[derive(Clone)]
pub struct IceServer {
    uri: stun::Uri,
    credentials: Option<(String, String)>,
    challenge: Option<stun::Challenge>,
}

impl IceServer {
    /// A server that asks for no credentials: `stun:…`.
    pub const fn new(uri: stun::Uri) -> Self {
        Self {
            uri,
            credentials: None,
            challenge: None,
        }
    }

    /// A server that asks for them: `turn:…` and `turns:…`.
    pub fn with_credentials(
        uri: stun::Uri,
        username: impl Into<String>,
        credential: impl Into<String>,
    ) -> Self {
        Self {
            uri,
            credentials: Some((username.into(), credential.into())),
            challenge: None,
        }
    }

    /// The same server with what it asked of an earlier connection
    /// ([`Event::RelayChallenge`](crate::Event::RelayChallenge)): while that is good, an address on it takes a round trip
    /// less.
    #[must_use]
    pub fn with_challenge(mut self, challenge: stun::Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// What it asked of an earlier connection.
    pub const fn challenge(&self) -> Option<&stun::Challenge> {
        self.challenge.as_ref()
    }

    /// Where it is.
    pub const fn uri(&self) -> &stun::Uri {
        &self.uri
    }

    /// The user name and the password.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let (username, credential) = self.credentials.as_ref()?;
        Some((username, credential))
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IceServer").field(&self.uri).finish()
    }
}

/// The DTLS role that an answer takes when the offer leaves the choice (RFC 8842 §5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerSetup {
    /// The client: its ClientHello leaves as soon as a path works.
    #[default]
    Active,
    /// The server.
    Passive,
}

fn validate_codecs(codecs: &Codecs) -> Result<(), ConfigError> {
    let mut taken = Vec::new();
    for (index, codec) in codecs.audio.iter().chain(&codecs.video).enumerate() {
        for payload_type in [Some(codec.payload_type), codec.rtx_payload_type]
            .into_iter()
            .flatten()
        {
            if payload_type.conflicts_with_rtcp() {
                return Err(ConfigError::PayloadType(payload_type.get()));
            }
            if taken.contains(&payload_type) {
                return Err(ConfigError::DuplicatePayloadType(payload_type.get()));
            }
            taken.push(payload_type);
        }
        let implemented = |feedback| IMPLEMENTED_FEEDBACK.contains(feedback);
        if !codec.codec.feedback.iter().all(implemented) {
            return Err(ConfigError::Feedback(index));
        }
        if !is_writable(codec) {
            return Err(ConfigError::CodecText(index));
        }
    }
    Ok(())
}

fn is_writable(codec: &CodecParameters) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "-._+".contains(c);
    let Codec {
        clock_rate,
        channels,
        ref fmtp,
        ..
    } = *codec.codec;
    !codec.name().is_empty()
        && codec.name().len() <= 64
        && codec.name().chars().all(token)
        && clock_rate > 0
        && channels != Some(0)
        && fmtp.len() <= 256
        && fmtp.chars().all(|c| (' '..='~').contains(&c))
}

/// Enough for any control message of a data channel without texts.
const MIN_MESSAGE_SIZE: usize = 1_024;
