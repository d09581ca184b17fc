use std::net::SocketAddr;

use crate::attribute::padding;
use crate::header::{COOKIE, join_type};
use crate::message::{MAX_TEXT, MAX_TEXT_CHARACTERS, MAX_USERNAME};
use crate::{
    AttributeType, Class, EncodeError, ErrorCode, HEADER_LENGTH, IntegrityKey, MAX_ATTRIBUTES,
    Message, Method, TransactionId, address, fingerprint,
};

/// Appends one message to a buffer; what the buffer already holds is neither read nor changed.
///
/// Attributes are written in the order of the calls, padding bytes are zero, and the header's length is right
/// after each of them. [`integrity`](Self::integrity) ends the list, so nothing can follow it by mistake.
/// A message that outgrows the format is reported by `finish`, and the buffer is cut back to where it began.
#[derive(Debug)]
#[must_use = "a message is complete only after `finish`"]
pub struct MessageBuilder<'b> {
    buf: &'b mut Vec<u8>,
    start: usize,
    id: TransactionId,
    attributes: usize,
    too_long: bool,
}

impl<'b> MessageBuilder<'b> {
    /// Writes the header.
    pub fn new(buf: &'b mut Vec<u8>, class: Class, method: Method, id: TransactionId) -> Self {
        let start = buf.len();
        buf.extend_from_slice(&join_type(class, method).to_be_bytes());
        buf.extend_from_slice(&[0, 0]);
        buf.extend_from_slice(&COOKIE);
        buf.extend_from_slice(id.bytes());
        Self {
            buf,
            start,
            id,
            attributes: 0,
            too_long: false,
        }
    }

    /// The header of the response to a request.
    pub fn response_to(buf: &'b mut Vec<u8>, class: Class, request: &Message<'_>) -> Self {
        Self::new(buf, class, request.method(), request.transaction_id())
    }

    /// The whole 420 to a request that has comprehension-required attributes which `known` does not name, or
    /// nothing when it has none (RFC 8489 §6.3.1). It is never longer than the request: an attribute takes four
    /// bytes or more there and two here.
    pub fn refuse_unknown(
        buf: &'b mut Vec<u8>,
        request: &Message<'_>,
        known: &[AttributeType],
    ) -> Option<Self> {
        let mut unknown = request.unknown_required(known).peekable();
        unknown.peek()?;
        let mut builder = Self::response_to(buf, Class::Error, request);
        builder
            .error_code(ErrorCode::UNKNOWN_ATTRIBUTE.get())
            .unknown_attributes(unknown);
        Some(builder)
    }

    /// Any attribute.
    pub fn attribute(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        self.attributes = self.attributes.saturating_add(1);
        let Ok(length) = u16::try_from(value.len()) else {
            self.too_long = true;
            return self;
        };
        if self.too_long || self.attributes > MAX_ATTRIBUTES {
            self.too_long = true;
            return self;
        }
        self.buf.extend_from_slice(&kind.0.to_be_bytes());
        self.buf.extend_from_slice(&length.to_be_bytes());
        self.buf.extend_from_slice(value);
        let padded = self.buf.len().saturating_add(padding(value.len()));
        self.buf.resize(padded, 0);
        self.set_length(0);
        self
    }

    /// USERNAME (RFC 8489 §14.3), at most 508 bytes.
    pub fn username(&mut self, username: &str) -> &mut Self {
        self.too_long |= username.len() > MAX_USERNAME;
        self.attribute(AttributeType::USERNAME, username.as_bytes())
    }

    /// PRIORITY (RFC 8445 §7.1.1).
    pub fn priority(&mut self, priority: u32) -> &mut Self {
        self.attribute(AttributeType::PRIORITY, &priority.to_be_bytes())
    }

    /// USE-CANDIDATE (RFC 8445 §7.1.2).
    pub fn use_candidate(&mut self) -> &mut Self {
        self.attribute(AttributeType::USE_CANDIDATE, &[])
    }

    /// ICE-CONTROLLING with the tie-breaker (RFC 8445 §7.1.3).
    pub fn ice_controlling(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(AttributeType::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    /// ICE-CONTROLLED with the tie-breaker (RFC 8445 §7.1.3).
    pub fn ice_controlled(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(AttributeType::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// TRANSACTION_TRANSMIT_COUNTER (RFC 7982 §3.1): which sending of the request this is or answers, and, in a
    /// response, which sending of the response.
    pub fn transmit_counter(&mut self, requests: u8, responses: u8) -> &mut Self {
        let value = [0, 0, requests, responses];
        self.attribute(AttributeType::TRANSACTION_TRANSMIT_COUNTER, &value)
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    pub fn xor_mapped_address(&mut self, address: SocketAddr) -> &mut Self {
        self.xor_address(AttributeType::XOR_MAPPED_ADDRESS, address)
    }

    pub(crate) fn xor_address(&mut self, kind: AttributeType, address: SocketAddr) -> &mut Self {
        let (value, length) = address::encode_xor(address, &self.id);
        let value = value.get(..length).unwrap_or_default();
        self.attribute(kind, value)
    }

    pub(crate) fn plain_address(&mut self, kind: AttributeType, address: SocketAddr) -> &mut Self {
        self.attribute(kind, &address::encode(address))
    }

    /// A text attribute; one that is longer than RFC 8489 allows makes the message [`EncodeError::TooLong`].
    fn text(&mut self, kind: AttributeType, text: &str) -> &mut Self {
        let is_long = text.len() > MAX_TEXT || text.chars().nth(MAX_TEXT_CHARACTERS).is_some();
        self.too_long |= is_long;
        self.attribute(kind, text.as_bytes())
    }

    /// REALM (RFC 8489 §14.9).
    pub fn realm(&mut self, realm: &str) -> &mut Self {
        self.text(AttributeType::REALM, realm)
    }

    /// NONCE (RFC 8489 §14.10).
    pub fn nonce(&mut self, nonce: &str) -> &mut Self {
        self.text(AttributeType::NONCE, nonce)
    }

    /// SOFTWARE (RFC 8489 §14.14), which tells an attacker what to attack and costs bytes in every message.
    pub fn software(&mut self, software: &str) -> &mut Self {
        self.text(AttributeType::SOFTWARE, software)
    }

    /// USERHASH (RFC 8489 §14.4): see [`userhash`](crate::userhash).
    pub fn userhash(&mut self, userhash: &[u8; 32]) -> &mut Self {
        self.attribute(AttributeType::USERHASH, userhash)
    }

    /// MAPPED-ADDRESS (RFC 8489 §14.1), for clients older than RFC 5389.
    pub fn mapped_address(&mut self, address: SocketAddr) -> &mut Self {
        self.plain_address(AttributeType::MAPPED_ADDRESS, address)
    }

    /// ALTERNATE-SERVER, which goes with a 300 (RFC 8489 §14.15).
    pub fn alternate_server(&mut self, address: SocketAddr) -> &mut Self {
        self.plain_address(AttributeType::ALTERNATE_SERVER, address)
    }

    /// ALTERNATE-DOMAIN (RFC 8489 §14.16).
    pub fn alternate_domain(&mut self, domain: &str) -> &mut Self {
        self.too_long |= domain.len() > 255;
        self.attribute(AttributeType::ALTERNATE_DOMAIN, domain.as_bytes())
    }

    /// ERROR-CODE without a reason phrase, which nobody but a human would read and which only helps an
    /// amplifier (RFC 8489 §14.8). `code` is 300 to 699; anything else is written as 500.
    pub fn error_code(&mut self, code: u16) -> &mut Self {
        let code = if (300..700).contains(&code) {
            code
        } else {
            500
        };
        let [_, class] = code.wrapping_div(100).to_be_bytes();
        let [_, number] = code.wrapping_rem(100).to_be_bytes();
        self.attribute(AttributeType::ERROR_CODE, &[0, 0, class, number])
    }

    /// UNKNOWN-ATTRIBUTES, which goes with a 420 (RFC 8489 §14.13).
    pub fn unknown_attributes(
        &mut self,
        kinds: impl IntoIterator<Item = AttributeType>,
    ) -> &mut Self {
        let value: Vec<u8> = kinds
            .into_iter()
            .flat_map(|kind| kind.0.to_be_bytes())
            .collect();
        self.attribute(AttributeType::UNKNOWN_ATTRIBUTES, &value)
    }

    /// Ends the list with MESSAGE-INTEGRITY, an HMAC-SHA1 (RFC 8489 §14.5).
    pub fn integrity(mut self, key: &IntegrityKey) -> Sealed<'b> {
        self.set_length(24);
        let tag = key.sha1([self.message()]);
        self.attribute(AttributeType::MESSAGE_INTEGRITY, &tag);
        Sealed { builder: self }
    }

    /// Ends the list with MESSAGE-INTEGRITY-SHA256 alone (RFC 8489 §14.6).
    pub fn integrity_sha256(self, key: &IntegrityKey) -> Sealed<'b> {
        Sealed { builder: self }.integrity_sha256(key)
    }

    /// Ends the message with FINGERPRINT and without integrity.
    pub fn fingerprint(self) -> Sealed<'b> {
        Sealed { builder: self }.fingerprint()
    }

    /// Ends the message as it is.
    pub fn finish(self) -> Result<(), EncodeError> {
        let length = self.message().len().saturating_sub(HEADER_LENGTH);
        if self.too_long || length > usize::from(u16::MAX) {
            self.buf.truncate(self.start);
            return Err(EncodeError::TooLong);
        }
        Ok(())
    }

    /// How long the message is so far, header included.
    pub fn length(&self) -> usize {
        self.message().len()
    }

    fn message(&self) -> &[u8] {
        self.buf.get(self.start..).unwrap_or_default()
    }

    /// Sets the length field to what is there and `upcoming` bytes more.
    fn set_length(&mut self, upcoming: usize) {
        let body = self.message().len().saturating_sub(HEADER_LENGTH);
        let Ok(length) = u16::try_from(body.saturating_add(upcoming)) else {
            self.too_long = true;
            return;
        };
        let at = self.start.saturating_add(2);
        if let Some(field) = self
            .buf
            .get_mut(at..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *field = length.to_be_bytes();
        }
    }
}

/// A message whose attributes are protected: only what RFC 8489 §14.5 allows may follow.
#[derive(Debug)]
#[must_use = "a message is complete only after `finish`"]
pub struct Sealed<'b> {
    builder: MessageBuilder<'b>,
}

impl Sealed<'_> {
    /// Adds MESSAGE-INTEGRITY-SHA256 with all 32 bytes (RFC 8489 §14.6).
    pub fn integrity_sha256(mut self, key: &IntegrityKey) -> Self {
        self.builder.set_length(36);
        let tag = key.sha256([self.builder.message()]);
        self.builder
            .attribute(AttributeType::MESSAGE_INTEGRITY_SHA256, &tag);
        self
    }

    /// Adds FINGERPRINT (RFC 8489 §14.7).
    pub fn fingerprint(mut self) -> Self {
        self.builder.set_length(8);
        let value = fingerprint::fingerprint(self.builder.message());
        self.builder
            .attribute(AttributeType::FINGERPRINT, &value.to_be_bytes());
        self
    }

    /// Ends the message.
    pub fn finish(self) -> Result<(), EncodeError> {
        self.builder.finish()
    }
}
