use super::codec::{self, DecodeError};
use crate::ConnectionId;

/// What a record carries (RFC 6347 §4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
    /// What stands in front of a record of DTLS 1.2 with a connection id; the true type is sealed (RFC 9146 §4).
    Tls12Cid,
    /// DTLS 1.3 (RFC 9147 §7).
    Ack,
    /// RFC 9853 §4.
    ReturnRoutabilityCheck,
}

impl ContentType {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
            Self::Tls12Cid => 25,
            Self::Ack => 26,
            Self::ReturnRoutabilityCheck => 27,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Result<Self, DecodeError> {
        Ok(match number {
            20 => Self::ChangeCipherSpec,
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::ApplicationData,
            25 => Self::Tls12Cid,
            26 => Self::Ack,
            27 => Self::ReturnRoutabilityCheck,
            _ => return Err(DecodeError::Value("content type")),
        })
    }
}

/// The head of a DTLS 1.2 record (RFC 6347 §4.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+-------------------------------+---------------+
/// | content type  |            version            |               |
/// +---------------+-------------------------------+---------------+
///   epoch (16)    |            sequence number (48)               |
/// +-------------------------------+-------------------------------+
///                                 |         length (16)           |
/// +-------------------------------+-------------------------------+
/// ```
///
/// A connection id stands in front of the length, if there is one (RFC 9146 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) content_type: ContentType,
    pub(crate) version: u16,
    pub(crate) epoch: u16,
    pub(crate) sequence_number: u64,
}

impl RecordHeader {
    /// Without a connection id.
    pub(crate) const LENGTH: usize = 13;

    /// The first byte of one with a connection id.
    pub(crate) const WITH_ID: u8 = ContentType::Tls12Cid.number();

    /// The most that a record may carry in the clear (RFC 6347 §4.1).
    pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

    /// The last sequence number of an epoch.
    pub(crate) const MAX_SEQUENCE_NUMBER: u64 = (1 << 48) - 1;

    /// Takes one record without a connection id: its head, and where its body lies in what was passed.
    ///
    /// On `Err` nothing behind can be found, since lengths are all that divides records.
    pub(crate) fn decode<'a>(buf: &mut &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (header, _, body) = Self::decode_with_id(buf, 0)?;
        Ok((header, body))
    }

    /// Takes one record: its head, its connection id, which has `id_length` bytes if there is one, and its body.
    pub(crate) fn decode_with_id<'a>(
        buf: &mut &'a [u8],
        id_length: usize,
    ) -> Result<(Self, ConnectionId, &'a [u8]), DecodeError> {
        let content_type = codec::u8(buf)?;
        let version = codec::u16(buf)?;
        let epoch = codec::u16(buf)?;
        let sequence_number = codec::u48(buf)?;
        let mut id = ConnectionId::EMPTY;
        if content_type == Self::WITH_ID {
            id = ConnectionId::new(codec::take(buf, id_length)?).ok_or(DecodeError::Length)?;
            if id.is_empty() {
                return Err(DecodeError::Value("connection id"));
            }
        }
        let body = codec::vec16(buf)?;
        let header = Self {
            content_type: ContentType::from_number(content_type)?,
            version,
            epoch,
            sequence_number,
        };
        Ok((header, id, body))
    }

    /// The head of a record whose body has `length` bytes.
    pub(crate) fn encode(&self, length: u16) -> [u8; Self::LENGTH] {
        let [v, w] = self.version.to_be_bytes();
        let [a, b, c, d, e, f, g, h] = self.number();
        let [l, m] = length.to_be_bytes();
        let t = self.content_type.number();
        [t, v, w, a, b, c, d, e, f, g, h, l, m]
    }

    /// Epoch and sequence number as the 64-bit number that protects the record (RFC 6347 §4.1.2.1).
    pub(crate) fn number(&self) -> [u8; 8] {
        (u64::from(self.epoch) << 48 | self.sequence_number).to_be_bytes()
    }

    /// What the tag covers beside the plaintext (RFC 5246 §6.2.3.3).
    pub(crate) fn additional_data(&self, plaintext_length: u16) -> [u8; 13] {
        let [a, b, c, d, e, f, g, h] = self.number();
        let [v, w] = self.version.to_be_bytes();
        let [l, m] = plaintext_length.to_be_bytes();
        let t = self.content_type.number();
        [a, b, c, d, e, f, g, h, t, v, w, l, m]
    }

    /// The same of a record with a connection id (RFC 9146 §5.3): how many bytes of the array it takes.
    pub(crate) fn additional_data_with_id(
        &self,
        id: &ConnectionId,
        inner_length: u16,
    ) -> ([u8; Self::MAX_ADDITIONAL_DATA], usize) {
        let id_length = u8::try_from(id.len()).unwrap_or(0);
        let version = self.version.to_be_bytes();
        let inner_length = inner_length.to_be_bytes();
        let marks = [Self::WITH_ID, id_length, Self::WITH_ID];
        let number = self.number();
        let parts: [&[u8]; 6] = [
            &[0xff; 8],
            &marks,
            &version,
            &number,
            id.as_bytes(),
            &inner_length,
        ];
        let mut data = [0; Self::MAX_ADDITIONAL_DATA];
        let bytes = parts.into_iter().flatten();
        let length = data
            .iter_mut()
            .zip(bytes)
            .fold(0_usize, |length, (to, from)| {
                *to = *from;
                length.saturating_add(1)
            });
        (data, length)
    }

    const MAX_ADDITIONAL_DATA: usize = 8 + 3 + 2 + 8 + ConnectionId::MAX_LENGTH + 2;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `close_notify` in the clear, the form of OpenSSL 3.0.
    const CAPTURE: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];

    #[test]
    fn from_capture() {
        let (header, body) = RecordHeader::decode(&mut CAPTURE.as_slice()).unwrap();
        assert_eq!(header.content_type, ContentType::Alert);
        assert_eq!((header.version, header.epoch), (0xfefd, 0));
        assert_eq!(header.sequence_number, 9);
        assert_eq!(body, [1, 0]);
    }

    #[test]
    fn round_trip() {
        let header = RecordHeader {
            content_type: ContentType::ApplicationData,
            version: 0xfefd,
            epoch: 0x0102,
            sequence_number: RecordHeader::MAX_SEQUENCE_NUMBER,
        };
        let mut buf = header.encode(3).to_vec();
        buf.extend_from_slice(&[7; 3]);
        let mut rest = buf.as_slice();
        assert_eq!(
            RecordHeader::decode(&mut rest),
            Ok((header, [7; 3].as_slice()))
        );
        assert!(rest.is_empty());
        assert_eq!(header.number(), [1, 2, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn a_connection_id_stands_in_front_of_the_length() {
        let record = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 7, 8, 0, 1, 5, 6];
        let mut rest = record.as_slice();
        let (header, id, body) = RecordHeader::decode_with_id(&mut rest, 2).unwrap();
        assert_eq!(header.content_type, ContentType::Tls12Cid);
        assert_eq!(
            (id.as_bytes(), body, rest),
            (&[7, 8][..], &[5][..], &[6][..])
        );
        for end in 0..16 {
            assert!(RecordHeader::decode_with_id(&mut &record[..end], 2).is_err());
        }
        // Nobody agreed on one.
        assert!(RecordHeader::decode(&mut record.as_slice()).is_err());
        assert!(RecordHeader::decode_with_id(&mut record.as_slice(), 21).is_err());
    }

    /// RFC 9146 §5.3.
    ///
    /// D-31.
    #[test]
    fn the_tag_covers_the_connection_id() {
        let header = RecordHeader {
            content_type: ContentType::Tls12Cid,
            version: 0xfefd,
            epoch: 1,
            sequence_number: 9,
        };
        let id = ConnectionId::new(&[7, 8]).unwrap();
        let (data, length) = header.additional_data_with_id(&id, 0x0102);
        let mut expected = vec![0xff; 8];
        expected.extend_from_slice(&[25, 2, 25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 7, 8, 1, 2]);
        assert_eq!(data[..length], expected);
    }

    /// Catalogue D-09.
    #[test]
    fn every_truncation_is_an_error() {
        for end in 0..CAPTURE.len() {
            assert_eq!(
                RecordHeader::decode(&mut &CAPTURE[..end]),
                Err(DecodeError::Truncated)
            );
        }
    }
}
