/// What a video shows (video-content-type). One octet, on the last packet of key frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VideoContentType {
    /// Something that moves: a camera.
    #[default]
    Unspecified,
    /// A screen: sharp edges matter more than smooth motion.
    Screenshare,
}

impl VideoContentType {
    /// Reads the value of the extension; `None` if it has another length. Only the lowest bit has a meaning: the others
    /// were used for experiments and still arrive from some senders.
    pub const fn decode(value: &[u8]) -> Option<Self> {
        match value {
            [octet] if *octet & 1 == 1 => Some(Self::Screenshare),
            [_] => Some(Self::Unspecified),
            _ => None,
        }
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 1] {
        [self as u8]
    }
}
