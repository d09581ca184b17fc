//! Server-reflexive candidates (RFC 8445 §5.1.1.2, requirement I-32).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use avocet_ice::{AddStunServerError, Agent, Candidate, CandidateKind, Config, Event, Mode, State};
use net::{Datagram, Path};
use netsim::{Filtering, Mapping, NatConfig, PortAssignment, Verdict, since_epoch};
use stun::{Class, Message, MessageBuilder, Method};
use support::meeting::{Meeting, ROUND_TRIP, STUN_SERVER, Site, access};
use support::{host, seed};

const SECOND: Duration = Duration::from_secs(1);

fn at_home(config: &NatConfig) -> Meeting {
    let sites = [Site::Behind(config.clone()), Site::Behind(config.clone())];
    Meeting::new(1, access(), sites)
}

fn reflexive(agent: &Agent) -> Vec<SocketAddr> {
    agent
        .local_candidates()
        .filter(|candidate| candidate.kind() == CandidateKind::ServerReflexive)
        .filter_map(Candidate::address)
        .collect()
}

fn count(events: &[Event], wanted: fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| wanted(event)).count()
}

const IS_COMPLETE: fn(&Event) -> bool = |event| *event == Event::GatheringComplete;
const IS_REFLEXIVE: fn(&Event) -> bool = |event| matches!(event, Event::ServerReflexive { .. });

#[test]
fn a_stun_server_shows_the_outside_of_a_nat_in_one_round_trip() {
    let mut meeting = at_home(&NatConfig::default());
    assert_eq!(meeting.gather(), ROUND_TRIP);
    let host = meeting.host(meeting.a);
    let outside: SocketAddr = ([198, 51, 100, 1], 5000).into();
    assert_eq!(reflexive(&host.agent), [outside]);
    let base = ([192, 168, 1, 2], 5000).into();
    let told = Event::ServerReflexive {
        address: outside,
        base,
    };
    assert_eq!(host.events, [told, Event::GatheringComplete]);
    let line = host.agent.local_candidates().last().unwrap().to_string();
    assert!(
        line.ends_with("typ srflx raddr 192.168.1.2 rport 5000"),
        "{line}"
    );
}

#[test]
fn a_host_without_a_nat_gets_no_second_candidate_and_keeps_no_mapping_alive() {
    let mut meeting = Meeting::new(1, access(), [Site::Public, Site::Public]);
    meeting.gather();
    meeting.world.run_for(60 * SECOND);
    assert_eq!(meeting.stun_server().requests.len(), 2);
    let host = meeting.host(meeting.a);
    assert_eq!(host.agent.local_candidates().count(), 1);
    assert_eq!(host.events, [Event::GatheringComplete]);
}

#[test]
fn a_silent_server_is_asked_four_times_and_given_up_after_5_s() {
    let mut meeting = at_home(&NatConfig::default());
    meeting.stun_server().is_silent = true;
    assert_eq!(meeting.gather(), 5 * SECOND);
    meeting.world.run_for(60 * SECOND);
    let sent: Vec<_> = meeting
        .stun_server()
        .requests
        .iter()
        .filter(|(_, from)| from.ip().to_string() == "198.51.100.1")
        .map(|(at, _)| since_epoch(*at) - ROUND_TRIP / 2)
        .collect();
    assert_eq!(sent, [0, 500, 1_500, 3_500].map(Duration::from_millis));
    let agent = &meeting.host(meeting.a).agent;
    assert!(reflexive(agent).is_empty());
    assert_eq!(agent.stats().stun_server_timeouts, 1);
    assert_eq!(agent.stats().stun_server_requests_sent, 4);
}

#[test]
fn a_lost_request_is_made_good_by_its_repetition() {
    let mut meeting = at_home(&NatConfig::default());
    let mut first = true;
    meeting.world.network().intercept(move |_| {
        if std::mem::take(&mut first) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    assert_eq!(meeting.gather(), Duration::from_millis(500) + ROUND_TRIP);
}

#[test]
fn a_refusal_ends_the_question_at_once() {
    let mut meeting = at_home(&NatConfig::default());
    meeting.stun_server().refuses = true;
    assert_eq!(meeting.gather(), ROUND_TRIP);
    assert!(reflexive(&meeting.host(meeting.a).agent).is_empty());
}

/// I-11.
#[test]
fn the_answer_to_a_check_tells_the_peer_reflexive_local_candidate() {
    for asks_a_server in [false, true] {
        let mut meeting = Meeting::new(
            1,
            access(),
            [Site::Behind(NatConfig::default()), Site::Public],
        );
        if asks_a_server {
            meeting.gather();
        }
        meeting.introduce();
        assert!(meeting.connect(SECOND).is_some());
        let (base, outside) = (
            SocketAddr::from(([192, 168, 1, 2], 5000)),
            SocketAddr::from(([198, 51, 100, 1], 5000)),
        );
        let kind = if asks_a_server {
            CandidateKind::ServerReflexive
        } else {
            CandidateKind::PeerReflexive
        };
        let agent = &meeting.host(meeting.a).agent;
        let seen: Vec<_> = agent
            .candidate_stats()
            .filter(|it| !it.is_remote && it.address == Some(outside))
            .map(|it| (it.candidate_type, it.related_address))
            .collect();
        assert_eq!(seen, [(kind, Some(base))]);
        let used = agent.pair_stats().find(|pair| pair.nominated).unwrap();
        assert_eq!((used.local_candidate_type, used.path.local), (kind, base));
        // It is not the candidate's to be paired or signalled.
        let signalled = |it: &Candidate| it.kind() == CandidateKind::PeerReflexive;
        assert!(!agent.local_candidates().any(signalled));
    }
}

#[test]
fn mappings_are_kept_alive_every_15_s_until_a_pair_is_selected() {
    let mut meeting = at_home(&NatConfig {
        timeout: 30 * SECOND,
        ..NatConfig::default()
    });
    meeting.gather();
    meeting.world.run_for(300 * SECOND);
    // Five minutes later the mapping still stands: the peer may take its time to answer.
    assert_eq!(meeting.stun_server().requests.len(), 2 * 20);
    assert_eq!(reflexive(&meeting.host(meeting.a).agent).len(), 1);
    meeting.introduce();
    assert!(meeting.connect(SECOND).is_some());
    let asked = meeting.stun_server().requests.len();
    meeting.world.run_for(60 * SECOND);
    assert_eq!(meeting.stun_server().requests.len(), asked);
}

#[test]
fn a_mapping_that_changed_is_noticed_by_the_keepalive() {
    let mut meeting = at_home(&NatConfig {
        ports: PortAssignment::Random,
        ..NatConfig::default()
    });
    meeting.gather();
    let gateway = meeting.gateways[0].unwrap();
    meeting.world.network().forget_mappings(gateway);
    meeting.world.run_for(16 * SECOND);
    let host = meeting.host(meeting.a);
    assert_eq!(reflexive(&host.agent).len(), 2);
    assert_eq!(count(&host.events, IS_REFLEXIVE), 2);
    assert_eq!(count(&host.events, IS_COMPLETE), 1);
}

#[test]
fn a_restart_asks_again() {
    let mut meeting = at_home(&NatConfig::default());
    meeting.gather();
    let now = meeting.world.now();
    let a = meeting.a;
    meeting.agent_mut(a).restart(now);
    meeting.world.run_for(SECOND);
    assert_eq!(meeting.stun_server().requests.len(), 3);
    assert_eq!(count(&meeting.host(a).events, IS_COMPLETE), 2);
}

#[test]
fn candidates_that_are_added_later_are_asked_about_too() {
    let mut meeting = at_home(&NatConfig::default());
    meeting.gather();
    let (now, a) = (meeting.world.now(), meeting.a);
    let second = Candidate::host(([192, 168, 1, 2], 6000).into());
    meeting
        .agent_mut(a)
        .add_local_candidate(now, second)
        .unwrap();
    meeting.world.run_for(SECOND);
    let agent = &meeting.host(a).agent;
    assert_eq!(reflexive(agent).len(), 2);
    let priorities: std::collections::BTreeSet<_> =
        agent.local_candidates().map(Candidate::priority).collect();
    assert_eq!(priorities.len(), 4, "distinct (RFC 8445 §5.1.2.1)");
}

#[test]
fn questions_are_paced_by_ta() {
    let mut meeting = Meeting::new(1, access(), [Site::Public, Site::Public]);
    let (now, a) = (meeting.world.now(), meeting.a);
    for port in 6000..6009 {
        let candidate = Candidate::host(([198, 51, 100, 1], port).into());
        meeting
            .agent_mut(a)
            .add_local_candidate(now, candidate)
            .unwrap();
    }
    meeting
        .agent_mut(a)
        .add_stun_server(now, STUN_SERVER.into())
        .unwrap();
    meeting.world.run_for(SECOND);
    let times: Vec<_> = meeting
        .stun_server()
        .requests
        .iter()
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(times.len(), 10);
    for two in times.windows(2) {
        assert_eq!(two[1] - two[0], Duration::from_millis(20));
    }
}

#[test]
fn servers_of_the_other_family_are_not_asked() {
    let mut meeting = at_home(&NatConfig::default());
    let (now, a) = (meeting.world.now(), meeting.a);
    let server = "[2001:db8::1]:3478".parse().unwrap();
    let agent = meeting.agent_mut(a);
    agent.add_stun_server(now, server).unwrap();
    assert_eq!(agent.poll_transmit(now, &mut Vec::new()), None);
    assert_eq!(agent.poll_timeout(), None);
}

#[test]
fn what_cannot_be_a_server_is_refused() {
    let now = netsim::epoch();
    let mut agent = host(1, avocet_ice::Role::Controlling, Mode::Full).agent;
    let mut add = |text: &str| agent.add_stun_server(now, text.parse().unwrap());
    for bad in ["0.0.0.0:1", "224.0.0.1:1", "192.0.2.1:0"] {
        assert_eq!(add(bad), Err(AddStunServerError::Address));
    }
    for port in 1..=4 {
        assert_eq!(add(&format!("192.0.2.1:{port}")), Ok(()));
    }
    assert_eq!(add("192.0.2.1:1"), Ok(()), "known already");
    assert_eq!(add("192.0.2.1:5"), Err(AddStunServerError::TooMany));
    agent.close(now);
    let server = STUN_SERVER.into();
    assert_eq!(
        agent.add_stun_server(now, server),
        Err(AddStunServerError::Closed)
    );
    let mut config = Config::new(seed(1));
    config.mode = Mode::Lite;
    let mut lite = Agent::new(config).unwrap();
    assert_eq!(
        lite.add_stun_server(now, server),
        Err(AddStunServerError::Lite)
    );
}

/// An agent with one question out.
fn asking() -> (Agent, Path, stun::TransactionId) {
    let now = netsim::epoch();
    let mut agent = host(1, avocet_ice::Role::Controlling, Mode::Full).agent;
    let base: SocketAddr = ([192, 168, 1, 2], 5000).into();
    agent
        .add_local_candidate(now, Candidate::host(base))
        .unwrap();
    agent.add_stun_server(now, STUN_SERVER.into()).unwrap();
    let mut buf = Vec::new();
    let path = agent.poll_transmit(now, &mut buf).unwrap().path;
    let request = Message::decode(&buf).unwrap();
    assert!(request.verify_fingerprint() && request.attributes().count() == 1);
    let id = request.transaction_id();
    (agent, path, id)
}

fn answer(agent: &mut Agent, path: Path, id: stun::TransactionId, mapped: &str) {
    let mut bytes = Vec::new();
    let mut message = MessageBuilder::new(&mut bytes, Class::Success, Method::BINDING, id);
    message.xor_mapped_address(mapped.parse().unwrap());
    message.finish().unwrap();
    agent.handle_datagram(netsim::epoch(), Datagram::new(path, &mut bytes));
}

#[test]
fn only_the_server_may_answer_and_only_what_was_asked() {
    let (mut agent, path, id) = asking();
    let mut elsewhere = path;
    elsewhere.remote.set_port(9);
    answer(&mut agent, elsewhere, id, "6.6.6.6:6");
    assert_eq!(agent.stats().asymmetric_responses, 1);
    let guessed = stun::TransactionId::new([6; 12]);
    answer(&mut agent, path, guessed, "6.6.6.6:6");
    assert!(reflexive(&agent).is_empty());
    answer(&mut agent, path, id, "192.0.2.9:9");
    // A second answer to the same question is nobody's.
    answer(&mut agent, path, id, "6.6.6.6:6");
    assert_eq!(reflexive(&agent), ["192.0.2.9:9".parse().unwrap()]);
}

#[test]
fn a_server_cannot_make_an_agent_announce_what_is_no_address() {
    for nonsense in [
        "0.0.0.0:7",
        "224.0.0.1:7",
        "255.255.255.255:7",
        "192.0.2.9:0",
    ] {
        let (mut agent, path, id) = asking();
        answer(&mut agent, path, id, nonsense);
        assert!(reflexive(&agent).is_empty(), "{nonsense}");
        assert_eq!(agent.poll_event(), Some(Event::GatheringComplete));
    }
}

#[test]
fn an_answer_with_a_wrong_fingerprint_is_as_if_it_had_never_come() {
    let (mut agent, path, id) = asking();
    let mut bytes = Vec::new();
    let mut message = MessageBuilder::new(&mut bytes, Class::Success, Method::BINDING, id);
    message.xor_mapped_address("192.0.2.9:9".parse().unwrap());
    message.fingerprint().finish().unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    agent.handle_datagram(netsim::epoch(), Datagram::new(path, &mut bytes));
    assert_eq!(agent.stats().dropped_fingerprint, 1);
    answer(&mut agent, path, id, "192.0.2.9:9");
    assert_eq!(reflexive(&agent).len(), 1);
}

#[test]
fn a_closed_agent_asks_no_more() {
    let mut meeting = at_home(&NatConfig::default());
    meeting.ask_stun_server();
    let (now, a) = (meeting.world.now(), meeting.a);
    let agent = meeting.agent_mut(a);
    agent.close(now);
    assert_eq!(agent.poll_transmit(now, &mut Vec::new()), None);
    assert_eq!(agent.poll_timeout(), None);
    assert_eq!(agent.state(), State::Closed);
}

#[test]
fn consent_checks_keep_the_mapping_of_the_selected_pair_alive() {
    // I-20. Less than half of the 30 s that impatient NATs give; consent checks go out every 4 to 6 s.
    let mut meeting = at_home(&NatConfig {
        timeout: 13 * SECOND,
        ..NatConfig::new(
            Mapping::EndpointIndependent,
            Filtering::AddressAndPortDependent,
        )
    });
    meeting.ask_stun_server();
    meeting.world.run_for(SECOND);
    meeting.introduce();
    assert!(meeting.connect(SECOND).is_some());
    meeting.world.run_for(600 * SECOND);
    for id in [meeting.a, meeting.b] {
        assert_eq!(meeting.host(id).agent.state(), State::Completed);
    }
}

#[test]
fn a_restart_finds_the_way_again_when_a_nat_with_a_strict_filter_was_restarted() {
    let config = NatConfig {
        ports: PortAssignment::Random,
        ..NatConfig::new(
            Mapping::EndpointIndependent,
            Filtering::AddressAndPortDependent,
        )
    };
    let mut meeting = at_home(&config);
    meeting.gather();
    meeting.introduce();
    assert!(meeting.connect(SECOND).is_some());
    let gateway = meeting.gateways[0].unwrap();
    meeting.world.network().forget_mappings(gateway);
    // Each side now sends where the other's filter lets nothing in: consent expires (RFC 7675 §5.1).
    meeting.world.run_for(40 * SECOND);
    for id in [meeting.a, meeting.b] {
        assert_eq!(meeting.host(id).agent.state(), State::Failed);
    }
    meeting.restart();
    meeting.world.run_for(SECOND);
    meeting.introduce();
    assert!(meeting.connect(SECOND).is_some());
}

#[test]
fn a_pair_survives_a_nat_that_forgets_its_mappings() {
    let config = NatConfig {
        ports: PortAssignment::Random,
        ..NatConfig::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent)
    };
    let mut meeting = at_home(&config);
    meeting.gather();
    meeting.introduce();
    assert!(meeting.connect(5 * SECOND).is_some());
    let gateway = meeting.gateways[0].unwrap();
    meeting.world.network().forget_mappings(gateway);
    // A's next consent check shows B the new address, and B follows (RFC 7675, RFC 8445 §7.3.1.3).
    meeting.world.run_for(60 * SECOND);
    for id in [meeting.a, meeting.b] {
        assert!(meeting.host(id).agent.best_path().is_some());
        assert_eq!(meeting.host(id).agent.state(), State::Completed);
    }
}

/// I-11: the priority of a valid pair is that of the candidates which the two sides see (RFC 8445 §7.2.5.3.2), so both
/// know the pair by the same number.
#[test]
fn a_valid_pair_has_the_priority_of_its_reflexive_candidates_on_both_sides() {
    for asks_a_server in [false, true] {
        for a_is_at_home in [true, false] {
            let nat = || Site::Behind(NatConfig::default());
            let sites = match a_is_at_home {
                true => [nat(), Site::Public],
                false => [Site::Public, nat()],
            };
            let mut meeting = Meeting::new(1, access(), sites);
            if asks_a_server {
                meeting.gather();
            }
            meeting.introduce();
            assert!(meeting.connect(SECOND).is_some());
            let pairs = [meeting.a, meeting.b].map(|id| {
                let agent = &meeting.host(id).agent;
                agent.pair_stats().find(|pair| pair.nominated).unwrap()
            });
            let reflexive: u64 = if asks_a_server { 100 } else { 110 };
            let low = 65_535 << 8 | 255;
            let (host, seen) = (126 << 24 | low, reflexive << 24 | low);
            let controlling_is_host = u64::from(!a_is_at_home);
            let expected = (seen << 32) + 2 * host + controlling_is_host;
            let priorities = pairs.map(|pair| pair.priority);
            // A server-reflexive candidate comes after the host candidate of the same base, so its local preference
            // need not differ.
            assert_eq!(priorities, [expected; 2], "{asks_a_server} {a_is_at_home}");
        }
    }
}
