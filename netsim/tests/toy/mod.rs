//! A small honest protocol, and a twin of it for every law that breaks just that one.
//!
//! HELLO and WELCOME make a connection, DATA and ACK carry one numbered message at a time, BYE and DONE end it;
//! everything is tagged with a shared secret and repeated until it is answered.

#![allow(unreachable_pub, reason = "the public face of a machine, in a test")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use avocet_netsim::{Machine, Outgoing};
use net::Datagram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How often a message is repeated before the other side counts as gone.
const MAX_TRIES: u32 = 6;
/// How many answers wait to be polled, and how many messages to be pulled.
const MAX_QUEUED: usize = 32;

/// What is wrong with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It becomes established only when its event is polled.
    WorksInPollEvent,
    /// A second datagram before it was polled is an error.
    NeedsPollBetweenDatagrams,
    /// After a timeout its deadline stays where it was.
    DeadlineStandsStill,
    /// It has something to say whenever it is asked.
    NeverSilent,
    /// It repeats itself when time has passed, without a deadline.
    SpeaksUnasked,
    /// It has a timer that `poll_timeout` does not tell of.
    HiddenTimer,
    /// "Never" is a very late deadline.
    FarFutureDeadline,
    /// It clears the caller's buffer first.
    ClearsBuffer,
    /// It pads to the length of the buffer, not of its own datagram.
    AlignsToBuffer,
    /// It puts nothing into the buffer now and then.
    EmptyDatagram,
    /// Its nonce does not come from the seed.
    AmbientNonce,
    /// A length in the datagram is believed.
    BelievesLengths,
    /// An unauthenticated BYE ends the connection.
    TrustsStrangers,
    /// It keeps a note of every datagram until it is polled.
    KeepsEverything,
    /// It subtracts instants without a thought.
    SubtractsInstants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Connecting,
    Established,
    Closing,
    Closed(&'static str),
}

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const DATA: u8 = 3;
const ACK: u8 = 4;
const BYE: u8 = 5;
const DONE: u8 = 6;

/// The machine.
#[derive(Debug)]
pub struct Toy {
    flaw: Flaw,
    secret: u64,
    nonce: u32,
    state: State,
    /// What is repeated until it is answered, and how it stands.
    due: bool,
    tries: u32,
    deadline: Option<Instant>,
    outbox: VecDeque<Vec<u8>>,
    sent: u32,
    received: u32,
    inbox: VecDeque<Vec<u8>>,
    answers: VecDeque<(u8, u32)>,
    events: VecDeque<&'static str>,
    notes: Vec<[u64; 16]>,
    last: Option<Instant>,
}

impl Toy {
    /// A machine that waits.
    pub fn new(flaw: Flaw, secret: u64, seed: u64) -> Self {
        let mut nonce = StdRng::seed_from_u64(seed).random();
        if flaw == Flaw::AmbientNonce {
            use std::hash::{BuildHasher, RandomState};
            nonce = RandomState::new().hash_one(0) as u32;
        }
        Self {
            flaw,
            secret,
            nonce,
            state: State::Idle,
            due: false,
            tries: 0,
            deadline: None,
            outbox: VecDeque::new(),
            sent: 0,
            received: 0,
            inbox: VecDeque::new(),
            answers: VecDeque::new(),
            events: VecDeque::new(),
            notes: Vec::new(),
            last: None,
        }
    }

    pub fn connect(&mut self, now: Instant) {
        self.state = State::Connecting;
        self.begin(now);
    }

    pub fn send(&mut self, now: Instant, message: &[u8]) {
        if self.outbox.len() < MAX_QUEUED {
            self.outbox.push_back(message.to_vec());
            if self.deadline.is_none() && self.state == State::Established {
                self.begin(now);
            }
        }
    }

    pub fn close(&mut self, now: Instant) {
        if self.state == State::Established {
            self.state = State::Closing;
            self.begin(now);
        } else {
            self.end("local");
        }
    }

    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// Something new is said, and repeated from now on.
    fn begin(&mut self, now: Instant) {
        self.tries = 1;
        self.due = true;
        self.deadline = Some(now + Duration::from_millis(200));
    }

    /// What was said is answered; the next message, if there is one, follows.
    fn answered(&mut self, now: Instant) {
        self.due = false;
        self.deadline = (self.flaw == Flaw::FarFutureDeadline)
            .then(|| now + Duration::from_secs(100 * 366 * 86_400));
        if self.state == State::Established && !self.outbox.is_empty() {
            self.begin(now);
        }
    }

    fn end(&mut self, why: &'static str) {
        if !matches!(self.state, State::Closed(_)) {
            self.state = State::Closed(why);
            self.events.push_back("Closed");
        }
        self.due = false;
        self.deadline = None;
    }

    fn established(&mut self, now: Instant) {
        self.events.push_back("Connected");
        if self.flaw != Flaw::WorksInPollEvent {
            self.state = State::Established;
        }
        self.answered(now);
    }

    fn answer(&mut self, kind: u8, number: u32) {
        if self.answers.len() < MAX_QUEUED {
            self.answers.push_back((kind, number));
        }
    }

    fn tag(&self, body: &[u8]) -> [u8; 8] {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.secret;
        for byte in body {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        (hash ^ hash >> 29)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            .to_be_bytes()
    }

    fn check<'a>(&self, datagram: &'a [u8]) -> Option<(u8, u32, &'a [u8])> {
        let (body, tag) = datagram.split_last_chunk::<8>()?;
        let (head, payload) = body.split_first_chunk::<5>()?;
        let number = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        (self.tag(body) == *tag).then_some((head[0], number, payload))
    }

    fn write(&self, buf: &mut Vec<u8>, kind: u8, number: u32, payload: &[u8]) -> Option<Outgoing> {
        if self.flaw == Flaw::ClearsBuffer {
            buf.clear();
        }
        let start = buf.len();
        buf.push(kind);
        buf.extend(number.to_be_bytes());
        buf.extend(payload);
        let alignment = if self.flaw == Flaw::AlignsToBuffer {
            0
        } else {
            start
        };
        while kind == HELLO && !(buf.len() - alignment).is_multiple_of(4) {
            buf.push(0);
        }
        let tag = self.tag(&buf[start..]);
        buf.extend(tag);
        if self.flaw == Flaw::EmptyDatagram && kind == ACK {
            buf.truncate(start);
        }
        Some(Outgoing::DefaultPath)
    }

    fn sabotage(&mut self, now: Instant, bytes: &[u8]) {
        match self.flaw {
            Flaw::BelievesLengths => {
                if let [1, length, rest @ ..] = bytes
                    && *length != 0
                    && rest.len() != 7 + 8
                {
                    let _ = rest[..usize::from(*length)].len();
                }
            }
            Flaw::TrustsStrangers if bytes.first() == Some(&BYE) => self.end("stranger"),
            Flaw::NeedsPollBetweenDatagrams if !self.answers.is_empty() => self.end("not polled"),
            Flaw::KeepsEverything => self.notes.push([bytes.len() as u64; 16]),
            Flaw::SubtractsInstants => {
                if let Some(last) = self.last {
                    assert!(last <= now, "time must not go back");
                }
            }
            _ => {}
        }
        self.last = Some(now);
    }
}

impl Machine for Toy {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.sabotage(now, datagram.bytes);
        let Some((kind, number, payload)) = self.check(datagram.bytes) else {
            return;
        };
        match (kind, self.state) {
            (HELLO, State::Idle) => {
                self.answer(WELCOME, number);
                self.established(now);
            }
            (HELLO, State::Established) => self.answer(WELCOME, number),
            (WELCOME, State::Connecting) if number == self.nonce => self.established(now),
            (DATA, State::Established | State::Closing) => {
                if number == self.received && self.inbox.len() < MAX_QUEUED {
                    self.received += 1;
                    self.inbox.push_back(payload.to_vec());
                }
                if number < self.received {
                    self.answer(ACK, number);
                }
            }
            (ACK, State::Established) if number == self.sent && !self.outbox.is_empty() => {
                self.outbox.pop_front();
                self.sent += 1;
                self.answered(now);
            }
            (BYE, _) => {
                self.answer(DONE, number);
                self.end("closed");
            }
            (DONE, State::Closing) => self.end("closed"),
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.flaw == Flaw::SubtractsInstants {
            if let Some(last) = self.last {
                assert!(last <= now, "time must not go back");
            }
            self.last = Some(now);
        }
        let long_ago = |last| now > last + Duration::from_secs(1_800);
        if self.flaw == Flaw::HiddenTimer && self.last.is_some_and(long_ago) {
            self.due = self.is_established();
        }
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.tries >= MAX_TRIES {
            self.end("timeout");
            return;
        }
        self.tries += 1;
        self.due = true;
        if self.flaw != Flaw::DeadlineStandsStill {
            self.deadline = Some(now + Duration::from_millis(200) * 2_u32.pow(self.tries));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.notes = Vec::new();
        if let Some((kind, number)) = self.answers.pop_front() {
            return self.write(buf, kind, number, &[]);
        }
        let unasked = self.flaw == Flaw::SpeaksUnasked
            && self
                .last
                .is_some_and(|last| now > last + Duration::from_secs(1));
        if unasked {
            self.last = Some(now);
        }
        let chatter = self.flaw == Flaw::NeverSilent && self.is_established();
        let due = self.due || chatter || unasked;
        self.due = false;
        if !due {
            return None;
        }
        match self.state {
            State::Connecting => self.write(buf, HELLO, self.nonce, &[0, 0]),
            State::Established => {
                let message = self.outbox.front().map_or(&[][..], Vec::as_slice);
                self.write(buf, DATA, self.sent, message)
            }
            State::Closing => self.write(buf, BYE, 0, &[]),
            State::Idle | State::Closed(_) => None,
        }
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.events.pop_front()?;
        if event == "Connected" {
            self.state = State::Established;
        }
        Some(event.to_owned())
    }

    fn pull(&mut self, _: Instant) -> Option<Vec<u8>> {
        self.inbox.pop_front()
    }

    fn outcome(&self) -> String {
        format!("{:?}, {} received", self.state, self.received)
    }
}
