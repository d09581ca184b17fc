use rtp::payload::describe;
use rtp::{Frame, MediaKind, MimeType};

/// A frame and its place on the time line of its file.
///
/// RTP timestamps have 32 bits and so wrap after 13 hours of video; `time` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedFrame {
    /// When the frame begins, in units of its codec's RTP clock (see [`clock_rate`]); the low 32 bits of it are
    /// `frame.timestamp`.
    pub time: u64,
    /// The frame.
    pub frame: Frame,
}

impl TimedFrame {
    /// Places a frame; its RTP timestamp follows.
    pub const fn new(time: u64, mut frame: Frame) -> Self {
        frame.timestamp = time as u32;
        Self { time, frame }
    }

    /// Places a frame from a file, and reads from its octets what they tell.
    pub(crate) fn described(time: u64, mut frame: Frame) -> Self {
        describe(&mut frame);
        Self::new(time, frame)
    }
}

/// The RTP clock of a codec in Hz: 90,000 for video, 48,000 for Opus, 8,000 for G.711 and G.722 (whose clock is wrong by
/// an old mistake, RFC 3551 §4.5.2). `None` where it is the sampling rate and so depends on the stream (L16).
pub fn clock_rate(codec: &MimeType) -> Option<u32> {
    if codec.kind() == MediaKind::Video {
        return Some(90_000);
    }
    let rates = [
        (MimeType::OPUS, 48_000),
        (MimeType::PCMU, 8_000),
        (MimeType::PCMA, 8_000),
        (MimeType::G722, 8_000),
        (MimeType::CN, 8_000),
    ];
    let known = rates.into_iter().find(|(known, _)| known == codec);
    known.map(|(_, rate)| rate)
}
