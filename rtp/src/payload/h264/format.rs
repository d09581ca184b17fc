use super::unit::{self, ACCESS_UNIT_DELIMITER, FU_A, PPS, SPS, STAP_A};
use crate::MimeType;
use crate::payload::bits::Bits;
use crate::payload::nal::{ParameterSets, START_CODE, push_unit, unescaped, units};
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo, Start};

/// The receiving side of H.264, packetization modes 0 and 1: single NAL units, STAP-A and FU-A.
///
/// The types of the interleaved mode (STAP-B, MTAP, FU-B) make a packet malformed: it is never negotiated. Parameter
/// sets are remembered (16 of 1 KiB) and put in front of a key frame that comes without.
#[derive(Clone, Debug, Default)]
pub struct H264 {
    sets: ParameterSets,
    /// Where in the frame the NAL unit begins that is being put together from fragments.
    fragment: Option<usize>,
    seen: Seen,
}

/// What the frame holds so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    sps: bool,
    pps: bool,
    slice: bool,
    reference: bool,
}

/// A payload, taken apart.
enum Parsed<'a> {
    Unit(&'a [u8]),
    Aggregate(&'a [u8]),
    Fragment {
        header: u8,
        start: bool,
        end: bool,
        body: &'a [u8],
    },
}

impl H264 {
    /// A format that knows no parameter sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a parameter set from the description (`sprop-parameter-sets`, RFC 6184 §8.1) as if it had been received.
    pub fn add_parameter_set(&mut self, unit: &[u8]) {
        let Some((&header, body)) = unit.split_first() else {
            return;
        };
        let id = match unit::kind(header) {
            SPS => Bits::new(&unescaped(body.get(3..).unwrap_or_default())).exp_golomb(),
            PPS => Bits::new(&unescaped(body)).exp_golomb(),
            _ => return,
        };
        if let Ok(id) = id {
            self.sets.insert(unit::kind(header), id, unit);
        }
    }

    fn parse(payload: &[u8]) -> Result<Parsed<'_>, PayloadError> {
        let (&header, rest) = payload.split_first().ok_or(PayloadError::Truncated)?;
        match unit::kind(header) {
            1..STAP_A => Ok(Parsed::Unit(payload)),
            STAP_A if rest.is_empty() => Err(PayloadError::Truncated),
            STAP_A => Ok(Parsed::Aggregate(rest)),
            FU_A => {
                let (&fu, body) = rest.split_first().ok_or(PayloadError::Truncated)?;
                let header = header & 0xe0 | unit::kind(fu);
                if body.is_empty() {
                    return Err(PayloadError::Truncated);
                }
                if !(1..STAP_A).contains(&unit::kind(header)) {
                    return Err(PayloadError::Value);
                }
                Ok(Parsed::Fragment {
                    header,
                    start: fu & 0x80 != 0,
                    end: fu & 0x40 != 0,
                    body,
                })
            }
            _ => Err(PayloadError::Value),
        }
    }

    fn info(&self, header: u8, body: &[u8]) -> PayloadInfo {
        unit::info(header, body, self.sets.contains(SPS))
    }

    /// A NAL unit has come: `unit` is all of it, or its first fragment.
    fn note(&mut self, header: u8, body: &[u8], frame: &mut Assembly) {
        let info = self.info(header, body);
        frame.info.key |= info.key;
        frame.info.layer = info.layer.or(frame.info.layer);
        self.seen.sps |= unit::kind(header) == SPS;
        self.seen.pps |= unit::kind(header) == PPS;
        if unit::is_slice(header) {
            self.seen.slice = true;
            self.seen.reference |= !info.discardable;
        }
    }

    fn append_unit(&mut self, unit: &[u8], frame: &mut Assembly) {
        if let Some((&header, body)) = unit.split_first() {
            self.note(header, body, frame);
            self.learn(unit, frame);
            push_unit(&mut frame.data, unit);
        }
    }

    fn learn(&mut self, unit: &[u8], frame: &mut Assembly) {
        self.add_parameter_set(unit);
        frame.info.resolution = unit::resolution(unit).or(frame.info.resolution);
    }

    /// Puts the known parameter sets in front of a key frame that has none, but behind an access unit delimiter.
    fn insert_parameter_sets(&self, frame: &mut Assembly) {
        let mut sets = Vec::new();
        self.sets.write(SPS, &mut sets);
        if !self.seen.pps {
            self.sets.write(PPS, &mut sets);
        }
        let delimiter = frame.data.get(START_CODE.len()).copied().map(unit::kind);
        let at = match delimiter {
            Some(ACCESS_UNIT_DELIMITER) => START_CODE.len() + 2,
            _ => 0,
        };
        let at = at.min(frame.data.len());
        frame.data.splice(at..at, sets);
        if let Some(sps) = self.sets.newest(SPS) {
            frame.info.resolution = unit::resolution(sps);
        }
    }
}

impl Format for H264 {
    fn codec(&self) -> MimeType {
        MimeType::H264
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        match Self::parse(payload)? {
            Parsed::Unit(unit) => {
                let (&header, body) = unit.split_first().ok_or(PayloadError::Truncated)?;
                Ok(PayloadInfo {
                    resolution: unit::resolution(unit),
                    ..self.info(header, body)
                })
            }
            Parsed::Aggregate(rest) => {
                let mut all: Option<PayloadInfo> = None;
                for unit in unit::aggregated(rest) {
                    let (header, unit) = unit?;
                    let info = self.info(header, unit.get(1..).unwrap_or_default());
                    let all = all.get_or_insert(info);
                    all.key |= info.key;
                    all.discardable |= info.discardable;
                    all.layer = all.layer.or(info.layer);
                    all.resolution = all.resolution.or_else(|| unit::resolution(unit));
                }
                all.ok_or(PayloadError::Truncated)
            }
            Parsed::Fragment {
                header,
                start: true,
                body,
                ..
            } => Ok(self.info(header, body)),
            Parsed::Fragment { header, .. } => Ok(PayloadInfo {
                start: Start::No,
                ..self.info(header, &[])
            }),
        }
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        match Self::parse(payload)? {
            Parsed::Unit(_) | Parsed::Aggregate(_) if self.fragment.is_some() => {
                return Err(PayloadError::Sequence);
            }
            Parsed::Unit(unit) => self.append_unit(unit, frame),
            Parsed::Aggregate(rest) => {
                for unit in unit::aggregated(rest) {
                    self.append_unit(unit?.1, frame);
                }
            }
            Parsed::Fragment {
                header,
                start,
                end,
                body,
            } => {
                if start {
                    // A second start without an end: what came of the first is worth nothing.
                    let at = self.fragment.unwrap_or(frame.data.len());
                    frame.data.truncate(at);
                    self.fragment = Some(at);
                    self.note(header, body, frame);
                    push_unit(&mut frame.data, &[header]);
                }
                let at = self.fragment.ok_or(PayloadError::Sequence)?;
                frame.data.extend_from_slice(body);
                if end {
                    self.fragment = None;
                    if matches!(unit::kind(header), SPS | PPS) {
                        let unit = frame.data.get(at + START_CODE.len()..);
                        let unit = unit.unwrap_or_default().to_vec();
                        self.learn(&unit, frame);
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        if self.fragment.is_some() {
            return Err(PayloadError::Truncated);
        }
        frame.info.discardable = self.seen.slice && !self.seen.reference;
        if frame.info.key && !self.seen.sps {
            self.insert_parameter_sets(frame);
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.fragment = None;
        self.seen = Seen::default();
    }
}

/// What a whole access unit tells of itself.
pub(in crate::payload) fn describe(access_unit: &[u8]) -> PayloadInfo {
    let mut info = PayloadInfo::default();
    let mut seen = Seen::default();
    for nal in units(access_unit) {
        let Some((&header, body)) = nal.split_first() else {
            continue;
        };
        let told = unit::info(header, body, true);
        info.key |= told.key;
        info.layer = told.layer.or(info.layer);
        info.resolution = unit::resolution(nal).or(info.resolution);
        seen.slice |= unit::is_slice(header);
        seen.reference |= unit::is_slice(header) && !told.discardable;
    }
    info.discardable = seen.slice && !seen.reference;
    info
}
