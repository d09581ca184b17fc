use super::codec::{self, DecodeError};

/// The number of a record: its epoch and its sequence number there (RFC 9147 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordNumber {
    pub(crate) epoch: u64,
    pub(crate) sequence_number: u64,
}

/// ACK (RFC 9147 §7): which records of a flight arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) numbers: Vec<RecordNumber>,
}

impl Ack {
    /// The most records that one names, in either direction; what a peer says beyond it is passed over.
    pub(crate) const MAX: usize = 32;

    /// How many fit into so many bytes.
    pub(crate) const fn fitting(bytes: usize) -> usize {
        bytes.saturating_sub(2) / 16
    }

    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let list = codec::vec16(&mut body)?;
        codec::end(body)?;
        let (entries, rest) = list.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(DecodeError::Length);
        }
        let number = |half: &[u8; 16]| {
            let value = u128::from_be_bytes(*half);
            RecordNumber {
                epoch: u64::try_from(value >> 64).unwrap_or(u64::MAX),
                sequence_number: u64::try_from(value & u128::from(u64::MAX)).unwrap_or(u64::MAX),
            }
        };
        Ok(Self {
            numbers: entries.iter().take(Self::MAX).map(number).collect(),
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<2>(buf, |buf| {
            for number in &self.numbers {
                buf.extend_from_slice(&number.epoch.to_be_bytes());
                buf.extend_from_slice(&number.sequence_number.to_be_bytes());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_truncation_and_bound() {
        let number = |sequence_number| RecordNumber {
            epoch: 2,
            sequence_number,
        };
        let ack = Ack {
            numbers: vec![number(0), number(u64::MAX)],
        };
        let mut buf = Vec::new();
        ack.encode(&mut buf);
        assert_eq!(buf.len(), 2 + 2 * 16);
        assert_eq!(Ack::decode(&buf), Ok(ack));
        for end in 0..buf.len() {
            assert!(Ack::decode(&buf[..end]).is_err());
        }
        assert_eq!(Ack::decode(&[0, 0]), Ok(Ack::default()));
        assert!(Ack::decode(&[0, 1, 0]).is_err());
        let many = Ack {
            numbers: (0..40).map(number).collect(),
        };
        buf.clear();
        many.encode(&mut buf);
        assert_eq!(Ack::decode(&buf).unwrap().numbers, many.numbers[..32]);
    }
}
