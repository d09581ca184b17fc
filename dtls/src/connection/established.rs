use std::fmt;
use std::time::{Duration, Instant};

use super::post_handshake::PostHandshake;
use crate::crypto::Provider;
use crate::handshake::{Agreed, Flight};
use crate::record::{Epochs, Exhausted, RecordLayer};
use crate::timer::Retransmission;
use crate::{Event, Fingerprint, HashAlgorithm, Role, Stats, Ticket, tls13};

/// What stays of a handshake.
pub(super) struct Established {
    agreed: Box<Agreed>,
    /// The certificate of the other side is an announced one. Before, nothing leaves and nothing is delivered.
    pub(super) verified: bool,
    /// The application knows (it polled the event), so data may be handed over in place.
    pub(super) announced: bool,
    /// The number of the other side's Finished.
    pub(super) peer_finished: u16,
    last_flight: Option<Box<LastFlight>>,
    /// What goes on under DTLS 1.3.
    pub(super) post: Option<Box<PostHandshake>>,
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
            last_flight: (!flight.is_empty()).then(|| {
                Box::new(LastFlight {
                    flight,
                    timer,
                    since: now,
                })
            }),
            post: None,
        }
    }

    pub(super) fn new_13(agreed: Box<Agreed>, post: PostHandshake, peer_finished: u16) -> Self {
        Self {
            agreed,
            verified: false,
            announced: false,
            last_flight: None,
            peer_finished,
            post: Some(Box::new(post)),
        }
    }

    /// What goes on under DTLS 1.3, and what it works with.
    pub(super) fn post_and_agreed(&mut self) -> Option<(&mut PostHandshake, &mut tls13::Agreed)> {
        match (&mut self.post, &mut *self.agreed) {
            (Some(post), Agreed::Tls13(agreed)) => Some((post, agreed)),
            _ => None,
        }
    }

    /// A record of the handshake came: its keys are made once more if that may be. Few connections need them; those
    /// that do keep them, or a stranger could have them made for every record.
    pub(super) fn reopen_handshake(&mut self, provider: &Provider, records: &mut RecordLayer) {
        if let (Some(post), Agreed::Tls13(agreed)) = (&self.post, &mut *self.agreed)
            && post.reads_handshake()
            && let Some(secret) = agreed.client_handshake.take()
            && let Ok(keys) = tls13::protection(provider, agreed.secrets.suite, &secret)
            && let Some(epochs) = records.epochs_mut()
        {
            epochs.reinstall_read(Epochs::HANDSHAKE, keys);
        }
    }

    /// Forgets keys whose time is over.
    pub(super) fn expire_epochs(&mut self, now: Instant, records: &mut RecordLayer) {
        if let (Some(post), Agreed::Tls13(agreed)) = (&mut self.post, &mut *self.agreed) {
            post.expire_epochs(now, records);
            agreed.client_handshake.take_if(|_| !post.reads_handshake());
        }
    }

    /// Lets go of what is easily made again: the keys of records with their tables, and room in lists.
    pub(super) fn rest(&self, role: Role, provider: &Provider, records: &mut RecordLayer) {
        match (&*self.agreed, records.epochs_mut()) {
            (Agreed::Tls13(agreed), Some(epochs)) => {
                let [own, theirs] = agreed.secrets.remakers(provider, role);
                epochs.rest(Box::new(own), Box::new(theirs));
            }
            (Agreed::Tls12(agreed), None) => {
                let [own, theirs] = agreed.secrets.remakers(provider, agreed.suite, role);
                records.rest(Box::new(own), Box::new(theirs));
            }
            (Agreed::Tls13(_), None) | (Agreed::Tls12(_), Some(_)) => {}
        }
    }

    pub(super) fn peer_certificate(&self) -> Option<&[u8]> {
        self.agreed.peer_certificate()
    }

    pub(super) fn peer_issuers(&self) -> &[Vec<u8>] {
        self.agreed.peer_issuers()
    }

    /// Whether the other side proved who it is by a key that both know.
    pub(super) fn knows_our_key(&self) -> bool {
        self.agreed.knows_our_key()
    }

    /// Whether a ticket stood at the beginning.
    pub(super) fn is_resumed(&self) -> bool {
        match &*self.agreed {
            Agreed::Tls12(agreed) => agreed.resumed,
            Agreed::Tls13(agreed) => agreed.resumed,
        }
    }

    /// Whether tickets wait to be taken.
    pub(super) fn has_tickets(&self) -> bool {
        match (&*self.agreed, &self.post) {
            (Agreed::Tls12(agreed), _) => agreed.ticket.is_some(),
            (Agreed::Tls13(_), post) => post.as_ref().is_some_and(|post| post.has_tickets()),
        }
    }

    pub(super) fn take_ticket(&mut self) -> Option<Ticket> {
        match (&mut *self.agreed, &mut self.post) {
            (Agreed::Tls12(agreed), _) => agreed.ticket.take().map(|ticket| *ticket),
            (Agreed::Tls13(_), post) => post.as_mut()?.take_ticket(),
        }
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.agreed.alpn()
    }

    pub(super) fn event(&self) -> Event {
        Event::Connected {
            srtp_profile: self.agreed.srtp_profile(),
            version: self.agreed.version(),
            cipher_suite: self.agreed.cipher_suite(),
            peer_fingerprint: self
                .peer_certificate()
                .map(|der| Fingerprint::of(HashAlgorithm::Sha256, der)),
        }
    }

    pub(super) fn export(&self, label: &str, context: Option<(u16, &[u8])>, out: &mut [u8]) {
        self.agreed.export(label.as_bytes(), context, out);
    }

    pub(super) fn key_log(&self) -> String {
        self.agreed.key_log()
    }

    /// Appends a datagram of what the handshake has still to say.
    pub(super) fn write(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        match (&mut self.last_flight, &mut self.post) {
            (Some(last), _) => last.flight.write(records, mtu, buf),
            (None, Some(post)) => post.write(records, mtu, buf),
            (None, None) => Ok(None),
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
        if let Some(post) = &mut self.post {
            post.on_data();
        }
    }
}

impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("suite", &self.agreed.cipher_suite())
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}
