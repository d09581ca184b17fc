use super::codec::{self, DecodeError};
use crate::ConnectionId;

/// RequestConnectionId (RFC 9147 §9): how many the sender would like to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestConnectionId {
    pub(crate) count: u8,
}

impl RequestConnectionId {
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let count = codec::u8(&mut bytes)?;
        codec::end(bytes)?;
        Ok(Self { count })
    }

    pub(crate) fn encode(self, buf: &mut Vec<u8>) {
        buf.push(self.count);
    }
}

/// NewConnectionId (RFC 9147 §9): what the receiver may put into its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewConnectionId {
    /// Those that are not longer than ours; of others there is no use.
    pub(crate) ids: Vec<ConnectionId>,
    /// Those that the receiver had are not good any more.
    pub(crate) immediately: bool,
}

impl NewConnectionId {
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let buf = &mut bytes;
        let mut list = codec::vec16(buf)?;
        let immediately = match codec::u8(buf)? {
            0 => true,
            1 => false,
            _ => return Err(DecodeError::Value("connection id usage")),
        };
        codec::end(bytes)?;
        let mut ids = Vec::new();
        while !list.is_empty() {
            let id = codec::vec8(&mut list)?;
            if id.is_empty() {
                return Err(DecodeError::Value("connection id"));
            }
            ids.extend(ConnectionId::new(id).filter(|_| ids.len() < 255));
        }
        Ok(Self { ids, immediately })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<2>(buf, |buf| {
            for id in &self.ids {
                codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(id.as_bytes()));
            }
        });
        buf.push(u8::from(!self.immediately));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_truncation_is_an_error() {
        let ids = [&[1, 2, 3][..], &[4; 20]];
        let message = NewConnectionId {
            ids: ids.iter().filter_map(|id| ConnectionId::new(id)).collect(),
            immediately: false,
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes[..6], [0, 25, 3, 1, 2, 3]);
        assert_eq!(NewConnectionId::decode(&bytes), Ok(message));
        for end in 0..bytes.len() {
            assert!(NewConnectionId::decode(&bytes[..end]).is_err());
        }
        assert!(NewConnectionId::decode(&[0, 1, 0, 0]).is_err());
        assert!(NewConnectionId::decode(&[0, 2, 1, 1, 2]).is_err());
        // Nobody can use one that is too long; the message is good all the same.
        let long = [&[0, 22, 21][..], &[1; 21], &[0]].concat();
        assert_eq!(NewConnectionId::decode(&long).map(|m| m.ids.len()), Ok(0));

        let request = RequestConnectionId { count: 3 };
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        assert_eq!(RequestConnectionId::decode(&bytes), Ok(request));
        assert!(RequestConnectionId::decode(&[]).is_err());
        assert!(RequestConnectionId::decode(&[1, 2]).is_err());
    }
}
