use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;

/// The octets behind which colours and sizes follow (VP9 bitstream §6.2).
const SYNC_CODE: u32 = 0x49_8342;

/// The front of the uncompressed header of a VP9 frame (VP9 bitstream §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) key: bool,
    /// Whether the decoder keeps the frame for others to refer to.
    pub(super) kept: bool,
    pub(super) resolution: Option<Resolution>,
}

impl Header {
    pub(super) fn decode(frame: &[u8]) -> Result<Self, PayloadError> {
        let mut bits = Bits::new(frame);
        if bits.bits(2)? != 2 {
            return Err(PayloadError::Value);
        }
        let profile = u32::from(bits.bit()?) | u32::from(bits.bit()?) << 1;
        if profile == 3 && bits.bit()? {
            return Err(PayloadError::Value);
        }
        if bits.bit()? {
            // show_existing_frame: nothing is decoded, nothing kept.
            return Ok(Self {
                key: false,
                kept: false,
                resolution: None,
            });
        }
        let key = !bits.bit()?;
        let show = bits.bit()?;
        let error_resilient = bits.bit()?;
        if key {
            sync(&mut bits)?;
            skip_colours(profile, &mut bits)?;
            let resolution = Some(size(&mut bits)?);
            return Ok(Self {
                key,
                kept: true,
                resolution,
            });
        }
        let intra_only = !show && bits.bit()?;
        if !error_resilient {
            bits.skip(2)?;
        }
        if intra_only {
            sync(&mut bits)?;
            if profile > 0 {
                skip_colours(profile, &mut bits)?;
            }
        }
        let kept = bits.bits(8)? != 0;
        let resolution = if intra_only {
            Some(size(&mut bits)?)
        } else {
            None
        };
        Ok(Self {
            key,
            kept,
            resolution,
        })
    }
}

fn sync(bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    if bits.bits(24)? == SYNC_CODE {
        Ok(())
    } else {
        Err(PayloadError::Value)
    }
}

fn skip_colours(profile: u32, bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    if profile >= 2 {
        bits.skip(1)?;
    }
    let rgb = bits.bits(3)? == 7;
    let odd = profile % 2 == 1;
    match (rgb, odd) {
        (true, false) => Ok(()),
        (true, true) | (false, false) => bits.skip(1),
        (false, true) => bits.skip(4),
    }
}

fn size(bits: &mut Bits<'_>) -> Result<Resolution, PayloadError> {
    Ok(Resolution {
        width: bits.bits(16)? + 1,
        height: bits.bits(16)? + 1,
    })
}
