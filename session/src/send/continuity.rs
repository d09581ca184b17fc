use crate::clock::to_ticks;
use crate::id::StreamKey;
use crate::packet::ReceivedPacket;
use crate::window::SequenceWindow;
use std::time::Instant;

/// Numbers packets of changing sources as one unbroken stream.
///
/// Within a source, gaps stay gaps, so that a packet which arrives late still fits. At a change of source the next
/// packet gets the next number, and its timestamp is the last one advanced by the time that passed. No number is
/// given out twice: SRTP would use an index again.
#[derive(Debug)]
pub(crate) struct Continuity {
    sent: SequenceWindow,
    source: Option<SourceOffset>,
    /// Timestamp and arrival of the newest packet forwarded.
    newest: Option<(u32, Instant)>,
    /// Where numbers and timestamps begin.
    first_sequence: u64,
    first_timestamp: u32,
}

#[derive(Clone, Copy, Debug)]
struct SourceOffset {
    key: StreamKey,
    /// The place of its first packet, and the number that packet got.
    first_place: u64,
    first_sequence: u64,
    /// The highest place forwarded.
    newest_place: u64,
    timestamp_offset: u32,
}

/// A leap of this many places within a source is a pause, not a loss: nobody will ask for what was not forwarded.
const MAX_GAP: u64 = 1_000;

impl Continuity {
    /// Starts at these numbers, which should be random (RFC 3550 §5.1).
    pub(crate) fn new(first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            sent: SequenceWindow::default(),
            source: None,
            newest: None,
            first_sequence: 0x1_0000 + u64::from(first_sequence),
            first_timestamp,
        }
    }

    /// The number after the highest one, for packets that the sender numbers itself.
    pub(crate) fn next(&mut self) -> u64 {
        let sequence = self.next_sequence();
        self.sent.insert(sequence);
        // What is forwarded next continues from here.
        self.source = None;
        sequence
    }

    /// Takes a number that the application chose; `None` if it was used before or is too old to tell.
    pub(crate) fn keep(&mut self, number: u16) -> Option<u64> {
        let sequence = match self.sent.highest() {
            None => 0x1_0000 + u64::from(number),
            Some(highest) => {
                let ahead = number.wrapping_sub(highest as u16);
                highest.wrapping_add_signed(i64::from(ahead as i16))
            }
        };
        self.sent.insert(sequence).then_some(sequence)
    }

    /// Sequence number and timestamp of a forwarded packet; `None` if it is from before the change of source, or
    /// was forwarded already.
    pub(crate) fn forward(
        &mut self,
        received: &ReceivedPacket,
        clock_rate: u32,
    ) -> Option<(u64, u32)> {
        let place = received.place;
        let present = self.source.filter(|source| {
            source.key == received.stream && place <= source.newest_place.saturating_add(MAX_GAP)
        });
        let mut source = present.unwrap_or_else(|| self.change(received, clock_rate));
        let sequence = place.checked_sub(source.first_place)? + source.first_sequence;
        if !self.sent.insert(sequence) {
            return None;
        }
        let timestamp = received
            .packet
            .timestamp
            .wrapping_add(source.timestamp_offset);
        if present.is_none() || place > source.newest_place {
            source.newest_place = place;
            self.newest = Some((timestamp, received.received));
        }
        self.source = Some(source);
        Some((sequence, timestamp))
    }

    /// Where the packets of a new source go.
    fn change(&self, received: &ReceivedPacket, clock_rate: u32) -> SourceOffset {
        let timestamp = self.newest.map_or(self.first_timestamp, |(newest, then)| {
            let elapsed = to_ticks(
                received.received.saturating_duration_since(then),
                clock_rate,
            );
            // Ten milliseconds at least: two frames never share a timestamp. And never back.
            let least = u64::from(clock_rate / 100).max(1);
            newest.wrapping_add(elapsed.clamp(least, i32::MAX as u64) as u32)
        });
        SourceOffset {
            key: received.stream,
            first_place: received.place,
            first_sequence: self.next_sequence(),
            newest_place: received.place,
            timestamp_offset: timestamp.wrapping_sub(received.packet.timestamp),
        }
    }

    fn next_sequence(&self) -> u64 {
        self.sent
            .highest()
            .map_or(self.first_sequence, |highest| highest + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;
    use rtp::{ExtensionMap, Packet};
    use std::sync::Arc;
    use std::time::Duration;

    fn received(key: u64, place: u64, timestamp: u32, millis: u64) -> ReceivedPacket {
        ReceivedPacket {
            packet: Packet {
                timestamp,
                ..Packet::default()
            },
            received: epoch() + Duration::from_millis(millis),
            captured: None,
            stream: StreamKey::new(key),
            place,
            retransmitted: false,
            extensions: Arc::new(ExtensionMap::default()),
        }
    }

    #[test]
    fn a_change_of_source_continues_numbers_and_time() {
        let mut continuity = Continuity::new(65_535, 500);
        let mut forward = |key, place, timestamp, millis| {
            continuity.forward(&received(key, place, timestamp, millis), 90_000)
        };
        assert_eq!(forward(1, 70_000, 9_000, 0), Some((0x1_ffff, 500)));
        assert_eq!(forward(1, 70_003, 12_000, 33), Some((0x2_0002, 3_500)));
        assert_eq!(forward(2, 66_000, 777, 133), Some((0x2_0003, 12_500)));
        assert_eq!(forward(2, 66_001, 777, 133), Some((0x2_0004, 12_500)));
        assert_eq!(forward(2, 65_999, 77, 134), None, "from before the change");
        assert_eq!(
            forward(1, 70_004, 1, 134),
            Some((0x2_0005, 13_400)),
            "and back"
        );
    }

    #[test]
    fn late_packets_fill_the_gap_once() {
        let mut continuity = Continuity::new(0, 0);
        let mut forward = |place| {
            continuity
                .forward(&received(1, place, 0, 0), 90_000)
                .map(|(sequence, _)| sequence)
        };
        assert_eq!(forward(100), Some(0x1_0000));
        assert_eq!(forward(103), Some(0x1_0003));
        assert_eq!(forward(101), Some(0x1_0001));
        assert_eq!(forward(101), None);
        assert_eq!(forward(99), None);
        assert_eq!(forward(104), Some(0x1_0004));
    }

    #[test]
    fn a_pause_leaves_no_gap() {
        let mut continuity = Continuity::new(0, 0);
        continuity.forward(&received(1, 100, 0, 0), 90_000);
        let resumed = continuity.forward(&received(1, 9_000, 90_000 * 60, 1_000), 90_000);
        assert_eq!(resumed, Some((0x1_0001, 90_000)));
    }

    #[test]
    fn equal_arrival_times_still_advance_the_timestamp() {
        let mut continuity = Continuity::new(0, 0);
        continuity.forward(&received(1, 1, 10, 0), 48_000);
        let (_, timestamp) = continuity.forward(&received(2, 1, 10, 0), 48_000).unwrap();
        assert_eq!(timestamp, 480);
    }

    #[test]
    fn numbers_that_the_application_keeps_are_used_once() {
        let mut continuity = Continuity::new(0, 0);
        assert_eq!(continuity.keep(65_535), Some(0x1_ffff));
        assert_eq!(continuity.keep(2), Some(0x2_0002));
        assert_eq!(continuity.keep(0), Some(0x2_0000));
        assert_eq!(continuity.keep(0), None);
    }
}
