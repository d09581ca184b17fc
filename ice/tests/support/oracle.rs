//! What RFC 4787 says of two NATs, told without knowing the agent or the simulated NAT.
#![allow(dead_code, reason = "test vocabulary; each test file uses a part")]

use netsim::{Filtering, Mapping};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prediction {
    Direct,
    Relay,
}

/// What one side is behind; `None` for a public address.
pub(crate) type Behaviour = Option<(Mapping, Filtering)>;

/// Whether two agents, each behind a NAT of its own and each knowing the other's address as a STUN server sees
/// it, can find a direct path.
///
/// A path is a pair of external endpoints (x, y) such that X, sending to y, leaves from x; Y, sending to x, leaves
/// from y; each NAT admits the other's endpoint; and both can have learned where to send. Only the endpoint that
/// the STUN server saw is signalled; any other one is learned from a packet that came in from it (§4.1, §5).
pub(crate) fn oracle(a: Behaviour, b: Behaviour) -> Prediction {
    // A public host is behind a NAT that changes nothing and lets everybody in.
    let open = (Mapping::EndpointIndependent, Filtering::EndpointIndependent);
    let (a, b) = (a.unwrap_or(open), b.unwrap_or(open));
    let is_direct = match (a.0, b.0) {
        // Both endpoints are the signalled ones. Each side's own packets open its filter, of whatever kind.
        (Mapping::EndpointIndependent, Mapping::EndpointIndependent) => true,
        (Mapping::EndpointIndependent, _) => one_changes(a.1),
        (_, Mapping::EndpointIndependent) => one_changes(b.1),
        (Mapping::AddressDependent, Mapping::AddressDependent) => {
            both_fixed_per_address(a.1, b.1) || both_fixed_per_address(b.1, a.1)
        }
        (Mapping::AddressDependent, Mapping::AddressAndPortDependent) => {
            address_against_port(a.1, b.1)
        }
        (Mapping::AddressAndPortDependent, Mapping::AddressDependent) => {
            address_against_port(b.1, a.1)
        }
        // Whenever one side has learned where the other sends from and answers there, it leaves from a new
        // endpoint itself, which the other must learn, and so on without an end.
        (Mapping::AddressAndPortDependent, Mapping::AddressAndPortDependent) => false,
    };
    if is_direct {
        Prediction::Direct
    } else {
        Prediction::Relay
    }
}

/// One side keeps its endpoint, the other shows a new one to it. The steady side has sent to the other's address,
/// but not to the port that it comes from: a filter that looks at ports keeps that port unknown for ever.
fn one_changes(filtering_of_the_steady: Filtering) -> bool {
    filtering_of_the_steady != Filtering::AddressAndPortDependent
}

/// Both show the other's address an endpoint that was not signalled, and always the same. Packets to a signalled
/// endpoint meet a mapping that has sent to the STUN server alone, so only a filter that lets everybody in shows
/// `first` where `second` comes from. The answer goes from one new endpoint to the other: `second` has sent to
/// that address, but not to that port.
fn both_fixed_per_address(first: Filtering, second: Filtering) -> bool {
    first == Filtering::EndpointIndependent && second != Filtering::AddressAndPortDependent
}

/// `x` shows one new endpoint to the other's address, `y` a new one to each endpoint. `y` must learn the endpoint
/// of X, and X then the endpoint from which Y sends to it.
fn address_against_port(x: Filtering, y: Filtering) -> bool {
    let y_hears_the_first_packet = y == Filtering::EndpointIndependent;
    let y_hears_the_answer_to_its_own =
        x == Filtering::EndpointIndependent && y == Filtering::AddressDependent;
    let x_hears_the_answer = x != Filtering::AddressAndPortDependent;
    x_hears_the_answer && (y_hears_the_first_packet || y_hears_the_answer_to_its_own)
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    let nats = Mapping::ALL
        .iter()
        .flat_map(|mapping| Filtering::ALL.map(|filtering| Some((*mapping, filtering))));
    [None].into_iter().chain(nats).collect()
}

pub(crate) fn name(behaviour: Behaviour) -> String {
    let letter = |kind: u8| ["independent", "address", "address+port"][usize::from(kind)];
    match behaviour {
        None => "public,public".to_owned(),
        Some((mapping, filtering)) => {
            format!("{},{}", letter(mapping as u8), letter(filtering as u8))
        }
    }
}
