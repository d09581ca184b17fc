//! Flights sent again: because of silence, because the other side repeats itself, or because it says what it lacks.

use std::time::Instant;

use super::offer::{Offer, Size};
use super::{EarlyRecords, Environment, Flight, Handshake, Inbox, Stage};
use crate::Stats;
use crate::record::Epochs;
use crate::wire::Ack;

impl Handshake {
    /// The timer of the flight ran out: it is sent again. If records came that do not open, one of the hellos was
    /// not what its sender said, and we begin anew; so do we, with a smaller hello, if a large one has not been
    /// answered twice.
    pub(crate) fn on_expired(&mut self, now: Instant, environment: &mut Environment<'_>) {
        let failed = environment.records.epochs().is_some_and(Epochs::has_failed);
        let shrinks = self.timer.timeouts() >= Self::LARGE_HELLOS
            && matches!(self.stage, Some(Stage::AwaitServerHello))
            && self.offer.as_ref().is_some_and(Offer::may_shrink);
        if !(self.unproved && failed || shrinks) {
            // A server that does not answer twice in a row gives the lie to what nobody vouched for.
            if self.timer.timeouts() > 1 && self.is_retried() {
                self.flight.forget_in_clear();
            }
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

    /// An acknowledgement arrived, which its record vouches for: what is missing is what the other side asks for
    /// (RFC 9147 §7.2).
    pub(crate) fn on_ack(&mut self, now: Instant, ack: &Ack, at_once: bool, stats: &mut Stats) {
        if !self.flight.acknowledge(&ack.numbers) {
            return;
        }
        if self.flight.is_acknowledged() {
            self.flight = Flight::default();
            self.timer.stop();
        } else if at_once && !self.flight.is_pending() {
            self.flight.send();
            self.timer.start(now);
            stats.repeats += 1;
            stats.flights_sent += 1;
        }
    }

    /// An acknowledgement arrived in the clear, of what was said in the clear (RFC 9147 §7.1). Anybody can have said
    /// so: what it names is left out of the next repetition, and no more than that.
    pub(crate) fn on_ack_in_clear(&mut self, ack: &Ack) {
        if !(self.is_13() || self.is_retried()) || !self.flight.acknowledge(&ack.numbers) {
            return;
        }
        // A server waits; a client that nobody answers asks again.
        if self.is_13() && self.flight.is_acknowledged() {
            self.timer.stop();
        }
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
    pub(super) fn repeat(&mut self, now: Instant, stats: &mut Stats) {
        if !self.flight.is_empty() && self.timer.may_repeat(now) {
            self.flight.forget_in_clear();
            self.flight.send();
            stats.repeats += 1;
            stats.flights_sent += 1;
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
}
