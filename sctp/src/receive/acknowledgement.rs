/// When to acknowledge (RFC 9260 §6.2).
#[derive(Debug, Default)]
pub(crate) struct Acknowledgement {
    /// Packets with DATA since the last SACK.
    packets: u32,
    /// The next packet to be sent carries a SACK, and there is one even if it carries nothing else.
    due: bool,
    /// One was sent: the peer's first DATA is acknowledged without delay, because it measures its round trip.
    begun: bool,
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

    /// A packet with DATA was taken.
    pub(crate) fn on_packet(&mut self) -> AckTimer {
        self.packets += 1;
        if self.packets >= 2 || !self.begun {
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
            begun: true,
            ..Self::default()
        };
    }
}
