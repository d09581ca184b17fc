//! Streams that are joined late or lost from sight (media 3.4 no. 7).

use rtp::Ssrc;

use super::{PROFILES, key, pair, rtp_packet, sealed_rtp};
use crate::{
    MAX_STREAMS, Profile, ROLLOVER_TRIAL_INTERVAL, Receiver, RolloverError, Sender, UnprotectError,
};

/// A sender whose source 1 comes to the index.
fn sender_at(profile: Profile, index: u64) -> Sender {
    let mut sender = Sender::new(profile, key(profile, 1)).unwrap();
    sender.set_highest(Ssrc::new(1), index - 1);
    sender
}

#[test]
fn supplied_rollover_counter_lets_a_late_receiver_in() {
    for profile in PROFILES {
        let mut sender = sender_at(profile, 0x7_1234);
        assert_eq!(sender.rollover_counter(Ssrc::new(1)), Some(7));
        let packet = sealed_rtp(&mut sender, 1, 0x1234);
        let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
        let refused = receiver.unprotect_rtp(&mut packet.clone()).err();
        assert_eq!(refused, Some(UnprotectError::Unauthenticated));
        receiver.set_rollover_counter(Ssrc::new(1), 7).unwrap();
        assert_eq!(receiver.streams(), (0, 0));
        assert_eq!(receiver.rollover_counter(Ssrc::new(1)), None);
        let mut copy = packet.clone();
        let opened = receiver.unprotect_rtp(&mut copy).unwrap();
        assert_eq!(opened, rtp_packet(1, 0x1234));
        assert_eq!(receiver.rollover_counter(Ssrc::new(1)), Some(7));
        let again = receiver.set_rollover_counter(Ssrc::new(1), 9);
        assert_eq!(again, Err(RolloverError::InUse));
    }
}

#[test]
fn supplied_rollover_counter_continues_a_stream_of_another_sender() {
    let profile = Profile::AeadAes128Gcm;
    let mut first = sender_at(profile, 0x3_0005);
    let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
    receiver.set_rollover_counter(Ssrc::new(1), 3).unwrap();
    let mut packet = sealed_rtp(&mut first, 1, 5);
    receiver.unprotect_rtp(&mut packet).unwrap();
    let mut second = Sender::new(profile, key(profile, 1)).unwrap();
    second.set_rollover_counter(Ssrc::new(1), 3).unwrap();
    let mut packet = sealed_rtp(&mut second, 1, 6);
    receiver.unprotect_rtp(&mut packet).unwrap();
}

#[test]
fn supplied_rollover_counters_are_capped() {
    let (_, mut receiver) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..MAX_STREAMS as u32 {
        receiver.set_rollover_counter(Ssrc::new(ssrc), 1).unwrap();
    }
    receiver.set_rollover_counter(Ssrc::new(0), 2).unwrap();
    let beyond = receiver.set_rollover_counter(Ssrc::new(5_000), 1);
    assert_eq!(beyond, Err(RolloverError::TooManyStreams));
}

/// How many packets of the source are refused until one is accepted.
fn refused_before_found(
    receiver: &mut Receiver,
    sender: &mut Sender,
    first: u16,
    between: &mut dyn FnMut(&mut Receiver),
) -> u64 {
    for step in 0..200 {
        let mut packet = sealed_rtp(sender, 1, first.wrapping_add(step));
        if receiver.unprotect_rtp(&mut packet).is_ok() {
            return u64::from(step);
        }
        between(receiver);
    }
    panic!("never");
}

#[test]
fn late_receiver_finds_the_first_rollover_by_itself() {
    for profile in PROFILES {
        let mut sender = sender_at(profile, 0x1_2000);
        let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
        let mut nothing = |_: &mut Receiver| {};
        let refused = refused_before_found(&mut receiver, &mut sender, 0x2000, &mut nothing);
        assert_eq!(refused, ROLLOVER_TRIAL_INTERVAL);
        assert_eq!(receiver.rollover_counter(Ssrc::new(1)), Some(1));
        let stats = receiver.stats();
        assert_eq!((stats.rollover_trials, stats.rollovers_found), (1, 1));
    }
}

#[test]
fn stream_out_of_sight_for_half_a_cycle_is_found_again() {
    for profile in PROFILES {
        for (seen, returns) in [
            (0x1_0100_u64, 0x2_0200_u64), // guessed a cycle too low, and the tag is wrong
            (0x1_0100, 0x1_9000),         // guessed a cycle too low, and too old
            (0x0_0005, 0x0_9000),         // guessed below zero
        ] {
            let mut sender = sender_at(profile, seen);
            let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
            let start = u32::try_from(seen >> 16).unwrap();
            receiver.set_rollover_counter(Ssrc::new(1), start).unwrap();
            let mut packet = sealed_rtp(&mut sender, 1, seen as u16);
            receiver.unprotect_rtp(&mut packet).unwrap();
            // Another source is well all the time.
            let mut seq = 0;
            let mut healthy = Sender::new(profile, key(profile, 1)).unwrap();
            let mut between = |receiver: &mut Receiver| {
                seq += 1;
                let mut packet = sealed_rtp(&mut healthy, 2, seq);
                receiver.unprotect_rtp(&mut packet).unwrap();
            };
            let mut sender = sender_at(profile, returns);
            let first = returns as u16;
            let refused = refused_before_found(&mut receiver, &mut sender, first, &mut between);
            assert!(refused <= ROLLOVER_TRIAL_INTERVAL + 1, "{refused}");
            let found = u32::try_from(returns >> 16).unwrap();
            assert_eq!(receiver.rollover_counter(Ssrc::new(1)), Some(found));
        }
    }
}

/// P-01, P-02: neither forged packets nor old genuine ones come in by the trial.
#[test]
fn p01_p02_trials_let_nothing_in_that_is_forged_or_old() {
    for profile in PROFILES {
        let mut sender = sender_at(profile, 0x1_f000);
        let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
        receiver.set_rollover_counter(Ssrc::new(1), 1).unwrap();
        let mut old = Vec::new();
        for step in 0..0x3000_u64 {
            let mut packet = sealed_rtp(&mut sender, 1, (0xf000 + step) as u16);
            if step < 10 {
                old.push(packet.clone());
            }
            receiver.unprotect_rtp(&mut packet).unwrap();
        }
        let before = receiver.rollover_counter(Ssrc::new(1));
        assert_eq!(before, Some(2));
        for round in 0..1_000 {
            let mut packet = old[round % old.len()].clone();
            if round % 2 == 0 {
                *packet.last_mut().unwrap() ^= 1;
            }
            assert!(receiver.unprotect_rtp(&mut packet).is_err());
        }
        let stats = receiver.stats();
        assert!(stats.rollover_trials > 5 && stats.rollovers_found == 0);
        assert_eq!(receiver.rollover_counter(Ssrc::new(1)), before);
        let mut packet = sealed_rtp(&mut sender, 1, 0x2000);
        receiver.unprotect_rtp(&mut packet).unwrap();
    }
}
