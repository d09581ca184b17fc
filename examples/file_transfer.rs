//! Sends a file from one process to another through a data channel, as one message that neither side holds as a whole.
//!
//!   file_transfer send FILE             prints an offer on one line, and wants the answer on one
//!   file_transfer receive DIRECTORY     wants the offer, and prints the answer
//!
//! Carry the two lines between the terminals, or machines, by hand.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program on a terminal, in real time"
)]

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use avocet::peer::{DataChannelInit, Message, MessageKind, PieceEnd, SdpType, SessionDescription};
use avocet::{DataChannel, Endpoint, EndpointConfig, Event, PeerConnection};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes read from the file at a time.
const BLOCK_BYTES: usize = 64 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send", file] => send(Path::new(file)).await,
        ["receive", directory] => receive(Path::new(directory)).await,
        _ => Err("file_transfer send FILE, or file_transfer receive DIRECTORY".into()),
    }
}

async fn connection() -> Result<PeerConnection> {
    let endpoint = Endpoint::bind(EndpointConfig::default())?;
    let mut config = endpoint.connection_config()?;
    // A message of any size, because it is read as it comes.
    config.announced_max_message_size = Some(0);
    Ok(endpoint.peer_connection_with(config).await?)
}

async fn send(path: &Path) -> Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let connection = connection().await?;
    let mut channel = connection
        .create_data_channel("file", DataChannelInit::default())
        .await?;
    print_description(&connection.offer().await?);
    connection
        .set_remote_description(read_description(SdpType::Answer)?)
        .await?;

    channel
        .send(json!({ "name": name, "size": size }).to_string())
        .await?;
    let mut progress = Progress::new(size);
    let mut message = channel.begin(MessageKind::Binary).await?;
    loop {
        let mut block = vec![0; BLOCK_BYTES];
        let length = file.read(&mut block)?;
        if length == 0 {
            break;
        }
        block.truncate(length);
        // This waits when the other side, or the network, is slower than the disk.
        message.write(block).await?;
        progress.add(length);
    }
    message.finish().await?;
    // The other side says when all is there.
    match channel.recv().await {
        Some(Message::Text(text)) if text == "done" => eprintln!("\nsent"),
        _ => return Err("the other side left before the end".into()),
    }
    connection.close().await;
    Ok(())
}

async fn receive(directory: &Path) -> Result<()> {
    let connection = connection().await?;
    let offer = read_description(SdpType::Offer)?;
    print_description(&connection.answer(offer).await?);
    let mut channel = first_channel(&connection).await?;

    let header = channel.recv().await.ok_or("the other side left")?;
    let header: Value = serde_json::from_slice(header.as_bytes())?;
    let size = header["size"].as_u64().ok_or("no size was announced")?;
    // A name, and never a way out of the directory.
    let name = header["name"].as_str().and_then(|name| {
        let name = Path::new(name).file_name()?;
        Some(name.to_owned())
    });
    let path = directory.join(name.ok_or("no name was announced")?);
    let mut file = File::create_new(&path)?;
    let mut progress = Progress::new(size);
    loop {
        let piece = channel.recv_piece().await.ok_or("the other side left")?;
        file.write_all(&piece.data)?;
        progress.add(piece.data.len());
        match piece.end {
            PieceEnd::More => {}
            PieceEnd::Complete => break,
            PieceEnd::Abandoned => return Err("the other side gave up".into()),
        }
    }
    file.sync_all()?;
    channel.send("done").await?;
    eprintln!("\nreceived {}", path.display());
    // The other side closes once it has read that.
    while channel.recv().await.is_some() {}
    Ok(())
}

async fn first_channel(connection: &PeerConnection) -> Result<DataChannel> {
    while let Some(event) = connection.next_event().await {
        if let Event::DataChannel(channel) = event {
            return Ok(channel);
        }
    }
    Err("the connection ended without a channel".into())
}

fn print_description(description: &SessionDescription) {
    println!("{}", json!({ "sdp": description.sdp }));
}

fn read_description(kind: SdpType) -> Result<SessionDescription> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let value: Value = serde_json::from_str(&line)?;
    let sdp = value["sdp"].as_str().ok_or("no sdp in that line")?;
    Ok(match kind {
        SdpType::Offer => SessionDescription::offer(sdp),
        _ => SessionDescription::answer(sdp),
    })
}

/// Says how far it is, at most ten times a second.
struct Progress {
    total: u64,
    done: u64,
    began: Instant,
    said: Instant,
}

impl Progress {
    fn new(total: u64) -> Self {
        let now = Instant::now();
        Self {
            total,
            done: 0,
            began: now,
            said: now,
        }
    }

    fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if self.said.elapsed().as_millis() < 100 && self.done < self.total {
            return;
        }
        self.said = Instant::now();
        let percent = 100 * self.done / self.total.max(1);
        let rate = self.done as f64 / 1e6 / self.began.elapsed().as_secs_f64();
        eprint!("\r{percent:3} %  {rate:.1} MB/s  ");
    }
}
