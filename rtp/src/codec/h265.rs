use super::parameters::{number, parameter};

/// What a description says of an H.265 stream (RFC 7798 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H265Parameters {
    /// `profile-space`, 0 to 3.
    pub profile_space: u8,
    /// `profile-id`: 1, Main, if not given.
    pub profile_id: u8,
    /// `tier-flag`.
    pub tier: H265Tier,
    /// `level-id`: thirty times the level; 93, which is 3.1, if not given.
    pub level_id: u8,
}

/// The tier: how high the rate of a level may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum H265Tier {
    /// 0.
    #[default]
    Main,
    /// 1.
    High,
}

impl H265Parameters {
    /// Reads an `a=fmtp` list; `None` if a value is not what it must be, or the stream is not sent over one session
    /// (`tx-mode` other than SRST).
    pub fn parse(fmtp: &str) -> Option<Self> {
        let single = parameter(fmtp, "tx-mode").is_none_or(|mode| mode == "SRST");
        let parameters = Self {
            profile_space: number(fmtp, "profile-space", 0)?,
            profile_id: number(fmtp, "profile-id", 1)?,
            tier: match number(fmtp, "tier-flag", 0_u8)? {
                0 => H265Tier::Main,
                1 => H265Tier::High,
                _ => return None,
            },
            level_id: number(fmtp, "level-id", 93)?,
        };
        let fits = parameters.profile_space < 4 && parameters.profile_id < 32;
        (single && fits).then_some(parameters)
    }

    /// Whether both mean the same stream: the profile. Tier and level only bound what is sent, and never part two.
    pub const fn matches(&self, other: &Self) -> bool {
        self.profile_space == other.profile_space && self.profile_id == other.profile_id
    }

    /// What both can do: the lower tier and the lower level. `None` if the two do not match.
    pub fn answer(&self, offer: &Self) -> Option<Self> {
        self.matches(offer).then(|| Self {
            tier: self.tier.min(offer.tier),
            level_id: self.level_id.min(offer.level_id),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h265_tier_and_level_take_the_minimum_and_never_part() {
        let parse = |text: &str| H265Parameters::parse(text).unwrap();
        let own = parse("level-id=120;profile-id=1;tier-flag=1;tx-mode=SRST");
        let low = parse("level-id=93;profile-id=1;tier-flag=0");
        let both = own.answer(&low).unwrap();
        assert_eq!((both.tier, both.level_id), (H265Tier::Main, 93));
        assert_eq!(low.answer(&own), Some(both));
        assert_eq!(parse("").level_id, 93);
        assert_eq!(own.answer(&parse("profile-id=2")), None);
        assert_eq!(own.answer(&parse("profile-space=1")), None);
        for bad in ["tier-flag=2", "level-id=x", "tx-mode=MRST", "profile-id=32"] {
            assert_eq!(H265Parameters::parse(bad), None, "{bad}");
        }
    }
}
