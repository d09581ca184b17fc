//! Events that wait to be fetched.

use std::collections::VecDeque;
use std::mem::discriminant;

use crate::data::Outlet;
use crate::event::Event;

/// How many events may wait before the peer can cause no new kinds of them: OPENs are refused, and of states only
/// the last one is kept.
pub(crate) const MAX_EVENTS: usize = 4_096;

/// From here on an older state gives way to a newer one.
const MAX_STATES: usize = 64;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Events {
    queue: VecDeque<Event>,
}

impl Events {
    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// Gives the memory back when nothing waits.
    pub(crate) fn release(&mut self) {
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }
}

impl Outlet for Events {
    fn push(&mut self, event: Event) {
        match event {
            // Saying it twice says nothing.
            Event::KeyframeRequested(_)
            | Event::DataChannelWritable(_)
            | Event::DataChannelBufferedAmountLow(_)
            | Event::NegotiationNeeded
            | Event::SrtpKeyExpiring
            | Event::PathProved(_)
                if self.queue.contains(&event) =>
            {
                return;
            }
            Event::PathProved(_) if self.queue.len() >= MAX_EVENTS => return,
            Event::IceStateChanged(_)
            | Event::ConnectionStateChanged(_)
            | Event::PathSelected(_)
                if self.queue.len() >= MAX_STATES =>
            {
                let kind = discriminant(&event);
                self.queue.retain(|queued| discriminant(queued) != kind);
            }
            _ => {}
        }
        self.queue.push_back(event);
    }

    fn is_full(&self) -> bool {
        self.queue.len() >= MAX_EVENTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnectionState;

    #[test]
    fn states_do_not_pile_up_when_nobody_listens() {
        let mut events = Events::default();
        for _ in 0..10_000 {
            events.push(Event::ConnectionStateChanged(ConnectionState::Disconnected));
            events.push(Event::ConnectionStateChanged(ConnectionState::Connected));
            events.push(Event::NegotiationNeeded);
        }
        assert!(events.queue.len() <= MAX_STATES + 2);
        let last = events
            .queue
            .iter()
            .rev()
            .find(|event| **event != Event::NegotiationNeeded);
        assert_eq!(
            last,
            Some(&Event::ConnectionStateChanged(ConnectionState::Connected))
        );
    }
}
