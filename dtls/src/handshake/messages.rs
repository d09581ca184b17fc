//! Messages: put together from their fragments, handled in their order, and refused.

use std::time::Instant;

use super::stage::wrap;
use super::{
    Agreed, Environment, Failure, Handshake, Inbox, Inserted, Outcome, Progress, Refused, Stage,
    Suspicion,
};
use crate::wire::{Fragment, HandshakeType, RecordNumber};
use crate::{Refusal, Stats};

impl Handshake {
    /// Takes a fragment; [`advance`](Self::advance) has to follow. Whether it was put to use, now or before.
    pub(crate) fn on_fragment(
        &mut self,
        now: Instant,
        number: RecordNumber,
        fragment: &Fragment<'_>,
        stats: &mut Stats,
    ) -> bool {
        let epoch = u16::try_from(number.epoch).unwrap_or(u16::MAX);
        let header = fragment.header;
        // HelloRequest is no part of any handshake, and nothing that we would follow (RFC 5246 §7.4.1.1).
        if header.message_type == HandshakeType::HELLO_REQUEST {
            return false;
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
            return false;
        }
        let expected = self.expected_epoch();
        match self.inbox.insert(epoch, expected, fragment) {
            Inserted::Kept if epoch != expected => false,
            Inserted::Kept => {
                self.on_answer_begun();
                true
            }
            Inserted::Replaced => {
                self.contradiction = true;
                epoch == expected
            }
            Inserted::Old => {
                // The end of the server's flight once more: it has not seen our answer (RFC 6347 §4.2.4).
                let last = header.message_seq.checked_add(1) == Some(self.inbox.next_seq());
                if last && header.message_type == HandshakeType::SERVER_HELLO_DONE {
                    self.repeat(now, stats);
                }
                epoch == Self::EPOCH_13 || epoch == 0 && self.is_retried()
            }
            Inserted::Refused => {
                // In the clear what has to come protected: forged, or a violation.
                let next = header.message_seq == self.inbox.next_seq();
                self.contradiction |= next && epoch < self.expected_epoch();
                stats.dropped.fragments += 1;
                false
            }
        }
    }

    /// A piece of the client's answer to our flight came, so the flight arrived (RFC 9147 §5.8.1). What is missing of
    /// the answer is the client's to repeat; if the piece was somebody else's, the client repeats its hello.
    fn on_answer_begun(&mut self) {
        if matches!(self.stage, Some(Stage::Server13(_))) {
            self.timer.stop();
        }
    }

    /// Handles the messages that are whole by now.
    pub(crate) fn advance(&mut self, now: Instant, environment: &mut Environment<'_>) -> Outcome {
        if self.contradiction && environment.config.refusal == Refusal::Close {
            return Outcome::Failed(Failure::unexpected());
        }
        self.advance_repeated_hello(now, environment);
        let outcome = self.advance_messages(now, environment);
        let speaks_13 = self.is_13() || self.is_retried();
        // As long as nothing shows that a ServerHello was the server's, our hello is what we repeat.
        let proved = speaks_13 && !self.unproved;
        if matches!(outcome, Outcome::Waiting) && proved && !self.timer.is_suspended() {
            self.acks.arm(now, self.timer.ack_delay());
        }
        outcome
    }

    pub(super) fn advance_messages(
        &mut self,
        now: Instant,
        environment: &mut Environment<'_>,
    ) -> Outcome {
        while let Some(message) = self.inbox.take(self.expected_epoch()) {
            let Some(stage) = self.stage.take() else {
                return Outcome::Waiting;
            };
            // What follows it comes too early, whatever it is; said here, the alert is in an epoch that the server reads.
            if matches!(stage, Stage::Client13(_))
                && message.message_type == HandshakeType::FINISHED
                && self.inbox.holds_protected()
            {
                return Outcome::Failed(Failure::unexpected());
            }
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
    pub(super) fn survive(
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
}
