use std::sync::Arc;

use super::{DependencyStructure, FrameDependencies};
use crate::Resolution;

/// What a packet says about its frame and those that it needs.
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |S|E| template  |
/// +-+-+-+-+-+-+-+-+
/// | frame number  |
/// |               |
/// +-+-+-+-+-+-+-+-+
/// |T|A|I|F|C| ... |   structure, active decode targets; own indications, references, chains
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyDescriptor {
    /// The packet is the first of its frame.
    pub start_of_frame: bool,
    /// The packet is the last of its frame.
    pub end_of_frame: bool,
    /// The number of the frame, modulo 2¹⁶.
    pub frame_number: u16,
    /// The structure that begins with this frame; shared with the reader that keeps it.
    pub structure: Option<Arc<DependencyStructure>>,
    /// Bit `n` tells whether decode target `n` is sent from this frame on; `None` if nothing has changed.
    pub active_decode_targets: Option<u32>,
    /// What the frame needs, and who needs it.
    pub dependencies: FrameDependencies,
    /// The size of the frame, if the structure tells. The writer takes it from the structure.
    pub resolution: Option<Resolution>,
}

impl DependencyDescriptor {
    /// A descriptor of a frame that fits in one packet.
    pub const fn new(frame_number: u16, dependencies: FrameDependencies) -> Self {
        Self {
            start_of_frame: true,
            end_of_frame: true,
            frame_number,
            structure: None,
            active_decode_targets: None,
            dependencies,
            resolution: None,
        }
    }

    /// Whether decoding can begin with the frame: it brings a structure and refers to no other frame.
    pub const fn is_key(&self) -> bool {
        self.structure.is_some() && self.dependencies.is_independent()
    }
}
