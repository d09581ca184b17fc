use super::AudioFormat;
use crate::payload::order::{Arrival, Order};
use crate::payload::{Depacketizer, DepacketizerStats};
use crate::{Frame, Packet};

/// The receiving side of every [`AudioFormat`].
///
/// Silence is not filled: an Opus sender that pauses (DTX) leaves a gap in the timestamps without one in the sequence
/// numbers, and the frame behind it begins a talkspurt even if its marker is missing.
#[derive(Clone, Debug)]
pub struct AudioDepacketizer {
    format: AudioFormat,
    order: Order,
    /// Where the frame before ended.
    next_timestamp: Option<u32>,
    after_loss: bool,
    stats: DepacketizerStats,
}

impl AudioDepacketizer {
    /// A depacketizer that has seen nothing.
    pub fn new(format: AudioFormat) -> Self {
        Self {
            format,
            order: Order::default(),
            next_timestamp: None,
            after_loss: false,
            stats: DepacketizerStats::default(),
        }
    }
}

impl Depacketizer for AudioDepacketizer {
    fn push(&mut self, packet: &Packet, sink: &mut dyn FnMut(Frame)) {
        self.stats.packets += 1;
        match self.order.arrive(packet.sequence_number) {
            Arrival::Late => {
                self.stats.late_packets += 1;
                return;
            }
            Arrival::AfterGap => {
                self.stats.gaps += 1;
                self.next_timestamp = None;
                self.after_loss = true;
            }
            Arrival::InOrder => {}
        }
        if packet.payload.is_empty() {
            self.stats.empty_packets += 1;
            return;
        }
        let Ok(duration) = self.format.duration(&packet.payload) else {
            self.stats.malformed_packets += 1;
            self.next_timestamp = None;
            self.after_loss = true;
            return;
        };
        let silence = self
            .next_timestamp
            .is_some_and(|next| next != packet.timestamp);
        self.next_timestamp = duration.map(|duration| packet.timestamp.wrapping_add(duration));
        self.stats.frames += 1;
        sink(Frame {
            duration,
            talkspurt_start: packet.marker || silence,
            after_loss: std::mem::take(&mut self.after_loss),
            ..Frame::new(
                self.format.codec(),
                packet.timestamp,
                packet.payload.clone(),
            )
        });
    }

    fn flush(&mut self, _sink: &mut dyn FnMut(Frame)) {}

    fn stats(&self) -> DepacketizerStats {
        self.stats
    }
}
