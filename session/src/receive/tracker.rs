use crate::window::SequenceWindow;
use rtp::{MAX_DROPOUT, SequenceNumber, SourceValidator, Verdict};
use std::collections::VecDeque;

/// Where the packets of one stream belong (RFC 3550 A.1), and which of them were there before.
#[derive(Debug)]
pub(crate) struct SequenceTracker {
    validator: SourceValidator,
    window: SequenceWindow,
    /// The first number of the present run.
    base: u64,
}

/// What the sequence number of a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The stream begins.
    First(u64),
    /// The newest packet; what lies between it and `after` is missing.
    Next {
        /// The newest one before.
        after: u64,
        /// The packet.
        sequence: u64,
    },
    /// A packet that was missing.
    Late(u64),
    /// The second packet in sequence after a leap: a new run begins.
    Restart(u64),
    /// The first packet after a leap: a stray, unless its successor follows.
    Leap,
    /// A packet that was there before.
    Duplicate,
}

impl Arrival {
    /// The number of a packet that belongs to the stream and is new.
    pub(crate) const fn sequence(self) -> Option<u64> {
        match self {
            Self::First(sequence)
            | Self::Next { sequence, .. }
            | Self::Late(sequence)
            | Self::Restart(sequence) => Some(sequence),
            Self::Leap | Self::Duplicate => None,
        }
    }
}

impl Default for SequenceTracker {
    fn default() -> Self {
        Self {
            // Every packet was authenticated, so the first one counts.
            validator: SourceValidator::new(1),
            window: SequenceWindow::default(),
            base: 0,
        }
    }
}

impl SequenceTracker {
    /// A packet arrived on the stream's own SSRC.
    pub(crate) fn on_packet(&mut self, number: SequenceNumber) -> Arrival {
        let verdict = self.validator.update(number);
        let Some(highest) = self.window.highest() else {
            // One cycle is kept in reserve for packets from before the first.
            self.base = 0x1_0000 + u64::from(number.get());
            self.window.insert(self.base);
            return Arrival::First(self.base);
        };
        let sequence = self.extend(highest, number);
        match verdict {
            Verdict::Start => {
                // Numbers of a new run lie above the old ones, whatever the direction of the leap.
                let leap = number.distance_from(SequenceNumber::new(highest as u16));
                self.base = highest + u64::from(leap);
                self.window.insert(self.base);
                Arrival::Restart(self.base)
            }
            Verdict::Accept if !self.window.insert(sequence) => Arrival::Duplicate,
            Verdict::Accept if sequence > highest => Arrival::Next {
                after: highest,
                sequence,
            },
            Verdict::Accept => Arrival::Late(sequence),
            _ => Arrival::Leap,
        }
    }

    /// The original of a retransmission: `None` if it was not this run's.
    pub(crate) fn place_original(&self, number: SequenceNumber) -> Option<Original> {
        let highest = self.window.highest()?;
        let sequence = self.extend(highest, number);
        if sequence > highest {
            (sequence - highest < u64::from(MAX_DROPOUT)).then_some(Original::Newer)
        } else {
            (sequence >= self.base).then_some(Original::Past(sequence))
        }
    }

    /// Notes a recovered packet; `false` if it was there, or is too old to tell.
    pub(crate) fn on_recovered(&mut self, sequence: u64) -> bool {
        self.window.insert(sequence)
    }

    /// The highest number with its cycles, as reports carry it.
    pub(crate) const fn extended_highest(&self) -> u32 {
        self.validator.extended_highest()
    }

    fn extend(&self, highest: u64, number: SequenceNumber) -> u64 {
        let ahead = number.distance_from(SequenceNumber::new(highest as u16));
        // Half the circle is as far ahead as behind; the validator has refused both.
        highest.wrapping_add_signed(i64::from(ahead as i16))
    }
}

/// Where the original of a retransmission lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Original {
    /// Beyond the highest number: it counts as if it had arrived itself.
    Newer,
    /// Not beyond it.
    Past(u64),
}

/// The places of media packets, with those of padding packets taken out.
///
/// Padding has sequence numbers of its own but is not delivered, so a forwarder that copied the numbers would show
/// its subscribers gaps that nobody can fill.
#[derive(Debug, Default)]
pub(crate) struct Places {
    removed: u64,
    /// The latest padding numbers, ascending.
    recent: VecDeque<u64>,
    newest_media: u64,
}

/// A packet that is later than this many padding packets gets the place of another; a forwarder sends neither twice.
const MAX_RECENT: usize = 64;

impl Places {
    /// The number belongs to padding.
    pub(crate) fn on_padding(&mut self, sequence: u64) {
        // Later media was placed already: the gap is out in the world.
        if sequence <= self.newest_media || self.recent.back().is_some_and(|&b| sequence <= b) {
            return;
        }
        self.removed += 1;
        self.recent.push_back(sequence);
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    /// The place of a media packet.
    pub(crate) fn place(&mut self, sequence: u64) -> u64 {
        self.newest_media = self.newest_media.max(sequence);
        let later = self
            .recent
            .iter()
            .rev()
            .take_while(|&&p| p > sequence)
            .count();
        sequence.wrapping_sub(self.removed.saturating_sub(later as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(tracker: &mut SequenceTracker, number: u16) -> Arrival {
        tracker.on_packet(SequenceNumber::new(number))
    }

    #[test]
    fn numbers_go_on_past_the_wrap_and_late_ones_find_their_place() {
        let mut tracker = SequenceTracker::default();
        assert_eq!(on(&mut tracker, 65_534), Arrival::First(0x1_fffe));
        assert_eq!(
            on(&mut tracker, 1),
            Arrival::Next {
                after: 0x1_fffe,
                sequence: 0x2_0001
            }
        );
        assert_eq!(on(&mut tracker, 65_535), Arrival::Late(0x1_ffff));
        assert_eq!(on(&mut tracker, 65_535), Arrival::Duplicate);
        assert_eq!(tracker.extended_highest(), 0x1_0001);
    }

    #[test]
    fn a_leap_restarts_with_its_second_packet_above_all_before() {
        let mut tracker = SequenceTracker::default();
        on(&mut tracker, 40_000);
        assert_eq!(on(&mut tracker, 10_000), Arrival::Leap);
        let Arrival::Restart(base) = on(&mut tracker, 10_001) else {
            panic!("no restart");
        };
        assert!(base > 0x1_0000 + 40_000);
        assert_eq!(base as u16, 10_001);
        assert_eq!(tracker.place_original(SequenceNumber::new(10_000)), None);
    }

    #[test]
    fn an_original_is_placed_by_the_highest_number() {
        let mut tracker = SequenceTracker::default();
        on(&mut tracker, 100);
        on(&mut tracker, 105);
        let original = |n| tracker.place_original(SequenceNumber::new(n));
        assert_eq!(original(102), Some(Original::Past(0x1_0066)));
        assert_eq!(original(106), Some(Original::Newer));
        assert_eq!(original(99), None);
        assert_eq!(original(5_000), None);
    }

    #[test]
    fn padding_leaves_no_gap() {
        let mut places = Places::default();
        assert_eq!(places.place(100), 100);
        places.on_padding(101);
        places.on_padding(102);
        assert_eq!(places.place(104), 102);
        assert_eq!(places.place(103), 101, "late, before other media");
        places.on_padding(105);
        assert_eq!(places.place(106), 103);
        assert_eq!(places.place(99), 99, "late, from before the padding");
        places.on_padding(98);
        assert_eq!(
            places.place(107),
            104,
            "padding behind media changes nothing"
        );
    }
}
