use super::parameters::{number, parameter};

/// What a description says of an H.266 stream (RFC 9328 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H266Parameters {
    /// `profile-id`, 0 to 127: 1, Main 10, if not given.
    pub profile_id: u8,
    /// `tier-flag`.
    pub tier: H266Tier,
    /// `level-id`: sixteen times the level and three for each tenth; 51, which is 3.1, if not given.
    pub level_id: u8,
}

/// The tier: how high the rate of a level may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum H266Tier {
    /// 0.
    #[default]
    Main,
    /// 1.
    High,
}

impl H266Tier {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "0",
            Self::High => "1",
        }
    }
}

impl H266Parameters {
    /// Reads an `a=fmtp` list; `None` if a value is not what it must be.
    pub fn parse(fmtp: &str) -> Option<Self> {
        let parameters = Self {
            profile_id: number(fmtp, "profile-id", 1)?,
            tier: match parameter(fmtp, "tier-flag") {
                None | Some("0") => H266Tier::Main,
                Some("1") => H266Tier::High,
                Some(_) => return None,
            },
            level_id: number(fmtp, "level-id", 51)?,
        };
        (parameters.profile_id < 128).then_some(parameters)
    }

    /// Whether both mean the same stream: the profile. Tier and level only bound what is sent, and never part two.
    pub const fn matches(&self, other: &Self) -> bool {
        self.profile_id == other.profile_id
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
    fn h266_tier_and_level_take_the_minimum_and_never_part() {
        let parse = |text: &str| H266Parameters::parse(text).unwrap();
        let own = parse("level-id=83;profile-id=1;tier-flag=1");
        let low = parse("level-id=51;profile-id=1;tier-flag=0");
        let both = own.answer(&low).unwrap();
        assert_eq!((both.tier, both.level_id), (H266Tier::Main, 51));
        assert_eq!(low.answer(&own), Some(both));
        assert_eq!(parse(""), low);
        assert_eq!(own.answer(&parse("profile-id=33")), None);
        for bad in [
            "tier-flag=2",
            "level-id=x",
            "level-id=256",
            "profile-id=128",
        ] {
            assert_eq!(H266Parameters::parse(bad), None, "{bad}");
        }
    }
}
