use super::codec::{self, DecodeError};
use super::extension::{Extensions, Place};

/// NewSessionTicket (RFC 8446 §4.6.1): by which a client comes back without certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket<'a> {
    /// How long it is good, in seconds.
    pub(crate) lifetime: u32,
    /// What the client adds to the age that it names, so that two uses cannot be told to be of one client.
    pub(crate) age_add: u32,
    /// What makes the key of this ticket another than that of the next one.
    pub(crate) nonce: &'a [u8],
    /// What the client shows.
    pub(crate) ticket: &'a [u8],
}

impl<'a> NewSessionTicket<'a> {
    /// The longest lifetime: seven days (RFC 8446 §4.6.1).
    pub(crate) const MAX_LIFETIME: u32 = 7 * 24 * 60 * 60;

    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let lifetime = codec::u32(&mut body)?;
        let age_add = codec::u32(&mut body)?;
        let nonce = codec::vec8(&mut body)?;
        let ticket = codec::vec16(&mut body)?;
        if ticket.is_empty() {
            return Err(DecodeError::Value("ticket"));
        }
        if body.is_empty() {
            return Err(DecodeError::Truncated);
        }
        // The only extension is one of early data, which is never sent.
        Extensions::decode(&mut body, Place::Other)?;
        Ok(Self {
            lifetime,
            age_add,
            nonce,
            ticket,
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u32(buf, self.lifetime);
        codec::put_u32(buf, self.age_add);
        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(self.nonce));
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.ticket));
        codec::put_u16(buf, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_truncations_and_an_empty_ticket() {
        let message = NewSessionTicket {
            lifetime: 7200,
            age_add: 0xdead_beef,
            nonce: &[0, 1],
            ticket: b"a ticket",
        };
        let mut buf = Vec::new();
        message.encode(&mut buf);
        assert_eq!(NewSessionTicket::decode(&buf), Ok(message));
        for end in 0..buf.len() {
            assert!(
                NewSessionTicket::decode(&buf[..end]).is_err(),
                "cut at {end}"
            );
        }
        let mut empty = Vec::new();
        NewSessionTicket {
            lifetime: 1,
            age_add: 2,
            nonce: &[],
            ticket: &[],
        }
        .encode(&mut empty);
        assert_eq!(
            NewSessionTicket::decode(&empty),
            Err(DecodeError::Value("ticket"))
        );
        // An extension that we do not know is passed over.
        let at = buf.len() - 2;
        buf.truncate(at);
        buf.extend_from_slice(&[0, 8, 0, 42, 0, 4, 0, 0, 0x40, 0]);
        assert!(NewSessionTicket::decode(&buf).is_ok());
    }
}
