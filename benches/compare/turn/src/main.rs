//! Our TURN server beside coturn and beside a bare loop of receive and send, on loopback.
//!
//! For each server and number of allocations: packets delivered per second of the server's CPU for ChannelData and for Send
//! indications from clients to a peer, allocations per second of CPU, bytes of memory per allocation, and the delay that the relay
//! adds; and the same of a bare loop with as many sockets. Then the delay of one user's packets while another one's relay is
//! flooded. Then the machine without sockets: nanoseconds per packet, and what it takes when 100,000 permissions expire.
//!
//! Arguments: the path of our server, and optionally the seconds of each measurement, or `flood` for that part alone.

mod client;
mod flood;
mod machine;
mod process;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use client::Allocated;
use process::Server;

const PAYLOAD: usize = 200;

/// Datagrams to one client in a row, as the packets of a video frame come.
const BURST: usize = 8;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let ours = arguments.next().expect("the path of our server");
    let second = arguments.next();
    if second.as_deref() == Some("flood") {
        return flood::measure(&ours);
    }
    let seconds: f64 = second.map_or(3.0, |it| it.parse().expect("seconds"));
    let measured = Duration::from_secs_f64(seconds);
    println!(
        "| server | allocations | ChannelData, packets per CPU second | Send, packets per CPU second | allocations per CPU second | bytes per allocation | added delay p50, p99 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for count in [1, 100, 1_000] {
        for name in ["ours", "coturn"] {
            let server = Server::start(name, &ours, ("", ""))?;
            let row = measure(&server, count, measured)?;
            println!("| {name} | {count} | {row} |");
        }
        println!(
            "| a bare loop | {count} | {:.0} | - | - | - | - |",
            bare(count, measured)?
        );
    }
    flood::measure(&ours)?;
    machine::measure();
    Ok(())
}

fn measure(server: &Server, count: usize, measured: Duration) -> io::Result<String> {
    let sink = UdpSocket::bind("127.0.0.1:0")?;
    let peer = sink.local_addr()?;
    let (cpu, memory) = (server.cpu(), server.memory());
    let clients: Vec<Allocated> = (0..count)
        .map(|_| Allocated::new(server.address, peer))
        .collect::<io::Result<_>>()?;
    let set_up = server.cpu() - cpu;
    let held = (server.memory() - memory) / count as f64;
    let delay = delay(&clients[0], &sink)?;
    let flow = |indications: bool| flood(server, &clients, &sink, (measured, indications));
    let (channel, indication) = (flow(false)?, flow(true)?);
    // The ticks of the kernel are ten milliseconds: few allocations say nothing.
    let rates = if count >= 100 {
        format!("{:.0} | {held:.0}", count as f64 / set_up)
    } else {
        "- | -".to_owned()
    };
    for client in &clients {
        client.release()?;
    }
    let [p50, p99] = delay.map(|it| it.as_micros());
    Ok(format!(
        "{channel:.0} | {indication:.0} | {rates} | {p50} µs, {p99} µs"
    ))
}

/// Packets that reached the peer per second of the server's CPU, at as many as the clients can send.
fn flood(
    server: &Server,
    clients: &[Allocated],
    sink: &UdpSocket,
    (measured, indications): (Duration, bool),
) -> io::Result<f64> {
    let (counted, done) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let counter = {
        let (sink, counted, done) = (sink.try_clone()?, counted.clone(), done.clone());
        thread::spawn(move || count(&sink, &counted, &done))
    };
    let (began, cpu) = (Instant::now(), server.cpu());
    let message = |client: &Allocated| {
        if indications {
            client.indication.clone()
        } else {
            client.channel_data.clone()
        }
    };
    let messages: Vec<Vec<u8>> = clients.iter().map(message).collect();
    while began.elapsed() < measured {
        for (client, message) in clients.iter().zip(&messages) {
            for _ in 0..BURST {
                let _ = client.socket.send(message);
            }
        }
    }
    thread::sleep(Duration::from_millis(100));
    let cpu = server.cpu() - cpu;
    done.store(true, Ordering::Relaxed);
    counter.join().expect("the counting thread lives")?;
    Ok(counted.load(Ordering::Relaxed) as f64 / cpu)
}

fn count(sink: &UdpSocket, counted: &AtomicU64, done: &AtomicBool) -> io::Result<()> {
    sink.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut buf = [0; 2_048];
    while !done.load(Ordering::Relaxed) {
        if sink.recv(&mut buf).is_ok_and(|length| length == PAYLOAD) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Half the time and a percent of the time the way through the relay takes so much longer than the way without it.
fn delay(client: &Allocated, sink: &UdpSocket) -> io::Result<[Duration; 2]> {
    let direct = UdpSocket::bind("127.0.0.1:0")?;
    direct.connect(sink.local_addr()?)?;
    let without = times(&direct, &[0; PAYLOAD], sink)?;
    let with = times(&client.socket, &client.channel_data, sink)?;
    Ok([500, 990].map(|at| with[at].saturating_sub(without[500])))
}

/// How long each of a thousand messages takes from a socket to another one, in order; one that is lost a second.
fn times(socket: &UdpSocket, message: &[u8], sink: &UdpSocket) -> io::Result<Vec<Duration>> {
    sink.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut buf = [0; 2_048];
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let began = Instant::now();
        socket.send(message)?;
        let _ = sink.recv(&mut buf);
        times.push(began.elapsed());
        thread::sleep(Duration::from_micros(500));
    }
    times.sort_unstable();
    Ok(times)
}

/// What the kernel alone allows: a thread that receives from one socket and sends on another one for each source, a packet at a
/// time.
fn bare(count: usize, measured: Duration) -> io::Result<f64> {
    let bound = || UdpSocket::bind("127.0.0.1:0");
    let (entry, sink) = (bound()?, bound()?);
    let sources: Vec<UdpSocket> = (0..count).map(|_| bound()).collect::<io::Result<_>>()?;
    let mut exits = HashMap::new();
    for source in &sources {
        source.connect(entry.local_addr()?)?;
        exits.insert(source.local_addr()?, bound()?);
    }
    let (target, done): (SocketAddr, _) = (sink.local_addr()?, Arc::new(AtomicBool::new(false)));
    let relay = {
        let done = done.clone();
        thread::spawn(move || -> io::Result<f64> {
            entry.set_read_timeout(Some(Duration::from_millis(20)))?;
            let mut buf = [0; 2_048];
            let (mut passed, cpu) = (0_u64, process::thread_cpu());
            while !done.load(Ordering::Relaxed) {
                let Ok((length, from)) = entry.recv_from(&mut buf) else {
                    continue;
                };
                if let Some(exit) = exits.get(&from) {
                    exit.send_to(&buf[..length], target)?;
                    passed += 1;
                }
            }
            Ok(passed as f64 / (process::thread_cpu() - cpu))
        })
    };
    let began = Instant::now();
    while began.elapsed() < measured {
        for source in &sources {
            for _ in 0..BURST {
                let _ = source.send(&[0; PAYLOAD]);
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    relay.join().expect("the relaying thread lives")
}
