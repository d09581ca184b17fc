use bytes::Bytes;

use super::header::Header;
use super::{Descriptor, LayerIndices, PictureId, ScalabilityStructure};
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// The sending side of VP9, not in flexible mode: every picture gets the next 15-bit picture id and depends on the one
/// before unless it is a key. Key pictures carry their size in the scalability structure.
///
/// Pictures have one spatial layer. Temporal layers are written as the frame names them.
#[derive(Clone, Copy, Debug)]
pub struct Vp9Packetizer {
    picture_id: u16,
    tl0_picture_index: u8,
}

impl Vp9Packetizer {
    /// A packetizer that counts pictures from `picture_id`, and base pictures on from `tl0_picture_index`. They should
    /// be random (RFC 9628 §4.2).
    pub const fn new(picture_id: u16, tl0_picture_index: u8) -> Self {
        Self {
            picture_id,
            tl0_picture_index,
        }
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
        let mut descriptor = Descriptor {
            picture_id: Some(PictureId::Long(self.picture_id & 0x7fff)),
            inter_picture: !header.key,
            start_of_frame: true,
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
        // The first header is the longest: each piece leaves as much room.
        let mut first = Vec::new();
        descriptor.encode(&mut first);
        let max_data = max_payload.saturating_sub(first.len());
        if max_data == 0 {
            return Err(PacketizeError::MaxPayload);
        }
        if frame.layer.is_some_and(|layer| layer.temporal == 0) {
            self.tl0_picture_index = self.tl0_picture_index.wrapping_add(1);
        }
        descriptor.tl0_picture_index = self.tl0_picture_index;
        for range in split_evenly(frame.data.len(), max_data) {
            let marker = range.end == frame.data.len();
            descriptor.start_of_frame = range.start == 0;
            descriptor.end_of_frame = marker;
            let mut data = Vec::with_capacity(first.len() + range.len());
            descriptor.encode(&mut data);
            data.extend_from_slice(frame.data.get(range).unwrap_or_default());
            descriptor.structure = None;
            sink(Payload {
                timestamp: frame.timestamp,
                marker,
                data: Bytes::from(data),
            });
        }
        self.picture_id = self.picture_id.wrapping_add(1);
        Ok(())
    }
}
