use super::codec::{self, DecodeError};

/// The type of a handshake message (RFC 5246 §7.4, RFC 6347 §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandshakeType(pub(crate) u8);

impl HandshakeType {
    pub(crate) const HELLO_REQUEST: Self = Self(0);
    pub(crate) const CLIENT_HELLO: Self = Self(1);
    pub(crate) const SERVER_HELLO: Self = Self(2);
    pub(crate) const HELLO_VERIFY_REQUEST: Self = Self(3);
    pub(crate) const NEW_SESSION_TICKET: Self = Self(4);
    pub(crate) const ENCRYPTED_EXTENSIONS: Self = Self(8);
    pub(crate) const CERTIFICATE: Self = Self(11);
    pub(crate) const SERVER_KEY_EXCHANGE: Self = Self(12);
    pub(crate) const CERTIFICATE_REQUEST: Self = Self(13);
    pub(crate) const SERVER_HELLO_DONE: Self = Self(14);
    pub(crate) const CERTIFICATE_VERIFY: Self = Self(15);
    pub(crate) const CLIENT_KEY_EXCHANGE: Self = Self(16);
    pub(crate) const FINISHED: Self = Self(20);
    pub(crate) const REQUEST_CONNECTION_ID: Self = Self(9);
    pub(crate) const NEW_CONNECTION_ID: Self = Self(10);
    pub(crate) const KEY_UPDATE: Self = Self(24);
    /// Stands in a transcript for a first ClientHello (RFC 8446 §4.4.1); never on the wire.
    pub(crate) const MESSAGE_HASH: Self = Self(254);
}

/// The head of a handshake message or of a piece of one (RFC 6347 §4.2.2).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+-----------------------------------------------+
/// |  msg_type     |                    length                     |
/// +---------------+---------------+-------------------------------+
/// |          message_seq          |        fragment_offset        :
/// +---------------+---------------+-------------------------------+
/// :               |               fragment_length                 |
/// +---------------+-----------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FragmentHeader {
    pub(crate) message_type: HandshakeType,
    pub(crate) length: u32,
    pub(crate) message_seq: u16,
    pub(crate) offset: u32,
    pub(crate) fragment_length: u32,
}

impl FragmentHeader {
    pub(crate) const LENGTH: usize = 12;
    /// Type and length, as TLS has them.
    pub(crate) const SHORT_LENGTH: usize = 4;

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        buf.push(self.message_type.0);
        codec::put_u24(buf, self.length);
        codec::put_u16(buf, self.message_seq);
        codec::put_u24(buf, self.offset);
        codec::put_u24(buf, self.fragment_length);
    }
}

/// A piece of a handshake message that lies within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) header: FragmentHeader,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Takes one fragment. A piece that reaches beyond its message is an error, and so is an empty piece of a message
    /// that is not empty (`Value`, and what stands behind it can still be read): it says nothing and could be repeated
    /// for ever.
    pub(crate) fn decode(buf: &mut &'a [u8]) -> Result<Self, DecodeError> {
        let message_type = HandshakeType(codec::u8(buf)?);
        let length = codec::u24(buf)?;
        let message_seq = codec::u16(buf)?;
        let offset = codec::u24(buf)?;
        let bytes = codec::vec24(buf)?;
        let fragment_length = u32::try_from(bytes.len()).map_err(|_| DecodeError::Length)?;
        let within = offset
            .checked_add(fragment_length)
            .is_some_and(|end| end <= length);
        if !within {
            return Err(DecodeError::Length);
        }
        if fragment_length == 0 && length != 0 {
            return Err(DecodeError::Value("fragment"));
        }
        Ok(Self {
            header: FragmentHeader {
                message_type,
                length,
                message_seq,
                offset,
                fragment_length,
            },
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_truncation() {
        let header = FragmentHeader {
            message_type: HandshakeType::CERTIFICATE,
            length: 0x0001_0203,
            message_seq: 0x0405,
            offset: 0x0001_0000,
            fragment_length: 2,
        };
        let mut buf = Vec::new();
        header.encode(&mut buf);
        assert_eq!(buf.len(), FragmentHeader::LENGTH);
        buf.extend_from_slice(&[8, 9]);
        let fragment = Fragment::decode(&mut buf.as_slice()).unwrap();
        assert_eq!(
            (fragment.header, fragment.bytes),
            (header, [8, 9].as_slice())
        );
        for end in 0..buf.len() {
            assert!(Fragment::decode(&mut &buf[..end]).is_err());
        }
    }

    /// D-6, T-8, Catalogue D-01.
    #[test]
    fn a_piece_stays_within_its_message() {
        let decode = |length: u8, offset: u8, fragment: &[u8]| {
            let mut bytes = vec![11, 0, 0, length, 0, 0, 0, 0, offset, 0, 0];
            bytes.push(u8::try_from(fragment.len()).unwrap());
            bytes.extend_from_slice(fragment);
            Fragment::decode(&mut bytes.as_slice()).map(|fragment| fragment.bytes.len())
        };
        assert_eq!(decode(4, 2, &[0; 2]), Ok(2));
        assert_eq!(decode(0, 0, &[]), Ok(0));
        assert_eq!(decode(4, 3, &[0; 2]), Err(DecodeError::Length));
        assert_eq!(decode(4, 4, &[]), Err(DecodeError::Value("fragment")));
        assert_eq!(decode(4, 0, &[]), Err(DecodeError::Value("fragment")));
        assert_eq!(decode(0, 1, &[]), Err(DecodeError::Length));
    }
}
