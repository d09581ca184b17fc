//! The part of a handshake that every version shares: messages put together, flights repeated, and the choice of
//! the version, which is made when the first hello is whole and not before.

mod acks;
mod agreed;
mod context;
mod early;
mod failure;
mod flight;
mod hellos;
mod inbox;
mod messages;
mod negotiation;
mod offer;
mod repetition;
mod stage;
#[cfg(test)]
mod tests;
mod transcript;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

pub(crate) use self::acks::Acks;
pub(crate) use self::agreed::Agreed;
use self::context::FlightChange;
pub(crate) use self::context::{Circumstances, Context};
pub(crate) use self::early::EarlyRecords;
pub(crate) use self::failure::Failure;
pub(crate) use self::flight::Flight;
pub(crate) use self::inbox::{Inbox, Inserted, Message};
pub(crate) use self::negotiation::{
    AgreedIds, accepted_profile, accepted_protocol, choose_profile, choose_protocol,
};
use self::offer::{Offer, Size};
use self::stage::Stage;
pub(crate) use self::stage::{Outcome, Progress, Refused, Suspicion};
pub(crate) use self::transcript::Transcript;
use crate::crypto::SecretSource;
use crate::record::RecordLayer;
use crate::timer::Retransmission;
use crate::{Cause, Config, ConnectionId, Fingerprint, Role, Stats, Ticket};

/// A handshake under way. It exists from the start of a connection to its Finished, and is gone afterwards.
pub(crate) struct Handshake {
    /// `None` only while a message is handled, and after a failure.
    stage: Option<Stage>,
    inbox: Inbox,
    /// What a client offered, for as long as that may be answered anew.
    offer: Option<Offer>,
    /// The ClientHello that a server's flight answers.
    answered: Option<Message>,
    /// Puts a further ClientHello together while the client has not answered our flight.
    repeated_hello: Option<Inbox>,
    transcript: Transcript,
    pub(crate) flight: Flight,
    next_send: u16,
    /// What the other side shall put into its records, if anything is to be agreed on about that.
    connection_id: Option<ConnectionId>,
    /// A client accepted a ServerHello of DTLS 1.3, and nothing has shown yet that it is the server's.
    unproved: bool,
    /// What of the other side's flight arrived, under DTLS 1.3.
    pub(crate) acks: Acks,
    pub(crate) timer: Retransmission,
    pub(crate) early: EarlyRecords,
    /// A ChangeCipherSpec came. It is no message and has no number, so it may overtake what it belongs behind; alone
    /// it opens nothing.
    changed_cipher: bool,
    /// Why it may come to nothing: told only when time has run out, since anybody could have sent it.
    pub(crate) suspicion: Option<Suspicion>,
    /// Messages behind the hellos that were refused.
    refusals: u8,
    /// Fragments contradicted each other about the next message, or it came in the clear and must not.
    contradiction: bool,
    random: StdRng,
    secrets: SecretSource,
}

/// What of the connection a handshake works with.
pub(crate) struct Environment<'a> {
    pub(crate) now: Instant,
    pub(crate) ticket: Option<&'a Ticket>,
    pub(crate) config: &'a Config,
    pub(crate) announced: Option<&'a [Fingerprint]>,
    pub(crate) records: &'a mut RecordLayer,
    pub(crate) stats: &'a mut Stats,
}

impl Handshake {
    /// The epoch of the protected part of a handshake of DTLS 1.3.
    const EPOCH_13: u16 = 2;
    /// Bytes of unfinished messages. With [`Self::REPEATED_HELLO_BYTES`] and the early records all that strangers can
    /// make a connection hold before the handshake ends is 64 KiB.
    const INBOX_BYTES: usize = 40 * 1024;
    const REPEATED_HELLO_BYTES: usize = 16 * 1024;
    /// Messages behind the hellos that may be refused before the handshake is given up.
    const MAX_REFUSALS: u8 = 3;
    /// How often a ClientHello of more than one datagram is sent before a smaller one takes its place.
    const LARGE_HELLOS: u32 = 2;
    /// The longest ClientHello.
    const MAX_CLIENT_HELLO: usize = 16 * 1024;

    /// Begins: the client's first flight is under way at once.
    pub(crate) fn start(
        now: Instant,
        round_trip: Option<Duration>,
        role: Role,
        seed: &[u8; 32],
        environment: &mut Environment<'_>,
    ) -> Self {
        let config = environment.config;
        let mut random = StdRng::from_seed(*seed);
        let chance = config.jitter.then(|| random.next_u64());
        let mut handshake = Self {
            stage: Some(Stage::AwaitClientHello),
            inbox: Inbox::new(0, Self::INBOX_BYTES),
            offer: None,
            answered: None,
            repeated_hello: None,
            transcript: Transcript::default(),
            flight: Flight::default(),
            next_send: 0,
            connection_id: None,
            unproved: false,
            acks: Acks::default(),
            timer: Retransmission::new(now, round_trip, config.handshake_timeout, chance),
            early: EarlyRecords::default(),
            changed_cipher: false,
            suspicion: None,
            refusals: 0,
            contradiction: false,
            random,
            secrets: config.provider.secrets(seed),
        };
        if let Some(length) = config.connection_id {
            let mut bytes = [0; ConnectionId::MAX_LENGTH];
            handshake.random.fill_bytes(&mut bytes);
            let bytes = bytes.get(..length).unwrap_or_default();
            handshake.connection_id = ConnectionId::new(bytes);
        }
        if role == Role::Client {
            let mut context = handshake.context(environment);
            let offer = Offer::start(&mut context, Size::Any);
            let change = context.change;
            handshake.offer = Some(offer);
            handshake.stage = Some(Stage::AwaitServerHello);
            handshake.apply(now, change, environment);
        }
        handshake
    }

    /// A seed for what goes on behind the handshake.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        seed
    }

    /// The epoch that the next message has to come in.
    fn expected_epoch(&self) -> u16 {
        let protected = match &self.stage {
            Some(Stage::Server12(state)) => state.expects_protected(),
            Some(Stage::Client12(state)) => state.expects_protected(),
            Some(Stage::Client13(_)) => return Self::EPOCH_13,
            Some(Stage::Server13(state)) if state.expects_protected() => return Self::EPOCH_13,
            Some(Stage::Server13(_) | Stage::AwaitClientHello | Stage::AwaitServerHello) | None => {
                false
            }
        };
        if protected { RecordLayer::PROTECTED } else { 0 }
    }

    /// Whether DTLS 1.3 was agreed on.
    pub(crate) const fn is_13(&self) -> bool {
        matches!(self.stage, Some(Stage::Client13(_) | Stage::Server13(_)))
    }

    /// Whether a client knows from a HelloRetryRequest that the server speaks DTLS 1.3.
    fn is_retried(&self) -> bool {
        matches!(self.stage, Some(Stage::AwaitServerHello))
            && self.offer.as_ref().is_some_and(Offer::is_retried)
    }

    /// The round trip became known, or another one.
    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        let before = self.timer.ack_delay();
        self.timer.set_round_trip(round_trip);
        self.acks.rescale(before, self.timer.ack_delay());
    }

    /// Whether a record whose keys are not there may be one that overtook what makes them.
    pub(crate) const fn may_be_early(&self) -> bool {
        self.is_13() || matches!(self.stage, Some(Stage::AwaitServerHello))
    }

    /// The numbers of the next message in either direction: ours, then the other side's.
    pub(crate) const fn next_messages(&self) -> (u16, u16) {
        (self.next_send, self.inbox.next_seq())
    }

    /// Whether protected records can be opened: we have the keys, and the other side said that it uses them.
    pub(crate) fn can_read(&self, records: &RecordLayer) -> bool {
        self.is_13() || self.changed_cipher && records.has_keys()
    }

    /// A ChangeCipherSpec arrived.
    pub(crate) fn on_change_cipher_spec(&mut self) {
        if !matches!(self.stage, Some(Stage::AwaitClientHello)) {
            self.changed_cipher = true;
        }
    }

    /// The number of the last message of the other side.
    pub(crate) const fn last_received(&self) -> u16 {
        self.inbox.next_seq().saturating_sub(1)
    }

    /// Whether protected messages wait behind the last one.
    pub(crate) fn holds_protected(&self) -> bool {
        self.inbox.holds_protected()
    }

    fn apply(&mut self, now: Instant, change: FlightChange, environment: &mut Environment<'_>) {
        match change {
            FlightChange::None => {}
            FlightChange::Started => {
                // An answer says that the flight before it arrived.
                self.acks.clear();
                if self.is_13() || self.is_retried() {
                    self.flight.track();
                }
                self.flight.send();
                self.timer.start(now);
                environment.stats.flights_sent += 1;
            }
            FlightChange::Ended => self.timer.stop(),
        }
    }

    fn context<'a>(&'a mut self, environment: &'a mut Environment<'_>) -> Context<'a> {
        Context {
            now: environment.now,
            ticket: environment.ticket,
            connection_id: self.connection_id,
            config: environment.config,
            announced: environment.announced,
            records: environment.records,
            transcript: &mut self.transcript,
            flight: &mut self.flight,
            secrets: &mut self.secrets,
            next_send: &mut self.next_send,
            random: &mut self.random,
            change: FlightChange::None,
        }
    }

    /// A fatal alert in the clear: a hint for the end, if it comes to that.
    pub(crate) fn suspect(&mut self, alert: crate::AlertDescription) {
        self.suspicion = Some(Suspicion::Alert(alert));
    }

    /// Why time running out is the end.
    pub(crate) fn cause(&self) -> Cause {
        match self.suspicion {
            None => Cause::TimedOut,
            Some(Suspicion::Refused(failure)) => failure.cause,
            Some(Suspicion::Alert(alert)) => Cause::Alert(alert),
        }
    }
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake")
            .field("next", &self.inbox.next_seq())
            .field("held", &self.inbox.held())
            .field("timer", &self.timer)
            .finish_non_exhaustive()
    }
}
