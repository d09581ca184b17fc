use bytes::Bytes;

use super::unit::{AGGREGATION, FRAGMENTATION, Header};
use crate::payload::nal::units;
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload, PayloadError};
use crate::{Frame, MimeType};

/// The octets in front of the body of a fragment.
const FRAGMENT_HEADER_LEN: usize = Header::LEN + 1;

/// The sending side of H.265: small NAL units share a packet, long ones are cut. Every NAL unit is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct H265Packetizer;

impl Packetizer for H265Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != MimeType::H265 {
            return Err(PacketizeError::Codec);
        }
        if frame.data.is_empty() {
            return Err(PacketizeError::Empty);
        }
        let mut units_of_frame = Vec::new();
        for unit in units(&frame.data) {
            let (header, body) = Header::decode(unit)?;
            if !header.is_plain() || body.is_empty() {
                return Err(PacketizeError::Malformed(PayloadError::Value));
            }
            if unit.len() > max_payload && max_payload <= FRAGMENT_HEADER_LEN {
                return Err(PacketizeError::MaxPayload);
            }
            units_of_frame.push((header, unit, body));
        }
        if units_of_frame.is_empty() {
            return Err(PacketizeError::Malformed(PayloadError::Value));
        }
        let mut rest = units_of_frame.as_slice();
        while let Some((&(header, unit, body), others)) = rest.split_first() {
            let mut give = |marker, data| {
                sink(Payload {
                    timestamp: frame.timestamp,
                    marker,
                    data,
                });
            };
            let (shared, behind) = rest.split_at(sharing(rest, max_payload));
            if shared.len() > 1 {
                give(behind.is_empty(), aggregate(shared));
                rest = behind;
                continue;
            }
            let last = others.is_empty();
            if unit.len() <= max_payload {
                give(last, Bytes::copy_from_slice(unit));
            } else {
                for range in split_evenly(body.len(), max_payload - FRAGMENT_HEADER_LEN) {
                    let (start, end) = (range.start == 0, range.end == body.len());
                    let mut data = Vec::with_capacity(FRAGMENT_HEADER_LEN + range.len());
                    data.extend_from_slice(&header.with_kind(FRAGMENTATION).0);
                    data.push(u8::from(start) << 7 | u8::from(end) << 6 | header.kind());
                    data.extend_from_slice(body.get(range).unwrap_or_default());
                    give(last && end, Bytes::from(data));
                }
            }
            rest = others;
        }
        Ok(())
    }
}

/// How many units from the front fit one aggregation packet.
fn sharing(units: &[(Header, &[u8], &[u8])], max_payload: usize) -> usize {
    let mut len = Header::LEN;
    units
        .iter()
        .take_while(|(_, unit, _)| {
            len += 2 + unit.len();
            len <= max_payload && unit.len() <= usize::from(u16::MAX)
        })
        .count()
}

/// An aggregation packet: its layer and temporal id are the lowest of its units (RFC 7798 §4.4.2).
fn aggregate(units: &[(Header, &[u8], &[u8])]) -> Bytes {
    let lowest = units.iter().min_by_key(|(header, ..)| {
        let layer = header.layer();
        (layer.spatial, layer.temporal)
    });
    let layer_header = lowest.map_or([0, 1], |(header, ..)| header.0);
    let forbidden = units
        .iter()
        .fold(0, |bits, (header, ..)| bits | header.0[0] & 0x80);
    let [first, second] = Header(layer_header).with_kind(AGGREGATION).0;
    let mut data = vec![first | forbidden, second];
    for (_, unit, _) in units {
        let len = u16::try_from(unit.len()).unwrap_or(u16::MAX);
        data.extend_from_slice(&len.to_be_bytes());
        data.extend_from_slice(unit);
    }
    Bytes::from(data)
}
