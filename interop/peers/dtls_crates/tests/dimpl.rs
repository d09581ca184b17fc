//! dimpl, both roles, both versions, with and without a cookie, and with any one datagram lost.

use std::time::Duration;

use avocet_interop_dtls_crates::{Peer, Scene};
use dtls::{Role, Version, Versions};

#[test]
fn every_pair_of_versions_connects_in_both_roles() {
    for role in [Role::Client, Role::Server] {
        for (versions, peer, expected) in [
            (Versions::ALL, Peer::Auto, Version::Dtls13),
            (Versions::ALL, Peer::Dtls12, Version::Dtls12),
            (Versions::ALL, Peer::Dtls13, Version::Dtls13),
            (Versions::DTLS_1_2, Peer::Auto, Version::Dtls12),
            (Versions::DTLS_1_2, Peer::Dtls12, Version::Dtls12),
            (Versions::DTLS_1_3, Peer::Dtls13, Version::Dtls13),
        ] {
            for cookie in [true, false] {
                let mut scene = Scene::new(role, versions, peer, cookie, None);
                scene.connect();
                assert_eq!(scene.version, Some(expected), "{role:?} {peer:?}");
                scene.talk();
            }
        }
    }
}

#[test]
fn any_one_datagram_may_be_lost() {
    for role in [Role::Client, Role::Server] {
        for (versions, peer) in [
            (Versions::DTLS_1_3, Peer::Dtls13),
            (Versions::DTLS_1_2, Peer::Dtls12),
        ] {
            for lost in 0..8 {
                let mut scene = Scene::new(role, versions, peer, false, Some(lost));
                let took = scene.connect();
                assert!(
                    took < Duration::from_secs(5),
                    "{role:?} {peer:?} {lost}: {took:?}"
                );
                scene.talk();
            }
        }
    }
}

#[test]
fn keys_are_updated() {
    for role in [Role::Client, Role::Server] {
        let mut scene = Scene::new(role, Versions::DTLS_1_3, Peer::Dtls13, false, None);
        scene.connect();
        scene.talk();
        scene.update_keys();
    }
}
