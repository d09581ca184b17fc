//! The contract without a runtime: two peer connections in two threads, each with a std socket and a loop of its own.
//! One opens a data channel and says something, the other says it back. `cargo run --example sans_io`
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "this is the loop that the protocol crates leave to you"
)]

use std::error::Error;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use avocet::dtls::Certificate;
use avocet::net::{Datagram, Path};
use avocet::peer::{Config, DataChannelInit, Event, PeerConnection, SessionDescription};
use avocet::session::ClockAnchor;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Signalling = (Sender<SessionDescription>, Receiver<SessionDescription>);

fn main() -> Outcome<()> {
    let ((to_b, from_a), (to_a, from_b)) = (channel(), channel());
    let answerer = thread::spawn(|| run((to_a, from_a), false));
    run((to_b, from_b), true)?;
    answerer.join().map_err(|_| "the other thread panicked")?
}

/// One side: negotiates, then loops until the echo is back and the connection is over.
fn run((say, hear): Signalling, offers: bool) -> Outcome<()> {
    let now = Instant::now;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let local = socket.local_addr()?;
    let mut peer = PeerConnection::new(config()?, now())?;
    peer.add_local_address(now(), local)?;
    if offers {
        peer.create_data_channel(now(), "echo", DataChannelInit::default())?;
        let offer = peer.create_offer(now())?;
        peer.set_local_description(now(), offer)?;
        say.send(peer.local_description().ok_or("no offer")?)?;
        peer.set_remote_description(now(), hear.recv()?)?;
    } else {
        peer.set_remote_description(now(), hear.recv()?)?;
        let answer = peer.create_answer(now())?;
        peer.set_local_description(now(), answer)?;
        say.send(peer.local_description().ok_or("no answer")?)?;
    }
    let (mut input, mut output, mut over) = (vec![0; 2048], Vec::new(), false);
    while !over {
        while let Some(event) = peer.poll_event() {
            over |= on_event(&mut peer, event, offers)?;
        }
        while let Some(transmit) = peer.poll_transmit(now(), &mut output) {
            socket.send_to(&output, transmit.path.remote)?;
            output.clear();
        }
        let due = peer
            .poll_timeout()
            .unwrap_or_else(|| now() + Duration::from_secs(1));
        let wait = due
            .saturating_duration_since(now())
            .max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait))?;
        match socket.recv_from(&mut input) {
            Ok((len, remote)) => {
                let path = Path::udp(local, remote);
                peer.handle_datagram(now(), Datagram::new(path, &mut input[..len]));
            }
            Err(error) if [WouldBlock, TimedOut].contains(&error.kind()) => {
                peer.handle_timeout(now());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Says hello, or echoes what is said; true once the connection is over.
fn on_event(peer: &mut PeerConnection, event: Event, offers: bool) -> Outcome<bool> {
    let now = Instant::now();
    match event {
        Event::DataChannelOpened(id) if offers => {
            peer.data_channel(id)
                .ok_or("no channel")?
                .send_text(now, "hello")?;
        }
        Event::DataChannelReadable(id) => {
            let mut channel = peer.data_channel(id).ok_or("no channel")?;
            let message = channel.recv(now).ok_or("no message")?;
            println!(
                "{}: {message:?}",
                if offers { "came back" } else { "echoing" }
            );
            if offers {
                peer.close(now);
            } else {
                channel.send(now, &message)?;
            }
        }
        Event::Closed(_) => return Ok(true),
        _ => {}
    }
    Ok(false)
}

fn config() -> Outcome<Config> {
    let (mut seed, instant) = ([0; 32], Instant::now());
    getrandom::fill(&mut seed)?;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Config::new(
        seed,
        Certificate::generate(unix)?,
        ClockAnchor { instant, unix },
    ))
}
