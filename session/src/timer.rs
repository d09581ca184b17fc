use rtp::MediaKind;
use std::time::Instant;

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The audio senders and streams report (RFC 3550 §6.2).
    AudioReport,
    /// The video senders and streams report.
    VideoReport,
    /// A missing packet is asked for, first or again.
    Nack,
    /// A keyframe request that came too soon after the last one may leave.
    KeyframeOut,
    /// Keyframe requests of the remote side that were collected become one event.
    KeyframeIn,
    /// Packets whose stream is not known are given up.
    Hold,
    /// A stream that said goodbye ends.
    Goodbye,
    /// Memory of silent streams is given back.
    Idle,
}

impl Timer {
    /// The reports of a kind of media.
    pub(crate) const fn report(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::AudioReport,
            MediaKind::Video => Self::VideoReport,
        }
    }

    /// Every timer, in the order in which those that are due fire.
    pub(crate) const ALL: [Self; 8] = [
        Self::AudioReport,
        Self::VideoReport,
        Self::Nack,
        Self::KeyframeOut,
        Self::KeyframeIn,
        Self::Hold,
        Self::Goodbye,
        Self::Idle,
    ];
}

/// The deadlines, one per timer.
#[derive(Debug, Default)]
pub(crate) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, deadline: Option<Instant>) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = deadline;
        }
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        self.0.get(timer as usize).copied().flatten()
    }

    /// Makes a timer fire at `deadline` unless it fires before anyway.
    pub(crate) fn advance(&mut self, timer: Timer, deadline: Instant) {
        if self.get(timer).is_none_or(|set| deadline < set) {
            self.set(timer, Some(deadline));
        }
    }

    /// Whether the timer is due at `now`; if so it is taken.
    pub(crate) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        let due = self.get(timer).is_some_and(|deadline| deadline <= now);
        if due {
            self.set(timer, None);
        }
        due
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
