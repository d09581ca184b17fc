use super::Descriptor;
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo, Start};
use crate::{Layer, MimeType, Resolution};

/// The receiving side of VP8; it remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp8;

impl Vp8 {
    fn read(payload: &[u8]) -> Result<(PayloadInfo, &[u8]), PayloadError> {
        let mut rest = payload;
        let descriptor = Descriptor::decode(&mut rest)?;
        if rest.is_empty() {
            return Err(PayloadError::Truncated);
        }
        let starts = descriptor.starts_frame();
        let key = starts && is_key(rest);
        let info = PayloadInfo {
            start: if starts { Start::Certain } else { Start::No },
            key,
            discardable: descriptor.non_reference,
            layer: descriptor.temporal_layer.map(|layer| Layer {
                spatial: 0,
                temporal: layer.id,
            }),
            resolution: if key { resolution(rest) } else { None },
        };
        Ok((info, rest))
    }
}

impl Format for Vp8 {
    fn codec(&self) -> MimeType {
        MimeType::VP8
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        Ok(Self::read(payload)?.0)
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        let (info, data) = Self::read(payload)?;
        if frame.data.is_empty() {
            frame.info = info;
        } else if info.start == Start::Certain {
            return Err(PayloadError::Sequence);
        }
        frame.data.extend_from_slice(data);
        Ok(())
    }
}

/// The inverse key frame flag is the lowest bit of a frame (RFC 6386 §9.1).
pub(super) fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// The size in the header of a key frame: frame tag, start code, and 14 bits each (RFC 6386 §9.1).
fn resolution(frame: &[u8]) -> Option<Resolution> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *frame else {
        return None;
    };
    Some(Resolution {
        width: u32::from(u16::from_le_bytes([w0, w1]) & 0x3fff),
        height: u32::from(u16::from_le_bytes([h0, h1]) & 0x3fff),
    })
}

/// What a whole frame tells of itself.
pub(in crate::payload) fn describe(frame: &[u8]) -> PayloadInfo {
    let key = is_key(frame);
    PayloadInfo {
        key,
        resolution: key.then(|| resolution(frame)).flatten(),
        ..PayloadInfo::default()
    }
}
