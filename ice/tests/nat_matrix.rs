//! Which NATs an agent gets through, and how fast: golden tables, held against an oracle.
//!
//! Two agents gather a server-reflexive candidate each, exchange everything at one instant, and have a minute.
//! [`oracle`] says from RFC 4787 alone, knowing neither the agent nor the simulated NAT, whether a direct path
//! exists. `testdata/golden/ice_nat_matrix.csv` holds for each case what the oracle says, which candidates won, and
//! how many round trips passed from the exchange until both could send, and until both had selected;
//! `ice_nat_matrix_loss.csv` how long selection takes at 10 % loss, over many calls. `BLESS=1` writes them anew.
//!
//! Where the oracle says `relay` the agents must fail: a relay is the peer connection's to bring, and the tables with
//! TURN are those of its tests (`peer/tests/relay_matrix.rs`).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use avocet_ice::State;
use netsim::{Filtering, Hairpin, Internet, LinkConfig, Loss, Mapping, NatConfig, PortAssignment};
use support::meeting::{Meeting, ROUND_TRIP, Site, access};
use support::oracle::{Behaviour, Prediction, behaviours, name, oracle};

/// Longer than the patience of RFC 8863, so that who has not connected has failed.
const LIMIT: Duration = Duration::from_secs(60);

fn site(behaviour: Behaviour, ports: PortAssignment) -> Site {
    match behaviour {
        None => Site::Public,
        Some((mapping, filtering)) => Site::Behind(NatConfig {
            ports,
            ..NatConfig::new(mapping, filtering)
        }),
    }
}

/// What came of a meeting.
struct Success {
    /// The kinds of the candidates that won, A's first.
    kinds: String,
    /// After how many round trips both could send.
    usable: f64,
    /// After how many round trips both had selected.
    selected: f64,
}

fn meet(meeting: &mut Meeting) -> Option<Success> {
    meeting.gather();
    meeting.introduce();
    let usable = meeting.become_usable(LIMIT)?;
    let selected = usable + meeting.connect(LIMIT)?;
    let kinds = [meeting.b, meeting.a].map(|id| meeting.kind_of_remote(id).unwrap().as_str());
    let round_trips = |time: Duration| time.as_secs_f64() / ROUND_TRIP.as_secs_f64();
    Some(Success {
        kinds: kinds.join(","),
        usable: round_trips(usable),
        selected: round_trips(selected),
    })
}

/// Compares with the table of this name, or writes it.
fn hold_against(table: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/golden")
        .join(table);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (was, is)) in golden.lines().zip(actual.lines()).enumerate() {
        assert_eq!(was, is, "{table}, line {}; BLESS=1 rewrites it", line + 1);
    }
    assert_eq!(golden.lines().count(), actual.lines().count(), "{table}");
}

/// One row; fails where the agents disagree with the prediction.
fn row(case: &str, prediction: Prediction, mut meeting: Meeting) -> String {
    let outcome = meet(&mut meeting);
    let expected = prediction == Prediction::Direct;
    assert_eq!(outcome.is_some(), expected, "{case}: {prediction:?}");
    match outcome {
        Some(Success {
            kinds,
            usable,
            selected,
        }) => format!("{case},direct,{kinds},{usable:.1},{selected:.1}\n"),
        None => {
            for id in [meeting.a, meeting.b] {
                assert_eq!(meeting.host(id).agent.state(), State::Failed, "{case}");
            }
            format!("{case},relay,none,none,,\n")
        }
    }
}

const HEADER: &str = "topology,a_mapping,a_filtering,b_mapping,b_filtering,oracle,a_candidate,b_candidate,usable_round_trips,selected_round_trips\n";

#[test]
fn agents_get_through_the_nats_that_rfc_4787_lets_them_through() {
    let mut table = HEADER.to_owned();
    for a in behaviours() {
        for b in behaviours() {
            let sites = [a, b].map(|behaviour| site(behaviour, PortAssignment::Preserve));
            let case = format!("apart,{},{}", name(a), name(b));
            table += &row(&case, oracle(a, b), Meeting::new(1, access(), sites));
        }
    }
    for (case, prediction, meeting) in other_topologies() {
        table += &row(&case, prediction, meeting);
    }
    hold_against("ice_nat_matrix.csv", &table);
}

/// Candidates under names of multicast DNS: nobody resolves them but a host on the same link. What a STUN server saw is
/// told instead, also where no NAT changes it, so the outcome is the same as with addresses.
#[test]
fn hidden_host_addresses_change_no_outcome_but_the_kind_of_candidate() {
    let mut table = HEADER.to_owned();
    for a in behaviours() {
        for b in behaviours() {
            let sites = [a, b].map(|behaviour| site(behaviour, PortAssignment::Preserve));
            let case = format!("apart names,{},{}", name(a), name(b));
            let mut meeting = Meeting::new(1, access(), sites);
            meeting.hide_hosts();
            table += &row(&case, oracle(a, b), meeting);
        }
    }
    // On one link the names are resolved, and the hosts meet whatever the NAT does.
    let symmetric = Some((
        Mapping::AddressAndPortDependent,
        Filtering::AddressAndPortDependent,
    ));
    let mut internet = Internet::new(1, access());
    let nat = symmetric.map_or_else(NatConfig::default, |(mapping, filtering)| NatConfig {
        hairpin: Hairpin::Off,
        ..NatConfig::new(mapping, filtering)
    });
    let home = internet.nat([198, 51, 100, 1], nat);
    let hosts = [2, 3].map(|last| {
        let address = [192, 168, 1, last];
        (internet.host_behind(home, address), address.into())
    });
    let mut meeting = Meeting::on(1, internet, hosts);
    meeting.hide_hosts();
    meeting.is_one_link = true;
    let case = format!("one nat names,{},{}", name(symmetric), name(symmetric));
    table += &row(&case, Prediction::Direct, meeting);
    hold_against("ice_nat_matrix_mdns.csv", &table);
}

/// Shapes other than two sites, and what RFC 4787 §6 (hairpinning) and plain routing say of them.
fn other_topologies() -> Vec<(String, Prediction, Meeting)> {
    let mut cases = Vec::new();
    let cone = Some((
        Mapping::EndpointIndependent,
        Filtering::AddressAndPortDependent,
    ));
    let symmetric = Some((
        Mapping::AddressAndPortDependent,
        Filtering::AddressAndPortDependent,
    ));
    let mut add = |topology: &str, behaviour: Behaviour, prediction, meeting| {
        let case = format!("{topology},{},{}", name(behaviour), name(behaviour));
        cases.push((case, prediction, meeting));
    };
    let config = |behaviour: Behaviour, hairpin| NatConfig {
        hairpin,
        ..behaviour.map_or_else(NatConfig::default, |(mapping, filtering)| {
            NatConfig::new(mapping, filtering)
        })
    };
    // Behind one NAT the host candidates meet, whatever the NAT does.
    for behaviour in [cone, symmetric] {
        let mut internet = Internet::new(1, access());
        let home = internet.nat([198, 51, 100, 1], config(behaviour, Hairpin::Off));
        let hosts = [2, 3].map(|last| {
            let address = [192, 168, 1, last];
            (internet.host_behind(home, address), address.into())
        });
        let meeting = Meeting::on(1, internet, hosts);
        add("one nat", behaviour, Prediction::Direct, meeting);
    }
    // Behind two NATs with one address outside, all hangs on the outer one turning packets round. With the
    // internal source a packet does not come from where its peer sends to, and the home NAT in front of the peer
    // filters it.
    for (hairpin, word, prediction) in [
        (Hairpin::ExternalSource, "external", Prediction::Direct),
        (Hairpin::InternalSource, "internal", Prediction::Relay),
        (Hairpin::Off, "none", Prediction::Relay),
    ] {
        let mut internet = Internet::new(1, access());
        let cgn = internet.nat([198, 51, 100, 1], config(cone, hairpin));
        let hosts = [2, 3].map(|last| {
            let home = internet.nat_behind(cgn, [100, 64, 0, last], config(cone, Hairpin::Off));
            let address = [192, 168, 1, 2];
            (internet.host_behind(home, address), address.into())
        });
        let meeting = Meeting::on(1, internet, hosts);
        add(
            &format!("one cgn hairpin {word}"),
            cone,
            prediction,
            meeting,
        );
    }
    // Behind a firewall that drops UDP even a public peer is out of reach.
    let sites = [Site::Behind(NatConfig::udp_blocked()), Site::Public];
    add(
        "udp blocked",
        None,
        Prediction::Relay,
        Meeting::new(1, access(), sites),
    );
    cases
}

#[test]
fn two_nats_that_show_a_new_port_each_time_are_not_chased_without_end() {
    let behaviour = Some((
        Mapping::AddressAndPortDependent,
        Filtering::EndpointIndependent,
    ));
    let sites = [0, 1].map(|_| site(behaviour, PortAssignment::Random));
    let mut meeting = Meeting::new(1, access(), sites);
    assert!(meet(&mut meeting).is_none());
    let stats = meeting.host(meeting.a).agent.stats();
    assert_eq!(meeting.host(meeting.a).agent.state(), State::Failed);
    assert!(stats.remote_candidates_refused > 0);
    assert!(stats.requests_sent < 100, "{stats:?}");
}

#[test]
fn ports_that_tell_nothing_change_no_outcome() {
    for ports in [PortAssignment::Sequential, PortAssignment::Random] {
        for a in behaviours() {
            for b in behaviours() {
                let sites = [a, b].map(|behaviour| site(behaviour, ports));
                let case = format!("{ports:?},{},{}", name(a), name(b));
                row(&case, oracle(a, b), Meeting::new(2, access(), sites));
            }
        }
    }
}

#[test]
fn hosts_behind_ipv6_firewalls_meet_without_any_server() {
    let mut internet = Internet::new(1, access());
    let hosts = [1, 2].map(|last| {
        let strict = NatConfig::new(
            Mapping::EndpointIndependent,
            Filtering::AddressAndPortDependent,
        );
        let firewall = internet.firewall(strict);
        let address = [0x2001, 0xdb8, last, 0, 0, 0, 0, 1];
        (internet.host_behind(firewall, address), address.into())
    });
    let mut meeting = Meeting::on(1, internet, hosts);
    meeting.introduce();
    // Each side's first check opens its own firewall before the other one's arrives.
    assert_eq!(meeting.connect(LIMIT), Some(2 * ROUND_TRIP));
}

/// How many calls a row of the lossy table is made of.
const CALLS: u64 = 50;

#[test]
fn loss_delays_but_does_not_prevent() {
    let mut table =
        "a_mapping,a_filtering,b_mapping,b_filtering,oracle,calls,connected,median_round_trips,p95_round_trips\n"
            .to_owned();
    let lossy = LinkConfig {
        // Each way crosses two access links: 10 % in all.
        loss: Loss::Random(1.0 - 0.9_f64.sqrt()),
        ..access()
    };
    for a in behaviours() {
        for b in behaviours() {
            if oracle(a, b) == Prediction::Relay {
                continue;
            }
            let mut times: Vec<_> = (0..CALLS)
                .filter_map(|seed| {
                    let sites = [a, b].map(|behaviour| site(behaviour, PortAssignment::Preserve));
                    meet(&mut Meeting::new(seed, lossy.clone(), sites))
                })
                .map(|success| success.selected)
                .collect();
            times.sort_by(f64::total_cmp);
            let quantile =
                |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
            let case = format!("{},{}", name(a), name(b));
            writeln!(
                table,
                "{case},direct,{CALLS},{},{:.1},{:.1}",
                times.len(),
                quantile(50),
                quantile(95)
            )
            .unwrap();
        }
    }
    hold_against("ice_nat_matrix_loss.csv", &table);
}
