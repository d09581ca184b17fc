use std::time::{Duration, Instant};

use crate::config::Config;

/// How much the peer may send beyond what is read (RFC 9260 §6.2, "a_rwnd").
#[derive(Debug)]
pub(super) struct Window {
    bytes: usize,
    /// What it may grow to.
    most: usize,
    /// Since when what is read is counted, and how many bytes that is.
    reading: Option<(Instant, usize)>,
    /// The window in our last word.
    advertised: usize,
}

impl Window {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            bytes: initial_window(config),
            most: config.receive_window_bytes,
            reading: None,
            advertised: initial_window(config),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is taken at most where something is missing: the peer does not know what its chunks are charged beside their bytes, and refusing what it was
    /// allowed to send would look like losses.
    pub(super) fn limit(&self) -> usize {
        self.bytes.saturating_add(self.bytes / 4)
    }

    /// What is open when so much is charged.
    pub(super) fn open(&self, charged: usize) -> usize {
        self.bytes.saturating_sub(charged)
    }

    /// Says what is open, and remembers it.
    pub(super) fn advertise(&mut self, charged: usize) -> u32 {
        self.advertised = self.open(charged);
        u32::try_from(self.advertised).unwrap_or(u32::MAX)
    }

    /// Whether a peer that may be waiting should be told that something was read, which it is not in small steps (RFC 9260 §6.2, RFC 1122
    /// §4.2.3.3): one that can send nothing hears of one packet's worth.
    pub(super) fn wants_update(&self, charged: usize, mtu: usize) -> bool {
        let opened = self.open(charged).saturating_sub(self.advertised);
        let step = match self.advertised {
            little if little < mtu => mtu,
            some if some < self.bytes / 4 => UPDATE_PACKETS * mtu,
            _ => self.bytes / 2,
        };
        opened >= step.min(self.bytes / 2)
    }

    /// Widens the window when a quarter of it is read in one round trip: then it may be what holds the peer back.
    /// Where packets get lost, what waits for a repair takes two round trips of it and more.
    ///
    /// Only what the application reads counts, so a peer cannot make the window grow by sending, and one that is not read stays small.
    pub(super) fn on_read(&mut self, now: Instant, read: usize, round_trip: Option<Duration>) {
        if self.bytes >= self.most {
            return;
        }
        let span = round_trip.unwrap_or_default().max(LEAST_SPAN);
        let (since, bytes) = self.reading.get_or_insert((now, 0));
        if now.saturating_duration_since(*since) > span {
            (*since, *bytes) = (now, 0);
        }
        *bytes += read;
        if *bytes >= self.bytes / 4 {
            self.widen();
            self.reading = None;
        }
    }

    /// Doubles the window, as far as it may. False when it is as wide as it may be.
    pub(super) fn widen(&mut self) -> bool {
        let before = self.bytes;
        self.bytes = self.bytes.saturating_mul(2).min(self.most);
        self.bytes > before
    }
}

/// The window at first: small, unless messages are large, and never more than it may become.
pub(crate) fn initial_window(config: &Config) -> usize {
    INITIAL_WINDOW
        .max(config.max_message_size.saturating_mul(2))
        .min(config.receive_window_bytes)
}

const INITIAL_WINDOW: usize = 256 << 10;
/// Round trips shorter than this are not told apart.
const LEAST_SPAN: Duration = Duration::from_millis(10);
/// How many packets more must fit before a nearly closed window is worth an update.
const UPDATE_PACKETS: usize = 4;
