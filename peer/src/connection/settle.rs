//! Where the machines meet: after every input each is asked what happened, and the others are told, until nobody
//! has anything to say. Never inside a poll (law 2).

use std::time::{Duration, Instant};

use sctp::StreamId;

use super::transport::{Agreed, Srtp};
use super::{PeerConnection, state};
use crate::data::Outlet;
use crate::event::{
    ChannelCloseCause, ChannelCloseReason, CloseCause, CloseReason, Event, Failure, Initiator,
};

impl PeerConnection {
    pub(crate) fn settle(&mut self, now: Instant) {
        if self.state.closed {
            return;
        }
        loop {
            let moved = self.settle_relays(now)
                | self.settle_ice(now)
                | self.settle_sped(now)
                | self.settle_handshake(now)
                | self.settle_dtls(now)
                | self.settle_association(now)
                | self.settle_session();
            if !moved || self.state.closed {
                break;
            }
        }
        if let Some(association) = &mut self.association {
            self.channels.flush(now, association, &mut self.events);
        }
        self.settle_gathering();
        self.settle_close(now);
        self.settle_state();
    }

    /// After a message was handed over, which concerns the association alone: the others are asked only if that had
    /// something to say.
    pub(crate) fn settle_data(&mut self, now: Instant) {
        if !self.state.closed && self.settle_association(now) {
            self.settle(now);
        }
    }

    fn settle_ice(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(event) = self.transport.ice.poll_event() {
            moved = true;
            match event {
                ice::Event::StateChanged(state) => {
                    self.transport.follow_ice(now, state);
                    self.events.push(Event::IceStateChanged(state));
                }
                // A relay's address is none of the driver's.
                ice::Event::PathProved(path) if self.relays.is_base(path.local) => {}
                ice::Event::PathProved(path) => self.events.push(Event::PathProved(path)),
                ice::Event::Selected {
                    path,
                    round_trip,
                    reason,
                } => {
                    log::debug!("another path: {reason:?}");
                    self.transport.path_changes += 1;
                    if let (Some(round_trip), Some(dtls)) = (round_trip, &mut self.transport.dtls) {
                        dtls.set_round_trip(now, round_trip);
                    }
                    self.on_path_selected(now, path);
                    if let (Some(round_trip), Some(session)) = (round_trip, &mut self.media.session)
                    {
                        session.set_round_trip_time(round_trip);
                    }
                    self.events.push(Event::PathSelected(path));
                }
                ice::Event::ServerReflexive { .. } => self.note_candidates(),
                ice::Event::GatheringComplete => {
                    self.candidates.gathered = true;
                    self.tell_candidates();
                }
                ice::Event::ResolveName(name) => self.events.push(Event::ResolveName(name)),
                ice::Event::OpenStream { local, remote } => {
                    self.events.push(Event::OpenStream { local, remote });
                }
                ice::Event::CloseStream(path) => self.events.push(Event::CloseStream(path)),
                ice::Event::PathMtu(bytes) => self.on_path_mtu(now, bytes),
                ice::Event::PayloadArrived { path, payload } => {
                    self.on_payload(now, path, &payload);
                }
                ice::Event::PayloadAcknowledged(_) => self.on_sped_shown(),
                ice::Event::PayloadsRefused => self.on_payloads_refused(now),
                ice::Event::RoleChanged(_) => {}
            }
        }
        moved
    }

    /// Starts the handshake on the first path that works, not on the nomination, and hands it what came early.
    fn settle_handshake(&mut self, now: Instant) -> bool {
        let ice = &self.transport.ice;
        if self.transport.dtls.is_none() {
            // D-29: a ClientHello before the answer makes this side passive; the fingerprint is checked when the
            // answer says it.
            let called = self.jsep.awaits_answer()
                && self.transport.early.has_hello(|path| ice.is_proved(path));
            if !called {
                return false;
            }
            let seed = self.seed();
            self.transport.take_role(now, dtls::Role::Server, seed);
        }
        let ice = &self.transport.ice;
        let hellos = self.transport.early.take_hellos(|path| ice.is_proved(path));
        let works = ice.best_path().is_some();
        let mut moved = false;
        if !self.transport.dtls_started && (works || !hellos.is_empty()) {
            self.transport.start_handshake(now);
            moved = true;
        }
        for mut hello in hellos {
            if let Some(dtls) = &mut self.transport.dtls {
                dtls.handle_datagram(now, &mut hello);
            }
            moved = true;
        }
        moved
    }

    fn settle_dtls(&mut self, now: Instant) -> bool {
        let Some(dtls) = &mut self.transport.dtls else {
            return false;
        };
        let Some(event) = dtls.poll_event() else {
            return false;
        };
        match event {
            dtls::Event::Connected {
                srtp_profile,
                version,
                cipher_suite,
                ..
            } => {
                let agreed = Agreed {
                    srtp_profile,
                    version,
                    cipher_suite,
                };
                self.on_dtls_connected(now, agreed);
            }
            dtls::Event::Closed(reason) => self.on_dtls_closed(now, reason),
            // We ask for no tickets.
            _ => {}
        }
        true
    }

    fn on_dtls_connected(&mut self, now: Instant, agreed: Agreed) {
        self.transport.agreed = Some(agreed);
        self.transport.srtp = None;
        self.derive_srtp_keys();
        self.limit_retired_keys(now);
        for (_, mut packet) in self.transport.early.take_media() {
            self.open_media(now, &mut packet);
        }
        self.transport.early.clear();
        self.start_association(now);
        let mut record = Vec::new();
        while let Some(dtls) = &mut self.transport.dtls
            && dtls.recv(&mut record).is_some()
        {
            if let Some(association) = &mut self.association {
                association.handle_datagram(now, &record);
            }
            record.clear();
        }
    }

    /// Makes the keys of media, once there is media: where data is all they would be two kilobytes for nothing.
    pub(super) fn derive_srtp_keys(&mut self) {
        let Some(agreed) = self.transport.agreed else {
            return;
        };
        if self.transport.srtp.is_some() || self.media.session.is_none() {
            return;
        }
        let keys = match (&self.transport.dtls, agreed.srtp_profile) {
            (Some(dtls), Some(profile)) => {
                let provider = &self.config.srtp_provider;
                Srtp::from_handshake(dtls, profile, provider, self.negotiated_cryptex())
            }
            _ => None,
        };
        if keys.is_none() {
            self.state.failure.get_or_insert(Failure::Srtp);
        }
        self.transport.srtp = keys;
    }

    /// Makes the association once data was negotiated and DTLS carries it.
    pub(super) fn start_association(&mut self, now: Instant) {
        let settled = self.jsep.settled.as_ref();
        let sctp = settled.and_then(|settled| settled.sctp.clone());
        let (Some(sctp), Some(dtls)) = (sctp, &self.transport.dtls) else {
            return;
        };
        // Media without SRTP is the end of the connection (RFC 5764 §4.1), not one half of it.
        let has_failed = self.state.failure == Some(Failure::Srtp);
        if !self.transport.is_connected() || self.association.is_some() || has_failed {
            return;
        }
        let role = dtls.role();
        let packet_bytes = self
            .config
            .udp_payload_bytes
            .saturating_sub(dtls.max_overhead());
        let config = self.association_config(sctp.port, packet_bytes);
        // The configuration was tried in `new`.
        let Ok(mut association) = sctp::Association::new(config, self.names.sctp.seed) else {
            return;
        };
        association.set_rate_limit(self.channels.rate_limit);
        let round_trip = self.transport.ice.round_trip_time();
        // SNAP: with both INITs in the descriptions there is nothing left to agree upon.
        let remote_init = sctp.init.filter(|_| self.config.snap);
        self.names.remote_init =
            remote_init.filter(|init| association.connect_with(now, init, round_trip).is_ok());
        if self.names.remote_init.is_none() {
            association.connect(now, round_trip);
        }
        self.association = Some(association);
        if self.config.path_mtu.is_some() {
            // The size may have been found while the handshake ran.
            self.on_path_mtu(now, self.transport.ice.path_budget().payload_bytes());
        }
        self.channels.max_send = sctp.max_message_size;
        self.channels.set_role(role, &mut self.events);
    }

    fn on_dtls_closed(&mut self, now: Instant, reason: dtls::CloseReason) {
        log::debug!("dtls ended: {:?}", reason.cause);
        let orderly = reason.cause == dtls::Cause::CloseNotify;
        self.transport.srtp = None;
        let cause = if orderly {
            ChannelCloseCause::ConnectionClosed
        } else {
            ChannelCloseCause::TransportFailed
        };
        let initiator = match reason.initiator {
            dtls::Initiator::Local => Initiator::Local,
            dtls::Initiator::Remote => Initiator::Remote,
            dtls::Initiator::Network => Initiator::Network,
        };
        let why = ChannelCloseReason::new(initiator, cause);
        self.channels.close_all(why, &mut self.events);
        if orderly && reason.initiator == dtls::Initiator::Remote {
            let reason = CloseReason {
                initiator: Initiator::Remote,
                cause: CloseCause::Notified,
            };
            self.begin_close(now, Duration::ZERO, reason);
        } else if !orderly {
            let failure = match reason.cause {
                dtls::Cause::FingerprintMismatch | dtls::Cause::BadCertificate => {
                    Failure::Fingerprint
                }
                _ => Failure::Dtls,
            };
            self.state.failure.get_or_insert(failure);
        }
    }

    fn settle_association(&mut self, now: Instant) -> bool {
        let Some(association) = &mut self.association else {
            return false;
        };
        let Some(event) = association.poll_event() else {
            return false;
        };
        let (channels, events) = (&mut self.channels, &mut self.events);
        match event {
            sctp::Event::Connected {
                outbound_streams, ..
            } => channels.on_connected(outbound_streams, events),
            sctp::Event::Restarted => channels.on_restarted(events),
            sctp::Event::Readable(stream) => {
                channels.on_readable(now, stream.get(), association, events);
            }
            sctp::Event::Writable(stream) => channels.on_writable(stream.get(), events),
            sctp::Event::BufferedAmountLow(stream) => {
                channels.on_buffered_amount_low(stream.get(), events);
            }
            sctp::Event::StreamsReset { direction, streams } => {
                channels.on_reset(now, direction, &streams, association, events);
            }
            sctp::Event::ResetRefused { streams } => {
                channels.on_reset_refused(&streams as &[StreamId], events);
            }
            sctp::Event::StreamRefused { stream, reason } => {
                channels.on_refused(now, (stream.get(), reason), association, events);
            }
            sctp::Event::BlackHole { bytes } => self.on_black_hole(now, bytes),
            // The padded checks of ICE are the probes.
            sctp::Event::ProbeAcknowledged { .. } | sctp::Event::ProbeLost { .. } => {}
            sctp::Event::Closed(reason) => {
                log::debug!("sctp ended: {:?}", reason.cause);
                let initiator = match reason.initiator {
                    sctp::Initiator::Local => Initiator::Local,
                    sctp::Initiator::Remote => Initiator::Remote,
                    sctp::Initiator::Network => Initiator::Network,
                };
                let cause = if self.state.closing.is_some() {
                    ChannelCloseCause::ConnectionClosed
                } else {
                    ChannelCloseCause::AssociationClosed
                };
                channels.close_all(ChannelCloseReason::new(initiator, cause), events);
            }
        }
        true
    }

    /// The session alone: RTP and RTCP reach nobody else.
    pub(super) fn settle_session(&mut self) -> bool {
        let Some(session) = &mut self.media.session else {
            return false;
        };
        let Some(event) = session.poll_event() else {
            return false;
        };
        match event {
            session::Event::KeyframeRequested { sender, .. } => {
                if let Some(transceiver) = self.media.transceiver_of_sender(sender) {
                    self.events.push(Event::KeyframeRequested(transceiver));
                }
            }
            session::Event::SsrcChanged { sender, old, new } => {
                let id = self.media.transceiver_of_sender(sender);
                if let Some(transceiver) = id.and_then(|id| self.jsep.transceiver_mut(id)) {
                    // The next description says the new name.
                    let source = &mut transceiver.source;
                    if source.ssrc == old.get() {
                        source.ssrc = new.get();
                    } else if source.rtx_ssrc == old.get() {
                        source.rtx_ssrc = new.get();
                    }
                }
            }
            session::Event::StreamStarted { .. }
            | session::Event::Goodbye { .. }
            | session::Event::Closed => {}
        }
        true
    }

    /// Ends the connection once everything was said, or the patience is over.
    fn settle_close(&mut self, now: Instant) {
        let Some((deadline, _)) = &self.state.closing else {
            return;
        };
        // The association says when all was delivered.
        if self.channels.is_connected() && now < *deadline {
            return;
        }
        let Some((_, reason)) = self.state.closing.take() else {
            return;
        };
        if let Some(association) = &mut self.association {
            association.abort(now);
        }
        let why = ChannelCloseReason::new(reason.initiator, ChannelCloseCause::ConnectionClosed);
        self.channels.close_all(why, &mut self.events);
        self.transport.farewell_path = self.transport.ice.best_path();
        if let Some(dtls) = &mut self.transport.dtls {
            dtls.close(now);
        }
        self.transport.ice.close(now);
        self.transport.early.clear();
        self.state.closed = true;
        self.settle_state();
        self.events.push(Event::Closed(reason));
    }

    fn settle_state(&mut self) {
        let connection = state::aggregate(
            self.transport.ice.state(),
            self.transport.is_connected(),
            self.state.failure,
            self.state.closed,
        );
        if connection != self.state.connection {
            self.state.connection = connection;
            self.events.push(Event::ConnectionStateChanged(connection));
        }
    }

    /// Says once that an exchange of descriptions is wanted (W3C WebRTC §4.7.3).
    pub(super) fn note_negotiation(&mut self) {
        let stable = self.jsep.state == crate::SignalingState::Stable;
        let needed = stable && self.jsep.needs_negotiation();
        if needed && !self.state.negotiation_needed {
            self.events.push(Event::NegotiationNeeded);
        }
        if stable {
            self.state.negotiation_needed = needed;
        }
    }
}
