use rtp::payload::av1::Obu;
use rtp::{MimeType, leb128};

use super::{DELIMITER, ObuFormat};
use crate::{MuxError, Muxer, TimedFrame};

const SEQUENCE_HEADER: u8 = 1;
const FRAME_HEADER: u8 = 3;
const METADATA: u8 = 5;
const FRAME: u8 = 6;

/// Writes AV1 in either form of §5 of its specification.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObuMuxer {
    format: ObuFormat,
}

impl ObuMuxer {
    /// A muxer of this form.
    pub const fn new(format: ObuFormat) -> Self {
        Self { format }
    }
}

impl Muxer for ObuMuxer {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        if item.frame.codec != MimeType::AV1 {
            return Err(MuxError::Codec);
        }
        let frames = frames(&item.frame.data)?;
        match self.format {
            ObuFormat::LowOverhead => {
                out.extend_from_slice(&DELIMITER);
                for obu in frames.iter().flatten() {
                    obu.write_sized(out);
                }
            }
            ObuFormat::LengthDelimited => length_delimited(&frames, out),
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) {}
}

/// The OBUs of a temporal unit, by the frame that they belong to: what stands in front of a frame header (sequence
/// headers, metadata) belongs to it, tiles and padding belong to what is before them (Annex B §B.3).
fn frames(mut unit: &[u8]) -> Result<Vec<Vec<Obu<'_>>>, MuxError> {
    let mut frames: Vec<Vec<Obu<'_>>> = vec![Vec::new()];
    let mut has_frame = false;
    while !unit.is_empty() {
        let obu = Obu::take(&mut unit).map_err(|_| MuxError::Malformed)?;
        if has_frame
            && matches!(
                obu.kind(),
                SEQUENCE_HEADER | FRAME_HEADER | METADATA | FRAME
            )
        {
            frames.push(Vec::new());
            has_frame = false;
        }
        has_frame |= matches!(obu.kind(), FRAME_HEADER | FRAME);
        if let Some(frame) = frames.last_mut() {
            frame.push(obu);
        }
    }
    Ok(frames)
}

fn length_delimited(frames: &[Vec<Obu<'_>>], out: &mut Vec<u8>) {
    let (mut unit, mut frame, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for (at, obus) in frames.iter().enumerate() {
        frame.clear();
        if at == 0 {
            // The delimiter is in the first frame, without its size.
            frame.extend_from_slice(&[1, DELIMITER[0] & !0x02]);
        }
        for obu in obus {
            bare.clear();
            obu.write_bare(&mut bare);
            leb128::encode(bare.len(), &mut frame);
            frame.extend_from_slice(&bare);
        }
        leb128::encode(frame.len(), &mut unit);
        unit.extend_from_slice(&frame);
    }
    leb128::encode(unit.len(), out);
    out.extend_from_slice(&unit);
}
