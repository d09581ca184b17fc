//! What DTLS costs here, in OpenSSL and in dimpl, in the same run, and beside the raw cryptography.
#![allow(clippy::print_stdout, reason = "it prints a table")]

mod c;
mod measure;
mod ours;
mod rust;

use dtls::{Provider, Versions};
use measure::{beside, time};
use ring::aead;

pub const ALICE: &str = include_str!("../../../../testdata/dtls/alice.pem");
pub const BOB: &str = include_str!("../../../../testdata/dtls/bob.pem");

/// Handshakes of one sample, and samples.
const HANDSHAKES: usize = 20;
const SAMPLES: usize = 25;
/// Records of one sample.
const RECORDS: usize = 500;
const PAYLOAD: usize = 1_200;
const CROWD: usize = 10_000;

fn main() {
    match std::env::args().nth(1).as_deref() {
        None | Some("tables") => {
            handshakes();
            records();
            crowds();
        }
        Some("profile") => {
            let setup = ours::Setup::new(Versions::DTLS_1_3, Provider::default());
            for _ in 0..20_000 {
                drop(setup.connect());
            }
        }
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

/// Both ends, with certificates of both: ECDSA and ECDHE, of which X25519 is the only group or the favourite.
fn handshakes() {
    println!(
        "| full handshake, both ends | avocet us | dimpl us | / avocet | OpenSSL us | / avocet |"
    );
    println!("|---|---|---|---|---|---|");
    let c = c::Setup::new();
    for (name, versions, tls13) in [
        ("1.2", Versions::DTLS_1_2, false),
        ("1.3", Versions::DTLS_1_3, true),
    ] {
        let ours = ours::Setup::new(versions, Provider::default());
        let rust = rust::Setup::new(tls13);
        let times = beside(
            SAMPLES,
            &mut [
                &mut || time(HANDSHAKES, || ours.connect()),
                &mut || time(HANDSHAKES, || rust.connect()),
                &mut || time(HANDSHAKES, || c.connect()),
            ],
        );
        let [ours, rust, c] = [0, 1, 2].map(|at| times[at] / 1e3);
        let (c, ratio) = if tls13 {
            ("-".to_owned(), "-".to_owned())
        } else {
            (format!("{c:.0}"), format!("{:.2}", c / ours))
        };
        println!(
            "| {name} | {ours:.0} | {rust:.0} | {:.2} | {c} | {ratio} |",
            rust / ours
        );
    }
}

/// The cryptography of a record, and a copy of the payload.
struct Raw(aead::LessSafeKey);

impl Raw {
    fn new() -> Self {
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, &[7; 16]).expect("a good key");
        Self(aead::LessSafeKey::new(key))
    }

    fn seal(&self, payload: &[u8], buf: &mut Vec<u8>) {
        buf.extend_from_slice(payload);
        let nonce = aead::Nonce::assume_unique_for_key([9; 12]);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, aead::Aad::from([1; 13]), buf)
            .expect("a good key");
        buf.extend_from_slice(tag.as_ref());
    }

    fn open(&self, sealed: &mut [u8]) -> usize {
        let nonce = aead::Nonce::assume_unique_for_key([9; 12]);
        let opened = self
            .0
            .open_in_place(nonce, aead::Aad::from([1; 13]), sealed);
        opened.expect("a good record").len()
    }
}

/// Many sealed records of a kind, made by `seal`.
fn many(mut seal: impl FnMut(&mut Vec<u8>)) -> Vec<Vec<u8>> {
    let one = |_| {
        let mut record = Vec::with_capacity(PAYLOAD + 64);
        seal(&mut record);
        record
    };
    (0..RECORDS).map(one).collect()
}

fn records() {
    println!(
        "\n| AES-128-GCM, {PAYLOAD} bytes | avocet ns | raw ns | avocet / raw | dimpl ns | / avocet | OpenSSL ns | / avocet |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let payload = vec![0x5a; PAYLOAD];
    for (name, versions, tls13) in [
        ("1.2", Versions::DTLS_1_2, false),
        ("1.3", Versions::DTLS_1_3, true),
    ] {
        let mut ours = ours::Setup::new(versions, Provider::default()).connect();
        let mut rust = rust::Setup::new(tls13).connect();
        let mut c = c::Setup::new().connect();
        let raw = Raw::new();
        let mut buf = Vec::with_capacity(2_048);
        let mut other = Vec::with_capacity(2_048);
        let mut third = Vec::with_capacity(2_048);
        let sealed = beside(
            SAMPLES,
            &mut [
                &mut || {
                    time(RECORDS, || {
                        buf.clear();
                        ours.seal(&payload, &mut buf);
                    })
                },
                &mut || {
                    time(RECORDS, || {
                        other.clear();
                        raw.seal(&payload, &mut other);
                    })
                },
                &mut || {
                    time(RECORDS, || {
                        third.clear();
                        rust.seal(&payload, &mut third);
                    })
                },
                &mut || {
                    let time = time(RECORDS, || c.seal(&payload));
                    c.clear();
                    time
                },
            ],
        );
        row(&format!("{name}, seal"), &sealed, !tls13);
        let mut into = vec![0; 2_048];
        let opened = beside(
            SAMPLES,
            &mut [
                &mut || {
                    let mut records = many(|buf| ours.seal(&payload, buf)).into_iter();
                    time(RECORDS, || ours.open(&mut records.next().expect("one")))
                },
                &mut || {
                    let mut records = many(|buf| raw.seal(&payload, buf)).into_iter();
                    time(RECORDS, || raw.open(&mut records.next().expect("one")))
                },
                &mut || {
                    let mut records = many(|buf| rust.seal(&payload, buf)).into_iter();
                    time(RECORDS, || rust.open(&records.next().expect("one")))
                },
                &mut || {
                    (0..RECORDS).for_each(|_| c.seal(&payload));
                    time(RECORDS, || c.open(&mut into))
                },
            ],
        );
        row(&format!("{name}, open"), &opened, !tls13);
    }
}

fn row(work: &str, times: &[f64], with_c: bool) {
    let [ours, raw, rust, c] = times else {
        return;
    };
    let c = if with_c {
        format!("{c:.0} | {:.2}", c / ours)
    } else {
        "- | -".to_owned()
    };
    println!(
        "| {work} | {ours:.0} | {raw:.0} | {:.2} | {rust:.0} | {:.2} | {c} |",
        ours / raw,
        rust / ours
    );
}

/// Ten thousand handshakes under way at a time: each does one step, then the next.
fn crowds() {
    println!(
        "\n| {CROWD} handshakes at a time | us each | heap while under way, bytes a side | heap of an idle client, bytes |"
    );
    println!("|---|---|---|---|");
    for (name, versions) in [("1.2", Versions::DTLS_1_2), ("1.3", Versions::DTLS_1_3)] {
        let setup = ours::Setup::new(versions, Provider::default());
        let mut pairs = Vec::with_capacity(CROWD);
        let each = time(1, || {
            pairs.extend((0..CROWD).map(|_| setup.begin()));
            while pairs.iter_mut().fold(false, |any, pair| pair.step() || any) {}
        }) / CROWD as f64;
        assert!(pairs.iter().all(ours::Pair::is_connected));
        drop(pairs);
        let held = under_way(|| {
            let mut pair = setup.begin();
            pair.step();
            pair
        });
        let idle = idle(|| setup.connect().into_client());
        println!("| avocet {name} | {:.0} | {held} | {idle} |", each / 1e3);
    }
    for (name, tls13) in [("1.2", false), ("1.3", true)] {
        let setup = rust::Setup::new(tls13);
        let mut pairs = Vec::with_capacity(CROWD);
        let each = time(1, || {
            pairs.extend((0..CROWD).map(|_| setup.begin()));
            while pairs.iter_mut().fold(false, |any, pair| pair.step() || any) {}
        }) / CROWD as f64;
        assert!(pairs.iter().all(rust::Pair::is_connected));
        drop(pairs);
        let held = under_way(|| {
            let mut pair = setup.begin();
            pair.step();
            pair
        });
        let idle = idle(|| setup.connect().into_client());
        println!("| dimpl {name} | {:.0} | {held} | {idle} |", each / 1e3);
    }
}

/// What a side of a pair holds, beside its own fields.
fn under_way<T>(begin: impl Fn() -> T) -> i64 {
    let mut pairs = Vec::with_capacity(100);
    let info = allocation_counter::measure(|| pairs.extend((0..100).map(|_| begin())));
    info.bytes_current / 200
}

/// What a connection holds that did nothing since its handshake, beside its own fields.
fn idle<T>(connect: impl Fn() -> T) -> i64 {
    let mut clients = Vec::with_capacity(100);
    let info = allocation_counter::measure(|| clients.extend((0..100).map(|_| connect())));
    info.bytes_current / 100
}
