//! Requests that wait for their responses (RFC 8489 §6.2).

use std::time::{Duration, Instant};

use net::{Path, Transmit, Transport};

use crate::{Message, TransactionId};

/// When requests are sent again and given up (RFC 8489 §6.2.1, §6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the first sending is waited for over UDP; doubled each time. Default: 500 ms, as RFC 8489 §6.2.1
    /// advises where the round trip is not known. A longer round trip that was measured takes its place.
    pub initial_rto: Duration,
    /// How often a request is sent over UDP (Rc). Default: 7.
    pub max_sends: u8,
    /// How many initial timeouts the last sending is waited for (Rm). Default: 16, which makes 39.5 s in all.
    pub last_wait: u32,
    /// How long a response is waited for over a stream, where nothing is sent again (Ti). Default: 39.5 s.
    pub stream_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            initial_rto: Duration::from_millis(500),
            max_sends: 7,
            last_wait: 16,
            stream_timeout: Duration::from_millis(39_500),
        }
    }
}

/// The outstanding requests of a client, each with what it is for. It holds no more than it was told to.
///
/// A retransmission is byte for byte what was sent first (RFC 8489 §6.2.1).
#[derive(Debug)]
pub struct Transactions<T> {
    timing: Timing,
    limit: usize,
    round_trip: Option<Duration>,
    list: Vec<Transaction<T>>,
}

/// A request and when it is sent next.
#[derive(Debug)]
struct Transaction<T> {
    id: TransactionId,
    path: Path,
    bytes: Vec<u8>,
    purpose: T,
    rto: Duration,
    sends: u8,
    first_sent: Option<Instant>,
    /// `None` means at the next opportunity.
    deadline: Option<Instant>,
}

/// A transaction that a response belongs to.
#[derive(Debug)]
pub struct Answered<T> {
    /// What it was for.
    pub purpose: T,
    /// When the request was sent for the first time.
    pub first_sent: Instant,
    /// How long the answer took, when the request was sent once: else nobody knows which sending was answered.
    pub round_trip: Option<Duration>,
}

impl<T> Transactions<T> {
    /// An empty table with room for `limit` requests.
    pub const fn new(timing: Timing, limit: usize) -> Self {
        Self {
            timing,
            limit,
            round_trip: None,
            list: Vec::new(),
        }
    }

    /// Whether there is no room for another request.
    pub fn is_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    /// Whether nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The last round trip that was measured.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What the outstanding requests are for.
    pub fn purposes(&self) -> impl Iterator<Item = &T> {
        self.list.iter().map(|transaction| &transaction.purpose)
    }

    /// Adds a request, to be sent at the next opportunity; gives the purpose back when there is no room.
    pub fn start(
        &mut self,
        id: TransactionId,
        path: Path,
        bytes: Vec<u8>,
        purpose: T,
    ) -> Result<(), T> {
        if self.is_full() {
            return Err(purpose);
        }
        let measured = self
            .round_trip
            .map_or(Duration::ZERO, |it| it.saturating_mul(2));
        self.list.push(Transaction {
            id,
            path,
            bytes,
            purpose,
            rto: measured.min(MAX_MEASURED_RTO).max(self.timing.initial_rto),
            sends: 0,
            first_sent: None,
            deadline: None,
        });
        Ok(())
    }

    /// What the request is for that a response belongs to by id, path and method. The request stays: the caller
    /// verifies the response and then calls [`finish`](Self::finish).
    pub fn find(&self, path: &Path, response: &Message<'_>) -> Option<&T> {
        let id = response.transaction_id();
        self.list
            .iter()
            .find(|it| it.id == id && it.path == *path && it.sends > 0)
            .map(|it| &it.purpose)
    }

    /// Takes out the request that was answered.
    pub fn finish(&mut self, now: Instant, id: TransactionId) -> Option<Answered<T>> {
        let at = self.list.iter().position(|it| it.id == id)?;
        let transaction = self.list.remove(at);
        let first_sent = transaction.first_sent.unwrap_or(now);
        let round_trip =
            (transaction.sends == 1).then(|| now.saturating_duration_since(first_sent));
        self.round_trip = round_trip.or(self.round_trip);
        Some(Answered {
            purpose: transaction.purpose,
            first_sent,
            round_trip,
        })
    }

    /// Takes out a request that waited in vain; call until `None`. What must only be sent again is marked so.
    pub fn expire(&mut self, now: Instant) -> Option<T> {
        let max_sends = self.timing.max_sends;
        let mut over = None;
        for (at, transaction) in self.list.iter_mut().enumerate() {
            if transaction.deadline.is_none_or(|deadline| deadline > now) {
                continue;
            }
            if transaction.path.transport == Transport::Udp && transaction.sends < max_sends {
                transaction.deadline = None;
            } else {
                over = Some(at);
                break;
            }
        }
        over.map(|at| self.list.remove(at).purpose)
    }

    /// Forgets the requests for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.list.retain(|transaction| keep(&transaction.purpose));
    }

    /// Forgets the requests that were never sent and for which `keep` is false.
    pub fn retain_unsent(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.list.retain(|it| it.sends > 0 || keep(&it.purpose));
    }

    /// When [`expire`](Self::expire) has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.list.iter().filter_map(|it| it.deadline).min()
    }

    /// Appends the next request that is due.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        let timing = self.timing;
        let due = self.list.iter_mut().find(|it| it.deadline.is_none())?;
        buf.extend_from_slice(&due.bytes);
        due.first_sent.get_or_insert(now);
        due.sends = due.sends.saturating_add(1);
        let wait = match due.path.transport {
            Transport::Stream(_) => timing.stream_timeout,
            Transport::Udp if due.sends >= timing.max_sends => {
                due.rto.saturating_mul(timing.last_wait)
            }
            Transport::Udp => {
                let doublings = u32::from(due.sends).saturating_sub(1).min(16);
                due.rto.saturating_mul(1 << doublings)
            }
        };
        due.deadline = Some(now.checked_add(wait).unwrap_or(now));
        Some(Transmit::new(due.path))
    }
}

/// However slow an answer was, the next request does not wait longer than this before its second sending.
const MAX_MEASURED_RTO: Duration = Duration::from_secs(3);
