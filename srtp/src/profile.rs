/// A protection profile, as DTLS negotiates it in `use_srtp` (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 with tags of 80 bits (RFC 3711).
    Aes128CmSha1_80 = 0x0001,
    /// The same with tags of 32 bits for RTP; those of RTCP stay at 80 (RFC 5764 §4.1.2).
    Aes128CmSha1_32 = 0x0002,
    /// AES-256 in counter mode, HMAC-SHA1 with tags of 80 bits (RFC 6188).
    ///
    /// RFC 6188 registers it for SDP only; the number is the one of early drafts of RFC 5764, which some endpoints
    /// still speak. Never offer it to others.
    Aes256CmSha1_80 = 0x0003,
    /// The same with tags of 32 bits for RTP, and the same about its number.
    Aes256CmSha1_32 = 0x0004,
    /// No encryption, HMAC-SHA1 with tags of 80 bits (RFC 5764 §4.1.2). WebRTC forbids it (RFC 8827 §6.5).
    NullSha1_80 = 0x0005,
    /// No encryption, HMAC-SHA1 with tags of 32 bits for RTP and of 80 for RTCP.
    NullSha1_32 = 0x0006,
    /// AES-128 in Galois/counter mode, tags of 128 bits (RFC 7714).
    AeadAes128Gcm = 0x0007,
    /// AES-256 in Galois/counter mode, tags of 128 bits (RFC 7714).
    AeadAes256Gcm = 0x0008,
}

/// What a profile does to the octets of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    CounterMode,
    Galois,
    Null,
}

impl Profile {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Aes128CmSha1_80,
        Self::Aes128CmSha1_32,
        Self::Aes256CmSha1_80,
        Self::Aes256CmSha1_32,
        Self::NullSha1_80,
        Self::NullSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// The profile of a number; `None` if there is none.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.number() == number)
    }

    /// The number of the profile.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether packets are encrypted: not so under the NULL profiles.
    pub const fn encrypts(self) -> bool {
        !matches!(self.transform(), Transform::Null)
    }

    /// The octets of a master key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes256CmSha1_80 | Self::Aes256CmSha1_32 | Self::AeadAes256Gcm => 32,
            _ => 16,
        }
    }

    /// The octets of a master salt.
    pub const fn salt_length(self) -> usize {
        match self.transform() {
            Transform::CounterMode | Transform::Null => 14,
            Transform::Galois => 12,
        }
    }

    /// The octets of the tag of an RTP packet.
    pub const fn rtp_tag_length(self) -> usize {
        match self {
            Self::Aes128CmSha1_32 | Self::Aes256CmSha1_32 | Self::NullSha1_32 => 4,
            _ => self.rtcp_tag_length(),
        }
    }

    /// The octets of the tag of an RTCP datagram.
    pub const fn rtcp_tag_length(self) -> usize {
        match self.transform() {
            Transform::CounterMode | Transform::Null => 10,
            Transform::Galois => 16,
        }
    }

    /// The octets to export from DTLS: keys and salts of both sides.
    pub const fn keying_material_length(self) -> usize {
        2 * (self.key_length() + self.salt_length())
    }

    /// The octets that protection adds to an RTP packet, without a master key identifier. With cryptex, a packet that
    /// has contributing sources and no header extension grows by four more.
    pub const fn rtp_overhead(self) -> usize {
        self.rtp_tag_length()
    }

    /// The octets that protection adds to an RTCP datagram: the tag and the index.
    pub const fn rtcp_overhead(self) -> usize {
        self.rtcp_tag_length() + 4
    }

    pub(crate) const fn transform(self) -> Transform {
        match self {
            Self::Aes128CmSha1_80
            | Self::Aes128CmSha1_32
            | Self::Aes256CmSha1_80
            | Self::Aes256CmSha1_32 => Transform::CounterMode,
            Self::NullSha1_80 | Self::NullSha1_32 => Transform::Null,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => Transform::Galois,
        }
    }
}
