use super::aggregation::Aggregation;
use super::frame_header::refresh_flags;
use super::obu::{Obu, SEQUENCE_HEADER, TEMPORAL_DELIMITER};
use super::sequence::{FrameSyntax, SequenceHeader};
use crate::MimeType;
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo, Start};

/// The longest sequence header kept.
const MAX_SEQUENCE_HEADER_BYTES: usize = 1024;

/// The receiving side of AV1. The last sequence header (of 1 KiB at most) is remembered, and put in front of a key frame
/// that comes without.
///
/// After a gap only a packet that begins a coded video sequence, a sequence header or a temporal delimiter is certain to
/// begin a temporal unit: it may hold frames that are not shown, which look alike. So the loss of the last packet of one
/// temporal unit takes the next one along.
#[derive(Clone, Debug, Default)]
pub struct Av1 {
    /// The newest sequence header, with its size.
    sequence_header: Vec<u8>,
    /// Where in the frame the OBU begins, in the form of packets, that is being put together.
    partial: Option<usize>,
    /// What comes before the body of the OBU that is given the form of files.
    front: Vec<u8>,
    seen_sequence_header: bool,
    /// How to read frame headers, as the newest sequence header says.
    syntax: Option<FrameSyntax>,
    /// Whether the temporal unit holds frames so far, and whether others may refer to one of them.
    frames: Option<Kept>,
}

/// Whether the decoder keeps frames for others to refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    No,
    /// Or it cannot be told.
    Yes,
}

impl Av1 {
    /// A format that knows no sequence header.
    pub fn new() -> Self {
        Self::default()
    }

    /// The OBU of the form of packets that begins at `at` is whole: it takes the form of files.
    fn complete(&mut self, at: usize, frame: &mut Assembly) -> Result<(), PayloadError> {
        let obu = Obu::decode(frame.data.get(at..).unwrap_or_default())?;
        if obu.is_left_out() {
            frame.data.truncate(at);
            return Ok(());
        }
        frame.info.layer = obu.layer().or(frame.info.layer);
        frame.info.key |= obu.is_key_frame();
        if obu.begins_frame() {
            let kept = kept(&obu, self.syntax.as_ref());
            self.frames = Some(if self.frames == Some(Kept::Yes) {
                Kept::Yes
            } else {
                kept
            });
        }
        if obu.kind() == SEQUENCE_HEADER {
            self.seen_sequence_header = true;
            let header = SequenceHeader::decode(obu.body).ok();
            frame.info.resolution = header.map(|header| header.resolution);
            self.syntax = header.and_then(|header| header.frames);
            self.sequence_header.clear();
            obu.write_sized(&mut self.sequence_header);
            if self.sequence_header.len() > MAX_SEQUENCE_HEADER_BYTES {
                self.sequence_header = Vec::new();
            }
        }
        let body = frame.data.len().saturating_sub(obu.body.len());
        self.front.clear();
        obu.write_sized_front(&mut self.front);
        frame.data.splice(at..body, self.front.iter().copied());
        Ok(())
    }
}

impl Format for Av1 {
    fn codec(&self) -> MimeType {
        MimeType::AV1
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        let (header, mut elements) = Aggregation::decode(payload)?;
        let mut info = PayloadInfo::default();
        let mut first = true;
        let mut frames = None;
        while let Some((element, _)) = elements.next()? {
            if first && header.continues {
                first = false;
                continue;
            }
            let obu = Obu::decode_front(element)?;
            if first {
                info.start = match obu.kind() {
                    SEQUENCE_HEADER | TEMPORAL_DELIMITER => Start::Certain,
                    _ if header.new_sequence => Start::Certain,
                    _ => Start::Possible,
                };
                first = false;
            }
            info.key |= obu.is_key_frame();
            info.layer = obu.layer().or(info.layer);
            if obu.begins_frame() && frames != Some(Kept::Yes) {
                frames = Some(kept(&obu, self.syntax.as_ref()));
            }
            if obu.kind() == SEQUENCE_HEADER {
                let whole = Obu::decode(element);
                let header = whole.and_then(|obu| SequenceHeader::decode(obu.body));
                info.resolution = header.map(|header| header.resolution).ok();
            }
        }
        info.discardable = frames == Some(Kept::No);
        Ok(info)
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        let (header, mut elements) = Aggregation::decode(payload)?;
        if header.continues != self.partial.is_some() {
            return Err(PayloadError::Sequence);
        }
        while let Some((element, last)) = elements.next()? {
            let at = self.partial.take().unwrap_or(frame.data.len());
            frame.data.extend_from_slice(element);
            if last && header.continued {
                self.partial = Some(at);
            } else {
                self.complete(at, frame)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        if self.partial.is_some() || frame.data.is_empty() {
            return Err(PayloadError::Truncated);
        }
        if frame.info.key && !self.seen_sequence_header && !self.sequence_header.is_empty() {
            frame.data.splice(..0, self.sequence_header.iter().copied());
            let header = Obu::decode(&self.sequence_header)?;
            let header = SequenceHeader::decode(header.body);
            frame.info.resolution = header.map(|header| header.resolution).ok();
        }
        frame.info.discardable = self.frames == Some(Kept::No);
        Ok(())
    }

    fn reset(&mut self) {
        self.partial = None;
        self.seen_sequence_header = false;
        self.frames = None;
    }
}

fn kept(obu: &Obu<'_>, syntax: Option<&FrameSyntax>) -> Kept {
    match syntax.map(|syntax| refresh_flags(obu.body, syntax)) {
        Some(Ok(0)) => Kept::No,
        _ => Kept::Yes,
    }
}

/// What a whole temporal unit tells of itself: not whether it is discardable, for which the sequence header of another one
/// may be needed.
pub(in crate::payload) fn describe(mut unit: &[u8]) -> PayloadInfo {
    let mut info = PayloadInfo::default();
    while let Ok(obu) = Obu::take(&mut unit) {
        info.layer = obu.layer().or(info.layer);
        info.key |= obu.is_key_frame();
        if obu.kind() == SEQUENCE_HEADER {
            let header = SequenceHeader::decode(obu.body);
            info.resolution = header.map(|header| header.resolution).ok();
        }
    }
    info
}
