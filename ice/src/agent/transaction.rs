use std::time::{Duration, Instant};

use net::{Path, Transport};
use stun::TransactionId;

use super::pair::{CONSENT_EXPIRY, PairId};
use crate::Role;
use crate::grow;

/// The most outstanding requests. A pair has at most one check outstanding, a few that were cancelled and whose
/// answer would still count, and eight consent checks.
pub(super) const MAX_TRANSACTIONS: usize = 256;

/// How often a check is sent (Rc, RFC 8489 §6.2.1).
const MAX_SENDS: u8 = 7;

/// How many initial timeouts the last sending is waited for (Rm, RFC 8489 §6.2.1).
const LAST_WAIT: u32 = 16;

/// How long an answer is waited for over a stream (Ti, RFC 8489 §6.2.2).
const STREAM_WAIT: Duration = Duration::from_millis(39_500);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Find out whether the pair works.
    Check {
        /// Whether the peer's own request was the cause.
        triggered: bool,
    },
    /// Tell the peer to use the pair, which is known to work.
    Nominate,
    /// Ask whether the peer still wants to hear from us; sent once (RFC 7675 §5.1).
    Consent,
    /// A consent check stayed unanswered: ask again, with retransmissions.
    Recover,
    /// A check that exists for what it carries; sent once.
    Carry,
    /// Find out whether datagrams of this size pass; sent once.
    Probe(usize),
}

/// A request of ours that may be answered.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) id: TransactionId,
    pub(super) pair: PairId,
    pub(super) generation: u32,
    pub(super) path: Path,
    pub(super) purpose: Purpose,
    /// The role that the request claims.
    pub(super) role: Role,
    /// The request as it was sent first; every retransmission is the same (RFC 8489 §6.2.1).
    pub(super) bytes: Vec<u8>,
    pub(super) first_sent: Option<Instant>,
    pub(super) last_sent: Option<Instant>,
    /// When each sending left, where sendings are counted.
    pub(super) counted: Vec<Instant>,
    pub(super) sends: u8,
    /// How often requests were sent that this one took the place of.
    spent: u8,
    /// How often it had been sent when the peer was last heard on its path: the time between sendings doubles from
    /// there.
    hurried: u8,
    /// Which attachment the request was made with, and whether it carries some of it.
    pub(super) epoch: u32,
    pub(super) carries: bool,
    rto: Duration,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To be sent at the next opportunity.
    Due,
    /// Sent; at this instant it is sent again or given up.
    Waiting(Instant),
    /// Not sent again; an answer counts until then.
    Cancelled(Instant),
}

/// What came of sending a request again before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hurry {
    /// It was sent a moment ago.
    NotYet,
    Done,
    /// It has been sent as often as it may be.
    Spent,
}

/// What became of a transaction whose time came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Nobody answered.
    TimedOut,
    /// Nobody waits for it any more.
    Forgotten,
}

impl Transaction {
    pub(super) fn is_due(&self) -> bool {
        self.phase == Phase::Due
    }

    /// Whether it has not been sent at all.
    pub(super) fn is_unsent(&self) -> bool {
        self.sends == 0
    }

    /// Whether it is one of those that Ta spaces out.
    pub(super) const fn is_paced(&self) -> bool {
        !matches!(self.purpose, Purpose::Consent | Purpose::Probe(_))
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.phase, Phase::Cancelled(_))
    }

    pub(super) fn on_sent(&mut self, now: Instant) {
        self.first_sent.get_or_insert(now);
        self.last_sent = Some(now);
        self.sends = self.sends.saturating_add(1);
        let sends = self.sends.saturating_add(self.spent);
        let wait = match self.purpose {
            Purpose::Consent | Purpose::Probe(_) => CONSENT_EXPIRY,
            // RFC 8489 §6.2.2: over a stream nothing is sent again.
            _ if self.is_on_stream() => STREAM_WAIT,
            _ if self.is_spent() => self.rto * LAST_WAIT,
            // The pair works and both sides wait for this one request: where a third of them is lost, doubling made
            // seconds of it.
            Purpose::Nominate => self.rto,
            _ => self.rto * (1 << u32::from(sends.saturating_sub(1).saturating_sub(self.hurried))),
        };
        self.phase = Phase::Waiting(now + wait);
    }

    /// No more retransmissions; the answer to what was sent still counts (RFC 8445 §7.3.1.4).
    pub(super) fn cancel(&mut self, now: Instant) {
        if !self.is_cancelled() {
            self.phase = Phase::Cancelled(now + self.rto * LAST_WAIT);
        }
    }

    /// Sends again at once when the last sending was a while ago: the peer has just shown that the path works.
    pub(super) fn hurry(&mut self, now: Instant) -> Hurry {
        let overdue = self
            .last_sent
            .is_some_and(|sent| now.saturating_duration_since(sent) >= HURRY_AFTER);
        if !overdue || !matches!(self.phase, Phase::Waiting(_)) {
            return Hurry::NotYet;
        }
        if self.is_spent() {
            return Hurry::Spent;
        }
        self.hurried = self.sends.saturating_add(self.spent);
        self.phase = Phase::Due;
        Hurry::Done
    }

    /// Sends again at once, whatever the time.
    pub(super) fn renew(&mut self) {
        if !self.is_spent() && matches!(self.phase, Phase::Waiting(_)) {
            self.phase = Phase::Due;
        }
    }

    /// A request that takes the place of this one, with other contents; this one is not sent again.
    fn replace(&mut self, now: Instant, id: TransactionId) -> Self {
        let successor = Self {
            id,
            bytes: Vec::new(),
            first_sent: None,
            last_sent: None,
            counted: Vec::new(),
            sends: 0,
            spent: self.spent.saturating_add(self.sends),
            phase: Phase::Due,
            ..*self
        };
        self.cancel(now);
        successor
    }

    const fn is_on_stream(&self) -> bool {
        matches!(self.path.transport, Transport::Stream(_))
    }

    /// Whether it is not sent again: each has its number of sendings, and some have one.
    fn is_spent(&self) -> bool {
        match self.purpose {
            Purpose::Consent | Purpose::Carry | Purpose::Probe(_) => true,
            _ if self.is_on_stream() => self.sends > 0,
            _ => self.sends.saturating_add(self.spent) >= MAX_SENDS,
        }
    }

    /// A round trip, when only one sending can have been answered, or the answer says which one was (RFC 7982).
    pub(super) fn round_trip(&self, now: Instant, answered: Option<u8>) -> Option<Duration> {
        let sent = match answered.filter(|_| !self.counted.is_empty()) {
            Some(sending) => *self.counted.get(usize::from(sending).checked_sub(1)?)?,
            None => self.first_sent.filter(|_| self.sends == 1)?,
        };
        Some(now.saturating_duration_since(sent))
    }

    /// The number of the sending to come, from 1 (RFC 7982 §3.2).
    pub(super) const fn next_sending(&self) -> u8 {
        self.sends.saturating_add(1)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Due => None,
            Phase::Waiting(at) | Phase::Cancelled(at) => Some(at),
        }
    }
}

/// How long after a sending the peer's request may call for the next one.
const HURRY_AFTER: Duration = Duration::from_millis(100);

/// The outstanding requests, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    list: Vec<Transaction>,
}

impl Transactions {
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MAX_TRANSACTIONS
    }

    /// Adds a request that is due at once; the caller has asked whether there is room.
    pub(super) fn start(
        &mut self,
        id: TransactionId,
        pair: (PairId, u32, Path),
        purpose: Purpose,
        role: Role,
        rto: Duration,
    ) {
        let (pair, generation, path) = pair;
        grow::push(
            &mut self.list,
            Transaction {
                id,
                pair,
                generation,
                path,
                purpose,
                role,
                bytes: Vec::new(),
                first_sent: None,
                last_sent: None,
                counted: Vec::new(),
                sends: 0,
                spent: 0,
                hurried: 0,
                epoch: 0,
                carries: false,
                rto,
                phase: Phase::Due,
            },
        );
    }

    /// Puts a new request, due at once, in the place of one that was sent before; `false` when there is no room.
    pub(super) fn replace(&mut self, now: Instant, old: TransactionId, new: TransactionId) -> bool {
        if self.is_full() {
            return false;
        }
        let Some(transaction) = self.list.iter_mut().find(|it| it.id == old) else {
            return false;
        };
        let successor = transaction.replace(now, new);
        self.list.push(successor);
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Transaction> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Transaction> {
        self.list.iter_mut()
    }

    pub(super) fn find(&self, id: TransactionId) -> Option<&Transaction> {
        self.list.iter().find(|transaction| transaction.id == id)
    }

    pub(super) fn remove(&mut self, id: TransactionId) -> Option<Transaction> {
        let at = self
            .list
            .iter()
            .position(|transaction| transaction.id == id)?;
        Some(self.list.remove(at))
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Transaction) -> bool) {
        self.list.retain(keep);
    }

    pub(super) fn next_due(&mut self) -> Option<&mut Transaction> {
        self.list
            .iter_mut()
            .find(|transaction| transaction.is_due())
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.list.iter().filter_map(Transaction::deadline).min()
    }

    /// Marks what must be sent again, and takes out one transaction whose time is over; call until `None`.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(Transaction, Expiry)> {
        let mut over = None;
        for (at, transaction) in self.list.iter_mut().enumerate() {
            match transaction.phase {
                Phase::Waiting(deadline) if deadline <= now => {
                    if !transaction.is_spent() {
                        transaction.phase = Phase::Due;
                    } else {
                        over = Some((at, Expiry::TimedOut));
                        break;
                    }
                }
                Phase::Cancelled(deadline) if deadline <= now => {
                    over = Some((at, Expiry::Forgotten));
                    break;
                }
                _ => {}
            }
        }
        let (at, expiry) = over?;
        Some((self.list.remove(at), expiry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> Instant {
        // The one clock reading of these tests; only differences count.
        #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
        Instant::now()
    }

    #[test]
    fn a_check_is_sent_seven_times_in_39_and_a_half_seconds() {
        let start = epoch();
        let mut transactions = Transactions::default();
        let path = Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into());
        let purpose = Purpose::Check { triggered: false };
        transactions.start(
            TransactionId::new([1; 12]),
            (PairId(0), 0, path),
            purpose,
            Role::Controlling,
            Duration::from_millis(500),
        );
        let mut now = start;
        let mut sent = Vec::new();
        loop {
            if let Some(transaction) = transactions.next_due() {
                transaction.on_sent(now);
                sent.push((now - start).as_millis());
            }
            now = transactions.next_deadline().unwrap();
            if let Some((_, expiry)) = transactions.expire(now) {
                assert_eq!(expiry, Expiry::TimedOut);
                break;
            }
        }
        assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!((now - start).as_millis(), 39_500);
    }
}
