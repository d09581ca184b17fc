use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;
use crate::payload::nal::unescaped;

/// What a sequence parameter set says of the pictures (ITU-T H.264 §7.3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceParameterSet {
    /// `profile_idc`.
    pub profile: u8,
    /// The constraint flags, the octet behind `profile_idc`.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level: u8,
    /// `seq_parameter_set_id`, 0 to 31.
    pub id: u32,
    /// The size of the picture after cropping.
    pub resolution: Resolution,
}

impl SequenceParameterSet {
    /// Reads a NAL unit of type 7, its header included.
    pub fn decode(unit: &[u8]) -> Result<Self, PayloadError> {
        Self::decode_body(unit.get(1..).ok_or(PayloadError::Truncated)?)
    }

    /// Reads what follows the header.
    pub(super) fn decode_body(body: &[u8]) -> Result<Self, PayloadError> {
        let plain = unescaped(body);
        let [profile, constraints, level, rest @ ..] = plain.as_slice() else {
            return Err(PayloadError::Truncated);
        };
        let mut bits = Bits::new(rest);
        let id = bits.exp_golomb()?;
        if id > 31 {
            return Err(PayloadError::Value);
        }
        let chroma_format = chroma_format(*profile, &mut bits)?;
        bits.exp_golomb()?; // log2_max_frame_num_minus4
        skip_picture_order(&mut bits)?;
        bits.exp_golomb()?; // max_num_ref_frames
        bits.skip(1)?;
        let width = bits.exp_golomb()?;
        let height = bits.exp_golomb()?;
        let field_factor = if bits.bit()? {
            1
        } else {
            bits.skip(1)?;
            2
        };
        bits.skip(1)?;
        let crop = if bits.bit()? {
            [
                bits.exp_golomb()?,
                bits.exp_golomb()?,
                bits.exp_golomb()?,
                bits.exp_golomb()?,
            ]
        } else {
            [0; 4]
        };
        // Units of cropping, Table 6-1.
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let [left, right, top, bottom] = crop.map(u64::from);
        Ok(Self {
            profile: *profile,
            constraints: *constraints,
            level: *level,
            id,
            resolution: Resolution {
                width: cropped(width, 1, (left + right) * unit_x)?,
                height: cropped(height, field_factor, (top + bottom) * unit_y * field_factor)?,
            },
        })
    }
}

fn cropped(macroblocks_minus_1: u32, factor: u64, crop: u64) -> Result<u32, PayloadError> {
    let full = (u64::from(macroblocks_minus_1) + 1) * 16 * factor;
    let size = full.checked_sub(crop).filter(|&size| size > 0);
    let size = size.and_then(|size| u32::try_from(size).ok());
    size.ok_or(PayloadError::Value)
}

/// The fields that only the profiles above Main have; yields `chroma_format_idc`, or 0 for separate planes.
fn chroma_format(profile: u8, bits: &mut Bits<'_>) -> Result<u32, PayloadError> {
    if !matches!(
        profile,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    ) {
        return Ok(1);
    }
    let format = bits.exp_golomb()?;
    if format > 3 {
        return Err(PayloadError::Value);
    }
    let separate = format == 3 && bits.bit()?;
    bits.exp_golomb()?; // bit_depth_luma_minus8
    bits.exp_golomb()?; // bit_depth_chroma_minus8
    bits.skip(1)?;
    if bits.bit()? {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.bit()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(if separate { 0 } else { format })
}

fn skip_scaling_list(bits: &mut Bits<'_>, len: usize) -> Result<(), PayloadError> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..len {
        if next != 0 {
            next = (last + bits.signed_exp_golomb()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn skip_picture_order(bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?;
        }
        1 => {
            bits.skip(1)?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            let count = bits.exp_golomb()?;
            if count > 255 {
                return Err(PayloadError::Value);
            }
            for _ in 0..count {
                bits.exp_golomb()?;
            }
        }
        2 => {}
        _ => return Err(PayloadError::Value),
    }
    Ok(())
}
