//! INITs in the session description (SNAP).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use support::peers;

/// A parameter that RFC 9260 §3.2.1 has everybody skip without a word.
const SKIPPED: u16 = 0x8fff;

/// P-8: an INIT of 2 KiB of text is taken, and answered with one; a longer one is not looked at, and SCTP shakes hands.
#[test]
fn an_init_of_more_than_two_kibibytes_of_text_is_not_looked_at() {
    for (bytes, is_taken) in [(1_536, true), (1_540, false)] {
        let (mut a, mut b) = peers(64);
        let now = netsim::epoch();
        let init = avocet_peer::DataChannelInit::default();
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
