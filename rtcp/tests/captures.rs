//! RTCP as real peers sent it, decrypted.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_rtcp::{Compound, Packet};
use rtp::{SequenceNumber, Ssrc};
use support::hex;

/// Firefox 153 at the end of a call: RR without blocks, SDES, BYE.
const FAREWELL: &str = "80c90001c3d0acf581ca000cc3d0acf501267b37353232613938332d363164372d343031302d393766302d38\
                        32363932346432613233667d0000000081cb0001c3d0acf5";

/// Transport-wide feedback of Firefox 153, two octets of padding within the last word.
const FEEDBACK: &str = "afcd0006988557cbc3d0acf5000100040010630020042f5d5d2d0002";

#[test]
fn compound_of_a_real_browser_is_read() {
    let bytes = hex(FAREWELL);
    let compound = Compound::new(&bytes);
    assert!(compound.starts_with_report());
    let packets: Vec<_> = compound.map(Result::unwrap).collect();
    let us = Ssrc::new(0xc3d0_acf5);
    let [
        Packet::ReceiverReport(report),
        Packet::SourceDescription(sdes),
        Packet::Goodbye(bye),
    ] = &packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((report.ssrc, report.blocks.len()), (us, 0));
    let chunks: Vec<_> = sdes.chunks().collect();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].ssrc, us);
    assert_eq!(
        chunks[0].cname(),
        Some("{7522a983-61d7-4010-97f0-826924d2a23f}")
    );
    assert_eq!(bye.sources().collect::<Vec<_>>(), [us]);
    assert_eq!(bye.reason(), None);
}

#[test]
fn padding_need_not_be_whole_words() {
    let bytes = hex(FEEDBACK);
    assert!(!Compound::new(&bytes).starts_with_report());
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [Packet::TransportFeedback(feedback)] = packets[..] else {
        panic!("{packets:?}");
    };
    assert_eq!(feedback.base_sequence_number, SequenceNumber::new(1));
    assert_eq!(feedback.reference_time, 0x1063);
    assert_eq!(feedback.feedback_count, 0);
    let deltas: Vec<_> = feedback.statuses().map(|status| status.delta).collect();
    let units = [0x2f, 0x5d, 0x5d, 0x2d];
    assert_eq!(deltas, units.map(Some), "without the padding");
}

#[test]
fn every_truncation_keeps_the_packets_in_front() {
    let bytes = hex(FAREWELL);
    for length in 0..bytes.len() {
        let results: Vec<_> = Compound::new(&bytes[..length]).collect();
        let whole = [8, 60].iter().filter(|&&end| end <= length).count();
        assert_eq!(
            results.iter().filter(|result| result.is_ok()).count(),
            whole,
            "{length}"
        );
        let cut = ![0, 8, 60].contains(&length);
        assert_eq!(
            results.iter().filter(|result| result.is_err()).count(),
            usize::from(cut)
        );
    }
}
