//! Any offer is answered or refused, and a refused one leaves the connection as it was; any answer to our offer
//! likewise.
#![no_main]

use peer::{DataChannelInit, Direction, SessionDescription, SignalingState, TransceiverInit};
use rtp::MediaKind;

#[path = "support/peer.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (mut pc, now) = support::connection(1);
    match pc.set_remote_description(now, SessionDescription::offer(text)) {
        Ok(()) => {
            let answer = pc.create_answer(now).unwrap();
            answer.sdp.parse::<sdp::SessionDescription>().unwrap();
            pc.set_local_description(now, answer).unwrap();
            assert_eq!(pc.signaling_state(), SignalingState::Stable);
            let offer = pc.create_offer(now);
            if let Ok(offer) = offer {
                offer.sdp.parse::<sdp::SessionDescription>().unwrap();
            }
        }
        Err(_) => {
            assert_eq!(pc.signaling_state(), SignalingState::Stable);
            assert_eq!(pc.transceivers().count(), 0);
        }
    }

    let (mut pc, now) = support::connection(1);
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let init = TransceiverInit::default();
        pc.add_transceiver(kind, Direction::SendRecv, init).unwrap();
    }
    let init = DataChannelInit::default();
    pc.create_data_channel(now, "x", init).unwrap();
    let offer = pc.create_offer(now).unwrap();
    pc.set_local_description(now, offer).unwrap();
    if pc
        .set_remote_description(now, SessionDescription::answer(text))
        .is_err()
    {
        assert_eq!(pc.signaling_state(), SignalingState::HaveLocalOffer);
    }
});
