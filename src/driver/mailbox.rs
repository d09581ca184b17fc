use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use peer::{ChannelId, CodecParameters, TransceiverId};
use rtp::PayloadType;

use super::channel_box::ChannelBox;
use crate::ReceivedPacket;
use crate::data_channel::ChannelInfo;

/// Packets waiting for the application per track; the oldest go first.
pub(crate) const TRACK_PACKETS: usize = 512;
/// Packets waiting for the shard per track; the oldest go first.
pub(crate) const OUTGOING_PACKETS: usize = 512;
/// Events waiting for the application; the oldest go first. A connection makes few of them.
pub(crate) const EVENTS: usize = 4_096;

/// What a shard and the handles of one connection share: queues under a lock that is held for a push or a pop.
///
/// Everything else belongs to the shard alone. All queues are empty until used.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    /// A handle put something in, and the shard has been told.
    dirty: AtomicBool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) events: VecDeque<Notice>,
    pub(crate) events_dropped: u64,
    event_wakers: Vec<Waker>,
    closers: Vec<Waker>,
    /// How often all candidates were gathered, and who waits for the next time.
    pub(crate) gathered: u64,
    gatherers: Vec<Waker>,
    pub(crate) channels: BTreeMap<ChannelId, ChannelBox>,
    /// Channels that a handle did something with.
    pub(crate) touched: Vec<ChannelId>,
    pub(crate) tracks: BTreeMap<TransceiverId, TrackBox>,
    /// The connection is over: queues drain, then readers see the end.
    pub(crate) closed: bool,
}

/// An event on its way to the application.
#[derive(Debug)]
pub(crate) enum Notice {
    /// As the connection said it.
    Event(peer::Event),
    /// The other side opened a channel.
    DataChannel {
        /// Its name within the connection.
        id: ChannelId,
        /// What the other side said of it.
        info: Arc<ChannelInfo>,
    },
}

/// The queues of one transceiver.
#[derive(Debug, Default)]
pub(crate) struct TrackBox {
    inbound: VecDeque<ReceivedPacket>,
    pub(crate) outbound: VecDeque<Outgoing>,
    reader: Option<Waker>,
    pub(crate) inbound_dropped: u64,
    pub(crate) outbound_dropped: u64,
    /// The codecs that arrive, shared with every packet; looked up again when a payload type is new.
    pub(crate) codecs: Vec<Arc<CodecParameters>>,
    /// What a forwarded codec is called here, for the codec forwarded last.
    pub(crate) route: Option<(Arc<CodecParameters>, PayloadType)>,
}

/// A packet on its way to the shard.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// The application's own.
    Packet(rtp::Packet),
    /// One that another connection received.
    Forward(Box<ReceivedPacket>),
}

impl Mailbox {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in another holder cannot leave the queues half changed: every critical section is a push or a pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the mailbox; true when the shard does not know yet.
    pub(crate) fn mark(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    /// Takes the mark away; the shard does it before it looks inside.
    pub(crate) fn take_mark(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }
}

impl State {
    pub(crate) fn push_event(&mut self, event: Notice) {
        if self.events.len() >= EVENTS {
            if let Some(Notice::DataChannel { id, .. }) = self.events.pop_front() {
                // Nobody will ever have a handle.
                self.release(id);
            }
            self.events_dropped += 1;
        }
        self.events.push_back(event);
        self.event_wakers.drain(..).for_each(Waker::wake);
    }

    pub(crate) fn poll_event(&mut self, cx: &Context<'_>) -> Poll<Option<Notice>> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if self.closed {
            return Poll::Ready(None);
        }
        remember_writer(&mut self.event_wakers, cx);
        Poll::Pending
    }

    pub(crate) fn poll_closed(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.closed {
            return Poll::Ready(());
        }
        remember_writer(&mut self.closers, cx);
        Poll::Pending
    }

    /// All candidates are known, for now.
    pub(crate) fn note_gathered(&mut self) {
        self.gathered = self.gathered.wrapping_add(1);
        self.gatherers.drain(..).for_each(Waker::wake);
    }

    /// Ready once candidates were gathered another time than the ones that were `seen`, or never will be.
    pub(crate) fn poll_gathered(&mut self, cx: &Context<'_>, seen: u64) -> Poll<()> {
        if self.closed || self.gathered != seen {
            return Poll::Ready(());
        }
        remember_writer(&mut self.gatherers, cx);
        Poll::Pending
    }

    pub(crate) fn channel(&mut self, id: ChannelId) -> &mut ChannelBox {
        let over = self.closed;
        self.channels.entry(id).or_insert_with(|| {
            let mut channel = ChannelBox::default();
            if over {
                channel.close();
            }
            channel
        })
    }

    /// The connection is about to end: what was written still leaves, and nothing more is taken.
    pub(crate) fn stop_writing(&mut self) {
        let channels = self.channels.values_mut();
        channels.for_each(ChannelBox::stop_writing);
    }

    /// Whether something waits for the association.
    pub(crate) fn has_outbound(&self) -> bool {
        self.channels.values().any(ChannelBox::has_outbound)
    }

    /// Puts a channel on the list of what the shard has to look at.
    pub(crate) fn touch(&mut self, id: ChannelId) {
        let channel = self.channel(id);
        if !std::mem::replace(&mut channel.touched, true) {
            self.touched.push(id);
        }
    }

    /// The application has no handle of a channel any more: it closes, and what is left of it goes.
    pub(crate) fn release(&mut self, id: ChannelId) {
        let over = self.closed;
        let channel = self.channel(id);
        channel.release();
        if over || channel.is_gone() {
            self.channels.remove(&id);
        } else {
            self.touch(id);
        }
    }

    pub(crate) fn track(&mut self, id: TransceiverId) -> &mut TrackBox {
        self.tracks.entry(id).or_default()
    }

    /// Ends everything: readers drain what is there, writers and waiters are told.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.event_wakers.drain(..).for_each(Waker::wake);
        self.closers.drain(..).for_each(Waker::wake);
        self.gatherers.drain(..).for_each(Waker::wake);
        for channel in self.channels.values_mut() {
            channel.readable = false;
            channel.close();
        }
        self.channels.retain(|_, channel| !channel.released);
        self.touched.clear();
        for track in self.tracks.values_mut() {
            track.outbound.clear();
            wake(&mut track.reader);
        }
    }
}

impl TrackBox {
    pub(crate) fn push_inbound(&mut self, packet: ReceivedPacket) {
        if self.inbound.len() >= TRACK_PACKETS {
            self.inbound.pop_front();
            self.inbound_dropped += 1;
        }
        self.inbound.push_back(packet);
        wake(&mut self.reader);
    }

    pub(crate) fn poll_inbound(
        &mut self,
        cx: &Context<'_>,
        closed: bool,
    ) -> Poll<Option<ReceivedPacket>> {
        if let Some(packet) = self.inbound.pop_front() {
            return Poll::Ready(Some(packet));
        }
        if closed {
            return Poll::Ready(None);
        }
        remember(&mut self.reader, cx);
        Poll::Pending
    }

    pub(crate) fn push_outbound(&mut self, packet: Outgoing) {
        if self.outbound.len() >= OUTGOING_PACKETS {
            self.outbound.pop_front();
            self.outbound_dropped += 1;
        }
        self.outbound.push_back(packet);
    }
}

pub(super) fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

pub(super) fn remember_writer(writers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !writers.iter().any(|waker| waker.will_wake(cx.waker())) {
        writers.push(cx.waker().clone());
    }
}

pub(super) fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot
        .as_ref()
        .is_some_and(|waker| waker.will_wake(cx.waker()))
    {
        *slot = Some(cx.waker().clone());
    }
}
