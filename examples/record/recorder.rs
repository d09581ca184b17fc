//! One stream on its way to a file: packets are sorted, put together to frames, and written.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use avocet::media::rtpdump::{DumpedPacket, RtpDumpHeader, RtpDumpMuxer};
use avocet::media::{TimedFrame, WriteError, Writer};
use avocet::rtp::payload::audio::{AudioDepacketizer, AudioFormat};
use avocet::rtp::payload::red::RedDepacketizer;
use avocet::rtp::payload::{Depacketizer, Registry};
use avocet::rtp::{
    Codec, Frame, MediaKind, MimeType, Packet, PayloadType, SequenceNumber, TimestampUnwrapper,
};
use bytes::Bytes;

use crate::Outcome;
use crate::files::{self, FrameFile};

/// Packets that wait for a missing one; then it is given up. At 500 packets a second a quarter of a second.
const PATIENCE: usize = 128;

/// What is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// What its files are called.
    pub(crate) name: String,
    pub(crate) codec: Codec,
    pub(crate) payload_type: PayloadType,
}

pub(crate) struct Recorder {
    stream: Stream,
    /// Packets that arrived ahead of others, by their places.
    waiting: BTreeMap<u64, Packet>,
    next: Option<u64>,
    depacketizer: Box<dyn Depacketizer + Send>,
    times: TimestampUnwrapper,
    origin: Option<i64>,
    file: Option<FrameFile>,
    path: std::path::PathBuf,
    dump: Option<(Instant, Writer<File, RtpDumpMuxer>)>,
    frames: u64,
}

impl Recorder {
    pub(crate) fn create(directory: &Path, stream: Stream, dump: bool) -> Outcome<Self> {
        let depacketizer = depacketizer_of(&stream).ok_or("no payload format")?;
        let path = directory.join(&stream.name);
        let dump = match dump {
            true => {
                let file = File::create(path.with_extension("rtpdump"))?;
                let muxer = RtpDumpMuxer::new(RtpDumpHeader::default());
                Some((Instant::now(), Writer::new(file, muxer)))
            }
            false => None,
        };
        Ok(Self {
            stream,
            waiting: BTreeMap::new(),
            next: None,
            depacketizer,
            times: TimestampUnwrapper::new(),
            origin: None,
            file: None,
            path,
            dump,
            frames: 0,
        })
    }

    /// Takes a packet; `place` is its sequence number without wraps. Says whether a key frame is needed.
    pub(crate) fn push(&mut self, place: u64, mut packet: Packet) -> Outcome<bool> {
        if let Some((started, dump)) = &mut self.dump {
            dump.write(&DumpedPacket::rtp(started.elapsed(), &packet))?;
        }
        // Tones and comfort noise come between the packets of the codec: they keep their place, and are not recorded.
        if packet.payload_type != self.stream.payload_type
            && self.stream.codec.mime != MimeType::RED
        {
            packet.payload = Bytes::new();
        }
        self.waiting.insert(place, packet);
        let mut wishes = false;
        while let Some(entry) = self.waiting.first_entry() {
            let place = *entry.key();
            let expected = self.next.is_none_or(|next| place <= next);
            if !expected && self.waiting.len() <= PATIENCE {
                break;
            }
            wishes |= self.take_first()?;
        }
        Ok(wishes)
    }

    /// Ends the files, and says what they hold.
    pub(crate) fn finish(mut self) -> Outcome<String> {
        while !self.waiting.is_empty() {
            self.take_first()?;
        }
        let mut last = Vec::new();
        self.depacketizer.flush(&mut |frame| last.push(frame));
        for frame in last {
            self.write(frame)?;
        }
        if let Some((_, dump)) = self.dump.take() {
            dump.finish()?;
        }
        if let Some(file) = self.file.take() {
            file.finish_with_header()?;
        }
        let Self { stream, frames, .. } = &self;
        let lost = self.depacketizer.stats().gaps.saturating_sub(1);
        Ok(format!(
            "{} {} payload type {}: {frames} frames, {lost} gaps",
            stream.name, stream.codec.mime, stream.payload_type
        ))
    }

    fn take_first(&mut self) -> Outcome<bool> {
        let Some((place, mut packet)) = self.waiting.pop_first() else {
            return Ok(false);
        };
        self.next = Some(place + 1);
        // Places leave padding out, so that it is no gap.
        packet.sequence_number = SequenceNumber::new(place as u16);
        let mut frames = Vec::new();
        self.depacketizer
            .push(&packet, &mut |frame| frames.push(frame));
        let mut wishes = false;
        for frame in frames {
            wishes |= frame.after_loss && !frame.key;
            self.write(frame)?;
        }
        Ok(wishes)
    }

    /// Writes a frame; pictures from the first key on.
    fn write(&mut self, mut frame: Frame) -> Outcome<()> {
        if self.file.is_none() && !frame.key {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(files::create(&self.path, &self.stream, &frame)?),
        };
        let time = self.times.extend(frame.timestamp);
        let time = time - *self.origin.get_or_insert(time);
        let Ok(time) = u64::try_from(time) else {
            return Ok(());
        };
        if self.stream.codec.kind() == MediaKind::Video {
            frame.duration = None;
        }
        match file.write(&TimedFrame::new(time, frame)) {
            // A sender may turn its clock back; what it sends then has no place.
            Ok(()) => self.frames += 1,
            Err(WriteError::Mux(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn depacketizer_of(stream: &Stream) -> Option<Box<dyn Depacketizer + Send>> {
    if stream.codec.mime == MimeType::RED {
        // What browsers repeat is Opus.
        let opus = AudioDepacketizer::new(AudioFormat::Opus);
        return Some(Box::new(RedDepacketizer::new(stream.payload_type, opus)));
    }
    Registry::standard().depacketizer(&stream.codec)
}
