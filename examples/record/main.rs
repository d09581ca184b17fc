//! Saves what a browser sends: `cargo run --release --example record -- DIRECTORY`, then open the address that it prints.
//!
//! Each stream becomes a file: VP8, VP9 and AV1 `.ivf`, H.264 and H.265 `.h264` and `.h265`, Opus `.ogg`, G.711 and L16 `.wav`,
//! G.722 the bare sound `.g722`. Options: `--rtpdump` also writes the packets of each stream as they arrived, and
//! `--udp PORT CODEC` records plain RTP that comes to this port of the loopback instead of serving a page, until it pauses;
//! a codec is `video/H265`, or with clock rate and channels `audio/L16/44100/2`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program, not a protocol: it reads the clock and prints"
)]

mod files;
mod recorder;
#[path = "../support/web.rs"]
mod web;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use avocet::media::clock_rate;
use avocet::peer::{CodecParameters, ConnectionState, SessionDescription};
use avocet::rtp::{Codec, MediaKind, MimeType, Packet, PacketView, SequenceUnwrapper, Ssrc};
use avocet::session::ReceivedPacket;
use avocet::{Endpoint, EndpointConfig, Event, TrackRemote};
use bytes::Bytes;
use recorder::{Recorder, Stream};
use tokio::net::UdpSocket;
use tokio::time::timeout;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Packets of comfort noise and tones in front of a stream's first sound, which tells its codec.
const EARLY: usize = 256;

/// Streams of one track at one time: the sizes of a simulcast, and a few more.
const STREAMS: usize = 16;

#[derive(Clone, Debug, Default)]
struct Options {
    directory: PathBuf,
    rtpdump: bool,
    udp: Option<(u16, Codec)>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = options()?;
    std::fs::create_dir_all(&options.directory)?;
    if let Some((port, codec)) = &options.udp {
        return record_udp(*port, codec, &options).await;
    }
    let endpoint = Endpoint::bind(EndpointConfig::default())?;
    web::serve(web::Page::Sends, 0, move |offer| {
        let (endpoint, options) = (endpoint.clone(), options.clone());
        async move {
            let answer = call(&endpoint, options, offer).await;
            answer.map_err(|error| error.to_string())
        }
    })
    .await
}

fn options() -> Outcome<Options> {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rtpdump" => options.rtpdump = true,
            "--udp" => {
                let (Some(port), Some(codec)) = (words.next(), words.next()) else {
                    return Err("--udp needs a port and a codec, such as 5004 video/H265".into());
                };
                options.udp = Some((port.parse()?, parse_codec(&codec)?));
            }
            directory => options.directory = directory.into(),
        }
    }
    if options.directory.as_os_str().is_empty() {
        return Err("say which directory to write to".into());
    }
    Ok(options)
}

/// Reads `audio/L16/44100/2`; the clock rate may be left out where the codec has only one, and the channels if it is one.
fn parse_codec(text: &str) -> Outcome<Codec> {
    let mut words = text.splitn(4, '/');
    let mut next = || words.next().unwrap_or_default();
    let mime: MimeType = format!("{}/{}", next(), next()).parse()?;
    let clock_rate = match next() {
        "" => clock_rate(&mime).ok_or("the clock of this codec varies")?,
        rate => rate.parse()?,
    };
    let mut codec = Codec::new(mime, clock_rate);
    codec.channels = match next() {
        "" => None,
        channels => Some(channels.parse()?),
    };
    Ok(codec)
}

/// Answers an offer and records every track of the call.
async fn call(endpoint: &Endpoint, options: Options, offer: String) -> Outcome<String> {
    let mut config = endpoint.connection_config()?;
    config.codecs.audio.extend([
        CodecParameters::audio(63, "red", 48_000, 2).with_fmtp("111/111"),
        CodecParameters::audio(9, "G722", 8_000, 1),
        CodecParameters::audio(13, "CN", 8_000, 1),
        CodecParameters::audio(110, "telephone-event", 48_000, 1).with_fmtp("0-15"),
        CodecParameters::audio(126, "telephone-event", 8_000, 1).with_fmtp("0-15"),
    ]);
    let connection = endpoint.peer_connection_with(config).await?;
    let answer = connection.answer(SessionDescription::offer(offer)).await?;
    tokio::spawn(async move {
        while let Some(event) = connection.next_event().await {
            match event {
                Event::Track(track) => drop(tokio::spawn(record(track, options.clone()))),
                Event::ConnectionStateChanged(ConnectionState::Failed) => break,
                _ => {}
            }
        }
        connection.close().await;
    });
    Ok(answer.sdp)
}

/// Records a track until the call is over: a file for each of its streams.
async fn record(mut track: TrackRemote, options: Options) {
    let mut streams: BTreeMap<Ssrc, Recorder> = BTreeMap::new();
    let mut early = Vec::new();
    while let Some(received) = track.recv().await {
        let ssrc = received.packet.packet.ssrc;
        let codec = &received.codec.codec;
        let full = streams.len() >= STREAMS;
        let accompanies = codec.mime == MimeType::CN || codec.mime == MimeType::TELEPHONE_EVENT;
        if accompanies && !streams.contains_key(&ssrc) {
            if early.len() < EARLY {
                early.push(received.packet);
            }
            continue;
        }
        let recorder = match streams.entry(ssrc) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(_) if full => continue,
            std::collections::btree_map::Entry::Vacant(place) => {
                let stream = Stream {
                    name: format!("{}-{:08x}", track.mid(), ssrc.get()),
                    codec: (**codec).clone(),
                    payload_type: received.codec.payload_type,
                };
                match Recorder::create(&options.directory, stream, options.rtpdump) {
                    Ok(recorder) => place.insert(recorder),
                    Err(error) => {
                        println!("cannot record {}: {error}", codec.mime);
                        return;
                    }
                }
            }
        };
        let own = |held: &ReceivedPacket| held.packet.ssrc == ssrc;
        let (before, others): (Vec<_>, Vec<_>) = early.drain(..).partition(own);
        early = others;
        let mut wishes = false;
        for held in before.into_iter().chain([received.packet]) {
            match recorder.push(held.place, held.packet) {
                Ok(wish) => wishes |= wish,
                Err(error) => println!("cannot write: {error}"),
            }
        }
        if wishes && track.kind() == MediaKind::Video {
            // When the connection is over there is nothing more to ask for.
            let _ = track.request_keyframe().await;
        }
    }
    for recorder in streams.into_values() {
        finish(recorder);
    }
}

fn finish(recorder: Recorder) {
    match recorder.finish() {
        Ok(summary) => println!("{summary}"),
        Err(error) => println!("cannot finish a file: {error}"),
    }
}

/// Records plain RTP of one codec until two seconds pass without a packet.
async fn record_udp(port: u16, codec: &Codec, options: &Options) -> Outcome<()> {
    let socket = UdpSocket::bind(("127.0.0.1", port)).await?;
    println!("waiting on port {port}");
    let mut recorder: Option<Recorder> = None;
    let mut places = SequenceUnwrapper::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let patience = match recorder {
            None => Duration::from_secs(30),
            Some(_) => Duration::from_secs(2),
        };
        let Ok(received) = timeout(patience, socket.recv(&mut buffer)).await else {
            break;
        };
        let datagram = buffer.get(..received?).unwrap_or_default();
        let Ok(view) = PacketView::parse(datagram) else {
            continue;
        };
        let packet = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
        let recorder = match &mut recorder {
            Some(recorder) => recorder,
            none => none.insert(Recorder::create(
                &options.directory,
                Stream {
                    name: format!("udp-{port}"),
                    codec: codec.clone(),
                    payload_type: packet.payload_type,
                },
                options.rtpdump,
            )?),
        };
        let place = places.extend(packet.sequence_number).cast_unsigned();
        recorder.push(place, packet)?;
    }
    if let Some(recorder) = recorder {
        finish(recorder);
    }
    Ok(())
}
