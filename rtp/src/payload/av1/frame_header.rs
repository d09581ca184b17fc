use super::sequence::FrameSyntax;
use crate::bits::Bits;
use crate::payload::PayloadError;

const KEY: u32 = 0;
const INTRA_ONLY: u32 = 2;
const SWITCH: u32 = 3;

/// `refresh_frame_flags` of a frame, from the front of its header (AV1 bitstream §5.9.2): the places in which the decoder
/// keeps it for others to refer to. All, for what is shown again: only the frame that it shows would tell.
pub(super) fn refresh_flags(body: &[u8], syntax: &FrameSyntax) -> Result<u8, PayloadError> {
    const ALL: u8 = 0xff;
    if syntax.still {
        return Ok(ALL);
    }
    let mut bits = Bits::new(body);
    if bits.bit()? {
        return Ok(ALL); // show_existing_frame
    }
    let frame_type = bits.bits(2)?;
    let show = bits.bit()?;
    if !show {
        bits.skip(1)?; // showable_frame
    }
    if frame_type == SWITCH || frame_type == KEY && show {
        return Ok(ALL);
    }
    let error_resilient = bits.bit()?;
    bits.skip(1)?; // disable_cdf_update
    let screen_content = match syntax.screen_content_tools {
        Some(forced) => forced,
        None => bits.bit()?,
    };
    if screen_content && syntax.integer_mv.is_none() {
        bits.skip(1)?;
    }
    bits.skip(syntax.id_bits + 1 + syntax.order_hint_bits)?; // with frame_size_override_flag
    let intra = matches!(frame_type, KEY | INTRA_ONLY);
    if !intra && !error_resilient {
        bits.skip(3)?; // primary_ref_frame
    }
    Ok(bits.bits(8)? as u8)
}
