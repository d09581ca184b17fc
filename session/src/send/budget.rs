use std::time::{Duration, Instant};

/// How many bytes may be retransmitted: a share of the media of the last four seconds, or a floor if that is more.
///
/// Over four seconds, so that a burst of loss may take what quiet seconds left over.
/// Without it a peer could make a sender double its rate at the moment the path is congested, by asking.
#[derive(Debug)]
pub(crate) struct RetransmissionBudget {
    percent: u8,
    /// Per window.
    floor_bytes: u64,
    media: Window,
    repair: Window,
}

impl RetransmissionBudget {
    pub(crate) fn new(percent: u8, floor_bytes_per_second: usize) -> Self {
        Self {
            percent,
            floor_bytes: floor_bytes_per_second as u64 * WINDOW_SECONDS,
            media: Window::default(),
            repair: Window::default(),
        }
    }

    /// Media of this size was sent.
    pub(crate) fn on_media(&mut self, now: Instant, bytes: usize) {
        self.media.add(now, bytes);
    }

    /// Takes room for a retransmission of this size, if there is any.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let share = self.media.sum(now) * u64::from(self.percent) / 100;
        let allowed = share.max(self.floor_bytes);
        let fits = self.repair.sum(now) + bytes as u64 <= allowed;
        if fits {
            self.repair.add(now, bytes);
        }
        fits
    }
}

/// Bytes of the last four seconds, in steps of 250 ms.
#[derive(Debug, Default)]
struct Window {
    slots: [u32; SLOTS],
    /// When the newest slot began, and which it is.
    newest: Option<Instant>,
    index: usize,
}

const WINDOW_SECONDS: u64 = 4;
const SLOTS: usize = 16;
const STEP: Duration = Duration::from_millis(250);

impl Window {
    fn add(&mut self, now: Instant, bytes: usize) {
        self.turn(now);
        if let Some(slot) = self.slots.get_mut(self.index) {
            *slot = slot.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
    }

    fn sum(&mut self, now: Instant) -> u64 {
        self.turn(now);
        self.slots.iter().map(|&slot| u64::from(slot)).sum()
    }

    fn turn(&mut self, now: Instant) {
        let Some(mut newest) = self.newest else {
            self.newest = Some(now);
            return;
        };
        let elapsed = now.saturating_duration_since(newest);
        if elapsed >= STEP * SLOTS as u32 {
            *self = Self {
                newest: Some(now),
                ..Self::default()
            };
            return;
        }
        while now.saturating_duration_since(newest) >= STEP {
            newest += STEP;
            self.index = (self.index + 1) % SLOTS;
            if let Some(slot) = self.slots.get_mut(self.index) {
                *slot = 0;
            }
        }
        self.newest = Some(newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;

    fn at(millis: u64) -> Instant {
        epoch() + Duration::from_millis(millis)
    }

    #[test]
    fn a_share_of_the_last_four_seconds_may_be_repeated() {
        let mut budget = RetransmissionBudget::new(15, 0);
        for n in 0..100 {
            budget.on_media(at(n * 40), 1_000);
        }
        let repeated = (0..100).filter(|_| budget.take(at(3_990), 1_000)).count();
        assert_eq!(repeated, 15);
        assert!(
            !budget.take(at(6_000), 1_000),
            "media of the past window only"
        );
        assert!(!budget.take(at(20_000), 1));
    }

    #[test]
    fn a_floor_stays_for_calls_of_few_packets() {
        let mut budget = RetransmissionBudget::new(15, 1_000);
        assert_eq!((0..10).filter(|_| budget.take(at(0), 1_000)).count(), 4);
        assert!(!budget.take(at(3_999), 1_000));
        assert!(budget.take(at(4_000), 1_000));
    }
}
