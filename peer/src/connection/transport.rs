//! The one transport of a connection: ICE below, DTLS on it, and the keys that come out of DTLS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use net::Path;

use super::early::Early;
use super::network::Servers;
use super::rekey::RetiredKeys;
use super::sped::Sped;
use crate::config::Config;
use crate::error::ConfigError;

/// ICE, DTLS and SRTP.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) ice: ice::Agent,
    pub(super) dtls: Option<dtls::Connection>,
    /// Whether the handshake may run: a path works, or checks carry it.
    pub(super) dtls_started: bool,
    /// The path stopped working: what DTLS has to repeat waits for one that works.
    pub(super) dtls_waits: bool,
    /// Whether checks may carry the handshake.
    pub(super) sped: Sped,
    /// Whether they do: no path works yet.
    pub(super) carries: bool,
    /// What the handshake agreed on.
    pub(super) agreed: Option<Agreed>,
    pub(super) srtp: Option<Srtp>,
    /// The receiving keys of a former association.
    pub(super) retired: Option<Box<RetiredKeys>>,
    pub(super) early: Early,
    pub(super) local_fingerprint: Box<str>,
    /// Whose certificate is expected.
    pub(super) remote_fingerprints: Option<Vec<dtls::Fingerprint>>,
    /// The credentials that the ICE agent works with.
    pub(super) remote_ufrag: Option<String>,
    /// Where the last words of a close go: the path that worked when it ended.
    pub(super) farewell_path: Option<Path>,
    pub(super) path_changes: u64,
    /// The path that was selected last.
    pub(super) data_path: Option<Path>,
    pub(super) servers: Servers,
    dtls_config: Arc<dtls::Config>,
    dtls_use: DtlsUse,
}

/// What passed through DTLS when it was last looked at, and since when nothing did; `None` when it rests by now.
#[derive(Debug, Default)]
struct DtlsUse {
    records: u64,
    since: Option<Instant>,
}

/// What a handshake agreed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    pub(super) srtp_profile: Option<dtls::SrtpProfile>,
    pub(super) version: dtls::Version,
    pub(super) cipher_suite: u16,
}

/// The two directions of SRTP.
#[derive(Debug)]
pub(super) struct Srtp {
    pub(super) sender: srtp::Sender,
    pub(super) receiver: srtp::Receiver,
}

impl Transport {
    /// How long nothing passes through DTLS before it rests.
    const IDLE: Duration = Duration::from_secs(3);

    pub(super) fn new(config: &Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        let mut ice_config = ice::Config::new(seed);
        ice_config.mode = config.ice_mode;
        ice_config.policy = config.ice_policy;
        ice_config.path_mtu = config.path_mtu;
        ice_config.rewrites.clone_from(&config.address_rewrites);
        let announced = config.announced_addresses.iter().copied();
        let announced = announced.map(ice::AddressRewrite::to);
        ice_config.rewrites.extend(announced);
        let ice = ice::Agent::new(ice_config).map_err(ConfigError::Ice)?;
        let mut dtls_config = dtls::Config::new(config.certificate.clone());
        dtls_config.srtp_profiles.clone_from(&config.srtp_profiles);
        dtls_config.versions = config.dtls_versions;
        dtls_config.jitter = config.dtls_jitter;
        dtls_config.groups.clone_from(&config.dtls_groups);
        dtls_config.provider = config.dtls_provider.clone();
        dtls_config.mtu = config.udp_payload_bytes.min(1_200);
        let dtls_config = Arc::new(dtls_config);
        // A configuration that DTLS refuses is found now, not in the middle of a call.
        dtls::Connection::new(Arc::clone(&dtls_config), dtls::Role::Server, seed)
            .map_err(ConfigError::Dtls)?;
        Ok(Self {
            ice,
            dtls: None,
            dtls_started: false,
            dtls_waits: false,
            sped: Sped::default(),
            carries: false,
            agreed: None,
            srtp: None,
            retired: None,
            early: Early::default(),
            local_fingerprint: config.certificate.fingerprint().to_string().into(),
            remote_fingerprints: None,
            remote_ufrag: None,
            farewell_path: None,
            path_changes: 0,
            data_path: None,
            servers: Servers::default(),
            dtls_config,
            dtls_use: DtlsUse::default(),
        })
    }

    /// Makes the DTLS connection in its role; what waited for it is handed over by `settle`.
    ///
    /// A role that was taken because a ClientHello came first gives way to the one that the answer names, unless
    /// the handshake is done.
    pub(super) fn take_role(&mut self, now: Instant, role: dtls::Role, seed: [u8; 32]) {
        let keeps = self
            .dtls
            .as_ref()
            .is_some_and(|dtls| dtls.role() == role || dtls.is_connected());
        if !keeps {
            // The configuration was tried in `new`.
            self.dtls = dtls::Connection::new(Arc::clone(&self.dtls_config), role, seed).ok();
            self.dtls_started = false;
            self.dtls_waits = false;
            self.carries = false;
        }
        if let (Some(dtls), Some(fingerprints)) = (&mut self.dtls, &self.remote_fingerprints) {
            dtls.set_remote_fingerprints(now, fingerprints.clone());
        }
    }

    /// The handshake may run: a path works.
    pub(super) fn start_handshake(&mut self, now: Instant) {
        if let Some(dtls) = &mut self.dtls {
            dtls.start(now, self.ice.round_trip_time());
            self.dtls_started = true;
        }
    }

    /// DTLS waits with what it has to repeat while its path does not work, and goes on at once when one does: what was
    /// repeated meanwhile would be lost, and the pauses between would only have grown.
    pub(super) fn follow_ice(&mut self, now: Instant, state: ice::State) {
        let Some(dtls) = self.dtls.as_mut().filter(|_| self.dtls_started) else {
            return;
        };
        match state {
            ice::State::Disconnected if !self.carries => {
                dtls.begin_carriage(usize::from(u16::MAX));
                self.dtls_waits = true;
            }
            ice::State::Connected | ice::State::Completed if self.dtls_waits => {
                self.dtls_waits = false;
                dtls.end_carriage(now, self.ice.round_trip_time());
                dtls.resend(now);
            }
            _ => {}
        }
    }

    /// Has DTLS give back what it need not hold while nothing passes through it. There is no timer for that: whatever
    /// else is due, consent for example, comes by often enough.
    pub(super) fn rest_when_idle(&mut self, now: Instant) {
        let Some(dtls) = self.dtls.as_mut().filter(|dtls| dtls.is_connected()) else {
            return;
        };
        let stats = dtls.stats();
        let records = stats.records_sealed + stats.records_opened + stats.datagrams_sent;
        let DtlsUse {
            records: seen,
            since,
        } = &mut self.dtls_use;
        if *seen != records {
            (*seen, *since) = (records, Some(now));
        } else if since.is_some_and(|since| now.saturating_duration_since(since) >= Self::IDLE) {
            *since = None;
            dtls.rest(now);
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.agreed.is_some()
    }

    pub(super) fn role(&self) -> Option<dtls::Role> {
        self.dtls.as_ref().map(dtls::Connection::role)
    }
}

impl Srtp {
    /// The keys of both directions from the handshake (RFC 5764 §4.2).
    pub(super) fn from_handshake(
        dtls: &dtls::Connection,
        profile: dtls::SrtpProfile,
        provider: &srtp::Provider,
        cryptex: srtp::Cryptex,
    ) -> Option<Self> {
        let profile = srtp::Profile::from_number(profile.0)?;
        let mut material = srtp::KeyingMaterial::new(profile);
        dtls.export_keying_material("EXTRACTOR-dtls_srtp", None, material.as_mut_slice())
            .ok()?;
        let (client, server) = material.into_keys().ok()?;
        let (ours, theirs) = match dtls.role() {
            dtls::Role::Client => (client, server),
            dtls::Role::Server => (server, client),
        };
        let mut config = srtp::Config::new(profile);
        config.provider = provider.clone();
        config.cryptex = cryptex;
        Some(Self {
            sender: srtp::Sender::with_config(config.clone(), &ours).ok()?,
            receiver: srtp::Receiver::with_config(config, &theirs).ok()?,
        })
    }

    /// What was negotiated about encrypted headers.
    pub(super) const fn set_cryptex(&mut self, cryptex: srtp::Cryptex) {
        self.sender.set_cryptex(cryptex);
        self.receiver.set_cryptex(cryptex);
    }
}
