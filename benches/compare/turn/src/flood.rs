//! One user's packets while a peer floods the relay of another user, on the same thread of the server.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::client::Allocated;
use crate::process::Server;
use crate::{PAYLOAD, times};

pub(crate) fn measure(ours: &str) -> io::Result<()> {
    println!(
        "| server | flood | packets of the flood per second | delay of another user p50, p99 |"
    );
    println!("|---|---|---|---|");
    let limit = "allocation_bytes_per_second = 1000000\n";
    for (name, what, tail) in [
        ("ours", "as it comes", ""),
        ("ours", "1 MB/s of an allocation", limit),
        ("coturn", "as it comes", ""),
    ] {
        let server = Server::start(name, ours, ("shards = 1", tail))?;
        let sink = UdpSocket::bind("127.0.0.1:0")?;
        let victim = Allocated::new(server.address, sink.local_addr()?)?;
        let quiet = times(&victim.socket, &victim.channel_data, &sink)?;
        println!("| {name} | none | 0 | {} |", shown(&quiet));
        let flooder = UdpSocket::bind("127.0.0.1:0")?;
        let flooded = Allocated::new(server.address, flooder.local_addr()?)?;
        let (done, sent) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let flood = {
            let (done, sent) = (done.clone(), sent.clone());
            thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let _ = flooder.send_to(&[0; PAYLOAD], flooded.relayed);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let began = std::time::Instant::now();
        let noisy = times(&victim.socket, &victim.channel_data, &sink)?;
        let rate = sent.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        flood.join().expect("the flooding thread lives");
        println!("| {name} | {what} | {rate:.0} | {} |", shown(&noisy));
    }
    Ok(())
}

fn shown(times: &[std::time::Duration]) -> String {
    let [p50, p99] = [500, 990].map(|at| times[at].as_micros());
    format!("{p50} µs, {p99} µs")
}
