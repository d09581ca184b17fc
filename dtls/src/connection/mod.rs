use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Config, ConfigError, Event, ExportError, Fingerprint, Role, SealError, Stats};

/// One DTLS association, client or server.
///
/// A machine with five verbs: [`handle_datagram`](Self::handle_datagram) (or
/// [`handle_datagram_with`](Self::handle_datagram_with)), [`handle_timeout`](Self::handle_timeout),
/// [`poll_timeout`](Self::poll_timeout), [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event); payload is pulled with [`recv`](Self::recv).
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    role: Role,
    stats: Stats,
}

/// Where a record begins that [`Connection::begin`] reserved and [`Connection::seal`] completes.
#[derive(Debug)]
pub struct Mark {
    start: usize,
}

impl Connection {
    /// A connection that does nothing until [`start`](Self::start).
    ///
    /// The seed feeds every random value of this connection that crosses the wire; it must come from a
    /// cryptographic source and never be used twice.
    pub fn new(config: Arc<Config>, role: Role, seed: [u8; 32]) -> Result<Self, ConfigError> {
        let _ = seed;
        config.validate()?;
        Ok(Self {
            config,
            role,
            stats: Stats::default(),
        })
    }

    /// The role this side plays.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The path carries datagrams from now on, and its other end is proved (ICE): the client sends its
    /// ClientHello, the server answers without a cookie, and time begins to count.
    ///
    /// `round_trip` is what ICE measured; flights are repeated after twice that, within 50 ms to 3 s
    /// (without it 1 s, RFC 6347 §4.2.4.1), doubling. A second call has no effect.
    pub fn start(&mut self, now: Instant, round_trip: Option<Duration>) {
        let _ = (now, round_trip, &self.config);
    }

    /// The fingerprints that the signalling announced for the other side.
    ///
    /// They may come late: the handshake goes on without them, but nothing other than the handshake is sent, no key
    /// is exported and no data is delivered before the certificate of the other side matched one of them. An empty
    /// list announces nobody, and closes the connection as soon as a certificate is there.
    pub fn set_remote_fingerprints(&mut self, now: Instant, fingerprints: Vec<Fingerprint>) {
        let _ = (now, fingerprints);
    }

    /// Takes a datagram; application data is kept for [`recv`](Self::recv), up to 64 KiB and 100 records.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &mut [u8]) {
        let _ = (now, bytes);
    }

    /// Takes a datagram and hands its application data over at once, in place, one call per record.
    ///
    /// Data that is not due yet (the event `Connected` has not been polled) is kept for [`recv`](Self::recv)
    /// instead: drain that once when `Connected` came.
    pub fn handle_datagram_with(
        &mut self,
        now: Instant,
        bytes: &mut [u8],
        deliver: impl FnMut(&[u8]),
    ) {
        let _ = (now, bytes, deliver);
    }

    /// Appends the payload of one record to `buf` and returns its length.
    pub fn recv(&mut self, buf: &mut Vec<u8>) -> Option<usize> {
        let _ = buf;
        None
    }

    /// A deadline passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None` when nothing is pending.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one datagram of the handshake, or an alert, to `buf`.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<()> {
        let _ = (now, buf);
        None
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// Whether data can be sent and keys can be exported.
    pub fn is_connected(&self) -> bool {
        false
    }

    /// Reserves the head of a record at the end of `buf`: append the payload, then [`seal`](Self::seal) it.
    /// `None` unless connected.
    pub fn begin(&mut self, buf: &mut Vec<u8>) -> Option<Mark> {
        Some(Mark { start: buf.len() })
    }

    /// Completes the record that begins at `mark`: all that stands behind its head becomes its payload.
    /// What stands before it is not touched. On an error the record is gone from the buffer.
    pub fn seal(&mut self, now: Instant, buf: &mut Vec<u8>, mark: Mark) -> Result<(), SealError> {
        let _ = (now, buf, mark.start);
        Err(SealError::NotConnected)
    }

    /// Takes the record that begins at `mark` out of the buffer again.
    pub fn abandon(&mut self, buf: &mut Vec<u8>, mark: Mark) {
        buf.truncate(mark.start);
    }

    /// The most bytes that a record adds to its payload.
    pub fn max_overhead(&self) -> usize {
        37
    }

    /// Fills `out` with keying material for another protocol (RFC 5705 §4), DTLS-SRTP for example
    /// (label `EXTRACTOR-dtls_srtp`, no context, RFC 5764 §4.2).
    pub fn export_keying_material(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let _ = (label, context, out);
        Err(ExportError::NotConnected)
    }

    /// Ends the connection: `close_notify` waits in [`poll_transmit`](Self::poll_transmit), and the event `Closed`
    /// follows at once.
    pub fn close(&mut self, now: Instant) {
        let _ = now;
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
