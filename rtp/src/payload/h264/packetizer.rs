use bytes::Bytes;

use super::unit::{FU_A, STAP_A, kind};
use crate::payload::nal::units;
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload, PayloadError};
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

/// The sending side of H.264. Every NAL unit of the access unit is sent, delimiters and filler included.
#[derive(Clone, Copy, Debug, Default)]
pub struct H264Packetizer {
    mode: PacketizationMode,
}

impl H264Packetizer {
    /// A packetizer of this mode.
    pub const fn new(mode: PacketizationMode) -> Self {
        Self { mode }
    }

    fn check(self, units: &[&[u8]], max_payload: usize) -> Result<(), PacketizeError> {
        if units.is_empty() {
            return Err(PacketizeError::Malformed(PayloadError::Value));
        }
        for unit in units {
            let header = unit.first().copied().unwrap_or_default();
            if !(1..STAP_A).contains(&kind(header)) {
                return Err(PacketizeError::Malformed(PayloadError::Value));
            }
            if unit.len() > max_payload {
                match self.mode {
                    PacketizationMode::SingleNalUnit => return Err(PacketizeError::TooLarge),
                    PacketizationMode::NonInterleaved if max_payload < 3 => {
                        return Err(PacketizeError::MaxPayload);
                    }
                    PacketizationMode::NonInterleaved => {}
                }
            }
        }
        Ok(())
    }
}

impl Packetizer for H264Packetizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != MimeType::H264 {
            return Err(PacketizeError::Codec);
        }
        if frame.data.is_empty() {
            return Err(PacketizeError::Empty);
        }
        let units: Vec<_> = units(&frame.data).collect();
        self.check(&units, max_payload)?;
        let mut rest = units.as_slice();
        while let Some((&first, others)) = rest.split_first() {
            let together = match self.mode {
                PacketizationMode::SingleNalUnit => 1,
                PacketizationMode::NonInterleaved => sharing(rest, max_payload),
            };
            let last_unit = |taken: usize| rest.len() == taken;
            let mut give = |marker, data: Vec<u8>| {
                sink(Payload {
                    timestamp: frame.timestamp,
                    marker,
                    data: Bytes::from(data),
                });
            };
            if together > 1 {
                let (shared, others) = rest.split_at(together);
                give(last_unit(together), stap_a(shared));
                rest = others;
                continue;
            }
            if first.len() <= max_payload {
                give(last_unit(1), first.to_vec());
            } else {
                fragment(first, max_payload, |end, data| {
                    give(end && last_unit(1), data);
                });
            }
            rest = others;
        }
        Ok(())
    }
}

/// How many units from the front fit one aggregation packet.
fn sharing(units: &[&[u8]], max_payload: usize) -> usize {
    let mut len = 1;
    units
        .iter()
        .take_while(|unit| {
            len += 2 + unit.len();
            len <= max_payload && unit.len() <= usize::from(u16::MAX)
        })
        .count()
}

/// An aggregation packet, as important as its most important unit (RFC 6184 §5.7.1).
fn stap_a(units: &[&[u8]]) -> Vec<u8> {
    let headers = units.iter().filter_map(|unit| unit.first());
    let forbidden = headers.clone().fold(0, |bits, header| bits | header & 0x80);
    let importance = headers.map(|header| header & 0x60).max().unwrap_or(0);
    let mut data = vec![forbidden | importance | STAP_A];
    for unit in units {
        let len = u16::try_from(unit.len()).unwrap_or(u16::MAX);
        data.extend_from_slice(&len.to_be_bytes());
        data.extend_from_slice(unit);
    }
    data
}

/// Fragments of a NAL unit, whose header each carries in two parts (RFC 6184 §5.8).
fn fragment(unit: &[u8], max_payload: usize, mut give: impl FnMut(bool, Vec<u8>)) {
    let Some((&header, body)) = unit.split_first() else {
        return;
    };
    for range in split_evenly(body.len(), max_payload - 2) {
        let (start, end) = (range.start == 0, range.end == body.len());
        let fu = u8::from(start) << 7 | u8::from(end) << 6 | kind(header);
        let mut data = Vec::with_capacity(2 + range.len());
        data.extend_from_slice(&[header & 0xe0 | FU_A, fu]);
        data.extend_from_slice(body.get(range).unwrap_or_default());
        give(end, data);
    }
}
