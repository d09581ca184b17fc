//! The configuration file: TOML, whose every error names the line and the key.

mod read;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use stun::LongTermCredentials;
use thiserror::Error;
use turn::server::{
    Credentials, Discovery, Limits, Network, PeerPolicy, Rate, SecretHash, SharedSecret,
};

use read::Table;

/// What a TURN server is told by its configuration file; `docs/turn_server.md` explains each key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The realm of the credentials.
    pub realm: String,
    /// Users and secrets.
    pub credentials: Credentials,
    /// Where clients are listened to.
    pub listeners: Vec<Listener>,
    /// From where it relays.
    pub relays: Vec<RelaySettings>,
    /// The certificate of TLS and DTLS, and its key: PEM files.
    pub certificate: Option<CertificateFiles>,
    /// Who may be a peer.
    pub peers: PeerPolicy,
    /// How much of everything. What counts allocations is shared out among the shards.
    pub limits: Limits,
    /// The addresses for NAT behaviour discovery.
    pub discovery: Option<Discovery>,
    /// Whether TCP relays are made (RFC 6062).
    pub tcp_relays: bool,
    /// Whether clients may move (RFC 8016).
    pub mobility: bool,
    /// Whether SHA-256 is offered.
    pub sha256: bool,
    /// How many threads serve clients; zero for one per core.
    pub shards: usize,
    /// Where counters are shown, as `http://ADDRESS/metrics`.
    pub metrics: Option<SocketAddr>,
    /// How long a server that was told to stop waits for its allocations to end.
    pub drain: Duration,
    /// Where new clients are sent meanwhile.
    pub alternate: Option<SocketAddr>,
    /// Whether log lines have addresses in them.
    pub log_addresses: bool,
}

/// Where and how clients are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Over what.
    pub transport: ListenerTransport,
    /// The address; a wildcard is fine.
    pub address: SocketAddr,
}

/// What clients talk over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenerTransport {
    /// UDP
    Udp,
    /// TCP
    Tcp,
    /// TLS over TCP
    Tls,
    /// DTLS over UDP
    Dtls,
}

/// An address to relay from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// What sockets are bound to.
    pub address: IpAddr,
    /// What the world sees.
    pub public: IpAddr,
    /// The ports.
    pub ports: RangeInclusive<u16>,
}

/// A certificate with what proves it, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own first.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {key}: {what}")]
pub struct SettingsError {
    /// The line, counted from one.
    pub line: usize,
    /// The key with the tables it stands in, `limits.allocations`.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl Settings {
    /// Reads the text of a configuration file.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut root = Table::parse(text)?;
        let listeners = root.tables("listen")?;
        let listeners = listeners
            .into_iter()
            .map(listener)
            .collect::<Result<Vec<_>, _>>()?;
        if listeners.is_empty() {
            return Err(root.missing("listen"));
        }
        let discovery = root.table("discovery")?;
        let discovery = discovery
            .map(|table| discovered(table, &listeners))
            .transpose()?;
        let relays = root.tables("relay")?;
        let relays = relays
            .into_iter()
            .map(relay)
            .collect::<Result<Vec<_>, _>>()?;
        let certificate = root.table("tls")?.map(certificate).transpose()?;
        let wants_certificate = |listener: &Listener| {
            matches!(
                listener.transport,
                ListenerTransport::Tls | ListenerTransport::Dtls
            )
        };
        if certificate.is_none() && listeners.iter().any(wants_certificate) {
            return Err(root.missing("tls"));
        }
        let credentials = Credentials {
            users: root.table("users")?.map_or_else(|| Ok(Vec::new()), users)?,
            secrets: root
                .tables("secret")?
                .into_iter()
                .map(secret)
                .collect::<Result<_, _>>()?,
        };
        let realm = root.checked("realm", |text| {
            let good =
                (1..=127).contains(&text.chars().count()) && !text.contains(['"', '\\', ':']);
            good.then(|| text.to_owned())
                .ok_or("must be 1 to 127 characters without quotes, backslashes and colons")
        })?;
        let has_users = !credentials.users.is_empty() || !credentials.secrets.is_empty();
        if has_users && realm.is_none() {
            return Err(root.missing("realm"));
        }
        if has_users && relays.is_empty() {
            return Err(root.missing("relay"));
        }
        let settings = Self {
            realm: realm.unwrap_or_else(|| "stun".to_owned()),
            credentials,
            listeners,
            relays,
            certificate,
            peers: root
                .table("peers")?
                .map_or_else(|| Ok(PeerPolicy::default()), peers)?,
            limits: root
                .table("limits")?
                .map_or_else(|| Ok(Limits::default()), limits)?,
            discovery,
            tcp_relays: root.flag("tcp_relays")?.unwrap_or(true),
            mobility: root.flag("mobility")?.unwrap_or(true),
            sha256: root.flag("sha256")?.unwrap_or(true),
            shards: root.number("shards", 0..=64)?.unwrap_or(0),
            metrics: root.parsed("metrics", "must be an address with a port")?,
            drain: Duration::from_secs(root.number("drain_seconds", 0..=86_400)?.unwrap_or(3_600)),
            alternate: root.parsed("alternate", "must be an address with a port")?,
            log_addresses: root.flag("log_addresses")?.unwrap_or(false),
        };
        root.finish()?;
        Ok(settings)
    }
}

fn listener(mut table: Table<'_>) -> Result<Listener, SettingsError> {
    let transport = table.checked("transport", |text| match text {
        "udp" => Ok(ListenerTransport::Udp),
        "tcp" => Ok(ListenerTransport::Tcp),
        "tls" => Ok(ListenerTransport::Tls),
        "dtls" => Ok(ListenerTransport::Dtls),
        _ => Err("must be udp, tcp, tls or dtls"),
    })?;
    let address = table.parsed(
        "address",
        "must be an address with a port, such as 0.0.0.0:3478",
    )?;
    let listener = Listener {
        transport: transport.ok_or_else(|| table.missing("transport"))?,
        address: address.ok_or_else(|| table.missing("address"))?,
    };
    table.finish()?;
    Ok(listener)
}

fn relay(mut table: Table<'_>) -> Result<RelaySettings, SettingsError> {
    let address: Option<IpAddr> = table.checked("address", concrete)?;
    let address = address.ok_or_else(|| table.missing("address"))?;
    let public = table.checked("public", concrete)?.unwrap_or(address);
    if public.is_ipv4() != address.is_ipv4() {
        return Err(table.wrong("public", "must be of the family of the address"));
    }
    let ports = table.checked("ports", |text| {
        port_range(text).ok_or("must be two ports from 1024 on, such as \"49152-65535\"")
    })?;
    let relay = RelaySettings {
        address,
        public,
        ports: ports.unwrap_or(49_152..=65_535),
    };
    table.finish()?;
    Ok(relay)
}

fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (1_024..=last).contains(&first).then_some(first..=last)
}

fn concrete(text: &str) -> Result<IpAddr, &'static str> {
    let address: Result<IpAddr, _> = text.parse();
    address
        .ok()
        .filter(|address| !address.is_unspecified())
        .ok_or("must be an address, and not a wildcard")
}

fn certificate(mut table: Table<'_>) -> Result<CertificateFiles, SettingsError> {
    let chain = table.text("certificate")?;
    let key = table.text("key")?;
    let files = CertificateFiles {
        chain: chain.ok_or_else(|| table.missing("certificate"))?.into(),
        key: key.ok_or_else(|| table.missing("key"))?.into(),
    };
    table.finish()?;
    Ok(files)
}

fn users(mut table: Table<'_>) -> Result<Vec<LongTermCredentials>, SettingsError> {
    let mut users = Vec::new();
    for name in table.keys() {
        let user = table.checked(&name, |password| {
            LongTermCredentials::new(&*name, password)
                .map_err(|_| "a name has 1 to 508 bytes, and a password one or more")
        })?;
        users.extend(user);
    }
    Ok(users)
}

fn secret(mut table: Table<'_>) -> Result<SharedSecret, SettingsError> {
    let hash = table.checked("hash", |text| match text {
        "sha1" => Ok(SecretHash::Sha1),
        "sha256" => Ok(SecretHash::Sha256),
        _ => Err("must be sha1 or sha256"),
    })?;
    let value = table.checked("value", |text| {
        (!text.is_empty())
            .then(|| text.to_owned())
            .ok_or("must not be empty")
    })?;
    let value = value.ok_or_else(|| table.missing("value"))?;
    table.finish()?;
    Ok(SharedSecret::new(value, hash.unwrap_or_default()))
}

fn peers(mut table: Table<'_>) -> Result<PeerPolicy, SettingsError> {
    let network = |text: &str| text.parse::<Network>().map_err(|error| error.to_string());
    let policy = PeerPolicy {
        allow: table.list("allow", network)?,
        deny: table.list("deny", network)?,
    };
    table.finish()?;
    Ok(policy)
}

fn limits(mut table: Table<'_>) -> Result<Limits, SettingsError> {
    let defaults = Limits::default();
    let seconds =
        |value: Option<u64>, default: Duration| value.map_or(default, Duration::from_secs);
    let rate = |value: Option<u64>| value.map(Rate::per_second);
    // A burst must hold the largest datagram, so the least rate is that in a second.
    let bytes = 65_536..=1 << 40;
    let limits = Limits {
        allocations: table
            .number("allocations", 1..=1 << 24)?
            .unwrap_or(defaults.allocations),
        allocations_per_user: table
            .number("allocations_per_user", 1..=1 << 24)?
            .unwrap_or(defaults.allocations_per_user),
        allocations_per_source: table
            .number("allocations_per_source", 1..=1 << 24)?
            .unwrap_or(defaults.allocations_per_source),
        permissions: table
            .number("permissions", 1..=1_000)?
            .unwrap_or(defaults.permissions),
        channels: table
            .number("channels", 1..=1_000)?
            .unwrap_or(defaults.channels),
        reservations: table
            .number("reservations", 0..=10_000)?
            .unwrap_or(defaults.reservations),
        connections: table
            .number("connections", 1..=1_000)?
            .unwrap_or(defaults.connections),
        streams: table
            .number("streams", 1..=1 << 20)?
            .unwrap_or(defaults.streams),
        stream_idle: seconds(
            table.number("stream_idle_seconds", 1..=600)?,
            defaults.stream_idle,
        ),
        lifetime: seconds(
            table.number("lifetime_seconds", 600..=3_600)?,
            defaults.lifetime,
        ),
        port_rest: seconds(
            table.number("port_rest_seconds", 0..=3_600)?,
            defaults.port_rest,
        ),
        allocation_rate: rate(table.number("allocation_bytes_per_second", bytes.clone())?),
        user_rate: rate(table.number("user_bytes_per_second", bytes.clone())?),
        total_rate: rate(table.number("total_bytes_per_second", bytes)?),
        strangers: table
            .number("stranger_answers_per_second", 1..=1_000_000)?
            .map_or(defaults.strangers, |per_second| Rate {
                per_second,
                burst: 2 * per_second,
            }),
        stranger_bytes: table
            .number("stranger_bytes_per_second", 1_000..=1 << 40)?
            .map_or(defaults.stranger_bytes, Rate::per_second),
    };
    table.finish()?;
    Ok(limits)
}

fn discovered(mut table: Table<'_>, listeners: &[Listener]) -> Result<Discovery, SettingsError> {
    let mut address = |key| {
        table.checked(key, |text| {
            let address: Option<SocketAddr> = text.parse().ok();
            let concrete = address.filter(|it| !it.ip().is_unspecified());
            concrete.ok_or("must be an address with a port, and no wildcard")
        })
    };
    let (primary, alternate) = (address("primary")?, address("alternate")?);
    let primary = primary.ok_or_else(|| table.missing("primary"))?;
    let alternate = alternate.ok_or_else(|| table.missing("alternate"))?;
    let differ = primary.ip() != alternate.ip() && primary.port() != alternate.port();
    if !differ || primary.is_ipv4() != alternate.is_ipv4() {
        return Err(table.wrong(
            "alternate",
            "must be another address of the family, with another port",
        ));
    }
    // RFC 5780 §6.1: the answer may have to come from any of the four.
    let listens = |address: &SocketAddr| {
        let mut udp = listeners
            .iter()
            .filter(|it| it.transport == ListenerTransport::Udp);
        udp.any(|it| it.address == *address)
    };
    let crossed = |a: SocketAddr, b: SocketAddr| SocketAddr::new(a.ip(), b.port());
    for (key, address) in [
        ("primary", primary),
        ("primary", crossed(primary, alternate)),
        ("alternate", alternate),
        ("alternate", crossed(alternate, primary)),
    ] {
        if !listens(&address) {
            let what =
                format!("needs a listener for udp on {address}, as on all four combinations");
            return Err(table.wrong(key, what));
        }
    }
    table.finish()?;
    Ok(Discovery { primary, alternate })
}
