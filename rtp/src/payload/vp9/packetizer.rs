use bytes::Bytes;

use super::header::Header;
use super::{Descriptor, LayerIndices, PictureId, ScalabilityStructure};
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType, Resolution};

/// The sending side of VP9: every picture gets the next 15-bit picture id.
///
/// As a [`Packetizer`] it takes pictures of one spatial layer, not in flexible mode: each depends on the one before
/// unless it is a key. [`packetize_picture`](Self::packetize_picture) takes the layer frames of an SVC encoder, which
/// tells the dependencies, in either mode. Key pictures carry the scalability structure.
#[derive(Clone, Debug)]
pub struct Vp9Packetizer {
    picture_id: u16,
    tl0_picture_index: u8,
    flexible: bool,
    structure: Option<ScalabilityStructure>,
}

/// The layer frames of one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The temporal layer of the picture.
    pub temporal: u8,
    /// A receiver may go up to this temporal layer here.
    pub switching_up: bool,
    /// The frames, lowest spatial layer first.
    pub layers: Vec<LayerFrame>,
}

/// The frame of one spatial layer of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFrame {
    /// The spatial layer, 0 to 7.
    pub spatial: u8,
    /// The frame depends on earlier pictures.
    pub inter_picture: bool,
    /// The frame depends on the layer below in the same picture.
    pub inter_layer: bool,
    /// No higher layer of the picture depends on the frame.
    pub not_for_upper_layers: bool,
    /// How many pictures back each reference lies, 1 to 127; 0 ends the list. For flexible mode only, and only if
    /// `inter_picture`.
    pub references: [u8; 3],
    /// The size, where it is told; if every layer of a key picture tells, the scalability structure does.
    pub resolution: Option<Resolution>,
    /// The octets.
    pub data: Bytes,
}

impl Vp9Packetizer {
    /// A packetizer that counts pictures from `picture_id`, and base pictures on from `tl0_picture_index`. They should
    /// be random (RFC 9628 §4.2).
    pub const fn new(picture_id: u16, tl0_picture_index: u8) -> Self {
        Self {
            picture_id,
            tl0_picture_index,
            flexible: false,
            structure: None,
        }
    }

    /// The same in flexible mode, in which pictures name their references.
    #[must_use]
    pub fn flexible(self) -> Self {
        Self {
            flexible: true,
            ..self
        }
    }

    /// The same with this structure on key pictures, in place of one made from the sizes of their layers.
    #[must_use]
    pub fn with_structure(self, structure: ScalabilityStructure) -> Self {
        Self {
            structure: Some(structure),
            ..self
        }
    }

    /// Hands the payloads of a picture of several spatial layers to `sink`. The marker is on the last one of the picture,
    /// while each layer frame has its own beginning and end.
    ///
    /// All or nothing: after an error `sink` was not called. In flexible mode a frame that depends on earlier pictures
    /// must name one (`Malformed`).
    pub fn packetize_picture(
        &mut self,
        picture: &Picture,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if picture.layers.is_empty() || picture.layers.iter().any(|layer| layer.data.is_empty()) {
            return Err(PacketizeError::Empty);
        }
        let nameless = |layer: &LayerFrame| layer.inter_picture && layer.references[0] == 0;
        let far = |layer: &LayerFrame| layer.references.iter().any(|r| *r > 127);
        if self.flexible && picture.layers.iter().any(|l| nameless(l) || far(l)) {
            let forbidden = crate::payload::PayloadError::Value;
            return Err(PacketizeError::Malformed(forbidden));
        }
        let mut frames: Vec<_> = picture
            .layers
            .iter()
            .map(|layer| (self.descriptor(picture, layer), &layer.data))
            .collect();
        let key = picture.layers.iter().all(|layer| !layer.inter_picture);
        if let Some((first, _)) = frames.first_mut() {
            first.structure = key.then(|| self.structure_of(picture));
        }
        self.emit(
            picture.timestamp,
            picture.temporal,
            frames,
            max_payload,
            sink,
        )
    }

    fn descriptor(&self, picture: &Picture, layer: &LayerFrame) -> Descriptor {
        Descriptor {
            picture_id: Some(PictureId::Long(self.picture_id & 0x7fff)),
            inter_picture: layer.inter_picture,
            flexible: self.flexible,
            not_for_upper_layers: layer.not_for_upper_layers,
            layer: Some(LayerIndices {
                temporal: picture.temporal & 0x07,
                switching_up: picture.switching_up,
                spatial: layer.spatial & 0x07,
                inter_layer: layer.inter_layer,
            }),
            references: layer.references,
            ..Descriptor::default()
        }
    }

    fn structure_of(&self, picture: &Picture) -> ScalabilityStructure {
        if let Some(structure) = &self.structure {
            return structure.clone();
        }
        let sizes = picture.layers.iter().filter_map(|layer| layer.resolution);
        let highest = picture
            .layers
            .iter()
            .map(|layer| layer.spatial & 0x07)
            .max();
        ScalabilityStructure {
            spatial_layers: highest.unwrap_or_default() + 1,
            resolutions: sizes.collect(),
            group: None,
        }
    }

    /// Cuts layer frames, and counts the picture if all of them can be cut.
    fn emit(
        &mut self,
        timestamp: u32,
        temporal: u8,
        frames: Vec<(Descriptor, &Bytes)>,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        // The first header of a frame is its longest: each piece leaves as much room.
        let header_len = |descriptor: &Descriptor| {
            let mut header = Vec::new();
            descriptor.encode(&mut header);
            header.len()
        };
        if frames
            .iter()
            .any(|(descriptor, _)| header_len(descriptor) >= max_payload)
        {
            return Err(PacketizeError::MaxPayload);
        }
        let layered = frames
            .iter()
            .any(|(descriptor, _)| descriptor.layer.is_some());
        if layered && temporal == 0 {
            self.tl0_picture_index = self.tl0_picture_index.wrapping_add(1);
        }
        let last = frames.len() - 1;
        for (place, (mut descriptor, data)) in frames.into_iter().enumerate() {
            let header_len = header_len(&descriptor);
            descriptor.tl0_picture_index = self.tl0_picture_index;
            for range in split_evenly(data.len(), max_payload - header_len) {
                descriptor.start_of_frame = range.start == 0;
                descriptor.end_of_frame = range.end == data.len();
                let mut payload = Vec::with_capacity(header_len + range.len());
                descriptor.encode(&mut payload);
                payload.extend_from_slice(data.get(range).unwrap_or_default());
                descriptor.structure = None;
                sink(Payload {
                    timestamp,
                    marker: descriptor.end_of_frame && place == last,
                    data: Bytes::from(payload),
                });
            }
        }
        self.picture_id = self.picture_id.wrapping_add(1);
        Ok(())
    }
}

impl Packetizer for Vp9Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != MimeType::VP9 {
            return Err(PacketizeError::Codec);
        }
        if frame.data.is_empty() {
            return Err(PacketizeError::Empty);
        }
        let header = Header::decode(&frame.data)?;
        let descriptor = Descriptor {
            picture_id: Some(PictureId::Long(self.picture_id & 0x7fff)),
            inter_picture: !header.key,
            not_for_upper_layers: true,
            layer: frame.layer.map(|layer| LayerIndices {
                temporal: layer.temporal & 0x07,
                ..LayerIndices::default()
            }),
            structure: header.key.then(|| ScalabilityStructure {
                spatial_layers: 1,
                resolutions: header.resolution.into_iter().collect(),
                group: None,
            }),
            ..Descriptor::default()
        };
        let temporal = frame.layer.map_or(0, |layer| layer.temporal);
        let frames = vec![(descriptor, &frame.data)];
        self.emit(frame.timestamp, temporal, frames, max_payload, sink)
    }
}
