use super::{ParameterSets, Parsed, Piece, START_CODE, Syntax, push_unit, units};
use crate::Resolution;
use crate::payload::{Assembly, PayloadError, PayloadInfo, Start};

/// The receiving side of a codec made of NAL units, behind the [`Format`](crate::payload::Format) of each.
///
/// Access units come out as Annex B. Parameter sets are remembered and put in front of a key frame that comes without.
#[derive(Clone, Debug, Default)]
pub(in crate::payload) struct NalUnits<S> {
    syntax: S,
    sets: ParameterSets,
    /// Where in the frame the NAL unit begins that is being put together from fragments.
    fragment: Option<usize>,
    /// The decoding order number of the last unit of the frame.
    order: Option<u16>,
    seen: Seen,
}

/// What the frame holds so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Bit `n`: the n-th kind of parameter set.
    sets: u8,
    slice: bool,
    reference: bool,
}

impl<S: Syntax> NalUnits<S> {
    pub(in crate::payload) fn new(syntax: S) -> Self {
        Self {
            syntax,
            sets: ParameterSets::default(),
            fragment: None,
            order: None,
            seen: Seen::default(),
        }
    }

    /// Keeps a parameter set; any other unit changes nothing.
    pub(in crate::payload) fn add_parameter_set(&mut self, unit: &[u8]) {
        let Some((header, body)) = S::split(unit) else {
            return;
        };
        let kind = S::kind(header);
        if S::PARAMETER_SETS.contains(&kind)
            && let Some(id) = S::set_id(header, body)
        {
            self.sets.insert(kind, id, unit);
        }
    }

    pub(in crate::payload) fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        match self.syntax.parse(payload)? {
            Parsed::Unit(piece) => Ok(PayloadInfo {
                resolution: resolution::<S>(piece.header, piece.body),
                ..self.info(piece.header, piece.body)
            }),
            Parsed::Aggregate(mut aggregate) => {
                let mut all: Option<PayloadInfo> = None;
                while !aggregate.rest.is_empty() {
                    let piece = self.syntax.take_unit(&mut aggregate)?;
                    let info = self.info(piece.header, piece.body);
                    let all = all.get_or_insert(info);
                    all.key |= info.key;
                    all.discardable |= info.discardable;
                    all.layer = all.layer.or(info.layer);
                    let size = resolution::<S>(piece.header, piece.body);
                    all.resolution = all.resolution.or(size);
                }
                all.ok_or(PayloadError::Truncated)
            }
            Parsed::Fragment { piece, start, .. } if start => {
                Ok(self.info(piece.header, piece.body))
            }
            Parsed::Fragment { piece, .. } => Ok(PayloadInfo {
                start: Start::No,
                ..self.info(piece.header, &[])
            }),
        }
    }

    pub(in crate::payload) fn append(
        &mut self,
        payload: &[u8],
        frame: &mut Assembly,
    ) -> Result<(), PayloadError> {
        match self.syntax.parse(payload)? {
            Parsed::Unit(_) | Parsed::Aggregate(_) if self.fragment.is_some() => {
                Err(PayloadError::Sequence)
            }
            Parsed::Unit(piece) => self.append_unit(piece, frame),
            Parsed::Aggregate(mut aggregate) => {
                while !aggregate.rest.is_empty() {
                    let piece = self.syntax.take_unit(&mut aggregate)?;
                    self.append_unit(piece, frame)?;
                }
                Ok(())
            }
            Parsed::Fragment { piece, start, end } => {
                self.append_fragment(piece, start, end, frame)
            }
        }
    }

    pub(in crate::payload) fn finish(&self, frame: &mut Assembly) -> Result<(), PayloadError> {
        if self.fragment.is_some() || frame.data.is_empty() {
            return Err(PayloadError::Truncated);
        }
        frame.info.discardable = self.seen.slice && !self.seen.reference;
        if frame.info.key && !self.has_seen(S::SPS) {
            self.insert_parameter_sets(frame);
        }
        Ok(())
    }

    pub(in crate::payload) fn reset(&mut self) {
        self.fragment = None;
        self.order = None;
        self.seen = Seen::default();
    }

    fn info(&self, header: S::Header, body: &[u8]) -> PayloadInfo {
        S::info(header, body, self.sets.contains(S::SPS))
    }

    fn append_unit(
        &mut self,
        piece: Piece<'_, S::Header>,
        frame: &mut Assembly,
    ) -> Result<(), PayloadError> {
        self.note(&piece, frame)?;
        let at = frame.data.len();
        push_unit(&mut frame.data, piece.header.as_ref());
        frame.data.extend_from_slice(piece.body);
        self.learn(piece.header, at, frame);
        Ok(())
    }

    fn append_fragment(
        &mut self,
        piece: Piece<'_, S::Header>,
        start: bool,
        end: bool,
        frame: &mut Assembly,
    ) -> Result<(), PayloadError> {
        if start {
            // A second start without an end: what came of the first is worth nothing.
            let at = self.fragment.unwrap_or(frame.data.len());
            frame.data.truncate(at);
            self.fragment = Some(at);
            self.note(&piece, frame)?;
            push_unit(&mut frame.data, piece.header.as_ref());
        }
        let at = self.fragment.ok_or(PayloadError::Sequence)?;
        frame.data.extend_from_slice(piece.body);
        if end {
            self.fragment = None;
            self.learn(piece.header, at, frame);
        }
        Ok(())
    }

    /// A unit has come: all of it, or its first fragment.
    fn note(
        &mut self,
        piece: &Piece<'_, S::Header>,
        frame: &mut Assembly,
    ) -> Result<(), PayloadError> {
        // Units travel in decoding order within an access unit: to sort them would take another buffer.
        if let (Some(before), Some(order)) = (self.order, piece.order)
            && order.wrapping_sub(before) >= 0x8000
        {
            return Err(PayloadError::Sequence);
        }
        self.order = piece.order;
        let info = self.info(piece.header, piece.body);
        frame.info.key |= info.key;
        // Of several units with a layer the last one is of the highest.
        frame.info.layer = info.layer.or(frame.info.layer);
        let kind = S::kind(piece.header);
        if let Some(place) = S::PARAMETER_SETS.iter().position(|set| *set == kind) {
            self.seen.sets |= 1 << place;
        }
        if S::is_slice(piece.header) {
            self.seen.slice = true;
            self.seen.reference |= !info.discardable;
        }
        Ok(())
    }

    /// The unit at `at` is whole: what it tells is remembered.
    fn learn(&mut self, header: S::Header, at: usize, frame: &mut Assembly) {
        if S::PARAMETER_SETS.contains(&S::kind(header)) {
            let unit = frame.data.get(at + START_CODE.len()..).unwrap_or_default();
            self.add_parameter_set(unit);
            let body = unit.get(header.as_ref().len()..).unwrap_or_default();
            frame.info.resolution = resolution::<S>(header, body).or(frame.info.resolution);
        }
    }

    fn has_seen(&self, kind: u8) -> bool {
        let place = S::PARAMETER_SETS.iter().position(|set| *set == kind);
        place.is_some_and(|place| self.seen.sets >> place & 1 == 1)
    }

    /// Puts the known parameter sets in front of a key frame that has none, but behind an access unit delimiter.
    fn insert_parameter_sets(&self, frame: &mut Assembly) {
        let mut sets = Vec::new();
        for kind in S::PARAMETER_SETS
            .iter()
            .filter(|kind| !self.has_seen(**kind))
        {
            self.sets.write(*kind, &mut sets);
        }
        let first = units(&frame.data).next();
        let delimiter =
            first.filter(|unit| S::split(unit).is_some_and(|(h, _)| S::is_delimiter(h)));
        // A delimiter is short: looking for its end costs nothing.
        let at = delimiter.map_or(0, |unit| START_CODE.len() + unit.len());
        let at = at.min(frame.data.len());
        frame.data.splice(at..at, sets);
        if let Some((_, body)) = self.sets.newest(S::SPS).and_then(S::split) {
            frame.info.resolution = S::resolution(body);
        }
    }
}

/// What the units of a whole access unit tell of it.
pub(in crate::payload) fn describe<S: Syntax>(access_unit: &[u8]) -> PayloadInfo {
    let mut info = PayloadInfo::default();
    let (mut slices, mut references) = (false, false);
    for (header, body) in units(access_unit).filter_map(S::split) {
        let told = S::info(header, body, true);
        info.resolution = resolution::<S>(header, body).or(info.resolution);
        info.layer = told.layer.or(info.layer);
        if S::is_slice(header) {
            info.key |= told.key;
            slices = true;
            references |= !told.discardable;
        }
    }
    info.discardable = slices && !references;
    info
}

fn resolution<S: Syntax>(header: S::Header, body: &[u8]) -> Option<Resolution> {
    (S::kind(header) == S::SPS).then(|| S::resolution(body))?
}
