//! All data channels of a connection: who has which stream, and what happens to all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use sctp::{Association, SendOptions, StreamId};

use super::channel::{Channel, ChannelId, ChannelState, DataChannelInit, PPID_DCEP};
use super::dcep;
use crate::error::CreateDataChannelError;
use crate::event::{ChannelCloseCause, ChannelCloseReason, Event, Initiator};
use crate::stats::DataChannelStats;

/// The data channels of a connection.
#[derive(Debug)]
pub(crate) struct Channels {
    /// Boxed, because a node of the map has room for eleven.
    pub(super) channels: BTreeMap<ChannelId, Box<Channel>>,
    pub(super) streams: BTreeMap<u16, ChannelId>,
    /// Streams whose peer never heard of the end: they cannot be used again.
    pub(super) retired: BTreeSet<u16>,
    next_id: u32,
    /// The most at one time, both sides' together.
    pub(super) limit: usize,
    /// The largest message that is read whole.
    pub(super) max_receive: usize,
    /// The largest message that we announced: read in pieces it may be larger than one that is read whole.
    pub(super) max_streamed: usize,
    /// The largest message that the peer announced.
    pub(crate) max_send: usize,
    /// The most that all channels may send, in bits per second.
    pub(crate) rate_limit: Option<u64>,
    /// Who takes even streams (RFC 8832 §6): the DTLS client.
    role: Option<dtls::Role>,
    /// Streams that the peer accepts, known with the association: ids are below it. 65,535 is reserved
    /// (RFC 8831 §6.5).
    outbound_streams: u16,
    pub(super) connected: bool,
    /// A channel waits for its OPEN, or to be reported open.
    waiting: bool,
    /// Data whose OPEN is still to come, by stream.
    pub(super) early: BTreeMap<u16, Vec<sctp::MessagePiece>>,
    /// Payload bytes outside the association's window: held and early messages.
    pub(super) held_bytes: usize,
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) refused: u64,
    pub(super) dropped: u64,
}

/// Where channels report to.
pub(crate) trait Outlet {
    /// Takes an event.
    fn push(&mut self, event: Event);
    /// Whether the application is so far behind that the peer must not open more channels.
    fn is_full(&self) -> bool;
}

impl Channels {
    pub(crate) const fn new(limit: usize, max_receive: usize, max_streamed: usize) -> Self {
        Self {
            channels: BTreeMap::new(),
            streams: BTreeMap::new(),
            retired: BTreeSet::new(),
            next_id: 0,
            limit,
            max_receive,
            max_streamed,
            max_send: 65_536,
            rate_limit: None,
            role: None,
            outbound_streams: u16::MAX,
            connected: false,
            waiting: false,
            early: BTreeMap::new(),
            held_bytes: 0,
            opened: 0,
            closed: 0,
            refused: 0,
            dropped: 0,
        }
    }

    /// Adds a channel of ours.
    pub(crate) fn create(
        &mut self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<ChannelId, CreateDataChannelError> {
        if label.len() + init.protocol.len() > MAX_TEXT_BYTES {
            return Err(CreateDataChannelError::TextTooLong);
        }
        if self.channels.len() >= self.limit {
            return Err(CreateDataChannelError::TooMany);
        }
        let mut channel = Channel::new(label.to_owned(), init.protocol);
        channel.ordered = init.ordered;
        channel.reliability = init.reliability;
        channel.priority = init.priority.weight();
        channel.streaming = self.default_streaming();
        if let Some(stream) = init.negotiated {
            if stream >= self.outbound_streams {
                return Err(CreateDataChannelError::StreamId);
            }
            if self.is_taken(stream) {
                return Err(CreateDataChannelError::StreamIdTaken);
            }
            channel.negotiated = true;
            channel.acknowledged = true;
            channel.open_unsent = false;
            channel.stream = Some(stream);
            // The peer may have been faster.
            channel.held = self.early.remove(&stream).unwrap_or_default().into();
        } else if let Some(role) = self.role {
            let stream = self
                .free_stream(role)
                .ok_or(CreateDataChannelError::TooMany)?;
            channel.stream = Some(stream);
        }
        Ok(self.insert(channel))
    }

    pub(super) fn insert(&mut self, channel: Channel) -> ChannelId {
        let id = ChannelId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        if let Some(stream) = channel.stream {
            self.streams.insert(stream, id);
        }
        self.waiting |= channel.state == ChannelState::Connecting;
        self.channels.insert(id, Box::new(channel));
        id
    }

    /// The DTLS role decides which streams are ours: channels that waited get theirs in the order of creation.
    pub(crate) fn set_role(&mut self, role: dtls::Role, outlet: &mut impl Outlet) {
        if self.role.replace(role).is_some() {
            return;
        }
        let waiting: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.stream.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            match self.free_stream(role) {
                Some(stream) => {
                    self.streams.insert(stream, id);
                    if let Some(channel) = self.channels.get_mut(&id) {
                        channel.stream = Some(stream);
                    }
                }
                None => self.remove(id, NO_STREAM, outlet),
            }
        }
    }

    /// The association is there: channels are open as soon as their OPEN is queued (C-3).
    pub(crate) fn on_connected(&mut self, outbound_streams: u16, outlet: &mut impl Outlet) {
        self.connected = true;
        self.outbound_streams = outbound_streams;
        let beyond: Vec<ChannelId> = self
            .streams
            .range(self.outbound_streams..)
            .map(|(_, id)| *id)
            .collect();
        for id in beyond {
            self.remove(id, NO_STREAM, outlet);
        }
    }

    /// Queues every OPEN that waits, in the order of the streams, and reports the channels that are open now.
    pub(crate) fn flush(
        &mut self,
        now: Instant,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        if !self.waiting {
            return;
        }
        self.waiting = false;
        let mut closing = Vec::new();
        for (&stream, id) in &self.streams {
            let Some(channel) = self.channels.get_mut(id) else {
                continue;
            };
            if channel.ack_unsent {
                channel.ack_unsent = !send_ack(now, association, stream);
                self.waiting |= channel.ack_unsent;
            }
            if channel.closes_later() {
                self.waiting = true;
                closing.push(*id);
            }
            if channel.state != ChannelState::Connecting {
                continue;
            }
            self.waiting = true;
            if channel.open_unsent {
                channel.open_unsent = send_open(now, association, stream, channel).is_err();
            }
            if self.connected && !channel.open_unsent {
                channel.state = ChannelState::Open;
                channel.was_open = true;
                set_up(association, stream, channel);
                self.opened += 1;
                outlet.push(Event::DataChannelOpened(*id));
                if !channel.held.is_empty() {
                    channel.readable = true;
                    outlet.push(Event::DataChannelReadable(*id));
                }
            }
        }
        for id in closing {
            let cause = ChannelCloseCause::Requested;
            self.close(now, id, cause, Some(&mut *association), outlet);
        }
    }

    /// Room after a full buffer.
    pub(crate) fn on_writable(&mut self, stream: u16, outlet: &mut impl Outlet) {
        let Some(id) = self.streams.get(&stream) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(id)
            && std::mem::take(&mut channel.blocked)
            && channel.state == ChannelState::Open
        {
            outlet.push(Event::DataChannelWritable(*id));
        }
    }

    pub(crate) fn on_buffered_amount_low(&mut self, stream: u16, outlet: &mut impl Outlet) {
        let Some(id) = self.streams.get(&stream) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(id)
            && channel.state == ChannelState::Open
            && channel.low_threshold.is_some()
        {
            outlet.push(Event::DataChannelBufferedAmountLow(*id));
        }
    }

    /// Whether the association stands, or ends in order.
    pub(crate) const fn is_connected(&self) -> bool {
        self.connected
    }

    pub(crate) const fn counts(&self) -> (u64, u64, u64, u64) {
        (self.opened, self.closed, self.refused, self.dropped)
    }

    pub(crate) fn stats(
        &self,
        now: Instant,
        association: Option<&Association>,
    ) -> Vec<DataChannelStats> {
        self.channels
            .keys()
            .filter_map(|id| self.stats_of(now, *id, association))
            .collect()
    }

    pub(super) fn stats_of(
        &self,
        now: Instant,
        id: ChannelId,
        association: Option<&Association>,
    ) -> Option<DataChannelStats> {
        let channel = self.channels.get(&id)?;
        let stream = channel.stream.map(StreamId::new);
        let below = association
            .zip(stream)
            .map(|(association, stream)| association.stream_stats(now, stream))
            .unwrap_or_default();
        Some(DataChannelStats {
            id,
            label: channel.label.clone(),
            protocol: channel.protocol.clone(),
            data_channel_identifier: channel.stream,
            state: channel.state,
            messages_sent: channel.messages_sent,
            bytes_sent: channel.bytes_sent,
            messages_received: channel.messages_received,
            bytes_received: channel.bytes_received,
            retransmitted_chunks: below.retransmitted_chunks,
            abandoned_messages: below.abandoned_messages,
            buffered_amount: below.buffered_bytes,
            oldest_buffered: below.oldest_buffered,
            unread_bytes: below.unread_bytes,
        })
    }

    /// Where messages may be larger than what is read whole, they come out in pieces, so that whoever reads can choose.
    pub(super) fn default_streaming(&self) -> Option<usize> {
        (self.max_streamed > self.max_receive).then_some(STREAMING_BYTES)
    }

    /// Whether an ACK or OPEN has to be tried again.
    pub(super) const fn wait(&mut self) {
        self.waiting = true;
    }

    fn free_stream(&self, role: dtls::Role) -> Option<u16> {
        let first = match role {
            dtls::Role::Client => 0,
            dtls::Role::Server => 1,
        };
        (first..self.outbound_streams)
            .step_by(2)
            .find(|stream| !self.is_taken(*stream))
    }

    fn is_taken(&self, stream: u16) -> bool {
        self.streams.contains_key(&stream) || self.retired.contains(&stream)
    }

    /// Who has even streams, once it is known.
    pub(super) const fn role(&self) -> Option<dtls::Role> {
        self.role
    }
}

/// Tells the association what it has to know of an open channel. A stream may have had another before.
pub(super) fn set_up(association: &mut Association, stream: u16, channel: &Channel) {
    let stream = StreamId::new(stream);
    association.set_stream_weight(stream, channel.priority);
    association.set_partial_delivery(stream, channel.streaming);
    association.set_receive_limit(stream, channel.limit());
    let low = channel.low_threshold.unwrap_or_default();
    association.set_buffered_amount_low_threshold(stream, low);
}

/// Confirms an OPEN; false when there is no room for it now.
pub(super) fn send_ack(now: Instant, association: &mut Association, stream: u16) -> bool {
    let mut ack = Vec::new();
    dcep::Message::Ack.encode(&mut ack);
    let stream = StreamId::new(stream);
    let sent = association.send(now, stream, PPID_DCEP, &ack, SendOptions::ordered());
    sent != Err(sctp::SendError::Full)
}

fn send_open(
    now: Instant,
    association: &mut Association,
    stream: u16,
    channel: &Channel,
) -> Result<(), sctp::SendError> {
    let mut message = Vec::new();
    dcep::Message::Open(dcep::Open {
        ordered: channel.ordered,
        reliability: channel.reliability,
        priority: channel.priority,
        label: channel.label.clone(),
        protocol: channel.protocol.clone(),
    })
    .encode(&mut message);
    association.send(
        now,
        StreamId::new(stream),
        PPID_DCEP,
        &message,
        SendOptions::ordered(),
    )
}

const NO_STREAM: ChannelCloseReason =
    ChannelCloseReason::new(Initiator::Local, ChannelCloseCause::NoStream);

/// What the label and the protocol of a channel may have together (C-1).
pub(super) const MAX_TEXT_BYTES: usize = 65_535;

/// A piece worth waking a reader for.
const STREAMING_BYTES: usize = 16 << 10;
