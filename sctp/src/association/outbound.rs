use std::time::Instant;

use super::Association;
use super::control::Farewell;
use super::state::State;
use crate::chunk::{
    AbortChunk, CauseCode, ChunkStart, ChunkType, CookieAckChunk, CookieEchoChunk, ErrorCause,
    ErrorCauses, HeartbeatAckChunk, Parameter, ParameterType, SackChunk, ShutdownAckChunk,
    ShutdownChunk, ShutdownCompleteChunk,
};
use crate::packet::PacketStart;
use crate::send::ForwardDue;
use crate::timer::Timer;

impl Association {
    /// Appends one packet to `buf`, at most [`Config::mtu`](crate::Config::mtu) bytes; `None` when nothing may be sent now.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<()> {
        if let Some((tag, chunk)) = self.control.init_ack.take() {
            let packet = self.start_packet(tag, buf);
            buf.extend_from_slice(&chunk);
            self.finish_packet(packet, buf);
            return Some(());
        }
        if let Some(farewell) = self.control.farewell.take() {
            self.transmit_farewell(farewell, buf);
            return Some(());
        }
        if self.transmit_stray(buf).is_some() {
            return Some(());
        }
        if let Some((tag, staleness)) = self.control.stale_cookie.take() {
            let packet = self.start_packet(tag, buf);
            let chunk = ChunkStart::append(buf, ChunkType::ERROR, 0);
            ErrorCause {
                code: CauseCode::STALE_COOKIE,
                value: &staleness.to_be_bytes(),
            }
            .encode(buf);
            chunk.finish(buf);
            self.finish_packet(packet, buf);
            return Some(());
        }
        if std::mem::take(&mut self.control.init) {
            if self.liveness.attempts == 0 {
                self.liveness.init_sent = Some(now);
            }
            let packet = self.start_packet(0, buf);
            let parameters = self.announcements();
            self.init_chunk(self.local, &parameters).encode(buf);
            self.finish_packet(packet, buf);
            return Some(());
        }
        let peer = self.peer?;
        if self.has_probe_to_send() && self.transmit_probe(now, buf) {
            return Some(());
        }
        let packet = self.start_packet(peer.tag, buf);
        self.sender.begin_packet();
        let echoes = self.append_cookie(buf);
        let may_send_data = echoes || self.state.may_send_data();
        if self.control.has_chunks() || self.resets.is_due() {
            self.append_control(now, &packet, buf);
        }
        if self.receiver.wants_ack() {
            self.append_ack(now, &packet, may_send_data, buf);
        }
        if self.control.shutdown || self.control.shutdown_ack {
            self.append_shutdown(&packet, buf);
        }
        if may_send_data && !echoes && self.sender.has_abandoned() {
            self.append_forward(now, &packet, buf);
        }
        if may_send_data {
            self.append_data(now, &packet, buf);
        }
        if packet.is_empty(buf) {
            packet.abandon(buf);
            return None;
        }
        if echoes || !self.agreed().zero_checksum {
            self.finish_packet(packet, buf);
        } else {
            self.counts.packets_sent += 1;
        }
        Some(())
    }

    /// COOKIE ECHO or COOKIE ACK, always the first of its packet. True when DATA may follow a COOKIE ECHO.
    fn append_cookie(&mut self, buf: &mut Vec<u8>) -> bool {
        if std::mem::take(&mut self.control.cookie_ack) {
            CookieAckChunk.encode(buf);
        }
        if let State::CookieEchoed { cookie } = &self.state
            && std::mem::take(&mut self.control.cookie_echo)
        {
            CookieEchoChunk { cookie }.encode(buf);
            return true;
        }
        false
    }

    /// Answers, questions and changes, as far as there is room.
    fn append_control(&mut self, now: Instant, packet: &PacketStart, buf: &mut Vec<u8>) {
        let causes = self.control.causes();
        if !causes.is_empty() && causes.len() + 4 <= self.room(packet, buf) {
            let chunk = ChunkStart::append(buf, ChunkType::ERROR, 0);
            buf.extend_from_slice(ErrorCauses(causes).0);
            chunk.finish(buf);
            self.control.clear_causes();
        }
        if !self.state.is_synchronized() {
            return;
        }
        while let Some(info) = self.control.next_heartbeat_ack() {
            // One that fills a packet goes alone.
            if info.len().next_multiple_of(4) + 4 > self.room(packet, buf) {
                break;
            }
            HeartbeatAckChunk { info }.encode(buf);
            self.control.pop_heartbeat_ack();
        }
        if self.resets.is_due() && self.room(packet, buf) >= RE_CONFIG_ROOM {
            self.encode_re_config(now, buf);
        }
        if self.control.heartbeat && self.room(packet, buf) >= HEARTBEAT_ROOM {
            self.control.heartbeat = false;
            let nonce = self.liveness.send_heartbeat(now).to_be_bytes();
            let chunk = ChunkStart::append(buf, ChunkType::HEARTBEAT, 0);
            let info = Parameter {
                kind: ParameterType::HEARTBEAT_INFO,
                value: &nonce,
            };
            info.encode(buf);
            chunk.finish(buf);
        }
    }

    /// A SACK that is due, or one that a packet can take along before it is.
    fn append_ack(
        &mut self,
        now: Instant,
        packet: &PacketStart,
        may_send_data: bool,
        buf: &mut Vec<u8>,
    ) {
        let room = self.room(packet, buf);
        if !self.state.takes_data() || room < SackChunk::OVERHEAD {
            return;
        }
        let has_company = !packet.is_empty(buf)
            || (may_send_data && self.sender.can_transmit(now, room - SackChunk::OVERHEAD));
        if self.receiver.is_ack_due() || has_company {
            self.receiver.encode_sack(room, buf);
            self.timers.stop(Timer::DelayedAck);
        }
    }

    fn append_shutdown(&mut self, packet: &PacketStart, buf: &mut Vec<u8>) {
        if self.room(packet, buf) < 8 {
            return;
        }
        if std::mem::take(&mut self.control.shutdown) {
            let cumulative_tsn_ack = self.receiver.cumulative().wrap();
            ShutdownChunk { cumulative_tsn_ack }.encode(buf);
        }
        if std::mem::take(&mut self.control.shutdown_ack) {
            ShutdownAckChunk.encode(buf);
        }
    }

    /// What was given up, if the peer is to hear of it now.
    fn append_forward(&mut self, now: Instant, packet: &PacketStart, buf: &mut Vec<u8>) {
        let room = self.room(packet, buf);
        if self.sender.transmit_forward(now, room, buf) {
            if !self.timers.is_running(Timer::Retransmission) {
                let due = now + self.sender.timeout();
                self.timers.set(Timer::Retransmission, due);
            }
            if let Some(ForwardDue::At(due)) = self.sender.forward_due() {
                self.timers.set(Timer::Forward, due);
            }
        }
    }

    fn append_data(&mut self, now: Instant, packet: &PacketStart, buf: &mut Vec<u8>) {
        // While the handshake lasts, T1 guards what goes with the COOKIE ECHO.
        let guarded = matches!(self.state, State::CookieEchoed { .. });
        let mut any = false;
        while let Some(sent) = self.sender.transmit(now, self.room(packet, buf), buf) {
            any = true;
            let running = self.timers.is_running(Timer::Retransmission);
            if !guarded && (sent.restart_timer || !running) {
                let due = now + self.sender.timeout();
                self.timers.set(Timer::Retransmission, due);
            }
        }
        self.liveness.active |= any;
        // Packets that leave together ask for one probe.
        if any && !guarded && self.tail_probe_set != Some(now) {
            self.schedule_tail_probe(now);
            let is_set =
                self.timers.is_running(Timer::TailProbe) && self.sender.has_many_outstanding();
            self.tail_probe_set = is_set.then_some(now);
        }
        self.timers.put(Timer::Pacing, self.sender.pacing_release());
    }

    /// The tail is probed when nothing is heard of it for two round trips, unless T3 comes first (RFC 8985 §7.2).
    pub(super) fn schedule_tail_probe(&mut self, now: Instant) {
        let due = self.sender.tail_probe_timeout().map(|wait| now + wait);
        let due = due.filter(|due| self.timers.due(Timer::Retransmission) > Some(*due));
        self.timers.put(Timer::TailProbe, due);
    }

    fn transmit_farewell(&mut self, farewell: Farewell, buf: &mut Vec<u8>) {
        let packet = match farewell {
            Farewell::Abort { tag, code, value } => {
                let packet = self.start_packet(tag, buf);
                let mut cause = Vec::new();
                ErrorCause {
                    code,
                    value: value.as_ref().map_or(&[], |value| value.as_slice()),
                }
                .encode(&mut cause);
                AbortChunk {
                    reflected_tag: false,
                    causes: ErrorCauses(&cause),
                }
                .encode(buf);
                packet
            }
            Farewell::ShutdownComplete { tag } => {
                let packet = self.start_packet(tag, buf);
                ShutdownCompleteChunk {
                    reflected_tag: false,
                }
                .encode(buf);
                packet
            }
        };
        self.finish_packet(packet, buf);
    }

    pub(super) fn start_packet(&self, tag: u32, buf: &mut Vec<u8>) -> PacketStart {
        let ports = (self.config.local_port, self.config.remote_port);
        PacketStart::append(buf, ports, tag)
    }

    pub(super) fn finish_packet(&mut self, packet: PacketStart, buf: &mut [u8]) {
        self.counts.packets_sent += 1;
        packet.finish(buf);
    }

    fn room(&self, packet: &PacketStart, buf: &[u8]) -> usize {
        self.sender.packet_size().saturating_sub(packet.length(buf))
    }
}

/// What the longest RE-CONFIG of ours takes.
const RE_CONFIG_ROOM: usize = 4 + 16 + 2 * 200;
/// What a HEARTBEAT of ours takes.
const HEARTBEAT_ROOM: usize = 4 + 4 + 8;
