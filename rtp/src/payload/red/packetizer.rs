use std::collections::VecDeque;

use bytes::Bytes;

use super::block::{HEADER_LEN, MAX_LENGTH, MAX_OFFSET, MAX_REDUNDANT_BLOCKS};
use crate::payload::{PacketizeError, Packetizer, Payload};
use crate::{Frame, PayloadType};

/// The sending side of RED, around the packetizer of what is inside.
///
/// A block is left out, and all older ones with it, when the packet has no room for it, when it is longer than 1,023
/// octets or when it was sent more than 16,383 ticks ago.
#[derive(Clone, Debug)]
pub struct RedPacketizer<P> {
    inner: P,
    payload_type: PayloadType,
    distance: usize,
    /// The newest is at the back.
    sent: VecDeque<(u32, Bytes)>,
}

impl<P: Packetizer> RedPacketizer<P> {
    /// A packetizer whose blocks have this payload type, and which repeats the last `distance` payloads, 9 at most.
    pub fn new(inner: P, payload_type: PayloadType, distance: usize) -> Self {
        Self {
            inner,
            payload_type,
            distance: distance.min(MAX_REDUNDANT_BLOCKS),
            sent: VecDeque::new(),
        }
    }

    fn wrap(&mut self, payload: &Payload, max_payload: usize) -> Bytes {
        let mut len = 1 + payload.data.len();
        let fitting = self.sent.iter().rev().take_while(|(timestamp, data)| {
            len += HEADER_LEN + data.len();
            data.len() <= MAX_LENGTH
                && len <= max_payload
                && payload.timestamp.wrapping_sub(*timestamp) <= MAX_OFFSET
        });
        let count = fitting.count();
        let redundant = self.sent.iter().skip(self.sent.len() - count);
        let mut packet = Vec::new();
        for (timestamp, data) in redundant.clone() {
            // Both were checked to fit their fields.
            let offset = payload.timestamp.wrapping_sub(*timestamp);
            let fields = offset << 10 | u32::try_from(data.len()).unwrap_or_default();
            let header = u32::from(0x80 | self.payload_type.get()) << 24 | fields;
            packet.extend_from_slice(&header.to_be_bytes());
        }
        packet.push(self.payload_type.get());
        for (_, data) in redundant {
            packet.extend_from_slice(data);
        }
        packet.extend_from_slice(&payload.data);
        if self.distance > 0 {
            if self.sent.len() == self.distance {
                self.sent.pop_front();
            }
            self.sent
                .push_back((payload.timestamp, payload.data.clone()));
        }
        Bytes::from(packet)
    }
}

impl<P: Packetizer> Packetizer for RedPacketizer<P> {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        let mut payloads = Vec::new();
        let room = max_payload.saturating_sub(1);
        self.inner
            .packetize(frame, room, &mut |payload| payloads.push(payload))?;
        for payload in payloads {
            let data = self.wrap(&payload, max_payload);
            sink(Payload { data, ..payload });
        }
        Ok(())
    }
}
