//! Candidates, the pairs that they form, and the order in which these are checked (RFC 8445 §5.1, §6.1).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_ice::{
    AddCandidateError, Agent, Candidate, Config, ConfigError, Credentials, Mode, PairState, Role,
    State, TcpType,
};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use stun::{Class, ErrorCode, Message, MessageBuilder, Method, TransactionId};
use support::*;

const TA: Duration = Duration::from_millis(20);

/// An agent whose peer is played by the test, and the peer's credentials.
fn agent_and_peer(role: Role, locals: &[SocketAddr]) -> (Agent, Agent) {
    let now = netsim::epoch();
    let mut agent = host(300, role, Mode::Full).agent;
    let peer = host(301, role.opposite(), Mode::Full).agent;
    for local in locals {
        agent
            .add_local_candidate(now, Candidate::host(*local))
            .unwrap();
    }
    agent.set_remote_credentials(now, peer.local_credentials().clone(), Mode::Full);
    (agent, peer)
}

fn remote(priority: u32, port: u16) -> Candidate {
    format!("1 1 udp {priority} 10.0.0.9 {port} typ host")
        .parse()
        .unwrap()
}

fn far(port: u16) -> SocketAddr {
    ([10, 0, 0, 9], port).into()
}

fn four_addresses() -> [SocketAddr; 4] {
    [1, 2, 3, 4].map(|last| ([10, 0, 0, last], 5_000).into())
}

fn requests(sent: Vec<(Path, Vec<u8>)>) -> Vec<(Path, Vec<u8>)> {
    let is_check = |(_, bytes): &(Path, Vec<u8>)| is_request(bytes);
    sent.into_iter().filter(is_check).collect()
}

fn id_of(bytes: &[u8]) -> TransactionId {
    Message::decode(bytes).unwrap().transaction_id()
}

/// I-1: the hook for the cost of an interface, a VPN, or RFC 8421.
#[test]
fn a_local_preference_decides_among_candidates_of_a_kind() {
    let address = ADDRESS_A;
    let preferred = Candidate::host(address).with_local_preference(1_000);
    assert_eq!(preferred.priority(), 126 << 24 | 1_000 << 8 | 255);
    let reflexive = Candidate::server_reflexive(ADDRESS_B, address).with_local_preference(7);
    assert_eq!(reflexive.priority(), 100 << 24 | 7 << 8 | 255);
    // RFC 6544 §4.2: the direction takes the upper three bits of it.
    for (kind, direction) in [(TcpType::Active, 6), (TcpType::Passive, 4)] {
        let tcp = Candidate::tcp_host(address, kind).with_local_preference(7);
        assert_eq!(
            tcp.priority(),
            90 << 24 | (direction << 13 | 7) << 8 | 255,
            "{kind:?}"
        );
    }

    let now = netsim::epoch();
    let (mut agent, _) = agent_and_peer(Role::Controlling, &[]);
    let wired: SocketAddr = ([10, 0, 1, 1], 5_000).into();
    for (base, preference) in [(ADDRESS_A, 10), (wired, 20)] {
        let candidate = Candidate::host(base).with_local_preference(preference);
        agent.add_local_candidate(now, candidate).unwrap();
    }
    agent
        .add_remote_candidate(now, remote(2_130_706_431, 1))
        .unwrap();
    assert_eq!(drain(&mut agent, now)[0].0, Path::udp(wired, far(1)));
}

/// I-5: RFC 8445 §5.1.1.3
#[test]
fn foundations_are_equal_for_equal_kind_transport_address_and_server() {
    let at = |last: u8, port: u16| SocketAddr::from(([10, 0, 0, last], port));
    let outside = ([198, 51, 100, 1], 9).into();
    let host = Candidate::host(at(1, 1));
    assert_eq!(
        host.foundation(),
        Candidate::host(at(1, 2)).foundation(),
        "the port does not matter"
    );
    let reflexive =
        |server: [u8; 4]| Candidate::server_reflexive(outside, at(1, 1)).from_server(server.into());
    let all = [
        host,
        Candidate::host(at(2, 1)),
        Candidate::tcp_host(at(1, 1), TcpType::Passive),
        reflexive([203, 0, 113, 1]),
        reflexive([203, 0, 113, 2]),
        Candidate::relayed(outside, at(1, 1)),
    ];
    let foundations: BTreeSet<_> = all.iter().map(Candidate::foundation).collect();
    assert_eq!(foundations.len(), all.len(), "{foundations:?}");
    assert_eq!(
        reflexive([203, 0, 113, 1]).foundation(),
        reflexive([203, 0, 113, 1]).foundation()
    );
    assert!(foundations.iter().all(|it| it.len() <= 32));
}

/// I-5: with one component nothing is frozen, also where a peer gives several addresses one foundation: with RFC 8445
/// §6.1.4.2 the second one here would be asked when the first had been silent for 39.5 s.
#[test]
fn pairs_of_one_foundation_do_not_wait_for_each_other() {
    let now = netsim::epoch();
    let (mut agent, _) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    for port in [1, 2] {
        let candidate = remote(2_130_706_431 - u32::from(port), port);
        assert_eq!(candidate.foundation(), "1");
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    assert_eq!(drain(&mut agent, now)[0].0.remote, far(1));
    let later = now + TA;
    agent.handle_timeout(later);
    assert_eq!(drain(&mut agent, later)[0].0.remote, far(2));
}

/// I-4: RFC 8445 §6.1.2.4
#[test]
fn a_reflexive_local_candidate_makes_no_pair_beside_that_of_its_base() {
    let now = netsim::epoch();
    let (mut agent, _) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    let reflexive = Candidate::server_reflexive(([198, 51, 100, 1], 9).into(), ADDRESS_A);
    agent.add_local_candidate(now, reflexive).unwrap();
    agent
        .add_remote_candidate(now, remote(2_130_706_431, 1))
        .unwrap();
    let paths: Vec<_> = agent.pair_stats().map(|pair| pair.path).collect();
    assert_eq!(paths, [Path::udp(ADDRESS_A, far(1))]);
    // The better end is kept.
    let priority = agent.pair_stats().next().unwrap().priority;
    assert_eq!(priority >> 32, 2_130_706_431);
}

/// I-4: the least of those that were not checked yet give way.
#[test]
fn at_the_cap_better_pairs_take_the_place_of_lesser_ones() {
    let now = netsim::epoch();
    let (mut agent, _) = agent_and_peer(Role::Controlling, &four_addresses());
    for port in 1..=64 {
        let candidate = remote(2_130_000_000 + u32::from(port), port);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    let pairs: Vec<_> = agent.pair_stats().collect();
    assert_eq!(pairs.len(), 100);
    // The first one was the best when its check began; of the others the best are left.
    let (checked, waiting): (Vec<_>, Vec<_>) = pairs
        .into_iter()
        .partition(|pair| pair.state == PairState::InProgress);
    assert_eq!(checked.len(), 1);
    assert!(waiting.iter().all(|pair| pair.path.remote.port() >= 40));
}

/// I-4: a pair that works is never the one that goes, and what a check shows finds room.
#[test]
fn at_the_cap_a_learned_pair_takes_the_place_of_a_guess() {
    let mut now = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlling, &four_addresses());
    agent.add_remote_candidate(now, remote(5, 1)).unwrap();
    let (path, check) = drain(&mut agent, now).remove(0);
    let answer = success(&check, &peer.local_credentials().pwd, path.local);
    deliver(&mut agent, now, path, &answer);
    for port in 2..=64 {
        let candidate = remote(2_130_000_000 + u32::from(port), port);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    now += TA;
    let stranger = Path::udp(four_addresses()[0], ([192, 0, 2, 66], 6).into());
    let bytes = Forgery::genuine(&agent, &peer).bytes();
    deliver(&mut agent, now, stranger, &bytes);
    assert_eq!(agent.pair_stats().count(), 100);
    assert!(agent.pair_stats().any(|pair| pair.path == stranger));
    let valid = agent
        .pair_stats()
        .find(|pair| pair.state == PairState::Succeeded);
    assert_eq!(valid.map(|pair| pair.path), Some(path));
}

/// I-37, I-04 of the catalogue: however cunningly a list is served, it aims at most 100 times 7 packets, no two of them
/// closer than Ta unless one is a repetition.
#[test]
fn i04_a_list_that_comes_slowly_costs_no_more_than_a_hundred_pairs_and_seven_packets_each() {
    let mut now = netsim::epoch();
    let (mut agent, _) = agent_and_peer(Role::Controlling, &four_addresses());
    let mut sent: Vec<(Instant, Path, TransactionId)> = Vec::new();
    let mut step = |agent: &mut Agent, until: Instant, now: &mut Instant| {
        loop {
            for (path, bytes) in drain(agent, *now) {
                sent.push((*now, path, id_of(&bytes)));
            }
            match agent.poll_timeout().filter(|at| *at <= until) {
                Some(at) => *now = at,
                None => break,
            }
            agent.handle_timeout(*now);
        }
        *now = until;
    };
    for port in 1..=64 {
        let candidate = remote(2_130_000_000 + u32::from(port), port);
        if agent.add_remote_candidate(now, candidate).is_err() {
            // Its patience is counted from the last pair that there was room for.
            assert_eq!(agent.state(), State::Failed);
            break;
        }
        let until = now + Duration::from_secs(3);
        step(&mut agent, until, &mut now);
    }
    let until = now + Duration::from_secs(600);
    step(&mut agent, until, &mut now);
    assert_eq!(agent.state(), State::Failed);
    let paths: BTreeSet<_> = sent.iter().map(|(_, path, _)| path.to_string()).collect();
    assert!(paths.len() <= 100, "{}", paths.len());
    assert!(sent.len() <= 700, "{}", sent.len());
    let mut known = Vec::new();
    let firsts: Vec<_> = sent
        .iter()
        .filter(|(_, _, id)| {
            !known.contains(id) && {
                known.push(*id);
                true
            }
        })
        .map(|(at, ..)| *at)
        .collect();
    assert!(firsts.windows(2).all(|two| two[1] - two[0] >= TA));
}

/// I-4, I-6: what cannot be configured.
#[test]
fn a_configuration_beyond_its_bounds_is_refused() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config::new(seed(1));
        change(&mut config);
        Agent::new(config).err()
    };
    const fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }
    assert_eq!(refused(|config| config.ta = ms(5)), None);
    assert_eq!(refused(|config| config.ta = ms(4)), Some(ConfigError::Ta));
    assert_eq!(refused(|config| config.max_pairs = 1), None);
    for max_pairs in [0, 101] {
        let mut config = Config::new(seed(1));
        config.max_pairs = max_pairs;
        assert_eq!(Agent::new(config).err(), Some(ConfigError::MaxPairs));
    }
    let rto = refused(|config| config.initial_rto = ms(49));
    assert_eq!(rto, Some(ConfigError::InitialRto));
    let patience = refused(|config| config.patience = ms(999));
    assert_eq!(patience, Some(ConfigError::Patience));
    let hint = refused(|config| config.disconnected_after = ms(26_000));
    assert_eq!(hint, Some(ConfigError::DisconnectedAfter));
}

#[test]
fn fewer_pairs_than_a_hundred_may_be_asked_for() {
    let now = netsim::epoch();
    let mut config = Config::new(seed(1));
    config.max_pairs = 3;
    let mut agent = Agent::new(config).unwrap();
    let local = Candidate::host(ADDRESS_A);
    agent.add_local_candidate(now, local).unwrap();
    let credentials = Credentials::new("h6vY", "VOkJxbRl1RmTxUk/WvJxBt").unwrap();
    agent.set_remote_credentials(now, credentials, Mode::Full);
    for port in 1..=9 {
        let candidate = remote(2_130_000_000 - u32::from(port), port);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    assert_eq!(agent.pair_stats().count(), 3);
    assert_eq!(agent.stats().pairs_refused, 6);
}

/// I-7: RFC 8445 §6.1.4.2 step 1
#[test]
fn a_triggered_check_goes_before_all_that_wait() {
    let now = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    for port in 1..=20 {
        let candidate = remote(2_130_000_000 - u32::from(port), port);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    assert_eq!(drain(&mut agent, now)[0].0.remote, far(1));
    let last = Path::udp(ADDRESS_A, far(20));
    let bytes = Forgery::genuine(&agent, &peer).bytes();
    deliver(&mut agent, now, last, &bytes);
    let sent = drain(&mut agent, now);
    assert_eq!(sent.len(), 1, "the answer; the check keeps the pace");
    let later = now + TA;
    agent.handle_timeout(later);
    assert_eq!(requests(drain(&mut agent, later))[0].0, last);
}

/// I-7: RFC 8445 §7.3.1.4
#[test]
fn a_check_on_a_pair_that_works_triggers_none() {
    let mut pair = connected(Profile::Clean, 310);
    let now = pair.now();
    let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    let agent = &mut pair.b_mut().agent;
    for _ in 0..10 {
        deliver(agent, now, path_of_a().reversed(), &bytes);
    }
    let later = now + TA;
    agent.handle_timeout(later);
    let sent = drain(agent, later);
    assert_eq!((sent.len(), requests(sent).len()), (10, 0));
}

/// I-7: the check in progress is given up for a new one, but its answer counts.
#[test]
fn a_check_on_a_pair_in_progress_is_asked_back_at_once_and_the_old_answer_still_counts() {
    for old_answer in [true, false] {
        let now = netsim::epoch();
        let (mut agent, peer) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
        agent
            .add_remote_candidate(now, remote(2_130_706_431, 1))
            .unwrap();
        let (path, first) = drain(&mut agent, now).remove(0);
        let later = now + Duration::from_millis(30);
        let bytes = Forgery::genuine(&agent, &peer).bytes();
        deliver(&mut agent, later, path, &bytes);
        let again = requests(drain(&mut agent, later));
        assert_eq!(again.len(), 1, "half a second before its time");
        assert_ne!(id_of(&again[0].1), id_of(&first));
        let answered = if old_answer { &first } else { &again[0].1 };
        let answer = success(answered, &peer.local_credentials().pwd, ADDRESS_A);
        let mut at = later + TA;
        deliver(&mut agent, at, path, &answer);
        let state = agent.pair_stats().next().unwrap().state;
        assert_eq!(state, PairState::Succeeded, "{old_answer}");
        // Neither is sent again.
        let end = at + Duration::from_secs(3);
        while let Some(next) = agent.poll_timeout().filter(|next| *next < end) {
            at = next;
            agent.handle_timeout(at);
            for (_, bytes) in drain(&mut agent, at) {
                assert!(![id_of(&first), id_of(&again[0].1)].contains(&id_of(&bytes)));
            }
        }
    }
}

/// I-7
#[test]
fn a_check_on_a_pair_that_failed_revives_it() {
    let now = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    agent
        .add_remote_candidate(now, remote(2_130_706_431, 1))
        .unwrap();
    let (path, check) = drain(&mut agent, now).remove(0);
    // The answer comes on another path.
    let answer = success(&check, &peer.local_credentials().pwd, ADDRESS_A);
    deliver(&mut agent, now, Path::udp(ADDRESS_A, far(2)), &answer);
    assert_eq!(agent.pair_stats().next().unwrap().state, PairState::Failed);
    let later = now + TA;
    let bytes = Forgery::genuine(&agent, &peer).bytes();
    deliver(&mut agent, later, path, &bytes);
    assert_eq!(requests(drain(&mut agent, later))[0].0, path);
}

/// I-8: as many as there are are answered, 32 are remembered.
#[test]
fn early_checks_are_all_answered_and_thirty_two_remembered() {
    let mut pair = strangers(Profile::Clean, 311, FULL);
    let now = pair.now();
    let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    let agent = &mut pair.b_mut().agent;
    let path = |port| Path::udp(ADDRESS_B, far(port));
    for port in 1..=100 {
        deliver(agent, now, path(port), &bytes);
        let sent = drain(agent, now);
        assert_eq!(sent.len(), 1);
        let answer = Message::decode(&sent[0].1).unwrap();
        assert_eq!(answer.class(), Class::Success);
        assert_eq!(answer.xor_mapped_address(), Ok(Some(far(port))));
    }
    let proved = (1..=100).filter(|port| agent.is_proved(&path(*port)));
    assert_eq!(proved.count(), 32);
    assert_eq!(agent.pair_stats().count(), 0);
    assert_eq!(agent.poll_timeout(), None);
}

/// I-9: RFC 8445 §7.3.1.1
#[test]
fn a_switch_of_roles_recomputes_the_priorities() {
    let now = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    agent.add_remote_candidate(now, remote(1_000, 1)).unwrap();
    let ours = u64::from(Candidate::host(ADDRESS_A).priority());
    let formula = |is_ours_larger_g: u64| (1_000 << 32) + 2 * ours + is_ours_larger_g;
    let priority = |agent: &Agent| agent.pair_stats().next().unwrap().priority;
    assert_eq!(priority(&agent), formula(1));
    let mut check = Forgery::genuine(&agent, &peer);
    check.role = Some((Role::Controlling, u64::MAX));
    deliver(
        &mut agent,
        now,
        Path::udp(ADDRESS_A, far(1)),
        &check.bytes(),
    );
    assert_eq!(agent.role(), Role::Controlled);
    assert_eq!(priority(&agent), formula(0));
}

/// I-9: what still names the credentials of before a restart, or is played again from then, settles no role of now.
#[test]
fn a_check_of_before_a_restart_settles_no_role() {
    let mut pair = connected(Profile::Clean, 312);
    let now = pair.now();
    let mut check = Forgery::genuine(&pair.a().agent, &pair.b().agent);
    check.role = Some((Role::Controlling, u64::MAX));
    let agent = &mut pair.a_mut().agent;
    agent.restart(now);
    deliver(agent, now, path_of_a(), &check.bytes());
    assert_eq!(agent.role(), Role::Controlling);
    let sent = drain(agent, now);
    assert_eq!(Message::decode(&sent[0].1).unwrap().class(), Class::Success);
}

/// I-25: RFC 8445 §5.2
#[test]
fn a_lite_agent_has_one_host_candidate_of_a_family_and_no_others() {
    let now = netsim::epoch();
    let mut lite = host(320, Role::Controlled, Mode::Lite).agent;
    let mut add = |candidate| lite.add_local_candidate(now, candidate);
    let six: SocketAddr = "[2001:db8::1]:5000".parse().unwrap();
    let second = ([10, 0, 0, 7], 5_000).into();
    assert_eq!(add(Candidate::host(ADDRESS_A)), Ok(()));
    assert_eq!(add(Candidate::host(ADDRESS_A)), Ok(()), "the same again");
    assert_eq!(
        add(Candidate::host(second)),
        Err(AddCandidateError::TooMany)
    );
    assert_eq!(add(Candidate::host(six)), Ok(()));
    assert_eq!(
        add(Candidate::tcp_host(ADDRESS_A, TcpType::Passive)),
        Ok(())
    );
    for other in [
        Candidate::server_reflexive(second, ADDRESS_A),
        Candidate::relayed(second, ADDRESS_A),
    ] {
        assert_eq!(add(other), Err(AddCandidateError::Lite));
    }
    assert_eq!(lite.local_candidates().count(), 3);
}

/// I-25: 487 is said to one that would be controlled by a lite agent, which cannot be, and to nobody else.
#[test]
fn a_lite_agent_answers_487_only_to_one_that_would_be_controlled() {
    for (role, code) in [
        (None, None),
        (Some((Role::Controlling, 0)), None),
        (Some((Role::Controlling, u64::MAX)), None),
        (Some((Role::Controlled, 0)), Some(ErrorCode::ROLE_CONFLICT)),
        (
            Some((Role::Controlled, u64::MAX)),
            Some(ErrorCode::ROLE_CONFLICT),
        ),
    ] {
        let mut pair = acquainted(Profile::Clean, 321, (Mode::Full, Mode::Lite));
        let now = pair.now();
        let mut check = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        check.role = role;
        let lite = &mut pair.b_mut().agent;
        deliver(lite, now, path_of_a().reversed(), &check.bytes());
        let sent = drain(lite, now);
        let answer = Message::decode(&sent[0].1).unwrap();
        assert_eq!(answer.error_code(), Ok(code), "{role:?}");
        assert_eq!(lite.role(), Role::Controlled);
    }
}

/// S-18 of the catalogue: nobody who did not authenticate is told more than he said.
#[test]
fn s18_the_shortest_of_bad_requests_are_not_answered_with_more() {
    let mut pair = connected(Profile::Clean, 322);
    let now = pair.now();
    let agent = &mut pair.b_mut().agent;
    let mut answered = 0;
    for length in (0..64).step_by(4) {
        let mut bytes = Vec::new();
        let id = TransactionId::new([5; 12]);
        let mut builder = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id);
        if length > 0 {
            let kind = stun::AttributeType(0x8022);
            builder.attribute(kind, &[b'x'; 64][..length - 4]);
        }
        builder.fingerprint().finish().unwrap();
        let path = Path::udp(ADDRESS_B, ([198, 51, 100, 1], 1_000).into());
        let at = now + Duration::from_millis(300) * u32::try_from(length).unwrap();
        deliver(agent, at, path, &bytes);
        for (_, answer) in drain(agent, at) {
            if !is_request(&answer) {
                assert!(
                    answer.len() <= bytes.len(),
                    "{} for {}",
                    answer.len(),
                    bytes.len()
                );
                answered += 1;
            }
        }
    }
    assert!(answered > 5, "{answered}");
}

/// I-7: RFC 8445 §7.3.1.4. A pair that the peer has chosen waits for our own check alone, so that is made at once, and
/// again as soon as the round trip of another pair allows, not half a second later.
#[test]
fn a_pair_that_the_peer_has_chosen_is_checked_at_once_and_in_its_round_trip() {
    let mut now = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlled, &[ADDRESS_A]);
    for port in [1, 2] {
        let candidate = remote(2_130_000_000 - u32::from(port), port);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    let (path, check) = drain(&mut agent, now).remove(0);
    now += Duration::from_millis(60);
    let answer = success(&check, &peer.local_credentials().pwd, path.local);
    deliver(&mut agent, now, path, &answer);
    // Their check on the other path, and ours in answer to it, which is lost.
    let chosen = Path::udp(ADDRESS_A, far(2));
    let mut check = Forgery::genuine(&agent, &peer);
    deliver(&mut agent, now, chosen, &check.bytes());
    now += TA;
    agent.handle_timeout(now);
    let lost = requests(drain(&mut agent, now));
    assert_eq!(lost.last().map(|(path, _)| *path), Some(chosen));
    now += TA;
    check.use_candidate = true;
    check.id = 2;
    deliver(&mut agent, now, chosen, &check.bytes());
    let again = requests(drain(&mut agent, now));
    assert_eq!(again.len(), 1);
    assert_ne!(id_of(&again[0].1), id_of(&lost[lost.len() - 1].1));
    // A nomination that is repeated, or played again, causes no more.
    check.id = 3;
    deliver(&mut agent, now, chosen, &check.bytes());
    now += TA;
    agent.handle_timeout(now);
    let more = requests(drain(&mut agent, now));
    assert_eq!(more, []);
    let next = agent.poll_timeout().unwrap();
    assert_eq!(next - (now - TA), Duration::from_millis(120));
    agent.handle_timeout(next);
    assert_eq!(requests(drain(&mut agent, next)), again, "the same bytes");
}

/// I-37, S-18 of the catalogue: whoever plays a request of the peer again, from an address that does not answer, gets
/// this side to send one answer for each and ten checks a second, no two within 100 ms.
#[test]
fn a_request_that_is_played_again_and_again_costs_ten_checks_a_second() {
    let start = netsim::epoch();
    let (mut agent, peer) = agent_and_peer(Role::Controlling, &[ADDRESS_A]);
    let path = Path::udp(ADDRESS_A, far(1));
    agent
        .add_remote_candidate(start, remote(2_130_706_431, 1))
        .unwrap();
    let bytes = Forgery::genuine(&agent, &peer).bytes();
    let mut times = Vec::new();
    for number in 0..1_500 {
        let now = start + Duration::from_millis(20) * number;
        agent.handle_timeout(now);
        deliver(&mut agent, now, path, &bytes);
        times.extend(requests(drain(&mut agent, now)).iter().map(|_| now));
    }
    // The first one was cancelled by the first request.
    assert!(times.len() <= 301, "{}", times.len());
    assert!(times[1..].windows(2).all(|two| two[1] - two[0] >= 5 * TA));
}
