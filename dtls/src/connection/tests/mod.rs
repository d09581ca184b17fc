mod api;
mod attacks;
mod authentication;
mod bounds;
mod handshake;
mod identity;
mod ids;
mod imported;
mod laws;
mod loss;
mod loss_13;
mod matrix;
mod path_check;
mod refusals;
mod rest;
mod resumption;
mod resumption_12;
mod rogue;
mod states;
mod states_13;
mod tls13;
mod tls13_attacks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netsim::{Pair, Profile, Verdict};

use super::{Connection, Phase};
use crate::testing::Endpoint;
use crate::{Config, Fingerprint, Role};

/// Networks that a handshake takes long on, and survives.
const ROUGH: [Profile; 6] = [
    Profile::Loss30,
    Profile::BurstLoss,
    Profile::Shuffle,
    Profile::Jitter,
    Profile::SmallMtu,
    Profile::Corruption,
];

/// Counts datagrams and lets `judge` decide over the one with that number.
fn meddle(pair: &mut Pair<Endpoint>, mut judge: impl FnMut(u64) -> Verdict + Send + 'static) {
    let count = Arc::new(AtomicU64::new(0));
    pair.network()
        .intercept(move |_| judge(count.fetch_add(1, Ordering::Relaxed)));
}

/// Loses the datagrams with these numbers.
fn lose<const N: usize>(pair: &mut Pair<Endpoint>, numbers: [u64; N]) {
    meddle(pair, move |number| {
        if numbers.contains(&number) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
}

/// Lets two connections talk until neither has anything to say.
fn meet(client: Config, server: Config) -> [Connection; 2] {
    let now = netsim::epoch();
    let mut sides = [(client, Role::Client), (server, Role::Server)].map(|(config, role)| {
        let mut side = Connection::new(Arc::new(config), role, [role as u8 + 1; 32]).unwrap();
        side.start(now, None);
        side
    });
    for turn in 0..12 {
        let mut datagram = Vec::new();
        while sides[turn % 2].poll_transmit(now, &mut datagram).is_some() {
            sides[1 - turn % 2].handle_datagram(now, &mut datagram);
            datagram.clear();
        }
    }
    sides
}

impl Connection {
    /// Where the protocol stands, for comparison between runs.
    pub(crate) fn outcome(&self) -> String {
        match &self.phase {
            Phase::New { .. } => "new".to_owned(),
            Phase::Handshaking(_) => "handshaking".to_owned(),
            Phase::Established(established) => {
                format!(
                    "established {} {:?}",
                    established.verified,
                    established.event()
                )
            }
            Phase::Closed(reason) => format!("{reason:?}"),
        }
    }

    /// Updates the keys after so many records.
    pub(crate) fn update_after(&mut self, records: u64) {
        if let Phase::Established(established) = &mut self.phase
            && let Some(post) = &mut established.post
        {
            post.update_after(records);
        }
    }

    pub(crate) fn own_fingerprint(&self) -> Fingerprint {
        self.config.certificate.as_ref().unwrap().fingerprint()
    }
}
