use bytes::Bytes;
use serde_json::Value;

use crate::payload::{Depacketizer, DepacketizerStats};
use crate::{Frame, Packet, SequenceNumber};

const CASES: &str = include_str!("../../../../testdata/rtp/depacketizer_cases.json");

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Gives the payload of catalogue case H-`codec`/`name` to a depacketizer as a whole frame, then the payloads `good` as
/// another frame, which must come out: the bad input holds for itself only. Returns the frames of the bad one.
pub(crate) fn case<D: Depacketizer>(
    codec: &str,
    name: &str,
    mut depacketizer: D,
    good: &[&[u8]],
) -> (Vec<Frame>, DepacketizerStats) {
    let file: Value = serde_json::from_str(CASES).unwrap();
    let case = file["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["codec"] == codec && case["name"] == name)
        .unwrap_or_else(|| panic!("no case {codec}/{name}"));
    let payload = hex(case["payload"].as_str().unwrap());
    let mut packet = Packet {
        sequence_number: SequenceNumber::new(100),
        timestamp: 3000,
        marker: true,
        payload: Bytes::from(payload),
        ..Packet::default()
    };
    let mut frames = Vec::new();
    depacketizer.push(&packet, &mut |frame| frames.push(frame));
    depacketizer.flush(&mut |frame| frames.push(frame));
    let stats = depacketizer.stats();

    let mut after = Vec::new();
    for (at, payload) in good.iter().enumerate() {
        packet.sequence_number = packet.sequence_number.next();
        packet.timestamp = 6000;
        packet.marker = at + 1 == good.len();
        packet.payload = Bytes::copy_from_slice(payload);
        depacketizer.push(&packet, &mut |frame| after.push(frame));
    }
    assert_eq!(
        after.len(),
        1,
        "{codec}/{name}: the next frame is not touched"
    );
    (frames, stats)
}
