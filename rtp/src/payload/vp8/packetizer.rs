use bytes::Bytes;

use super::{Descriptor, PictureId, TemporalLayer};
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// The sending side of VP8: every frame gets the next 15-bit picture id; frames with a layer also get TL0PICIDX and
/// their temporal layer.
#[derive(Clone, Copy, Debug)]
pub struct Vp8Packetizer {
    picture_id: u16,
    tl0_picture_index: u8,
}

impl Vp8Packetizer {
    /// A packetizer that counts pictures from `picture_id`, and base frames on from `tl0_picture_index`. They should be random (RFC 7741 §4.2).
    pub const fn new(picture_id: u16, tl0_picture_index: u8) -> Self {
        Self {
            picture_id,
            tl0_picture_index,
        }
    }
}

impl Packetizer for Vp8Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != MimeType::VP8 {
            return Err(PacketizeError::Codec);
        }
        if frame.data.is_empty() {
            return Err(PacketizeError::Empty);
        }
        let header_len = if frame.layer.is_some() { 6 } else { 4 };
        let max_data = max_payload.saturating_sub(header_len);
        if max_data == 0 {
            return Err(PacketizeError::MaxPayload);
        }
        let mut descriptor = Descriptor {
            non_reference: frame.discardable,
            start_of_partition: true,
            picture_id: Some(PictureId::Long(self.picture_id & 0x7fff)),
            ..Descriptor::default()
        };
        if let Some(layer) = frame.layer {
            // Frames above the base carry the number of the base frame before them.
            if layer.temporal == 0 {
                self.tl0_picture_index = self.tl0_picture_index.wrapping_add(1);
            }
            descriptor.tl0_picture_index = Some(self.tl0_picture_index);
            descriptor.temporal_layer = Some(TemporalLayer {
                id: layer.temporal & 0x03,
                sync: false,
            });
        }
        for range in split_evenly(frame.data.len(), max_data) {
            let piece = frame.data.slice(range.clone());
            descriptor.start_of_partition = range.start == 0;
            let mut data = Vec::with_capacity(header_len + piece.len());
            descriptor.encode(&mut data);
            data.extend_from_slice(&piece);
            sink(Payload {
                timestamp: frame.timestamp,
                marker: range.end == frame.data.len(),
                data: Bytes::from(data),
            });
        }
        self.picture_id = self.picture_id.wrapping_add(1);
        Ok(())
    }
}
