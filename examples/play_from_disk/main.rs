//! Plays files into a call: `cargo run --release --example play_from_disk -- picture.ivf sound.ogg`, then open the address
//! that it prints. Each page that connects sees the files from their beginning.
//!
//! Pictures: `.ivf` (VP8, VP9, AV1), `.h264`, `.h265`, `.obu`; sound: `.ogg` (Opus), `.wav` (G.711), `.g722` (bare G.722). Nothing is
//! transcoded, so the browser must have the codec.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program, not a protocol: it waits for the time of each frame, and prints"
)]

#[path = "../support/web.rs"]
mod web;

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use avocet::media::annex_b::{AnnexBCodec, AnnexBDemuxer};
use avocet::media::obu::{ObuDemuxer, ObuFormat};
use avocet::media::{DemuxError, Demuxer, Reader, TimedFrame, clock_rate, ivf, ogg, wav};
use avocet::peer::{CodecParameters, Codecs, ConnectionState, SessionDescription, TransceiverId};
use avocet::rtp::payload::audio::{AudioFormat, AudioPacketizer};
use avocet::rtp::payload::{Packetizer, av1, h264, h265, vp8, vp9};
use avocet::rtp::{Frame, MimeType, Packet};
use avocet::{Endpoint, EndpointConfig, Event, PeerConnection};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Frames = Reader<File, Box<dyn Demuxer<Item = TimedFrame> + Send>>;

/// What fits a datagram of 1,200 octets behind the headers, with room for extensions and the SRTP tag.
const MAX_PAYLOAD: usize = 1100;

/// Of files that do not tell times: 30 frames a second.
const FRAME_DURATION: u32 = 3000;

/// The other side may need a moment to make its keys.
const HEAD_START: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> Outcome<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        return Err("say which files to play, such as picture.ivf and sound.ogg".into());
    }
    for file in &files {
        codec(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let endpoint = Endpoint::bind(EndpointConfig::default())?;
    web::serve(web::Page::Receives, 0, move |offer| {
        let (endpoint, files) = (endpoint.clone(), files.clone());
        async move {
            let answer = call(&endpoint, &files, offer).await;
            answer.map_err(|error| error.to_string())
        }
    })
    .await
}

/// Answers a page's offer with a track for each file, and plays them once it is connected.
async fn call(endpoint: &Endpoint, files: &[PathBuf], offer: String) -> Outcome<String> {
    let mut config = endpoint.connection_config()?;
    config
        .codecs
        .audio
        .push(CodecParameters::audio(9, "G722", 8_000, 1));
    let h265 = CodecParameters::video(104, 105, "H265", "");
    config.codecs.video.push(h265);
    config.codecs = only(config.codecs, files);
    let connection = endpoint.peer_connection_with(config).await?;
    let mut tracks = Vec::new();
    for file in files {
        let kind = codec(file)?.kind();
        let track = connection.add_track(kind, &["avocet"]).await?;
        tracks.push((file.clone(), track));
    }
    let answer = connection.answer(SessionDescription::offer(offer)).await?;
    tokio::spawn(async move {
        while let Some(event) = connection.next_event().await {
            match event {
                Event::ConnectionStateChanged(ConnectionState::Connected) => {
                    for (file, track) in tracks.drain(..) {
                        tokio::spawn(report(connection.clone(), file, track));
                    }
                }
                Event::ConnectionStateChanged(ConnectionState::Failed) => break,
                _ => {}
            }
        }
        connection.close().await;
    });
    Ok(answer.sdp)
}

/// Negotiates the codecs of the files alone: nothing is transcoded.
fn only(codecs: Codecs, files: &[PathBuf]) -> Codecs {
    let names: Vec<String> = files
        .iter()
        .filter_map(|file| codec(file).ok())
        .map(|codec| codec.name().to_owned())
        .collect();
    codecs.only(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn report(connection: PeerConnection, file: PathBuf, track: TransceiverId) {
    match play(&connection, &file, track).await {
        Ok(frames) => println!("played {frames} frames of {}", file.display()),
        Err(error) => println!("could not play {}: {error}", file.display()),
    }
}

/// Sends every frame of a file when its time has come.
async fn play(connection: &PeerConnection, file: &Path, track: TransceiverId) -> Outcome<u64> {
    let transceivers = connection.transceivers().await?;
    let transceiver = transceivers.iter().find(|known| known.id() == track);
    let codec = codec(file)?;
    let negotiated = transceiver
        .and_then(|known| {
            known
                .send_codecs()
                .iter()
                .find(|sent| sent.codec.mime == codec)
        })
        .ok_or_else(|| format!("the page does not take {codec}"))?;
    let (payload_type, rate) = (
        negotiated.payload_type,
        u64::from(negotiated.codec.clock_rate),
    );
    let mut packetizer = packetizer(&codec).ok_or("no payload format")?;
    let local = connection.track_local(track);
    let start = Instant::now() + HEAD_START;
    let mut frames = 0;
    for timed in open(file)? {
        let timed = timed?;
        let seconds = Duration::from_secs(timed.time / rate);
        let rest = Duration::from_nanos(timed.time % rate * 1_000_000_000 / rate);
        sleep_until(start + seconds + rest).await;
        packetizer.packetize(&timed.frame, MAX_PAYLOAD, &mut |payload| {
            local.write(Packet {
                payload_type,
                marker: payload.marker,
                timestamp: payload.timestamp,
                payload: payload.data,
                ..Packet::default()
            });
        })?;
        frames += 1;
    }
    Ok(frames)
}

fn open(file: &Path) -> Outcome<Frames> {
    let demuxer: Box<dyn Demuxer<Item = TimedFrame> + Send> = match extension(file) {
        "ivf" => Box::new(ivf::IvfDemuxer::new()),
        "h264" => Box::new(AnnexBDemuxer::new(AnnexBCodec::H264, FRAME_DURATION)),
        "h265" => Box::new(AnnexBDemuxer::new(AnnexBCodec::H265, FRAME_DURATION)),
        "obu" => Box::new(ObuDemuxer::new(ObuFormat::LowOverhead, FRAME_DURATION)),
        "ogg" | "opus" => Box::new(ogg::OggDemuxer::new()),
        "wav" => Box::new(wav::WavDemuxer::new()),
        "g722" => Box::new(Bare::default()),
        other => return Err(format!("files of the kind {other:?} are not played").into()),
    };
    Ok(Reader::new(File::open(file)?, demuxer))
}

/// G.722 without anything around it, in frames of 20 ms.
#[derive(Debug, Default)]
struct Bare {
    held: Vec<u8>,
    time: u64,
}

impl Bare {
    /// An octet is a tick of its clock.
    const FRAME_BYTES: u32 = 160;
}

impl Demuxer for Bare {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    fn finish(&mut self) {}

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        if self.held.len() < Self::FRAME_BYTES as usize {
            return Ok(None);
        }
        let data: Bytes = self.held.drain(..Self::FRAME_BYTES as usize).collect();
        let time = self.time;
        self.time += u64::from(Self::FRAME_BYTES);
        let frame = Frame {
            duration: Some(Self::FRAME_BYTES),
            ..Frame::new(MimeType::G722, time as u32, data)
        };
        Ok(Some(TimedFrame::new(time, frame)))
    }
}

/// The codec of a file, by its first frame.
fn codec(file: &Path) -> Outcome<MimeType> {
    let first = open(file)?.next().ok_or("the file is empty")??;
    let codec = first.frame.codec;
    match clock_rate(&codec) {
        Some(_) => Ok(codec),
        None => Err(format!("no browser takes {codec}").into()),
    }
}

fn packetizer(codec: &MimeType) -> Option<Box<dyn Packetizer + Send>> {
    if let Some(format) = AudioFormat::new(codec, 1) {
        return Some(Box::new(AudioPacketizer::new(format)));
    }
    Some(match codec {
        codec if *codec == MimeType::VP8 => Box::new(vp8::Vp8Packetizer::new(0, 0)),
        codec if *codec == MimeType::VP9 => Box::new(vp9::Vp9Packetizer::new(0, 0)),
        codec if *codec == MimeType::AV1 => Box::new(av1::Av1Packetizer),
        codec if *codec == MimeType::H264 => Box::new(h264::H264Packetizer::default()),
        codec if *codec == MimeType::H265 => Box::new(h265::H265Packetizer::default()),
        _ => return None,
    })
}

fn extension(file: &Path) -> &str {
    file.extension()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
