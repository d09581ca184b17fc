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
