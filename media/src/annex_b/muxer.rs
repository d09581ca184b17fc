use rtp::payload::nal_units;

use super::{AnnexBCodec, Sei};
use crate::{MuxError, Muxer, TimedFrame};

/// Writes an Annex B stream, every NAL unit behind a start code of four octets.
#[derive(Clone, Copy, Debug)]
pub struct AnnexBMuxer {
    codec: AnnexBCodec,
    sei: Sei,
}

impl AnnexBMuxer {
    /// A muxer of this codec.
    pub const fn new(codec: AnnexBCodec) -> Self {
        Self {
            codec,
            sei: Sei::Keep,
        }
    }

    /// Says what becomes of supplemental enhancement information.
    #[must_use]
    pub const fn with_sei(mut self, sei: Sei) -> Self {
        self.sei = sei;
        self
    }
}

impl Muxer for AnnexBMuxer {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        if item.frame.codec != self.codec.mime() {
            return Err(MuxError::Codec);
        }
        let mut units = nal_units(&item.frame.data).peekable();
        if units.peek().is_none() {
            return Err(MuxError::Malformed);
        }
        for unit in units {
            if self.sei == Sei::Keep || !self.codec.is_sei(unit) {
                out.extend_from_slice(&[0, 0, 0, 1]);
                out.extend_from_slice(unit);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) {}
}
