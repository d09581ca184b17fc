//! What to send next.

use std::time::Instant;

use net::{Path, Transmit};

use super::PeerConnection;
use crate::data::Outlet;
use crate::event::Event;

impl PeerConnection {
    /// Appends one datagram to `buf` and says where it goes. What `buf` holds already is not touched.
    ///
    /// The order of service: connectivity checks, the handshake, RTCP, audio, retransmissions and video, data.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        let start = buf.len();
        let transmit = self.transmit_from_machines(now, buf);
        if transmit.is_some() {
            self.counters.packets_sent += 1;
            self.counters.bytes_sent += buf.len().saturating_sub(start) as u64;
        }
        transmit
    }

    fn transmit_from_machines(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        if self.state.closed {
            // BYE, then close_notify: what the close left to say.
            if let Some(path) = self.transport.farewell_path {
                let said = self.transmit_on(buf, path, |connection, buf| {
                    connection.transmit_media(now, buf) || connection.transmit_dtls(now, buf)
                });
                if said.is_some() {
                    return said;
                }
                self.transport.farewell_path = None;
            }
            // What stands on servers goes last, for the farewell may go through it.
            self.relays.close(now);
            return self.relays.poll_transmit(now, buf);
        }
        if let Some(transmit) = self.relays.poll_transmit(now, buf) {
            return Some(transmit);
        }
        let start = buf.len();
        while let Some(transmit) = self.transport.ice.poll_transmit(now, buf) {
            let wrapped = self.relays.wrap(buf, start, transmit);
            if wrapped.is_some() {
                return wrapped;
            }
            self.counters.dropped.relay += 1;
        }
        // The path is chosen before anything is appended (law 5).
        // There is none once consent expired: then nothing may leave (RFC 7675 §5.1).
        let path = self.transport.ice.best_path()?;
        self.transmit_on(buf, path, |connection, buf| {
            connection.transmit_dtls(now, buf)
                || connection.transmit_media(now, buf)
                || connection.transmit_data(now, buf)
        })
    }

    /// Appends what there is for a path, in a relay's envelope where the path is one of a relay.
    fn transmit_on(
        &mut self,
        buf: &mut Vec<u8>,
        path: Path,
        append: impl FnOnce(&mut Self, &mut Vec<u8>) -> bool,
    ) -> Option<Transmit> {
        let envelope = self.relays.open(buf, path)?;
        if append(self, buf) {
            return self.relays.close_envelope(buf, envelope);
        }
        self.relays.abandon(buf, envelope);
        None
    }

    fn transmit_dtls(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        let dtls = self.transport.dtls.as_mut();
        dtls.is_some_and(|dtls| dtls.poll_transmit(now, buf).is_some())
    }

    fn transmit_media(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        let (Some(srtp), Some(session)) = (&mut self.transport.srtp, &mut self.media.session)
        else {
            return false;
        };
        let start = buf.len();
        while let Some(kind) = session.poll_transmit(now, buf) {
            let sealed = match kind {
                session::Kind::Rtp => srtp.sender.protect_rtp(buf, start),
                session::Kind::Rtcp => srtp.sender.protect_rtcp(buf, start),
            };
            if srtp.sender.poll_event().is_some() {
                self.events.push(Event::SrtpKeyExpiring);
            }
            if sealed.is_ok() {
                return true;
            }
            buf.truncate(start);
            self.counters.dropped.seal += 1;
        }
        false
    }

    fn transmit_data(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        let (Some(dtls), Some(association)) = (&mut self.transport.dtls, &mut self.association)
        else {
            return false;
        };
        let start = buf.len();
        let Some(mark) = dtls.begin(buf) else {
            return false;
        };
        if association.poll_transmit(now, buf).is_none() {
            dtls.abandon(buf, mark);
            return false;
        }
        let sealed = dtls.seal(now, buf, mark).is_ok();
        if !sealed {
            buf.truncate(start);
            self.counters.dropped.seal += 1;
        }
        sealed
    }
}
