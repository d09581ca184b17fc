use crate::payload::PayloadError;

/// Reads bits, most significant first, and never past the end.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(crate) fn bit(&mut self) -> Result<bool, PayloadError> {
        let byte = self.bytes.get(self.position / 8);
        let byte = *byte.ok_or(PayloadError::Truncated)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Ok(bit == 1)
    }

    /// The next `count` bits, 32 at most.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u32, PayloadError> {
        let end = self.position + count as usize;
        if end > self.bytes.len() * 8 {
            return Err(PayloadError::Truncated);
        }
        let mut value = 0_u64;
        let mut taken = self.position & !7;
        while taken < end {
            let octet = self.bytes.get(taken / 8).copied().unwrap_or_default();
            value = value << 8 | u64::from(octet);
            taken += 8;
        }
        // Five octets at most hold the bits; those behind and in front are cut off.
        let mask = (1_u64 << count) - 1;
        self.position = end;
        Ok((value >> (taken - end) & mask) as u32)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), PayloadError> {
        let position = self.position.saturating_add(count);
        if position > self.bytes.len().saturating_mul(8) {
            return Err(PayloadError::Truncated);
        }
        self.position = position;
        Ok(())
    }

    /// Goes on with the next whole octet, if not at one already.
    pub(crate) const fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }

    /// An unsigned Exp-Golomb number (ITU-T H.264 §9.1), of 32 leading zeros at most.
    pub(crate) fn exp_golomb(&mut self) -> Result<u32, PayloadError> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return Err(PayloadError::Value);
            }
        }
        let rest = self.bits(zeros)?;
        // zeros <= 31: 2^31 - 1 + (2^31 - 1) fits.
        Ok(((1_u32 << zeros) - 1).wrapping_add(rest))
    }

    /// A signed Exp-Golomb number (ITU-T H.264 §9.1.1).
    pub(crate) fn signed_exp_golomb(&mut self) -> Result<i64, PayloadError> {
        let code = i64::from(self.exp_golomb()?);
        Ok(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
    }
}

impl Bits<'_> {
    /// A number below `count`, 1 or more, in as few bits as it takes: `ns(n)` (AV1 bitstream §4.10.7).
    pub(crate) fn non_symmetric(&mut self, count: u32) -> Result<u32, PayloadError> {
        let width = u32::BITS - count.leading_zeros();
        let short = (1_u64 << width) - u64::from(count);
        let value = self.bits(width.saturating_sub(1))?;
        if u64::from(value) < short {
            return Ok(value);
        }
        let value = (u64::from(value) << 1) - short + u64::from(self.bit()?);
        u32::try_from(value).map_err(|_| PayloadError::Value)
    }
}

/// Writes bits, most significant first.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    buf: &'a mut Vec<u8>,
    /// The bits of the last octet that are taken, 0 to 7; 0 if a new one begins.
    used: u32,
}

impl<'a> BitWriter<'a> {
    /// A writer that appends whole octets to `buf`; the last one is filled up with zeros.
    pub(crate) const fn new(buf: &'a mut Vec<u8>) -> Self {
        Self { buf, used: 0 }
    }

    pub(crate) fn bit(&mut self, bit: bool) {
        if self.used == 0 {
            self.buf.push(0);
        }
        if let Some(last) = self.buf.last_mut() {
            *last |= u8::from(bit) << (7 - self.used);
        }
        self.used = (self.used + 1) % 8;
    }

    /// The low `count` bits of `value`, 32 at most.
    pub(crate) fn bits(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            self.bit(value >> place & 1 == 1);
        }
    }

    /// A number below `count`: see [`Bits::non_symmetric`].
    pub(crate) fn non_symmetric(&mut self, value: u32, count: u32) {
        let width = u32::BITS - count.leading_zeros();
        let short = u32::try_from((1_u64 << width) - u64::from(count)).unwrap_or(u32::MAX);
        if value < short {
            self.bits(value, width.saturating_sub(1));
        } else {
            self.bits(value.saturating_add(short), width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_numbers_read_as_the_table_of_h264_says() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let read: Vec<_> = (0..5).map(|_| bits.exp_golomb().unwrap()).collect();
        assert_eq!(read, [0, 1, 2, 3, 4]);
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let read: Vec<_> = (0..5).map(|_| bits.signed_exp_golomb().unwrap()).collect();
        assert_eq!(read, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn exp_golomb_without_end_is_an_error() {
        assert_eq!(Bits::new(&[0; 64]).exp_golomb(), Err(PayloadError::Value));
        assert_eq!(
            Bits::new(&[0; 2]).exp_golomb(),
            Err(PayloadError::Truncated)
        );
        assert_eq!(
            Bits::new(&[0, 0, 0, 1]).exp_golomb(),
            Err(PayloadError::Truncated)
        );
        let mut longest = Bits::new(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(longest.exp_golomb(), Ok(u32::MAX - 1));
    }

    #[test]
    fn skipping_past_the_end_is_an_error() {
        let mut bits = Bits::new(&[1]);
        assert_eq!(bits.skip(usize::MAX), Err(PayloadError::Truncated));
        assert_eq!(bits.skip(7), Ok(()));
        assert_eq!(bits.bit(), Ok(true));
        assert_eq!(bits.bit(), Err(PayloadError::Truncated));
    }

    #[test]
    fn numbers_below_a_count_are_read_as_they_were_written() {
        for count in 1..=40 {
            let mut octets = Vec::new();
            let mut writer = BitWriter::new(&mut octets);
            for value in 0..count {
                writer.non_symmetric(value, count);
            }
            let mut bits = Bits::new(&octets);
            for value in 0..count {
                assert_eq!(bits.non_symmetric(count), Ok(value), "{count}");
            }
            assert!(bits.skip(8).is_err());
        }
        // The example of AV1 bitstream §4.10.7: five values, three of two bits and two of three.
        let mut octets = Vec::new();
        let mut writer = BitWriter::new(&mut octets);
        writer.non_symmetric(2, 5);
        writer.non_symmetric(3, 5);
        assert_eq!(octets, [0b1011_0000]);
    }
}
