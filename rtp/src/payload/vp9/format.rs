use super::Descriptor;
use super::header::Header;
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo, Start};
use crate::{Layer, MimeType, Resolution};

/// The receiving side of VP9, flexible mode or not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp9 {
    /// Whether the packet before ended its layer frame.
    between_layers: bool,
    /// The sizes of the layers, as the first packet of a key picture tells for all of them.
    sizes: [Option<Resolution>; 8],
}

impl Vp9 {
    /// A format that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(payload: &[u8]) -> Result<(Descriptor, &[u8]), PayloadError> {
        let mut rest = payload;
        let descriptor = Descriptor::decode(&mut rest)?;
        if rest.is_empty() {
            return Err(PayloadError::Truncated);
        }
        Ok((descriptor, rest))
    }
}

impl Format for Vp9 {
    fn codec(&self) -> MimeType {
        MimeType::VP9
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        let (descriptor, data) = Self::read(payload)?;
        Ok(info(&descriptor, data))
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        let (descriptor, data) = Self::read(payload)?;
        let info = info(&descriptor, data);
        if let Some(structure) = &descriptor.structure {
            for (size, told) in self.sizes.iter_mut().zip(&structure.resolutions) {
                *size = Some(*told);
            }
        }
        if frame.data.is_empty() {
            frame.info = info;
        } else if descriptor.start_of_frame != self.between_layers {
            return Err(PayloadError::Sequence);
        } else if descriptor.start_of_frame {
            // The picture is what its highest layer is, but only its lowest can make it a key.
            frame.info.discardable &= info.discardable;
            frame.info.layer = info.layer.or(frame.info.layer);
            let spatial = usize::from(info.layer.map_or(0, |layer| layer.spatial));
            let told = self.sizes.get(spatial).copied().flatten();
            frame.info.resolution = info.resolution.or(told).or(frame.info.resolution);
        }
        self.between_layers = descriptor.end_of_frame;
        frame.data.extend_from_slice(data);
        Ok(())
    }

    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        // Without E on the last packet of a layer frame its end would be a guess.
        if frame.data.is_empty() || !self.between_layers {
            return Err(PayloadError::Truncated);
        }
        Ok(())
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

fn info(descriptor: &Descriptor, data: &[u8]) -> PayloadInfo {
    let layer = descriptor.layer.map(|layer| Layer {
        spatial: layer.spatial,
        temporal: layer.temporal,
    });
    let start = match descriptor.layer {
        _ if !descriptor.start_of_frame => Start::No,
        // A relay may have taken the lower layers away, or they were lost.
        Some(layer) if layer.spatial > 0 => Start::Possible,
        _ => Start::Certain,
    };
    let inter_layer = descriptor.layer.is_some_and(|layer| layer.inter_layer);
    let mut info = PayloadInfo {
        start,
        key: start != Start::No && !descriptor.inter_picture && !inter_layer,
        layer,
        resolution: structured_resolution(descriptor),
        ..PayloadInfo::default()
    };
    if descriptor.start_of_frame
        && let Ok(header) = Header::decode(data)
    {
        info.key &= header.key;
        info.discardable = !header.kept;
        info.resolution = header.resolution.or(info.resolution);
    }
    info
}

/// The size that the scalability structure gives to the packet's layer.
fn structured_resolution(descriptor: &Descriptor) -> Option<Resolution> {
    let spatial = descriptor.layer.map_or(0, |layer| layer.spatial);
    let structure = descriptor.structure.as_ref()?;
    structure.resolutions.get(usize::from(spatial)).copied()
}

/// What a whole picture tells of itself, by its first frame.
pub(in crate::payload) fn describe(picture: &[u8]) -> PayloadInfo {
    Header::decode(picture).map_or_else(
        |_| PayloadInfo::default(),
        |header| PayloadInfo {
            key: header.key,
            discardable: !header.kept,
            resolution: header.resolution,
            ..PayloadInfo::default()
        },
    )
}
