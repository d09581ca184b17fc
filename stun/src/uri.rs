//! `stun:` and `turn:` URIs (RFC 7064 §3.1, RFC 7065 §3.1).

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

/// Where a STUN or TURN server is, as an application configures it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
    transport: Option<UriTransport>,
}

/// What kind of server, and whether the way to it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A STUN server.
    Stun,
    /// A STUN server over TLS or DTLS.
    Stuns,
    /// A TURN server.
    Turn,
    /// A TURN server over TLS or DTLS.
    Turns,
}

impl Scheme {
    /// Whether TLS or DTLS protects the way.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Stuns | Self::Turns)
    }

    /// Whether it names a TURN server.
    pub const fn is_turn(self) -> bool {
        matches!(self, Self::Turn | Self::Turns)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }
}

/// What carries the messages (RFC 7065 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UriTransport {
    /// UDP, or DTLS when the scheme is secure.
    Udp,
    /// TCP, or TLS when the scheme is secure.
    Tcp,
}

impl Uri {
    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port: 3478 when the URI has none, 5349 when the scheme is secure.
    pub const fn port(&self) -> u16 {
        match self.port {
            Some(port) => port,
            None if self.scheme.is_secure() => 5349,
            None => 3478,
        }
    }

    /// The transport: what the URI says, else UDP, else TCP when the scheme is secure (RFC 7065 §3.2 leaves the
    /// choice to the client; these are the ones that servers have).
    pub const fn transport(&self) -> UriTransport {
        match self.transport {
            Some(transport) => transport,
            None if self.scheme.is_secure() => UriTransport::Tcp,
            None => UriTransport::Udp,
        }
    }

    /// Whether the URI itself names the transport; if not, a client may try the others as well.
    pub const fn names_transport(&self) -> bool {
        self.transport.is_some()
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let known = [Scheme::Stun, Scheme::Stuns, Scheme::Turn, Scheme::Turns];
        let scheme = known
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(scheme))
            .ok_or(UriError::Scheme)?;
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        let transport = match query {
            None => None,
            Some(_) if !scheme.is_turn() => return Err(UriError::Query),
            Some(query) => Some(transport_of(query)?),
        };
        let (host, port) = split_authority(authority)?;
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            transport,
        })
    }
}

fn transport_of(query: &str) -> Result<UriTransport, UriError> {
    let value = query.strip_prefix("transport=").ok_or(UriError::Query)?;
    if value.eq_ignore_ascii_case("udp") {
        Ok(UriTransport::Udp)
    } else if value.eq_ignore_ascii_case("tcp") {
        Ok(UriTransport::Tcp)
    } else {
        Err(UriError::Query)
    }
}

fn split_authority(authority: &str) -> Result<(&str, Option<u16>), UriError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UriError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| UriError::Host)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() => None,
            None => return Err(UriError::Host),
        };
        return Ok((host, port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    if host.is_empty() || host.len() > 255 || !host.bytes().all(is_name) {
        return Err(UriError::Host);
    }
    Ok((host, port))
}

fn parse_port(text: &str) -> Result<u16, UriError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|&port| is_number && port != 0);
    port.ok_or(UriError::Port)
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.name())?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            None => Ok(()),
            Some(UriTransport::Udp) => f.write_str("?transport=udp"),
            Some(UriTransport::Tcp) => f.write_str("?transport=tcp"),
        }
    }
}

/// Why text is not the URI of a STUN or TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// The scheme is none of stun, stuns, turn and turns.
    #[error("the scheme is none of stun, stuns, turn and turns")]
    Scheme,
    /// The host is missing or has characters that no host has.
    #[error("the host is invalid")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port is invalid")]
    Port,
    /// What follows the question mark is not `transport=udp` or `transport=tcp` of a turn URI.
    #[error("the query is invalid")]
    Query,
}
