//! The contract without a runtime: two peer connections in two threads, each with a std socket and a loop of its own.
//! One opens a data channel and says something, the other says it back. `cargo run --example sans_io`
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "this is the loop that the protocol crates leave to you"
)]

use std::error::Error;
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use avocet::dtls::Certificate;
use avocet::net::{Datagram, Path};
use avocet::peer::{Config, DataChannelInit, Event, PeerConnection, SessionDescription};
use avocet::session::ClockAnchor;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let ((to_b, from_a), (to_a, from_b)) = (channel(), channel());
    let answerer = thread::spawn(|| run(to_a, from_a, false));
    run(to_b, from_b, true)?;
    answerer.join().map_err(|_| "the other thread panicked")?
}

/// One side: negotiates over the two channels, then loops until the echo is back or the connection is over.
fn run(
    signalling: Sender<SessionDescription>,
    other: Receiver<SessionDescription>,
    offers: bool,
) -> Outcome {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let local = socket.local_addr()?;
    let mut peer = PeerConnection::new(config()?, Instant::now())?;
    peer.add_local_address(Instant::now(), local)?;
    if offers {
        peer.create_data_channel(Instant::now(), "echo", DataChannelInit::default())?;
        let offer = peer.create_offer(Instant::now())?;
        peer.set_local_description(Instant::now(), offer)?;
        signalling.send(peer.local_description().ok_or("no offer")?)?;
        peer.set_remote_description(Instant::now(), other.recv()?)?;
    } else {
        peer.set_remote_description(Instant::now(), other.recv()?)?;
        let answer = peer.create_answer(Instant::now())?;
        peer.set_local_description(Instant::now(), answer)?;
        signalling.send(peer.local_description().ok_or("no answer")?)?;
    }
    let (mut input, mut output, mut over) = (vec![0; 2048], Vec::new(), false);
    loop {
        while let Some(event) = peer.poll_event() {
            match event {
                Event::DataChannelOpened(id) if offers => {
                    let mut channel = peer.data_channel(id).ok_or("no channel")?;
                    channel.send_text(Instant::now(), "hello")?;
                }
                Event::DataChannelReadable(id) => {
                    let mut channel = peer.data_channel(id).ok_or("no channel")?;
                    while let Some(message) = channel.recv(Instant::now()) {
                        println!(
                            "{}: {message:?}",
                            if offers { "came back" } else { "echoing" }
                        );
                        if offers {
                            peer.close(Instant::now());
                            break;
                        }
                        channel.send(Instant::now(), &message)?;
                    }
                }
                // Its last words still have to leave.
                Event::Closed(_) => over = true,
                _ => {}
            }
        }
        while let Some(transmit) = peer.poll_transmit(Instant::now(), &mut output) {
            socket.send_to(&output, transmit.path.remote)?;
            output.clear();
        }
        if over {
            return Ok(());
        }
        let wait = peer
            .poll_timeout()
            .map(|at| at.saturating_duration_since(Instant::now()));
        socket.set_read_timeout(Some(
            wait.unwrap_or(Duration::from_secs(1))
                .max(Duration::from_millis(1)),
        ))?;
        match socket.recv_from(&mut input) {
            Ok((len, remote)) => {
                let datagram = Datagram::new(Path::udp(local, remote), &mut input[..len]);
                peer.handle_datagram(Instant::now(), datagram);
            }
            Err(error)
                if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
            {
                peer.handle_timeout(Instant::now());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn config() -> Result<Config, Box<dyn Error + Send + Sync>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let clock = ClockAnchor {
        instant: Instant::now(),
        unix,
    };
    Ok(Config::new(seed, Certificate::generate(unix)?, clock))
}
