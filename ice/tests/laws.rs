//! The agent under the law battery.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use avocet_ice::path_mtu::PathMtuConfig;
use avocet_ice::{Agent, Candidate, Config, Mode, Role, TcpType};
use netsim::laws::{Battery, Resists, Stage};
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use std::time::Duration;
use support::*;

fn agents_at(stage: Stage, seed: u64, modes: (Mode, Mode)) -> Agents {
    let mut pair = acquainted(Profile::Clean, seed, modes);
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(2),
        Stage::Established | Stage::Closing => {
            assert!(pair.run_until(Duration::from_secs(5), both_selected));
        }
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().agent.close(now);
        pair.b_mut().agent.close(now);
    }
    pair
}

#[test]
fn full_agents_obey_the_laws() {
    Battery::new("ice::Agent (full)", |stage, seed| {
        agents_at(stage, seed, FULL)
    })
    .resists(Resists::Forgeries)
    .check();
}

#[test]
fn a_lite_agent_obeys_the_laws() {
    let modes = (Mode::Full, Mode::Lite);
    Battery::new("ice::Agent (lite)", move |stage, seed| {
        agents_at(stage, seed, modes)
    })
    .resists(Resists::Forgeries)
    .check();
}

/// One of the two servers is the peer, which refuses, the other one does not exist.
#[test]
fn an_agent_that_asks_stun_servers_obeys_the_laws() {
    Battery::new("ice::Agent (gathering)", |stage, seed| {
        let mut pair = agents_at(stage, seed, FULL);
        let now = pair.now();
        for server in [ADDRESS_B, ([203, 0, 113, 1], 3478).into()] {
            // A closed agent refuses.
            let added = pair.a_mut().agent.add_stun_server(now, server);
            assert_eq!(added.is_ok(), stage != Stage::Closing);
        }
        pair
    })
    .resists(Resists::Forgeries)
    .check();
}

/// Sizes searched for, sendings counted, nominations numbered, a handshake carried, candidates of every kind.
#[test]
fn an_agent_with_everything_switched_on_obeys_the_laws() {
    Battery::new("ice::Agent (everything)", |stage, seed| {
        let mut pair = agents_at(stage, seed, FULL);
        let hosts = [Role::Controlling, Role::Controlled].map(|role| {
            let number = 2 * seed + u64::from(role == Role::Controlled);
            let mut config = Config::new(support::seed(number));
            config.role = role;
            config.path_mtu = Some(PathMtuConfig::default());
            config.transmit_counter = true;
            Agent::new(config).unwrap()
        });
        let now = pair.now();
        let [mut a, mut b] = hosts;
        for (agent, address) in [(&mut a, ADDRESS_A), (&mut b, ADDRESS_B)] {
            agent.set_renomination(true);
            agent.attach(now, [vec![7; 900].into(), vec![8; 300].into()]);
            let passive = Candidate::tcp_host(address, TcpType::Passive);
            let active = Candidate::tcp_host(address, TcpType::Active);
            for candidate in [Candidate::host(address), passive, active] {
                agent.add_local_candidate(now, candidate).unwrap();
            }
            let name = "1 1 udp 5 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5 typ host";
            agent
                .add_remote_candidate(now, name.parse().unwrap())
                .unwrap();
        }
        pair.a_mut().agent = a;
        pair.b_mut().agent = b;
        tell_a(&mut pair, Mode::Full);
        tell_b(&mut pair, Mode::Full);
        match stage {
            Stage::New => {}
            Stage::MidHandshake => pair.run_datagrams(2),
            Stage::Established | Stage::Closing => pair.run_for(Duration::from_secs(5)),
        }
        if stage == Stage::Closing {
            let now = pair.now();
            pair.a_mut().agent.close(now);
            pair.b_mut().agent.close(now);
        }
        pair
    })
    .resists(Resists::Forgeries)
    .check();
}
