use bytes::Bytes;

use super::TelephoneEvent;
use crate::payload::Payload;

/// How often the end of an event is sent, for one loss or two must not make a tone last (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;

/// The packets of one event, in order: an update every `interval`, and its end three times.
///
/// An event longer than 65,535 ticks is sent in segments (RFC 4733 §2.5.1.3).
#[derive(Clone, Debug)]
pub struct EventPackets {
    code: u8,
    volume: u8,
    timestamp: u32,
    duration: u32,
    interval: u32,
    elapsed: u32,
    segment_start: u32,
    ends: u8,
}

/// A packet of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// When it is to be sent, in ticks after the beginning of the event.
    pub due: u32,
    /// The packet.
    pub payload: Payload,
}

impl EventPackets {
    /// The packets of an event that begins at `timestamp` and lasts `duration` ticks of the audio codec's clock.
    ///
    /// `interval` is the time between two updates, in ticks; 0 is taken as 1. `volume` is that of [`TelephoneEvent`].
    pub const fn new(event: (u8, u8), timestamp: u32, duration: u32, interval: u32) -> Self {
        let (code, volume) = event;
        Self {
            code,
            volume,
            timestamp,
            duration,
            interval: if interval == 0 { 1 } else { interval },
            elapsed: 0,
            segment_start: 0,
            ends: 0,
        }
    }
}

impl Iterator for EventPackets {
    type Item = EventPacket;

    fn next(&mut self) -> Option<EventPacket> {
        if self.ends == END_PACKETS {
            return None;
        }
        let marker = self.elapsed == 0 && self.ends == 0;
        let next = self
            .elapsed
            .saturating_add(self.interval)
            .min(self.duration);
        let segment_end = self.segment_start.saturating_add(u32::from(u16::MAX));
        self.elapsed = next.min(segment_end);
        let end = self.elapsed == self.duration;
        self.ends += u8::from(end);
        let event = TelephoneEvent {
            code: self.code,
            end,
            volume: self.volume,
            duration: u16::try_from(self.elapsed - self.segment_start).unwrap_or(u16::MAX),
        };
        let timestamp = self.timestamp.wrapping_add(self.segment_start);
        if self.elapsed == segment_end && !end {
            self.segment_start = segment_end;
        }
        Some(EventPacket {
            due: self.elapsed,
            payload: Payload {
                timestamp,
                marker,
                data: Bytes::copy_from_slice(&event.encode()),
            },
        })
    }
}
