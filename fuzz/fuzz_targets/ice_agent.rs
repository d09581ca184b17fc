//! Two agents under commands, damaged and replayed datagrams, and any order of polls and instants.
#![no_main]

use std::time::{Duration, Instant};

use ice::path_mtu::PathMtuConfig;
use ice::{Agent, Candidate, Config, InterfaceFact, Mode, Role, StreamFact, TcpType};
use net::{Datagram, Path, StreamId, Transport};

/// Kinds of steps.
const VERBS: u8 = 30;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let start = netsim::epoch();
    let addresses = [([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into()];
    let mut agents = [0_u8, 1].map(|number| {
        let mut config = Config::new([number; 32]);
        config.role = if number == 0 { Role::Controlling } else { Role::Controlled };
        config.path_mtu = Some(PathMtuConfig::default());
        config.transmit_counter = number == 1;
        let mut agent = Agent::new(config).expect("the defaults are valid");
        let candidate = Candidate::host(addresses[usize::from(number)]);
        agent.add_local_candidate(start, candidate).expect("there is room");
        agent
    });
    let mut now = start;
    let mut sent: Vec<(usize, Path, Vec<u8>)> = Vec::new();
    let mut steps = script.iter().copied();
    while let (Some(verb), Some(argument)) = (steps.next(), steps.next()) {
        let side = usize::from(verb & 1);
        step(verb >> 1, argument, side, &mut now, &mut agents, &mut sent);
        for agent in &agents {
            assert!(agent.pair_stats().count() <= 100);
        }
        sent.truncate(64);
    }
    for agent in &mut agents {
        let deadline = agent.poll_timeout().unwrap_or(now).max(now);
        agent.handle_timeout(deadline);
        assert!(agent.poll_timeout().is_none_or(|next| next > deadline));
    }
});

fn step(
    verb: u8,
    argument: u8,
    side: usize,
    now: &mut Instant,
    agents: &mut [Agent; 2],
    sent: &mut Vec<(usize, Path, Vec<u8>)>,
) {
    let other = agents[1 - side].local_credentials().clone();
    let lines: Vec<Candidate> = agents[1 - side].local_candidates().cloned().collect();
    let agent = &mut agents[side];
    match verb % VERBS {
        0 => {
            let mode = if argument == 0 { Mode::Lite } else { Mode::Full };
            agent.set_remote_credentials(*now, other, mode);
        }
        1 => lines.into_iter().for_each(|line| {
            let _ = agent.add_remote_candidate(*now, line);
        }),
        2 => {
            let line = format!("1 1 udp {argument} 10.0.0.{argument} {argument} typ host");
            let _ = agent.add_remote_candidate(*now, line.parse().expect("a candidate"));
        }
        3 => agent.restart(*now),
        4 => agent.end_of_remote_candidates(*now),
        5 if argument == 0 => agent.close(*now),
        5 => agent.set_role(*now, if argument & 1 == 0 { Role::Controlled } else { Role::Controlling }),
        6 => *now += Duration::from_millis(u64::from(argument) * u64::from(argument)),
        7 => {
            *now = agent.poll_timeout().unwrap_or(*now).max(*now);
            agent.handle_timeout(*now);
        }
        8 => {
            let mut buf = Vec::new();
            if let Some(transmit) = agent.poll_transmit(*now, &mut buf) {
                sent.push((1 - side, transmit.path.reversed(), buf));
            }
        }
        9 | 10 => {
            let Some((to, path, bytes)) = sent.get(usize::from(argument & 0x3f)) else {
                return;
            };
            let (to, mut path, mut bytes) = (*to, *path, bytes.clone());
            // Replayed from elsewhere, or with a bit flipped.
            if verb % VERBS == 10 && argument & 0x40 != 0 {
                path.remote.set_port(u16::from(argument));
            } else if verb % VERBS == 10 {
                let at = usize::from(argument) % bytes.len();
                bytes[at] ^= 1 << (argument & 7);
            }
            agents[to].handle_datagram(*now, Datagram::new(path, &mut bytes));
        }
        11 => agent.attach(*now, (0..argument & 3).map(|count| vec![argument; 300 * usize::from(count)].into())),
        12 => agent.detach(*now),
        13 => {
            let local = Candidate::tcp_host(([10, 0, 0, 3], 7).into(), [TcpType::Active, TcpType::Passive][side]);
            let _ = agent.add_local_candidate(*now, local);
        }
        14 => {
            let path = Path {
                local: ([10, 0, 0, 3], 9).into(),
                remote: ([10, 0, 0, 3], 7).into(),
                transport: Transport::Stream(StreamId::new(u64::from(argument))),
            };
            agent.on_stream(*now, match argument & 3 {
                0 => StreamFact::Closed(path),
                1 => StreamFact::Refused { local: path.local.ip(), remote: path.remote },
                _ => StreamFact::Opened(path),
            });
        }
        15 => {
            let name = format!("1 1 udp 5 n{argument}.local 5 typ host");
            let _ = agent.add_remote_candidate(*now, name.parse().expect("a candidate"));
            agent.on_resolved(*now, &format!("n{}.local", argument / 2), Some([10, 0, 0, argument].into()));
        }
        16 => {
            let ip = [10, 0, 0, argument & 3];
            agent.on_interface(*now, match argument & 4 {
                0 => InterfaceFact::Down(ip.into()),
                _ => InterfaceFact::Up((ip, 1).into()),
            });
        }
        17.. => more(verb % VERBS, argument, *now, agent, sent),
    }
}

/// What a driver, a relay and the layers above have to say.
fn more(verb: u8, argument: u8, now: Instant, agent: &mut Agent, sent: &[(usize, Path, Vec<u8>)]) {
    let path = sent.get(usize::from(argument & 0x3f)).map(|(_, path, _)| *path);
    let path = path.unwrap_or(Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, argument], 2).into()));
    let relayed = ([203, 0, 113, argument & 1], 50_000).into();
    match verb {
        17 => drop(agent.poll_event()),
        18 => {
            agent.gate(relayed);
            let related = ([10, 0, 0, 1], 1).into();
            let _ = agent.add_local_candidate(now, Candidate::relayed(relayed, related));
        }
        19 => agent.admit(now, relayed, [10, 0, 0, argument >> 1].into()),
        20 => agent.deny(now, relayed, [10, 0, 0, argument >> 1].into()),
        21 => drop(agent.add_stun_server(now, ([203, 0, 113, argument], 3_478).into())),
        22 => agent.remove_base(now, if argument & 1 == 0 { path.local } else { relayed }),
        23 => agent.on_send_error(now, &path.reversed()),
        24 if argument & 1 == 0 => agent.set_renomination(argument & 2 == 0),
        24 => agent.on_path_taken(now, &path.reversed()),
        25 => agent.hold_checks(now, now + Duration::from_millis(argument.into())),
        26 => agent.on_too_large(now, &path.reversed(), usize::from(argument) * 16),
        27 => agent.on_datagram_lost(now, usize::from(argument) * 16),
        28 => agent.on_datagram_acknowledged(usize::from(argument) * 16),
        _ => {
            let _ = (agent.best_path(), agent.path_budget(), agent.is_gathering(), agent.is_carrying());
            assert!(agent.candidate_stats().count() <= 256);
            assert!(agent.remote_addresses().count() <= 256);
        }
    }
}
