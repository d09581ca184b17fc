//! The hellos: nobody vouches for them, the version is chosen or learned by them, and a better one may follow.

use std::time::Instant;

use super::context::FlightChange;
use super::offer::Answer;
use super::{EarlyRecords, Environment, Failure, Handshake, Inbox, Message, Stage, Suspicion};
use crate::wire::{ClientHello, DTLS_1_2, DTLS_1_3, HandshakeType};
use crate::{Config, Refusal, Version, tls12, tls13};

impl Handshake {
    /// An answer to our hello came. One that is not acceptable may be anybody's, and a better one may follow.
    pub(super) fn on_server_hello(
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
    pub(super) fn on_first_hello(
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
    pub(super) fn advance_repeated_hello(
        &mut self,
        now: Instant,
        environment: &mut Environment<'_>,
    ) {
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
    pub(super) fn accept(
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
                let choice = tls13::server::Choice::new(context.circumstances(), &hello, said)?;
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

    pub(super) fn refuse_hello(
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

    /// The number of the ClientHello that a server's flight answers, until the client goes on.
    pub(super) fn awaits_first_answer(&self) -> Option<u16> {
        let awaits = match &self.stage {
            Some(Stage::Server12(state)) => state.awaits_first_answer(),
            Some(Stage::Server13(state)) => state.awaits_first_answer(),
            _ => false,
        };
        let answered = self.answered.as_ref().filter(|_| awaits)?;
        Some(answered.message_seq)
    }

    /// The first ClientHello was answered with this HelloRetryRequest, and nothing was kept but a hash of it.
    pub(crate) fn expect_retried_hello(
        &mut self,
        (retry, digest): (tls13::Retry, Vec<u8>),
        environment: &mut Environment<'_>,
    ) {
        self.inbox = Inbox::new(1, Self::INBOX_BYTES);
        self.next_send = 1;
        let mut context = self.context(environment);
        let state = tls13::server::State::behind_cookie(&mut context, retry, digest);
        self.stage = Some(Stage::Server13(state));
    }

    /// The first ClientHello was answered by somebody else, who kept nothing of it.
    pub(crate) fn expect_second_hello(&mut self) {
        self.inbox = Inbox::new(1, Self::INBOX_BYTES);
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
    } else if dtls12 && config.speaks(Version::Dtls12) {
        Ok(Version::Dtls12)
    } else {
        Err(Failure::version())
    }
}
