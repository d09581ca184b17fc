//! The grammar of the candidate attribute (RFC 8839 §5.1):
//!
//! ```text
//! candidate-attribute = "candidate" ":" foundation SP component-id SP transport SP priority SP
//!                       connection-address SP port SP cand-type
//!                       [SP rel-addr] [SP rel-port] *(SP cand-extension)
//! ```

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

use super::{Address, Candidate, CandidateKind, CandidateTransport, TcpType};
use crate::credentials::is_ice_char;

/// Longer lines are refused before anything is looked at.
const MAX_LINE: usize = 1_024;

/// The most extensions; browsers send four.
const MAX_EXTENSIONS: usize = 32;

/// RFC 1035 §2.3.4.
const MAX_NAME: usize = 255;

/// Why a text is not a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseCandidateError {
    /// The text is empty; in signalling that means the end of candidates.
    #[error("the candidate is empty")]
    Empty,
    /// The line is longer than 1,024 bytes, or has more than 32 extensions.
    #[error("the candidate is too long")]
    TooLong,
    /// There is a control character.
    #[error("the candidate contains a control character")]
    Character,
    /// A field is missing, has no value or does not hold what it should.
    #[error("invalid {0}")]
    Field(&'static str),
    /// The transport is neither UDP nor TCP; RFC 8839 §5.1 has such candidates ignored.
    #[error("unknown transport")]
    UnknownTransport,
    /// The type is none of the four; RFC 8839 §5.1 has such candidates ignored.
    #[error("unknown candidate type")]
    UnknownType,
}

use ParseCandidateError::{Character, Empty, Field, TooLong, UnknownTransport, UnknownType};

impl FromStr for Candidate {
    type Err = ParseCandidateError;

    fn from_str(text: &str) -> Result<Self, ParseCandidateError> {
        if text.len() > MAX_LINE {
            return Err(TooLong);
        }
        let text = text.trim_end_matches(['\r', '\n', ' ']);
        let text = text.strip_prefix("candidate:").unwrap_or(text);
        if text.is_empty() {
            return Err(Empty);
        }
        if text.contains(char::is_control) {
            return Err(Character);
        }
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let mut field = |name| words.next().ok_or(Field(name));

        let foundation = parse_foundation(field("foundation")?)?;
        let component = parse_component(field("component")?)?;
        let protocol = field("transport")?;
        let priority = parse_priority(field("priority")?)?;
        let host = field("address")?;
        let port = field("port")?.parse().map_err(|_| Field("port"))?;
        if field("typ")? != "typ" {
            return Err(Field("typ"));
        }
        let kind = parse_kind(field("type")?)?;
        let mut extensions = parse_extensions(words)?;
        let related = take_related(&mut extensions);
        let transport = parse_transport(protocol, &mut extensions)?;
        Ok(Self {
            foundation,
            component,
            transport,
            priority,
            address: parse_address(host, port)?,
            kind,
            related,
            extensions,
            base: None,
        })
    }
}

fn parse_foundation(word: &str) -> Result<String, ParseCandidateError> {
    let valid = word.len() <= 32 && word.bytes().all(is_ice_char);
    valid.then(|| word.to_owned()).ok_or(Field("foundation"))
}

fn parse_component(word: &str) -> Result<u16, ParseCandidateError> {
    match word.parse() {
        Ok(component @ 1..=256) => Ok(component),
        _ => Err(Field("component")),
    }
}

fn parse_priority(word: &str) -> Result<u32, ParseCandidateError> {
    match word.parse() {
        Ok(priority @ 0..=0x7fff_ffff) => Ok(priority),
        _ => Err(Field("priority")),
    }
}

fn parse_kind(word: &str) -> Result<CandidateKind, ParseCandidateError> {
    Ok(match word {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relayed,
        _ => return Err(UnknownType),
    })
}

fn parse_address(host: &str, port: u16) -> Result<Address, ParseCandidateError> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Address::Ip(SocketAddr::new(ip.to_canonical(), port)));
    }
    let is_name = host.len() <= MAX_NAME
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if !is_name {
        return Err(Field("address"));
    }
    let host = host.to_owned();
    Ok(Address::Name { host, port })
}

/// The rest of the line in pairs of name and value.
fn parse_extensions<'a>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<Vec<(String, String)>, ParseCandidateError> {
    let mut extensions = Vec::new();
    while let Some(name) = words.next() {
        let value = words.next().ok_or(Field("extension"))?;
        if extensions.len() == MAX_EXTENSIONS {
            return Err(TooLong);
        }
        extensions.push((name.to_owned(), value.to_owned()));
    }
    Ok(extensions)
}

/// `raddr` and `rport`, which come first when they are there. What is not an address stays an extension.
fn take_related(extensions: &mut Vec<(String, String)>) -> Option<SocketAddr> {
    let related = match extensions.as_slice() {
        [(raddr, ip), (rport, port), ..] if raddr == "raddr" && rport == "rport" => {
            SocketAddr::new(ip.parse().ok()?, port.parse().ok()?)
        }
        _ => return None,
    };
    extensions.drain(..2);
    Some(related)
}

fn parse_transport(
    word: &str,
    extensions: &mut Vec<(String, String)>,
) -> Result<CandidateTransport, ParseCandidateError> {
    if word.eq_ignore_ascii_case("udp") {
        return Ok(CandidateTransport::Udp);
    }
    if !word.eq_ignore_ascii_case("tcp") {
        return Err(UnknownTransport);
    }
    let at = extensions
        .iter()
        .position(|(name, _)| name == "tcptype")
        .ok_or(Field("tcptype"))?;
    let tcp_type = match extensions.remove(at).1.as_str() {
        "active" => TcpType::Active,
        "passive" => TcpType::Passive,
        "so" => TcpType::SimultaneousOpen,
        _ => return Err(Field("tcptype")),
    };
    Ok(CandidateTransport::Tcp(tcp_type))
}
