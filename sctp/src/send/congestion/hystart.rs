use std::time::Duration;

/// HyStart++ (RFC 9406): leaves slow start when the round trip grows, before the queue overflows.
#[derive(Debug, Default)]
pub(super) struct HyStart {
    last_round: Option<Duration>,
    this_round: Option<Duration>,
    samples: u32,
    /// In conservative slow start: the round trip at its beginning, and the rounds it lasted.
    conservative: Option<(Duration, u32)>,
}

/// What slow start does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The window grows by what was acknowledged, divided by this.
    Grow(usize),
    /// The path is full: on to congestion avoidance.
    Leave,
}

impl HyStart {
    /// Takes what an acknowledgement says (RFC 9406 §4.2).
    pub(super) fn on_ack(&mut self, sample: Option<Duration>, round_ended: bool) -> Step {
        if let Some(sample) = sample {
            self.this_round = Some(self.this_round.map_or(sample, |least| least.min(sample)));
            self.samples += 1;
            self.judge();
        }
        if round_ended && self.end_round() {
            return Step::Leave;
        }
        Step::Grow(if self.conservative.is_some() {
            CSS_GROWTH_DIVISOR
        } else {
            1
        })
    }

    fn judge(&mut self) {
        let (Some(this), Some(last)) = (self.this_round, self.last_round) else {
            return;
        };
        if self.samples < SAMPLES {
            return;
        }
        match self.conservative {
            None => {
                let threshold = (last / 8).clamp(LEAST_THRESHOLD, GREATEST_THRESHOLD);
                if this >= last + threshold {
                    self.conservative = Some((this, 0));
                }
            }
            // It was jitter.
            Some((baseline, _)) if this < baseline => self.conservative = None,
            Some(_) => {}
        }
    }

    /// Begins a round; true when conservative slow start lasted long enough.
    fn end_round(&mut self) -> bool {
        if self.this_round.is_some() {
            self.last_round = self.this_round.take();
        }
        self.samples = 0;
        if let Some((_, rounds)) = &mut self.conservative {
            *rounds += 1;
            return *rounds >= CSS_ROUNDS;
        }
        false
    }
}

/// RFC 9406 §4.3.
const SAMPLES: u32 = 8;
const LEAST_THRESHOLD: Duration = Duration::from_millis(4);
const GREATEST_THRESHOLD: Duration = Duration::from_millis(16);
const CSS_GROWTH_DIVISOR: usize = 4;
const CSS_ROUNDS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn round(hystart: &mut HyStart, millis: u64) -> Step {
        for _ in 0..10 {
            hystart.on_ack(Some(Duration::from_millis(millis)), false);
        }
        hystart.on_ack(None, true)
    }

    #[test]
    fn a_growing_round_trip_ends_slow_start_after_five_careful_rounds() {
        let mut hystart = HyStart::default();
        assert_eq!(round(&mut hystart, 40), Step::Grow(1));
        assert_eq!(round(&mut hystart, 42), Step::Grow(1));
        assert_eq!(round(&mut hystart, 48), Step::Grow(4));
        for _ in 0..3 {
            assert_eq!(round(&mut hystart, 50), Step::Grow(4));
        }
        assert_eq!(round(&mut hystart, 50), Step::Leave);
    }

    #[test]
    fn jitter_does_not_end_slow_start() {
        let mut hystart = HyStart::default();
        round(&mut hystart, 40);
        assert_eq!(round(&mut hystart, 60), Step::Grow(4));
        assert_eq!(round(&mut hystart, 41), Step::Grow(1));
    }
}
