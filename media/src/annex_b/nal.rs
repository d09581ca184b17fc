use rtp::MimeType;

/// The codecs that have an Annex B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnnexBCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

/// What a NAL unit is to the access unit around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The first slice of a picture.
    FirstSlice,
    /// Another slice.
    Slice,
    /// Supplemental information in front of a picture.
    Sei,
    /// It stands in front of a picture: a parameter set, a delimiter.
    Front,
    /// It belongs to the picture before it.
    Behind,
}

impl Role {
    /// Whether the unit begins an access unit, if a slice was before it (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4).
    pub(super) const fn begins_access_unit(self) -> bool {
        matches!(self, Self::FirstSlice | Self::Front | Self::Sei)
    }

    pub(super) const fn is_slice(self) -> bool {
        matches!(self, Self::FirstSlice | Self::Slice)
    }
}

impl AnnexBCodec {
    /// The codec of this media type.
    pub fn new(codec: &MimeType) -> Option<Self> {
        let codecs = [Self::H264, Self::H265];
        codecs.into_iter().find(|known| known.mime() == *codec)
    }

    /// The media type.
    pub const fn mime(self) -> MimeType {
        match self {
            Self::H264 => MimeType::H264,
            Self::H265 => MimeType::H265,
        }
    }

    /// What a NAL unit is; it has one octet or more.
    pub(super) fn role(self, unit: &[u8]) -> Role {
        let (Some(&header), rest) = (unit.first(), unit.get(1..).unwrap_or_default()) else {
            return Role::Behind;
        };
        match self {
            Self::H264 => {
                // first_mb_in_slice is 0: as an Exp-Golomb number that is a single 1.
                let first = rest.first().is_some_and(|octet| octet & 0x80 != 0);
                match header & 0x1f {
                    1 | 2 | 5 if first => Role::FirstSlice,
                    1..=5 => Role::Slice,
                    6 => Role::Sei,
                    7..=9 | 14..=18 => Role::Front,
                    _ => Role::Behind,
                }
            }
            Self::H265 => {
                let layer = header & 1 != 0 || rest.first().is_some_and(|octet| octet >> 3 != 0);
                let first = rest.get(1).is_some_and(|octet| octet & 0x80 != 0);
                match header >> 1 & 0x3f {
                    // Pictures of higher layers belong to the access unit of the base.
                    0..=31 if first && !layer => Role::FirstSlice,
                    0..=31 => Role::Slice,
                    40 => Role::Behind,
                    39 => Role::Sei,
                    32..=35 | 41..=44 | 48..=55 if !layer => Role::Front,
                    _ => Role::Behind,
                }
            }
        }
    }

    /// Whether a unit is supplemental information, in front of its picture or behind it.
    pub(super) fn is_sei(self, unit: &[u8]) -> bool {
        let header = unit.first().copied().unwrap_or_default();
        match self {
            Self::H264 => header & 0x1f == 6,
            Self::H265 => matches!(header >> 1 & 0x3f, 39 | 40),
        }
    }
}
