//! What DTLS costs here, in OpenSSL and in dimpl, in the same run, and beside the raw cryptography.
#![allow(clippy::print_stdout, reason = "it prints tables")]

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
    match std::env::args().nth(1).as_deref() {
        None | Some("tables") => {
            handshakes::tables();
            records::tables();
            crowds::table();
        }
        Some("handshakes") => handshakes::tables(),
        Some("records") => records::tables(),
        Some("crowds") => crowds::table(),
        Some("profile") => handshakes::profile(),
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
