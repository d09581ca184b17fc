//! What is agreed on about SRTP: profiles and encrypted headers.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use avocet_peer as peer;
use dtls::SrtpProfile;
use netsim::{Pair, Verdict};
use peer::{
    ConfigError, ConnectionState, DataChannelInit, Direction, Event, Failure, PeerConnection,
    SectionFault, SetDescriptionError, TransceiverInit,
};
use rtp::MediaKind;
use srtp::Cryptex;
use support::{Peer, config_a, config_b, negotiate, renegotiate, with_addresses};

const PATIENCE: Duration = Duration::from_secs(60);

fn audio(peer: &mut Peer) -> peer::TransceiverId {
    let init = TransceiverInit::default();
    peer.pc
        .add_transceiver(MediaKind::Audio, Direction::SendRecv, init)
        .unwrap()
}

fn send(pair: &mut Pair<Peer>, id: peer::TransceiverId, count: u32) {
    for turn in 0..count {
        let now = pair.now();
        let codec = &pair.a().pc.transceiver(id).unwrap().send_codecs()[0];
        let packet = rtp::Packet {
            payload_type: codec.payload_type,
            timestamp: turn * 960,
            payload: bytes::Bytes::from_static(b"speech"),
            ..rtp::Packet::default()
        };
        pair.a_mut().pc.send_rtp(now, id, packet).unwrap();
        pair.run_for(Duration::from_millis(20));
    }
}

/// How many packets with header extensions in the clear, and with encrypted ones, were seen on the wire.
#[derive(Default)]
struct Seen {
    clear: AtomicUsize,
    encrypted: AtomicUsize,
}

impl Seen {
    fn counts(&self) -> (usize, usize) {
        (
            self.clear.load(Ordering::Relaxed),
            self.encrypted.load(Ordering::Relaxed),
        )
    }
}

/// A call of one audio track from A.
fn call(a: Cryptex, b: Cryptex) -> (Pair<Peer>, peer::TransceiverId, Arc<Seen>) {
    let (mut config_a, mut config_b) = (config_a(1), config_b(1));
    (config_a.cryptex, config_b.cryptex) = (a, b);
    let (mut a, mut b) = with_addresses(config_a, config_b);
    let id = audio(&mut a);
    negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    let seen = Arc::new(Seen::default());
    let counts = Arc::clone(&seen);
    pair.network().intercept(move |packet| {
        if let Ok(header) = rtp::HeaderView::parse(&packet.bytes)
            && !rtp::is_rtcp(&packet.bytes)
            && let Some(form) = header.extension_form()
        {
            let count = match form {
                rtp::ExtensionForm::Cryptex(_) => &counts.encrypted,
                _ => &counts.clear,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        Verdict::Pass
    });
    let connected = |pair: &Pair<Peer>| {
        [pair.a(), pair.b()].map(|peer| peer.pc.connection_state())
            == [ConnectionState::Connected; 2]
    };
    assert!(pair.run_until(PATIENCE, connected));
    (pair, id, seen)
}

fn sdp(pc: &PeerConnection) -> (String, String) {
    (
        pc.local_description().unwrap().sdp,
        pc.remote_description().unwrap().sdp,
    )
}

/// media 3.4 no. 13: what both descriptions say decides, and `a=cryptex` stands for the session and for each m-line.
#[test]
fn headers_are_encrypted_when_both_sides_take_it() {
    use Cryptex::{Disabled, Enabled, Required};
    for (a, b, encrypted) in [
        (Disabled, Disabled, false),
        (Enabled, Disabled, false),
        (Disabled, Enabled, false),
        (Enabled, Enabled, true),
        (Enabled, Required, true),
        (Required, Enabled, true),
    ] {
        let (mut pair, id, seen) = call(a, b);
        let (offer, answer) = sdp(&pair.a().pc);
        let lines = |text: &str| text.lines().filter(|line| *line == "a=cryptex").count();
        assert_eq!(lines(&offer), if a == Disabled { 0 } else { 2 });
        assert_eq!(lines(&answer), if encrypted { 2 } else { 0 });
        send(&mut pair, id, 20);
        let expected = if encrypted { (0, 20) } else { (20, 0) };
        assert_eq!(seen.counts(), expected, "{a:?} {b:?}");
        assert_eq!(pair.b().packets.len(), 20);
        let stats = pair.b().pc.stats(pair.now());
        assert_eq!(stats.dropped, peer::Dropped::default());
    }
}

#[test]
fn media_without_cryptex_is_refused_where_it_is_required() {
    let (mut required, mut plain) = (config_a(2), config_b(2));
    required.cryptex = Cryptex::Required;
    plain.cryptex = Cryptex::Disabled;
    let (mut a, mut b) = with_addresses(required, plain);
    let now = netsim::epoch();
    audio(&mut a);
    audio(&mut b);
    let offer = b.pc.create_offer(now).unwrap();
    let refused = a.pc.set_remote_description(now, offer);
    assert!(matches!(
        refused,
        Err(SetDescriptionError::NothingToServe {
            fault: SectionFault::NoCryptex,
            ..
        })
    ));

    let offer = a.pc.create_offer(now).unwrap();
    a.pc.set_local_description(now, offer.clone()).unwrap();
    b.pc.set_remote_description(now, offer).unwrap();
    let answer = b.pc.create_answer(now).unwrap();
    let refused = a.pc.set_remote_description(now, answer);
    assert!(matches!(
        refused,
        Err(SetDescriptionError::Section {
            fault: SectionFault::NoCryptex,
            ..
        })
    ));
}

#[test]
fn encrypted_headers_survive_a_renegotiation() {
    let (mut pair, id, seen) = call(Cryptex::Enabled, Cryptex::Enabled);
    send(&mut pair, id, 5);
    audio(pair.a_mut());
    renegotiate(&mut pair);
    send(&mut pair, id, 5);
    assert_eq!(pair.b().packets.len(), 10);
    assert_eq!(seen.counts(), (0, 10));
}

/// B hands its side over to another program, B2, with another certificate: A restarts ICE, and B2 answers.
fn hand_over(pair: &mut Pair<Peer>) {
    let mut config = config_a(77);
    config.seed = [99; 32];
    let mut successor = Peer::new(config);
    let start = netsim::epoch();
    successor
        .pc
        .add_local_address(start, netsim::ADDRESS_B)
        .unwrap();
    successor.pc.end_of_local_addresses(start);
    let now = pair.now();
    *pair.b_mut() = successor;
    pair.a_mut().pc.restart_ice(now);
    renegotiate(pair);
}

/// media 3.4 no. 15: after a new handshake the old keys open packets for five seconds more, and no longer.
#[test]
fn keys_of_a_former_association_open_packets_for_five_seconds() {
    let (mut a, mut b) = with_addresses(config_a(4), config_b(4));
    let id = audio(&mut a);
    let theirs = b.pc.add_track(MediaKind::Audio, &[]).unwrap();
    negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    let both = |pair: &Pair<Peer>| {
        [pair.a(), pair.b()].map(|peer| peer.pc.connection_state())
            == [ConnectionState::Connected; 2]
    };
    assert!(pair.run_until(PATIENCE, both));
    // What B says last stays in the network for longer and longer.
    let payload_type = pair.b().pc.transceiver(theirs).unwrap().send_codecs()[0].payload_type;
    let delays = [0, 100, 2_000, 4_500, 20_000_u64];
    pair.network().intercept({
        let mut sent = 0;
        move |packet| {
            let is_rtp = rtp::HeaderView::parse(&packet.bytes).is_ok();
            if !is_rtp || rtp::is_rtcp(&packet.bytes) || packet.path.local != netsim::ADDRESS_B {
                return Verdict::Pass;
            }
            sent += 1;
            let delay = delays.get(sent - 1);
            delay.map_or(Verdict::Pass, |&delay| {
                Verdict::Delay(Duration::from_millis(delay))
            })
        }
    });
    for number in 0..5 {
        let now = pair.now();
        let packet = rtp::Packet {
            payload_type,
            timestamp: number * 960,
            payload: bytes::Bytes::from_static(b"old"),
            ..rtp::Packet::default()
        };
        pair.b_mut().pc.send_rtp(now, theirs, packet).unwrap();
        pair.run_for(Duration::from_millis(1));
    }
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.a().packets.len(), 1);
    hand_over(&mut pair);
    assert_ne!(pair.a().pc.connection_state(), ConnectionState::Connected);
    assert!(pair.run_until(PATIENCE, both));
    send(&mut pair, id, 5);
    assert_eq!(pair.b().packets.len(), 5, "the successor has the new keys");
    pair.run_for(Duration::from_secs(10));
    // The session does not know the stream any more, since the successor has others; but it was opened.
    let opened = |pair: &Pair<Peer>| {
        let stats = pair.a().pc.stats(pair.now());
        let unknown = stats.media.unwrap().drops.unknown_stream;
        let opened = pair.a().packets.len() + usize::try_from(unknown).unwrap();
        (opened, stats.dropped.srtp)
    };
    assert_eq!(opened(&pair), (4, 0), "within five seconds of the new keys");
    pair.run_for(Duration::from_secs(20));
    assert_eq!(opened(&pair), (4, 1), "and no longer");
}

#[test]
fn another_certificate_without_an_ice_restart_is_refused() {
    let (pair, _, _) = call(Cryptex::Disabled, Cryptex::Disabled);
    let now = pair.now();
    let mut pair = pair;
    let offer = pair.b_mut().pc.create_offer(now).unwrap();
    let fingerprint = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("a=fingerprint"));
        line.unwrap().to_owned()
    };
    let (own, other) = {
        let theirs = pair.a().pc.local_description().unwrap().sdp;
        (fingerprint(&offer.sdp), fingerprint(&theirs))
    };
    let forged = peer::SessionDescription::offer(offer.sdp.replace(&own, &other));
    let refused = pair.a_mut().pc.set_remote_description(now, forged);
    assert!(matches!(
        refused,
        Err(SetDescriptionError::Section {
            fault: SectionFault::FingerprintChanged,
            ..
        })
    ));
}

/// media 3.4 no. 1: each profile that encrypts carries a call, and the server's order decides.
#[test]
fn every_encrypting_profile_carries_a_call() {
    for profile in srtp::Profile::ALL {
        let (mut a, mut b) = (config_a(3), config_b(3));
        a.srtp_profiles = vec![SrtpProfile(profile.number())];
        b.srtp_profiles.insert(0, SrtpProfile(profile.number()));
        if !profile.encrypts() {
            let refused = PeerConnection::new(a, netsim::epoch()).err();
            assert!(matches!(refused, Some(ConfigError::SrtpProfiles)));
            continue;
        }
        let (mut a, mut b) = with_addresses(a, b);
        let id = audio(&mut a);
        negotiate(netsim::epoch(), &mut a.pc, &mut b.pc);
        let mut pair = Pair::new(a, b);
        assert!(pair.run_until(PATIENCE, |pair| {
            [pair.a(), pair.b()].map(|peer| peer.pc.connection_state())
                == [ConnectionState::Connected; 2]
        }));
        send(&mut pair, id, 5);
        assert_eq!(pair.b().packets.len(), 5, "{profile:?}");
        let stats = pair.b().pc.stats(pair.now());
        assert_eq!(stats.transport.srtp_cipher, Some(profile.number()));
    }
}

/// D-21: where no profile is common to both there is no SRTP. With media that is the end of the connection (RFC 5764 §4.1);
/// with data alone it goes on.
#[test]
fn without_a_common_profile_there_is_data_and_no_media() {
    for media in [false, true] {
        let (mut a, mut b) = (config_a(3), config_b(3));
        a.srtp_profiles = vec![SrtpProfile::AES128_CM_SHA1_80];
        b.srtp_profiles = vec![SrtpProfile::AEAD_AES_128_GCM];
        let (mut a, mut b) = with_addresses(a, b);
        let now = netsim::epoch();
        let channel =
            a.pc.create_data_channel(now, "chat", DataChannelInit::default())
                .unwrap();
        if media {
            audio(&mut a);
        }
        negotiate(now, &mut a.pc, &mut b.pc);
        let mut pair = Pair::new(a, b);
        let opened = |pair: &Pair<Peer>| pair.a().has(&Event::DataChannelOpened(channel));
        pair.run_for(Duration::from_secs(5));
        for peer in [pair.a(), pair.b()] {
            let pc = &peer.pc;
            assert_eq!(pc.failure(), media.then_some(Failure::Srtp));
            let expected = if media {
                ConnectionState::Failed
            } else {
                ConnectionState::Connected
            };
            assert_eq!(pc.connection_state(), expected, "{media}");
            assert!(pc.stats(pair.now()).srtp.is_none());
        }
        assert_eq!(opened(&pair), !media);
    }
}
