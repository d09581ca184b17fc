use std::net::SocketAddr;
use std::time::Instant;

use net::{Datagram, Transport};
use stun::{AttributeType, Class, FrameReader, Message, Method};

use super::{Client, State};
use crate::{Cause, ChannelData, Initiator, measure_frame};

/// What a client understands in a Data indication; another required attribute makes it worthless
/// (RFC 8489 §6.3.2).
const KNOWN_IN_DATA: &[AttributeType] = &[
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
];

impl Client {
    /// A datagram or a piece of a stream from the server. Data from peers is delivered where it stands, with the
    /// address of the peer, before the call returns.
    pub fn handle_datagram_with(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
        mut deliver: impl FnMut(SocketAddr, &mut [u8]),
    ) {
        if self.path != Some(datagram.path) || self.state == State::Closed {
            self.stats.drops.foreign += 1;
            return;
        }
        if datagram.path.transport == Transport::Udp {
            self.handle_frame(now, datagram.bytes, &mut deliver);
            return;
        }
        let mut reader = std::mem::replace(&mut self.reader, FrameReader::new(measure_frame));
        let read = reader.read(datagram.bytes, |frame| {
            self.handle_frame(now, frame, &mut deliver);
        });
        self.reader = reader;
        if read.is_err() {
            self.stats.drops.malformed += 1;
            self.end(Initiator::Remote, Cause::StreamBroken);
        }
    }

    /// Whether data of peers is welcome; while the allocation moves it may overtake the answer.
    const fn is_delivering(&self) -> bool {
        matches!(self.state, State::Allocated | State::Moving)
    }

    /// The stream to the server has ended, or could not be opened: the one of [`path`](Self::path), not one that the
    /// client has [moved](Self::migrate) away from. A client that may move is not told, and moves.
    pub fn on_stream_closed(&mut self) {
        if self
            .path
            .is_some_and(|path| path.transport != Transport::Udp)
        {
            self.end(Initiator::Network, Cause::StreamBroken);
        }
    }

    fn handle_frame(
        &mut self,
        now: Instant,
        frame: &mut [u8],
        deliver: &mut impl FnMut(SocketAddr, &mut [u8]),
    ) {
        match frame.first() {
            Some(0..=3) => self.handle_message(now, frame, deliver),
            Some(0x40..=0x4f) => self.handle_channel_data(frame, deliver),
            _ => self.stats.drops.malformed += 1,
        }
    }

    fn handle_channel_data(
        &mut self,
        frame: &mut [u8],
        deliver: &mut impl FnMut(SocketAddr, &mut [u8]),
    ) {
        let Ok(ChannelData { number, data }) = ChannelData::decode(frame) else {
            self.stats.drops.malformed += 1;
            return;
        };
        match self.channels.peer_of(number) {
            Some(peer) if self.is_delivering() => {
                self.stats.messages_received += 1;
                deliver(peer, data);
            }
            _ => self.stats.drops.no_channel += 1,
        }
    }

    fn handle_message(
        &mut self,
        now: Instant,
        frame: &mut [u8],
        deliver: &mut impl FnMut(SocketAddr, &mut [u8]),
    ) {
        let Ok(message) = Message::decode(frame) else {
            self.stats.drops.malformed += 1;
            return;
        };
        if message.has_fingerprint() && !message.verify_fingerprint() {
            self.stats.drops.malformed += 1;
            return;
        }
        match message.class() {
            Class::Success | Class::Error => self.handle_response(now, &message),
            Class::Indication if message.method() == Method::DATA => {
                let unknown = message.unknown_required(KNOWN_IN_DATA).next();
                let data = Self::relayed_data(&message).filter(|_| unknown.is_none());
                let Some((peer, range)) = data else {
                    self.stats.drops.malformed += 1;
                    return;
                };
                self.deliver_indication(peer, frame.get_mut(range), deliver);
            }
            Class::Indication if message.method() == Method::CONNECTION_ATTEMPT => {
                self.on_connection_attempt(&message);
            }
            Class::Request | Class::Indication => self.stats.drops.malformed += 1,
        }
    }

    fn deliver_indication(
        &mut self,
        peer: SocketAddr,
        data: Option<&mut [u8]>,
        deliver: &mut impl FnMut(SocketAddr, &mut [u8]),
    ) {
        let is_permitted = self.is_delivering() && self.permissions.admits(peer.ip());
        match data {
            Some(data) if is_permitted => {
                self.permissions.on_heard(peer.ip());
                self.stats.messages_received += 1;
                deliver(peer, data);
            }
            _ => self.stats.drops.no_permission += 1,
        }
    }
}
