//! What DTLS costs here, in OpenSSL and in dimpl, in the same run, and beside the raw cryptography.
#![allow(clippy::print_stdout, reason = "it prints tables")]

use dtls::Versions;

mod bare;
mod c;
mod crowds;
mod handshakes;
mod measure;
mod ours;
mod records;
mod rust;

pub const ALICE: &str = include_str!("../../../../testdata/dtls/alice.pem");
pub const BOB: &str = include_str!("../../../../testdata/dtls/bob.pem");
/// A key that both sides know from outside.
pub const KEY: &[u8; 32] = b"a key of thirty-two random bytes";

/// Measurements of a way.
pub const SAMPLES: usize = 25;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next();
    let times = arguments.next().and_then(|times| times.parse().ok());
    let times = times.unwrap_or(20_000);
    match what.as_deref() {
        None | Some("tables") => {
            handshakes::tables();
            records::tables();
            crowds::table();
        }
        Some("handshakes") => handshakes::tables(),
        Some("records") => records::tables(),
        Some("crowds") => crowds::table(),
        Some("profile-12") => handshakes::profile(Versions::DTLS_1_2, times),
        Some("profile-13") => handshakes::profile(Versions::DTLS_1_3, times),
        Some("profile-records") => records::profile(),
        Some(other) => {
            eprintln!("unknown: {other}");
            std::process::exit(2);
        }
    }
}

/// A block of a PEM text.
pub fn part(text: &str, tag: &str) -> Vec<u8> {
    let blocks = pem::parse_many(text).expect("PEM");
    let block = blocks.iter().find(|block| block.tag() == tag);
    block.expect("the block").contents().to_vec()
}
