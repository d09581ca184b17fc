//! The sending half: numbering, the queues in their order of service, and what may be sent again.

mod budget;
mod continuity;
mod history;
mod sender;
mod translation;

pub(crate) use budget::RetransmissionBudget;
pub(crate) use sender::{FirstNumbers, Sender};

use crate::table::Table;
use rtp::{MediaKind, Packet, Ssrc};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Everything that leaves as RTP.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) senders: Table<Sender>,
    pub(crate) audio: VecDeque<Waiting>,
    pub(crate) video: VecDeque<Waiting>,
    /// Packets of the history that were asked for: sender and number. They are built when they leave.
    pub(crate) retransmissions: VecDeque<(u32, u64)>,
    pub(crate) budget: RetransmissionBudget,
    /// Bytes in all histories.
    history_bytes: usize,
}

/// A packet that waits to be sent.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) sender: u32,
    /// Its sequence number without wraps.
    pub(crate) sequence: u64,
    pub(crate) packet: Packet,
}

/// How much is kept for retransmission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryLimits {
    pub(crate) age: Duration,
    /// Over all senders.
    pub(crate) bytes: usize,
}

/// Retransmissions that wait at most.
pub(crate) const MAX_RETRANSMISSIONS: usize = 1_000;

impl Outbound {
    pub(crate) fn new(budget: RetransmissionBudget) -> Self {
        Self {
            senders: Table::default(),
            audio: VecDeque::new(),
            video: VecDeque::new(),
            retransmissions: VecDeque::new(),
            budget,
            history_bytes: 0,
        }
    }

    /// The sender that an SSRC, of media or of retransmissions, belongs to.
    pub(crate) fn owner_of(&self, ssrc: Ssrc) -> Option<u32> {
        let mut senders = self.senders.iter();
        senders.find_map(|(id, sender)| sender.owns(ssrc).then_some(id))
    }

    pub(crate) fn queue_mut(&mut self, kind: MediaKind) -> &mut VecDeque<Waiting> {
        match kind {
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
        }
    }

    /// Whether anything waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.audio.is_empty() && self.video.is_empty() && self.retransmissions.is_empty()
    }

    /// Drops what waits for a sender.
    pub(crate) fn forget(&mut self, sender: u32) {
        self.audio.retain(|waiting| waiting.sender != sender);
        self.video.retain(|waiting| waiting.sender != sender);
        self.retransmissions.retain(|(id, _)| *id != sender);
    }

    /// Keeps a packet that was sent for as long as time and bytes allow. If all histories together are too large, the
    /// one that grows gives way, after the others have dropped what is too old.
    pub(crate) fn keep(&mut self, now: Instant, waiting: Waiting, limits: HistoryLimits) {
        let Some(sender) = self.senders.get_mut(waiting.sender) else {
            return;
        };
        let history = &mut sender.history;
        let before = history.bytes();
        history.push(now, waiting.sequence, waiting.packet);
        history.expire(now, limits.age);
        self.history_bytes = self.history_bytes + history.bytes() - before;
        if self.history_bytes <= limits.bytes {
            return;
        }
        for (_, other) in self.senders.iter_mut() {
            other.history.expire(now, limits.age);
        }
        self.recount_history();
        if let Some(sender) = self.senders.get_mut(waiting.sender) {
            let history = &mut sender.history;
            while self.history_bytes > limits.bytes && !history.is_empty() {
                let before = history.bytes();
                history.pop();
                self.history_bytes -= before - history.bytes();
            }
        }
    }

    /// Sums the histories up again after one was cleared.
    pub(crate) fn recount_history(&mut self) {
        let histories = self
            .senders
            .iter()
            .map(|(_, sender)| sender.history.bytes());
        self.history_bytes = histories.sum();
    }

    pub(crate) fn clear(&mut self) {
        self.senders.clear();
        self.history_bytes = 0;
        self.audio.clear();
        self.video.clear();
        self.retransmissions.clear();
        self.release();
    }

    /// Gives memory back where nothing waits.
    pub(crate) fn release(&mut self) {
        if self.is_idle() {
            self.audio = VecDeque::new();
            self.video = VecDeque::new();
            self.retransmissions = VecDeque::new();
        }
    }
}
