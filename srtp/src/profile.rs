/// A protection profile, as DTLS negotiates it in `use_srtp` (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 with tags of 80 bits (RFC 3711).
    Aes128CmSha1_80 = 0x0001,
    /// AES-128 in Galois/counter mode, tags of 128 bits (RFC 7714).
    AeadAes128Gcm = 0x0007,
}

impl Profile {
    /// The profile of a number; `None` if it is not implemented.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0x0001 => Some(Self::Aes128CmSha1_80),
            0x0007 => Some(Self::AeadAes128Gcm),
            _ => None,
        }
    }

    /// The number of the profile.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The octets of a master key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::AeadAes128Gcm => 16,
        }
    }

    /// The octets of a master salt.
    pub const fn salt_length(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 14,
            Self::AeadAes128Gcm => 12,
        }
    }

    /// The octets of a tag.
    pub const fn tag_length(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::AeadAes128Gcm => 16,
        }
    }

    /// The octets to export from DTLS: keys and salts of both sides.
    pub const fn keying_material_length(self) -> usize {
        2 * (self.key_length() + self.salt_length())
    }

    /// The octets that protection adds to an RTP packet.
    pub const fn rtp_overhead(self) -> usize {
        self.tag_length()
    }

    /// The octets that protection adds to an RTCP datagram: the tag and the index.
    pub const fn rtcp_overhead(self) -> usize {
        self.tag_length() + 4
    }
}
