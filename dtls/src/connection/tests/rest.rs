//! Connections that rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::testing::{Endpoint, alice, bob, config, config_13, connect, pair};
use crate::{Config, Connection, Provider, Role, Stats};

use netsim::Pair;

const SECOND: Duration = Duration::from_secs(1);

fn rest(pair: &mut Pair<Endpoint>) {
    let now = pair.now();
    pair.a_mut().connection.rest(now);
    pair.b_mut().connection.rest(now);
}

/// A record from either side arrives at the other.
fn talk(pair: &mut Pair<Endpoint>, text: &[u8]) {
    let now = pair.now();
    let (to_b, to_a) = (pair.a_mut().seal(now, text), pair.b_mut().seal(now, text));
    let open = |connection: &mut Connection, mut record: Vec<u8>| {
        let mut seen = Vec::new();
        connection.handle_datagram_with(now, &mut record, |data| seen.extend_from_slice(data));
        connection.recv(&mut seen);
        assert_eq!(seen, text);
    };
    open(&mut pair.b_mut().connection, to_b.unwrap());
    open(&mut pair.a_mut().connection, to_a.unwrap());
}

fn providers() -> Vec<Provider> {
    vec![
        Provider::rust_crypto([3; 32]),
        #[cfg(feature = "ring")]
        Provider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        Provider::aws_lc_rs(),
    ]
}

#[test]
fn a_connection_that_rests_goes_on_where_it_was() {
    for make in [config, config_13] {
        for provider in providers() {
            let with = |certificate| Config {
                provider: provider.clone(),
                ..make(certificate)
            };
            let mut pair = pair(with(alice()), with(bob()));
            // Too early for anything.
            rest(&mut pair);
            connect(&mut pair);
            rest(&mut pair);
            pair.run_for(SECOND);
            talk(&mut pair, b"before");
            rest(&mut pair);
            rest(&mut pair);
            talk(&mut pair, b"after");
            // A forged record wakes it and is refused, and a repeated one stays one.
            rest(&mut pair);
            let now = pair.now();
            let genuine = pair.a_mut().seal(now, b"genuine").unwrap();
            let mut forged = genuine.clone();
            *forged.last_mut().unwrap() ^= 1;
            let b = &mut pair.b_mut().connection;
            for record in [&forged, &genuine, &genuine] {
                b.handle_datagram(now, &mut record.clone());
                b.rest(now);
            }
            let Stats { dropped, .. } = b.stats();
            assert_eq!((dropped.unauthentic, dropped.replayed), (1, 1));
        }
    }
}

/// D-15.
#[test]
fn keys_are_updated_between_rests() {
    let mut pair = pair(config_13(alice()), config_13(bob()));
    connect(&mut pair);
    pair.run_for(SECOND);
    for _ in 0..3 {
        rest(&mut pair);
        let now = pair.now();
        pair.a_mut().connection.update_keys(now);
        rest(&mut pair);
        pair.run_for(SECOND);
        rest(&mut pair);
        talk(&mut pair, b"meanwhile");
        // The keys before the update are kept for a while.
        pair.run_for(240 * SECOND);
        rest(&mut pair);
        talk(&mut pair, b"later");
    }
}

/// The farewell of one that rests is heard.
#[test]
fn a_connection_that_rests_ends_in_order() {
    for make in [config, config_13] {
        let mut pair = pair(make(alice()), make(bob()));
        connect(&mut pair);
        pair.run_for(SECOND);
        rest(&mut pair);
        let now = pair.now();
        pair.a_mut().connection.close(now);
        rest(&mut pair);
        pair.run_for(SECOND);
        assert!(pair.b().connection.outcome().contains("CloseNotify"));
    }
}

/// With the usual provider.
#[cfg(feature = "ring")]
#[test]
fn a_connection_that_rests_holds_little() {
    for (make, most) in [
        (config as fn(_) -> Config, 1_600),
        (config_13 as fn(_) -> Config, 2_048),
    ] {
        let with = |certificate| {
            Arc::new(Config {
                provider: Provider::ring(),
                ..make(certificate)
            })
        };
        let (client, server) = (with(alice()), with(bob()));
        let now = netsim::epoch();
        let mut sides = [
            Connection::new(client.clone(), Role::Client, [1; 32]).unwrap(),
            Connection::new(server.clone(), Role::Server, [2; 32]).unwrap(),
        ];
        sides[0].set_remote_fingerprints(now, vec![bob().fingerprint()]);
        sides[1].set_remote_fingerprints(now, vec![alice().fingerprint()]);
        sides.iter_mut().for_each(|side| side.start(now, None));
        exchange(now, &mut sides);
        for mut side in sides {
            assert!(side.is_connected());
            while side.poll_event().is_some() {}
            side.rest(now);
            let held = -allocation_counter::measure(|| drop(side)).bytes_current;
            println!("{held} bytes");
            assert!(held <= most, "{held}");
        }
    }
}

fn exchange(now: Instant, sides: &mut [Connection; 2]) {
    let mut datagram = Vec::new();
    for turn in 0..16 {
        while sides[turn % 2].poll_transmit(now, &mut datagram).is_some() {
            sides[1 - turn % 2].handle_datagram(now, &mut datagram);
            datagram.clear();
        }
    }
}
