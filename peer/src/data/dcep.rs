//! The messages of the Data Channel Establishment Protocol (RFC 8832 §5).

use bytes::{Buf, BufMut, TryGetError};

/// Why bytes are not a DCEP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends before its fields do.
    #[error("truncated")]
    Truncated,
    /// Bytes follow the last field.
    #[error("trailing bytes")]
    Length,
    /// The label or the protocol is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// The message type is not one of RFC 8832 §8.2.1.
    #[error("unknown message type")]
    MessageType,
    /// The channel type is not one of RFC 8832 §8.2.2.
    #[error("unknown channel type")]
    ChannelType,
}

impl From<TryGetError> for DecodeError {
    fn from(_: TryGetError) -> Self {
        Self::Truncated
    }
}

/// How long the sender keeps trying to deliver a message (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reliability {
    /// Until it is delivered.
    Reliable,
    /// At most so many retransmissions.
    MaxRetransmits(u32),
    /// At most so many milliseconds.
    MaxLifetime(u32),
}

/// A DCEP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Opens a channel on the stream that carries it.
    Open(Open),
    /// Confirms the OPEN of the stream that carries it.
    Ack,
}

/// DATA_CHANNEL_OPEN (RFC 8832 §5.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Message Type |  Channel Type |            Priority           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Reliability Parameter                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Label Length          |       Protocol Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                             Label                             |
/// |                            Protocol                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Whether messages arrive in the order of sending.
    pub ordered: bool,
    /// How long the sender tries.
    pub reliability: Reliability,
    /// 128 below normal, 256 normal, 512 high, 1024 extra high (RFC 8831 §6.4).
    pub priority: u16,
    /// The name of the channel; at most 65,535 bytes.
    pub label: String,
    /// The subprotocol, or empty; at most 65,535 bytes.
    pub protocol: String,
}

impl Message {
    /// Reads one message, which must fill `buf`.
    pub fn decode(mut buf: &[u8]) -> Result<Self, DecodeError> {
        match buf.try_get_u8()? {
            DATA_CHANNEL_ACK => Ok(Self::Ack),
            DATA_CHANNEL_OPEN => Open::decode_body(buf).map(Self::Open),
            _ => Err(DecodeError::MessageType),
        }
    }

    /// Appends the message to `buf`.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        match self {
            Self::Ack => buf.put_u8(DATA_CHANNEL_ACK),
            Self::Open(open) => open.encode(buf),
        }
    }
}

impl Open {
    fn decode_body(mut buf: &[u8]) -> Result<Self, DecodeError> {
        let channel_type = buf.try_get_u8()?;
        let priority = buf.try_get_u16()?;
        let parameter = buf.try_get_u32()?;
        let label_length = usize::from(buf.try_get_u16()?);
        let protocol_length = usize::from(buf.try_get_u16()?);
        let reliability = match channel_type & !UNORDERED {
            RELIABLE => Reliability::Reliable,
            PARTIAL_RELIABLE_REXMIT => Reliability::MaxRetransmits(parameter),
            PARTIAL_RELIABLE_TIMED => Reliability::MaxLifetime(parameter),
            _ => return Err(DecodeError::ChannelType),
        };
        let label = text(&mut buf, label_length)?;
        let protocol = text(&mut buf, protocol_length)?;
        if !buf.is_empty() {
            return Err(DecodeError::Length);
        }
        Ok(Self {
            ordered: channel_type & UNORDERED == 0,
            reliability,
            priority,
            label,
            protocol,
        })
    }

    fn encode(&self, buf: &mut Vec<u8>) {
        let (channel_type, parameter) = match self.reliability {
            Reliability::Reliable => (RELIABLE, 0),
            Reliability::MaxRetransmits(count) => (PARTIAL_RELIABLE_REXMIT, count),
            Reliability::MaxLifetime(milliseconds) => (PARTIAL_RELIABLE_TIMED, milliseconds),
        };
        let order = if self.ordered { 0 } else { UNORDERED };
        buf.put_u8(DATA_CHANNEL_OPEN);
        buf.put_u8(channel_type | order);
        buf.put_u16(self.priority);
        buf.put_u32(parameter);
        // A text beyond the field cannot be written: `create_data_channel` refuses it.
        let label = clipped(&self.label);
        let protocol = clipped(&self.protocol);
        buf.put_u16(label.len() as u16);
        buf.put_u16(protocol.len() as u16);
        buf.put_slice(label);
        buf.put_slice(protocol);
    }
}

fn text(buf: &mut &[u8], length: usize) -> Result<String, DecodeError> {
    let bytes = buf.split_off(..length).ok_or(DecodeError::Truncated)?;
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| DecodeError::Utf8)
}

fn clipped(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes)
}

const DATA_CHANNEL_ACK: u8 = 0x02;
const DATA_CHANNEL_OPEN: u8 = 0x03;
const RELIABLE: u8 = 0x00;
const PARTIAL_RELIABLE_REXMIT: u8 = 0x01;
const PARTIAL_RELIABLE_TIMED: u8 = 0x02;
const UNORDERED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    /// The OPEN of a channel "a" as RFC 8832 §5.1 draws it: reliable, ordered, priority 256.
    const OPEN_A: &[u8] = &[3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'a'];

    fn open() -> Open {
        Open {
            ordered: true,
            reliability: Reliability::Reliable,
            priority: 256,
            label: "a".into(),
            protocol: String::new(),
        }
    }

    #[test]
    fn an_open_is_read_and_written_byte_for_byte() {
        let message = Message::Open(open());
        assert_eq!(Message::decode(OPEN_A), Ok(message.clone()));
        let mut buf = vec![0xaa];
        message.encode(&mut buf);
        assert_eq!(buf[0], 0xaa);
        assert_eq!(&buf[1..], OPEN_A);
    }

    #[test]
    fn every_truncation_of_an_open_is_an_error() {
        for length in 0..OPEN_A.len() {
            assert_eq!(
                Message::decode(&OPEN_A[..length]),
                Err(DecodeError::Truncated)
            );
        }
    }

    #[test]
    fn an_ack_is_one_byte() {
        assert_eq!(Message::decode(&[2]), Ok(Message::Ack));
        let mut buf = Vec::new();
        Message::Ack.encode(&mut buf);
        assert_eq!(buf, [2]);
    }

    #[test]
    fn lying_lengths_unknown_types_and_bad_text_are_errors() {
        assert_eq!(
            Message::decode(&[3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]),
            Err(DecodeError::Truncated)
        );
        assert_eq!(Message::decode(&[0x77]), Err(DecodeError::MessageType));
        assert_eq!(
            Message::decode(&[3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            Err(DecodeError::ChannelType)
        );
        assert_eq!(
            Message::decode(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe]),
            Err(DecodeError::Utf8)
        );
        let mut long = OPEN_A.to_vec();
        long.push(0);
        assert_eq!(Message::decode(&long), Err(DecodeError::Length));
    }

    proptest::proptest! {
        #[test]
        fn an_open_survives_the_round_trip(
            ordered: bool,
            kind in 0..3u8,
            parameter: u32,
            priority: u16,
            label in ".{0,40}",
            protocol in ".{0,40}",
        ) {
            let reliability = match kind {
                0 => Reliability::Reliable,
                1 => Reliability::MaxRetransmits(parameter),
                _ => Reliability::MaxLifetime(parameter),
            };
            let message = Message::Open(Open { ordered, reliability, priority, label, protocol });
            let mut buf = Vec::new();
            message.encode(&mut buf);
            proptest::prop_assert_eq!(Message::decode(&buf), Ok(message));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Message::decode(&bytes);
        }
    }
}
