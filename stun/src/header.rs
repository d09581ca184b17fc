use std::fmt;

/// The bytes before the first attribute (RFC 8489 §5).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |0 0|     STUN Message Type     |         Message Length        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         Magic Cookie                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     Transaction ID (96 bits)                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
pub const HEADER_LENGTH: usize = 20;

/// The magic cookie in network order (RFC 8489 §5).
pub(crate) const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Whether a datagram is STUN as far as its header tells: the two top bits are zero, the cookie stands, and the
/// length field is a multiple of four and equals what follows the header (RFC 8489 §5, RFC 7983 §7).
pub fn looks_like_stun(datagram: &[u8]) -> bool {
    Header::decode(datagram).is_ok()
}

/// The header's fields, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) class: Class,
    pub(crate) method: Method,
    pub(crate) transaction_id: TransactionId,
}

impl Header {
    pub(crate) fn decode(datagram: &[u8]) -> Result<Self, crate::DecodeError> {
        use crate::DecodeError::{Length, NotStun};
        let Some((header, body)) = datagram.split_first_chunk::<HEADER_LENGTH>() else {
            return Err(NotStun);
        };
        let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
        if t0 & 0xc0 != 0 || [c0, c1, c2, c3] != COOKIE {
            return Err(NotStun);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if !length.is_multiple_of(4) || length != body.len() {
            return Err(Length);
        }
        let (class, method) = split_type(u16::from_be_bytes([t0, t1]));
        Ok(Self {
            class,
            method,
            transaction_id: TransactionId(id),
        })
    }
}

/// What a message is for (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Asks, and gets one of the two responses.
    Request,
    /// Tells, and gets no answer.
    Indication,
    /// The request was served.
    Success,
    /// The request was refused.
    Error,
}

/// What a message is about; 12 bits (RFC 8489 §5, §18.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method(u16);

impl Method {
    /// Binding, the only method of ICE.
    pub const BINDING: Self = Self(0x001);
    /// TURN Allocate (RFC 8656 §17).
    pub const ALLOCATE: Self = Self(0x003);
    /// TURN Refresh.
    pub const REFRESH: Self = Self(0x004);
    /// TURN Send, an indication.
    pub const SEND: Self = Self(0x006);
    /// TURN Data, an indication.
    pub const DATA: Self = Self(0x007);
    /// TURN CreatePermission.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// TURN ChannelBind.
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// TURN Connect, of a TCP allocation (RFC 6062 §6.1).
    pub const CONNECT: Self = Self(0x00a);
    /// TURN ConnectionBind, of a TCP allocation.
    pub const CONNECTION_BIND: Self = Self(0x00b);
    /// TURN ConnectionAttempt, an indication of a TCP allocation.
    pub const CONNECTION_ATTEMPT: Self = Self(0x00c);

    /// A method by its number, of which the low twelve bits count.
    pub const fn new(number: u16) -> Self {
        Self(number & 0x0fff)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// 96 random bits that tie a response to its request (RFC 8489 §5). They must come from a cryptographic source:
/// they are what makes a blind forgery hopeless.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId([u8; 12]);

impl TransactionId {
    /// Makes an id from random bytes.
    pub const fn new(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The bytes as they stand in the header.
    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Interleaves class and method into the message type: `M11..M7 C1 M6..M4 C0 M3..M0` (RFC 8489 §5, figure 3).
pub(crate) const fn join_type(class: Class, method: Method) -> u16 {
    let class_bits = match class {
        Class::Request => 0,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let m = method.0;
    class_bits | (m & 0x000f) | ((m & 0x0070) << 1) | ((m & 0x0f80) << 2)
}

const fn split_type(message_type: u16) -> (Class, Method) {
    let class = match message_type & 0x0110 {
        0 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    };
    let t = message_type;
    let method = (t & 0x000f) | ((t & 0x00e0) >> 1) | ((t & 0x3e00) >> 2);
    (class, Method(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_type_survives_split_and_join() {
        for message_type in 0..0x4000 {
            let (class, method) = split_type(message_type);
            assert_eq!(join_type(class, method), message_type);
        }
        assert_eq!(split_type(0x0001), (Class::Request, Method::BINDING));
        assert_eq!(split_type(0x0111), (Class::Error, Method::BINDING));
        assert_eq!(split_type(0x0017), (Class::Indication, Method::DATA));
    }
}
