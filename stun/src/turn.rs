//! The attributes of TURN (RFC 8656 §18), of TCP allocations (RFC 6062) and of mobility (RFC 8016): how each is read
//! and how it is written.

use std::net::SocketAddr;
use std::time::Duration;

use crate::attribute::exactly;
use crate::{AttributeType, DecodeError, ErrorCode, Message, MessageBuilder};

/// The family of a relayed address (RFC 8656 §18.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl AddressFamily {
    /// The family of an address.
    pub const fn of(address: &SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    const fn from_wire(family: u8) -> Option<Self> {
        match family {
            1 => Some(Self::V4),
            2 => Some(Self::V6),
            _ => None,
        }
    }

    const fn to_wire(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }
}

/// The protocol number of UDP in REQUESTED-TRANSPORT (RFC 8656 §18.8).
pub const TRANSPORT_UDP: u8 = 17;

/// The protocol number of TCP in REQUESTED-TRANSPORT (RFC 6062 §4.1).
pub const TRANSPORT_TCP: u8 = 6;

impl<'a> Message<'a> {
    /// CHANNEL-NUMBER, any number (RFC 8656 §18.1).
    pub fn channel_number(&self) -> Result<Option<u16>, DecodeError> {
        self.read(AttributeType::CHANNEL_NUMBER, |value| {
            let [n0, n1, _, _] = exactly(value)?;
            Some(u16::from_be_bytes([n0, n1]))
        })
    }

    /// LIFETIME (RFC 8656 §18.2).
    pub fn lifetime(&self) -> Result<Option<Duration>, DecodeError> {
        self.read(AttributeType::LIFETIME, |value| {
            let seconds = u32::from_be_bytes(exactly(value)?);
            Some(Duration::from_secs(seconds.into()))
        })
    }

    /// The first XOR-PEER-ADDRESS (RFC 8656 §18.3).
    pub fn xor_peer_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.xor_address(AttributeType::XOR_PEER_ADDRESS)
    }

    /// Every XOR-PEER-ADDRESS: a CreatePermission may have several (RFC 8656 §10.1).
    pub fn xor_peer_addresses(
        &self,
    ) -> impl Iterator<Item = Result<SocketAddr, DecodeError>> + use<'a> {
        self.xor_addresses(AttributeType::XOR_PEER_ADDRESS)
    }

    /// Every XOR-RELAYED-ADDRESS: two when ADDITIONAL-ADDRESS-FAMILY was asked for (RFC 8656 §18.5, §7.3).
    pub fn xor_relayed_addresses(
        &self,
    ) -> impl Iterator<Item = Result<SocketAddr, DecodeError>> + use<'a> {
        self.xor_addresses(AttributeType::XOR_RELAYED_ADDRESS)
    }

    fn xor_addresses(
        &self,
        kind: AttributeType,
    ) -> impl Iterator<Item = Result<SocketAddr, DecodeError>> + use<'a> {
        let id = self.transaction_id();
        self.attributes()
            .filter(move |attribute| attribute.kind == kind)
            .map(move |attribute| {
                crate::address::decode_xor(attribute.value, &id).ok_or(DecodeError::Attribute(kind))
            })
    }

    /// DATA (RFC 8656 §18.4).
    pub fn data(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::DATA)
    }

    /// REQUESTED-TRANSPORT: a protocol number (RFC 8656 §18.8).
    pub fn requested_transport(&self) -> Result<Option<u8>, DecodeError> {
        self.read(AttributeType::REQUESTED_TRANSPORT, |value| {
            let [protocol, _, _, _] = exactly(value)?;
            Some(protocol)
        })
    }

    /// REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.6).
    pub fn requested_address_family(&self) -> Result<Option<AddressFamily>, DecodeError> {
        self.family(AttributeType::REQUESTED_ADDRESS_FAMILY)
    }

    /// ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.11).
    pub fn additional_address_family(&self) -> Result<Option<AddressFamily>, DecodeError> {
        self.family(AttributeType::ADDITIONAL_ADDRESS_FAMILY)
    }

    fn family(&self, kind: AttributeType) -> Result<Option<AddressFamily>, DecodeError> {
        self.read(kind, |value| {
            let [family, _, _, _] = exactly(value)?;
            AddressFamily::from_wire(family)
        })
    }

    /// ADDRESS-ERROR-CODE: which family was refused, and why (RFC 8656 §18.12).
    pub fn address_error_code(&self) -> Result<Option<(AddressFamily, ErrorCode)>, DecodeError> {
        self.read(AttributeType::ADDRESS_ERROR_CODE, |value| {
            let (&[family, _, class, number], _reason) = value.split_first_chunk::<4>()?;
            let code = ErrorCode::from_wire(class, number)?;
            Some((AddressFamily::from_wire(family)?, code))
        })
    }

    /// EVEN-PORT: whether the next port is to be reserved as well (RFC 8656 §18.7).
    pub fn even_port(&self) -> Result<Option<bool>, DecodeError> {
        self.read(AttributeType::EVEN_PORT, |value| {
            let [flags] = exactly(value)?;
            Some(flags & 0x80 != 0)
        })
    }

    /// Whether DONT-FRAGMENT is there (RFC 8656 §18.9).
    pub fn dont_fragment(&self) -> bool {
        self.attribute(AttributeType::DONT_FRAGMENT).is_some()
    }

    /// RESERVATION-TOKEN (RFC 8656 §18.10).
    pub fn reservation_token(&self) -> Result<Option<[u8; 8]>, DecodeError> {
        self.read(AttributeType::RESERVATION_TOKEN, exactly)
    }

    /// ICMP: type, code and the four bytes that say more (RFC 8656 §18.13).
    pub fn icmp(&self) -> Result<Option<(u8, u8, [u8; 4])>, DecodeError> {
        self.read(AttributeType::ICMP, |value| {
            let [_, _, kind, code, d0, d1, d2, d3] = exactly(value)?;
            Some((kind, code, [d0, d1, d2, d3]))
        })
    }

    /// CONNECTION-ID, of a TCP allocation (RFC 6062 §6.2.1).
    pub fn connection_id(&self) -> Result<Option<u32>, DecodeError> {
        self.read(AttributeType::CONNECTION_ID, |value| {
            exactly(value).map(u32::from_be_bytes)
        })
    }

    /// MOBILITY-TICKET (RFC 8016 §3.2.1).
    pub fn mobility_ticket(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::MOBILITY_TICKET)
    }
}

impl MessageBuilder<'_> {
    /// CHANNEL-NUMBER (RFC 8656 §18.1).
    pub fn channel_number(&mut self, number: u16) -> &mut Self {
        let [n0, n1] = number.to_be_bytes();
        self.attribute(AttributeType::CHANNEL_NUMBER, &[n0, n1, 0, 0])
    }

    /// LIFETIME in whole seconds (RFC 8656 §18.2).
    pub fn lifetime(&mut self, lifetime: Duration) -> &mut Self {
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        self.attribute(AttributeType::LIFETIME, &seconds.to_be_bytes())
    }

    /// XOR-PEER-ADDRESS (RFC 8656 §18.3).
    pub fn xor_peer_address(&mut self, peer: SocketAddr) -> &mut Self {
        self.xor_address(AttributeType::XOR_PEER_ADDRESS, peer)
    }

    /// XOR-RELAYED-ADDRESS (RFC 8656 §18.5).
    pub fn xor_relayed_address(&mut self, relayed: SocketAddr) -> &mut Self {
        self.xor_address(AttributeType::XOR_RELAYED_ADDRESS, relayed)
    }

    /// DATA (RFC 8656 §18.4).
    pub fn data(&mut self, data: &[u8]) -> &mut Self {
        self.attribute(AttributeType::DATA, data)
    }

    /// REQUESTED-TRANSPORT: [`TRANSPORT_UDP`] or [`TRANSPORT_TCP`] (RFC 8656 §18.8).
    pub fn requested_transport(&mut self, protocol: u8) -> &mut Self {
        self.attribute(AttributeType::REQUESTED_TRANSPORT, &[protocol, 0, 0, 0])
    }

    /// REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.6).
    pub fn requested_address_family(&mut self, family: AddressFamily) -> &mut Self {
        let value = [family.to_wire(), 0, 0, 0];
        self.attribute(AttributeType::REQUESTED_ADDRESS_FAMILY, &value)
    }

    /// ADDITIONAL-ADDRESS-FAMILY, for which RFC 8656 §18.11 knows IPv6 alone.
    pub fn additional_address_family(&mut self, family: AddressFamily) -> &mut Self {
        let value = [family.to_wire(), 0, 0, 0];
        self.attribute(AttributeType::ADDITIONAL_ADDRESS_FAMILY, &value)
    }

    /// ADDRESS-ERROR-CODE without a reason phrase (RFC 8656 §18.12).
    pub fn address_error_code(&mut self, family: AddressFamily, code: ErrorCode) -> &mut Self {
        let [_, class] = code.get().wrapping_div(100).to_be_bytes();
        let [_, number] = code.get().wrapping_rem(100).to_be_bytes();
        let value = [family.to_wire(), 0, class, number];
        self.attribute(AttributeType::ADDRESS_ERROR_CODE, &value)
    }

    /// EVEN-PORT; `reserve` asks for the next port as well (RFC 8656 §18.7).
    pub fn even_port(&mut self, reserve: bool) -> &mut Self {
        self.attribute(AttributeType::EVEN_PORT, &[u8::from(reserve) << 7])
    }

    /// DONT-FRAGMENT (RFC 8656 §18.9).
    pub fn dont_fragment(&mut self) -> &mut Self {
        self.attribute(AttributeType::DONT_FRAGMENT, &[])
    }

    /// RESERVATION-TOKEN (RFC 8656 §18.10).
    pub fn reservation_token(&mut self, token: [u8; 8]) -> &mut Self {
        self.attribute(AttributeType::RESERVATION_TOKEN, &token)
    }

    /// ICMP (RFC 8656 §18.13).
    pub fn icmp(&mut self, kind: u8, code: u8, data: [u8; 4]) -> &mut Self {
        let [d0, d1, d2, d3] = data;
        self.attribute(AttributeType::ICMP, &[0, 0, kind, code, d0, d1, d2, d3])
    }

    /// CONNECTION-ID (RFC 6062 §6.2.1).
    pub fn connection_id(&mut self, id: u32) -> &mut Self {
        self.attribute(AttributeType::CONNECTION_ID, &id.to_be_bytes())
    }

    /// MOBILITY-TICKET; empty in the Allocate that asks for one (RFC 8016 §3.1.1).
    pub fn mobility_ticket(&mut self, ticket: &[u8]) -> &mut Self {
        self.attribute(AttributeType::MOBILITY_TICKET, ticket)
    }
}
