use crate::DecodeError;

/// One packet of a compound, cut out by its length field, without its padding (RFC 3550 §6.4.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  count  |  packet type  |  length in words, less one    |
/// ```
///
/// Bodies are made of words of four octets. Padding need not be: feedback of real peers is filled up octet by octet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The five bits behind the padding bit: a count, a subtype or a feedback format.
    pub(crate) count: u8,
    pub(crate) packet_type: u8,
    pub(crate) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the next packet off the front of `buf`.
    pub(crate) fn decode(buf: &mut &'a [u8]) -> Result<Self, DecodeError> {
        let &[first, packet_type, l0, l1] = buf
            .split_off(..4)
            .and_then(|head| head.first_chunk())
            .ok_or(DecodeError::Truncated)?;
        if first >> 6 != 2 {
            return Err(DecodeError::Version);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let mut body = buf.split_off(..length).ok_or(DecodeError::Truncated)?;
        if first & 0x20 != 0 {
            let padding = body.last().map_or(0, |&count| usize::from(count));
            body = body
                .len()
                .checked_sub(padding)
                .and_then(|kept| body.get(..kept))
                .filter(|_| padding > 0 && buf.is_empty())
                .ok_or(DecodeError::Padding)?;
        }
        Ok(Self {
            count: first & 0x1f,
            packet_type,
            body,
        })
    }

    /// The whole words of the body.
    pub(crate) const fn words(&self) -> &'a [[u8; 4]] {
        let (words, _) = self.body.as_chunks();
        words
    }
}

/// Appends a packet: a header with `count` (five bits), then what `body` appends, filled with zeros to a whole word.
pub(crate) fn encode(
    buf: &mut Vec<u8>,
    count: u8,
    packet_type: u8,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = buf.len();
    buf.extend_from_slice(&[0x80 | count & 0x1f, packet_type, 0, 0]);
    body(buf);
    buf.resize(start + (buf.len() - start).next_multiple_of(4), 0);
    let words = u16::try_from((buf.len() - start) / 4 - 1).unwrap_or(u16::MAX);
    if let Some(length) = buf.get_mut(start + 2..start + 4) {
        length.copy_from_slice(&words.to_be_bytes());
    }
}

/// Reads a word.
pub(crate) const fn word(octets: [u8; 4]) -> u32 {
    u32::from_be_bytes(octets)
}

/// The longest start of a text that a length of one octet can state and that does not break a character.
pub(crate) fn cut(text: &str) -> &str {
    let longest = usize::from(u8::MAX);
    (0..=longest.min(text.len()))
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}
