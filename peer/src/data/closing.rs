//! How channels end: by wish, by the peer's mistake, and with what carries them (RFC 8831 §6.7).

use std::time::Instant;

use sctp::{Association, Direction, RefusalReason, StreamId};

use super::channel::{ChannelId, ChannelState};
use super::channels::{Channels, Outlet};
use crate::event::{ChannelCloseCause, ChannelCloseReason, Event, Initiator};

impl Channels {
    /// Begins the end of a channel: what was written leaves first.
    pub(super) fn close(
        &mut self,
        now: Instant,
        id: ChannelId,
        cause: ChannelCloseCause,
        association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let reason = ChannelCloseReason::new(Initiator::Local, cause);
        channel.close_reason.get_or_insert(reason);
        if channel.open_unsent {
            // The peer never heard of it, and would not answer a reset.
            self.remove(id, reason, outlet);
            return;
        }
        if !self.connected && association.is_some() && !channel.negotiated {
            channel.state = ChannelState::Closing;
            return;
        }
        let (Some(association), Some(stream), true) = (association, channel.stream, self.connected)
        else {
            self.remove(id, reason, outlet);
            return;
        };
        if channel.state == ChannelState::Closed {
            self.remove(id, reason, outlet);
            return;
        }
        if channel.reset_requested {
            return;
        }
        if channel.state == ChannelState::Open && cause != ChannelCloseCause::Requested {
            outlet.push(Event::DataChannelClosing(id));
        }
        channel.state = ChannelState::Closing;
        channel.reset_requested = true;
        if channel.writing.take().is_some() {
            give_up(now, association, stream);
        }
        channel.partial = Vec::new();
        let held: usize = channel.held.drain(..).map(|piece| piece.data.len()).sum();
        self.held_bytes = self.held_bytes.saturating_sub(held);
        channel.readable = false;
        let asked = association.reset_streams(now, &[StreamId::new(stream)]);
        if asked.is_err() {
            // Without RE-CONFIG nothing can tell the peer; the stream stays taken on its side.
            self.retired.insert(stream);
            self.remove(id, reason, outlet);
            return;
        }
        self.on_readable(now, stream, association, outlet);
        self.advance_close(now, id, association, outlet);
    }

    /// Streams began anew.
    pub(crate) fn on_reset(
        &mut self,
        now: Instant,
        direction: Direction,
        streams: &[StreamId],
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let named: Vec<u16> = if streams.is_empty() {
            self.streams.keys().copied().collect()
        } else {
            streams.iter().map(|stream| stream.get()).collect()
        };
        for stream in named {
            if direction == Direction::Incoming {
                self.drop_early(stream);
            }
            let Some(&id) = self.streams.get(&stream) else {
                continue;
            };
            let Some(channel) = self.channels.get_mut(&id) else {
                continue;
            };
            match direction {
                Direction::Incoming => channel.peer_reset = true,
                Direction::Outgoing => channel.reset_done = true,
            }
            self.advance_close(now, id, association, outlet);
        }
    }

    /// The association takes nothing more from a stream, because the peer keeps to no limit: the channel closes (C-8).
    pub(crate) fn on_refused(
        &mut self,
        now: Instant,
        (stream, reason): (u16, RefusalReason),
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        self.drop_early(stream);
        let cause = match reason {
            RefusalReason::Unread => ChannelCloseCause::Unread,
            _ => ChannelCloseCause::MessageTooLarge,
        };
        if let Some(&id) = self.streams.get(&stream) {
            self.close(now, id, cause, Some(association), outlet);
        } else {
            // What cannot be reset yet, or not at all, stays refused.
            let _ = association.reset_streams(now, &[StreamId::new(stream)]);
        }
    }

    /// The peer would not begin these streams anew: the channels end here all the same, and their streams are not used again.
    pub(crate) fn on_reset_refused(&mut self, streams: &[StreamId], outlet: &mut impl Outlet) {
        let reason = ChannelCloseReason::new(Initiator::Remote, ChannelCloseCause::ResetRefused);
        for stream in streams {
            if let Some(&id) = self.streams.get(&stream.get()) {
                self.retired.insert(stream.get());
                self.remove(id, reason, outlet);
            }
        }
    }

    /// Goes on with a close: our side follows the peer's once all was read, and both together end the channel (C-9).
    pub(super) fn advance_close(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let Some(stream) = channel.stream else {
            return;
        };
        let theirs = ChannelCloseReason::new(Initiator::Remote, ChannelCloseCause::Requested);
        if channel.peer_reset {
            if channel.state == ChannelState::Open {
                outlet.push(Event::DataChannelClosing(id));
            }
            channel.state = ChannelState::Closing;
            channel.close_reason.get_or_insert(theirs);
            if !channel.readable && !channel.reset_requested {
                channel.reset_requested = true;
                if channel.writing.take().is_some() {
                    give_up(now, association, stream);
                }
                let asked = association.reset_streams(now, &[StreamId::new(stream)]);
                channel.reset_done |= asked.is_err();
            }
        }
        if channel.peer_reset && channel.reset_done {
            self.remove(id, theirs, outlet);
        }
    }

    /// The association is gone, and every channel with it (C-17). What had arrived can still be read.
    pub(crate) fn close_all(&mut self, reason: ChannelCloseReason, outlet: &mut impl Outlet) {
        self.connected = false;
        self.streams.clear();
        self.early.clear();
        let closed = &mut self.closed;
        self.channels.retain(|id, channel| {
            if channel.state != ChannelState::Closed {
                channel.state = ChannelState::Closed;
                *closed += u64::from(channel.was_open);
                let reason = channel.close_reason.unwrap_or(reason);
                outlet.push(Event::DataChannelClosed(*id, reason));
            }
            channel.readable
        });
        let held = self.channels.values().flat_map(|channel| &channel.held);
        self.held_bytes = held.map(|piece| piece.data.len()).sum();
    }

    /// The peer lost its state and made the association anew: what it knew of channels is gone.
    pub(crate) fn on_restarted(&mut self, outlet: &mut impl Outlet) {
        let cause = ChannelCloseCause::AssociationRestarted;
        self.on_replaced(ChannelCloseReason::new(Initiator::Remote, cause), outlet);
        self.connected = true;
    }

    /// Another association takes the place of this one: nothing of it is left.
    pub(crate) fn on_replaced(&mut self, reason: ChannelCloseReason, outlet: &mut impl Outlet) {
        self.close_all(reason, outlet);
        self.retired.clear();
    }

    /// Takes a channel away and says so, with this reason unless it had one.
    pub(super) fn remove(
        &mut self,
        id: ChannelId,
        reason: ChannelCloseReason,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.remove(&id) else {
            return;
        };
        if let Some(stream) = channel.stream {
            self.streams.remove(&stream);
        }
        let held: usize = channel.held.iter().map(|piece| piece.data.len()).sum();
        self.held_bytes = self.held_bytes.saturating_sub(held);
        if channel.state != ChannelState::Closed {
            self.closed += u64::from(channel.was_open);
            let reason = channel.close_reason.unwrap_or(reason);
            outlet.push(Event::DataChannelClosed(id, reason));
        }
    }
}

/// Ends a message that nobody will finish. A peer without FORWARD-TSN gets what there is of it.
fn give_up(now: Instant, association: &mut Association, stream: u16) {
    let stream = StreamId::new(stream);
    if association.abandon_message(now, stream).is_err() {
        // Nothing was written, or it ends here.
        let _ = association.finish_message(now, stream);
    }
}
