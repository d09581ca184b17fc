//! DTLS inside connectivity checks (draft-hancke-webrtc-sped): while no path works, the checks carry the handshake,
//! so that both are done after the same round trip.

use std::time::{Duration, Instant};

use bytes::Bytes;
use net::Path;

use super::PeerConnection;

/// How far the two sides have come with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sped {
    /// Not wanted, refused, or over.
    #[default]
    Off,
    /// Offered: what the other side carries is acknowledged, in case it comes before its answer.
    Offered,
    /// Agreed on. Whether the other side does it has still to show.
    Tentative,
    /// The other side carried or acknowledged something.
    Confirmed,
    /// The handshake is done. What the other side repeats is acknowledged for a while.
    Complete { until: Instant },
}

impl Sped {
    /// The largest datagram of a handshake that is carried: within a message of 1,200 bytes (the base of every path).
    const MTU: usize = 900;

    /// How long acknowledgements go on behind the handshake.
    const AFTERGLOW: Duration = Duration::from_secs(5);

    const fn is_agreed(self) -> bool {
        matches!(self, Self::Tentative | Self::Confirmed)
    }

    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Complete { until } => Some(until),
            _ => None,
        }
    }
}

impl PeerConnection {
    /// An offer of ours says that we know it.
    pub(super) fn offer_sped(&mut self, now: Instant) {
        if self.wants_sped()
            && self.transport.sped == Sped::Off
            && self.transport.remote_ufrag.is_none()
        {
            self.transport.sped = Sped::Offered;
            self.transport.ice.attach(now, []);
        }
    }

    /// Both descriptions are known.
    pub(super) fn agree_on_sped(&mut self, now: Instant, remote: bool) {
        let agreed = self.wants_sped() && remote;
        match self.transport.sped {
            Sped::Offered if !agreed => self.end_sped(now),
            Sped::Offered => self.transport.sped = Sped::Tentative,
            Sped::Off if agreed && !self.transport.dtls_started => {
                self.transport.sped = Sped::Tentative;
                self.transport.ice.attach(now, []);
            }
            _ => {}
        }
    }

    /// Whether this side would do it.
    pub(super) fn wants_sped(&self) -> bool {
        self.config.sped && self.config.ice_mode == ice::Mode::Full
    }

    pub(super) fn end_sped(&mut self, now: Instant) {
        self.transport.sped = Sped::Off;
        self.transport.ice.detach(now);
    }

    /// A check or its answer brought a datagram.
    pub(super) fn on_payload(&mut self, now: Instant, path: Path, payload: &[u8]) {
        self.on_sped_shown();
        self.counters.dtls_carried += 1;
        let mut bytes = payload.to_vec();
        self.receive_dtls(now, path, &mut bytes);
    }

    /// The other side does it.
    pub(super) fn on_sped_shown(&mut self) {
        if self.transport.sped == Sped::Tentative {
            self.transport.sped = Sped::Confirmed;
        }
    }

    /// The other side answered as if it knew nothing of it, whatever its description says.
    pub(super) fn on_payloads_refused(&mut self, now: Instant) {
        if self.transport.sped == Sped::Tentative {
            self.end_sped(now);
        }
    }

    /// Moves flights into the checks until a path works, and out of them from then on.
    pub(super) fn settle_sped(&mut self, now: Instant) -> bool {
        if let Sped::Complete { until } = self.transport.sped {
            if until <= now {
                self.end_sped(now);
            }
            return false;
        }
        let transport = &mut self.transport;
        let Some(dtls) = &mut transport.dtls else {
            return false;
        };
        if transport.ice.best_path().is_some() {
            if !std::mem::take(&mut transport.carries) {
                return self.complete_sped(now);
            }
            dtls.end_carriage(now, transport.ice.round_trip_time());
            // Whatever the other side has not got goes the straight way, at once.
            if transport.ice.is_carrying() {
                dtls.resend(now);
            }
            if transport.sped != Sped::Off {
                transport.ice.attach(now, []);
            }
            return true;
        }
        if transport.sped == Sped::Off {
            return false;
        }
        if !transport.carries {
            dtls.begin_carriage(Sped::MTU);
            transport.carries = true;
        }
        if !transport.dtls_started {
            if !transport.sped.is_agreed() {
                return false;
            }
            dtls.start(now, None);
            transport.dtls_started = true;
        }
        let mut flight = Vec::new();
        loop {
            let mut datagram = Vec::new();
            if dtls.poll_transmit(now, &mut datagram).is_none() {
                break;
            }
            flight.push(Bytes::from(datagram));
        }
        let moved = !flight.is_empty();
        if moved {
            transport.ice.attach(now, flight);
        }
        moved
    }

    fn complete_sped(&mut self, now: Instant) -> bool {
        if self.transport.sped != Sped::Off && self.transport.is_connected() {
            let until = now.checked_add(Sped::AFTERGLOW).unwrap_or(now);
            self.transport.sped = Sped::Complete { until };
        }
        false
    }
}
