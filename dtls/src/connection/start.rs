//! How a connection begins, behind a cookie, carried by somebody else or by itself, and what it learns of its path.

use std::time::{Duration, Instant};

use super::inbound::Sink;
use super::paths::Paths;
use super::{Connection, Phase};
use crate::Config;
use crate::handshake::{Environment, Handshake};
use crate::tls13::Retry;

impl Connection {
    /// The path carries datagrams from now on, and its other end is proved (ICE): the client sends its ClientHello,
    /// the server answers without a cookie, and time begins to count. A ClientHello that came before is answered now.
    ///
    /// `round_trip` is what ICE measured; flights are repeated after twice that, within 50 ms to 3 s
    /// (without it 1 s, RFC 6347 §4.2.4.1), doubling. A second call has no effect.
    pub fn start(&mut self, now: Instant, round_trip: Option<Duration>) {
        let Phase::New {
            seed,
            early,
            carried,
        } = &mut self.phase
        else {
            return;
        };
        let seed = std::mem::take(seed);
        let early = std::mem::take(early);
        let carried = *carried;
        let mut environment = Environment {
            now,
            ticket: self.ticket.as_deref(),
            config: &self.config,
            announced: self.announced.as_deref(),
            records: &mut self.records,
            stats: &mut self.stats,
        };
        let mut handshake = Handshake::start(now, round_trip, self.role, &seed, &mut environment);
        if let Some(mtu) = carried {
            handshake.timer.suspend(mtu);
        }
        if self.config.connection_id.is_some() {
            self.paths = Some(Box::new(Paths::new(
                handshake.seed(),
                self.config.path_check,
            )));
        }
        self.phase = Phase::Handshaking(Box::new(handshake));
        for mut datagram in early.into_datagrams() {
            self.receive(now, &mut datagram, &mut Sink::Queue);
        }
    }

    /// The same for a server whose client showed a cookie in its second ClientHello, which comes next, in a record of
    /// this number. Ours go on from there (RFC 6347 §4.2.1).
    pub(crate) fn start_behind_cookie(&mut self, now: Instant, sequence_number: u64) {
        self.start(now, None);
        self.records.begin_at(sequence_number);
        if let Phase::Handshaking(handshake) = &mut self.phase {
            handshake.expect_second_hello();
        }
    }

    /// The same for a client of DTLS 1.3 that showed the cookie of this HelloRetryRequest, and with it the hash of its
    /// first hello (RFC 9147 §5.1).
    pub(crate) fn start_behind_retry(
        &mut self,
        now: Instant,
        sequence_number: u64,
        retried: (Retry, Vec<u8>),
    ) {
        self.start(now, None);
        self.records.begin_at(sequence_number);
        if let Phase::Handshaking(handshake) = &mut self.phase {
            let mut environment = Environment {
                now,
                ticket: None,
                config: &self.config,
                announced: self.announced.as_deref(),
                records: &mut self.records,
                stats: &mut self.stats,
            };
            handshake.expect_retried_hello(retried, &mut environment);
        }
    }

    /// Somebody else carries the handshake and repeats what does not arrive: connectivity checks do, before any path
    /// works (SPED, DTLS in STUN). Call it before [`start`](Self::start). From then on
    /// [`poll_transmit`](Self::poll_transmit) gives each datagram of a flight once, of at most `mtu` bytes, and no
    /// timer runs, nor the time limit: who carries knows when there is no path to be had. The datagrams of a new
    /// flight take the place of those of the one before. What arrives is handed over as any datagram.
    pub fn begin_carriage(&mut self, mtu: usize) {
        let mtu = mtu.clamp(Config::MIN_MTU, usize::from(u16::MAX));
        match &mut self.phase {
            Phase::New { carried, .. } => *carried = Some(mtu),
            Phase::Handshaking(handshake) => handshake.timer.suspend(mtu),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.timer().suspend(mtu);
                }
            }
            Phase::Closed(_) => {}
        }
    }

    /// A path carries our datagrams from now on: timers run, and the time limit begins. What was carried may be
    /// under way; [`resend`](Self::resend) does not wait for that.
    pub fn end_carriage(&mut self, now: Instant, round_trip: Option<Duration>) {
        let timeout = self.config.handshake_timeout;
        match &mut self.phase {
            Phase::New { carried, .. } => *carried = None,
            Phase::Handshaking(handshake) => handshake.timer.resume(now, round_trip, timeout),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.timer().resume(now, round_trip, timeout);
                }
            }
            Phase::Closed(_) => {}
        }
    }

    /// Sends the current flight again at once, if there is one: what left before had no path to go.
    pub fn resend(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Handshaking(handshake) => handshake.resend(now, &mut self.stats),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.resend(now, &mut self.stats);
                }
            }
            Phase::New { .. } | Phase::Closed(_) => {}
        }
    }

    /// The round trip of the path became known, or changed: timers follow it at once (see [`start`](Self::start)).
    pub fn set_round_trip(&mut self, _now: Instant, round_trip: Duration) {
        match &mut self.phase {
            Phase::Handshaking(handshake) => handshake.set_round_trip(round_trip),
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    post.set_round_trip(round_trip);
                }
            }
            Phase::New { .. } | Phase::Closed(_) => {}
        }
    }

    /// The largest datagram that the path carries became known, or changed; it takes the place of
    /// [`Config::mtu`], raised to [`Config::MIN_MTU`] if it is below.
    pub fn set_mtu(&mut self, _now: Instant, bytes: usize) {
        self.mtu = bytes.clamp(Config::MIN_MTU, usize::from(u16::MAX));
    }
}
