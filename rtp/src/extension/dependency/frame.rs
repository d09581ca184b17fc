use std::fmt;

use super::{MAX_DECODE_TARGETS, MAX_REFERENCES};
use crate::Layer;

/// What a frame means for a decode target (AV1 RTP §A.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecodeTargetIndication {
    /// The frame does not belong to the target.
    #[default]
    NotPresent,
    /// It belongs to the target, and no other frame of the target needs it.
    Discardable,
    /// It belongs to the target, and a receiver may change to the target here.
    Switch,
    /// It belongs to the target, and others need it.
    Required,
}

impl DecodeTargetIndication {
    pub(super) const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::NotPresent,
            1 => Self::Discardable,
            2 => Self::Switch,
            _ => Self::Required,
        }
    }
}

/// The dependencies of one frame, or of a template. It allocates nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameDependencies {
    layer: Layer,
    /// Two bits for each decode target.
    indications: u64,
    references: [u16; MAX_REFERENCES],
    reference_count: u8,
    chain_diffs: [u8; MAX_DECODE_TARGETS],
    decode_targets: u8,
    chains: u8,
}

impl FrameDependencies {
    /// A frame of this layer that needs nothing and is needed by nobody.
    pub const fn new(layer: Layer) -> Self {
        Self {
            layer,
            indications: 0,
            references: [0; MAX_REFERENCES],
            reference_count: 0,
            chain_diffs: [0; MAX_DECODE_TARGETS],
            decode_targets: 0,
            chains: 0,
        }
    }

    /// The same with what it means for each decode target; those above [`MAX_DECODE_TARGETS`] are left out.
    #[must_use]
    pub fn with_indications(mut self, indications: &[DecodeTargetIndication]) -> Self {
        self.decode_targets = 0;
        self.indications = 0;
        for indication in indications {
            self.push_indication(*indication);
        }
        self
    }

    /// The same with the frames it refers to, as differences of frame numbers, 1 to 4,096; those above
    /// [`MAX_REFERENCES`] are left out.
    #[must_use]
    pub fn with_references(mut self, differences: &[u16]) -> Self {
        self.clear_references();
        for difference in differences {
            self.push_reference(*difference);
        }
        self
    }

    /// The same with its place in each chain, as differences of frame numbers, 0 if a chain begins anew.
    #[must_use]
    pub fn with_chain_diffs(mut self, differences: &[u8]) -> Self {
        self.chains = 0;
        for difference in differences {
            self.push_chain_diff(*difference);
        }
        self
    }

    /// The layer of the frame.
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// What the frame means for each decode target.
    pub fn indications(&self) -> impl ExactSizeIterator<Item = DecodeTargetIndication> + '_ {
        (0..usize::from(self.decode_targets)).map(|target| self.indication_bits(target))
    }

    /// What the frame means for a decode target; [`NotPresent`](DecodeTargetIndication::NotPresent) for one that is not.
    pub const fn indication(&self, target: usize) -> DecodeTargetIndication {
        if target < self.decode_targets as usize {
            self.indication_bits(target)
        } else {
            DecodeTargetIndication::NotPresent
        }
    }

    /// The frames that this one refers to: how many frame numbers back each lies.
    pub fn references(&self) -> &[u16] {
        let count = usize::from(self.reference_count);
        self.references.get(..count).unwrap_or_default()
    }

    /// How many frame numbers back the frame before this one lies in each chain; 0 if the chain begins with this frame.
    pub fn chain_diffs(&self) -> &[u8] {
        let count = usize::from(self.chains);
        self.chain_diffs.get(..count).unwrap_or_default()
    }

    /// Whether the frame refers to none: it can be decoded without any other of an earlier time.
    pub const fn is_independent(&self) -> bool {
        self.reference_count == 0
    }

    /// Whether no decode target that the frame belongs to needs it.
    pub fn is_discardable(&self) -> bool {
        let needed = |indication| {
            matches!(
                indication,
                DecodeTargetIndication::Switch | DecodeTargetIndication::Required
            )
        };
        self.decode_targets > 0 && !self.indications().any(needed)
    }

    const fn indication_bits(&self, target: usize) -> DecodeTargetIndication {
        DecodeTargetIndication::from_bits((self.indications >> (2 * target)) as u32)
    }

    /// Adds what the frame means for the next decode target; whether there was room.
    pub(super) fn push_indication(&mut self, indication: DecodeTargetIndication) -> bool {
        let target = usize::from(self.decode_targets);
        if target == MAX_DECODE_TARGETS {
            return false;
        }
        self.indications |= (indication as u64) << (2 * target);
        self.decode_targets += 1;
        true
    }

    pub(super) const fn clear_indications(&mut self) {
        self.decode_targets = 0;
        self.indications = 0;
    }

    /// Adds a reference; whether there was room.
    pub(super) fn push_reference(&mut self, difference: u16) -> bool {
        let place = self.references.get_mut(usize::from(self.reference_count));
        let Some(place) = place else { return false };
        *place = difference;
        self.reference_count += 1;
        true
    }

    pub(super) const fn clear_references(&mut self) {
        self.references = [0; MAX_REFERENCES];
        self.reference_count = 0;
    }

    /// Adds a place in the next chain; whether there was room.
    pub(super) fn push_chain_diff(&mut self, difference: u8) -> bool {
        let place = self.chain_diffs.get_mut(usize::from(self.chains));
        let Some(place) = place else { return false };
        *place = difference;
        self.chains += 1;
        true
    }

    pub(super) const fn clear_chain_diffs(&mut self) {
        self.chain_diffs = [0; MAX_DECODE_TARGETS];
        self.chains = 0;
    }
}

impl fmt::Debug for FrameDependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDependencies")
            .field("layer", &self.layer)
            .field("indications", &self.indications().collect::<Vec<_>>())
            .field("references", &self.references())
            .field("chain_diffs", &self.chain_diffs())
            .finish()
    }
}
