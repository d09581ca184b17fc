use super::AbsCaptureTime;
use crate::Ssrc;

/// How far from a packet with a capture time others are reckoned from it, in seconds of the RTP clock.
const MAX_DISTANCE_SECONDS: i64 = 5;

/// A sender repeats the capture time when what a receiver reckons is wrong by more than this: a millisecond, as 32.32
/// fixed point.
const MAX_ERROR: u64 = (1 << 32) / 1000;

/// A capture time, and the packet that it came with.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    source: Ssrc,
    clock_rate: u32,
    rtp_timestamp: u32,
    time: AbsCaptureTime,
}

impl Anchor {
    /// The capture time of another packet of the same source, reckoned by the RTP clock; `None` if it is too far away.
    fn reckon(&self, source: Ssrc, clock_rate: u32, rtp_timestamp: u32) -> Option<AbsCaptureTime> {
        if (source, clock_rate) != (self.source, self.clock_rate) || clock_rate == 0 {
            return None;
        }
        let ticks = i64::from(rtp_timestamp.wrapping_sub(self.rtp_timestamp).cast_signed());
        if ticks.abs() > MAX_DISTANCE_SECONDS * i64::from(clock_rate) {
            return None;
        }
        // Less than 2^31 ticks, times 2^32: it fits.
        let elapsed = (ticks << 32) / i64::from(clock_rate);
        Some(AbsCaptureTime {
            timestamp: self.time.timestamp.wrapping_add_signed(elapsed),
            ..self.time
        })
    }
}

/// The receiving side of [`AbsCaptureTime`]: fills in the packets that come without one.
///
/// The time of a packet is reckoned from the last one that came with a time, of the same capturing source and no more
/// than five seconds of the RTP clock away.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaptureTimeReader {
    anchor: Option<Anchor>,
}

impl CaptureTimeReader {
    /// A reader that has seen nothing.
    pub const fn new() -> Self {
        Self { anchor: None }
    }

    /// The capture time of a packet: `present`, if it has one, else as reckoned.
    ///
    /// `source` is who captured it: the first contributing source of a mixed packet, else the SSRC.
    pub fn update(
        &mut self,
        source: Ssrc,
        clock_rate: u32,
        rtp_timestamp: u32,
        present: Option<AbsCaptureTime>,
    ) -> Option<AbsCaptureTime> {
        let Some(time) = present else {
            return self.anchor?.reckon(source, clock_rate, rtp_timestamp);
        };
        self.anchor = Some(Anchor {
            source,
            clock_rate,
            rtp_timestamp,
            time,
        });
        present
    }
}

/// The sending side of [`AbsCaptureTime`]: leaves out what a receiver reckons right by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaptureTimeWriter {
    anchor: Option<Anchor>,
}

impl CaptureTimeWriter {
    /// A writer that has sent nothing.
    pub const fn new() -> Self {
        Self { anchor: None }
    }

    /// The value that a packet needs; `None` if the receiver will reckon it: from the same source, within a second of
    /// the last one that was sent, right within a millisecond, and with the same clock offset.
    pub fn update(
        &mut self,
        source: Ssrc,
        clock_rate: u32,
        rtp_timestamp: u32,
        time: AbsCaptureTime,
    ) -> Option<AbsCaptureTime> {
        let known = self.anchor.is_some_and(|anchor| {
            let elapsed = rtp_timestamp.wrapping_sub(anchor.rtp_timestamp);
            let reckoned = anchor.reckon(source, clock_rate, rtp_timestamp);
            elapsed < clock_rate
                && anchor.time.clock_offset == time.clock_offset
                && reckoned.is_some_and(|reckoned| {
                    reckoned.timestamp.abs_diff(time.timestamp) <= MAX_ERROR
                })
        });
        if known {
            return None;
        }
        self.anchor = Some(Anchor {
            source,
            clock_rate,
            rtp_timestamp,
            time,
        });
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Ssrc = Ssrc::new(1);
    const SECOND: u64 = 1 << 32;

    fn at(timestamp: u64) -> AbsCaptureTime {
        AbsCaptureTime {
            timestamp,
            clock_offset: Some(-7),
        }
    }

    #[test]
    fn packets_without_a_capture_time_are_reckoned_by_the_rtp_clock() {
        let mut reader = CaptureTimeReader::new();
        assert_eq!(reader.update(SOURCE, 90_000, 0, None), None);
        let first = Some(at(100 * SECOND));
        assert_eq!(reader.update(SOURCE, 90_000, 4_294_967_000, first), first);
        let later = reader.update(SOURCE, 90_000, 4_294_967_000_u32.wrapping_add(45_000), None);
        assert_eq!(later, Some(at(100 * SECOND + SECOND / 2)), "over the wrap");
        let before = reader.update(SOURCE, 90_000, 4_294_967_000 - 90_000, None);
        assert_eq!(before, Some(at(99 * SECOND)), "a late packet");
    }

    #[test]
    fn other_sources_clocks_and_far_packets_are_not_reckoned() {
        let mut reader = CaptureTimeReader::new();
        reader.update(SOURCE, 48_000, 0, Some(at(SECOND)));
        assert_eq!(reader.update(Ssrc::new(2), 48_000, 480, None), None);
        assert_eq!(reader.update(SOURCE, 8_000, 480, None), None);
        assert!(reader.update(SOURCE, 48_000, 240_000, None).is_some());
        assert_eq!(reader.update(SOURCE, 48_000, 240_001, None), None);
        assert_eq!(CaptureTimeReader::new().update(SOURCE, 0, 0, None), None);
        reader.update(SOURCE, 0, 0, Some(at(SECOND)));
        assert_eq!(reader.update(SOURCE, 0, 5, None), None, "no clock rate");
    }

    #[test]
    fn capture_times_are_sent_once_a_second_or_when_the_clock_jumps() {
        let mut writer = CaptureTimeWriter::new();
        let mut sent = 0;
        for frame in 0..60_u32 {
            let time = at(SECOND * 5 + u64::from(frame) * SECOND / 30);
            sent += u32::from(writer.update(SOURCE, 90_000, frame * 3_000, time).is_some());
        }
        assert_eq!(sent, 2);
        let jump = at(SECOND * 7 + SECOND / 400);
        assert_eq!(writer.update(SOURCE, 90_000, 180_000, jump), Some(jump));
        let offset = AbsCaptureTime {
            clock_offset: None,
            ..jump
        };
        assert_eq!(writer.update(SOURCE, 90_000, 180_000, offset), Some(offset));
        let other = Ssrc::new(2);
        assert_eq!(writer.update(other, 90_000, 180_000, offset), Some(offset));
    }
}
