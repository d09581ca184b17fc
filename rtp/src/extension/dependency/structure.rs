use super::frame::{DecodeTargetIndication, FrameDependencies};
use super::{MAX_DECODE_TARGETS, MAX_SPATIAL_LAYER, MAX_TEMPLATES, MAX_TEMPORAL_LAYER};
use crate::bits::{BitWriter, Bits};
use crate::payload::PayloadError;
use crate::{Layer, Resolution};

/// The templates that the frames of a stream follow (AV1 RTP §A.3.2). It comes with a key frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyStructure {
    /// The id of the first template, 0 to 63; the others count on from it.
    pub template_id_offset: u8,
    /// How many decode targets there are, 1 to [`MAX_DECODE_TARGETS`].
    pub decode_targets: u8,
    /// The chains that protect the decode targets.
    pub chains: Chains,
    /// The templates, 1 to [`MAX_TEMPLATES`], ordered by spatial and then by temporal layer.
    pub templates: Vec<FrameDependencies>,
    /// The size of each spatial layer, lowest first; empty if not told.
    pub resolutions: Vec<Resolution>,
}

/// Which chain protects which decode target: as long as no frame of the chain is lost, the target can be decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    /// How many chains there are; 0 for none.
    pub count: u8,
    /// The chain of each decode target, below `count`; empty without chains.
    pub protected_by: Vec<u8>,
}

/// What follows the layer of a template.
const NEXT_SAME: u32 = 0;
const NEXT_TEMPORAL: u32 = 1;
const NEXT_SPATIAL: u32 = 2;
const NO_NEXT: u32 = 3;

impl DependencyStructure {
    /// The highest spatial layer of a template.
    pub fn max_spatial_layer(&self) -> u8 {
        let layers = self.templates.iter().map(|t| t.layer().spatial);
        layers.max().unwrap_or_default()
    }

    /// The bits of all decode targets.
    pub const fn all_decode_targets(&self) -> u32 {
        let unused = (MAX_DECODE_TARGETS as u32).saturating_sub(self.decode_targets as u32);
        if unused >= u32::BITS {
            0
        } else {
            u32::MAX >> unused
        }
    }

    /// The highest layers that a decode target holds, as its templates tell.
    pub fn layer_of(&self, decode_target: usize) -> Layer {
        let of_target = |template: &&FrameDependencies| {
            template.indication(decode_target) != DecodeTargetIndication::NotPresent
        };
        let templates = self.templates.iter().filter(of_target);
        templates.fold(Layer::default(), |highest, template| Layer {
            spatial: highest.spatial.max(template.layer().spatial),
            temporal: highest.temporal.max(template.layer().temporal),
        })
    }

    /// The template that a packet names.
    pub(super) fn template(&self, id: u8) -> Option<&FrameDependencies> {
        let index = id.wrapping_sub(self.template_id_offset) & 0x3f;
        self.templates.get(usize::from(index))
    }

    pub(super) fn decode(bits: &mut Bits<'_>) -> Result<Self, PayloadError> {
        let template_id_offset = octet(bits, 6)?;
        let decode_targets = octet(bits, 5)? + 1;
        let mut templates = layers(bits)?;
        for template in &mut templates {
            for _ in 0..decode_targets {
                let indication = DecodeTargetIndication::from_bits(bits.bits(2)?);
                template.push_indication(indication);
            }
        }
        for template in &mut templates {
            while bits.bit()? {
                let difference = bits.bits(4)? as u16 + 1;
                if !template.push_reference(difference) {
                    return Err(PayloadError::Length);
                }
            }
        }
        let chains = Chains::decode(bits, decode_targets, &mut templates)?;
        let mut structure = Self {
            template_id_offset,
            decode_targets,
            chains,
            templates,
            resolutions: Vec::new(),
        };
        if bits.bit()? {
            for _ in 0..=structure.max_spatial_layer() {
                structure.resolutions.push(Resolution {
                    width: bits.bits(16)? + 1,
                    height: bits.bits(16)? + 1,
                });
            }
        }
        Ok(structure)
    }

    /// Whether [`encode`](Self::encode) writes what [`decode`](Self::decode) reads.
    pub(super) fn is_valid(&self) -> bool {
        let targets = usize::from(self.decode_targets);
        let chains = usize::from(self.chains.count);
        let protected = &self.chains.protected_by;
        let fits = |template: &FrameDependencies| {
            template.indications().len() == targets
                && template.chain_diffs().len() == chains
                && template.chain_diffs().iter().all(|diff| *diff < 16)
                && template.references().iter().all(|r| (1..=16).contains(r))
        };
        let first = self.templates.first().map(FrameDependencies::layer);
        let pairs = self.templates.iter().zip(self.templates.iter().skip(1));
        let mut steps = pairs.map(|(one, next)| step(one.layer(), next.layer()));
        self.template_id_offset < 64
            && (1..=MAX_DECODE_TARGETS).contains(&targets)
            && chains <= targets
            && protected.len() == if chains == 0 { 0 } else { targets }
            && protected.iter().all(|chain| *chain < self.chains.count)
            && (1..=MAX_TEMPLATES).contains(&self.templates.len())
            && first == Some(Layer::default())
            && steps.all(|step| step.is_some())
            && self.templates.iter().all(fits)
            && self.has_sizes_or_none()
    }

    fn has_sizes_or_none(&self) -> bool {
        let size = |side: u32| (1..=0x1_0000).contains(&side);
        let layers = usize::from(self.max_spatial_layer()) + 1;
        self.resolutions.is_empty()
            || self.resolutions.len() == layers
                && self
                    .resolutions
                    .iter()
                    .all(|r| size(r.width) && size(r.height))
    }

    pub(super) fn encode(&self, bits: &mut BitWriter<'_>) {
        bits.bits(u32::from(self.template_id_offset), 6);
        bits.bits(u32::from(self.decode_targets).saturating_sub(1), 5);
        let next = self.templates.iter().skip(1);
        for (template, next) in self.templates.iter().zip(next) {
            bits.bits(step(template.layer(), next.layer()).unwrap_or(NEXT_SAME), 2);
        }
        bits.bits(NO_NEXT, 2);
        for indication in self
            .templates
            .iter()
            .flat_map(FrameDependencies::indications)
        {
            bits.bits(indication as u32, 2);
        }
        for template in &self.templates {
            for difference in template.references() {
                bits.bit(true);
                bits.bits(u32::from(difference.saturating_sub(1)), 4);
            }
            bits.bit(false);
        }
        let chains = u32::from(self.chains.count);
        bits.non_symmetric(chains, u32::from(self.decode_targets) + 1);
        if chains > 0 {
            for chain in &self.chains.protected_by {
                bits.non_symmetric(u32::from(*chain), chains);
            }
            for difference in self
                .templates
                .iter()
                .flat_map(FrameDependencies::chain_diffs)
            {
                bits.bits(u32::from(*difference), 4);
            }
        }
        bits.bit(!self.resolutions.is_empty());
        for side in self.resolutions.iter().flat_map(|r| [r.width, r.height]) {
            bits.bits(side.saturating_sub(1), 16);
        }
    }
}

impl Chains {
    fn decode(
        bits: &mut Bits<'_>,
        decode_targets: u8,
        templates: &mut [FrameDependencies],
    ) -> Result<Self, PayloadError> {
        let count = bits.non_symmetric(u32::from(decode_targets) + 1)?;
        let mut chains = Self {
            count: narrow(count)?,
            protected_by: Vec::new(),
        };
        if count == 0 {
            return Ok(chains);
        }
        for _ in 0..decode_targets {
            chains
                .protected_by
                .push(narrow(bits.non_symmetric(count)?)?);
        }
        for template in templates {
            for _ in 0..count {
                template.push_chain_diff(octet(bits, 4)?);
            }
        }
        Ok(chains)
    }
}

/// The layers of the templates, in their order.
fn layers(bits: &mut Bits<'_>) -> Result<Vec<FrameDependencies>, PayloadError> {
    let mut templates = Vec::new();
    let mut layer = Layer::default();
    loop {
        if templates.len() == MAX_TEMPLATES {
            return Err(PayloadError::Length);
        }
        templates.push(FrameDependencies::new(layer));
        match bits.bits(2)? {
            NEXT_SAME => {}
            NEXT_TEMPORAL if layer.temporal < MAX_TEMPORAL_LAYER => layer.temporal += 1,
            NEXT_SPATIAL if layer.spatial < MAX_SPATIAL_LAYER => {
                layer = Layer {
                    spatial: layer.spatial + 1,
                    temporal: 0,
                }
            }
            NO_NEXT => return Ok(templates),
            _ => return Err(PayloadError::Value),
        }
    }
}

/// How the layer of a template leads to that of the next one; `None` if it does not.
fn step(layer: Layer, next: Layer) -> Option<u32> {
    if next == layer {
        Some(NEXT_SAME)
    } else if (next.spatial, next.temporal) == (layer.spatial, layer.temporal.saturating_add(1)) {
        (next.temporal <= MAX_TEMPORAL_LAYER).then_some(NEXT_TEMPORAL)
    } else if (next.spatial, next.temporal) == (layer.spatial.saturating_add(1), 0) {
        (next.spatial <= MAX_SPATIAL_LAYER).then_some(NEXT_SPATIAL)
    } else {
        None
    }
}

fn octet(bits: &mut Bits<'_>, count: u32) -> Result<u8, PayloadError> {
    narrow(bits.bits(count)?)
}

fn narrow(value: u32) -> Result<u8, PayloadError> {
    u8::try_from(value).map_err(|_| PayloadError::Value)
}
