use super::unit::{ACCESS_UNIT_DELIMITER, AGGREGATION, FILLER, FRAGMENTATION, Header};
use crate::payload::nal::{Extras, Layout, Packing, packetize};
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// The sending side of H.265: small NAL units share a packet, long ones are cut. There are no decoding order numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct H265Packetizer {
    extras: Extras,
}

impl H265Packetizer {
    /// The same with what to do with delimiters and filler.
    #[must_use]
    pub const fn with_extras(self, extras: Extras) -> Self {
        Self { extras }
    }
}

impl Packetizer for H265Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        let layout = Layout {
            pack: true,
            extras: self.extras,
        };
        packetize::<H265Packing>(layout, frame, max_payload, sink)
    }
}

struct H265Packing;

impl Packing for H265Packing {
    const CODEC: MimeType = MimeType::H265;
    const AGGREGATE_HEADER_LEN: usize = Header::LEN;
    const HEADER_LEN: usize = Header::LEN;

    fn is_plain(unit: &[u8]) -> bool {
        Header::decode(unit).is_ok_and(|(header, body)| header.is_plain() && !body.is_empty())
    }

    fn is_extra(unit: &[u8]) -> bool {
        let kind = Header::decode(unit).map(|(header, _)| header.kind());
        matches!(kind, Ok(ACCESS_UNIT_DELIMITER | FILLER))
    }

    /// Layer and temporal id are the lowest of the units (RFC 7798 §4.4.2).
    fn aggregate_header(units: &[&[u8]], data: &mut Vec<u8>) {
        let headers = units.iter().filter_map(|unit| Header::decode(unit).ok());
        let headers = headers.map(|(header, _)| header);
        let lowest = headers.clone().min_by_key(|header| {
            let layer = header.layer();
            (layer.spatial, layer.temporal)
        });
        let forbidden = headers.fold(0, |bits, header| bits | header.0[0] & 0x80);
        let lowest = lowest.unwrap_or(Header([0, 1]));
        let [first, second] = lowest.with_kind(AGGREGATION).0;
        data.extend_from_slice(&[first | forbidden, second]);
    }

    fn fragment_header(unit: &[u8], start: bool, end: bool, _last: bool, data: &mut Vec<u8>) {
        if let Ok((header, _)) = Header::decode(unit) {
            data.extend_from_slice(&header.with_kind(FRAGMENTATION).0);
            data.push(u8::from(start) << 7 | u8::from(end) << 6 | header.kind());
        }
    }
}
