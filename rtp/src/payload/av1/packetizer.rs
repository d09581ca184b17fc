use bytes::Bytes;

use super::aggregation::Aggregation;
use super::obu::{Obu, SEQUENCE_HEADER};
use crate::leb128;
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// The least a packet can hold: its header, a length and an octet.
const MIN_PAYLOAD: usize = 1 + MAX_LENGTH + 1;

/// The most octets of the length of an element: elements are no longer than 32 bits tell.
const MAX_LENGTH: usize = 5;

/// The sending side of AV1: temporal delimiters and tile lists are left out, small OBUs share a packet, long ones are cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct Av1Packetizer;

impl Packetizer for Av1Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != MimeType::AV1 {
            return Err(PacketizeError::Codec);
        }
        if max_payload < MIN_PAYLOAD {
            return Err(PacketizeError::MaxPayload);
        }
        let unit = TemporalUnit::read(&frame.data)?;
        let budget = unit.budget(max_payload);
        let mut packet = Vec::new();
        let mut used = 0;
        let mut header = Aggregation {
            new_sequence: unit.new_sequence,
            ..Aggregation::default()
        };
        for element in unit.elements() {
            let mut rest = element;
            while !rest.is_empty() {
                let room = budget.saturating_sub(1 + used);
                let piece = piece_len(rest.len(), room);
                if piece == 0 {
                    emit(frame, header, &mut packet, false, sink);
                    header = Aggregation::default();
                    used = 0;
                    continue;
                }
                let (front, tail) = rest.split_at_checked(piece).unwrap_or((rest, &[]));
                used += leb128::encoded_len(piece) + piece;
                packet.push(front);
                rest = tail;
                if !rest.is_empty() {
                    header.continued = true;
                    emit(frame, header, &mut packet, false, sink);
                    header = Aggregation {
                        continues: true,
                        ..Aggregation::default()
                    };
                    used = 0;
                }
            }
        }
        emit(frame, header, &mut packet, true, sink);
        Ok(())
    }
}

/// A temporal unit in the form of packets.
struct TemporalUnit {
    /// The OBUs one after another.
    data: Vec<u8>,
    /// Where each one ends.
    ends: Vec<usize>,
    new_sequence: bool,
}

impl TemporalUnit {
    fn read(mut data: &[u8]) -> Result<Self, PacketizeError> {
        let mut unit = Self {
            data: Vec::with_capacity(data.len()),
            ends: Vec::new(),
            new_sequence: false,
        };
        let (mut sequence_header, mut key) = (false, false);
        while !data.is_empty() {
            let obu = Obu::take(&mut data)?;
            if obu.is_left_out() {
                continue;
            }
            sequence_header |= obu.kind() == SEQUENCE_HEADER;
            key |= obu.is_key_frame();
            obu.write_bare(&mut unit.data);
            unit.ends.push(unit.data.len());
        }
        if unit.ends.is_empty() {
            return Err(PacketizeError::Empty);
        }
        unit.new_sequence = sequence_header && key;
        Ok(unit)
    }

    fn elements(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends);
        ranges.filter_map(|(start, &end)| self.data.get(start..end))
    }

    /// How much to put into each packet, so that they come out alike: an even share of all there is.
    fn budget(&self, max_payload: usize) -> usize {
        let lengths = self
            .elements()
            .map(|element| leb128::encoded_len(element.len()));
        let total = self.data.len() + lengths.sum::<usize>();
        // Every packet but the first may repeat a length.
        let room = max_payload - 1 - MAX_LENGTH;
        let packets = total.div_ceil(room).max(1);
        (total.div_ceil(packets) + 1 + MAX_LENGTH).clamp(MIN_PAYLOAD, max_payload)
    }
}

/// How much of `len` octets fits `room` together with its own length; 0 if it is not worth it.
fn piece_len(len: usize, room: usize) -> usize {
    if len + leb128::encoded_len(len) <= room {
        return len;
    }
    room.saturating_sub(leb128::encoded_len(room)).min(len)
}

/// Hands over a packet of these elements. A single one needs no length.
fn emit(
    frame: &Frame,
    mut header: Aggregation,
    elements: &mut Vec<&[u8]>,
    marker: bool,
    sink: &mut dyn FnMut(Payload),
) {
    let alone = elements.len() == 1;
    header.count = u8::from(alone);
    let mut data = vec![header.encode()];
    for element in elements.drain(..) {
        if !alone {
            leb128::encode(element.len(), &mut data);
        }
        data.extend_from_slice(element);
    }
    sink(Payload {
        timestamp: frame.timestamp,
        marker,
        data: Bytes::from(data),
    });
}
