use std::sync::Arc;

use thiserror::Error;

use super::frame::{DecodeTargetIndication, FrameDependencies};
use super::{DependencyDescriptor, DependencyStructure};
use crate::SequenceNumber;
use crate::bits::Bits;
use crate::payload::PayloadError;

/// How many structures a reader keeps: the newest, and the one before for packets that come late.
const STRUCTURES: usize = 2;

/// Why a descriptor tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DependencyError {
    /// No structure is known that has the template: the key frame has not come yet, or was lost.
    #[error("no known structure has the template")]
    UnknownTemplate,
    /// The value is malformed, or passes a bound of this crate.
    #[error("the descriptor is malformed")]
    Malformed(#[from] PayloadError),
}

/// Reads the descriptors of one stream, and keeps the two newest structures for it.
///
/// Of state there is nothing else but the decode targets that are active, so the packets of other layers of a
/// simulcast need readers of their own.
#[derive(Clone, Debug, Default)]
pub struct DependencyReader {
    /// The newest first.
    structures: [Option<Arc<DependencyStructure>>; STRUCTURES],
    active: Option<Active>,
}

/// The decode targets that are sent, and since which frame.
#[derive(Clone, Copy, Debug)]
struct Active {
    targets: u32,
    frame: SequenceNumber,
}

/// The fields in front, and which others are there.
struct Head {
    start_of_frame: bool,
    end_of_frame: bool,
    template: u8,
    frame_number: u16,
    structure: bool,
    active_decode_targets: bool,
    indications: bool,
    references: bool,
    chains: bool,
}

impl Head {
    /// The octets of a descriptor that says nothing but its template.
    const MANDATORY_LEN: usize = 3;

    fn decode(bits: &mut Bits<'_>, extended: bool) -> Result<Self, PayloadError> {
        let first = bits.bits(8)?;
        let frame_number = bits.bits(16)?;
        let flags = if extended { bits.bits(5)? } else { 0 };
        let flag = |place: u32| flags >> place & 1 == 1;
        Ok(Self {
            start_of_frame: first & 0x80 != 0,
            end_of_frame: first & 0x40 != 0,
            template: (first & 0x3f) as u8,
            frame_number: frame_number as u16,
            structure: flag(4),
            active_decode_targets: flag(3),
            indications: flag(2),
            references: flag(1),
            chains: flag(0),
        })
    }
}

impl DependencyReader {
    /// A reader that knows no structure.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that has received this structure.
    #[cfg(test)]
    pub(super) fn knowing(structure: Arc<DependencyStructure>) -> Self {
        Self {
            structures: [Some(structure), None],
            active: None,
        }
    }

    /// How many structures are kept.
    #[cfg(test)]
    pub(super) fn structures(&self) -> usize {
        self.structures.iter().flatten().count()
    }

    /// The newest structure.
    pub fn structure(&self) -> Option<&Arc<DependencyStructure>> {
        self.structures.first()?.as_ref()
    }

    /// The bits of the decode targets that are sent; `None` without a structure.
    pub fn active_decode_targets(&self) -> Option<u32> {
        self.active.map(|active| active.targets)
    }

    /// Reads the value of the extension. A structure in it is kept, if all of the value is valid.
    pub fn read(&mut self, value: &[u8]) -> Result<DependencyDescriptor, DependencyError> {
        let mut bits = Bits::new(value);
        let head = Head::decode(&mut bits, value.len() > Head::MANDATORY_LEN)?;
        let attached = if head.structure {
            Some(Arc::new(DependencyStructure::decode(&mut bits)?))
        } else {
            None
        };
        let structure = attached
            .as_ref()
            .or_else(|| self.structure_of(head.template))
            .ok_or(DependencyError::UnknownTemplate)?;
        let template = structure
            .template(head.template)
            .ok_or(DependencyError::UnknownTemplate)?;
        let active_decode_targets = if head.active_decode_targets {
            Some(bits.bits(u32::from(structure.decode_targets))?)
        } else {
            attached.as_ref().map(|new| new.all_decode_targets())
        };
        let mut dependencies = *template;
        read_custom(&head, &mut bits, structure, &mut dependencies)?;
        let spatial = usize::from(dependencies.layer().spatial);
        let descriptor = DependencyDescriptor {
            start_of_frame: head.start_of_frame,
            end_of_frame: head.end_of_frame,
            frame_number: head.frame_number,
            resolution: structure.resolutions.get(spatial).copied(),
            structure: None,
            active_decode_targets,
            dependencies,
        };
        let structure = attached.map(|structure| self.keep(structure));
        self.activate(&descriptor, structure.is_some());
        Ok(DependencyDescriptor {
            structure,
            ..descriptor
        })
    }

    /// The newest structure that has the template: the ids of two structures in a row should not overlap.
    fn structure_of(&self, template: u8) -> Option<&Arc<DependencyStructure>> {
        let mut known = self.structures.iter().flatten();
        known.find(|structure| structure.template(template).is_some())
    }

    /// Keeps a structure as the newest, unless it is that already: a key frame has many packets.
    fn keep(&mut self, structure: Arc<DependencyStructure>) -> Arc<DependencyStructure> {
        let known = self.structures.iter().flatten();
        let mut known = known.filter(|known| **known == structure);
        if let Some(known) = known.next() {
            let known = Arc::clone(known);
            if self.structure() != Some(&known) {
                self.structures.swap(0, 1);
            }
            return known;
        }
        self.structures.rotate_right(1);
        if let Some(newest) = self.structures.first_mut() {
            *newest = Some(Arc::clone(&structure));
        }
        structure
    }

    fn activate(&mut self, descriptor: &DependencyDescriptor, anew: bool) {
        let frame = SequenceNumber::new(descriptor.frame_number);
        let Some(targets) = descriptor.active_decode_targets else {
            return;
        };
        let late = self
            .active
            .is_some_and(|active| frame.precedes(active.frame));
        if anew || !late {
            self.active = Some(Active { targets, frame });
        }
    }
}

/// Reads where the frame differs from its template.
fn read_custom(
    head: &Head,
    bits: &mut Bits<'_>,
    structure: &DependencyStructure,
    frame: &mut FrameDependencies,
) -> Result<(), PayloadError> {
    if head.indications {
        frame.clear_indications();
        for _ in 0..structure.decode_targets {
            frame.push_indication(DecodeTargetIndication::from_bits(bits.bits(2)?));
        }
    }
    if head.references {
        frame.clear_references();
        loop {
            let size = bits.bits(2)?;
            if size == 0 {
                break;
            }
            // Twelve bits at most.
            let difference = bits.bits(4 * size)? as u16 + 1;
            if !frame.push_reference(difference) {
                return Err(PayloadError::Length);
            }
        }
    }
    if head.chains {
        frame.clear_chain_diffs();
        for _ in 0..structure.chains.count {
            frame.push_chain_diff(bits.bits(8)? as u8);
        }
    }
    Ok(())
}
