//! A TCP flow with CUBIC, to share a link with: one end sends without end, the other acknowledges.
//!
//! Slow start, recovery and timeouts are those of RFC 5681, RFC 6675 and RFC 6298, the window is CUBIC's (RFC 9438). Windows and
//! numbers count segments.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use net::Datagram;
use netsim::{Machine, Outgoing};

/// One end of the flow.
#[derive(Debug)]
pub struct Tcp {
    sends: bool,
    /// Payload that arrived in order, in bytes.
    pub received: usize,
    sender: Sender,
    receiver: Receiver,
}

#[derive(Debug)]
struct Sender {
    next: u32,
    unacknowledged: u32,
    /// When each outstanding segment left last, and whether it was sent again.
    sent: Vec<(Instant, bool)>,
    sacked: BTreeSet<u32>,
    /// To be sent again.
    lost: BTreeSet<u32>,
    /// Recovery ends when everything before it is acknowledged.
    recovery: Option<u32>,
    window: f64,
    threshold: f64,
    last_max: f64,
    epoch: Option<Epoch>,
    round_trip: Option<(Duration, Duration)>,
    timeout: Option<Instant>,
    doublings: u32,
}

#[derive(Debug)]
struct Epoch {
    start: Instant,
    k: f64,
    origin: f64,
    reno: f64,
}

#[derive(Debug, Default)]
struct Receiver {
    next: u32,
    early: BTreeSet<u32>,
    unacknowledged: u32,
    due: Option<Instant>,
    must: bool,
}

impl Tcp {
    pub fn new(sends: bool) -> Self {
        Self {
            sends,
            received: 0,
            sender: Sender {
                next: 0,
                unacknowledged: 0,
                sent: Vec::new(),
                sacked: BTreeSet::new(),
                lost: BTreeSet::new(),
                recovery: None,
                window: 10.0,
                threshold: f64::MAX,
                last_max: 0.0,
                epoch: None,
                round_trip: None,
                timeout: None,
                doublings: 0,
            },
            receiver: Receiver::default(),
        }
    }
}

impl Sender {
    fn in_flight(&self) -> usize {
        self.sent.len() - self.sacked.len() - self.lost.len()
    }

    fn on_acknowledgement(&mut self, now: Instant, cumulative: u32, blocks: &[(u32, u32)]) {
        let mut news = 0;
        let mut sample = None;
        let mut heard = |place: usize, sent: &[(Instant, bool)]| {
            let (left, again) = sent[place];
            if !again {
                sample = Some(now - left);
            }
        };
        if cumulative > self.unacknowledged {
            let count = (cumulative - self.unacknowledged) as usize;
            for place in 0..count {
                let number = self.unacknowledged + place as u32;
                if !self.sacked.remove(&number) {
                    news += 1;
                    heard(place, &self.sent);
                }
                self.lost.remove(&number);
            }
            self.sent.drain(..count);
            self.unacknowledged = cumulative;
            self.doublings = 0;
            self.timeout = None;
        }
        for number in blocks.iter().flat_map(|(start, end)| *start..*end) {
            if number >= cumulative && self.sacked.insert(number) {
                news += 1;
                self.lost.remove(&number);
                heard((number - cumulative) as usize, &self.sent);
            }
        }
        if let Some(sample) = sample {
            self.round_trip = Some(match self.round_trip {
                None => (sample, sample / 2),
                Some((smoothed, variance)) => (
                    smoothed * 7 / 8 + sample / 8,
                    variance * 3 / 4 + smoothed.abs_diff(sample) / 4,
                ),
            });
        }
        if self.recovery.is_some_and(|end| self.unacknowledged >= end) {
            self.recovery = None;
        }
        self.find_losses(now);
        if self.recovery.is_none() {
            self.grow(now, news);
        }
        if self.timeout.is_none() {
            self.set_timeout(now);
        }
    }

    /// Three segments above it arrived (RFC 6675 §4), and a repair was given time to arrive (RFC 8985).
    fn find_losses(&mut self, now: Instant) {
        let Some(third) = self.sacked.iter().rev().nth(2) else {
            return;
        };
        let patience = self
            .round_trip
            .map_or(Duration::from_secs(1), |(smoothed, _)| smoothed * 5 / 4);
        let missing = (self.unacknowledged..*third)
            .filter(|number| {
                let (left, again) = self.sent[(number - self.unacknowledged) as usize];
                let overdue = !again || now - left > patience;
                overdue && !self.sacked.contains(number)
            })
            .collect::<Vec<_>>();
        let is_new = missing.iter().any(|number| !self.lost.contains(number));
        self.lost.extend(missing);
        if is_new && self.recovery.is_none() {
            self.recovery = Some(self.next);
            self.reduce();
        }
    }

    /// RFC 9438 §4.6 and §4.7.
    fn reduce(&mut self) {
        self.last_max = if self.window < self.last_max {
            self.window * 0.85
        } else {
            self.window
        };
        self.window = (self.window * 0.7).max(2.0);
        self.threshold = self.window;
        self.epoch = None;
    }

    fn grow(&mut self, now: Instant, news: u32) {
        let news = f64::from(news);
        if self.window < self.threshold {
            self.window += news;
            return;
        }
        let window = self.window;
        let last_max = self.last_max.max(window);
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            start: now,
            k: ((last_max - window) / 0.4).cbrt(),
            origin: last_max,
            reno: window,
        });
        let ahead = self
            .round_trip
            .map_or(0.0, |(smoothed, _)| smoothed.as_secs_f64());
        let time = (now - epoch.start).as_secs_f64();
        let curve = |time: f64| 0.4 * (time - epoch.k).powi(3) + epoch.origin;
        epoch.reno += 9.0 / 17.0 * news / window;
        let target = curve(time + ahead).clamp(window, 1.5 * window);
        let cubic = window + (target - window) / window * news;
        self.window = if curve(time) < epoch.reno {
            cubic.max(epoch.reno)
        } else {
            cubic
        };
    }

    fn set_timeout(&mut self, now: Instant) {
        let wait = self
            .round_trip
            .map_or(Duration::from_secs(1), |(smoothed, variance)| {
                (smoothed + variance * 4).max(Duration::from_millis(200))
            });
        self.timeout = (!self.sent.is_empty()).then(|| now + wait * (1 << self.doublings.min(6)));
    }

    fn on_timeout(&mut self, now: Instant) {
        self.reduce();
        self.window = 1.0;
        self.doublings += 1;
        self.recovery = Some(self.next);
        for (place, sent) in self.sent.iter_mut().enumerate() {
            sent.1 = false;
            let number = self.unacknowledged + place as u32;
            if !self.sacked.contains(&number) {
                self.lost.insert(number);
            }
        }
        self.set_timeout(now);
    }

    /// The number of the segment that leaves next.
    fn transmit(&mut self, now: Instant) -> Option<u32> {
        if self.in_flight() >= self.window as usize {
            return None;
        }
        let number = if let Some(number) = self.lost.pop_first() {
            self.sent[(number - self.unacknowledged) as usize] = (now, true);
            number
        } else {
            self.next += 1;
            self.sent.push((now, false));
            self.next - 1
        };
        if self.timeout.is_none() {
            self.set_timeout(now);
        }
        Some(number)
    }
}

impl Receiver {
    /// Gives how many segments became readable.
    fn on_segment(&mut self, now: Instant, number: u32) -> usize {
        let before = self.next;
        if number != self.next || !self.early.is_empty() {
            self.must = true;
        }
        if number >= self.next {
            self.early.insert(number);
        }
        while self.early.remove(&self.next) {
            self.next += 1;
        }
        self.unacknowledged += 1;
        if self.unacknowledged >= 2 {
            self.must = true;
        }
        self.due.get_or_insert(now + Duration::from_millis(40));
        (self.next - before) as usize
    }

    fn acknowledgement(&mut self) -> Vec<u32> {
        self.must = false;
        self.due = None;
        self.unacknowledged = 0;
        let mut words = vec![self.next];
        for number in &self.early {
            if words.len() > 1 && words.last() == Some(number) {
                words.pop();
                words.push(number + 1);
            } else {
                words.extend([*number, number + 1]);
            }
        }
        words
    }
}

impl Machine for Tcp {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let words = datagram
            .bytes
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()));
        if self.sends {
            let words = words.collect::<Vec<_>>();
            let blocks = words[1..].chunks_exact(2).map(|pair| (pair[0], pair[1]));
            self.sender
                .on_acknowledgement(now, words[0], &blocks.collect::<Vec<_>>());
        } else {
            let number = words.into_iter().next().unwrap();
            self.received += self.receiver.on_segment(now, number) * PAYLOAD;
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.sender.timeout.is_some_and(|due| due <= now) {
            self.sender.on_timeout(now);
        }
        if self.receiver.due.is_some_and(|due| due <= now) {
            self.receiver.due = None;
            self.receiver.must = true;
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.sends {
            self.sender.timeout
        } else {
            self.receiver.due
        }
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        if self.sends {
            let number = self.sender.transmit(now)?;
            let end = buf.len() + HEADER + PAYLOAD;
            buf.extend(number.to_be_bytes());
            buf.resize(end, 0);
        } else {
            if !self.receiver.must {
                return None;
            }
            buf.extend(
                self.receiver
                    .acknowledgement()
                    .into_iter()
                    .flat_map(u32::to_be_bytes),
            );
        }
        Some(Outgoing::DefaultPath)
    }

    fn poll_event(&mut self) -> Option<String> {
        None
    }

    fn outcome(&self) -> String {
        String::new()
    }
}

/// What the network does not count itself: 20 bytes more than UDP has, and timestamps.
const HEADER: usize = 32 - 8;
const PAYLOAD: usize = 1160;
