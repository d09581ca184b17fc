use std::net::SocketAddr;
use std::ops::Range;

use crate::attribute::{Seal, padding, split_attribute};
use crate::header::Header;
use crate::{
    Attribute, AttributeType, Attributes, Class, DecodeError, ErrorCode, HEADER_LENGTH,
    IntegrityKey, Method, TransactionId, address, fingerprint,
};

/// The most attributes a message may have, hidden ones included; ICE uses nine. More are refused while decoding,
/// so that no later pass over the attributes can be made expensive.
pub const MAX_ATTRIBUTES: usize = 64;

/// RFC 8489 §14.3: "The value of USERNAME … MUST contain a UTF-8-encoded sequence of fewer than 509 bytes".
pub(crate) const MAX_USERNAME: usize = 508;

/// RFC 8489 §14.9: REALM "MUST be a UTF-8 encoded sequence of fewer than 128 characters (which can be as long as 509
/// bytes when encoding them and as long as 763 bytes when decoding them)"; the same of NONCE and SOFTWARE.
pub(crate) const MAX_TEXT: usize = 763;
pub(crate) const MAX_TEXT_CHARACTERS: usize = 127;

/// A decoded message, read where it stands: nothing is copied or allocated.
///
/// Decoding checks the header and the bounds of each attribute. The value of an attribute is checked when it is
/// asked for: `Ok(None)` means that it is absent, `Err` that it is there and malformed. Of a repeated attribute
/// the first counts (RFC 8489 §14).
///
/// **Nothing that a getter returns is authentic before [`verify_integrity`](Self::verify_integrity) said so**; and
/// what follows the integrity attribute cannot be got at all.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    integrity: Option<Tag<'a>>,
    integrity_sha256: Option<Tag<'a>>,
    fingerprint: Option<Tag<'a>>,
}

/// An attribute that protects what precedes it.
#[derive(Clone, Copy, Debug)]
struct Tag<'a> {
    /// Where its header begins, from the start of the message.
    at: usize,
    value: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message that fills the datagram.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header = Header::decode(bytes)?;
        let mut message = Self {
            bytes,
            header,
            integrity: None,
            integrity_sha256: None,
            fingerprint: None,
        };
        let mut rest = message.body();
        let mut seal = Seal::Open;
        let mut count = 0_usize;
        while !rest.is_empty() {
            if message.fingerprint.is_some() {
                return Err(DecodeError::AfterFingerprint);
            }
            count = count.saturating_add(1);
            if count > MAX_ATTRIBUTES {
                return Err(DecodeError::TooManyAttributes);
            }
            let at = bytes.len().saturating_sub(rest.len());
            let (Attribute { kind, value }, after) =
                split_attribute(rest).ok_or(DecodeError::Truncated)?;
            rest = after;
            if seal.admit(kind) {
                message.note_tag(kind, Tag { at, value })?;
            }
        }
        Ok(message)
    }

    /// Remembers the three attributes that protect others, with the lengths they must have.
    fn note_tag(&mut self, kind: AttributeType, tag: Tag<'a>) -> Result<(), DecodeError> {
        let length = tag.value.len();
        let (slot, valid) = match kind {
            AttributeType::MESSAGE_INTEGRITY => (&mut self.integrity, length == 20),
            // RFC 8489 §14.6: at least 16 bytes, at most 32, a multiple of four.
            AttributeType::MESSAGE_INTEGRITY_SHA256 => (
                &mut self.integrity_sha256,
                (16..=32).contains(&length) && length.is_multiple_of(4),
            ),
            AttributeType::FINGERPRINT => (&mut self.fingerprint, length == 4),
            _ => return Ok(()),
        };
        if !valid {
            return Err(DecodeError::Attribute(kind));
        }
        *slot = Some(tag);
        Ok(())
    }

    /// What the message is for.
    pub const fn class(&self) -> Class {
        self.header.class
    }

    /// What it is about.
    pub const fn method(&self) -> Method {
        self.header.method
    }

    /// What ties response and request together.
    pub const fn transaction_id(&self) -> TransactionId {
        self.header.transaction_id
    }

    /// The whole message.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The attributes that may be looked at: after MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256 and
    /// FINGERPRINT appear, after MESSAGE-INTEGRITY-SHA256 only FINGERPRINT (RFC 8489 §14.5, §14.6). Repeated
    /// attributes all appear.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body())
    }

    /// The value of the first visible attribute of a type.
    pub fn attribute(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.attributes()
            .find(|attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// Where the value of the first visible attribute of a type stands in [`bytes`](Self::bytes): for whoever holds
    /// the buffer and wants to work on the value in place.
    pub fn attribute_range(&self, kind: AttributeType) -> Option<Range<usize>> {
        let mut attributes = self.attributes();
        let value = attributes.find(|attribute| attribute.kind == kind)?.value;
        let after = self.bytes.len().checked_sub(attributes.remaining())?;
        let end = after.checked_sub(padding(value.len()))?;
        Some(end.checked_sub(value.len())?..end)
    }

    /// The comprehension-required attributes that `known` does not name, each once, in order. A request that has
    /// any is answered with 420, a response with any fails its transaction (RFC 8489 §6.3.1, §6.3.3).
    pub fn unknown_required<'k>(
        &self,
        known: &'k [AttributeType],
    ) -> impl Iterator<Item = AttributeType> + use<'a, 'k> {
        let earlier = self.attributes();
        self.attributes()
            .enumerate()
            .map(|(index, attribute)| (index, attribute.kind))
            .filter(move |&(index, kind)| {
                kind.is_comprehension_required()
                    && !known.contains(&kind)
                    && !earlier.clone().take(index).any(|other| other.kind == kind)
            })
            .map(|(_, kind)| kind)
    }

    /// A text attribute: fewer than 128 characters and at most 763 bytes of UTF-8 (RFC 8489 §14.9, §14.10, §14.14).
    fn text(&self, kind: AttributeType) -> Result<Option<&'a str>, DecodeError> {
        self.read(kind, |value| {
            (value.len() <= MAX_TEXT)
                .then(|| str::from_utf8(value).ok())
                .flatten()
                .filter(|text| text.chars().nth(MAX_TEXT_CHARACTERS).is_none())
        })
    }

    /// REALM (RFC 8489 §14.9).
    pub fn realm(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::REALM)
    }

    /// NONCE (RFC 8489 §14.10).
    pub fn nonce(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::NONCE)
    }

    /// SOFTWARE (RFC 8489 §14.14).
    pub fn software(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::SOFTWARE)
    }

    /// USERHASH (RFC 8489 §14.4).
    pub fn userhash(&self) -> Result<Option<&'a [u8; 32]>, DecodeError> {
        self.read(AttributeType::USERHASH, |value| value.try_into().ok())
    }

    /// ALTERNATE-SERVER, which goes with a 300 (RFC 8489 §14.15).
    pub fn alternate_server(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.plain_address(AttributeType::ALTERNATE_SERVER)
    }

    /// ALTERNATE-DOMAIN: the name to check the certificate of the alternate server against (RFC 8489 §14.16).
    pub fn alternate_domain(&self) -> Result<Option<&'a str>, DecodeError> {
        self.read(AttributeType::ALTERNATE_DOMAIN, |value| {
            let is_name = !value.is_empty() && value.len() <= 255 && value.is_ascii();
            is_name.then(|| str::from_utf8(value).ok()).flatten()
        })
    }

    /// MAPPED-ADDRESS, of servers older than RFC 5389 (RFC 8489 §14.1).
    pub fn mapped_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.plain_address(AttributeType::MAPPED_ADDRESS)
    }

    pub(crate) fn plain_address(
        &self,
        kind: AttributeType,
    ) -> Result<Option<SocketAddr>, DecodeError> {
        self.read(kind, address::decode)
    }

    pub(crate) fn xor_address(
        &self,
        kind: AttributeType,
    ) -> Result<Option<SocketAddr>, DecodeError> {
        self.read(kind, |value| {
            address::decode_xor(value, &self.header.transaction_id)
        })
    }

    /// USERNAME (RFC 8489 §14.3).
    pub fn username(&self) -> Result<Option<&'a str>, DecodeError> {
        self.read(AttributeType::USERNAME, |value| {
            (value.len() <= MAX_USERNAME)
                .then(|| str::from_utf8(value).ok())
                .flatten()
        })
    }

    /// PRIORITY (RFC 8445 §7.1.1).
    pub fn priority(&self) -> Result<Option<u32>, DecodeError> {
        self.read(AttributeType::PRIORITY, |value| {
            value.try_into().ok().map(u32::from_be_bytes)
        })
    }

    /// Whether USE-CANDIDATE is there (RFC 8445 §7.1.2).
    pub fn use_candidate(&self) -> Result<bool, DecodeError> {
        self.read(AttributeType::USE_CANDIDATE, |value| {
            value.is_empty().then_some(())
        })
        .map(|found| found.is_some())
    }

    /// The tie-breaker of ICE-CONTROLLING (RFC 8445 §7.1.3).
    pub fn ice_controlling(&self) -> Result<Option<u64>, DecodeError> {
        self.read(AttributeType::ICE_CONTROLLING, |value| {
            value.try_into().ok().map(u64::from_be_bytes)
        })
    }

    /// TRANSACTION_TRANSMIT_COUNTER (RFC 7982 §3.1): how often the request was sent, and how often its response.
    /// `None` also when it is malformed: nothing but a measurement hangs on it.
    pub fn transmit_counter(&self) -> Option<(u8, u8)> {
        match self.attribute(AttributeType::TRANSACTION_TRANSMIT_COUNTER)? {
            &[_, _, requests, responses] => Some((requests, responses)),
            _ => None,
        }
    }

    /// The tie-breaker of ICE-CONTROLLED (RFC 8445 §7.1.3).
    pub fn ice_controlled(&self) -> Result<Option<u64>, DecodeError> {
        self.read(AttributeType::ICE_CONTROLLED, |value| {
            value.try_into().ok().map(u64::from_be_bytes)
        })
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    pub fn xor_mapped_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.xor_address(AttributeType::XOR_MAPPED_ADDRESS)
    }

    /// ERROR-CODE (RFC 8489 §14.8).
    pub fn error_code(&self) -> Result<Option<ErrorCode>, DecodeError> {
        self.read(AttributeType::ERROR_CODE, |value| {
            let (&[_, _, class, number], _reason) = value.split_first_chunk::<4>()?;
            ErrorCode::from_wire(class, number)
        })
    }

    /// The types listed in UNKNOWN-ATTRIBUTES (RFC 8489 §14.13); empty when it is absent.
    pub fn unknown_attributes(&self) -> impl Iterator<Item = AttributeType> + use<'a> {
        let value = self
            .attribute(AttributeType::UNKNOWN_ATTRIBUTES)
            .unwrap_or_default();
        let (pairs, _odd) = value.as_chunks::<2>();
        pairs
            .iter()
            .map(|&pair| AttributeType(u16::from_be_bytes(pair)))
    }

    /// Whether MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 is there.
    pub const fn has_integrity(&self) -> bool {
        self.integrity.is_some() || self.integrity_sha256.is_some()
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is there.
    pub const fn has_integrity_sha256(&self) -> bool {
        self.integrity_sha256.is_some()
    }

    /// Whether the message was made by a holder of the key, compared in constant time; `false` when there is no
    /// integrity attribute. When both are there, both must be right.
    pub fn verify_integrity(&self, key: &IntegrityKey) -> bool {
        if !self.has_integrity() {
            return false;
        }
        let sha1 = self.integrity.is_none_or(|tag| {
            let length = self.length_up_to(&tag);
            key.verify_sha1(self.protected(&tag, &length), tag.value)
        });
        let sha256 = self.integrity_sha256.is_none_or(|tag| {
            let length = self.length_up_to(&tag);
            key.verify_sha256(self.protected(&tag, &length), tag.value)
        });
        sha1 && sha256
    }

    /// Whether FINGERPRINT is there.
    pub const fn has_fingerprint(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Whether FINGERPRINT is there and right (RFC 8489 §14.7).
    pub fn verify_fingerprint(&self) -> bool {
        self.fingerprint.is_some_and(|tag| {
            let before = self.bytes.get(..tag.at).unwrap_or_default();
            tag.value == fingerprint::fingerprint(before).to_be_bytes()
        })
    }

    /// The length field as it stood when the tag was computed: it ends with the tag (RFC 8489 §14.5).
    fn length_up_to(&self, tag: &Tag<'_>) -> [u8; 2] {
        let end = tag.at.saturating_add(4).saturating_add(tag.value.len());
        let length = end.saturating_sub(HEADER_LENGTH);
        u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
    }

    /// The bytes under a tag, with the length field replaced.
    fn protected<'t>(&self, tag: &Tag<'_>, length: &'t [u8; 2]) -> [&'t [u8]; 3]
    where
        'a: 't,
    {
        let before: &'a [u8] = self.bytes.get(..tag.at).unwrap_or_default();
        let (message_type, rest) = before.split_at_checked(2).unwrap_or_default();
        let rest = rest.get(2..).unwrap_or_default();
        [message_type, length, rest]
    }

    fn body(&self) -> &'a [u8] {
        self.bytes.get(HEADER_LENGTH..).unwrap_or_default()
    }

    pub(crate) fn read<T>(
        &self,
        kind: AttributeType,
        parse: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<Option<T>, DecodeError> {
        match self.attribute(kind) {
            None => Ok(None),
            Some(value) => parse(value).map(Some).ok_or(DecodeError::Attribute(kind)),
        }
    }
}
