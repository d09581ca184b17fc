//! Records of application data, from a payload to a sealed record and back.

use dtls::{Provider, Versions};

use crate::bare::{records_with_aws_lc, records_with_ring};
use crate::measure::{beside, time};
use crate::{SAMPLES, c, ours, rust};

/// Records of one sample.
const RECORDS: usize = 500;
const PAYLOAD: usize = 1_200;

/// Many sealed records of a kind, made by `seal`.
fn many(mut seal: impl FnMut(&mut Vec<u8>)) -> Vec<Vec<u8>> {
    let one = |_| {
        let mut record = Vec::with_capacity(PAYLOAD + 64);
        seal(&mut record);
        record
    };
    (0..RECORDS).map(one).collect()
}

/// Sealing into one buffer again and again.
fn sealing(buf: &mut Vec<u8>, mut seal: impl FnMut(&mut Vec<u8>)) -> f64 {
    time(RECORDS, || {
        buf.clear();
        seal(buf);
    })
}

/// Opening records that were never seen.
fn opening(mut records: Vec<Vec<u8>>, mut open: impl FnMut(&mut [u8]) -> usize) -> f64 {
    let mut next = records.iter_mut();
    time(RECORDS, || open(next.next().expect("one")))
}

/// The same with each of two libraries.
macro_rules! rows {
    ($name:expr, $library:expr, $raw:ident, $provider:expr, $tls13:expr) => {{
        let versions = if $tls13 {
            Versions::DTLS_1_3
        } else {
            Versions::DTLS_1_2
        };
        let mut ours = ours::Setup::new(versions, $provider).connect();
        let mut rust = rust::Setup::new($tls13).connect();
        let mut c = c::Setup::new().connect();
        let raw = $raw::Raw::new($tls13);
        let payload = vec![0x5a; PAYLOAD];
        let [mut one, mut two, mut three, mut four] = [(); 4].map(|()| Vec::with_capacity(2_048));
        let sealed = beside(
            SAMPLES,
            &mut [
                &mut || sealing(&mut one, |buf| ours.seal(&payload, buf)),
                &mut || sealing(&mut two, |buf| raw.seal(&payload, buf)),
                &mut || sealing(&mut three, |buf| raw.seal_masked(&payload, buf)),
                &mut || sealing(&mut four, |buf| rust.seal(&payload, buf)),
                &mut || {
                    let time = time(RECORDS, || c.seal(&payload));
                    c.clear();
                    time
                },
            ],
        );
        row(&format!("{}, {}, seal", $name, $library), &sealed, $tls13);
        let mut into = vec![0; 2_048];
        let opened = beside(
            SAMPLES,
            &mut [
                &mut || {
                    opening(many(|buf| ours.seal(&payload, buf)), |record| {
                        ours.open(record)
                    })
                },
                &mut || {
                    opening(many(|buf| raw.seal(&payload, buf)), |record| {
                        raw.open(record)
                    })
                },
                &mut || {
                    opening(many(|buf| raw.seal_masked(&payload, buf)), |record| {
                        raw.open_masked(record)
                    })
                },
                &mut || {
                    opening(many(|buf| rust.seal(&payload, buf)), |record| {
                        rust.open(record)
                    })
                },
                &mut || {
                    (0..RECORDS).for_each(|_| c.seal(&payload));
                    time(RECORDS, || c.open(&mut into))
                },
            ],
        );
        row(&format!("{}, {}, open", $name, $library), &opened, $tls13);
    }};
}

pub fn tables() {
    println!(
        "\n| AES-128-GCM, {PAYLOAD} bytes | avocet ns | raw ns | avocet / raw | with mask ns | avocet / that | dimpl ns | / avocet | OpenSSL ns | / avocet |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, tls13) in [("1.2", false), ("1.3", true)] {
        rows!(name, "ring", records_with_ring, Provider::ring(), tls13);
        rows!(
            name,
            "aws-lc-rs",
            records_with_aws_lc,
            Provider::aws_lc_rs(),
            tls13
        );
    }
}

fn row(work: &str, times: &[f64], tls13: bool) {
    let [ours, raw, masked, rust, c] = times else {
        return;
    };
    let none = || "- | -".to_owned();
    let c = if tls13 {
        none()
    } else {
        format!("{c:.0} | {:.2}", c / ours)
    };
    let masked = if tls13 {
        format!("{masked:.0} | {:.2}", ours / masked)
    } else {
        none()
    };
    println!(
        "| {work} | {ours:.0} | {raw:.0} | {:.2} | {masked} | {rust:.0} | {:.2} | {c} |",
        ours / raw,
        rust / ours
    );
}

/// Our records of 1.3 alone, sealed and opened, for a profiler.
pub fn profile() {
    let mut pair = ours::Setup::new(Versions::DTLS_1_3, Provider::default()).connect();
    let payload = vec![0x5a; PAYLOAD];
    let mut buf = Vec::with_capacity(2_048);
    for _ in 0..5_000_000 {
        buf.clear();
        pair.seal(&payload, &mut buf);
        assert_eq!(pair.open(&mut buf), PAYLOAD);
    }
}
