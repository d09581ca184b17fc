use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;

/// Takes the size of the pictures less what their conformance window cuts off, which H.265 and H.266 write alike
/// (ITU-T H.265 §7.3.2.2, H.266 §7.3.2.4).
pub(in crate::payload) fn take_size(
    chroma_format: u32,
    bits: &mut Bits<'_>,
) -> Result<Resolution, PayloadError> {
    let width = bits.exp_golomb()?;
    let height = bits.exp_golomb()?;
    let mut window = [0; 4];
    if bits.bit()? {
        for offset in &mut window {
            *offset = bits.exp_golomb()?;
        }
    }
    let [left, right, top, bottom] = window;
    // Units of the conformance window: H.265 Table 6-1, H.266 Table 2.
    let (unit_x, unit_y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        0 | 3 => (1, 1),
        _ => return Err(PayloadError::Value),
    };
    Ok(Resolution {
        width: cropped(width, left, right, unit_x)?,
        height: cropped(height, top, bottom, unit_y)?,
    })
}

fn cropped(full: u32, before: u32, after: u32, unit: u64) -> Result<u32, PayloadError> {
    let crop = (u64::from(before) + u64::from(after)) * unit;
    let size = u64::from(full).checked_sub(crop).filter(|&size| size > 0);
    let size = size.and_then(|size| u32::try_from(size).ok());
    size.ok_or(PayloadError::Value)
}
