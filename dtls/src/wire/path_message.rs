use super::codec::{self, DecodeError};

/// What a return routability check says (RFC 9853 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathMessage {
    /// Is that you?
    Challenge([u8; Self::COOKIE]),
    /// It is; the cookie is that of the challenge.
    Response([u8; Self::COOKIE]),
    /// Not any more.
    Drop([u8; Self::COOKIE]),
}

impl PathMessage {
    pub(crate) const COOKIE: usize = 8;
    pub(crate) const LENGTH: usize = 1 + Self::COOKIE;

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut bytes;
        let kind = codec::u8(buf)?;
        let cookie = codec::take(buf, Self::COOKIE)?;
        let cookie = cookie.try_into().map_err(|_| DecodeError::Length)?;
        codec::end(buf)?;
        match kind {
            0 => Ok(Self::Challenge(cookie)),
            1 => Ok(Self::Response(cookie)),
            2 => Ok(Self::Drop(cookie)),
            _ => Err(DecodeError::Value("return routability check")),
        }
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        let (kind, cookie) = match self {
            Self::Challenge(cookie) => (0, cookie),
            Self::Response(cookie) => (1, cookie),
            Self::Drop(cookie) => (2, cookie),
        };
        buf.push(kind);
        buf.extend_from_slice(cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_truncation_is_an_error() {
        let cookie = [1, 2, 3, 4, 5, 6, 7, 8];
        for message in [
            PathMessage::Challenge(cookie),
            PathMessage::Response(cookie),
            PathMessage::Drop(cookie),
        ] {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(bytes.len(), PathMessage::LENGTH);
            assert_eq!(PathMessage::decode(&bytes), Ok(message));
            for end in 0..bytes.len() {
                assert!(PathMessage::decode(&bytes[..end]).is_err());
            }
            bytes.push(0);
            assert!(PathMessage::decode(&bytes).is_err());
        }
        assert!(PathMessage::decode(&[3, 1, 2, 3, 4, 5, 6, 7, 8]).is_err());
    }
}
