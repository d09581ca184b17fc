//! The part of a handshake that every version shares: messages put together, flights repeated, and the choice of
//! the version, which is made when the first hello is whole and not before.

mod acks;
mod agreed;
mod context;
mod early;
mod failure;
mod flight;
mod inbox;
mod negotiation;
mod offer;
#[cfg(test)]
mod tests;
mod transcript;

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub(crate) use self::acks::Acks;
pub(crate) use self::agreed::Agreed;
pub(crate) use self::context::Context;
use self::context::FlightChange;
pub(crate) use self::early::EarlyRecords;
pub(crate) use self::failure::Failure;
pub(crate) use self::flight::Flight;
pub(crate) use self::inbox::{Inbox, Inserted, Message};
pub(crate) use self::negotiation::{
    accepted_profile, accepted_protocol, choose_profile, choose_protocol,
};
use self::offer::{Answer, Offer, Size};
pub(crate) use self::transcript::Transcript;
use crate::crypto::SecretSource;
use crate::record::{Epochs, RecordLayer};
use crate::timer::Retransmission;
use crate::wire::{Ack, ClientHello, DTLS_1_2, DTLS_1_3, Fragment, HandshakeType, RecordNumber};
use crate::{Cause, Config, Fingerprint, Refusal, Role, Stats, Version, tls12, tls13};

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

/// Where a handshake stands.
enum Stage {
    /// A server that has not seen an acceptable hello. The version is chosen here.
    AwaitClientHello,
    /// A client that has not seen an acceptable answer. The version is learned here.
    AwaitServerHello,
    Server12(tls12::server::State),
    Client12(tls12::client::State),
    Server13(tls13::server::State),
    Client13(tls13::client::State),
}

/// What went wrong without anybody vouching for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suspicion {
    /// Our own judgement of a hello.
    Refused(Failure),
    /// An alert in the clear.
    Alert(crate::AlertDescription),
}

/// What states may come to after a message.
pub(crate) enum Progress<S, A = tls12::Agreed> {
    Continue(S),
    Completed(Box<A>),
}

/// A message was refused, and whether the state survives that.
pub(crate) struct Refused<S> {
    pub(crate) failure: Failure,
    pub(crate) survivor: Option<S>,
}

impl<S> From<Failure> for Refused<S> {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            survivor: None,
        }
    }
}

/// What [`Handshake::advance`] came to.
pub(crate) enum Outcome {
    Waiting,
    Completed(Box<Agreed>),
    Failed(Failure),
}

/// What of the connection a handshake works with.
pub(crate) struct Environment<'a> {
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
        let mut handshake = Self {
            stage: Some(Stage::AwaitClientHello),
            inbox: Inbox::new(0, Self::INBOX_BYTES),
            offer: None,
            answered: None,
            repeated_hello: None,
            transcript: Transcript::default(),
            flight: Flight::default(),
            next_send: 0,
            unproved: false,
            acks: Acks::default(),
            timer: Retransmission::new(now, round_trip, config.handshake_timeout),
            early: EarlyRecords::default(),
            changed_cipher: false,
            suspicion: None,
            refusals: 0,
            contradiction: false,
            random: StdRng::from_seed(*seed),
            secrets: config.provider.secrets(seed),
        };
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

    /// A record of DTLS 1.3 could be opened: the other side has our hello and the keys. What is left of its flight is
    /// its to repeat.
    pub(crate) fn on_opened(&mut self) {
        if std::mem::take(&mut self.unproved) {
            self.flight = Flight::default();
            self.timer.stop();
        }
    }

    /// The timer of the flight ran out: it is sent again. If records came that do not open, one of the hellos was
    /// not what its sender said, and we begin anew; so do we, with a smaller hello, if a large one has not been
    /// answered twice.
    pub(crate) fn on_expired(&mut self, now: Instant, environment: &mut Environment<'_>) {
        let failed = environment.records.epochs().is_some_and(Epochs::has_failed);
        let shrinks = self.timer.timeouts() >= Self::LARGE_HELLOS
            && matches!(self.stage, Some(Stage::AwaitServerHello))
            && self.offer.as_ref().is_some_and(Offer::may_shrink);
        if !(self.unproved && failed || shrinks) {
            self.flight.send();
            environment.stats.flights_sent += 1;
            return;
        }
        environment.records.clear();
        self.inbox = Inbox::new(0, Self::INBOX_BYTES);
        self.early = EarlyRecords::default();
        self.unproved = false;
        self.next_send = 0;
        self.transcript.clear();
        let mut context = self.context(environment);
        let size = if shrinks { Size::Small } else { Size::Any };
        let offer = Offer::start(&mut context, size);
        let change = context.change;
        self.offer = Some(offer);
        self.stage = Some(Stage::AwaitServerHello);
        self.apply(now, change, environment);
    }

    /// The first ClientHello was answered by somebody else, who kept nothing of it.
    pub(crate) fn expect_second_hello(&mut self) {
        self.inbox = Inbox::new(1, Self::INBOX_BYTES);
    }

    /// An acknowledgement arrived, which its record vouches for: what is missing is sent again at once, since this
    /// is what the other side asks for (RFC 9147 §7.2).
    pub(crate) fn on_ack(&mut self, now: Instant, ack: &Ack, stats: &mut Stats) {
        if !self.flight.acknowledge(&ack.numbers) {
            return;
        }
        if self.flight.is_acknowledged() {
            self.flight = Flight::default();
            self.timer.stop();
        } else if !self.flight.is_pending() {
            self.flight.send();
            self.timer.start(now);
            stats.repeats += 1;
            stats.flights_sent += 1;
        }
    }

    /// Takes a fragment; [`advance`](Self::advance) has to follow.
    pub(crate) fn on_fragment(
        &mut self,
        now: Instant,
        number: RecordNumber,
        fragment: &Fragment<'_>,
        stats: &mut Stats,
    ) {
        let epoch = u16::try_from(number.epoch).unwrap_or(u16::MAX);
        let header = fragment.header;
        // HelloRequest is no part of any handshake, and nothing that we would follow (RFC 5246 §7.4.1.1).
        if header.message_type == HandshakeType::HELLO_REQUEST {
            return;
        }
        if epoch == 0
            && let Some(hello_seq) = self.awaits_first_answer()
            && header.message_seq == hello_seq
        {
            let inbox = self
                .repeated_hello
                .get_or_insert_with(|| Inbox::new(hello_seq, Self::REPEATED_HELLO_BYTES));
            if inbox.insert(0, 0, fragment) == Inserted::Refused {
                stats.dropped.fragments += 1;
            }
            return;
        }
        match self.inbox.insert(epoch, self.expected_epoch(), fragment) {
            Inserted::Kept => self.acks.note(number),
            Inserted::Replaced => {
                self.contradiction = true;
                self.acks.note(number);
            }
            Inserted::Old if epoch == Self::EPOCH_13 => self.acks.note(number),
            Inserted::Old => {
                // The end of the server's flight once more: it has not seen our answer (RFC 6347 §4.2.4).
                let last = header.message_seq.checked_add(1) == Some(self.inbox.next_seq());
                if last && header.message_type == HandshakeType::SERVER_HELLO_DONE {
                    self.repeat(now, stats);
                }
            }
            Inserted::Refused => {
                // In the clear what has to come protected: forged, or a violation.
                let next = header.message_seq == self.inbox.next_seq();
                self.contradiction |= next && epoch < self.expected_epoch();
                stats.dropped.fragments += 1;
            }
        }
    }

    /// Handles the messages that are whole by now.
    pub(crate) fn advance(&mut self, now: Instant, environment: &mut Environment<'_>) -> Outcome {
        if self.contradiction && environment.config.refusal == Refusal::Close {
            return Outcome::Failed(Failure::unexpected());
        }
        self.advance_repeated_hello(now, environment);
        let outcome = self.advance_messages(now, environment);
        if matches!(outcome, Outcome::Waiting) && self.is_13() && !self.timer.is_suspended() {
            self.acks.arm(now, self.timer.ack_delay());
        }
        outcome
    }

    fn advance_messages(&mut self, now: Instant, environment: &mut Environment<'_>) -> Outcome {
        while let Some(message) = self.inbox.take(self.expected_epoch()) {
            let Some(stage) = self.stage.take() else {
                return Outcome::Waiting;
            };
            let mut context = self.context(environment);
            let result = match stage {
                Stage::AwaitClientHello => {
                    if let Err(failure) = self.on_first_hello(now, &message, environment) {
                        return Outcome::Failed(failure);
                    }
                    continue;
                }
                Stage::AwaitServerHello => {
                    if let Err(failure) = self.on_server_hello(now, &message, environment) {
                        return Outcome::Failed(failure);
                    }
                    continue;
                }
                Stage::Client12(state) => wrap(
                    state.handle(&mut context, &message),
                    Stage::Client12,
                    Agreed::Tls12,
                ),
                Stage::Server12(state) => wrap(
                    state.handle(&mut context, &message),
                    Stage::Server12,
                    Agreed::Tls12,
                ),
                Stage::Client13(state) => wrap(
                    state.handle(&mut context, &message),
                    Stage::Client13,
                    Agreed::Tls13,
                ),
                Stage::Server13(state) => wrap(
                    state.handle(&mut context, &message),
                    Stage::Server13,
                    Agreed::Tls13,
                ),
            };
            let change = context.change;
            match result {
                Ok(Progress::Continue(stage)) => {
                    self.stage = Some(stage);
                    self.repeated_hello = None;
                    self.apply(now, change, environment);
                }
                Ok(Progress::Completed(agreed)) => {
                    self.apply(now, change, environment);
                    return Outcome::Completed(agreed);
                }
                Err(refused) => {
                    if let Err(failure) = self.survive(refused, environment) {
                        return Outcome::Failed(failure);
                    }
                }
            }
        }
        Outcome::Waiting
    }

    /// Goes on after a message that was refused. Nobody vouched for it, so it may have been forged or damaged, and
    /// the genuine one may follow; but the same thing for the third time is what the other side means.
    fn survive(
        &mut self,
        refused: Refused<Stage>,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        let Refused { failure, survivor } = refused;
        let Some(stage) = survivor else {
            return Err(failure);
        };
        self.refusals += 1;
        self.suspicion = Some(Suspicion::Refused(failure));
        environment.stats.dropped.messages += 1;
        let patient = environment.config.refusal == Refusal::Wait;
        if !patient || self.refusals >= Self::MAX_REFUSALS || environment.records.has_keys() {
            return Err(failure);
        }
        self.stage = Some(match stage {
            // Earlier messages of the flight may be at fault as well; our hello still stands to be answered.
            Stage::Client12(_) => {
                let hello = self.flight.only_message().cloned().ok_or(failure)?;
                // The server answers our hellos one for one up to here.
                self.inbox = Inbox::new(hello.message_seq, Self::INBOX_BYTES);
                let offer = self.offer.take().ok_or(failure)?;
                offer.resume(&mut self.context(environment), &hello);
                self.offer = Some(offer);
                Stage::AwaitServerHello
            }
            stage => {
                self.inbox.rewind();
                stage
            }
        });
        Ok(())
    }

    /// The number of the last message of the other side.
    pub(crate) const fn last_received(&self) -> u16 {
        self.inbox.next_seq().saturating_sub(1)
    }

    /// Whether protected messages wait behind the last one.
    pub(crate) fn holds_protected(&self) -> bool {
        self.inbox.holds_protected()
    }

    /// Sends the flight again because nothing of it may have arrived.
    pub(crate) fn resend(&mut self, now: Instant, stats: &mut Stats) {
        if !self.flight.is_empty() && !self.flight.is_pending() {
            self.flight.send();
            self.timer.start(now);
            stats.flights_sent += 1;
        }
    }

    /// Sends the flight again because the other side repeats its own.
    fn repeat(&mut self, now: Instant, stats: &mut Stats) {
        if !self.flight.is_empty() && self.timer.may_repeat(now) {
            self.flight.send();
            stats.repeats += 1;
            stats.flights_sent += 1;
        }
    }

    /// The number of the ClientHello that a server's flight answers, until the client goes on.
    fn awaits_first_answer(&self) -> Option<u16> {
        let awaits = match &self.stage {
            Some(Stage::Server12(state)) => state.awaits_first_answer(),
            Some(Stage::Server13(state)) => state.awaits_first_answer(),
            _ => false,
        };
        let answered = self.answered.as_ref().filter(|_| awaits)?;
        Some(answered.message_seq)
    }

    /// An answer to our hello came. One that is not acceptable may be anybody's, and a better one may follow.
    fn on_server_hello(
        &mut self,
        now: Instant,
        message: &Message,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        self.stage = Some(Stage::AwaitServerHello);
        let Some(mut offer) = self.offer.take() else {
            return Ok(());
        };
        let mut context = self.context(environment);
        let answer = offer.answer(&mut context, message);
        let change = context.change;
        self.offer = Some(offer);
        match answer {
            Ok(Answer::Again) => {}
            Ok(Answer::Tls12(state)) => self.stage = Some(Stage::Client12(state)),
            Ok(Answer::Tls13(state)) => {
                self.offer = None;
                self.unproved = true;
                self.stage = Some(Stage::Client13(state));
            }
            Err(failure) => {
                return self.refuse_hello(failure, environment);
            }
        }
        self.apply(now, change, environment);
        Ok(())
    }

    /// A ClientHello came: if it is not acceptable, a better one may follow. Nothing says that this one was the
    /// other side's.
    fn on_first_hello(
        &mut self,
        now: Instant,
        message: &Message,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        match self.accept(message, environment) {
            Ok((stage, change)) => {
                self.stage = Some(stage);
                self.apply(now, change, environment);
                Ok(())
            }
            Err(failure) => {
                self.stage = Some(Stage::AwaitClientHello);
                self.refuse_hello(failure, environment)
            }
        }
    }

    /// A further ClientHello before our flight is answered: the same one asks for a repetition; another one means
    /// that the first was not (or no longer) the client's, and we begin anew with it.
    fn advance_repeated_hello(&mut self, now: Instant, environment: &mut Environment<'_>) {
        let Some(message) = self.repeated_hello.as_mut().and_then(|inbox| inbox.take(0)) else {
            return;
        };
        self.repeated_hello = None;
        if self.answered.as_ref() == Some(&message) {
            self.repeat(now, environment.stats);
            return;
        }
        // Behind a HelloRetryRequest the client is bound to what it said.
        if message.message_seq > 0 {
            environment.stats.dropped.hellos += 1;
            return;
        }
        match self.accept(&message, environment) {
            Ok((stage, change)) => {
                self.stage = Some(stage);
                self.inbox = Inbox::new(1, Self::INBOX_BYTES);
                self.early = EarlyRecords::default();
                self.changed_cipher = false;
                self.apply(now, change, environment);
            }
            Err(_) => environment.stats.dropped.hellos += 1,
        }
    }

    /// Answers a ClientHello in the version that is chosen here. What went before changes only if the hello is
    /// acceptable.
    fn accept(
        &mut self,
        message: &Message,
        environment: &mut Environment<'_>,
    ) -> Result<(Stage, FlightChange), Failure> {
        if message.message_type != HandshakeType::CLIENT_HELLO {
            return Err(Failure::unexpected());
        }
        if message.body.len() > Self::MAX_CLIENT_HELLO {
            return Err(crate::wire::DecodeError::Length.into());
        }
        let hello = ClientHello::decode(&message.body)?;
        let version = choose_version(environment.config, &hello)?;
        let mut context = self.context(environment);
        let (stage, change) = match version {
            Version::Dtls12 => {
                let choice = tls12::server::Choice::new(&context, &hello)?;
                context.records.clear();
                // We count as the client does: a cookie was asked for in our first message, if in any.
                *context.next_send = message.message_seq;
                context.transcript.clear();
                context.transcript.push(message);
                let state = choice.accept(&mut context)?;
                (Stage::Server12(state), context.change)
            }
            Version::Dtls13 => {
                let said = (&[][..], message.body.as_slice());
                let choice = tls13::server::Choice::new(&context, &hello, said)?;
                context.records.clear();
                *context.next_send = 0;
                context.transcript.clear_for_13();
                context.transcript.push(message);
                let state = choice.accept(&mut context, message, hello)?;
                (Stage::Server13(state), context.change)
            }
        };
        self.answered = Some(message.clone());
        self.acks.clear();
        Ok((stage, change))
    }

    fn refuse_hello(
        &mut self,
        failure: Failure,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        self.inbox.rewind();
        self.suspicion = Some(Suspicion::Refused(failure));
        environment.stats.dropped.hellos += 1;
        match environment.config.refusal {
            Refusal::Wait => Ok(()),
            Refusal::Close => Err(failure),
        }
    }

    fn apply(&mut self, now: Instant, change: FlightChange, environment: &mut Environment<'_>) {
        match change {
            FlightChange::None => {}
            FlightChange::Started => {
                // An answer says that the flight before it arrived.
                self.acks.clear();
                self.flight.send();
                self.timer.start(now);
                environment.stats.flights_sent += 1;
            }
            FlightChange::Ended => self.timer.stop(),
        }
    }

    fn context<'a>(&'a mut self, environment: &'a mut Environment<'_>) -> Context<'a> {
        Context {
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

/// The version for a ClientHello: the highest that both sides have.
fn choose_version(config: &Config, hello: &ClientHello) -> Result<Version, Failure> {
    let named = hello.extensions.versions.as_deref();
    let dtls13 = named.is_some_and(|named| named.contains(&DTLS_1_3));
    let dtls12 = named.is_none_or(|named| named.contains(&DTLS_1_2));
    let identified = config.certificate.is_some() || !config.psks.is_empty();
    if dtls13 && config.versions.contains(Version::Dtls13) && identified {
        Ok(Version::Dtls13)
    } else if dtls12 && config.versions.contains(Version::Dtls12) {
        Ok(Version::Dtls12)
    } else {
        Err(Failure::version())
    }
}

/// The result of a room as the result of the house.
fn wrap<S, A>(
    result: Result<Progress<S, A>, Refused<S>>,
    stage: impl FnOnce(S) -> Stage,
    agreed: impl FnOnce(A) -> Agreed,
) -> Result<Progress<Stage, Agreed>, Refused<Stage>> {
    match result {
        Ok(Progress::Continue(state)) => Ok(Progress::Continue(stage(state))),
        Ok(Progress::Completed(left)) => Ok(Progress::Completed(Box::new(agreed(*left)))),
        Err(Refused { failure, survivor }) => Err(Refused {
            failure,
            survivor: survivor.map(stage),
        }),
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
