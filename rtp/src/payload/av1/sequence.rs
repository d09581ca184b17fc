use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;

/// The largest size of the pictures of a sequence, from the body of its header (AV1 bitstream §5.5.1).
pub(super) fn resolution(body: &[u8]) -> Result<Resolution, PayloadError> {
    let mut bits = Bits::new(body);
    bits.skip(4)?; // seq_profile, still_picture
    if bits.bit()? {
        bits.skip(5)?;
    } else {
        skip_operating_points(&mut bits)?;
    }
    let width_bits = bits.bits(4)? + 1;
    let height_bits = bits.bits(4)? + 1;
    Ok(Resolution {
        width: bits.bits(width_bits)? + 1,
        height: bits.bits(height_bits)? + 1,
    })
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    // The length of the delays, where a decoder model is present.
    let mut delay_bits = None;
    if bits.bit()? {
        bits.skip(64)?;
        if bits.bit()? {
            bits.exp_golomb()?; // uvlc() has the form of ue(v)
        }
        if bits.bit()? {
            delay_bits = Some(bits.bits(5)? as usize + 1);
            bits.skip(42)?;
        }
    }
    let display_delays = bits.bit()?;
    for _ in 0..=bits.bits(5)? {
        bits.skip(12)?;
        if bits.bits(5)? > 7 {
            bits.skip(1)?;
        }
        if let Some(len) = delay_bits
            && bits.bit()?
        {
            bits.skip(2 * len + 1)?;
        }
        if display_delays && bits.bit()? {
            bits.skip(4)?;
        }
    }
    Ok(())
}
