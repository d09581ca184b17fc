//! What an idle connection holds, counted by the allocator when it is let go.

#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use avocet_benches::agents;
use avocet_benches::pair::{Content, End, Pair, certificates};
use peer::SessionDescription;

/// Bytes that go when a value goes.
fn bytes_of<T>(value: T) -> i64 {
    -measure(|| drop(value)).bytes_current
}

/// A connected pair ten seconds later.
fn idle(content: Content) -> Pair {
    let mut pair = Pair::connected(Instant::now(), content, &certificates(), 1);
    pair.idle(Duration::from_secs(10));
    assert!(pair.offerer.is_ready() && pair.answerer.is_ready());
    pair
}

/// Bytes of an end's connection, the connection itself included, without the text of the descriptions.
fn bytes_of_end(end: End) -> i64 {
    let length = |text: Option<SessionDescription>| text.map_or(0, |text| text.sdp.len() as i64);
    let texts =
        length(end.connection.local_description()) + length(end.connection.remote_description());
    bytes_of(end.connection) - texts
}

#[test]
fn an_idle_connection_holds_no_more_than_it_did() {
    // The aim is 20,000 for both. DTLS rests by then.
    for (content, most) in [(Content::Data, 15_500), (Content::Everything, 23_400)] {
        let Pair {
            offerer, answerer, ..
        } = idle(content);
        let (offerer, answerer) = (bytes_of_end(offerer), bytes_of_end(answerer));
        println!("{content:?}: {offerer} bytes where offered, {answerer} where answered");
        assert!(offerer.max(answerer) <= most, "{content:?}");
    }
}

/// Two agents of ICE on one link, connected and quiet; the mux that finds them.
#[test]
fn a_connected_agent_and_its_entries_in_the_mux_hold_little() {
    let (mut agents, now) = agents::connected(Instant::now());
    agents::idle(&mut agents, now, Duration::from_secs(60));
    let [one, other] = agents;
    let own = size_of::<ice::Agent>();
    let heap = bytes_of(one).max(bytes_of(other));
    println!("a connected agent: {own} bytes itself, {heap} behind it");
    // A pair, a candidate of each side, two sets of credentials with their keys.
    assert!(heap <= 1_300, "{heap}");

    const SESSIONS: usize = 100_000;
    let each = bytes_of(agents::mux(SESSIONS)) / SESSIONS as i64;
    println!("a session in the mux: {each} bytes");
    assert!(each <= 500, "{each}");
}

/// Where they are: each layer made alone, as it is at its birth.
#[test]
fn every_layer_holds_little_at_its_birth() {
    let seed = [7; 32];
    let now = Instant::now();
    let [certificate, _] = certificates();
    let ice = ice::Agent::new(ice::Config::new(seed)).unwrap();
    // The configuration with its certificate is one for the process, and held here.
    let dtls_config = Arc::new(dtls::Config::new(certificate));
    let dtls = dtls::Connection::new(dtls_config.clone(), dtls::Role::Client, seed).unwrap();
    let mut sctp = sctp::Config::default();
    sctp.local_port = 5_000;
    let sctp = sctp::Association::new(sctp, seed).unwrap();
    let clock = session::ClockAnchor {
        instant: now,
        unix: Duration::from_secs(1_700_000_000),
    };
    let session = session::Session::new(session::Config::new(seed, clock)).unwrap();
    let profile = srtp::Profile::AeadAes128Gcm;
    let exported = vec![7; profile.keying_material_length()];
    let (ours, theirs) = srtp::KeyingMaterial::split(profile, &exported).unwrap();
    let srtp = (
        srtp::Sender::new(profile, ours).unwrap(),
        srtp::Receiver::new(profile, theirs).unwrap(),
    );
    let peer = size_of::<peer::PeerConnection>();
    println!("the connection itself: {peer} bytes, the machines' own sizes included");
    let layers = [
        ("ice", size_of_val(&ice), bytes_of(ice), 64),
        ("dtls", size_of_val(&dtls), bytes_of(dtls), 64),
        ("srtp", size_of_val(&srtp), bytes_of(srtp), 2_400),
        // The congestion controller, one of three, is behind a box.
        ("sctp", size_of_val(&sctp), bytes_of(sctp), 400),
        ("session", size_of_val(&session), bytes_of(session), 128),
    ];
    for (layer, own, heap, most) in layers {
        println!("{layer}: {own} bytes itself, {heap} behind it");
        assert!(heap <= most, "{layer}");
    }
    drop(dtls_config);
}
