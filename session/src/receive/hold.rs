use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets whose media section, or whose original, is not known yet.
///
/// The description of a call may arrive after its first packets, and a retransmission before its original.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    packets: VecDeque<(Instant, Bytes)>,
    bytes: usize,
}

const MAX_PACKETS: usize = 50;
const MAX_BYTES: usize = 96 * 1024;
const MAX_AGE: Duration = Duration::from_millis(500);

impl Hold {
    /// Keeps a packet that arrived at `arrived`, and returns how many had to be given up for it.
    pub(crate) fn push(&mut self, arrived: Instant, packet: Bytes) -> u64 {
        let mut dropped = 0;
        self.bytes += packet.len();
        self.packets.push_back((arrived, packet));
        while self.packets.len() > MAX_PACKETS || self.bytes > MAX_BYTES {
            dropped += self.pop();
        }
        dropped
    }

    /// Gives up what is too old.
    pub(crate) fn expire(&mut self, now: Instant) -> u64 {
        let mut dropped = 0;
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            dropped += self.pop();
        }
        dropped
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.packets.front().map(|(arrived, _)| *arrived + MAX_AGE)
    }

    /// Takes everything, in order of arrival, to try again.
    pub(crate) fn take(&mut self) -> VecDeque<(Instant, Bytes)> {
        self.bytes = 0;
        std::mem::take(&mut self.packets)
    }

    fn pop(&mut self) -> u64 {
        let Some((_, packet)) = self.packets.pop_front() else {
            return 0;
        };
        self.bytes -= packet.len();
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;

    #[test]
    fn fifty_packets_are_held_for_half_a_second() {
        let mut hold = Hold::default();
        let dropped: u64 = (0..60)
            .map(|_| hold.push(epoch(), Bytes::from_static(b"p")))
            .sum();
        assert_eq!(dropped, 10);
        assert_eq!(hold.expire(epoch() + Duration::from_millis(499)), 0);
        assert_eq!(hold.expire(epoch() + MAX_AGE), 50);
        assert_eq!(hold.deadline(), None);
    }

    #[test]
    fn large_packets_are_bounded_by_their_bytes() {
        let mut hold = Hold::default();
        for _ in 0..10 {
            hold.push(epoch(), Bytes::from(vec![0; 60_000]));
        }
        assert_eq!(hold.take().len(), 1);
        assert_eq!(hold.bytes, 0);
    }
}
