//! The codecs that a connection offers and answers with, and when two descriptions mean the same codec.

use std::sync::{Arc, LazyLock};

use rtp::{Codec, Feedback, MediaKind, MimeType, PayloadType};

/// The feedback that the RTP session implements. Nothing else may be offered (RFC 4585 §4.2).
pub(crate) const IMPLEMENTED_FEEDBACK: [Feedback; 3] =
    [Feedback::Nack, Feedback::NackPli, Feedback::CcmFir];

/// One codec with the payload types that stand for it (W3C `RTCRtpCodecParameters`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecParameters {
    /// The codec, shared by everything that speaks of it.
    pub codec: Arc<Codec>,
    /// The payload type of its packets.
    pub payload_type: PayloadType,
    /// The payload type of their retransmissions (RFC 4588), if there are any.
    pub rtx_payload_type: Option<PayloadType>,
}

impl CodecParameters {
    /// An audio codec without feedback. Of the payload type the low seven bits count.
    pub fn audio(payload_type: u8, name: &str, clock_rate: u32, channels: u16) -> Self {
        let mut codec = Codec::new(MimeType::new(MediaKind::Audio, name), clock_rate);
        codec.channels = Some(channels).filter(|&channels| channels != 1);
        Self {
            codec: Arc::new(codec),
            payload_type: low_bits(payload_type),
            rtx_payload_type: None,
        }
    }

    /// A video codec of a 90 kHz clock with all feedback that is implemented and its own retransmissions. Of the
    /// payload types the low seven bits count.
    pub fn video(payload_type: u8, rtx_payload_type: u8, name: &str, fmtp: &str) -> Self {
        let mut codec = Codec::new(MimeType::new(MediaKind::Video, name), 90_000);
        fmtp.clone_into(&mut codec.fmtp);
        codec.feedback = IMPLEMENTED_FEEDBACK.to_vec();
        Self {
            codec: Arc::new(codec),
            payload_type: low_bits(payload_type),
            rtx_payload_type: Some(low_bits(rtx_payload_type)),
        }
    }

    /// The same codec with these format parameters.
    #[must_use]
    pub fn with_fmtp(mut self, fmtp: &str) -> Self {
        self.set_fmtp(fmtp.to_owned());
        self
    }

    /// Gives it other format parameters, if they are others.
    pub(crate) fn set_fmtp(&mut self, fmtp: String) {
        if self.codec.fmtp != fmtp {
            Arc::make_mut(&mut self.codec).fmtp = fmtp;
        }
    }

    /// Leaves it with this feedback, if it has another.
    pub(crate) fn set_feedback(&mut self, feedback: &[Feedback]) {
        if self.codec.feedback != feedback {
            Arc::make_mut(&mut self.codec).feedback = feedback.to_vec();
        }
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.codec.kind()
    }

    /// The encoding name.
    pub fn name(&self) -> &str {
        self.codec.mime.name()
    }

    /// The value of one format parameter (RFC 8866 §6.15; names of either case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.codec.parameter(name)
    }

    /// Whether both mean the same codec: see [`Codec::matches`]. The payload types do not matter.
    pub fn matches(&self, other: &Self) -> bool {
        self.codec.matches(&other.codec)
    }
}

/// The codecs of a connection in order of preference.
///
/// The payload types are those of our own offers; an answer takes the offer's (RFC 3264 §6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codecs {
    /// For audio.
    pub audio: Vec<CodecParameters>,
    /// For video.
    pub video: Vec<CodecParameters>,
}

impl Codecs {
    /// What every browser of today decodes: Opus, PCMU, PCMA; VP8, H.264 constrained baseline with
    /// packetization mode 1, VP9 profile 0, AV1; each video codec with retransmissions.
    pub fn browser_default() -> Self {
        // One for the process: connections share what it names.
        static DEFAULT: LazyLock<Codecs> = LazyLock::new(Codecs::of_browsers);
        DEFAULT.clone()
    }

    fn of_browsers() -> Self {
        Self {
            audio: vec![
                CodecParameters::audio(111, "opus", 48_000, 2)
                    .with_fmtp("minptime=10;useinbandfec=1"),
                CodecParameters::audio(0, "PCMU", 8_000, 1),
                CodecParameters::audio(8, "PCMA", 8_000, 1),
            ],
            video: vec![
                CodecParameters::video(96, 97, "VP8", ""),
                CodecParameters::video(
                    102,
                    103,
                    "H264",
                    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
                ),
                CodecParameters::video(98, 99, "VP9", "profile-id=0"),
                CodecParameters::video(45, 46, "AV1", "level-idx=5;profile=0;tier=0"),
            ],
        }
    }

    /// No codec at all: a connection for data.
    pub const fn none() -> Self {
        Self {
            audio: Vec::new(),
            video: Vec::new(),
        }
    }

    /// Only the codecs with these names, in this order.
    #[must_use]
    pub fn only(self, names: &[&str]) -> Self {
        let pick = |codecs: &[CodecParameters]| {
            names
                .iter()
                .flat_map(|name| {
                    codecs
                        .iter()
                        .filter(move |codec| codec.name().eq_ignore_ascii_case(name))
                        .cloned()
                })
                .collect()
        };
        Self {
            audio: pick(&self.audio),
            video: pick(&self.video),
        }
    }

    /// The codecs with this name first.
    #[must_use]
    pub fn prefer(mut self, name: &str) -> Self {
        for codecs in [&mut self.audio, &mut self.video] {
            codecs.sort_by_key(|codec| !codec.name().eq_ignore_ascii_case(name));
        }
        self
    }

    /// The codecs of one medium.
    pub fn of(&self, kind: MediaKind) -> &[CodecParameters] {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }
}

fn low_bits(payload_type: u8) -> PayloadType {
    PayloadType::new(payload_type & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(parameters: &str) -> CodecParameters {
        CodecParameters::video(102, 103, "H264", parameters)
    }

    #[test]
    fn names_match_in_either_case_and_channels_count() {
        let ours = CodecParameters::audio(111, "opus", 48_000, 2);
        assert!(ours.matches(&CodecParameters::audio(109, "OPUS", 48_000, 2)));
        assert!(!ours.matches(&CodecParameters::audio(109, "opus", 48_000, 1)));
        assert!(!ours.matches(&CodecParameters::audio(109, "opus", 8_000, 2)));
    }

    #[test]
    fn h264_matches_by_mode_and_profile_but_not_level() {
        let ours = h264("packetization-mode=1;profile-level-id=42e01f");
        assert!(ours.matches(&h264("profile-level-id=42e034; packetization-mode=1")));
        assert!(ours.matches(&h264("profile-level-id=42C01F;packetization-mode=1")));
        assert!(!ours.matches(&h264("packetization-mode=0;profile-level-id=42e01f")));
        assert!(!ours.matches(&h264("profile-level-id=42e01f")));
        assert!(!ours.matches(&h264("packetization-mode=1;profile-level-id=42001f")));
        assert!(!ours.matches(&h264("packetization-mode=1;profile-level-id=64001f")));
        assert!(!ours.matches(&h264("packetization-mode=1;profile-level-id=zz")));
    }

    #[test]
    fn profiles_of_vp9_and_av1_must_agree() {
        let vp9 = |parameters| CodecParameters::video(98, 99, "VP9", parameters);
        assert!(vp9("profile-id=0").matches(&vp9("")));
        assert!(vp9("profile-id=0").matches(&vp9("max-fs=12288;max-fr=60")));
        assert!(!vp9("profile-id=0").matches(&vp9("profile-id=2")));
        let av1 = |parameters| CodecParameters::video(45, 46, "AV1", parameters);
        assert!(av1("profile=0;tier=0").matches(&av1("")));
        assert!(!av1("profile=0").matches(&av1("profile=1")));
    }

    #[test]
    fn a_list_can_be_narrowed_and_reordered() {
        let codecs = Codecs::browser_default()
            .only(&["vp9", "VP8", "opus"])
            .prefer("VP8");
        let names: Vec<_> = codecs.video.iter().map(|codec| codec.name()).collect();
        assert_eq!(names, ["VP8", "VP9"]);
        assert_eq!(codecs.audio.len(), 1);
    }
}
