//! The agent under the law battery.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use avocet_ice::Mode;
use netsim::Profile;
use netsim::laws::{Battery, Resists, Stage};
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
        for server in [netsim::ADDRESS_B, ([203, 0, 113, 1], 3478).into()] {
            // A closed agent refuses.
            let added = pair.a_mut().agent.add_stun_server(now, server);
            assert_eq!(added.is_ok(), stage != Stage::Closing);
        }
        pair
    })
    .resists(Resists::Forgeries)
    .check();
}
