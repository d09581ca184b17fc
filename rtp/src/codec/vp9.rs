use super::parameters::number;

/// What a description says of a VP9 stream (RFC 9628 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp9Parameters {
    /// `profile-id`, 0 to 3: bit depth and chroma sampling; 0 if not given.
    pub profile_id: u8,
}

impl Vp9Parameters {
    /// Reads an `a=fmtp` list; `None` if a value is not what it must be.
    pub fn parse(fmtp: &str) -> Option<Self> {
        let profile_id = number(fmtp, "profile-id", 0)?;
        (profile_id <= 3).then_some(Self { profile_id })
    }

    /// Whether both mean the same stream: the profile is symmetric (RFC 9628 §6.2).
    pub fn matches(&self, other: &Self) -> bool {
        self == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp9_matches_by_profile() {
        let parse = |text: &str| Vp9Parameters::parse(text).unwrap();
        assert!(parse("profile-id=0").matches(&parse("max-fs=12288;max-fr=60")));
        assert!(!parse("profile-id=0").matches(&parse("profile-id=2")));
        assert_eq!(Vp9Parameters::parse("profile-id=4"), None);
    }
}
