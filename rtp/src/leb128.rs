//! Numbers of variable length, seven bits to an octet, the lowest first (AV1 bitstream §4.10.5).

use crate::payload::PayloadError;

/// The most octets of a number (AV1 bitstream §4.10.5).
const MAX_LEN: usize = 8;

/// Takes a number from the front of `buf`: 8 octets and 32 bits at most.
///
/// # Errors
///
/// [`PayloadError::Truncated`] if it does not end, [`PayloadError::Value`] if it is larger.
pub fn decode(buf: &mut &[u8]) -> Result<usize, PayloadError> {
    let mut value = 0_u64;
    for place in 0..MAX_LEN {
        let octet = buf.split_off_first().ok_or(PayloadError::Truncated)?;
        value |= u64::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            // "It is a requirement [...] that the value is at most (1 << 32) - 1" (§4.10.5).
            let value = u32::try_from(value).map_err(|_| PayloadError::Value)?;
            return usize::try_from(value).map_err(|_| PayloadError::Value);
        }
    }
    Err(PayloadError::Value)
}

/// Appends a number in as few octets as it takes.
pub fn encode(mut value: usize, buf: &mut Vec<u8>) {
    while value > 0x7f {
        buf.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    buf.push(value as u8);
}

/// The octets that [`encode`] appends.
pub const fn encoded_len(value: usize) -> usize {
    let bits = (usize::BITS - value.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for value in [0, 1, 127, 128, 16_383, 16_384, 4 << 20, 0xffff_ffff] {
            let mut written = Vec::new();
            encode(value, &mut written);
            assert_eq!(written.len(), encoded_len(value));
            let mut rest = &written[..];
            assert_eq!(decode(&mut rest), Ok(value));
            assert!(rest.is_empty());
            for len in 0..written.len() {
                assert_eq!(decode(&mut &written[..len]), Err(PayloadError::Truncated));
            }
        }
    }

    #[test]
    fn numbers_of_33_bits_or_9_octets_are_refused() {
        assert_eq!(decode(&mut &[0xff; 9][..]), Err(PayloadError::Value));
        let large = [0x80, 0x80, 0x80, 0x80, 0x10];
        assert_eq!(decode(&mut &large[..]), Err(PayloadError::Value));
        let padded = [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(decode(&mut &padded[..]), Ok(1));
    }
}
