use super::unit::{ACCESS_UNIT_DELIMITER, AGGREGATION, FILLER, FRAGMENTATION, Header};
use crate::payload::nal::{Extras, Layout, Packing, packetize};
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// The sending side of H.266: small NAL units share a packet, long ones are cut. There are no decoding order numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct H266Packetizer {
    extras: Extras,
}

impl H266Packetizer {
    /// The same with what to do with delimiters and filler.
    #[must_use]
    pub const fn with_extras(self, extras: Extras) -> Self {
        Self { extras }
    }
}

impl Packetizer for H266Packetizer {
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
        packetize::<H266Packing>(layout, frame, max_payload, sink)
    }
}

struct H266Packing;

impl Packing for H266Packing {
    const CODEC: MimeType = MimeType::H266;
    const AGGREGATE_HEADER_LEN: usize = Header::LEN;
    const HEADER_LEN: usize = Header::LEN;

    fn is_plain(unit: &[u8]) -> bool {
        Header::decode(unit).is_ok_and(|(header, body)| header.check(body).is_ok())
    }

    fn is_extra(unit: &[u8]) -> bool {
        let kind = Header::decode(unit).map(|(header, _)| header.kind());
        matches!(kind, Ok(ACCESS_UNIT_DELIMITER | FILLER))
    }

    /// Layer and temporal id are the lowest of the units, each for itself (RFC 9328 §4.3.2).
    fn aggregate_header(units: &[&[u8]], data: &mut Vec<u8>) {
        let headers = units.iter().filter_map(|unit| Header::decode(unit).ok());
        let headers = headers.map(|(header, _)| header);
        let forbidden = headers
            .clone()
            .fold(0, |bits, header| bits | header.0[0] & 0x80);
        let layer = headers.clone().map(|header| header.layer().spatial).min();
        let temporal = headers.map(|header| header.0[1] & 0x07).min();
        let first = forbidden | layer.unwrap_or(0);
        let header = Header([first, temporal.unwrap_or(1)]).with_kind(AGGREGATION);
        data.extend_from_slice(&header.0);
    }

    /// Whether the unit is the last slice of its picture: none follows, or one of another layer.
    fn ends_picture(unit: &[u8], behind: &[&[u8]]) -> bool {
        let Ok((header, _)) = Header::decode(unit) else {
            return false;
        };
        let following = behind.iter().filter_map(|unit| Header::decode(unit).ok());
        let next = following
            .map(|(header, _)| header)
            .find(|next| next.is_slice());
        let same = next.is_some_and(|next| next.layer().spatial == header.layer().spatial);
        header.is_slice() && !same
    }

    fn fragment_header(unit: &[u8], start: bool, end: bool, last: bool, data: &mut Vec<u8>) {
        if let Ok((header, _)) = Header::decode(unit) {
            data.extend_from_slice(&header.with_kind(FRAGMENTATION).0);
            let flags = u8::from(start) << 7 | u8::from(end) << 6 | u8::from(end && last) << 5;
            data.push(flags | header.kind());
        }
    }
}
