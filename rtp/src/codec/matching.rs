use super::parameters::with_parameter;
use super::{
    Av1Parameters, Codec, H264Parameters, H265Parameters, H265Tier, H266Parameters, Vp9Parameters,
};
use crate::MimeType;

impl Codec {
    /// Whether both mean the same codec, so that what one sends the other decodes: name, clock rate and channels are
    /// equal, and the parameters that change the stream agree (RFC 9429 §5.2.2 and each payload format).
    pub fn matches(&self, other: &Self) -> bool {
        self.mime == other.mime
            && self.clock_rate == other.clock_rate
            && self.channels.unwrap_or(1) == other.channels.unwrap_or(1)
            && self.streams_agree(other)
    }

    fn streams_agree(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.fmtp.as_str(), other.fmtp.as_str());
        if self.mime == MimeType::H264 {
            agree(H264Parameters::parse, H264Parameters::matches, ours, theirs)
        } else if self.mime == MimeType::H265 {
            agree(H265Parameters::parse, H265Parameters::matches, ours, theirs)
        } else if self.mime == MimeType::H266 {
            agree(H266Parameters::parse, H266Parameters::matches, ours, theirs)
        } else if self.mime == MimeType::VP9 {
            agree(Vp9Parameters::parse, Vp9Parameters::matches, ours, theirs)
        } else if self.mime == MimeType::AV1 {
            agree(Av1Parameters::parse, Av1Parameters::matches, ours, theirs)
        } else {
            true
        }
    }

    /// Our format parameters as the answer to `offer` has them: levels and tiers are the lower ones where the format wants
    /// it, all else stays as it is. `None` if the two do not match.
    pub fn answer_parameters(&self, offer: &Self) -> Option<String> {
        if !self.matches(offer) {
            return None;
        }
        let (ours, theirs) = (self.fmtp.as_str(), offer.fmtp.as_str());
        let mut answer = self.fmtp.clone();
        let mut set = |name: &str, value: &str| answer = with_parameter(&answer, name, value);
        if self.mime == MimeType::H264 {
            let own = H264Parameters::parse(ours)?;
            let both = own.answer(&H264Parameters::parse(theirs)?)?;
            if both != own.profile_level_id {
                set("profile-level-id", &both.to_string());
            }
        } else if self.mime == MimeType::H265 {
            let own = H265Parameters::parse(ours)?;
            let both = own.answer(&H265Parameters::parse(theirs)?)?;
            if both.level_id != own.level_id {
                set("level-id", &both.level_id.to_string());
            }
            if both.tier != own.tier {
                set(
                    "tier-flag",
                    if both.tier == H265Tier::High {
                        "1"
                    } else {
                        "0"
                    },
                );
            }
        } else if self.mime == MimeType::H266 {
            let own = H266Parameters::parse(ours)?;
            let both = own.answer(&H266Parameters::parse(theirs)?)?;
            if both.level_id != own.level_id {
                set("level-id", &both.level_id.to_string());
            }
            if both.tier != own.tier {
                set("tier-flag", both.tier.as_str());
            }
        } else if self.mime == MimeType::AV1 {
            let own = Av1Parameters::parse(ours)?;
            let both = own.answer(&Av1Parameters::parse(theirs)?)?;
            if both.level_idx != own.level_idx {
                set("level-idx", &both.level_idx.to_string());
            }
            if both.tier != own.tier {
                set("tier", &both.tier.to_string());
            }
        }
        Some(answer)
    }
}

/// Whether both lists can be read and mean the same stream.
fn agree<P>(
    parse: impl Fn(&str) -> Option<P>,
    matches: impl Fn(&P, &P) -> bool,
    ours: &str,
    theirs: &str,
) -> bool {
    let both = parse(ours).zip(parse(theirs));
    both.is_some_and(|(ours, theirs)| matches(&ours, &theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(mime: MimeType, fmtp: &str) -> Codec {
        Codec {
            fmtp: fmtp.to_owned(),
            ..Codec::new(mime, 90_000)
        }
    }

    fn opus(channels: u16, clock_rate: u32, fmtp: &str) -> Codec {
        Codec {
            channels: Some(channels),
            fmtp: fmtp.to_owned(),
            ..Codec::new(MimeType::OPUS, clock_rate)
        }
    }

    #[test]
    fn opus_matches_whatever_its_parameters_are_and_keeps_them() {
        let ours = opus(2, 48_000, "minptime=10;useinbandfec=1;x-own=7");
        let theirs = opus(2, 48_000, "stereo=1;maxaveragebitrate=20000");
        assert!(ours.matches(&theirs));
        assert_eq!(ours.answer_parameters(&theirs).as_ref(), Some(&ours.fmtp));
        assert!(!ours.matches(&opus(1, 48_000, "")));
        assert!(!ours.matches(&opus(2, 8_000, "")));
        assert!(!ours.matches(&video(MimeType::VP8, "")));
    }

    #[test]
    fn answers_lower_levels_and_tiers_and_leave_the_rest() {
        let h264 = |fmtp| video(MimeType::H264, fmtp);
        let ours = h264("packetization-mode=1;profile-level-id=42e01f;x=1");
        let offer = h264("packetization-mode=1;profile-level-id=42e00d");
        let answer = ours.answer_parameters(&offer);
        assert_eq!(
            answer.as_deref(),
            Some("packetization-mode=1;profile-level-id=42e00d;x=1")
        );
        let h265 = |fmtp| video(MimeType::H265, fmtp);
        let ours = h265("level-id=153;tier-flag=1");
        let answer = ours.answer_parameters(&h265(""));
        assert_eq!(answer.as_deref(), Some("level-id=93;tier-flag=0"));
        let h266 = |fmtp| video(MimeType::H266, fmtp);
        let ours = h266("level-id=83;tier-flag=1;x=1");
        let answer = ours.answer_parameters(&h266("profile-id=1"));
        assert_eq!(answer.as_deref(), Some("level-id=51;tier-flag=0;x=1"));
        assert_eq!(ours.answer_parameters(&h266("profile-id=65")), None);
        let av1 = |fmtp| video(MimeType::AV1, fmtp);
        let ours = av1("level-idx=13;profile=0;tier=1");
        let answer = ours.answer_parameters(&av1("level-idx=8"));
        assert_eq!(answer.as_deref(), Some("level-idx=8;profile=0;tier=0"));
        assert_eq!(ours.answer_parameters(&av1("profile=1")), None);
        let vp9 = |fmtp| video(MimeType::VP9, fmtp);
        assert!(vp9("profile-id=0").matches(&vp9("")));
        assert!(!vp9("profile-id=0").matches(&vp9("profile-id=2")));
        assert!(!vp9("profile-id=0").matches(&vp9("profile-id=9")));
    }

    #[test]
    fn malformed_parameters_never_match() {
        let ours = video(
            MimeType::H264,
            "packetization-mode=1;profile-level-id=42e01f",
        );
        let bad = video(MimeType::H264, "packetization-mode=1;profile-level-id=zz");
        assert!(!ours.matches(&bad) && !bad.matches(&bad));
    }
}
