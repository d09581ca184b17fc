//! TCP candidates (RFC 6544): who opens streams, how many, and what goes over them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use avocet_ice::{Agent, Candidate, Event, Mode, PairState, Role, State, StreamFact, TcpType};
use net::{Path, StreamId, Transport};
use netsim::{ADDRESS_A, ADDRESS_B};
use support::talk::Talk;
use support::{deliver, drain, host};

fn over_tcp() -> Talk {
    let mut talk = Talk::new();
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(0, Candidate::tcp_host(ADDRESS_A, TcpType::Active));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.add(1, Candidate::tcp_host(ADDRESS_B, TcpType::Passive));
    talk
}

fn stream_states(agent: &Agent) -> Vec<PairState> {
    let streams = agent
        .pair_stats()
        .filter(|pair| pair.path.transport != Transport::Udp);
    streams.map(|pair| pair.state).collect()
}

/// When the stream of [`over_tcp`] is asked for: the pair of datagrams goes first.
const STREAM_TURN: Duration = Duration::from_millis(20);

/// RFC 6544 §6.2: who only listens opens nothing, and forms no pairs with who only listens, too.
#[test]
fn two_sides_that_listen_form_no_pair_and_open_nothing() {
    let mut talk = Talk::new();
    talk.add(0, Candidate::tcp_host(ADDRESS_A, TcpType::Passive));
    talk.add(1, Candidate::tcp_host(ADDRESS_B, TcpType::Passive));
    talk.introduce();
    talk.run(100);
    assert_eq!(talk.streams, 0);
    for agent in &talk.agents {
        assert_eq!(agent.pair_stats().count(), 0);
    }
}

/// I-27: eight streams are opened at a time, the others wait for their turn.
#[test]
fn a_list_of_listeners_has_eight_streams_opened_at_a_time() {
    let mut talk = Talk::new();
    talk.add(0, Candidate::tcp_host(ADDRESS_A, TcpType::Active));
    let now = talk.now;
    let credentials = talk.agents[1].local_credentials().clone();
    let agent = &mut talk.agents[0];
    agent.set_remote_credentials(now, credentials, Mode::Full);
    for port in 1..=20 {
        let line = format!("1 1 tcp 1000 10.0.0.9 {port} typ host tcptype passive");
        agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    let mut at = now;
    let mut asked = |agent: &mut Agent| {
        for _ in 0..50 {
            at += Duration::from_millis(20);
            agent.handle_timeout(at);
        }
        let opened = std::iter::from_fn(|| agent.poll_event()).filter_map(|event| match event {
            Event::OpenStream { local, remote } => Some((local, remote)),
            _ => None,
        });
        (at, opened.collect::<Vec<_>>())
    };
    let (at, opened) = asked(agent);
    assert_eq!(opened.len(), 8);
    for (local, remote) in opened.into_iter().take(3) {
        agent.on_stream(at, StreamFact::Refused { local, remote });
    }
    assert_eq!(asked(agent).1.len(), 3);
}

/// RFC 8489 §6.2.2: over a stream a request is sent once, and waited for 39.5 s.
#[test]
fn a_check_over_a_stream_is_sent_once() {
    let mut talk = over_tcp();
    talk.introduce();
    let mut now = talk.now;
    let agent = &mut talk.agents[0];
    let mut sent = 0;
    let mut failed = None;
    loop {
        while let Some(event) = agent.poll_event() {
            if let Event::OpenStream { local, remote } = event {
                let path = Path {
                    local: SocketAddr::new(local, 40_000),
                    remote,
                    transport: Transport::Stream(StreamId::new(1)),
                };
                agent.on_stream(now, StreamFact::Opened(path));
            }
        }
        let checks = drain(agent, now);
        sent += checks
            .iter()
            .filter(|(path, _)| path.transport != Transport::Udp)
            .count();
        if stream_states(agent) == [PairState::Failed] {
            failed.get_or_insert(now);
        }
        let Some(at) = agent.poll_timeout() else {
            break;
        };
        now = at.max(now);
        agent.handle_timeout(now);
    }
    assert_eq!(sent, 1);
    let after = failed.unwrap() - talk.now - STREAM_TURN;
    assert_eq!(after, Duration::from_millis(39_500));
}

/// I-29
#[test]
fn a_stream_connects_where_datagrams_do_not_pass() {
    let mut talk = over_tcp();
    talk.introduce();
    talk.run(40);
    let path = talk.agents[0].best_path().unwrap();
    assert!(matches!(path.transport, Transport::Stream(_)));
    assert_eq!(talk.agents[1].best_path(), Some(path.reversed()));
    for side in [0, 1] {
        let is_selected = |event: &Event| matches!(event, Event::Selected { .. });
        assert!(talk.events[side].iter().any(is_selected), "{side}");
    }
    // Consent goes over the stream, too.
    talk.run(6_000);
    assert_eq!(talk.agents[0].best_path(), Some(path));
    assert_eq!(talk.streams, 1);
}

/// I-29
#[test]
fn the_controlled_side_may_be_the_one_that_opens_the_stream() {
    let mut talk = Talk::new();
    talk.add(1, Candidate::tcp_host(ADDRESS_B, TcpType::Active));
    talk.add(0, Candidate::tcp_host(ADDRESS_A, TcpType::Passive));
    talk.introduce();
    talk.run(40);
    let path = talk.agents[0].best_path().unwrap();
    assert_eq!(talk.agents[1].best_path(), Some(path.reversed()));
}

/// I-29: RFC 6544 §4.2
#[test]
fn datagrams_are_preferred_to_streams() {
    let mut talk = over_tcp();
    talk.carries_udp = true;
    let priority = |talk: &Talk, is_udp: bool| {
        let mut candidates = talk.agents[0].local_candidates();
        let of =
            |it: &&Candidate| (it.transport() == avocet_ice::CandidateTransport::Udp) == is_udp;
        candidates.find(of).unwrap().priority()
    };
    assert!(priority(&talk, true) > priority(&talk, false));
    talk.introduce();
    talk.run(100);
    assert_eq!(
        talk.agents[0].best_path().unwrap().transport,
        Transport::Udp
    );
    let line = talk.agents[0]
        .local_candidates()
        .nth(1)
        .unwrap()
        .to_string();
    assert!(
        line.ends_with("10.0.0.1 9 typ host tcptype active"),
        "{line}"
    );
}

#[test]
fn a_stream_that_is_refused_fails_its_pair_and_one_that_never_opens_is_given_up() {
    let mut talk = over_tcp();
    talk.refuses_streams = true;
    talk.introduce();
    talk.run(100);
    assert_eq!(stream_states(&talk.agents[0]), [PairState::Failed]);

    let mut silent = over_tcp();
    silent.introduce();
    let agent = &mut silent.agents[0];
    let mut now = silent.now;
    let mut gave_up = None;
    let dialled = now + STREAM_TURN;
    drain(agent, now);
    while let Some(at) = agent.poll_timeout() {
        assert!(at > now);
        now = at;
        agent.handle_timeout(now);
        drain(agent, now);
        if stream_states(agent) == [PairState::Failed] {
            gave_up.get_or_insert(now - dialled);
        }
    }
    assert_eq!(gave_up, Some(Duration::from_secs(10)));
    assert_eq!(agent.state(), State::Failed);
}

#[test]
fn a_stream_that_breaks_is_opened_again() {
    let mut talk = over_tcp();
    talk.introduce();
    talk.run(40);
    let path = talk.agents[0].best_path().unwrap();
    for (side, path) in [(0, path), (1, path.reversed())] {
        let now = talk.now;
        talk.agents[side].on_stream(now, StreamFact::Closed(path));
    }
    assert_eq!(talk.states(), [State::Checking; 2]);
    talk.run(300);
    let again = talk.agents[0].best_path().unwrap();
    assert_ne!(again, path);
    assert_eq!(talk.agents[1].best_path(), Some(again.reversed()));
}

#[test]
fn streams_that_nobody_asked_for_are_closed_and_strangers_on_streams_are_nobody() {
    let mut talk = over_tcp();
    talk.introduce();
    let path = Path {
        local: ADDRESS_A,
        remote: ([10, 0, 0, 99], 80).into(),
        transport: Transport::Stream(StreamId::new(77)),
    };
    let now = talk.now;
    talk.agents[0].on_stream(now, StreamFact::Opened(path));
    let events: Vec<_> = std::iter::from_fn(|| talk.agents[0].poll_event()).collect();
    assert!(events.contains(&Event::CloseStream(path)));
    let mut udp_only = host(9, Role::Controlled, Mode::Full);
    udp_only
        .agent
        .add_local_candidate(now, Candidate::host(ADDRESS_B))
        .unwrap();
    deliver(&mut udp_only.agent, now, path, b"anything");
    assert_eq!(udp_only.agent.stats().dropped_policy, 1);
}

#[test]
fn closing_closes_the_streams() {
    let mut talk = over_tcp();
    talk.introduce();
    talk.run(40);
    let path = talk.agents[0].best_path().unwrap();
    let now = talk.now;
    talk.agents[0].close(now);
    let events: Vec<_> = std::iter::from_fn(|| talk.agents[0].poll_event()).collect();
    assert!(events.contains(&Event::CloseStream(path)));
}
