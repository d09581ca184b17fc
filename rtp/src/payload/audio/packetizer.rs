use super::AudioFormat;
use crate::Frame;
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Packetizer, Payload};

/// The sending side of every [`AudioFormat`]. Sampled formats are cut between samples if they must be; Opus and
/// comfort noise never are.
#[derive(Clone, Copy, Debug)]
pub struct AudioPacketizer {
    format: AudioFormat,
}

impl AudioPacketizer {
    /// A packetizer of this format.
    pub const fn new(format: AudioFormat) -> Self {
        Self { format }
    }
}

impl Packetizer for AudioPacketizer {
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError> {
        if frame.codec != self.format.codec() {
            return Err(PacketizeError::Codec);
        }
        if frame.data.is_empty() {
            return Err(PacketizeError::Empty);
        }
        self.format.duration(&frame.data)?;
        let Some(tick) = self.format.tick_bytes() else {
            if frame.data.len() > max_payload {
                return Err(PacketizeError::TooLarge);
            }
            sink(Payload {
                timestamp: frame.timestamp,
                marker: frame.talkspurt_start,
                data: frame.data.clone(),
            });
            return Ok(());
        };
        let max_ticks = max_payload / tick;
        if max_ticks == 0 {
            return Err(PacketizeError::MaxPayload);
        }
        for ticks in split_evenly(frame.data.len() / tick, max_ticks) {
            // The duration was checked to fit 32 bits.
            let offset = u32::try_from(ticks.start).unwrap_or_default();
            sink(Payload {
                timestamp: frame.timestamp.wrapping_add(offset),
                marker: frame.talkspurt_start && ticks.start == 0,
                data: frame.data.slice(ticks.start * tick..ticks.end * tick),
            });
        }
        Ok(())
    }
}
