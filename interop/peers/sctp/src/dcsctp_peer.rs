use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, Message as SctpMessage, Options, PpId, SendError, SendOptions, SocketEvent,
    SocketTime, StreamId, ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

use crate::{Fact, Features, Message, Peer, Wish};

/// The crate `dcsctp`.
pub struct Dcsctp {
    socket: Box<dyn DcSctpSocket>,
    epoch: Instant,
    packets: VecDeque<Vec<u8>>,
    facts: VecDeque<Fact>,
    /// What it holds unsent at most.
    send_buffer: usize,
}

impl Dcsctp {
    pub fn new(epoch: Instant, features: Features) -> Self {
        let mut options = Options {
            enable_message_interleaving: features.interleaving,
            max_retransmissions: None,
            max_timer_backoff_duration: Some(Duration::from_secs(3)),
            ..Options::default()
        };
        if features.zero_checksum {
            options.zero_checksum_alternate_error_detection_method =
                ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS;
        }
        Self::with(epoch, &options)
    }

    pub fn with(epoch: Instant, options: &Options) -> Self {
        Self {
            socket: dcsctp::new_socket("dcsctp", options),
            epoch,
            packets: VecDeque::new(),
            facts: VecDeque::new(),
            send_buffer: options.max_send_buffer_size,
        }
    }

    pub fn socket(&self) -> &dyn DcSctpSocket {
        self.socket.as_ref()
    }

    fn tick(&mut self, now: Instant) {
        let time = SocketTime::zero() + now.saturating_duration_since(self.epoch);
        self.socket.advance_time(time);
    }

    fn drain(&mut self) {
        let ids = |streams: Vec<StreamId>| streams.into_iter().map(|stream| stream.0).collect();
        while let Some(event) = self.socket.poll_event() {
            let fact = match event {
                SocketEvent::SendPacket(packet) => {
                    self.packets.push_back(packet);
                    continue;
                }
                SocketEvent::OnConnected() => Fact::Connected,
                SocketEvent::OnConnectionRestarted() => Fact::Restarted,
                SocketEvent::OnClosed() => Fact::ShutDown,
                SocketEvent::OnAborted(kind, text) => Fact::Aborted(format!("{kind:?}: {text}")),
                SocketEvent::OnIncomingStreamReset(streams) => Fact::IncomingReset(ids(streams)),
                SocketEvent::OnStreamsResetPerformed(streams) => Fact::OutgoingReset(ids(streams)),
                _ => continue,
            };
            self.facts.push_back(fact);
        }
    }
}

impl Peer for Dcsctp {
    fn connect(&mut self, now: Instant) {
        self.tick(now);
        self.socket.connect();
    }

    fn handle_datagram(&mut self, now: Instant, packet: &[u8]) {
        self.tick(now);
        self.socket.handle_input(packet);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let due = self.socket.poll_timeout();
        (due != SocketTime::infinite_future()).then(|| self.epoch + (due - SocketTime::zero()))
    }

    fn poll_transmit(&mut self, _now: Instant, buf: &mut Vec<u8>) -> bool {
        if self.packets.is_empty() {
            self.drain();
        }
        match self.packets.pop_front() {
            Some(packet) => {
                buf.extend_from_slice(&packet);
                true
            }
            None => false,
        }
    }

    fn poll_fact(&mut self) -> Option<Fact> {
        self.drain();
        self.facts.pop_front()
    }

    fn send(&mut self, now: Instant, message: &Message, wish: Wish) -> bool {
        self.tick(now);
        // Before the message is copied for nothing.
        if self.socket.buffered_amount(StreamId(message.stream)) >= self.send_buffer {
            return false;
        }
        let options = SendOptions {
            unordered: wish.unordered,
            lifetime: wish.lifetime.map(|ms| Duration::from_millis(ms.into())),
            max_retransmissions: wish.retransmits,
            lifecycle_id: None,
        };
        let sent = SctpMessage::new(
            StreamId(message.stream),
            PpId(message.ppid),
            message.data.clone(),
        );
        match self.socket.send(sent, &options) {
            Ok(()) => true,
            Err(SendError::ResourceExhaustion) => {
                // It says so as an error event, too.
                while let Some(event) = self.socket.poll_event() {
                    if let SocketEvent::SendPacket(packet) = event {
                        self.packets.push_back(packet);
                    }
                }
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn recv(&mut self, _now: Instant) -> Option<Message> {
        let message = self.socket.get_next_message()?;
        Some(Message {
            stream: message.stream_id.0,
            ppid: message.ppid.0,
            data: message.payload,
        })
    }

    fn reset(&mut self, now: Instant, stream: u16) {
        self.tick(now);
        self.socket.reset_streams(&[StreamId(stream)]).unwrap();
    }

    fn shutdown(&mut self, now: Instant) {
        self.tick(now);
        self.socket.shutdown();
    }

    fn abort(&mut self, now: Instant) {
        self.tick(now);
        self.socket.close();
    }
}
