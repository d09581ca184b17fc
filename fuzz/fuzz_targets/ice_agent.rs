//! Two agents under commands, damaged and replayed datagrams, and any order of polls and instants.
#![no_main]

use std::time::{Duration, Instant};

use ice::path_mtu::PathMtuConfig;
use ice::{Agent, Candidate, Config, InterfaceFact, Mode, Role, StreamFact, TcpType};
use net::{Datagram, Path, StreamId, Transport};

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
    match verb % 18 {
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
            if verb % 18 == 10 && argument & 0x40 != 0 {
                path.remote.set_port(u16::from(argument));
            } else if verb % 18 == 10 {
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
        _ => {
            let _ = agent.poll_event();
        }
    }
}
