//! Which file a codec goes into.

use std::fs::File;
use std::path::Path;

use avocet::media::annex_b::{AnnexBCodec, AnnexBMuxer};
use avocet::media::ivf::{IvfHeader, IvfMuxer};
use avocet::media::ogg::{OggMuxer, OpusHead};
use avocet::media::wav::{WavEncoding, WavFormat, WavMuxer};
use avocet::media::{MuxError, Muxer, TimedFrame, Writer};
use avocet::rtp::{Frame, MediaKind, MimeType};

use crate::Outcome;
use crate::recorder::Stream;

pub(crate) type FrameFile = Writer<File, Box<dyn Muxer<Item = TimedFrame> + Send>>;

/// Makes the file of a stream that begins with this frame.
pub(crate) fn create(path: &Path, stream: &Stream, first: &Frame) -> Outcome<FrameFile> {
    let codec = &first.codec;
    let (extension, muxer): (&str, Box<dyn Muxer<Item = TimedFrame> + Send>) =
        if let Some(annex_b) = AnnexBCodec::new(codec) {
            let extension = match annex_b {
                AnnexBCodec::H265 => "h265",
                _ => "h264",
            };
            (extension, Box::new(AnnexBMuxer::new(annex_b)))
        } else if codec.kind() == MediaKind::Video {
            (
                "ivf",
                Box::new(IvfMuxer::new(IvfHeader::new(codec.clone()))),
            )
        } else if *codec == MimeType::OPUS {
            // WebRTC says two channels whatever is inside; decoders make two of one.
            ("ogg", Box::new(OggMuxer::new(1, OpusHead::new(2))))
        } else if *codec == MimeType::G722 {
            ("g722", Box::new(Bare))
        } else {
            let encoding = match codec {
                codec if *codec == MimeType::PCMU => WavEncoding::MuLaw,
                codec if *codec == MimeType::PCMA => WavEncoding::ALaw,
                codec if *codec == MimeType::L16 => WavEncoding::Linear16,
                _ => return Err(format!("no file takes {codec}").into()),
            };
            let format = WavFormat {
                encoding,
                channels: stream.codec.channels.unwrap_or(1),
                sample_rate: stream.codec.clock_rate,
            };
            ("wav", Box::new(WavMuxer::new(format)))
        };
    let file = File::create(path.with_extension(extension))?;
    Ok(Writer::new(file, muxer))
}

/// Frames one after another, without anything between them.
#[derive(Debug)]
struct Bare;

impl Muxer for Bare {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        out.extend_from_slice(&item.frame.data);
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) {}
}
