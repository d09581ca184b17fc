//! The client under the law battery.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Duration;

use netsim::laws::{Battery, Resists, Stage};
use netsim::{Profile, Side};
use support::*;

fn client_at(stage: Stage, seed: u64) -> Relayed {
    // Another session is another user's: who knows the password can always do harm.
    let password = format!("secret {seed}");
    let mut config = config(seed);
    config.credentials = stun::LongTermCredentials::new(USER, &*password).ok();
    let habits = Habits {
        password,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, seed, config, habits);
    let client = &mut pair.a_mut().client;
    client.create_permission(peer(1).ip()).unwrap();
    client.create_permission(peer(2).ip()).unwrap();
    client.bind_channel(peer(2)).unwrap();
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(2),
        Stage::Established | Stage::Closing => {
            let bound = |pair: &Relayed| pair.has_event(Side::A, "ChannelBound");
            assert!(pair.run_until(Duration::from_secs(5), bound));
        }
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().client.close(now);
    }
    pair
}

#[test]
fn a_client_obeys_the_laws() {
    Battery::new("turn::Client", client_at)
        .traffic(|pair, round| {
            pair.a_mut().say(peer(1), &[1, round.to_be_bytes()[3]]);
            pair.a_mut().say(peer(2), &[2, round.to_be_bytes()[3]]);
        })
        .resists(Resists::Forgeries)
        .horizon(Duration::from_secs(700))
        .check();
}
