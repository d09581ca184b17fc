//! Which NATs a connection gets through with a TURN server, and how fast: golden tables, held against the oracle of
//! ICE's own matrix.
//!
//! Two connections gather, exchange their descriptions at one instant, and have a minute. `ice_nat_matrix_turn.csv` is
//! with TURN over UDP, `ice_nat_matrix_turn_tcp.csv` over TCP only, `ice_nat_matrix_turn_mdns.csv` with host addresses
//! under names that nobody resolves, `ice_nat_matrix_turn_loss.csv` at 10 % loss. Each row holds what the oracle says, how
//! each side's packets leave in the end, and how many round trips passed from the exchange until both could send and
//! until both had selected. Where the oracle says `relay` a relay must win, else none may. `BLESS=1` writes the tables
//! anew. By default one pair of NATs for each outcome is tried; all of them with `AVOCET_FULL_MATRIX`.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../ice/tests/support/oracle.rs"]
mod oracle;
mod support;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use avocet_peer as peer;
use netsim::{LinkConfig, Loss, NatConfig};
use oracle::{Behaviour, Prediction, behaviours, name, oracle};
use peer::{Config, Event};
use support::relayed::{Host, Meeting, ROUND_TRIP, access, turn};

const LIMIT: Duration = Duration::from_secs(60);

/// How long a better pair has to replace the first one that was selected.
const AFTERMATH: Duration = Duration::from_secs(5);

fn site(behaviour: Behaviour) -> Option<NatConfig> {
    behaviour.map(|(mapping, filtering)| NatConfig::new(mapping, filtering))
}

/// The pairs of NATs that are tried: all, or without `AVOCET_FULL_MATRIX` the first of each outcome that the table has,
/// so that nothing comes out differently without a row that tells.
fn cases(table: &str) -> Vec<(usize, Behaviour, Behaviour)> {
    let all = behaviours();
    let pairs = all.iter().flat_map(|a| all.iter().map(|b| (*a, *b)));
    let golden = golden(table);
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let outcome = |at: usize| golden.get(at + 1)?.splitn(5, ',').nth(4);
    let is_first = |at: usize| (0..at).all(|before| outcome(before) != outcome(at));
    pairs
        .enumerate()
        .filter(|(at, _)| full || is_first(*at))
        .map(|(at, (a, b))| (at, a, b))
        .collect()
}

fn path_of(table: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/golden")
        .join(table)
}

/// The lines of a table.
fn golden(table: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path_of(table)).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

/// Compares the lines that were made with those of the table, or writes it when all were made.
fn hold_against(table: &str, header: &str, lines: &[(usize, String)]) {
    if std::env::var_os("BLESS").is_some() {
        assert!(std::env::var_os("AVOCET_FULL_MATRIX").is_some());
        let text = lines.iter().fold(header.to_owned(), |mut text, (_, line)| {
            writeln!(text, "{line}").unwrap();
            text
        });
        std::fs::write(path_of(table), text).unwrap();
        return;
    }
    let golden = golden(table);
    for (at, line) in lines {
        let was = golden.get(at + 1).map_or("", String::as_str);
        assert_eq!(was, line, "{table}, line {}; BLESS=1 rewrites it", at + 2);
    }
}

const HEADER: &str = "a_mapping,a_filtering,b_mapping,b_filtering,oracle,a_leaves,b_leaves,usable_round_trips,selected_round_trips\n";

fn has_selected(host: &Host) -> bool {
    let is = |event: &Event| matches!(event, Event::PathSelected(_));
    host.peer.events.iter().any(is)
}

/// One row; fails where the outcome is not the predicted one.
fn row(a: Behaviour, b: Behaviour, mut meeting: Meeting) -> String {
    let case = format!("{},{}", name(a), name(b));
    meeting.gather(Duration::from_secs(15)).unwrap();
    meeting.introduce();
    let usable = meeting.run_until_both(LIMIT, |host| host.peer.pc.selected_path().is_some());
    assert!(usable.is_some(), "{case}: no way");
    let usable = usable.unwrap();
    let selected = usable + meeting.run_until_both(LIMIT, has_selected).unwrap();
    meeting.world.run_for(AFTERMATH);
    let leaves = [meeting.a, meeting.b].map(|id| meeting.kind_of(id));
    let prediction = oracle(a, b);
    let (is_relayed, word) = match prediction {
        Prediction::Relay => (true, "relay"),
        Prediction::Direct => (false, "direct"),
    };
    assert_eq!(leaves.contains(&"relay"), is_relayed, "{case}: {leaves:?}");
    let round_trips = |time: Duration| time.as_secs_f64() / ROUND_TRIP.as_secs_f64();
    format!(
        "{case},{word},{},{:.1},{:.1}",
        leaves.join(","),
        round_trips(usable),
        round_trips(selected)
    )
}

fn matrix(table: &str, change: impl Fn(&mut Config) + Copy) {
    let lines: Vec<_> = cases(table)
        .into_iter()
        .map(|(at, a, b)| {
            let meeting = Meeting::new(1, access(), [site(a), site(b)], change);
            (at, row(a, b, meeting))
        })
        .collect();
    hold_against(table, HEADER, &lines);
}

#[test]
fn with_turn_over_udp_every_pair_of_nats_connects_and_relays_only_where_it_must() {
    matrix("ice_nat_matrix_turn.csv", |config| {
        config.ice_servers = vec![turn("turn:203.0.113.1")];
    });
}

#[test]
fn with_turn_over_tcp_only_the_outcome_is_the_same() {
    matrix("ice_nat_matrix_turn_tcp.csv", |config| {
        let stun = peer::IceServer::new("stun:203.0.113.1".parse().unwrap());
        config.ice_servers = vec![stun, turn("turn:203.0.113.1?transport=tcp")];
    });
}

/// Names that nobody resolves: what a STUN server saw stands for the host, so the outcome is the same.
#[test]
fn with_hidden_hosts_the_outcome_is_the_same() {
    let change = |config: &mut Config| config.ice_servers = vec![turn("turn:203.0.113.1")];
    let names = [
        Some("00000000-0000-4000-8000-000000000001.local"),
        Some("00000000-0000-4000-8000-000000000002.local"),
    ];
    let table = "ice_nat_matrix_turn_mdns.csv";
    let lines: Vec<_> = cases(table)
        .into_iter()
        .map(|(at, a, b)| {
            let sites = [site(a), site(b)];
            let meeting = Meeting::under(names, 1, access(), (sites, change));
            (at, row(a, b, meeting))
        })
        .collect();
    hold_against(table, HEADER, &lines);
}

/// How many calls a row of the lossy table is made of.
const CALLS: u8 = 20;

/// The rows of the lossy table that are made without `AVOCET_FULL_MATRIX`: a strict filter against a mapping of each kind,
/// the chases in which both sides show ports that the other one learns, and the strictest NAT against an open one. What
/// any layer sends moves the dice of the network, so each change that moved a row of the table has moved one of these.
const LOSSY: [usize; 5] = [0, 5, 21, 23, 29];

#[test]
fn with_a_tenth_lost_the_relay_still_connects_every_call() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let lossy = LinkConfig {
        // Each way crosses two access links: 10 % in all.
        loss: Loss::Random(1.0 - 0.9_f64.sqrt()),
        ..access()
    };
    let all = behaviours();
    let pairs = all.iter().flat_map(|a| all.iter().map(|b| (*a, *b)));
    let relayed = pairs.filter(|(a, b)| oracle(*a, *b) == Prediction::Relay);
    let lines: Vec<_> = relayed
        .enumerate()
        .filter(|(at, _)| full || LOSSY.contains(at))
        .map(|(at, (a, b))| (at, lossy_row(a, b, &lossy)))
        .collect();
    let header = "a_mapping,a_filtering,b_mapping,b_filtering,oracle,calls,connected,median_round_trips,p95_round_trips\n";
    hold_against("ice_nat_matrix_turn_loss.csv", header, &lines);
}

fn lossy_row(a: Behaviour, b: Behaviour, link: &LinkConfig) -> String {
    let change = |config: &mut Config| config.ice_servers = vec![turn("turn:203.0.113.1")];
    let mut times: Vec<f64> = (0..CALLS)
        .filter_map(|seed| {
            let sites = [site(a), site(b)];
            let mut meeting = Meeting::new(seed, link.clone(), sites, change);
            meeting.gather(Duration::from_secs(15))?;
            meeting.introduce();
            let time = meeting.run_until_both(LIMIT, has_selected)?;
            Some(time.as_secs_f64() / ROUND_TRIP.as_secs_f64())
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let quantile = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let (median, late) = (quantile(50), quantile(95));
    let case = format!("{},{}", name(a), name(b));
    format!("{case},relay,{CALLS},{},{median:.1},{late:.1}", times.len())
}
