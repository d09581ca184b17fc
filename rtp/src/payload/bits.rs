use super::PayloadError;

/// Reads bits, most significant first, and never past the end.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn bit(&mut self) -> Result<bool, PayloadError> {
        let byte = self.bytes.get(self.position / 8);
        let byte = *byte.ok_or(PayloadError::Truncated)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Ok(bit == 1)
    }

    /// The next `count` bits, 32 at most.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32, PayloadError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Ok(value)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), PayloadError> {
        let position = self.position.saturating_add(count);
        if position > self.bytes.len().saturating_mul(8) {
            return Err(PayloadError::Truncated);
        }
        self.position = position;
        Ok(())
    }

    /// An unsigned Exp-Golomb number (ITU-T H.264 §9.1), of 32 leading zeros at most.
    pub(super) fn exp_golomb(&mut self) -> Result<u32, PayloadError> {
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
    pub(super) fn signed_exp_golomb(&mut self) -> Result<i64, PayloadError> {
        let code = i64::from(self.exp_golomb()?);
        Ok(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
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
}
