use std::collections::VecDeque;

use bytes::Bytes;
use rtp::payload::audio::opus_duration;
use rtp::{Frame, MimeType};

use super::page::Page;
use super::{MAX_TAGS_BYTES, OpusHead, OpusTags};
use crate::input::{Input, MAX_ELEMENT_BYTES};
use crate::{DemuxError, Demuxer, TimedFrame};

/// Reads Opus in Ogg.
///
/// Of several streams at once the first one of Opus is read, the pages of all others are passed over. A chained file (one
/// stream after another) is read on, and its times go on where the stream before ended. Where a page is missing, times
/// follow the positions of the pages, and the next frame is marked as behind a loss. Packets that no decoder would take
/// are left out.
#[derive(Clone, Debug, Default)]
pub struct OggDemuxer {
    input: Input,
    link: Option<Link>,
    ready: VecDeque<TimedFrame>,
    /// Where the stream that is read now began on the time line.
    base: u64,
    links: u32,
    failed: Option<DemuxError>,
}

/// One stream of a chain.
#[derive(Clone, Debug)]
struct Link {
    serial: u32,
    head: OpusHead,
    tags: Option<OpusTags>,
    /// The packet that goes on on the next page.
    partial: Vec<u8>,
    /// The packet that goes on was cut: its beginning was on a page that is missing.
    headless: bool,
    next_sequence: u32,
    /// The position on the first page of sound, and of the next packet.
    start: Option<u64>,
    position: u64,
    end_trim: u32,
    after_loss: bool,
    ended: bool,
}

impl OggDemuxer {
    /// A parser at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of the stream that is read now.
    pub fn head(&self) -> Option<&OpusHead> {
        self.link.as_ref().map(|link| &link.head)
    }

    /// The comments of the stream that is read now.
    pub fn tags(&self) -> Option<&OpusTags> {
        self.link.as_ref()?.tags.as_ref()
    }

    /// How many streams were begun: more than one in a chained file.
    pub const fn links(&self) -> u32 {
        self.links
    }

    /// How many samples at the end of the last frame are not to be played, once the end was read (RFC 7845 §4.4).
    pub fn end_trim(&self) -> u32 {
        self.link.as_ref().map_or(0, |link| link.end_trim)
    }

    /// Reads one page. `false` if there is none.
    fn read_page(&mut self) -> Result<bool, DemuxError> {
        let Some(len) = Page::next_len(&self.input)? else {
            return Ok(false);
        };
        let page = Page::decode(self.input.rest().get(..len).unwrap_or_default())?;
        match &mut self.link {
            Some(link) if link.serial == page.serial && !page.first => {
                link.take(&page, self.base, &mut self.ready)?;
            }
            // A stream that has begun to sound is only followed by another if it has ended, properly or not.
            Some(link) if !link.ended && link.start.is_none() => {}
            _ if page.first && OpusHead::is_one(page.body) => {
                if let Some(link) = &self.link {
                    let length = link.position - link.start.unwrap_or_default().min(link.position);
                    let began = if self.links > 1 {
                        0
                    } else {
                        link.start.unwrap_or_default()
                    };
                    self.base = self.base.saturating_add(began).saturating_add(length);
                }
                self.links = self.links.saturating_add(1);
                self.link = Some(Link::begin(&page)?);
            }
            Some(_) => {}
            None if page.first => {}
            None => return Err(DemuxError::Codec),
        }
        self.input.consume(len);
        Ok(true)
    }
}

impl Link {
    fn begin(page: &Page<'_>) -> Result<Self, DemuxError> {
        Ok(Self {
            serial: page.serial,
            head: OpusHead::decode(page.body)?,
            tags: None,
            partial: Vec::new(),
            headless: false,
            next_sequence: page.sequence.wrapping_add(1),
            start: None,
            position: 0,
            end_trim: 0,
            after_loss: false,
            ended: page.last,
        })
    }

    fn take(
        &mut self,
        page: &Page<'_>,
        base: u64,
        ready: &mut VecDeque<TimedFrame>,
    ) -> Result<(), DemuxError> {
        if page.sequence != self.next_sequence {
            self.after_loss = true;
            self.partial.clear();
            self.headless = page.continued;
        } else if !page.continued && !self.partial.is_empty() {
            // The end of that packet never came.
            self.partial.clear();
            self.after_loss = true;
        }
        self.next_sequence = page.sequence.wrapping_add(1);
        self.ended |= page.last;
        let mut packets = Vec::new();
        for (piece, ends) in page.packets() {
            if self.tags.is_none() {
                self.take_tags(piece, ends)?;
                continue;
            }
            if self.partial.len() + piece.len() > MAX_ELEMENT_BYTES {
                return Err(DemuxError::TooLarge);
            }
            self.partial.extend_from_slice(piece);
            if ends {
                let packet = std::mem::take(&mut self.partial);
                if std::mem::take(&mut self.headless) {
                    continue;
                }
                match opus_duration(&packet) {
                    Ok(duration) => packets.push((Bytes::from(packet), duration)),
                    Err(_) => self.after_loss = true,
                }
            }
        }
        self.place(page, base, packets, ready);
        Ok(())
    }

    /// Keeps the front of the comments, which may be spread over many pages.
    fn take_tags(&mut self, piece: &[u8], ends: bool) -> Result<(), DemuxError> {
        let room = MAX_TAGS_BYTES.saturating_sub(self.partial.len());
        let kept = piece.get(..room).unwrap_or(piece);
        self.partial.extend_from_slice(kept);
        if ends {
            self.tags = Some(OpusTags::decode(&std::mem::take(&mut self.partial))?);
        }
        Ok(())
    }

    /// Gives the packets of a page their times: they end at its position (RFC 7845 §4).
    fn place(
        &mut self,
        page: &Page<'_>,
        base: u64,
        packets: Vec<(Bytes, u32)>,
        ready: &mut VecDeque<TimedFrame>,
    ) {
        let length: u64 = packets
            .iter()
            .map(|(_, duration)| u64::from(*duration))
            .sum();
        if packets.is_empty() {
            return;
        }
        if let Some(granule) = page.granule {
            let begin = granule.checked_sub(length);
            match (self.start, begin) {
                // A page that ends early is the last one: what is too much is cut off its end.
                (None, begin) => self.position = begin.unwrap_or_default(),
                (Some(_), Some(begin)) if begin > self.position => self.position = begin,
                _ => {}
            }
            if page.last {
                let trim = (self.position.saturating_add(length)).saturating_sub(granule);
                self.end_trim = u32::try_from(trim).unwrap_or(u32::MAX);
            }
        }
        let start = *self.start.get_or_insert(self.position);
        for (data, duration) in packets {
            // The first stream keeps its own times; those that follow begin where the one before ended.
            let begin = if base == 0 {
                self.position
            } else {
                self.position - start
            };
            let frame = Frame {
                duration: Some(duration),
                after_loss: std::mem::take(&mut self.after_loss),
                ..Frame::new(MimeType::OPUS, 0, data)
            };
            ready.push_back(TimedFrame::new(base.saturating_add(begin), frame));
            self.position = self.position.saturating_add(duration.into());
        }
    }
}

impl Demuxer for OggDemuxer {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if let Some(error) = self.failed {
                return Err(error);
            }
            match self.read_page() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => self.failed = Some(error),
            }
        }
    }
}
