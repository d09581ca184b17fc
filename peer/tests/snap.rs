//! INITs in the session description (SNAP).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use netsim::{Pair, Side};
use peer::{
    ChannelCloseCause, ConnectionState, DataChannelInit, Initiator, SdpType, SessionDescription,
};
use support::calls::{PATIENCE, data_call, is_open, send, state};
use support::{Peer, config_a, config_b, peers, renegotiate, with_addresses};

/// A parameter that RFC 9260 §3.2.1 has everybody skip without a word.
const SKIPPED: u16 = 0x8fff;

/// P-8: an INIT of 2 KiB of text is taken, and answered with one; a longer one is not looked at, and SCTP shakes hands.
#[test]
fn an_init_of_more_than_two_kibibytes_of_text_is_not_looked_at() {
    for (bytes, is_taken) in [(1_536, true), (1_540, false)] {
        let (mut a, mut b) = peers(64);
        let now = netsim::epoch();
        let init = DataChannelInit::default();
        a.pc.create_data_channel(now, "chat", init).unwrap();
        let mut offer = a.pc.create_offer(now).unwrap();
        let (_, rest) = offer.sdp.split_once("a=sctp-init:").unwrap();
        let text = rest.lines().next().unwrap().to_owned();
        let long = BASE64.encode(padded(BASE64.decode(&text).unwrap(), bytes));
        assert_eq!(long.len() <= 2_048, is_taken);
        offer.sdp = offer.sdp.replace(&text, &long);
        b.pc.set_remote_description(now, offer).unwrap();
        let answer = b.pc.create_answer(now).unwrap();
        assert_eq!(answer.sdp.contains("a=sctp-init:"), is_taken, "{bytes}");
    }
}

/// P-8: with an INIT in both descriptions the first message arrives a round trip earlier, and without one in either it arrives all the same.
#[test]
fn inits_in_the_descriptions_save_the_handshake() {
    let time_to_data = |snap: [bool; 2]| {
        let (mut a, mut b) = (config_a(61), config_b(61));
        (a.snap, b.snap) = (snap[0], snap[1]);
        let (mut a, mut b) = with_addresses(a, b);
        let now = netsim::epoch();
        let init = DataChannelInit::default();
        a.pc.create_data_channel(now, "chat", init).unwrap();
        let offer = a.pc.create_offer(now).unwrap();
        assert_eq!(offer.sdp.contains("a=sctp-init:"), snap[0]);
        a.pc.set_local_description(now, offer.clone()).unwrap();
        b.pc.set_remote_description(now, offer).unwrap();
        let answer = b.pc.create_answer(now).unwrap();
        assert_eq!(answer.sdp.contains("a=sctp-init:"), snap[0] && snap[1]);
        b.pc.set_local_description(now, answer.clone()).unwrap();
        a.pc.set_remote_description(now, answer).unwrap();
        let mut pair = Pair::new(a, b);
        let arrived = |pair: &Pair<Peer>| {
            let sctp = pair.b().pc.stats(pair.now()).sctp;
            sctp.is_some_and(|sctp| sctp.messages_received >= 1)
        };
        assert!(pair.run_until(PATIENCE, arrived));
        let time = pair.time();
        // The same descriptions again change nothing (the same INIT keeps the association).
        renegotiate(&mut pair);
        pair.run_for(Duration::from_secs(2));
        assert_eq!(state(pair.a()), ConnectionState::Connected);
        time
    };
    let plain = time_to_data([false, false]);
    let both = time_to_data([true, true]);
    assert!(
        both + Duration::from_millis(9) < plain,
        "{both:?} against {plain:?}"
    );
    for one in [[true, false], [false, true]] {
        let time = time_to_data(one);
        assert!(
            time.abs_diff(plain) < Duration::from_millis(5),
            "{time:?}, {plain:?}"
        );
    }
}

/// P-8: another INIT of the peer in a later description is another association, on both sides; the same INIT changes nothing.
#[test]
fn another_init_in_a_later_description_restarts_the_association() {
    let (mut pair, channel) = data_call(62, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let init_of = |sdp: &str| {
        let line = sdp.lines().find(|line| line.starts_with("a=sctp-init:"));
        line.unwrap().to_owned()
    };
    let now = pair.now();
    let first = init_of(&pair.a().pc.local_description().unwrap().sdp);
    // The peer's offer describes the association of another peer.
    let stranger = {
        let (stranger, _) = data_call(63, true);
        init_of(&stranger.a().pc.local_description().unwrap().sdp)
    };
    let mut offer = pair.b_mut().pc.create_offer(now).unwrap();
    let present = init_of(&offer.sdp);
    offer.sdp = offer.sdp.replace(&present, &stranger);
    pair.a_mut()
        .pc
        .set_remote_description(now, offer.clone())
        .unwrap();
    // An offer that is taken back leaves everything as it was.
    let rollback = SessionDescription {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    let answer = pair.a_mut().pc.create_answer(now).unwrap();
    assert_ne!(init_of(&answer.sdp), first);
    pair.a_mut()
        .pc
        .set_remote_description(now, rollback)
        .unwrap();
    send(&mut pair, Side::A, channel, "still here");
    assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["still here"]));
    let now = pair.now();
    pair.a_mut().pc.set_remote_description(now, offer).unwrap();
    let answer = pair.a_mut().pc.create_answer(now).unwrap();
    let second = init_of(&answer.sdp);
    assert_ne!(second, first, "and another INIT of ours");
    pair.a_mut().pc.set_local_description(now, answer).unwrap();
    pair.run_for(Duration::from_millis(1));
    let cause = ChannelCloseCause::AssociationRestarted;
    let closed = pair.a().closed(channel).unwrap();
    assert_eq!((closed.initiator, closed.cause), (Initiator::Remote, cause));
    assert_eq!(state(pair.a()), ConnectionState::Connected);
    let now = pair.now();
    let offer = pair.a_mut().pc.create_offer(now).unwrap();
    assert_eq!(init_of(&offer.sdp), second, "which stays");
    let id = pair
        .a_mut()
        .pc
        .create_data_channel(now, "new", DataChannelInit::default());
    pair.run_for(Duration::from_millis(1));
    assert!(is_open(pair.a(), id.unwrap()));
}

/// An INIT chunk with so many bytes, a parameter that nobody knows among them.
fn padded(mut init: Vec<u8>, bytes: usize) -> Vec<u8> {
    init.resize(init.len().next_multiple_of(4), 0);
    let parameter = u16::try_from(bytes - init.len()).unwrap();
    init.extend(SKIPPED.to_be_bytes());
    init.extend(parameter.to_be_bytes());
    init.resize(bytes, 0);
    let length = u16::try_from(bytes).unwrap();
    init[2..4].copy_from_slice(&length.to_be_bytes());
    init
}
