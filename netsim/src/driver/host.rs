use std::time::Instant;

use net::Path;

use crate::epoch;
use crate::network::NodeId;

/// What the driver keeps for each machine.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) node: NodeId,
    /// Where the datagrams of a machine without addresses go.
    pub(super) path: Option<Path>,
    /// It had an input, a command or a timeout since it was polled dry.
    pub(super) touched: bool,
    /// Not before this instant is it polled: an idle driver's habit.
    pub(super) poll_at: Instant,
    /// It broke the law of deadlines, so its deadline is ignored until something else happens to it.
    pub(super) stuck: bool,
    pub(super) pulls: bool,
    /// Nobody polls it, ever: datagrams and timeouts are all it gets.
    pub(super) muted: bool,
    pub(super) doze: Option<Doze>,
    pub(super) events: Vec<String>,
    pub(super) pulled: Vec<Vec<u8>>,
}

/// The time during which a host sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doze {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Host {
    pub(super) fn new(node: NodeId, path: Option<Path>) -> Self {
        Self {
            node,
            path,
            touched: true,
            poll_at: epoch(),
            stuck: false,
            pulls: true,
            muted: false,
            doze: None,
            events: Vec::new(),
            pulled: Vec::new(),
        }
    }

    pub(super) const fn touch(&mut self) {
        self.touched = true;
        self.stuck = false;
    }

    pub(super) fn is_asleep(&self, now: Instant) -> bool {
        self.doze
            .is_some_and(|doze| (doze.from..doze.until).contains(&now))
    }

    /// When the driver must come back to this machine.
    pub(super) fn next(&self, now: Instant, deadline: Option<Instant>) -> Option<Instant> {
        let deadline = deadline.filter(|_| !self.stuck);
        let poll = (self.touched && !self.muted).then_some(self.poll_at);
        let wanted = deadline.into_iter().chain(poll).min();
        let Some(doze) = self.doze else {
            return wanted;
        };
        // Its timers wait for it to wake; that it wakes is an event of its own.
        let held = wanted.map(|at| {
            if at.max(now) >= doze.from {
                at.max(doze.until)
            } else {
                at
            }
        });
        held.into_iter().chain([doze.until]).min()
    }
}
