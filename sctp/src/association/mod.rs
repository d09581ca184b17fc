use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::{ConfigError, ResetError, SendError};
use crate::event::Event;
use crate::message::{Message, Ppid, SendOptions, StreamId};
use crate::stats::Stats;

/// One SCTP association over datagrams that something else keeps safe, DTLS as a rule (RFC 8261).
#[derive(Debug)]
pub struct Association {
    config: Config,
    stats: Stats,
}

impl Association {
    /// An association that has sent nothing yet. It answers a peer's INIT from now on.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.validate()?;
        let _ = seed;
        Ok(Self {
            config,
            stats: Stats::default(),
        })
    }

    /// Starts the handshake. Both sides call it: INIT from both is the normal case in WebRTC.
    ///
    /// With a round trip known from ICE or DTLS a lost packet is repeated after three of them and not after a second.
    pub fn connect(&mut self, now: Instant, round_trip: Option<Duration>) {
        let _ = (now, round_trip, &self.config);
    }

    /// Takes one SCTP packet.
    pub fn handle_datagram(&mut self, now: Instant, packet: &[u8]) {
        let _ = (now, packet);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one packet to `buf`, at most [`Config::mtu`] bytes; `None` when nothing may be sent now.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<()> {
        let _ = (now, buf);
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// Queues a message. Before the association is established it waits; it then leaves with the COOKIE ECHO.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), SendError> {
        let _ = (now, stream, ppid, data, options);
        Err(SendError::Closed)
    }

    /// The next message of a stream. What is not read closes the window that the peer sees.
    pub fn recv(&mut self, now: Instant, stream: StreamId) -> Option<Message> {
        let _ = (now, stream);
        None
    }

    /// A stream that has a message to read.
    pub fn next_readable(&self) -> Option<StreamId> {
        None
    }

    /// Payload bytes of a stream that were taken by [`send`](Self::send) and not yet put into a packet
    /// (the `bufferedAmount` of a data channel).
    pub fn buffered_bytes(&self, stream: StreamId) -> usize {
        let _ = stream;
        0
    }

    /// Asks for [`Event::BufferedAmountLow`] when a stream's buffered bytes fall from above `bytes` to it or below.
    /// Default 0.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: StreamId, bytes: usize) {
        let _ = (stream, bytes);
    }

    /// Begins outgoing streams anew, once what was sent on them is acknowledged (RFC 6525): how a data channel
    /// closes (RFC 8831 §6.7). [`Event::StreamsReset`] or [`Event::ResetRefused`] follows.
    pub fn reset_streams(&mut self, now: Instant, streams: &[StreamId]) -> Result<(), ResetError> {
        let _ = (now, streams);
        Err(ResetError::NotEstablished)
    }

    /// Whether the handshake is done and no end has begun.
    pub fn is_established(&self) -> bool {
        false
    }

    /// Ends the association once all is delivered (RFC 9260 §9.2). [`Event::Closed`] follows, in a bounded time.
    pub fn shutdown(&mut self, now: Instant) {
        let _ = now;
    }

    /// Ends the association at once; one ABORT is left to transmit (RFC 9260 §9.1).
    pub fn abort(&mut self, now: Instant) {
        let _ = now;
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
