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
/// Everything in RTCP is made of words of four octets, and so is the body here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The five bits behind the padding bit: a count, a subtype or a feedback format.
    pub(crate) count: u8,
    pub(crate) packet_type: u8,
    pub(crate) body: &'a [[u8; 4]],
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
        let octets = buf.split_off(..length).ok_or(DecodeError::Truncated)?;
        let (mut body, _) = octets.as_chunks::<4>();
        if first & 0x20 != 0 {
            let is_last = buf.is_empty();
            let padding = body
                .last()
                .map_or(0, |&[_, _, _, count]| usize::from(count));
            body = body
                .len()
                .checked_sub(padding / 4)
                .and_then(|kept| body.get(..kept))
                .filter(|_| is_last && padding > 0 && padding.is_multiple_of(4))
                .ok_or(DecodeError::Padding)?;
        }
        Ok(Self {
            count: first & 0x1f,
            packet_type,
            body,
        })
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
