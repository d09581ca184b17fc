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
    /// RFC 8489 §14.3
    USERNAME = 0x0006, "USERNAME";
    /// RFC 8489 §14.5
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    /// RFC 8489 §14.8
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// RFC 8489 §14.13
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES";
    /// RFC 8489 §14.9
    REALM = 0x0014, "REALM";
    /// RFC 8489 §14.10
    NONCE = 0x0015, "NONCE";
    /// RFC 8489 §14.6
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MESSAGE-INTEGRITY-SHA256";
    /// RFC 8489 §14.2
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// RFC 8445 §16.1
    PRIORITY = 0x0024, "PRIORITY";
    /// RFC 8445 §16.1
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    /// RFC 8489 §14.14
    SOFTWARE = 0x8022, "SOFTWARE";
    /// RFC 8489 §14.7
    FINGERPRINT = 0x8028, "FINGERPRINT";
    /// RFC 8445 §16.1
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// RFC 8445 §16.1
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING";
    /// A generation counter of nominations (draft-thatcher-ice-renomination).
    NOMINATION = 0xc001, "NOMINATION";
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
