use std::time::{Duration, Instant};

/// The retransmission timer of a handshake (RFC 6347 §4.2.4.1) and the limit of the whole.
#[derive(Clone, Debug)]
pub(crate) struct Retransmission {
    initial: Duration,
    current: Duration,
    /// When the flight is sent again; `None` while there is nothing to repeat.
    deadline: Option<Instant>,
    /// When the flight left last.
    sent: Option<Instant>,
    /// When the timer was armed last.
    armed: Option<Instant>,
    /// When it was repeated last for certain reasons.
    repeated: Option<Instant>,
    /// How often in a row nobody answered this flight.
    timeouts: u32,
    /// The worst of it so far: a path that was too narrow for one flight is too narrow for the next.
    most_timeouts: u32,
    /// When the handshake is given up.
    limit: Instant,
    /// Somebody else repeats what we say, in datagrams of this size, and knows when to give up: nothing runs.
    carried: Option<usize>,
    /// What chance is drawn from, if times vary.
    chance: Option<u64>,
}

impl Retransmission {
    const DEFAULT: Duration = Duration::from_secs(1);
    const MIN: Duration = Duration::from_millis(50);
    const MAX_FROM_ROUND_TRIP: Duration = Duration::from_secs(3);
    const MAX: Duration = Duration::from_secs(60);

    /// `chance` has times vary.
    pub(crate) fn new(
        now: Instant,
        round_trip: Option<Duration>,
        timeout: Duration,
        chance: Option<u64>,
    ) -> Self {
        let initial = round_trip.map_or(Self::DEFAULT, Self::initial_for);
        Self {
            initial,
            current: initial,
            deadline: None,
            sent: None,
            armed: None,
            repeated: None,
            timeouts: 0,
            most_timeouts: 0,
            limit: now.checked_add(timeout).unwrap_or(now),
            carried: None,
            chance,
        }
    }

    /// Another exchange begins, with a time limit of its own.
    pub(crate) fn renew(&mut self, now: Instant, timeout: Duration) {
        self.limit = now.checked_add(timeout).unwrap_or(now);
    }

    fn initial_for(round_trip: Duration) -> Duration {
        round_trip
            .saturating_mul(2)
            .clamp(Self::MIN, Self::MAX_FROM_ROUND_TRIP)
    }

    /// The round trip became known, or another one. A timer that runs goes on with what follows from it, doubled as
    /// often as before.
    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        self.initial = Self::initial_for(round_trip);
        let doubled = 1_u32.checked_shl(self.timeouts).unwrap_or(u32::MAX);
        self.current = self.initial.saturating_mul(doubled).min(Self::MAX);
        if let (Some(_), Some(armed)) = (self.deadline, self.armed) {
            self.deadline = armed.checked_add(self.varied());
        }
    }

    /// A new flight leaves.
    pub(crate) fn start(&mut self, now: Instant) {
        self.current = self.initial;
        self.timeouts = 0;
        self.arm(now);
    }

    /// Nothing is left to repeat.
    pub(crate) fn stop(&mut self) {
        self.deadline = None;
        self.current = self.initial;
        self.timeouts = 0;
    }

    /// Somebody else repeats what we say, in datagrams of at most `mtu` bytes.
    pub(crate) fn suspend(&mut self, mtu: usize) {
        self.carried = Some(mtu);
    }

    /// Nobody else does any more: the time begins now.
    pub(crate) fn resume(&mut self, now: Instant, round_trip: Option<Duration>, timeout: Duration) {
        if self.carried.take().is_none() {
            return;
        }
        if let Some(round_trip) = round_trip {
            self.set_round_trip(round_trip);
        }
        self.renew(now, timeout);
        if self.deadline.is_some() {
            self.start(now);
        }
    }

    /// How often in a row nobody answered.
    pub(crate) const fn timeouts(&self) -> u32 {
        self.timeouts
    }

    pub(crate) const fn is_suspended(&self) -> bool {
        self.carried.is_some()
    }

    /// Whether the deadline is due; if so the next one is twice as far away.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        if self.carried.is_some() || self.deadline.is_none_or(|deadline| deadline > now) {
            return false;
        }
        self.current = self.current.saturating_mul(2).min(Self::MAX);
        self.timeouts += 1;
        self.most_timeouts = self.most_timeouts.max(self.timeouts);
        self.arm(now);
        true
    }

    /// How long to wait for the rest of a flight before saying what of it arrived (RFC 9147 §7.1).
    pub(crate) fn ack_delay(&self) -> Duration {
        self.current / 4
    }

    /// Whether the flight may be repeated out of turn, since the other side repeats its own. At most once per
    /// initial timeout: a stranger could ask for it.
    pub(crate) fn may_repeat(&mut self, now: Instant) -> bool {
        let recent = |sent: Instant| now.saturating_duration_since(sent) < self.initial;
        if self.carried.is_some() || self.sent.is_some_and(recent) {
            return false;
        }
        self.sent = Some(now);
        true
    }

    /// The same when it is certain that the other side repeated its own: the first repetition need not wait.
    pub(crate) fn may_repeat_authenticated(&mut self, now: Instant) -> bool {
        let recent = |at: Instant| now.saturating_duration_since(at) < self.initial;
        if self.carried.is_some() || self.repeated.is_some_and(recent) {
            return false;
        }
        self.repeated = Some(now);
        true
    }

    pub(crate) fn limit_reached(&self, now: Instant) -> bool {
        self.carried.is_none() && now >= self.limit
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let next = || self.deadline.map_or(self.limit, |it| it.min(self.limit));
        self.carried.is_none().then(next)
    }

    /// The largest datagram worth trying: after repeated silence a path may be too narrow (RFC 6347 §4.1.1.1).
    pub(crate) fn mtu(&self, configured: usize) -> usize {
        let configured = configured.min(self.carried.unwrap_or(configured));
        match self.most_timeouts {
            0 | 1 => configured,
            2 => configured.min(900),
            // What every path of IPv4 carries (576 bytes) is never too wide.
            _ if configured <= 548 => configured,
            _ => 508,
        }
    }

    fn arm(&mut self, now: Instant) {
        self.sent = Some(now);
        self.armed = Some(now);
        self.deadline = now.checked_add(self.varied());
    }

    /// The time to wait, a quarter more or less, and never less than [`Self::MIN`]: what answers is a process that has
    /// to be scheduled, however short the path. Nobody can use to know it, so a few lines do for a generator (SplitMix64).
    fn varied(&mut self) -> Duration {
        let Some(state) = &mut self.chance else {
            return self.current;
        };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = *state;
        drawn = (drawn ^ drawn >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ drawn >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The highest nine bits: 0 to 511.
        let share = u32::try_from(drawn >> 55).unwrap_or(256);
        (self.current * 3 / 4 + self.current / 1024 * share).max(Self::MIN)
    }
}
