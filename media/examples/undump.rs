//! Turns an rtpdump of one codec into a file for each stream in it: `undump FILE CODEC PAYLOAD_TYPE DIRECTORY`, such as
//! `undump call.rtpdump video/VP8 96 out`, or with clock rate and channels `audio/L16/44100/2`. Prints the names of the files.
#![allow(clippy::print_stdout, reason = "a program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use avocet_media::annex_b::{AnnexBCodec, AnnexBMuxer};
use avocet_media::ivf::{IvfHeader, IvfMuxer};
use avocet_media::ogg::{OggMuxer, OpusHead};
use avocet_media::rtpdump::{self, DumpedProtocol};
use avocet_media::wav::{WavEncoding, WavFormat, WavMuxer};
use avocet_media::{Muxer, TimedFrame, Writer};
use bytes::Bytes;
use rtp::payload::audio::{AudioDepacketizer, AudioFormat};
use rtp::payload::red::RedDepacketizer;
use rtp::payload::{Depacketizer, Registry};
use rtp::{
    Codec, Frame, MediaKind, MimeType, Packet, PayloadType, SequenceUnwrapper, Ssrc,
    TimestampUnwrapper,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [dump, codec, payload_type, directory] = words.as_slice() else {
        return Err("undump FILE CODEC PAYLOAD_TYPE DIRECTORY".into());
    };
    let codec = parse_codec(codec)?;
    let payload_type = PayloadType::new(payload_type.parse()?).ok_or("payload types end at 127")?;
    let mut streams: BTreeMap<Ssrc, Vec<Packet>> = BTreeMap::new();
    for dumped in rtpdump::read(File::open(dump)?) {
        let dumped = dumped?;
        if dumped.protocol == DumpedProtocol::Rtp {
            let packet = dumped.decode()?;
            streams.entry(packet.ssrc).or_default().push(packet);
        }
    }
    let stem = Path::new(dump).file_stem().unwrap_or_default();
    for (ssrc, packets) in streams {
        let name = format!("{}-{ssrc}", stem.to_string_lossy());
        let frames = frames(&codec, payload_type, packets)?;
        let path = Path::new(directory).join(name);
        println!("{}", write(path, &codec, &frames)?.display());
    }
    Ok(())
}

fn parse_codec(text: &str) -> Outcome<Codec> {
    let mut words = text.splitn(4, '/');
    let mut next = || words.next().unwrap_or_default();
    let mime: MimeType = format!("{}/{}", next(), next()).parse()?;
    let mut codec = Codec::new(mime, next().parse().unwrap_or(8000));
    codec.channels = next().parse().ok();
    Ok(codec)
}

/// The frames of one stream from its first key frame on.
fn frames(
    codec: &Codec,
    payload_type: PayloadType,
    mut packets: Vec<Packet>,
) -> Outcome<Vec<TimedFrame>> {
    let mut depacketizer: Box<dyn Depacketizer> = match &codec.mime {
        red if *red == MimeType::RED => {
            let opus = AudioDepacketizer::new(AudioFormat::Opus);
            Box::new(RedDepacketizer::new(payload_type, opus))
        }
        _ => Registry::standard()
            .depacketizer(codec)
            .ok_or("no payload format for this codec")?,
    };
    let mut places = SequenceUnwrapper::new();
    packets.sort_by_cached_key(|packet| places.extend(packet.sequence_number));
    let mut frames: Vec<Frame> = Vec::new();
    for packet in &mut packets {
        // Tones and comfort noise come between the packets of the codec: they keep their place.
        if packet.payload_type != payload_type && codec.mime != MimeType::RED {
            packet.payload = Bytes::new();
        }
        depacketizer.push(packet, &mut |frame| frames.push(frame));
    }
    depacketizer.flush(&mut |frame| frames.push(frame));
    let mut times = TimestampUnwrapper::new();
    let mut origin = None;
    let timed = frames.into_iter().skip_while(|frame| !frame.key);
    Ok(timed
        .map(|frame| {
            let time = times.extend(frame.timestamp);
            let time = time.saturating_sub(*origin.get_or_insert(time));
            TimedFrame::new(u64::try_from(time).unwrap_or_default(), frame)
        })
        .collect())
}

fn write(path: PathBuf, codec: &Codec, frames: &[TimedFrame]) -> Outcome<PathBuf> {
    let wav = |encoding| {
        WavMuxer::new(WavFormat {
            encoding,
            channels: codec.channels.unwrap_or(1),
            sample_rate: codec.clock_rate,
        })
    };
    let codec = if codec.mime == MimeType::RED {
        &MimeType::OPUS
    } else {
        &codec.mime
    };
    let (extension, muxer): (_, Box<dyn Muxer<Item = TimedFrame>>) = match codec {
        codec if *codec == MimeType::H264 => {
            ("h264", Box::new(AnnexBMuxer::new(AnnexBCodec::H264)))
        }
        codec if *codec == MimeType::H265 => {
            ("h265", Box::new(AnnexBMuxer::new(AnnexBCodec::H265)))
        }
        codec if codec.kind() == MediaKind::Video => (
            "ivf",
            Box::new(IvfMuxer::new(IvfHeader::new(codec.clone()))),
        ),
        codec if *codec == MimeType::OPUS => ("ogg", Box::new(OggMuxer::new(1, OpusHead::new(2)))),
        codec if *codec == MimeType::PCMU => ("wav", Box::new(wav(WavEncoding::MuLaw))),
        codec if *codec == MimeType::PCMA => ("wav", Box::new(wav(WavEncoding::ALaw))),
        codec if *codec == MimeType::L16 => ("wav", Box::new(wav(WavEncoding::Linear16))),
        // Without a container: the bare sound, one frame after another.
        codec => {
            let path = path.with_extension(codec.name().to_lowercase());
            let octets: Vec<u8> = frames
                .iter()
                .flat_map(|timed| timed.frame.data.to_vec())
                .collect();
            fs::write(&path, octets)?;
            return Ok(path);
        }
    };
    let path = path.with_extension(extension);
    let mut writer = Writer::new(File::create(&path)?, muxer);
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish_with_header()?;
    Ok(path)
}
