use bytes::Bytes;

use crate::MimeType;

/// One encoded picture (all of its spatial layers) or one block of sound, whole.
///
/// This is what a packetizer takes and a depacketizer yields; how `data` is laid out is said by the room of each
/// codec in [`payload`](crate::payload).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The payload format.
    pub codec: MimeType,
    /// The RTP timestamp, in units of the codec's clock.
    pub timestamp: u32,
    /// How long the frame lasts, in units of the codec's clock, where the payload tells; always so for sound.
    pub duration: Option<u32>,
    /// Whether decoding can begin here. Sound always can.
    pub key: bool,
    /// Whether no other frame depends on this one. `false` also where the payload does not tell.
    pub discardable: bool,
    /// The highest layer in the frame; `None` where the stream names no layers.
    pub layer: Option<Layer>,
    /// The size of the picture (of its highest layer), where this frame tells: usually key frames do.
    pub resolution: Option<Resolution>,
    /// Whether sound begins here after silence (RFC 3551 §4.1).
    pub talkspurt_start: bool,
    /// Whether packets between the frame before and this one never came, or could not be used.
    pub after_loss: bool,
    /// The encoded octets.
    pub data: Bytes,
}

impl Frame {
    /// A frame of which nothing more is known; sound counts as key.
    pub const fn new(codec: MimeType, timestamp: u32, data: Bytes) -> Self {
        let key = matches!(codec.kind(), crate::MediaKind::Audio);
        Self {
            codec,
            timestamp,
            duration: None,
            key,
            discardable: false,
            layer: None,
            resolution: None,
            talkspurt_start: false,
            after_loss: false,
            data,
        }
    }
}

/// A place in a layered stream; 0 is the base of either kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layer {
    /// The spatial (or quality) layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
}

/// The size of a picture, in luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}
