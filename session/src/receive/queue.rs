use crate::packet::ReceivedPacket;
use std::collections::VecDeque;

/// Packets that the application has not taken yet, in order of arrival. When full, the oldest goes.
#[derive(Debug, Default)]
pub(crate) struct ReceiveQueue {
    packets: VecDeque<Queued>,
    bytes: usize,
}

/// A packet with where it came from.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) receiver: u32,
    pub(crate) stream: u32,
    pub(crate) packet: ReceivedPacket,
}

impl ReceiveQueue {
    /// Adds a packet.
    pub(crate) fn push(&mut self, queued: Queued) {
        self.bytes += queued.packet.packet.payload.len();
        self.packets.push_back(queued);
    }

    /// Takes the oldest packet if there is more than allowed.
    pub(crate) fn overflow(&mut self, max_packets: usize, max_bytes: usize) -> Option<Queued> {
        (self.packets.len() > max_packets || self.bytes > max_bytes)
            .then(|| self.pop())
            .flatten()
    }

    /// Takes the oldest packet.
    pub(crate) fn pop(&mut self) -> Option<Queued> {
        let queued = self.packets.pop_front()?;
        self.bytes -= queued.packet.packet.payload.len();
        Some(queued)
    }

    /// Drops what is queued for a media section.
    pub(crate) fn forget(&mut self, receiver: u32) {
        self.packets.retain(|queued| queued.receiver != receiver);
        self.bytes = self
            .packets
            .iter()
            .map(|q| q.packet.packet.payload.len())
            .sum();
    }

    /// Gives memory back if nothing waits.
    pub(crate) fn release(&mut self) {
        if self.packets.is_empty() {
            self.packets = VecDeque::new();
        }
    }
}
