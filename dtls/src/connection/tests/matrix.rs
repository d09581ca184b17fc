//! What a handshake costs when any two of its datagrams meet with an accident (D-38). `testdata/golden/dtls_loss.csv` has the
//! round trips; a part of it is looked at by default, all of it with AVOCET_FULL_MATRIX, and BLESS=1 writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use netsim::{Pair, Verdict};

use crate::testing::{
    Endpoint, alice, bob, both_connected, config_13, connect, full_matrix, introduce, start,
};
use crate::{Config, NamedGroup, Role, Ticket, TicketKeys, Versions};

const ROUND_TRIP: Duration = Duration::from_millis(40);
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../testdata/golden/dtls_loss.csv"
);
const HANDSHAKES: [&str; 5] = ["1.2", "1.2 resumed", "1.3", "1.3 retried", "1.3 resumed"];

/// What happens to a datagram on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accident {
    Lost,
    /// It comes again behind itself.
    Twice,
    /// What was sent after it overtakes it.
    Late,
    /// Its second half is missing.
    Cut,
}

impl Accident {
    const ALL: [Self; 4] = [Self::Lost, Self::Twice, Self::Late, Self::Cut];

    fn verdict(self, bytes: &[u8]) -> Verdict {
        match self {
            Self::Lost => Verdict::Drop,
            Self::Twice => Verdict::Replace(bytes.repeat(2)),
            Self::Late => Verdict::Delay(ROUND_TRIP / 4),
            Self::Cut => Verdict::Replace(bytes[..bytes.len() / 2].to_vec()),
        }
    }
}

/// Which datagram meets with what.
type Fate = (u64, Accident);

fn configs(handshake: &str) -> [Config; 2] {
    [alice(), bob()].map(|certificate| {
        let mut config = config_13(certificate);
        config.versions = match handshake {
            "1.2" | "1.2 resumed" => Versions::DTLS_1_2,
            _ => Versions::DTLS_1_3,
        };
        // Several datagrams for a flight of certificates.
        config.mtu = 400;
        if handshake.ends_with("resumed") {
            config.tickets = Some(TicketKeys::new([1; 32], netsim::epoch()));
            config.accept_tickets = true;
            config.tickets_12 = true;
        }
        config
    })
}

fn start_pair(handshake: &str, ticket: Option<&Ticket>) -> Pair<Endpoint> {
    let [client, mut server] = configs(handshake);
    if handshake == "1.3 retried" {
        server.groups = vec![NamedGroup::Secp256r1];
    }
    let client = Endpoint::new(client, Role::Client, 1);
    let server = Endpoint::new(server, Role::Server, 1);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    if let Some(ticket) = ticket {
        pair.a_mut().connection.offer_ticket(ticket.clone());
    }
    start(&mut pair, Some(ROUND_TRIP));
    pair
}

/// A ticket for the handshake that needs one.
fn ticket(handshake: &str) -> Option<Ticket> {
    let mut pair = handshake
        .ends_with("resumed")
        .then(|| start_pair(handshake, None))?;
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    pair.a_mut().connection.take_ticket()
}

/// The round trips until both sides are connected.
fn cost(handshake: &str, ticket: Option<&Ticket>, fates: &[Fate]) -> f64 {
    let mut pair = start_pair(handshake, ticket);
    let count = Arc::new(AtomicU64::new(0));
    let fates = fates.to_vec();
    pair.network().intercept(move |packet| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let fate = fates.iter().find(|(which, _)| *which == number);
        fate.map_or(Verdict::Pass, |(_, accident)| {
            accident.verdict(&packet.bytes)
        })
    });
    connect(&mut pair);
    let time = pair.time();
    assert_eq!(pair.a().connection.is_resumed(), ticket.is_some());
    pair.run_for(Duration::from_secs(2));
    assert!(both_connected(&pair), "and it stays so");
    time.as_secs_f64() / ROUND_TRIP.as_secs_f64()
}

fn datagrams(handshake: &str, ticket: Option<&Ticket>) -> u64 {
    let mut pair = start_pair(handshake, ticket);
    connect(&mut pair);
    pair.sent()
}

fn golden() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let cells = |line: &str| {
        line.rsplit_once(',')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    };
    text.lines().skip(1).filter_map(cells).collect()
}

/// D-38: every single accident, and all pairs of losses; with AVOCET_FULL_MATRIX all pairs of accidents.
#[test]
fn any_two_accidents_cost_what_the_table_says() {
    let blesses = std::env::var_os("BLESS").is_some();
    let whole = blesses || full_matrix();
    let golden = golden();
    let mut table = "handshake,first,second,round_trips\n".to_owned();
    for handshake in HANDSHAKES {
        let ticket = ticket(handshake);
        let usual = cost(handshake, ticket.as_ref(), &[]);
        let number = datagrams(handshake, ticket.as_ref());
        let fates = || (0..number).flat_map(|at| Accident::ALL.map(|accident| (at, accident)));
        let mut cases: Vec<Vec<Fate>> = vec![Vec::new()];
        cases.extend(fates().map(|fate| vec![fate]));
        for first in fates() {
            let behind = fates().filter(|second| second.0 > first.0);
            cases.extend(behind.map(|second| vec![first, second]));
        }
        for fates in cases {
            let losses = fates
                .iter()
                .all(|(_, accident)| *accident == Accident::Lost);
            if !(whole || fates.len() < 2 || losses) {
                continue;
            }
            let name = |index: usize| match fates.get(index) {
                Some((at, accident)) => format!("{accident:?} {at}").to_lowercase(),
                None => "-".to_owned(),
            };
            let row = format!("{handshake},{},{}", name(0), name(1));
            let cost = cost(handshake, ticket.as_ref(), &fates);
            // The timer is twice the round trip, and doubles.
            let most = match fates.len() {
                0 => usual,
                1 => usual + 2.5,
                _ => usual + 6.5,
            };
            assert!(cost <= most, "{row}: {cost} round trips of {most}");
            let cost = format!("{cost:.2}");
            if !blesses {
                assert_eq!(
                    golden.get(&row),
                    Some(&cost),
                    "{row}: run with BLESS=1 when this is intended"
                );
            }
            writeln!(table, "{row},{cost}").unwrap();
        }
    }
    if blesses {
        std::fs::write(GOLDEN, &table).unwrap();
    } else if whole {
        assert_eq!(golden.len(), table.lines().count() - 1);
    }
}

/// D-38: cut anywhere a datagram costs no more than if it were lost; every 16th position by default.
#[test]
fn a_datagram_cut_anywhere_costs_no_more_than_its_loss() {
    let step = if full_matrix() { 1 } else { 16 };
    for handshake in HANDSHAKES {
        let ticket = ticket(handshake);
        for which in 0..datagrams(handshake, ticket.as_ref()) {
            let lost = cost(handshake, ticket.as_ref(), &[(which, Accident::Lost)]);
            for end in (1..400).step_by(step) {
                let mut pair = start_pair(handshake, ticket.as_ref());
                let count = Arc::new(AtomicU64::new(0));
                pair.network().intercept(move |packet| {
                    if count.fetch_add(1, Ordering::Relaxed) == which && end < packet.bytes.len() {
                        Verdict::Replace(packet.bytes[..end].to_vec())
                    } else {
                        Verdict::Pass
                    }
                });
                connect(&mut pair);
                let time = pair.time().as_secs_f64() / ROUND_TRIP.as_secs_f64();
                assert!(
                    time <= lost + 0.5,
                    "{handshake} {which} cut at {end}: {time}"
                );
            }
        }
    }
}
