use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;
use crate::payload::nal::{take_size, unescaped};

/// The octets of the general profile, tier and level (ITU-T H.265 §7.3.3).
const GENERAL_PROFILE_BITS: usize = 88;

/// The id of a sequence parameter set, from what follows its header (ITU-T H.265 §7.3.2.2).
pub(super) fn id(body: &[u8]) -> Result<u32, PayloadError> {
    take_id(&mut Bits::new(&unescaped(body)))
}

/// The size of the pictures of a sequence parameter set, from what follows its header.
pub(super) fn resolution(body: &[u8]) -> Result<Resolution, PayloadError> {
    let plain = unescaped(body);
    let mut bits = Bits::new(&plain);
    take_id(&mut bits)?;
    let chroma_format = bits.exp_golomb()?;
    if chroma_format == 3 {
        bits.skip(1)?;
    }
    take_size(chroma_format, &mut bits)
}

fn take_id(bits: &mut Bits<'_>) -> Result<u32, PayloadError> {
    bits.skip(4)?;
    let sub_layers = bits.bits(3)?;
    bits.skip(1)?;
    skip_profile(sub_layers, bits)?;
    let id = bits.exp_golomb()?;
    if id > 15 {
        return Err(PayloadError::Value);
    }
    Ok(id)
}

fn skip_profile(sub_layers: u32, bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    bits.skip(GENERAL_PROFILE_BITS + 8)?;
    if sub_layers == 0 {
        return Ok(());
    }
    let mut len = 0;
    for layer in 0..8 {
        let (profile, level) = (bits.bit()?, bits.bit()?);
        if layer < sub_layers {
            len += usize::from(profile) * GENERAL_PROFILE_BITS + usize::from(level) * 8;
        }
    }
    bits.skip(len)
}
