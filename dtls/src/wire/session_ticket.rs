use super::codec::{self, DecodeError};

/// NewSessionTicket of DTLS 1.2 (RFC 5077 §3.3); that of 1.3 is another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionTicket<'a> {
    /// How long it is good, in seconds; zero if the server does not say.
    pub(crate) lifetime: u32,
    /// What the client shows; empty if the server thought better of it.
    pub(crate) ticket: &'a [u8],
}

impl<'a> SessionTicket<'a> {
    pub(crate) fn decode(mut body: &'a [u8]) -> Result<Self, DecodeError> {
        let lifetime = codec::u32(&mut body)?;
        let ticket = codec::vec16(&mut body)?;
        codec::end(body)?;
        Ok(Self { lifetime, ticket })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_u32(buf, self.lifetime);
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.ticket));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_truncation_is_an_error() {
        for ticket in [&[][..], &[1, 2, 3]] {
            let message = SessionTicket {
                lifetime: 7200,
                ticket,
            };
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(SessionTicket::decode(&bytes), Ok(message));
            for end in 0..bytes.len() {
                assert!(SessionTicket::decode(&bytes[..end]).is_err());
            }
            bytes.push(0);
            assert!(SessionTicket::decode(&bytes).is_err());
        }
    }
}
