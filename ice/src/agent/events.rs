use std::collections::VecDeque;
use std::mem::discriminant;

use crate::Event;

/// The most events that wait to be taken. Of the kinds of which only the last matters, an older one gives way.
const MAX_EVENTS: usize = 64;

/// What proved paths may take of it, so that the other kinds always find room.
const MAX_PROVED: usize = 48;

/// What the owner has not heard yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    queue: VecDeque<Event>,
}

impl Events {
    pub(super) fn pop(&mut self) -> Option<Event> {
        let first = self.queue.pop_front()?;
        if self.queue.is_empty() {
            // The next one is seconds away.
            self.queue = VecDeque::new();
        }
        Some(first)
    }

    /// How many payloads nobody has taken yet.
    pub(super) fn count_arrived(&self) -> usize {
        let is_payload = |event: &&Event| matches!(event, Event::PayloadArrived { .. });
        self.queue.iter().filter(is_payload).count()
    }

    /// `false` when there was no room, or an older event of the kind had to go.
    pub(super) fn push(&mut self, event: Event) -> bool {
        if let Event::PathProved(_) = event
            && self.queue.len() >= MAX_PROVED
        {
            return false;
        }
        let mut dropped = false;
        if self.queue.len() >= MAX_EVENTS {
            let same = |queued: &Event| discriminant(queued) == discriminant(&event);
            let Some(at) = self.queue.iter().position(same) else {
                return false;
            };
            self.queue.remove(at);
            dropped = true;
        }
        self.queue.push_back(event);
        !dropped
    }
}
