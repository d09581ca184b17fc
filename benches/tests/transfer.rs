//! What the ends of a long transfer hold, counted by the allocator, one by one.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "simulated time has to begin somewhere, and a test may stop at the first surprise"
)]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use avocet_benches::pair::{Batch, Content, Pair, certificates};
use peer::SendError;

/// What an end has on the heap beyond what it had at first.
#[derive(Default)]
struct Held {
    bytes: i64,
    most: i64,
}

impl Held {
    /// Does something that is this end's alone.
    fn count<T>(&mut self, action: impl FnOnce() -> T) -> T {
        let mut result = None;
        let info = measure(|| result = Some(action()));
        self.bytes += info.bytes_current;
        self.most = self.most.max(self.bytes);
        result.unwrap()
    }
}

/// One gigabyte in messages of 64 KiB, from a writer that always writes to a reader that sleeps ten seconds after the first quarter: neither
/// end ever has more on the heap than 8 MiB (8,388,608 bytes), and everything arrives.
#[test]
fn a_gigabyte_passes_through_eight_mebibytes_while_the_reader_sleeps() {
    const MESSAGE: usize = 64 << 10;
    const COUNT: usize = (1 << 30) / MESSAGE;
    const MOST: i64 = 8 << 20;
    const BATCH: usize = 16;
    let mut pair = Pair::connected(Instant::now(), Content::Data, &certificates(), 1);
    let (mut writer, mut reader) = (Held::default(), Held::default());
    let mut batch = Batch::default();
    let mut message = vec![0; MESSAGE];
    let (mut sent, mut read) = (0, 0);
    let mut asleep = None;
    let mut slept = Duration::ZERO;
    while read < COUNT {
        let (now, a, b) = (pair.now, &mut pair.offerer, &mut pair.answerer);
        writer.count(|| {
            let mut channel = a.connection.data_channel(a.channel.unwrap()).unwrap();
            while sent < COUNT {
                message[..8].copy_from_slice(&(sent as u64).to_be_bytes());
                match channel.send_binary(now, &message) {
                    Ok(()) => sent += 1,
                    Err(SendError::Full) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let mut moved = writer.count(|| batch.fill(now, &mut a.connection, BATCH));
        reader.count(|| batch.deliver(now, b));
        pair.now += Duration::from_micros(100);
        let now = pair.now;
        writer.count(|| a.wake(now));
        reader.count(|| b.wake(now));
        moved += reader.count(|| batch.fill(now, &mut b.connection, BATCH));
        writer.count(|| batch.deliver(now, a));
        if read == COUNT / 4 && asleep.is_none() {
            asleep = Some(now + Duration::from_secs(10));
        }
        if asleep.is_none_or(|until| now >= until) {
            reader.count(|| {
                let mut channel = b.connection.data_channel(b.channel.unwrap()).unwrap();
                while (asleep.is_some() || read < COUNT / 4)
                    && let Some(arrived) = channel.recv(now)
                {
                    let bytes = arrived.as_bytes();
                    assert_eq!(bytes.len(), MESSAGE);
                    assert_eq!(bytes[..8], (read as u64).to_be_bytes());
                    read += 1;
                }
            });
        }
        if moved == 0 {
            let deadlines = [&*a, &*b].map(|end| end.connection.poll_timeout());
            let next = deadlines
                .into_iter()
                .flatten()
                .chain(asleep)
                .filter(|due| *due > now);
            let next = next.min().unwrap_or(now);
            slept += next - now;
            pair.now = next;
            writer.count(|| a.wake(next));
            reader.count(|| b.wake(next));
        }
    }
    println!(
        "one gigabyte: {} bytes at most where written, {} where read",
        writer.most, reader.most
    );
    assert!(slept > Duration::from_secs(9), "{slept:?}");
    assert!(writer.most <= MOST && reader.most <= MOST);
}
