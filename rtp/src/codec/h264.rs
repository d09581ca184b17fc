use std::fmt;
use std::str::FromStr;

use super::parameters::{flag, number, parameter};
use crate::payload::PayloadError;
use crate::payload::h264::PacketizationMode;

/// What a description says of an H.264 stream (RFC 6184 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H264Parameters {
    /// `profile-level-id`: baseline at level 1 if not given.
    pub profile_level_id: ProfileLevelId,
    /// `packetization-mode`.
    pub packetization_mode: PacketizationMode,
    /// `level-asymmetry-allowed`: each side may send what the other can receive, of a higher level than its own.
    pub level_asymmetry_allowed: bool,
    /// `sps-pps-idr-in-keyframe`: parameter sets come with every key frame.
    pub parameter_sets_in_key_frames: bool,
}

/// A profile with a level: the value of `profile-level-id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProfileLevelId {
    /// The profile.
    pub profile: H264Profile,
    /// The level.
    pub level: H264Level,
}

/// A profile, which `profile_idc` and the constraint flags name in several ways (RFC 6184 §8.1, Table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum H264Profile {
    /// What every decoder decodes.
    ConstrainedBaseline,
    /// With flexible macroblock order and redundant slices.
    Baseline,
    /// With B slices, fields and CABAC.
    Main,
    /// High without fields and B slices.
    ConstrainedHigh,
    /// With a transform of eight by eight.
    High,
    /// 4:4:4 with lossless coding.
    PredictiveHigh444,
    /// Any other pair of `profile_idc` and constraint flags; they must be equal to match.
    Other(u8, u8),
}

/// A level. Order is that of what a decoder must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct H264Level(u8);

impl H264Level {
    /// Level 1.
    pub const LEVEL_1: Self = Self(20);
    /// Level 1b, between 1 and 1.1.
    pub const LEVEL_1B: Self = Self(21);

    /// The level of a `level_idc`, which is ten times its number. Level 1b has a flag or a number of its own: see
    /// [`Self::LEVEL_1B`].
    pub const fn from_idc(level_idc: u8) -> Self {
        // Twice the number, so that 1b has a place.
        if level_idc > 127 {
            Self(254)
        } else {
            Self(level_idc * 2)
        }
    }

    /// `level_idc`; that of 1b is 11, with a flag.
    pub const fn idc(self) -> u8 {
        self.0.div_ceil(2)
    }
}

impl ProfileLevelId {
    /// What holds without the parameter: baseline, level 1.
    pub const DEFAULT: Self = Self {
        profile: H264Profile::Baseline,
        level: H264Level::LEVEL_1,
    };

    const fn from_octets(idc: u8, iop: u8, level_idc: u8) -> Self {
        let profile = match idc {
            0x42 if iop & 0x4f == 0x40 => H264Profile::ConstrainedBaseline,
            0x4d if iop & 0x8f == 0x80 => H264Profile::ConstrainedBaseline,
            0x58 if iop & 0xcf == 0xc0 => H264Profile::ConstrainedBaseline,
            0x42 if iop & 0x4f == 0 => H264Profile::Baseline,
            0x58 if iop & 0xcf == 0x80 => H264Profile::Baseline,
            0x4d if iop & 0xaf == 0 => H264Profile::Main,
            0x64 if iop == 0x00 => H264Profile::High,
            0x64 if iop == 0x0c => H264Profile::ConstrainedHigh,
            0xf4 if iop == 0x00 => H264Profile::PredictiveHigh444,
            _ => H264Profile::Other(idc, iop),
        };
        // constraint_set3_flag means level 1b for these profiles (ITU-T H.264 §A.3.1).
        let is_1b = matches!(idc, 0x42 | 0x4d | 0x58) && level_idc == 11 && iop & 0x10 != 0
            || level_idc == 9;
        let level = if is_1b {
            H264Level::LEVEL_1B
        } else {
            H264Level::from_idc(level_idc)
        };
        Self { profile, level }
    }

    /// `profile_idc`, the constraint flags and `level_idc`, as a sequence parameter set has them.
    pub const fn octets(self) -> [u8; 3] {
        let is_1b = self.level.0 == H264Level::LEVEL_1B.0;
        let (idc, iop) = match self.profile {
            H264Profile::ConstrainedBaseline => (0x42, 0xe0),
            H264Profile::Baseline => (0x42, 0x00),
            H264Profile::Main => (0x4d, 0x00),
            H264Profile::ConstrainedHigh => (0x64, 0x0c),
            H264Profile::High => (0x64, 0x00),
            H264Profile::PredictiveHigh444 => (0xf4, 0x00),
            H264Profile::Other(idc, iop) => (idc, iop),
        };
        match idc {
            0x42 | 0x4d | 0x58 if is_1b => [idc, iop | 0x10, 11],
            _ if is_1b => [idc, iop, 9],
            _ => [idc, iop, self.level.idc()],
        }
    }

    /// What a sequence parameter set says.
    pub const fn of(sps: &crate::payload::h264::SequenceParameterSet) -> Self {
        Self::from_octets(sps.profile, sps.constraints, sps.level)
    }
}

impl fmt::Display for ProfileLevelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [idc, iop, level] = self.octets();
        write!(f, "{idc:02x}{iop:02x}{level:02x}")
    }
}

impl FromStr for ProfileLevelId {
    type Err = PayloadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 6 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return Err(PayloadError::Value);
        }
        let id = u32::from_str_radix(text, 16).map_err(|_| PayloadError::Value)?;
        let [_, idc, iop, level] = id.to_be_bytes();
        Ok(Self::from_octets(idc, iop, level))
    }
}

impl H264Parameters {
    /// Reads an `a=fmtp` list; `None` if a value is not what it must be, or the mode is the interleaved one.
    pub fn parse(fmtp: &str) -> Option<Self> {
        let profile_level_id = match parameter(fmtp, "profile-level-id") {
            Some(text) => text.parse().ok()?,
            None => ProfileLevelId::DEFAULT,
        };
        Some(Self {
            profile_level_id,
            packetization_mode: match number(fmtp, "packetization-mode", 0_u8)? {
                0 => PacketizationMode::SingleNalUnit,
                1 => PacketizationMode::NonInterleaved,
                _ => return None,
            },
            level_asymmetry_allowed: flag(fmtp, "level-asymmetry-allowed"),
            parameter_sets_in_key_frames: flag(fmtp, "sps-pps-idr-in-keyframe"),
        })
    }

    /// Whether both mean the same stream: profile and packetization mode are symmetric (RFC 6184 §8.2.2).
    pub fn matches(&self, other: &Self) -> bool {
        self.profile_level_id.profile == other.profile_level_id.profile
            && self.packetization_mode == other.packetization_mode
    }

    /// The `profile-level-id` of the answer to an offer: our own level if both allow asymmetry, else the lower one.
    /// `None` if the two do not match.
    pub fn answer(&self, offer: &Self) -> Option<ProfileLevelId> {
        if !self.matches(offer) {
            return None;
        }
        let own = self.profile_level_id;
        let asymmetric = self.level_asymmetry_allowed && offer.level_asymmetry_allowed;
        Some(ProfileLevelId {
            level: if asymmetric {
                own.level
            } else {
                own.level.min(offer.profile_level_id.level)
            },
            ..own
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProfileLevelId {
        text.parse().unwrap()
    }

    #[test]
    fn h264_profiles_are_found_behind_all_their_names() {
        let table = [
            ("42e01f", H264Profile::ConstrainedBaseline),
            ("42C01f", H264Profile::ConstrainedBaseline),
            ("4de01f", H264Profile::ConstrainedBaseline),
            ("58f01f", H264Profile::ConstrainedBaseline),
            ("42a01f", H264Profile::Baseline),
            ("58a01f", H264Profile::Baseline),
            ("4d401f", H264Profile::Main),
            ("64001f", H264Profile::High),
            ("640c1f", H264Profile::ConstrainedHigh),
            ("f4001f", H264Profile::PredictiveHigh444),
            ("64081f", H264Profile::Other(0x64, 8)),
        ];
        for (text, profile) in table {
            assert_eq!(id(text).profile, profile, "{text}");
            assert_eq!(id(&id(text).to_string()), id(text), "{text}");
        }
        for bad in ["", "42e01", "42e01ff", "42e0zz", "+2e01f", "42e0é"] {
            assert!(bad.parse::<ProfileLevelId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn h264_level_1b_lies_between_1_and_1_1() {
        for text in ["42f00b", "4d100b", "640009"] {
            assert_eq!(id(text).level, H264Level::LEVEL_1B, "{text}");
            assert_eq!(id(&id(text).to_string()), id(text));
        }
        let one_one = id("42e00b").level;
        assert!(H264Level::LEVEL_1 < H264Level::LEVEL_1B && H264Level::LEVEL_1B < one_one);
        assert_eq!(one_one.idc(), 11);
        assert_eq!(H264Level::from_idc(255).idc(), 127);
    }

    #[test]
    fn h264_levels_may_differ_only_if_both_sides_allow_it() {
        let parse = |text: &str| H264Parameters::parse(text).unwrap();
        let own = parse("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
        let low = parse("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c00d");
        assert_eq!(own.answer(&low), Some(id("42e01f")));
        let strict = parse("packetization-mode=1;profile-level-id=42c00d");
        assert_eq!(own.answer(&strict), Some(id("42e00d")));
        let high = parse("packetization-mode=1;profile-level-id=42e034");
        assert_eq!(own.answer(&high), Some(id("42e01f")));
        let other_mode = parse("profile-level-id=42e01f");
        assert_eq!(own.answer(&other_mode), None);
        let other_profile = parse("packetization-mode=1;profile-level-id=640c1f");
        assert_eq!(own.answer(&other_profile), None);
        assert_eq!(H264Parameters::parse("packetization-mode=2"), None);
        assert_eq!(H264Parameters::parse("profile-level-id=zz"), None);
        assert_eq!(parse("").profile_level_id, ProfileLevelId::DEFAULT);
    }
}
