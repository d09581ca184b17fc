use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;

/// What a sequence header says of the frames behind it (AV1 bitstream §5.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SequenceHeader {
    /// The largest size of the pictures.
    pub(super) resolution: Resolution,
    /// What it takes to read their headers; `None` where a decoder model makes them longer, which no encoder of today's
    /// calls writes.
    pub(super) frames: Option<FrameSyntax>,
}

/// The fields of frame headers that a sequence header rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameSyntax {
    /// The frames are still pictures of the short form: each is a key frame.
    pub(super) still: bool,
    /// The bits of `current_frame_id`, 0 without ids.
    pub(super) id_bits: usize,
    /// The bits of `order_hint`, 0 without hints.
    pub(super) order_hint_bits: usize,
    /// `seq_force_screen_content_tools` and `seq_force_integer_mv`: `None` where each frame chooses.
    pub(super) screen_content_tools: Option<bool>,
    pub(super) integer_mv: Option<bool>,
}

impl SequenceHeader {
    /// Reads the body of the OBU.
    pub(super) fn decode(body: &[u8]) -> Result<Self, PayloadError> {
        let mut bits = Bits::new(body);
        bits.skip(4)?; // seq_profile, still_picture
        let still = bits.bit()?;
        let decoder_model = if still {
            bits.skip(5)?;
            false
        } else {
            skip_operating_points(&mut bits)?
        };
        let width_bits = bits.bits(4)? + 1;
        let height_bits = bits.bits(4)? + 1;
        let resolution = Resolution {
            width: bits.bits(width_bits)? + 1,
            height: bits.bits(height_bits)? + 1,
        };
        // The size is worth having even if the rest is cut off.
        let frames = FrameSyntax::decode(&mut bits, still).ok();
        Ok(Self {
            resolution,
            frames: frames.filter(|_| !decoder_model),
        })
    }
}

impl FrameSyntax {
    fn decode(bits: &mut Bits<'_>, still: bool) -> Result<Self, PayloadError> {
        let mut id_bits = 0;
        if !still && bits.bit()? {
            let delta = bits.bits(4)?;
            id_bits = (delta + bits.bits(3)? + 3) as usize;
        }
        bits.skip(3)?; // superblock size, filter_intra, intra_edge_filter
        let mut syntax = Self {
            still,
            id_bits,
            order_hint_bits: 0,
            screen_content_tools: None,
            integer_mv: None,
        };
        if still {
            return Ok(syntax);
        }
        bits.skip(4)?; // interintra and masked compound, warped motion, dual filter
        let order_hint = bits.bit()?;
        if order_hint {
            bits.skip(2)?;
        }
        if !bits.bit()? {
            syntax.screen_content_tools = Some(bits.bit()?);
        }
        // "SELECT" is above 0, too.
        if syntax.screen_content_tools != Some(false) && !bits.bit()? {
            syntax.integer_mv = Some(bits.bit()?);
        }
        if order_hint {
            syntax.order_hint_bits = bits.bits(3)? as usize + 1;
        }
        Ok(syntax)
    }
}

/// Passes over timing and operating points; whether there is a decoder model.
fn skip_operating_points(bits: &mut Bits<'_>) -> Result<bool, PayloadError> {
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
    Ok(delay_bits.is_some())
}
