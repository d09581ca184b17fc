use super::codec::{self, DecodeError};
use crate::ConnectionId;

/// The head of a protected record of DTLS 1.3 (RFC 9147 §4).
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |0|0|1|C|S|L|E E|
/// +-+-+-+-+-+-+-+-+
/// | connection id |   C: if present; of the length that was agreed on
/// +-+-+-+-+-+-+-+-+
/// | 8 or 16 bits  |   S: the low bits of the sequence number, masked
/// +-+-+-+-+-+-+-+-+
/// | 16 bit length |   L: if present; else the record fills its datagram
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnifiedHeader {
    /// The low two bits of the epoch.
    pub(crate) epoch_bits: u8,
    /// How many bytes of connection id are there.
    pub(crate) id_length: usize,
    /// How many bytes of the sequence number are there: 1 or 2.
    pub(crate) sequence_length: usize,
    /// All of the head, in bytes.
    pub(crate) header_length: usize,
    /// What follows the head, in bytes.
    pub(crate) body_length: usize,
}

impl UnifiedHeader {
    /// The form that we write, without a connection id: a sequence number of 16 bits, and a length.
    pub(crate) const LENGTH: usize = 5;
    const FIXED: u8 = 0b0010_0000;
    const FIXED_MASK: u8 = 0b1110_0000;
    const CONNECTION_ID: u8 = 0b0001_0000;
    const LONG_SEQUENCE: u8 = 0b0000_1000;
    const WITH_LENGTH: u8 = 0b0000_0100;
    const EPOCH: u8 = 0b0000_0011;

    /// Whether a record that begins with this byte has such a head.
    pub(crate) const fn recognises(first: u8) -> bool {
        first & Self::FIXED_MASK == Self::FIXED
    }

    /// The two low bits of the epoch of a record that begins with this byte.
    pub(crate) const fn epoch_bits_of(first: u8) -> u8 {
        first & Self::EPOCH
    }

    /// Whether a record that begins with this byte has such a head with a connection id in it.
    pub(crate) const fn carries_id(first: u8) -> bool {
        Self::recognises(first) && first & Self::CONNECTION_ID != 0
    }

    /// Reads the head of the record at the beginning of `bytes`; our connection ids have `id_length` bytes.
    ///
    /// On `Err` nothing behind can be found.
    pub(crate) fn decode(mut bytes: &[u8], id_length: usize) -> Result<Self, DecodeError> {
        let whole = bytes.len();
        let buf = &mut bytes;
        let first = codec::u8(buf)?;
        if !Self::recognises(first) || Self::carries_id(first) && id_length == 0 {
            return Err(DecodeError::Value("unified header"));
        }
        let id_length = if Self::carries_id(first) {
            id_length
        } else {
            0
        };
        codec::take(buf, id_length)?;
        let sequence_length = if first & Self::LONG_SEQUENCE != 0 {
            2
        } else {
            1
        };
        codec::take(buf, sequence_length)?;
        let length = if first & Self::WITH_LENGTH != 0 {
            Some(usize::from(codec::u16(buf)?))
        } else {
            None
        };
        let header_length = whole.saturating_sub(buf.len());
        let body_length = length.unwrap_or(buf.len());
        codec::take(buf, body_length)?;
        Ok(Self {
            epoch_bits: Self::epoch_bits_of(first),
            id_length,
            sequence_length,
            header_length,
            body_length,
        })
    }

    /// Writes the head as we do, its sequence number not masked yet, into a room of the right length.
    pub(crate) fn write(
        epoch: u64,
        sequence_number: u64,
        id: &ConnectionId,
        length: u16,
        head: &mut [u8],
    ) -> Option<()> {
        let [.., epoch] = epoch.to_be_bytes();
        let [.., a, b] = sequence_number.to_be_bytes();
        let [l, m] = length.to_be_bytes();
        let (first, rest) = head.split_first_mut()?;
        *first = Self::FIXED | Self::LONG_SEQUENCE | Self::WITH_LENGTH | epoch & Self::EPOCH;
        let (room, rest) = rest.split_at_mut_checked(id.len())?;
        if !id.is_empty() {
            *first |= Self::CONNECTION_ID;
            room.copy_from_slice(id.as_bytes());
        }
        let rest: &mut [u8; 4] = rest.try_into().ok()?;
        *rest = [a, b, l, m];
        Some(())
    }

    /// The same without a connection id.
    #[cfg(test)]
    pub(crate) fn encode(epoch: u64, sequence_number: u64, length: u16) -> [u8; Self::LENGTH] {
        let mut head = [0; Self::LENGTH];
        let id = ConnectionId::EMPTY;
        Self::write(epoch, sequence_number, &id, length, &mut head).unwrap();
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_capture() {
        // EncryptedExtensions of wolfSSL (dtls.xargs.org).
        let mut bytes = vec![0x2e, 0x79, 0xfa, 0x00, 0x02, 1, 2, 3];
        let header = UnifiedHeader::decode(&bytes, 0).unwrap();
        assert_eq!(
            header,
            UnifiedHeader {
                epoch_bits: 2,
                id_length: 0,
                sequence_length: 2,
                header_length: 5,
                body_length: 2,
            }
        );
        for end in 0..7 {
            assert!(UnifiedHeader::decode(&bytes[..end], 0).is_err(), "{end}");
        }
        // Without a length the record fills its datagram; with one byte of number the head is shorter.
        bytes[0] = 0b0010_0011;
        let header = UnifiedHeader::decode(&bytes, 0).unwrap();
        assert_eq!((header.header_length, header.body_length), (2, 6));
        assert_eq!((header.epoch_bits, header.sequence_length), (3, 1));
    }

    #[test]
    fn round_trip() {
        let mut bytes = UnifiedHeader::encode(7, 0x1_2345, 3).to_vec();
        assert_eq!(bytes, [0b0010_1111, 0x23, 0x45, 0, 3]);
        bytes.extend_from_slice(&[9; 3]);
        let header = UnifiedHeader::decode(&bytes, 0).unwrap();
        assert_eq!((header.epoch_bits, header.body_length), (3, 3));
    }

    /// D-31.
    #[test]
    fn a_connection_id_stands_behind_the_first_byte() {
        let id = ConnectionId::new(&[7, 8, 9]).unwrap();
        let mut bytes = [0; UnifiedHeader::LENGTH + 3].to_vec();
        UnifiedHeader::write(7, 0x1_2345, &id, 1, &mut bytes).unwrap();
        assert_eq!(bytes, [0b0011_1111, 7, 8, 9, 0x23, 0x45, 0, 1]);
        assert_eq!(UnifiedHeader::write(7, 1, &id, 1, &mut [0; 7]), None);
        bytes.push(1);
        let header = UnifiedHeader::decode(&bytes, 3).unwrap();
        assert_eq!((header.id_length, header.header_length), (3, 8));
        for end in 0..bytes.len() {
            assert!(UnifiedHeader::decode(&bytes[..end], 3).is_err());
        }
        // One without, although there could be one.
        let header = UnifiedHeader::decode(&[0b0010_0000, 1, 2], 3).unwrap();
        assert_eq!((header.id_length, header.header_length), (0, 2));
    }

    /// Catalogue D-11.
    #[test]
    fn a_connection_id_that_nobody_agreed_on_is_an_error() {
        let bytes = [0b0011_1100, 0, 0, 0, 1, 1];
        assert!(UnifiedHeader::decode(&bytes, 0).is_err());
        assert!(UnifiedHeader::recognises(bytes[0]));
        assert!(!UnifiedHeader::recognises(22) && !UnifiedHeader::recognises(64));
    }
}
