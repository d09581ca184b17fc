//! Whole and shortened handshakes, both ends in one thread.

use dtls::{Provider, Versions};

use crate::bare::{with_aws_lc, with_ring};
use crate::measure::{Way, beside, time};
use crate::{SAMPLES, c, ours, rust};

/// Handshakes of one sample.
const HANDSHAKES: usize = 20;

/// Somebody who can do it.
struct Contender<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    /// Whose bare operations it is made of, and what is counted as a limit is not a contender.
    limit: &'static str,
}

pub fn tables() {
    println!("| handshake, both ends | who | us | / its bare operations | / dimpl |");
    println!("|---|---|---|---|---|");
    let (ring, aws) = (with_ring::Operations::new(), with_aws_lc::Operations::new());
    let c = c::Setup::new();
    let c_key = c::Setup::with_key();
    for (work, versions, tls13) in [
        ("1.2, whole", Versions::DTLS_1_2, false),
        ("1.3, whole", Versions::DTLS_1_3, true),
    ] {
        let [one, other] = providers().map(|provider| ours::Setup::new(versions, provider));
        let rust = rust::Setup::new(tls13);
        let mut contenders = vec![
            contender("avocet, ring", RING, || drop(one.connect())),
            contender("avocet, aws-lc-rs", AWS, || drop(other.connect())),
            contender(DIMPL, AWS, || drop(rust.connect())),
            contender(RING, "", || {
                ring.agree();
                ring.prove();
            }),
            contender(AWS, "", || {
                aws.agree();
                aws.prove();
            }),
        ];
        if !tls13 {
            contenders.push(contender("OpenSSL", "", || drop(c.connect())));
        }
        rows(work, contenders);
    }
    let resuming = |versions| {
        providers().map(|provider| {
            let setup = ours::Setup::new(versions, provider);
            let ticket = setup.ticket();
            (setup, ticket)
        })
    };
    // Nothing fresh goes into the keys: there is no operation that it cannot do without.
    let [one, other] = resuming(Versions::DTLS_1_2);
    rows(
        "1.2, resumed",
        vec![
            contender("avocet, ring", "", || drop(one.0.resume(&one.1))),
            contender("avocet, aws-lc-rs", "", || drop(other.0.resume(&other.1))),
        ],
    );
    let [one, other] = resuming(Versions::DTLS_1_3);
    rows(
        "1.3, resumed with ECDHE",
        vec![
            contender("avocet, ring", RING, || drop(one.0.resume(&one.1))),
            contender("avocet, aws-lc-rs", AWS, || drop(other.0.resume(&other.1))),
            contender(RING, "", || {
                ring.agree();
            }),
            contender(AWS, "", || {
                aws.agree();
            }),
        ],
    );
    let [one, other] = providers().map(ours::Setup::with_key);
    let rust = rust::Setup::with_key();
    rows(
        "1.2, key from outside",
        vec![
            contender("avocet, ring", "", || drop(one.connect())),
            contender("avocet, aws-lc-rs", "", || drop(other.connect())),
            contender(DIMPL, "", || drop(rust.connect())),
            contender("OpenSSL", "", || drop(c_key.connect())),
        ],
    );
}

const RING: &str = "bare operations, ring";
const AWS: &str = "bare operations, aws-lc-rs";
const DIMPL: &str = "dimpl, aws-lc-rs";

fn providers() -> [Provider; 2] {
    [Provider::ring(), Provider::aws_lc_rs()]
}

fn contender<'a>(
    name: &'static str,
    limit: &'static str,
    work: impl FnMut() + 'a,
) -> Contender<'a> {
    Contender {
        name,
        work: Box::new(work),
        limit,
    }
}

fn rows(work: &str, mut contenders: Vec<Contender<'_>>) {
    let names: Vec<_> = contenders.iter().map(|who| (who.name, who.limit)).collect();
    let mut ways: Vec<_> = contenders
        .iter_mut()
        .map(|who| || time(HANDSHAKES, &mut who.work))
        .collect();
    let mut ways: Vec<Way<'_>> = ways.iter_mut().map(|way| way as Way<'_>).collect();
    let times = beside(SAMPLES, &mut ways);
    let of = |name: &str| {
        names
            .iter()
            .position(|(who, _)| *who == name)
            .map(|at| times[at])
    };
    let ratio =
        |time: f64, to: Option<f64>| to.map_or("-".to_owned(), |to| format!("{:.2}", time / to));
    for ((name, limit), time) in names.iter().zip(&times) {
        let (limit, dimpl) = (ratio(*time, of(limit)), ratio(*time, of(DIMPL)));
        println!(
            "| {work} | {name} | {:.1} | {limit} | {dimpl} |",
            time / 1e3
        );
    }
}

/// Our handshakes alone, for a profiler.
pub fn profile(versions: Versions, times: usize) {
    let setup = ours::Setup::new(versions, Provider::default());
    for _ in 0..times {
        drop(setup.connect());
    }
}
