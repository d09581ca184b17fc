//! How much of a link a bulk transfer uses: the golden table `testdata/golden/sctp_goodput.csv`.
//!
//! A row is the payload that arrives while a transfer runs, as a fraction of what the link carries when every packet is full: headers
//! (28 bytes of IP and UDP, 28 of SCTP) are not counted against it, because no sender can save them. Losses hit both directions. Half a second
//! and 20 round trips pass before the measurement, which takes half as long again. Rows marked `wide` configure windows of 128 MiB, where the path
//! holds more than 5 MB; `default` rows use the default configuration.
//!
//! `cargo test` checks the short rows; `AVOCET_FULL_MATRIX=1 cargo test --release` checks all; `BLESS=1` rewrites what it runs.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use avocet_sctp::{Config, CongestionAlgorithm};
use netsim::{LinkConfig, Loss, Pair};

use crate::common::bulk::Bulk;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    rate_mbit: u32,
    rtt_ms: u32,
    loss_pct: f64,
    queue_bdp: f64,
    wide: bool,
}

impl Row {
    /// The row in the table.
    fn line(&self, goodput: f64) -> String {
        let windows = if self.wide { "wide" } else { "default" };
        format!(
            "{},{},{},{},{goodput:.3},{windows}",
            self.rate_mbit, self.rtt_ms, self.loss_pct, self.queue_bdp
        )
    }

    /// What distinguishes it.
    fn key(&self) -> String {
        self.line(0.0)
    }

    fn path_bytes(&self) -> f64 {
        f64::from(self.rate_mbit) * 125.0 * f64::from(self.rtt_ms)
    }

    fn link(&self) -> LinkConfig {
        let mut link = LinkConfig::delayed(Duration::from_micros(u64::from(self.rtt_ms) * 500));
        link.rate_bits = Some(u64::from(self.rate_mbit) * 1_000_000);
        // Two packets fit whatever the path holds.
        link.queue_bytes = ((self.path_bytes() * self.queue_bdp) as usize).max(2_500);
        if self.loss_pct > 0.0 {
            link.loss = Loss::Random(self.loss_pct / 100.0);
        }
        link
    }

    fn goodput(&self) -> f64 {
        let span = Duration::from_millis(500 + u64::from(self.rtt_ms) * 20);
        self.goodput_of(CongestionAlgorithm::default(), span, span / 2)
    }

    fn goodput_of(&self, algorithm: CongestionAlgorithm, settle: Duration, span: Duration) -> f64 {
        let mut config = Config::default();
        config.congestion = algorithm;
        if self.wide {
            config.receive_window_bytes = 128 << 20;
            config.send_buffer_bytes = 128 << 20;
        }
        let a = Bulk::new(&config, 1, true);
        let b = Bulk::new(&config, 2, false);
        let mut pair = Pair::over(self.link(), 11, a, b);
        let now = pair.now();
        pair.a_mut().association.connect(now, None);
        pair.b_mut().association.connect(now, None);
        pair.run_for(settle);
        let before = pair.b().received;
        pair.run_for(span);
        let payload = (config.mtu & !3) - 28;
        let share = payload as f64 / (payload + 56) as f64;
        let possible = f64::from(self.rate_mbit) * 125_000.0 * span.as_secs_f64() * share;
        (pair.b().received - before) as f64 / possible
    }
}

fn short_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for rate_mbit in [10, 100] {
        for rtt_ms in [20, 50, 100] {
            for loss_pct in LOSSES {
                rows.push(Row {
                    rate_mbit,
                    rtt_ms,
                    loss_pct,
                    queue_bdp: 1.0,
                    wide: false,
                });
            }
        }
    }
    rows
}

fn all_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for rate_mbit in [10, 100, 1000] {
        for rtt_ms in [2, 20, 50, 100, 300] {
            for loss_pct in LOSSES {
                for queue_bdp in [0.25, 1.0, 4.0] {
                    let row = Row {
                        rate_mbit,
                        rtt_ms,
                        loss_pct,
                        queue_bdp,
                        wide: false,
                    };
                    rows.push(row);
                    if row.path_bytes() > 5e6 {
                        rows.push(Row { wide: true, ..row });
                    }
                }
            }
        }
    }
    rows
}

fn measure(rows: &[Row]) -> Vec<(Row, f64)> {
    let verbose = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let every_second = |first: usize| {
        let rows = rows.iter().skip(first).step_by(2);
        rows.map(|row| {
            let goodput = row.goodput();
            if verbose {
                eprintln!("{}", row.line(goodput));
            }
            (*row, goodput)
        })
        .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| every_second(1));
        let mut measured = every_second(0);
        measured.extend(other.join().unwrap());
        measured
    })
}

#[test]
fn goodput_is_what_the_golden_table_says() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let rows = if full { all_rows() } else { short_rows() };
    let measured = measure(&rows);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/golden/sctp_goodput.csv"
    );
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut golden = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns = line.split(',').collect::<Vec<_>>();
            let [rate, rtt, loss, queue, goodput, windows] = columns[..] else {
                return None;
            };
            let key = format!("{rate},{rtt},{loss},{queue},0.000,{windows}");
            Some((key, goodput.parse().ok()?))
        })
        .collect::<BTreeMap<String, f64>>();
    if std::env::var_os("BLESS").is_some() {
        for (row, goodput) in &measured {
            golden.insert(row.key(), *goodput);
        }
        let mut text = String::from("rate_mbit,rtt_ms,loss_pct,queue_bdp,goodput,windows\n");
        for row in all_rows() {
            if let Some(goodput) = golden.get(&row.key()) {
                writeln!(text, "{}", row.line(*goodput)).unwrap();
            }
        }
        std::fs::write(path, text).unwrap();
        return;
    }
    let mut differences = String::new();
    for (row, goodput) in &measured {
        let expected = golden.get(&row.key()).copied().unwrap_or(f64::NAN);
        if expected.is_nan() || (goodput - expected).abs() > TOLERANCE {
            writeln!(
                differences,
                "{}: {goodput:.3}, was {expected:.3}",
                row.key()
            )
            .unwrap();
        }
    }
    assert!(
        differences.is_empty(),
        "run with BLESS=1 when this is intended:\n{differences}"
    );
}

/// Why the default is the default: `testdata/golden/sctp_controllers.csv` has every controller on the same paths, over the eight seconds
/// after the first two.
#[test]
fn every_controller_does_what_its_table_says() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/golden/sctp_controllers.csv"
    );
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    let mut text = String::from("controller,rate_mbit,rtt_ms,loss_pct,queue_bdp,goodput\n");
    let mut differences = String::new();
    for (rate_mbit, rtt_ms) in [(10, 50), (100, 50), (100, 100)] {
        for loss_pct in LOSSES {
            if !full && (rate_mbit > 10 || ![0.0, 1.0].contains(&loss_pct)) {
                continue;
            }
            for (name, algorithm) in CONTROLLERS {
                let row = Row {
                    rate_mbit,
                    rtt_ms,
                    loss_pct,
                    queue_bdp: 1.0,
                    wide: false,
                };
                let (settle, span) = (Duration::from_secs(2), Duration::from_secs(8));
                let goodput = row.goodput_of(algorithm, settle, span);
                let key = format!("{name},{rate_mbit},{rtt_ms},{loss_pct},1,");
                writeln!(text, "{key}{goodput:.3}").unwrap();
                let expected = golden.lines().find_map(|line| line.strip_prefix(&key));
                let expected = expected.and_then(|value| value.parse().ok());
                if expected.is_none_or(|expected: f64| (goodput - expected).abs() > TOLERANCE) {
                    writeln!(differences, "{key}{goodput:.3}, was {expected:?}").unwrap();
                }
            }
        }
    }
    if full && std::env::var_os("BLESS").is_some() {
        std::fs::write(path, text).unwrap();
        return;
    }
    assert!(
        differences.is_empty(),
        "run with BLESS=1 and AVOCET_FULL_MATRIX=1 when this is intended:\n{differences}"
    );
}

const CONTROLLERS: [(&str, CongestionAlgorithm); 4] = [
    ("newreno", CongestionAlgorithm::NewReno),
    ("cubic", CongestionAlgorithm::Cubic),
    ("ledbat", CongestionAlgorithm::Ledbat),
    ("default", CongestionAlgorithm::DelayAwareCubic),
];
const LOSSES: [f64; 4] = [0.0, 0.1, 1.0, 3.0];
/// Floating point differs in the last digit between platforms, and a run is chaotic.
const TOLERANCE: f64 = 0.02;
