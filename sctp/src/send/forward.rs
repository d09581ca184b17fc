use std::time::{Duration, Instant};

use super::{MESSAGE_OVERHEAD, SackOutcome, Sender};
use crate::send::streams::Given;

/// When the peer is told of what was given up.
///
/// Once in a round trip, however often something is (RFC 3758 §3.5 leaves the pace to us), and whenever T3 expires.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forward {
    sent: Option<Instant>,
    /// T3 expired.
    demanded: bool,
}

impl Forward {
    pub(super) fn demand(&mut self) {
        self.demanded = true;
    }
}

impl Sender {
    /// Whether the peer is still to hear that something was given up.
    pub(crate) fn has_abandoned(&self) -> bool {
        self.outstanding.forward_point().is_some()
    }

    /// When a FORWARD-TSN is to be sent, if one is; a time that is past says now.
    pub(crate) fn forward_due(&self) -> Option<ForwardDue> {
        self.outstanding.forward_point()?;
        match self.forward.sent {
            Some(sent) if !self.forward.demanded => {
                let wait = self.rto.smoothed().unwrap_or(LEAST_WAIT).max(LEAST_WAIT);
                // A quarter more, so that the answer to the last one comes first.
                Some(ForwardDue::At(sent + wait + wait / 4))
            }
            _ => Some(ForwardDue::Now),
        }
    }

    /// Appends a FORWARD-TSN of at most `room` bytes, if one is due. True when it was.
    pub(crate) fn transmit_forward(
        &mut self,
        now: Instant,
        room: usize,
        buf: &mut Vec<u8>,
    ) -> bool {
        let is_due = match self.forward_due() {
            Some(ForwardDue::Now) => true,
            Some(ForwardDue::At(due)) => due <= now,
            None => false,
        };
        if !is_due || room < LEAST_ROOM || self.outstanding.encode_forward(room, buf).is_none() {
            return false;
        }
        self.forward = Forward {
            sent: Some(now),
            demanded: false,
        };
        true
    }

    /// Gives up what is too old to be sent, and what is too old to be sent again.
    pub(super) fn drop_expired(&mut self, now: Instant) {
        if !self.partial {
            return;
        }
        let mut outcome = SackOutcome::default();
        while let Some((tsn, ..)) = self.outstanding.next_lost() {
            if !self.outstanding.abandon_if_expired(now, tsn, &mut outcome) {
                break;
            }
        }
        self.take_abandoned(now, &outcome);
        while let Some(given) = self.streams.take_expired(now) {
            self.take_given(now, given);
        }
    }

    /// Messages were given up of which something was sent: their rest, if there is one, is given up as well.
    pub(super) fn take_abandoned(&mut self, now: Instant, outcome: &SackOutcome) {
        for (name, ended) in &outcome.abandoned {
            if *ended {
                self.abandoned_messages += 1;
                self.streams.counts_mut(name.stream).abandoned_messages += 1;
            } else if let Some(given) = self.streams.take_rest(*name) {
                self.take_given(now, given);
            }
        }
        self.held_bytes = self
            .held_bytes
            .saturating_sub(self.outstanding.take_freed());
        if !outcome.abandoned.is_empty() {
            self.update_room();
        }
    }

    /// A queued message was given up.
    pub(super) fn take_given(&mut self, now: Instant, given: Given) {
        self.abandoned_messages += 1;
        self.held_bytes = self
            .held_bytes
            .saturating_sub(given.bytes + MESSAGE_OVERHEAD);
        if let Some((name, fsn)) = given.begun {
            self.outstanding.abandon_begun(name);
            self.outstanding.end_abandoned(now, name, fsn);
            self.held_bytes = self
                .held_bytes
                .saturating_sub(self.outstanding.take_freed());
        }
        self.update_room();
    }
}

/// When a FORWARD-TSN is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardDue {
    /// With the next packet.
    Now,
    /// Not before.
    At(Instant),
}

/// Where no round trip was measured, or it is too short for any timer.
const LEAST_WAIT: Duration = Duration::from_millis(10);
/// A FORWARD-TSN with one stream.
const LEAST_ROOM: usize = 16;
