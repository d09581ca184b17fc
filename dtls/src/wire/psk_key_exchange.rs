use super::codec::{self, DecodeError};
use super::server_key_exchange::ServerKeyExchange;

/// ServerKeyExchange with a pre-shared key: a hint which one is meant, and the share of ECDHE where the suite has one
/// (RFC 4279 §2, RFC 5489 §2). Nobody signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PskServerKeyExchange<'a> {
    pub(crate) hint: &'a [u8],
    /// Group and public value.
    pub(crate) share: Option<(u16, &'a [u8])>,
}

impl<'a> PskServerKeyExchange<'a> {
    pub(crate) fn decode(mut body: &'a [u8], ephemeral: bool) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let hint = codec::vec16(buf)?;
        let share = ephemeral
            .then(|| ServerKeyExchange::decode_params(buf))
            .transpose()?;
        codec::end(buf)?;
        Ok(Self { hint, share })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.hint));
        if let Some((group, public)) = self.share {
            ServerKeyExchange::encode_params(group, public, buf);
        }
    }
}

/// ClientKeyExchange with a pre-shared key: its name, and the share of ECDHE where the suite has one
/// (RFC 4279 §2, RFC 5489 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PskClientKeyExchange<'a> {
    pub(crate) identity: &'a [u8],
    pub(crate) public: Option<&'a [u8]>,
}

impl<'a> PskClientKeyExchange<'a> {
    pub(crate) fn decode(mut body: &'a [u8], ephemeral: bool) -> Result<Self, DecodeError> {
        let buf = &mut body;
        let identity = codec::vec16(buf)?;
        let public = ephemeral.then(|| codec::vec8(buf)).transpose()?;
        codec::end(buf)?;
        Ok(Self { identity, public })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(self.identity));
        if let Some(public) = self.public {
            codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(public));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_change_of_length_is_an_error(buf: &[u8], is_read: impl Fn(&[u8]) -> bool) {
        assert!(is_read(buf));
        assert!(!(0..buf.len()).any(|end| is_read(&buf[..end])));
        assert!(!is_read(&[buf, &[0]].concat()));
    }

    #[test]
    fn round_trip_and_truncation() {
        for share in [None, Some((29, [7; 32].as_slice()))] {
            let hint = b"hint";
            let message = PskServerKeyExchange { hint, share };
            let mut buf = Vec::new();
            message.encode(&mut buf);
            assert_eq!(
                PskServerKeyExchange::decode(&buf, share.is_some()),
                Ok(message)
            );
            every_change_of_length_is_an_error(&buf, |bytes| {
                PskServerKeyExchange::decode(bytes, share.is_some()).is_ok()
            });
        }
        for public in [None, Some([7; 32].as_slice())] {
            let identity = b"device 7";
            let message = PskClientKeyExchange { identity, public };
            let mut buf = Vec::new();
            message.encode(&mut buf);
            assert_eq!(
                PskClientKeyExchange::decode(&buf, public.is_some()),
                Ok(message)
            );
            every_change_of_length_is_an_error(&buf, |bytes| {
                PskClientKeyExchange::decode(bytes, public.is_some()).is_ok()
            });
        }
    }
}
