//! What they hold and allocate: this program's allocator counts, which would slow the other one down.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use avocet_compare_sctp::{rtc, sans_io, stack, str0m};
use peers::{Features, Peer};

/// As long as it takes until what served the set-up alone is gone.
const REST: Duration = Duration::from_secs(30);
/// What may be under way, of those that have no bound of their own.
const BOUND: usize = 512 << 10;

fn main() {
    println!(
        "| SCTP alone | allocations per packet, 64 KiB | allocations per message, 100 B | heap bytes, idle association |"
    );
    println!("|---|---|---|---|");
    associations("avocet", || sans_io::ours(Features::default()));
    associations("dcsctp", || sans_io::dcsctp(BOUND));
    associations("sctp-proto", || sans_io::proto(BOUND));
    println!(
        "\n| whole stack, one data channel | heap bytes, idle connection, descriptions included |"
    );
    println!("|---|---|");
    connections("avocet", || {
        let mut pair = stack::ours();
        pair.idle(REST);
        pair
    });
    connections("str0m", || {
        let mut ends = str0m::Ends::connected(BOUND);
        ends.idle(REST);
        ends
    });
    connections("rtc", || {
        let mut ends = rtc::Ends::connected(BOUND);
        ends.idle(REST);
        ends
    });
}

fn associations<A: Peer, B: Peer>(name: &str, make: impl Fn() -> sans_io::Ends<A, B>) {
    let mut ends = make();
    ends.transfer(65_536, 256);
    let packets = ends.packets;
    let large = measure(|| {
        ends.transfer(65_536, 256);
    });
    let packets = ends.packets - packets;
    ends.transfer(100, 20_000);
    let small = measure(|| {
        ends.transfer(100, 20_000);
    });
    let held = held(|| {
        let mut ends = make();
        ends.rest();
        ends
    });
    println!(
        "| {name} | {:.2} | {:.2} | {} |",
        large.count_total as f64 / packets as f64,
        small.count_total as f64 / 20_000.0,
        held.bytes_current / 2
    );
}

fn connections<T>(name: &str, make: impl Fn() -> T) {
    // What a process makes once is made by the first one.
    drop(make());
    println!("| {name} | {} |", held(make).bytes_current / 2);
}

/// What is still there when it was made: two ends.
fn held<T>(make: impl Fn() -> T) -> AllocationInfo {
    let mut made = None;
    let held = measure(|| made = Some(Box::new(make())));
    drop(made);
    held
}
