use std::fmt;
use std::time::{Duration, Instant};

use crate::crypto::{Authentication, Provider};
use crate::handshake::Flight;
use crate::record::{Exhausted, RecordLayer};
use crate::timer::Retransmission;
use crate::tls12::Agreed;
use crate::{Event, Fingerprint, HashAlgorithm, Stats, Version};

/// What stays of a handshake.
pub(super) struct Established {
    agreed: Box<Agreed>,
    /// The certificate of the other side is an announced one. Before, nothing leaves and nothing is delivered.
    pub(super) verified: bool,
    /// The application knows (it polled the event), so data may be handed over in place.
    pub(super) announced: bool,
    /// The number of the other side's Finished.
    pub(super) peer_finished: u16,
    last_flight: Option<LastFlight>,
}

/// The end of the server's side of a handshake, which the client may have missed (RFC 6347 §4.2.4).
struct LastFlight {
    flight: Flight,
    timer: Retransmission,
    since: Instant,
}

impl Established {
    /// How long the last flight is kept, unless data shows earlier that it arrived: twice the longest life of a
    /// segment (RFC 6347 §4.2.4).
    const LAST_FLIGHT_LIFETIME: Duration = Duration::from_secs(240);

    pub(super) fn new(
        now: Instant,
        agreed: Box<Agreed>,
        flight: Flight,
        timer: Retransmission,
        peer_finished: u16,
    ) -> Self {
        Self {
            agreed,
            peer_finished,
            verified: false,
            announced: false,
            last_flight: (!flight.is_empty()).then_some(LastFlight {
                flight,
                timer,
                since: now,
            }),
        }
    }

    pub(super) fn peer_certificate(&self) -> Option<&[u8]> {
        self.agreed.peer.as_ref().map(|peer| peer.der.as_slice())
    }

    /// Whether the other side proved who it is by a key that both know.
    pub(super) fn knows_our_key(&self) -> bool {
        self.agreed.suite.authentication == Authentication::Psk
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.agreed.alpn.as_deref()
    }

    pub(super) fn event(&self) -> Event {
        Event::Connected {
            srtp_profile: self.agreed.srtp_profile,
            version: Version::Dtls12,
            cipher_suite: self.agreed.suite.number,
            peer_fingerprint: self
                .peer_certificate()
                .map(|der| Fingerprint::of(HashAlgorithm::Sha256, der)),
        }
    }

    pub(super) fn export(
        &self,
        provider: &Provider,
        label: &str,
        context: Option<(u16, &[u8])>,
        out: &mut [u8],
    ) {
        self.agreed
            .secrets
            .export(provider, label.as_bytes(), context, out);
    }

    pub(super) fn key_log(&self) -> String {
        self.agreed.secrets.key_log()
    }

    pub(super) fn write_last_flight(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        match &mut self.last_flight {
            Some(last) => last.flight.write(records, mtu, buf),
            None => Ok(None),
        }
    }

    /// The client repeats its Finished: it has not seen ours.
    pub(super) fn on_repeated_finished(&mut self, now: Instant, stats: &mut Stats) {
        let Some(last) = &mut self.last_flight else {
            return;
        };
        if now.saturating_duration_since(last.since) > Self::LAST_FLIGHT_LIFETIME {
            self.last_flight = None;
        } else if last.timer.may_repeat_authenticated(now) {
            last.flight.send();
            stats.repeats += 1;
            stats.flights_sent += 1;
        }
    }

    /// Data of the new epoch: our last flight arrived.
    pub(super) fn on_data(&mut self) {
        self.last_flight.take_if(|last| !last.flight.is_pending());
    }
}

impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("suite", &self.agreed.suite.number)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}
