//! One table: SCTP alone, whole stacks in one thread, and whole stacks over loopback, each beside other implementations in the same
//! run. CPU time, medians of rounds that take turns. What they hold is the other program, `memory`, whose allocator counts.

use avocet_compare_sctp::{contest, loopback, sans_io, stack};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    contest::headline();
    if is_wanted("sctp") {
        sans_io::run();
    }
    if is_wanted("stack") {
        stack::run();
    }
    if is_wanted("loopback") {
        loopback::run();
    }
}
