use super::Session;
use crate::error::SendError;
use crate::id::SenderId;
use crate::packet::ReceivedPacket;
use crate::report::SILENCE;
use crate::send::{HistoryLimits, Waiting};
use crate::timer::Timer;
use crate::{Numbering, config::PayloadMapping};
use rtp::{Packet, PayloadType, SequenceNumber};
use std::time::Instant;

/// Sending.
impl Session {
    /// Sends a packet.
    ///
    /// Payload type, marker, timestamp, CSRCs, extensions (with the ids of this session) and payload are taken from it; the
    /// SSRC is the sender's, and so is the sequence number unless the sender was set to [`Numbering::Keep`]. A number
    /// that was used before is refused silently and counted: it would use an SRTP index twice.
    ///
    /// The packet waits for [`poll_transmit`](Self::poll_transmit); if too many wait, the oldest of the same kind is dropped, which
    /// leaves a gap that the receiver can see.
    pub fn send(
        &mut self,
        now: Instant,
        sender: SenderId,
        packet: Packet,
    ) -> Result<(), SendError> {
        let mapping = self.check(sender, packet.payload_type, packet.encoded_len())?;
        let Some(row) = self.outbound.senders.get_mut(sender.get()) else {
            return Err(SendError::UnknownSender);
        };
        let sequence = match row.config.numbering {
            Numbering::Renumber => Some(row.continuity.next()),
            Numbering::Keep => row.continuity.keep(packet.sequence_number.get()),
        };
        row.clock.guess(now, packet.timestamp);
        match sequence {
            Some(sequence) => self.enqueue(now, sender, mapping, sequence, packet),
            None => self.drops.forward_stale += 1,
        }
        Ok(())
    }

    /// Forwards a received packet, of this or any other session, as this sender's.
    ///
    /// The subscriber sees one stream, whatever the source: sequence numbers and timestamps continue when the source
    /// changes, SSRC and MID are the sender's, the payload type is the one given here, and header extensions get the ids of
    /// this session by their URIs. The payload is shared, not copied, and nothing is allocated.
    ///
    /// A packet from before the last change of source, or one that was forwarded already, is dropped and counted.
    pub fn forward(
        &mut self,
        now: Instant,
        sender: SenderId,
        received: &ReceivedPacket,
        payload_type: PayloadType,
    ) -> Result<(), SendError> {
        let original = &received.packet;
        let mapping = self.check(sender, payload_type, original.encoded_len())?;
        let Some(row) = self.outbound.senders.get_mut(sender.get()) else {
            return Err(SendError::UnknownSender);
        };
        let Some((sequence, timestamp)) = row.continuity.forward(received, mapping.clock_rate)
        else {
            self.drops.forward_stale += 1;
            return Ok(());
        };
        let extensions = row.translation.translate(
            &original.extensions,
            &received.extensions,
            &self.headers.map,
        );
        match received.captured {
            Some(captured) => row.clock.set(captured, timestamp),
            None => row.clock.guess(received.received, timestamp),
        }
        let packet = Packet {
            payload_type,
            marker: original.marker,
            sequence_number: SequenceNumber::default(),
            timestamp,
            ssrc: row.config.ssrc,
            csrcs: original.csrcs.clone(),
            extensions,
            payload: original.payload.clone(),
            padding_len: 0,
        };
        self.enqueue(now, sender, mapping, sequence, packet);
        Ok(())
    }

    /// Says when the media of a timestamp was captured, from which sender reports are extrapolated (RFC 3550 §6.4.1).
    ///
    /// Without it, and for packets that are not forwarded, the time of [`send`](Self::send) stands in. Streams that are to
    /// be played in step must all have it, or none.
    pub fn set_capture_time(&mut self, sender: SenderId, captured: Instant, timestamp: u32) {
        if let Some(sender) = self.outbound.senders.get_mut(sender.get()) {
            sender.clock.set(captured, timestamp);
        }
    }

    fn check(
        &self,
        sender: SenderId,
        payload_type: PayloadType,
        bytes: usize,
    ) -> Result<PayloadMapping, SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        let sender = self.outbound.senders.get(sender.get());
        let mapping = sender
            .ok_or(SendError::UnknownSender)?
            .mapping(payload_type)
            .ok_or(SendError::PayloadType)?;
        if bytes > self.config.rtp_packet_bytes {
            return Err(SendError::TooLarge);
        }
        Ok(mapping)
    }

    fn enqueue(
        &mut self,
        now: Instant,
        id: SenderId,
        mapping: PayloadMapping,
        sequence: u64,
        mut packet: Packet,
    ) {
        let Some(sender) = self.outbound.senders.get_mut(id.get()) else {
            return;
        };
        sender.clock.set_rate(mapping.clock_rate);
        packet.sequence_number = SequenceNumber::new(sequence as u16);
        let kind = sender.config.kind;
        let limit = self.config.send_queue_packets;
        let queue = self.outbound.queue_mut(kind);
        let dropped = if queue.len() >= limit {
            queue.pop_front()
        } else {
            None
        };
        queue.push_back(Waiting {
            sender: id.get(),
            sequence,
            packet,
        });
        if let Some(dropped) = dropped {
            self.drops.send_queue += 1;
            if let Some(sender) = self.outbound.senders.get_mut(dropped.sender) {
                sender.counters.discarded += 1;
            }
        }
        self.on_media(now, kind);
        if self.timers.get(Timer::Idle).is_none() {
            self.timers.set(Timer::Idle, Some(now + SILENCE));
        }
    }

    /// Appends the next RTP packet: audio, then retransmissions, then video.
    pub(super) fn write_rtp(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        while let Some(waiting) = self.outbound.audio.pop_front() {
            if self.write_media(now, waiting, buf) {
                return true;
            }
        }
        while let Some((sender, sequence)) = self.outbound.retransmissions.pop_front() {
            if self.write_retransmission(now, sender, sequence, buf) {
                return true;
            }
        }
        while let Some(waiting) = self.outbound.video.pop_front() {
            if self.write_media(now, waiting, buf) {
                return true;
            }
        }
        false
    }

    fn write_media(&mut self, now: Instant, mut waiting: Waiting, buf: &mut Vec<u8>) -> bool {
        let Some(sender) = self.outbound.senders.get_mut(waiting.sender) else {
            return false;
        };
        let packet = &mut waiting.packet;
        // Late, so that it holds after a collision too.
        packet.ssrc = sender.config.ssrc;
        sender.announce_media(now, &self.headers.ids, &mut packet.extensions);
        let start = buf.len();
        packet.encode_with(self.headers.policy, buf);
        let bytes = buf.len() - start;
        let payload_bytes = packet.payload.len();
        sender
            .counters
            .on_sent(payload_bytes, bytes - payload_bytes);
        sender.last_sent = Some(now);
        self.outbound.budget.on_media(now, bytes);
        if sender.is_repairable(packet.payload_type) {
            let three_round_trips = self.round_trip.or_default() * 3;
            let limits = HistoryLimits {
                age: self.config.history_duration.max(three_round_trips),
                bytes: self.config.history_bytes,
            };
            self.outbound.keep(now, waiting, limits);
        }
        true
    }

    fn write_retransmission(
        &mut self,
        now: Instant,
        sender: u32,
        sequence: u64,
        buf: &mut Vec<u8>,
    ) -> bool {
        let Some(sender) = self.outbound.senders.get_mut(sender) else {
            return false;
        };
        let Some(repair) = sender.retransmission(now, sequence, &self.headers.ids) else {
            self.drops.retransmission_unavailable += 1;
            return false;
        };
        let start = buf.len();
        repair.header.encode_header(self.headers.policy, buf);
        buf.extend_from_slice(&repair.original_number.get().to_be_bytes());
        let header_bytes = buf.len() - start;
        buf.extend_from_slice(&repair.payload);
        if !self.outbound.budget.take(now, buf.len() - start) {
            buf.truncate(start);
            sender.withdraw_grant(sequence);
            self.drops.retransmission_budget += 1;
            return false;
        }
        sender.on_retransmitted(repair.payload.len(), header_bytes);
        true
    }
}
