use std::fmt;
use std::iter::FusedIterator;

/// The type of an attribute (RFC 8489 §14). Unknown ones keep their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

macro_rules! attribute_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl AttributeType {
            $($(#[$doc])* pub const $name: Self = Self($number);)*
        }

        impl fmt::Display for AttributeType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str($text),)*
                    Self(number) => write!(f, "{number:#06x}"),
                }
            }
        }
    };
}

attribute_types! {
    /// RFC 8489 §14.1
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    /// RFC 5780 §7.2
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    /// RFC 8489 §14.3
    USERNAME = 0x0006, "USERNAME";
    /// RFC 8489 §14.5
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    /// RFC 8489 §14.8
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// RFC 8489 §14.13
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES";
    /// RFC 8656 §18.1
    CHANNEL_NUMBER = 0x000c, "CHANNEL-NUMBER";
    /// RFC 8656 §18.2
    LIFETIME = 0x000d, "LIFETIME";
    /// RFC 8656 §18.3
    XOR_PEER_ADDRESS = 0x0012, "XOR-PEER-ADDRESS";
    /// RFC 8656 §18.4
    DATA = 0x0013, "DATA";
    /// RFC 8489 §14.9
    REALM = 0x0014, "REALM";
    /// RFC 8489 §14.10
    NONCE = 0x0015, "NONCE";
    /// RFC 8656 §18.5
    XOR_RELAYED_ADDRESS = 0x0016, "XOR-RELAYED-ADDRESS";
    /// RFC 8656 §18.6
    REQUESTED_ADDRESS_FAMILY = 0x0017, "REQUESTED-ADDRESS-FAMILY";
    /// RFC 8656 §18.7
    EVEN_PORT = 0x0018, "EVEN-PORT";
    /// RFC 8656 §18.8
    REQUESTED_TRANSPORT = 0x0019, "REQUESTED-TRANSPORT";
    /// RFC 8656 §18.9
    DONT_FRAGMENT = 0x001a, "DONT-FRAGMENT";
    /// RFC 7635 §6.2
    ACCESS_TOKEN = 0x001b, "ACCESS-TOKEN";
    /// RFC 8489 §14.6
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MESSAGE-INTEGRITY-SHA256";
    /// RFC 8489 §14.12
    PASSWORD_ALGORITHM = 0x001d, "PASSWORD-ALGORITHM";
    /// RFC 8489 §14.4
    USERHASH = 0x001e, "USERHASH";
    /// RFC 8489 §14.2
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// RFC 8656 §18.10
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN";
    /// RFC 8445 §16.1
    PRIORITY = 0x0024, "PRIORITY";
    /// RFC 8445 §16.1
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    /// RFC 5780 §7.6
    PADDING = 0x0026, "PADDING";
    /// RFC 5780 §7.5
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT";
    /// RFC 6062 §6.2.1
    CONNECTION_ID = 0x002a, "CONNECTION-ID";
    /// RFC 8656 §18.11
    ADDITIONAL_ADDRESS_FAMILY = 0x8000, "ADDITIONAL-ADDRESS-FAMILY";
    /// RFC 8656 §18.12
    ADDRESS_ERROR_CODE = 0x8001, "ADDRESS-ERROR-CODE";
    /// RFC 8489 §14.11
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS";
    /// RFC 8489 §14.16
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN";
    /// RFC 8656 §18.13
    ICMP = 0x8004, "ICMP";
    /// RFC 8489 §14.14
    SOFTWARE = 0x8022, "SOFTWARE";
    /// RFC 8489 §14.15
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER";
    /// RFC 7982 §3.1
    TRANSACTION_TRANSMIT_COUNTER = 0x8025, "TRANSACTION_TRANSMIT_COUNTER";
    /// RFC 8489 §14.7
    FINGERPRINT = 0x8028, "FINGERPRINT";
    /// RFC 8445 §16.1
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// RFC 8445 §16.1
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING";
    /// RFC 5780 §7.3
    RESPONSE_ORIGIN = 0x802b, "RESPONSE-ORIGIN";
    /// RFC 5780 §7.4
    OTHER_ADDRESS = 0x802c, "OTHER-ADDRESS";
    /// RFC 7635 §6.1
    THIRD_PARTY_AUTHORIZATION = 0x802e, "THIRD-PARTY-AUTHORIZATION";
    /// RFC 8016 §3.2.1
    MOBILITY_TICKET = 0x8030, "MOBILITY-TICKET";
    /// A generation counter of nominations (draft-thatcher-ice-renomination).
    NOMINATION = 0xc001, "NOMINATION";
    /// A datagram of the handshake that a check or its answer carries (draft-hancke-webrtc-sped).
    DTLS_IN_STUN = 0xc070, "DTLS-IN-STUN";
    /// The CRC-32 of each datagram that arrived so; empty when none did (draft-hancke-webrtc-sped).
    DTLS_IN_STUN_ACK = 0xc071, "DTLS-IN-STUN-ACK";
    /// The network id and cost of the sender's interface, as libwebrtc sends it.
    GOOG_NETWORK_INFO = 0xc057, "GOOG-NETWORK-INFO";
}

impl AttributeType {
    /// Whether a receiver that does not know the attribute must refuse the message (RFC 8489 §14).
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}

/// One attribute where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// What it is.
    pub kind: AttributeType,
    /// Its value without the padding.
    pub value: &'a [u8],
}

/// The visible attributes of a message, in order: see [`Message::attributes`](crate::Message::attributes).
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    seal: Seal,
}

/// How far into the protected part of a message an iteration is.
///
/// RFC 8489 §14.5: "agents MUST ignore all other attributes that follow MESSAGE-INTEGRITY, with the exception of
/// the MESSAGE-INTEGRITY-SHA256 and FINGERPRINT attributes"; §14.6 says the same of what follows
/// MESSAGE-INTEGRITY-SHA256, with FINGERPRINT as the only exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Open,
    Integrity,
    IntegritySha256,
}

impl Seal {
    /// Whether an attribute is visible at this point, and the state after it.
    pub(crate) fn admit(&mut self, kind: AttributeType) -> bool {
        let visible = match self {
            Self::Open => true,
            Self::Integrity => matches!(
                kind,
                AttributeType::MESSAGE_INTEGRITY_SHA256 | AttributeType::FINGERPRINT
            ),
            Self::IntegritySha256 => kind == AttributeType::FINGERPRINT,
        };
        if visible {
            match kind {
                AttributeType::MESSAGE_INTEGRITY => *self = Self::Integrity,
                AttributeType::MESSAGE_INTEGRITY_SHA256 => *self = Self::IntegritySha256,
                _ => {}
            }
        }
        visible
    }
}

impl<'a> Attributes<'a> {
    /// `body` is what follows the header.
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            seal: Seal::Open,
        }
    }

    /// How many bytes of the message follow what was looked at.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }
}

/// Splits the first attribute off: type, value, and the number of bytes it takes with header and padding.
pub(crate) fn split_attribute(bytes: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let (&[t0, t1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
    let length = u16::from_be_bytes([l0, l1]);
    let (value, rest) = rest.split_at_checked(usize::from(length))?;
    let (_padding, rest) = rest.split_at_checked(padding(value.len()))?;
    let kind = AttributeType(u16::from_be_bytes([t0, t1]));
    Some((Attribute { kind, value }, rest))
}

/// A value that has exactly the length of its type.
pub(crate) fn exactly<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

/// How many bytes bring a value to the next multiple of four.
pub(crate) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 3
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        while let Some((attribute, rest)) = split_attribute(self.rest) {
            self.rest = rest;
            if self.seal.admit(attribute.kind) {
                return Some(attribute);
            }
        }
        None
    }
}

impl FusedIterator for Attributes<'_> {}
