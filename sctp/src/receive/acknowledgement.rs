use std::time::{Duration, Instant};

/// When to acknowledge (RFC 9260 §6.2).
#[derive(Debug, Default)]
pub(crate) struct Acknowledgement {
    /// Packets with DATA since the last SACK.
    packets: u32,
    /// The next packet to be sent carries a SACK, and there is one even if it carries nothing else.
    due: bool,
    /// When the last packet with DATA came: the peer's first one, and the first after a pause, are acknowledged without delay, because
    /// it measures its round trip by them.
    last: Option<Instant>,
}

/// What to do with the timer of delayed acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckTimer {
    /// It runs, if it does not yet.
    Start,
    /// It is not needed.
    Stop,
}

impl Acknowledgement {
    /// A SACK must leave now.
    pub(crate) fn demand(&mut self) {
        self.due = true;
    }

    pub(crate) fn is_due(&self) -> bool {
        self.due
    }

    /// Something waits to be acknowledged, so that a packet that leaves anyway takes the SACK along.
    pub(crate) fn is_wanted(&self) -> bool {
        self.due || self.packets > 0
    }

    /// A packet with DATA was taken; so long without one is a pause.
    pub(crate) fn on_packet(&mut self, now: Instant, pause: Duration) -> AckTimer {
        self.packets += 1;
        let last = self.last.replace(now);
        let rested = last.is_none_or(|last| {
            // Most packets come together with others.
            now != last && now.saturating_duration_since(last) >= pause
        });
        if self.packets >= 2 || rested {
            self.due = true;
        }
        if self.due {
            AckTimer::Stop
        } else {
            AckTimer::Start
        }
    }

    pub(crate) fn on_sent(&mut self) {
        *self = Self {
            last: self.last,
            ..Self::default()
        };
    }
}
