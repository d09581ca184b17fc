use super::SequenceParameterSet;
use super::unit::{self, ACCESS_UNIT_DELIMITER, FU_A, PPS, SPS, STAP_A};
use crate::bits::Bits;
use crate::payload::nal::{self, Aggregate, NalUnits, Parsed, Piece, Syntax, unescaped};
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo};
use crate::{MimeType, Resolution};

/// The receiving side of H.264, packetization modes 0 and 1: single NAL units, STAP-A and FU-A.
///
/// The types of the interleaved mode (STAP-B, MTAP, FU-B) make a packet malformed: it is never negotiated. Parameter
/// sets are remembered (16 of 1 KiB) and put in front of a key frame that comes without.
#[derive(Clone, Debug, Default)]
pub struct H264(NalUnits<H264Syntax>);

impl H264 {
    /// A format that knows no parameter sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a parameter set from the description (`sprop-parameter-sets`, RFC 6184 §8.1) as if it had been received.
    pub fn add_parameter_set(&mut self, unit: &[u8]) {
        self.0.add_parameter_set(unit);
    }
}

impl Format for H264 {
    fn codec(&self) -> MimeType {
        MimeType::H264
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        self.0.inspect(payload)
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        self.0.append(payload, frame)
    }

    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        self.0.finish(frame)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct H264Syntax;

impl Syntax for H264Syntax {
    type Header = [u8; 1];

    const PARAMETER_SETS: &'static [u8] = &[SPS, PPS];
    const SPS: u8 = SPS;

    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Parsed<'a, [u8; 1]>, PayloadError> {
        let (&header, rest) = payload.split_first().ok_or(PayloadError::Truncated)?;
        match unit::kind(header) {
            1..STAP_A => Ok(Parsed::Unit(piece(header, rest))),
            STAP_A if rest.is_empty() => Err(PayloadError::Truncated),
            STAP_A => Ok(Parsed::Aggregate(Aggregate::new(rest))),
            FU_A => {
                let (&fu, body) = rest.split_first().ok_or(PayloadError::Truncated)?;
                let header = header & 0xe0 | unit::kind(fu);
                if body.is_empty() {
                    return Err(PayloadError::Truncated);
                }
                if !unit::is_plain(header) {
                    return Err(PayloadError::Value);
                }
                Ok(Parsed::Fragment {
                    piece: piece(header, body),
                    start: fu & 0x80 != 0,
                    end: fu & 0x40 != 0,
                })
            }
            _ => Err(PayloadError::Value),
        }
    }

    fn take_unit<'a>(
        &self,
        aggregate: &mut Aggregate<'a>,
    ) -> Result<Piece<'a, [u8; 1]>, PayloadError> {
        let unit = aggregate.take()?;
        let (&header, body) = unit.split_first().ok_or(PayloadError::Length)?;
        if !unit::is_plain(header) {
            return Err(PayloadError::Value);
        }
        Ok(piece(header, body))
    }

    fn kind([header]: [u8; 1]) -> u8 {
        unit::kind(header)
    }

    fn is_slice([header]: [u8; 1]) -> bool {
        unit::is_slice(header)
    }

    fn is_delimiter([header]: [u8; 1]) -> bool {
        unit::kind(header) == ACCESS_UNIT_DELIMITER
    }

    fn info([header]: [u8; 1], body: &[u8], have_sps: bool) -> PayloadInfo {
        unit::info(header, body, have_sps)
    }

    fn set_id([header]: [u8; 1], body: &[u8]) -> Option<u32> {
        // In front of the id of a sequence parameter set are profile, constraints and level.
        let skipped = if unit::kind(header) == SPS { 3 } else { 0 };
        let front = unescaped(body.get(skipped..)?);
        Bits::new(&front).exp_golomb().ok()
    }

    fn resolution(body: &[u8]) -> Option<Resolution> {
        Some(SequenceParameterSet::decode_body(body).ok()?.resolution)
    }

    fn split(unit: &[u8]) -> Option<([u8; 1], &[u8])> {
        unit.split_first().map(|(&header, body)| ([header], body))
    }
}

const fn piece(header: u8, body: &[u8]) -> Piece<'_, [u8; 1]> {
    Piece {
        header: [header],
        order: None,
        body,
    }
}

/// What a whole access unit tells of itself.
pub(in crate::payload) fn describe(access_unit: &[u8]) -> PayloadInfo {
    nal::describe::<H264Syntax>(access_unit)
}
