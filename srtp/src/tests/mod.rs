mod catalogue;
mod cryptex;
mod keys;
mod providers;
mod rollover;
mod scenarios;
mod vectors;

use serde_json::Value;

use crate::{MasterKey, Profile, Receiver, Sender};

pub(crate) const PROFILES: [Profile; 8] = Profile::ALL;

/// A key that depends on nothing but `seed`.
pub(crate) fn key(profile: Profile, seed: u8) -> MasterKey {
    MasterKey::new(
        profile,
        &vec![seed; profile.key_length()],
        &vec![!seed; profile.salt_length()],
    )
    .unwrap()
}

/// An RTP packet of 20 octets.
pub(crate) fn rtp_packet(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(&90_000_u32.to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(b"payload!");
    packet
}

/// An empty receiver report with a PLI behind it.
pub(crate) fn rtcp_packet(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0x81, 206, 0, 2]);
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 9]);
    packet
}

pub(crate) fn pair(profile: Profile) -> (Sender, Receiver) {
    (
        Sender::new(profile, key(profile, 1)).unwrap(),
        Receiver::new(profile, key(profile, 1)).unwrap(),
    )
}

pub(crate) fn sealed_rtp(sender: &mut Sender, ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = rtp_packet(ssrc, seq);
    sender.protect_rtp(&mut packet, 0).unwrap();
    packet
}

pub(crate) fn sealed_rtcp(sender: &mut Sender, ssrc: u32) -> Vec<u8> {
    let mut packet = rtcp_packet(ssrc);
    sender.protect_rtcp(&mut packet, 0).unwrap();
    packet
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
