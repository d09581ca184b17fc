use super::unit::{ACCESS_UNIT_DELIMITER, FILLER, FU_A, STAP_A, is_plain, kind};
use crate::payload::nal::{Extras, Layout, Packing, packetize};
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType};

/// What may be in a packet (RFC 6184 §6). The interleaved mode is not supported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketizationMode {
    /// Mode 0: one NAL unit to a packet. One that is too long is an error, so the encoder must be told the size.
    SingleNalUnit,
    /// Mode 1: small NAL units share a packet (STAP-A), long ones are cut (FU-A).
    #[default]
    NonInterleaved,
}

/// The sending side of H.264.
#[derive(Clone, Copy, Debug, Default)]
pub struct H264Packetizer {
    mode: PacketizationMode,
    extras: Extras,
}

impl H264Packetizer {
    /// A packetizer of this mode. Every NAL unit of the access unit is sent.
    pub const fn new(mode: PacketizationMode) -> Self {
        Self {
            mode,
            extras: Extras::Send,
        }
    }

    /// The same with what to do with delimiters and filler.
    #[must_use]
    pub const fn with_extras(self, extras: Extras) -> Self {
        Self { extras, ..self }
    }
}

impl Packetizer for H264Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        let layout = Layout {
            pack: self.mode == PacketizationMode::NonInterleaved,
            extras: self.extras,
        };
        packetize::<H264Packing>(layout, frame, max_payload, sink)
    }
}

struct H264Packing;

impl Packing for H264Packing {
    const CODEC: MimeType = MimeType::H264;
    const AGGREGATE_HEADER_LEN: usize = 1;
    const HEADER_LEN: usize = 1;

    fn is_plain(unit: &[u8]) -> bool {
        unit.first().is_some_and(|header| is_plain(*header))
    }

    fn is_extra(unit: &[u8]) -> bool {
        let kind = unit.first().map(|header| kind(*header));
        matches!(kind, Some(ACCESS_UNIT_DELIMITER | FILLER))
    }

    /// As important as its most important unit (RFC 6184 §5.7.1).
    fn aggregate_header(units: &[&[u8]], data: &mut Vec<u8>) {
        let headers = units.iter().filter_map(|unit| unit.first());
        let forbidden = headers.clone().fold(0, |bits, header| bits | header & 0x80);
        let importance = headers.map(|header| header & 0x60).max().unwrap_or(0);
        data.push(forbidden | importance | STAP_A);
    }

    /// The unit's header in two parts (RFC 6184 §5.8).
    fn fragment_header(unit: &[u8], start: bool, end: bool, _last: bool, data: &mut Vec<u8>) {
        let header = unit.first().copied().unwrap_or_default();
        let fu = u8::from(start) << 7 | u8::from(end) << 6 | kind(header);
        data.extend_from_slice(&[header & 0xe0 | FU_A, fu]);
    }
}
