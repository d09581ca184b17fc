use super::parameters::number;

/// What a description says of an AV1 stream (RTP Payload Format For AV1 1.0 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Av1Parameters {
    /// `profile`, 0 to 2: bit depth and chroma sampling; 0, Main, if not given.
    pub profile: u8,
    /// `level-idx`, 0 to 31: the highest level that can be received; 5, which is 3.1, if not given.
    pub level_idx: u8,
    /// `tier`: 0 or 1, the highest that can be received.
    pub tier: u8,
}

impl Av1Parameters {
    /// Reads an `a=fmtp` list; `None` if a value is not what it must be.
    pub fn parse(fmtp: &str) -> Option<Self> {
        let parameters = Self {
            profile: number(fmtp, "profile", 0)?,
            level_idx: number(fmtp, "level-idx", 5)?,
            tier: number(fmtp, "tier", 0)?,
        };
        let fits = parameters.profile <= 2 && parameters.level_idx <= 31 && parameters.tier <= 1;
        fits.then_some(parameters)
    }

    /// Whether both mean the same stream: the profile. Tier and level only bound what is sent.
    pub const fn matches(&self, other: &Self) -> bool {
        self.profile == other.profile
    }

    /// What both can do: the lower tier and the lower level. `None` if the two do not match.
    pub fn answer(&self, offer: &Self) -> Option<Self> {
        self.matches(offer).then(|| Self {
            level_idx: self.level_idx.min(offer.level_idx),
            tier: self.tier.min(offer.tier),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av1_matches_by_profile_and_answers_with_the_lower_tier_and_level() {
        let parse = |text: &str| Av1Parameters::parse(text).unwrap();
        let own = parse("level-idx=13;profile=0;tier=1");
        let both = own.answer(&parse("")).unwrap();
        assert_eq!((both.profile, both.level_idx, both.tier), (0, 5, 0));
        assert_eq!(own.answer(&parse("profile=1")), None);
        for bad in ["profile=3", "level-idx=32", "tier=2", "tier=-1"] {
            assert_eq!(Av1Parameters::parse(bad), None, "{bad}");
        }
    }
}
