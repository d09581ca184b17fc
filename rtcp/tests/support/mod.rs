//! Packets for tests: listed, taken apart, and written.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use avocet_rtcp::{Arrival, Compound, DecodeError, Ecn, Packet, Writer};
use rtp::Ssrc;
use serde_json::Value;

pub(crate) const US: Ssrc = Ssrc::new(1);
pub(crate) const THEM: Ssrc = Ssrc::new(2);

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn cases() -> Vec<(String, Vec<u8>)> {
    let cases: Value =
        serde_json::from_str(include_str!("../../../testdata/rtp/rtcp_cases.json")).unwrap();
    let cases = cases["cases"].as_array().unwrap().iter();
    cases
        .map(|case| {
            let text = |field: &str| case[field].as_str().unwrap().to_owned();
            (text("name"), hex(&text("hex")))
        })
        .collect()
}

pub(crate) fn case(name: &str) -> Vec<u8> {
    let found = cases()
        .into_iter()
        .find(|(found, _)| found.starts_with(name));
    found.unwrap().1
}

pub(crate) fn one(bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let mut compound = Compound::new(bytes);
    let first = compound.next().unwrap();
    assert!(compound.next().is_none());
    first
}

/// What is written behind something else, which stays as it is.
pub(crate) fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = b"prefix".to_vec();
    let mut writer = Writer::new(&mut buf);
    write(&mut writer);
    let length = writer.len();
    assert_eq!(&buf[..6], b"prefix");
    assert_eq!(buf.len(), 6 + length);
    buf.split_off(6)
}

pub(crate) fn arrivals(count: u16) -> Vec<Option<Arrival>> {
    let ecn = |number: u16| Ecn::from_bits((number % 4) as u8);
    (0..count)
        .map(|number| {
            (number % 5 != 0).then(|| Arrival {
                ecn: ecn(number),
                offset: number,
            })
        })
        .collect()
}
