use super::TelephoneEvent;
use crate::Packet;
use crate::payload::PayloadError;
use crate::payload::order::{Arrival, Order};

/// What the packets of a stream say has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedEvent {
    /// An event has begun, or the first that came of it.
    Started {
        /// The event code.
        code: u8,
        /// The power, as in [`TelephoneEvent::volume`].
        volume: u8,
        /// When it began.
        timestamp: u32,
    },
    /// The event is over.
    Ended {
        /// The event code.
        code: u8,
        /// How long it lasted as far as is known, in ticks.
        duration: u32,
    },
}

/// Makes one beginning and one end of the many packets of an event. Packets come in the order of their sequence numbers.
#[derive(Clone, Debug, Default)]
pub struct TelephoneEventReceiver {
    order: Order,
    last: Option<Current>,
}

/// How far behind the end of a segment the next one may begin, in ticks: an audio packet of 120 ms at 48 kHz.
const MAX_LATENESS: u32 = 5_760;

#[derive(Clone, Copy, Debug)]
struct Current {
    code: u8,
    /// Where the segment began.
    timestamp: u32,
    /// The ticks of the segments before.
    before: u32,
    duration: u16,
    ended: bool,
}

impl Current {
    const fn ended(&self) -> ReceivedEvent {
        ReceivedEvent::Ended {
            code: self.code,
            duration: self.before.saturating_add(self.duration as u32),
        }
    }

    /// Whether a packet of another timestamp goes on with this event (RFC 4733 §2.5.1.3): its segment begins where the
    /// one before is full, or with the next packet behind, as senders do that keep to the times of their audio packets.
    fn is_continued_by(&self, code: u8, packet: &Packet) -> bool {
        let full = self.timestamp.wrapping_add(u32::from(u16::MAX));
        let late = packet.timestamp.wrapping_sub(full);
        !self.ended && self.code == code && !packet.marker && late <= MAX_LATENESS
    }
}

impl TelephoneEventReceiver {
    /// A receiver that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next packet, and hands to `sink` what has happened: two things at most.
    pub fn push(
        &mut self,
        packet: &Packet,
        sink: &mut dyn FnMut(ReceivedEvent),
    ) -> Result<(), PayloadError> {
        if self.order.arrive(packet.sequence_number) == Arrival::Late {
            return Ok(());
        }
        let event = TelephoneEvent::decode(&packet.payload)?;
        let mut current = match self.last {
            Some(last) if last.timestamp == packet.timestamp && last.code == event.code => last,
            Some(last) if last.is_continued_by(event.code, packet) => Current {
                timestamp: packet.timestamp,
                before: last.before.saturating_add(u32::from(u16::MAX)),
                duration: 0,
                ..last
            },
            last => {
                if let Some(last) = last.filter(|last| !last.ended) {
                    sink(last.ended());
                }
                sink(ReceivedEvent::Started {
                    code: event.code,
                    volume: event.volume,
                    timestamp: packet.timestamp,
                });
                Current {
                    code: event.code,
                    timestamp: packet.timestamp,
                    before: 0,
                    duration: 0,
                    ended: false,
                }
            }
        };
        current.duration = current.duration.max(event.duration);
        if event.end && !current.ended {
            current.ended = true;
            sink(current.ended());
        }
        self.last = Some(current);
        Ok(())
    }
}
