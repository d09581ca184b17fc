//! Two ends and the weather between them, in simulated time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::{Fact, Message, Peer, Wish};

/// What happens to packets.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub delay: Duration,
    /// Added at random, which reorders.
    pub jitter: Duration,
    pub loss_percent: f64,
    /// So many of a hundred arrive twice.
    pub twice_percent: f64,
    pub seed: u64,
}

impl Weather {
    /// 10 ms each way and nothing lost.
    pub fn fine() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss_percent: 0.0,
            twice_percent: 0.0,
            seed: 1,
        }
    }

    /// Loses so many of a hundred, and reorders.
    pub fn rough(loss_percent: f64, seed: u64) -> Self {
        Self {
            jitter: Duration::from_millis(5),
            loss_percent,
            seed,
            ..Self::fine()
        }
    }
}

/// An association's two ends.
pub struct Pair<A, B> {
    pub a: A,
    pub b: B,
    pub now: Instant,
    pub facts: [Vec<Fact>; 2],
    pub heard: [Vec<Message>; 2],
    /// Whether messages are read as they come.
    pub reading: bool,
    /// Packets on their way: when they arrive, in which order they were sent, and at which end.
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
    weather: Weather,
    rng: StdRng,
    /// Packets that had no checksum.
    pub unchecked: u64,
}

impl<A: Peer, B: Peer> Pair<A, B> {
    /// The clock of the first end decides the epoch: some implementations look at the real one when they are made.
    pub fn new(a: A, b: B, now: Instant, weather: Weather) -> Self {
        Self {
            a,
            b,
            now,
            facts: [Vec::new(), Vec::new()],
            heard: [Vec::new(), Vec::new()],
            reading: true,
            flying: BTreeMap::new(),
            sent: 0,
            rng: StdRng::seed_from_u64(weather.seed),
            weather,
            unchecked: 0,
        }
    }

    fn end(&mut self, side: usize) -> &mut dyn Peer {
        if side == 0 { &mut self.a } else { &mut self.b }
    }

    /// How many packets both ends have sent.
    pub fn packets(&self) -> u64 {
        self.sent
    }

    /// Takes what both ends have to say.
    pub fn settle(&mut self) {
        let now = self.now;
        for side in 0..2 {
            loop {
                let mut packet = Vec::new();
                if !self.end(side).poll_transmit(now, &mut packet) {
                    break;
                }
                self.launch(1 - side, packet);
            }
            while let Some(fact) = self.end(side).poll_fact() {
                self.facts[side].push(fact);
            }
            while self.reading
                && let Some(message) = self.end(side).recv(now)
            {
                self.heard[side].push(message);
            }
        }
    }

    /// Loses so many of a hundred from now on.
    pub fn lose(&mut self, percent: f64) {
        self.weather.loss_percent = percent;
    }

    fn launch(&mut self, to: usize, packet: Vec<u8>) {
        self.unchecked += u64::from(packet.get(8..12) == Some(&[0; 4]));
        let twice = self.weather.twice_percent;
        if twice > 0.0 && self.rng.random_bool(twice / 100.0) {
            self.throw(to, packet.clone());
        }
        self.throw(to, packet);
    }

    fn throw(&mut self, to: usize, packet: Vec<u8>) {
        self.sent += 1;
        if self.rng.random_bool(self.weather.loss_percent / 100.0) {
            return;
        }
        let jitter = self.weather.jitter.mul_f64(self.rng.random());
        let due = self.now + self.weather.delay + jitter;
        self.flying.insert((due, self.sent), (to, packet));
    }

    /// Goes to the next thing that happens; false when nothing will before `until`.
    fn step(&mut self, until: Instant) -> bool {
        self.settle();
        let arrival = self.flying.keys().next().map(|(due, _)| *due);
        let timers = [self.a.poll_timeout(), self.b.poll_timeout()];
        let next = timers.into_iter().chain([arrival]).flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (to, packet) = entry.remove();
            self.end(to).handle_datagram(now, &packet);
            self.settle();
        }
        for side in 0..2 {
            if self.end(side).poll_timeout().is_some_and(|due| due <= now) {
                self.end(side).handle_timeout(now);
            }
        }
        self.settle();
        true
    }

    /// Runs until `enough`, for at most so long; tells whether it was.
    pub fn until(&mut self, limit: Duration, mut enough: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if enough(self) {
                return true;
            }
            if !self.step(end) {
                return enough(self);
            }
        }
    }

    /// Runs for so long.
    pub fn run(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    /// One side ends in order, after what it has still to say.
    pub fn shut_down(&mut self, side: usize) {
        let now = self.now;
        self.end(side).shutdown(now);
    }

    /// One side sends a message; false when there is no room.
    pub fn send(&mut self, side: usize, message: &Message, wish: Wish) -> bool {
        let now = self.now;
        self.end(side).send(now, message, wish)
    }

    /// One side begins a stream anew.
    pub fn reset(&mut self, side: usize, stream: u16) {
        let now = self.now;
        self.end(side).reset(now, stream);
    }

    /// The first end connects, or the second, or both.
    pub fn connect(&mut self, a: bool, b: bool) {
        let now = self.now;
        if a {
            self.a.connect(now);
        }
        if b {
            self.b.connect(now);
        }
        let connected = self.until(Duration::from_secs(60), |pair| {
            pair.facts
                .iter()
                .all(|facts| facts.contains(&Fact::Connected))
        });
        assert!(connected, "no association: {:?}", self.facts);
    }

    /// Sends all of them from one side, waiting for room, and runs until so many were heard.
    pub fn transfer(&mut self, side: usize, messages: &[Message], wish: Wish, wanted: usize) {
        let before = self.heard[1 - side].len();
        let end = self.now + Duration::from_secs(600);
        let mut waiting = messages.iter().peekable();
        loop {
            let now = self.now;
            while let Some(message) = waiting.peek() {
                if !self.end(side).send(now, message, wish) {
                    break;
                }
                waiting.next();
            }
            if waiting.peek().is_none() && self.heard[1 - side].len() - before >= wanted {
                return;
            }
            assert!(
                self.step(end),
                "stuck after {} of {wanted} from side {side}: {:?}",
                self.heard[1 - side].len() - before,
                self.facts
            );
        }
    }
}
