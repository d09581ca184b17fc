//! The attributes of NAT behaviour discovery (RFC 5780 §7).

use std::net::SocketAddr;

use crate::attribute::exactly;
use crate::{AttributeType, DecodeError, Message, MessageBuilder};

/// From where a server is asked to answer (RFC 5780 §7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeRequest {
    /// From its other address.
    pub ip: bool,
    /// From its other port.
    pub port: bool,
}

impl Message<'_> {
    /// CHANGE-REQUEST (RFC 5780 §7.2).
    pub fn change_request(&self) -> Result<Option<ChangeRequest>, DecodeError> {
        self.read(AttributeType::CHANGE_REQUEST, |value| {
            let [_, _, _, flags] = exactly(value)?;
            Some(ChangeRequest {
                ip: flags & 4 != 0,
                port: flags & 2 != 0,
            })
        })
    }

    /// RESPONSE-ORIGIN: from where the server answered (RFC 5780 §7.3).
    pub fn response_origin(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.plain_address(AttributeType::RESPONSE_ORIGIN)
    }

    /// OTHER-ADDRESS: the server's other address and port (RFC 5780 §7.4).
    pub fn other_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.plain_address(AttributeType::OTHER_ADDRESS)
    }

    /// RESPONSE-PORT: to which port of the client the answer shall go (RFC 5780 §7.5).
    pub fn response_port(&self) -> Result<Option<u16>, DecodeError> {
        self.read(AttributeType::RESPONSE_PORT, |value| {
            let &[p0, p1] = value.first_chunk::<2>()?;
            matches!(value.len(), 2 | 4).then(|| u16::from_be_bytes([p0, p1]))
        })
    }
}

impl MessageBuilder<'_> {
    /// CHANGE-REQUEST (RFC 5780 §7.2).
    pub fn change_request(&mut self, change: ChangeRequest) -> &mut Self {
        let flags = u8::from(change.ip) << 2 | u8::from(change.port) << 1;
        self.attribute(AttributeType::CHANGE_REQUEST, &[0, 0, 0, flags])
    }

    /// RESPONSE-ORIGIN (RFC 5780 §7.3).
    pub fn response_origin(&mut self, origin: SocketAddr) -> &mut Self {
        self.plain_address(AttributeType::RESPONSE_ORIGIN, origin)
    }

    /// OTHER-ADDRESS (RFC 5780 §7.4).
    pub fn other_address(&mut self, other: SocketAddr) -> &mut Self {
        self.plain_address(AttributeType::OTHER_ADDRESS, other)
    }

    /// RESPONSE-PORT (RFC 5780 §7.5).
    pub fn response_port(&mut self, port: u16) -> &mut Self {
        self.attribute(AttributeType::RESPONSE_PORT, &port.to_be_bytes())
    }

    /// PADDING: as many zeros, to provoke fragmentation (RFC 5780 §7.6).
    pub fn padding(&mut self, length: u16) -> &mut Self {
        self.attribute(AttributeType::PADDING, &vec![0; usize::from(length)])
    }
}
