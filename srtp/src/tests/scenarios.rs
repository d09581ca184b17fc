use rtp::{SequenceNumber, Ssrc};

use super::{PROFILES, json, key, number, rtp_packet};
use crate::cipher::{Cipher, Position};
use crate::header::Coverage;
use crate::index::{Known, guess};
use crate::window::Window;
use crate::{Provider, Receiver, UnprotectError, Usage};

const SCENARIOS: &str = include_str!("../../../testdata/srtp/replay_roc_scenarios.json");

/// P-01, P-02: the steps of the file against the guess and a window of 64 packets.
#[test]
fn p01_p02_guess_and_window_follow_the_scenarios() {
    for scenario in json(SCENARIOS)["scenarios"].as_array().unwrap() {
        assert_eq!(number(&scenario["window"]), Window::<1>::SIZE);
        let mut window = Window::<1>::new();
        for step in scenario["steps"].as_array().unwrap() {
            let context = format!("{}: {step}", scenario["name"]);
            let seq = SequenceNumber::new(number(&step["seq"]) as u16);
            let known = window.highest().map_or(Known::Start(0), Known::Highest);
            let guessed = guess(known, seq);
            match guessed {
                Ok(index) => {
                    assert_eq!(
                        Some(index >> 16),
                        step["estimated_roc"].as_u64(),
                        "{context}"
                    );
                }
                Err(_) => assert_eq!(step["estimated_roc"], -1, "{context}"),
            }
            let fresh = guessed.ok().filter(|&index| window.check(index).is_ok());
            let genuine = step["auth_ok"] == true;
            let accepted = fresh.filter(|_| genuine);
            assert_eq!(accepted.is_some(), step["expect"] == "accept", "{context}");
            if let Some(index) = accepted {
                window.accept(index);
            }
            let expected = number(&step["roc_after"]) << 16 | number(&step["highest_seq_after"]);
            assert_eq!(window.highest(), Some(expected), "{context}");
        }
    }
}

/// P-01, P-02: the same steps as packets. The receiver's window is larger, so only what a window of 64 calls too old
/// may come out otherwise.
#[test]
fn p01_p02_receiver_follows_the_scenarios() {
    for profile in PROFILES {
        for scenario in json(SCENARIOS)["scenarios"].as_array().unwrap() {
            let sender = Cipher::derive(&Provider::ring(), &key(profile, 1), Usage::Rtp).unwrap();
            let mut receiver = Receiver::new(profile, key(profile, 1)).unwrap();
            for step in scenario["steps"].as_array().unwrap() {
                let seq = number(&step["seq"]) as u16;
                let at = Position {
                    ssrc: Ssrc::new(7),
                    index: number(&step["sender_roc"]) << 16 | u64::from(seq),
                };
                let mut packet = rtp_packet(7, seq);
                let coverage = Coverage::Payload { header: 12 };
                sender.seal_rtp(&mut packet, 0, coverage, at, &[]).unwrap();
                if step["auth_ok"] == false {
                    *packet.last_mut().unwrap() ^= 1;
                }
                let result = receiver
                    .unprotect_rtp(&mut packet)
                    .map(|plain| plain.to_vec());
                if step["reason"] == "older than the window" {
                    continue;
                }
                match result {
                    Ok(plain) => {
                        assert_eq!(step["expect"], "accept", "{scenario}");
                        assert_eq!(plain, rtp_packet(7, seq));
                    }
                    Err(error) => {
                        let expected = match step["reason"].as_str() {
                            Some("replay") => UnprotectError::Replayed,
                            Some("estimated ROC below 0") => UnprotectError::TooOld,
                            Some("authentication fails") => UnprotectError::Unauthenticated,
                            other => panic!("{other:?}"),
                        };
                        assert_eq!(error, expected);
                    }
                }
            }
        }
    }
}
