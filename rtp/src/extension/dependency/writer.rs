use thiserror::Error;

use super::{DependencyDescriptor, DependencyStructure, FrameDependencies};
use crate::bits::BitWriter;

/// Why a descriptor could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DependencyWriteError {
    /// The structure passes a bound, or its templates do not follow each other layer by layer.
    #[error("the structure cannot be written")]
    Structure,
    /// The structure has no template of the frame's layer.
    #[error("the structure has no template of this layer")]
    Layer,
    /// The frame has not as many indications or chains as the structure, or a reference that is 0 or above 4,096.
    #[error("the frame does not fit the structure")]
    Frame,
    /// The value is longer than 255 octets, which is what an extension holds.
    #[error("the descriptor is too long for an extension")]
    Length,
}

/// Where a frame differs from a template, and the bits it takes to say so.
#[derive(Clone, Copy, Default)]
struct Difference {
    indications: bool,
    references: bool,
    chains: bool,
    bits: usize,
}

impl Difference {
    fn between(frame: &FrameDependencies, template: &FrameDependencies) -> Self {
        let mut difference = Self {
            indications: !frame.indications().eq(template.indications()),
            references: frame.references() != template.references(),
            chains: frame.chain_diffs() != template.chain_diffs(),
            bits: 0,
        };
        if difference.indications {
            difference.bits += 2 * frame.indications().len();
        }
        if difference.references {
            let sizes = frame.references().iter().map(|r| 2 + 4 * nibbles(*r));
            difference.bits += 2 + sizes.sum::<u32>() as usize;
        }
        if difference.chains {
            difference.bits += 8 * frame.chain_diffs().len();
        }
        difference
    }
}

impl DependencyDescriptor {
    /// Appends the value of the extension, as one packet of a frame carries it. The template that takes the fewest bits
    /// is chosen.
    ///
    /// `structure` is the one that the receiver has, or gets with this very packet, if `self.structure` is set too.
    /// After an error nothing was appended.
    pub fn encode(
        &self,
        structure: &DependencyStructure,
        buf: &mut Vec<u8>,
    ) -> Result<(), DependencyWriteError> {
        let attached = self.structure.is_some();
        if !structure.is_valid() {
            return Err(DependencyWriteError::Structure);
        }
        let frame = &self.dependencies;
        if frame.indications().len() != usize::from(structure.decode_targets)
            || frame.chain_diffs().len() != usize::from(structure.chains.count)
            || !frame.references().iter().all(|r| (1..=4096).contains(r))
        {
            return Err(DependencyWriteError::Frame);
        }
        let templates = structure
            .templates
            .iter()
            .zip(structure.template_id_offset..);
        let (id, difference) = templates
            .filter(|(template, _)| template.layer() == frame.layer())
            .map(|(template, id)| (id & 0x3f, Difference::between(frame, template)))
            .min_by_key(|(_, difference)| difference.bits)
            .ok_or(DependencyWriteError::Layer)?;
        let all = structure.all_decode_targets();
        // A structure that comes with the packet makes all targets active by itself.
        let active = self
            .active_decode_targets
            .filter(|targets| !attached || targets & all != all);

        let start = buf.len();
        let frame_ends = u8::from(self.start_of_frame) << 7 | u8::from(self.end_of_frame) << 6;
        buf.push(frame_ends | id);
        buf.extend_from_slice(&self.frame_number.to_be_bytes());
        if attached || active.is_some() || difference.bits > 0 {
            let mut bits = BitWriter::new(buf);
            bits.bit(attached);
            bits.bit(active.is_some());
            bits.bit(difference.indications);
            bits.bit(difference.references);
            bits.bit(difference.chains);
            if attached {
                structure.encode(&mut bits);
            }
            if let Some(active) = active {
                bits.bits(active, u32::from(structure.decode_targets));
            }
            write_custom(frame, difference, &mut bits);
        }
        if buf.len() - start > 255 {
            buf.truncate(start);
            return Err(DependencyWriteError::Length);
        }
        Ok(())
    }
}

fn write_custom(frame: &FrameDependencies, difference: Difference, bits: &mut BitWriter<'_>) {
    if difference.indications {
        for indication in frame.indications() {
            bits.bits(indication as u32, 2);
        }
    }
    if difference.references {
        for reference in frame.references() {
            let size = nibbles(*reference);
            bits.bits(size, 2);
            bits.bits(u32::from(reference.saturating_sub(1)), 4 * size);
        }
        bits.bits(0, 2);
    }
    if difference.chains {
        for diff in frame.chain_diffs() {
            bits.bits(u32::from(*diff), 8);
        }
    }
}

/// How many times four bits hold a reference less one: 1 to 3.
const fn nibbles(reference: u16) -> u32 {
    match reference {
        0..=16 => 1,
        17..=256 => 2,
        _ => 3,
    }
}
