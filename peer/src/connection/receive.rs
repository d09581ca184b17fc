//! Where a datagram goes.

use std::time::Instant;

use net::{Datagram, Path, Transport};

use super::PeerConnection;
use crate::demux::{Content, is_client_hello};

/// What a datagram may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touched {
    /// The session alone.
    Media,
    Transport,
}

impl PeerConnection {
    /// Takes a datagram: STUN goes to ICE; DTLS, SRTP and SRTCP are opened in place, and only when a connectivity
    /// check proved their path.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if self.state.closed {
            return;
        }
        self.counters.packets_received += 1;
        self.counters.bytes_received += datagram.bytes.len() as u64;
        if let Some(mut reader) = self.relays.reader(&datagram.path) {
            // Data on a channel changes nothing in the client.
            let mut touched = match datagram.bytes.first() {
                Some(0x40..=0x4f) if datagram.path.transport == Transport::Udp => Touched::Media,
                _ => Touched::Transport,
            };
            reader.read(now, datagram, |datagram| {
                if self.receive(now, datagram) == Touched::Transport {
                    touched = Touched::Transport;
                }
            });
            self.relays.restore(reader);
            match touched {
                Touched::Media => while self.settle_session() {},
                Touched::Transport => self.settle(now),
            }
        } else if self.receive(now, datagram) == Touched::Media {
            while self.settle_session() {}
        } else {
            self.settle(now);
        }
    }

    /// Hands a datagram to the machine that it is for.
    fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Touched {
        let path = datagram.path;
        match Content::of(datagram.bytes) {
            Content::Stun => self.transport.ice.handle_datagram(now, datagram),
            Content::Dtls => self.receive_dtls(now, path, datagram.bytes),
            Content::Rtp | Content::Rtcp => {
                self.receive_media(now, path, datagram.bytes);
                return Touched::Media;
            }
            Content::Unknown => self.counters.dropped.unknown_content += 1,
        }
        Touched::Transport
    }

    pub(super) fn receive_dtls(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        let ready = self.transport.dtls.is_some() && self.transport.dtls_started;
        if ready && self.transport.ice.is_proved(&path) {
            self.open_dtls(now, bytes);
        } else if is_client_hello(bytes) && !self.transport.is_connected() {
            // D-28: it may have overtaken the description, or the check that proves its path.
            if !self.transport.early.keep_hello(path, bytes) {
                self.counters.dropped.early_dtls += 1;
            }
        } else {
            self.counters.dropped.unproved_path += 1;
        }
    }

    pub(super) fn open_dtls(&mut self, now: Instant, bytes: &mut [u8]) {
        let Some(dtls) = &mut self.transport.dtls else {
            return;
        };
        let association = &mut self.association;
        dtls.handle_datagram_with(now, bytes, |record| {
            if let Some(association) = association {
                association.handle_datagram(now, record);
            }
        });
    }

    fn receive_media(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        if !self.transport.ice.is_proved(&path) {
            self.counters.dropped.unproved_path += 1;
        } else if self.transport.srtp.is_some() {
            self.open_media(now, bytes);
        } else if self.open_retired(now, &mut bytes.to_vec()) {
            // The old keys: the new ones are not there yet.
        } else if self.transport.is_connected() || !self.transport.early.keep_media(now, bytes) {
            self.counters.dropped.before_keys += 1;
        }
    }

    /// Opens a packet with the keys of the former association, if it is one of theirs.
    fn open_retired(&mut self, now: Instant, bytes: &mut [u8]) -> bool {
        let Some(retired) = &mut self.transport.retired else {
            return false;
        };
        if retired.until.is_some_and(|until| until <= now) {
            return false;
        }
        let opened = match Content::of(bytes) {
            Content::Rtcp => retired.receiver.unprotect_rtcp(bytes),
            _ => retired.receiver.unprotect_rtp(bytes),
        };
        if let (Ok(plaintext), Some(session)) = (&opened, &mut self.media.session) {
            session.handle_datagram(now, plaintext);
        }
        opened.is_ok()
    }

    pub(super) fn open_media(&mut self, now: Instant, bytes: &mut [u8]) {
        if self.transport.retired.is_some() && self.open_retired(now, &mut bytes.to_vec()) {
            return;
        }
        let Some(srtp) = &mut self.transport.srtp else {
            return;
        };
        let opened = match Content::of(bytes) {
            Content::Rtcp => srtp.receiver.unprotect_rtcp(bytes),
            _ => srtp.receiver.unprotect_rtp(bytes),
        };
        match (opened, &mut self.media.session) {
            (Ok(plaintext), Some(session)) => session.handle_datagram(now, plaintext),
            (Ok(_), None) => {}
            (Err(_), _) => self.counters.dropped.srtp += 1,
        }
    }
}
