//! Which machine a datagram is for, by its first byte (RFC 7983 §7, RFC 9443 §3, RFC 5761 §4).

/// What a datagram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// 0 to 3: STUN.
    Stun,
    /// 20 to 63: a DTLS record.
    Dtls,
    /// 128 to 191: RTP or RTCP, told apart by the second byte.
    Rtp,
    /// 128 to 191 with a second byte of 192 to 223: RTCP.
    Rtcp,
    /// 16 to 19 (ZRTP), 64 to 79 (a TURN channel, which the relay's client takes off first), QUIC, or nothing
    /// that is known; also the empty datagram.
    Unknown,
}

impl Content {
    pub(crate) const fn of(datagram: &[u8]) -> Self {
        match *datagram {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, ..] => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

/// Whether a datagram starts with a DTLS handshake record in the clear: content type 22, epoch 0, and the
/// handshake message is a ClientHello (RFC 6347 §4.1, §4.2.2).
pub(crate) fn is_client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22)
        && datagram.get(3..5) == Some(&[0, 0])
        && datagram.get(13) == Some(&1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_one_owner() {
        for first in 0..=u8::MAX {
            let expected = match first {
                0..=3 => Content::Stun,
                20..=63 => Content::Dtls,
                128..=191 => Content::Rtp,
                _ => Content::Unknown,
            };
            assert_eq!(Content::of(&[first, 0]), expected, "first byte {first}");
        }
    }

    #[test]
    fn the_second_byte_tells_rtcp_from_rtp() {
        for second in 0..=u8::MAX {
            let expected = if (192..=223).contains(&second) {
                Content::Rtcp
            } else {
                Content::Rtp
            };
            assert_eq!(Content::of(&[0x80, second]), expected);
        }
    }

    #[test]
    fn an_empty_datagram_is_nobodys() {
        assert_eq!(Content::of(&[]), Content::Unknown);
        assert_eq!(Content::of(&[0x80]), Content::Rtp);
    }

    #[test]
    fn only_a_client_hello_of_epoch_zero_counts_as_one() {
        let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1];
        assert!(is_client_hello(&hello));
        hello[13] = 2;
        assert!(!is_client_hello(&hello));
        hello[13] = 1;
        hello[4] = 1;
        assert!(!is_client_hello(&hello));
        assert!(!is_client_hello(&hello[..13]));
    }
}
