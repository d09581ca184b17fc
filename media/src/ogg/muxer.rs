use rtp::MimeType;
use rtp::payload::audio::opus_duration;

use super::page::{MAX_SEGMENTS, Page, lacing};
use super::{OpusHead, OpusTags};
use crate::{MuxError, Muxer, TimedFrame};

/// How long the packets of a page last together, in samples at 48 kHz: one second, as RFC 7845 §6 advises at most.
const PAGE_SAMPLES: u64 = 48_000;

/// The longest packet: "61,440 octets per Opus stream" is what every demuxer takes (RFC 7845 §6).
const MAX_PACKET_BYTES: usize = 61_440;

/// The longest gap that is filled with empty packets, in samples: a minute. Behind a longer one positions leap.
const MAX_FILL_SAMPLES: u64 = 60 * 48_000;

/// Writes Opus into Ogg.
///
/// A page holds up to a second of sound and leaves with the packet behind it, so that the last one can be marked. Gaps (a
/// sender that is silent, a packet that was lost) are filled with packets without sound, which decoders conceal
/// (RFC 7845 §4.1).
#[derive(Clone, Debug)]
pub struct OggMuxer {
    serial: u32,
    head: OpusHead,
    tags: OpusTags,
    started: bool,
    sequence: u32,
    /// The time of the first frame, which has position 0.
    origin: Option<u64>,
    position: u64,
    page_start: u64,
    lacing: Vec<u8>,
    body: Vec<u8>,
    /// The table of contents of the packet before.
    toc: u8,
    end_trim: u32,
}

impl OggMuxer {
    /// A muxer of a stream with this serial number.
    pub fn new(serial: u32, head: OpusHead) -> Self {
        Self {
            serial,
            head,
            tags: OpusTags {
                vendor: "avocet".to_owned(),
                comments: Vec::new(),
            },
            started: false,
            sequence: 0,
            origin: None,
            position: 0,
            page_start: 0,
            lacing: Vec::new(),
            body: Vec::new(),
            toc: 0,
            end_trim: 0,
        }
    }

    /// Writes these comments.
    #[must_use]
    pub fn with_tags(mut self, tags: OpusTags) -> Self {
        self.tags = tags;
        self
    }

    /// Says how many samples at the end of what is written are not to be played (RFC 7845 §4.4).
    pub const fn trim_end(&mut self, samples: u32) {
        self.end_trim = samples;
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let head = self.head.encode();
        self.page(0, &head, Place::First, out);
        let tags = self.tags.encode();
        // 64 KiB of comments do not fit one page.
        let mut rest = tags.as_slice();
        while rest.len() >= MAX_SEGMENTS * 255 {
            let (front, tail) = rest.split_at(MAX_SEGMENTS * 255);
            let page = Page {
                continued: rest.len() < tags.len(),
                first: false,
                last: false,
                granule: None,
                serial: self.serial,
                sequence: self.sequence,
                lacing: &[255; MAX_SEGMENTS],
                body: front,
            };
            page.encode(out);
            self.sequence = self.sequence.wrapping_add(1);
            rest = tail;
        }
        let place = if rest.len() < tags.len() {
            Place::Continued
        } else {
            Place::Middle
        };
        self.page(0, rest, place, out);
    }

    /// A page of one packet.
    fn page(&mut self, granule: u64, packet: &[u8], place: Place, out: &mut Vec<u8>) {
        let segments: Vec<u8> = lacing(packet.len()).collect();
        Page {
            continued: matches!(place, Place::Continued),
            first: matches!(place, Place::First),
            last: false,
            granule: Some(granule),
            serial: self.serial,
            sequence: self.sequence,
            lacing: &segments,
            body: packet,
        }
        .encode(out);
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn add(&mut self, packet: &[u8], duration: u64, out: &mut Vec<u8>) {
        let segments = packet.len() / 255 + 1;
        let full = self.lacing.len() + segments > MAX_SEGMENTS
            || self.position - self.page_start >= PAGE_SAMPLES;
        if full && !self.lacing.is_empty() {
            self.flush(false, out);
        }
        self.lacing.extend(lacing(packet.len()));
        self.body.extend_from_slice(packet);
        self.position = self.position.saturating_add(duration);
    }

    fn flush(&mut self, last: bool, out: &mut Vec<u8>) {
        let trim = if last { u64::from(self.end_trim) } else { 0 };
        Page {
            continued: false,
            first: false,
            last,
            granule: Some(self.position.saturating_sub(trim)),
            serial: self.serial,
            sequence: self.sequence,
            lacing: &self.lacing,
            body: &self.body,
        }
        .encode(out);
        self.sequence = self.sequence.wrapping_add(1);
        self.page_start = self.position;
        self.lacing.clear();
        self.body.clear();
    }

    fn fill(&mut self, until: u64, out: &mut Vec<u8>) {
        // One frame of the kind of the packet before, without octets.
        let silence = [self.toc & 0xfc];
        let step = u64::from(opus_duration(&silence).unwrap_or_default());
        let gap = until.saturating_sub(self.position);
        if step > 0 && gap <= MAX_FILL_SAMPLES {
            for _ in 0..gap / step {
                self.add(&silence, step, out);
            }
        }
        // Less than a packet is left for later: it may be the sender's clock.
        if until.saturating_sub(self.position) >= step.max(1) {
            // What is on the page ends before the leap.
            if !self.lacing.is_empty() {
                self.flush(false, out);
            }
            self.position = until;
            self.page_start = until;
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    First,
    Middle,
    Continued,
}

impl Muxer for OggMuxer {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        let packet = &item.frame.data;
        if item.frame.codec != MimeType::OPUS {
            return Err(MuxError::Codec);
        }
        if packet.len() > MAX_PACKET_BYTES {
            return Err(MuxError::TooLarge);
        }
        let duration = opus_duration(packet).map_err(|_| MuxError::Malformed)?;
        let origin = self.origin.unwrap_or(item.time);
        let at = item.time.checked_sub(origin).ok_or(MuxError::Order)?;
        // Clocks of senders tremble: what begins within the packet before follows it.
        if self.position.saturating_sub(at) >= duration.into() {
            return Err(MuxError::Order);
        }
        self.start(out);
        self.origin = Some(origin);
        self.fill(at, out);
        self.toc = packet.first().copied().unwrap_or_default();
        self.add(packet, duration.into(), out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.flush(true, out);
    }
}
