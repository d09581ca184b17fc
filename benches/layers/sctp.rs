//! SCTP: the checksum of a full packet is verified and its chunks are found, against CRC32c and one copy.

use avocet_benches::raw::crc32c;
use avocet_benches::samples::sctp_packet;
use avocet_benches::{compare, criterion};
use sctp::packet::Packet;

fn main() {
    let mut criterion = criterion();
    let packet = sctp_packet();
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "sctp verify CRC32c 1191",
        || {
            Packet::decode(&packet)
                .expect("a good checksum")
                .chunks()
                .count()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            crc32c(&copy)
        },
    );
    criterion.final_summary();
}
