use super::sps;
use super::unit::{ACCESS_UNIT_DELIMITER, AGGREGATION, FRAGMENTATION, Header, PACI, PPS, SPS, VPS};
use crate::payload::bits::Bits;
use crate::payload::nal::{ParameterSets, START_CODE, push_unit, unescaped, units};
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo, Start};
use crate::{MimeType, Resolution};

/// The receiving side of H.265: single NAL units, aggregation packets, fragmentation units and PACI packets.
///
/// Packets without decoding order numbers are meant (`sprop-max-don-diff` 0, as WebRTC negotiates). Parameter sets are
/// remembered (16 of 1 KiB) and put in front of a key frame that comes without.
#[derive(Clone, Debug, Default)]
pub struct H265 {
    sets: ParameterSets,
    /// Where in the frame the NAL unit begins that is being put together from fragments.
    fragment: Option<usize>,
    seen: Seen,
}

/// What the frame holds so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    vps: bool,
    sps: bool,
    pps: bool,
    slice: bool,
    reference: bool,
}

/// A payload, taken apart.
enum Parsed<'a> {
    Unit(Header, &'a [u8]),
    Aggregate(&'a [u8]),
    Fragment {
        header: Header,
        start: bool,
        end: bool,
        body: &'a [u8],
    },
}

impl H265 {
    /// A format that knows no parameter sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a parameter set from the description (`sprop-vps`, `sprop-sps`, `sprop-pps`, RFC 7798 §7.1) as if it had
    /// been received.
    pub fn add_parameter_set(&mut self, unit: &[u8]) {
        let Ok((header, body)) = Header::decode(unit) else {
            return;
        };
        let id = match header.kind() {
            VPS => body.first().map(|first| u32::from(first >> 4)),
            SPS => sps::decode(unit).ok().map(|(id, _)| id),
            PPS => Bits::new(&unescaped(body)).exp_golomb().ok(),
            _ => None,
        };
        if let Some(id) = id {
            self.sets.insert(header.kind(), id, unit);
        }
    }

    fn parse(payload: &[u8]) -> Result<Parsed<'_>, PayloadError> {
        let (header, rest) = Header::decode(payload)?;
        if header.kind() != PACI {
            return parse_as(header, rest);
        }
        // RFC 7798 §4.4.4: A, the type of what is inside, the length of the extension, flags; then the extension.
        let ([first, second], rest) = rest.split_first_chunk().ok_or(PayloadError::Truncated)?;
        let inner = header.with_kind(first >> 1 & 0x3f);
        let extension = usize::from(first & 1) << 4 | usize::from(second >> 4);
        let rest = rest.get(extension..).ok_or(PayloadError::Length)?;
        // PACI inside PACI is forbidden: parse_as() does not know the type.
        parse_as(inner, rest)
    }

    fn info(&self, header: Header, body: &[u8]) -> PayloadInfo {
        header.info(body, self.sets.contains(SPS))
    }

    /// A NAL unit has come: all of it, or its first fragment.
    fn note(&mut self, header: Header, body: &[u8], frame: &mut Assembly) {
        let info = self.info(header, body);
        frame.info.key |= info.key;
        self.seen.vps |= header.kind() == VPS;
        self.seen.sps |= header.kind() == SPS;
        self.seen.pps |= header.kind() == PPS;
        if header.is_slice() {
            frame.info.layer = info.layer;
            self.seen.slice = true;
            self.seen.reference |= !info.discardable;
        }
    }

    fn append_unit(&mut self, header: Header, body: &[u8], frame: &mut Assembly) {
        self.note(header, body, frame);
        let at = frame.data.len();
        push_unit(&mut frame.data, &header.0);
        frame.data.extend_from_slice(body);
        self.learn(header, at, frame);
    }

    /// The unit at `at` is whole: what it tells is remembered.
    fn learn(&mut self, header: Header, at: usize, frame: &mut Assembly) {
        if (VPS..=PPS).contains(&header.kind()) {
            let unit = frame.data.get(at + START_CODE.len()..).unwrap_or_default();
            self.add_parameter_set(unit);
            frame.info.resolution = resolution(unit).or(frame.info.resolution);
        }
    }

    /// Puts the known parameter sets in front of a key frame that has none, but behind an access unit delimiter.
    fn insert_parameter_sets(&self, frame: &mut Assembly) {
        let mut sets = Vec::new();
        if !self.seen.vps {
            self.sets.write(VPS, &mut sets);
        }
        self.sets.write(SPS, &mut sets);
        if !self.seen.pps {
            self.sets.write(PPS, &mut sets);
        }
        let first = frame.data.get(START_CODE.len()..).unwrap_or_default();
        let at = match Header::decode(first) {
            Ok((header, _)) if header.kind() == ACCESS_UNIT_DELIMITER => START_CODE.len() + 3,
            _ => 0,
        };
        let at = at.min(frame.data.len());
        frame.data.splice(at..at, sets);
        if let Some(sps) = self.sets.newest(SPS) {
            frame.info.resolution = resolution(sps);
        }
    }
}

impl Format for H265 {
    fn codec(&self) -> MimeType {
        MimeType::H265
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        match Self::parse(payload)? {
            Parsed::Unit(header, body) => Ok(self.info(header, body)),
            Parsed::Aggregate(mut rest) => {
                let mut all: Option<PayloadInfo> = None;
                while !rest.is_empty() {
                    let (header, body) = take_unit(&mut rest)?;
                    let info = self.info(header, body);
                    let all = all.get_or_insert(info);
                    all.key |= info.key;
                    all.discardable |= info.discardable;
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
            Parsed::Unit(..) | Parsed::Aggregate(_) if self.fragment.is_some() => {
                return Err(PayloadError::Sequence);
            }
            Parsed::Unit(header, body) => self.append_unit(header, body, frame),
            Parsed::Aggregate(mut rest) => {
                while !rest.is_empty() {
                    let (header, body) = take_unit(&mut rest)?;
                    self.append_unit(header, body, frame);
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
                    push_unit(&mut frame.data, &header.0);
                }
                let at = self.fragment.ok_or(PayloadError::Sequence)?;
                frame.data.extend_from_slice(body);
                if end {
                    self.fragment = None;
                    self.learn(header, at, frame);
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

fn parse_as(header: Header, rest: &[u8]) -> Result<Parsed<'_>, PayloadError> {
    if rest.is_empty() {
        return Err(PayloadError::Truncated);
    }
    match header.kind() {
        AGGREGATION => Ok(Parsed::Aggregate(rest)),
        FRAGMENTATION => {
            let (&fu, body) = rest.split_first().ok_or(PayloadError::Truncated)?;
            let header = header.with_kind(fu);
            if body.is_empty() {
                return Err(PayloadError::Truncated);
            }
            if !header.is_plain() {
                return Err(PayloadError::Value);
            }
            Ok(Parsed::Fragment {
                header,
                start: fu & 0x80 != 0,
                end: fu & 0x40 != 0,
                body,
            })
        }
        _ if header.is_plain() => Ok(Parsed::Unit(header, rest)),
        _ => Err(PayloadError::Value),
    }
}

/// Takes a unit of an aggregation packet; one that could not travel alone is refused (RFC 7798 §4.4.2).
fn take_unit<'a>(rest: &mut &'a [u8]) -> Result<(Header, &'a [u8]), PayloadError> {
    let (size, tail) = rest.split_first_chunk().ok_or(PayloadError::Truncated)?;
    let size = usize::from(u16::from_be_bytes(*size));
    let (unit, tail) = tail.split_at_checked(size).ok_or(PayloadError::Length)?;
    let (header, body) = Header::decode(unit)?;
    if !header.is_plain() {
        return Err(PayloadError::Value);
    }
    *rest = tail;
    Ok((header, body))
}

fn resolution(unit: &[u8]) -> Option<Resolution> {
    let (header, _) = Header::decode(unit).ok()?;
    let sps = (header.kind() == SPS).then(|| sps::decode(unit))?;
    Some(sps.ok()?.1)
}

/// What a whole access unit tells of itself.
pub(in crate::payload) fn describe(access_unit: &[u8]) -> PayloadInfo {
    let mut info = PayloadInfo::default();
    let mut seen = Seen::default();
    for unit in units(access_unit) {
        let Ok((header, body)) = Header::decode(unit) else {
            continue;
        };
        info.resolution = resolution(unit).or(info.resolution);
        if header.is_slice() {
            let told = header.info(body, true);
            info.key |= told.key;
            info.layer = told.layer;
            seen.slice = true;
            seen.reference |= !told.discardable;
        }
    }
    info.discardable = seen.slice && !seen.reference;
    info
}
