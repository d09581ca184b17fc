//! Codecs, and when two descriptions mean the same one.

mod av1;
mod feedback;
mod h264;
mod h265;
mod h266;
mod matching;
mod mime;
mod opus;
mod parameters;
mod vp9;

pub use av1::Av1Parameters;
pub use feedback::Feedback;
pub use h264::{H264Level, H264Parameters, H264Profile, ProfileLevelId};
pub use h265::{H265Parameters, H265Tier};
pub use h266::{H266Parameters, H266Tier};
pub use mime::{MediaKind, MimeType, ParseMimeTypeError};
pub use opus::OpusParameters;
pub use vp9::Vp9Parameters;

/// A payload format with its parameters: what a payload type number stands for in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// The media type.
    pub mime: MimeType,
    /// The rate of the RTP timestamp, in Hz.
    pub clock_rate: u32,
    /// The channels of audio; `None` where the description names none, which means 1 for audio.
    pub channels: Option<u16>,
    /// The format parameters, the value of `a=fmtp` behind the payload type; empty without any.
    pub fmtp: String,
    /// The feedback the codec is used with.
    pub feedback: Vec<Feedback>,
}

impl Codec {
    /// A codec of one channel or of video, without parameters or feedback.
    pub const fn new(mime: MimeType, clock_rate: u32) -> Self {
        Self {
            mime,
            clock_rate,
            channels: None,
            fmtp: String::new(),
            feedback: Vec::new(),
        }
    }

    /// What the codec carries.
    pub const fn kind(&self) -> MediaKind {
        self.mime.kind()
    }

    /// The value of one format parameter; names are compared without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameters::parameter(&self.fmtp, name)
    }

    /// Whether this kind of feedback is used.
    pub fn has_feedback(&self, feedback: &Feedback) -> bool {
        self.feedback.contains(feedback)
    }
}
