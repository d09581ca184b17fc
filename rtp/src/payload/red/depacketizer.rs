use super::blocks;
use crate::payload::{Depacketizer, DepacketizerStats, PayloadError};
use crate::{Frame, Packet, PayloadType};

/// The receiving side of RED, around the depacketizer of what is inside.
///
/// Each block becomes the packet that it once was: `n` blocks before the primary, its sequence number is `n` less, as
/// every browser sends them. So a block that was received already counts as late, and one that was lost fills its gap.
/// Packets of other payload types pass as they are.
#[derive(Clone, Debug)]
pub struct RedDepacketizer<D> {
    payload_type: PayloadType,
    inner: D,
    malformed_packets: u64,
}

impl<D: Depacketizer> RedDepacketizer<D> {
    /// A depacketizer of RED packets of this payload type.
    pub const fn new(payload_type: PayloadType, inner: D) -> Self {
        Self {
            payload_type,
            inner,
            malformed_packets: 0,
        }
    }

    fn unpack(&mut self, packet: &Packet, sink: &mut dyn FnMut(Frame)) -> Result<(), PayloadError> {
        let blocks = blocks(&packet.payload)?;
        // RED inside RED is never opened: one packet would have no bound.
        if blocks
            .iter()
            .any(|block| block.payload_type == self.payload_type)
        {
            return Err(PayloadError::Value);
        }
        let mut distance = u16::try_from(blocks.len()).unwrap_or(u16::MAX);
        for block in blocks {
            distance = distance.saturating_sub(1);
            let primary = distance == 0;
            if !primary && block.data.is_empty() {
                continue;
            }
            let whole = Packet {
                payload_type: block.payload_type,
                marker: primary && packet.marker,
                sequence_number: packet.sequence_number.minus(distance),
                timestamp: packet
                    .timestamp
                    .wrapping_sub(u32::from(block.timestamp_offset)),
                payload: packet.payload.slice_ref(block.data),
                ..packet.clone()
            };
            self.inner.push(&whole, sink);
        }
        Ok(())
    }
}

impl<D: Depacketizer> Depacketizer for RedDepacketizer<D> {
    fn push(&mut self, packet: &Packet, sink: &mut dyn FnMut(Frame)) {
        if packet.payload_type != self.payload_type || packet.payload.is_empty() {
            self.inner.push(packet, sink);
        } else if self.unpack(packet, sink).is_err() {
            self.malformed_packets += 1;
        }
    }

    fn flush(&mut self, sink: &mut dyn FnMut(Frame)) {
        self.inner.flush(sink);
    }

    fn stats(&self) -> DepacketizerStats {
        let mut stats = self.inner.stats();
        stats.malformed_packets += self.malformed_packets;
        stats
    }
}
