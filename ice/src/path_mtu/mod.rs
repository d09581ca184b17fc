//! How large the datagrams of a path may be: the search of RFC 8899 for datagrams over UDP, without I/O.

use std::time::{Duration, Instant};

/// What every path is taken to carry (BASE_PLPMTU, RFC 8899 §5.1.2), in bytes of UDP payload.
pub const BASE_DATAGRAM: usize = 1_200;

/// The largest UDP payload in an Ethernet frame, over IPv4 and over IPv6.
pub const ETHERNET_V4: usize = 1_472;
/// See [`ETHERNET_V4`].
pub const ETHERNET_V6: usize = 1_452;

/// How a path's size is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathMtuConfig {
    /// The largest UDP payload that is tried (MAX_PLPMTU). `None` means what fits into an Ethernet frame: 1,472 bytes
    /// over IPv4 and 1,452 over IPv6. Networks with jumbo frames may name 8,972 or so.
    pub ceiling: Option<usize>,
    /// How long a probe is waited for (PROBE_TIMER, RFC 8899 §5.1.1). Default 15 s; at least 1 s.
    pub probe_timer: Duration,
    /// After which time a size that was found is confirmed, and a larger one looked for (PMTU_RAISE_TIMER). Default
    /// 600 s.
    pub raise_timer: Duration,
}

impl Default for PathMtuConfig {
    fn default() -> Self {
        Self {
            ceiling: None,
            probe_timer: Duration::from_secs(15),
            raise_timer: Duration::from_secs(600),
        }
    }
}

/// How often a size is tried (MAX_PROBES, RFC 8899 §5.1.2).
const MAX_PROBES: u8 = 3;

/// How many full-size packets in a row are lost before the path is taken to have shrunk (RFC 8899 §4.3).
const BLACK_HOLE: u8 = 3;

/// The search ends when so little is left to win.
const RESOLUTION: usize = 20;

/// The search for one path (RFC 8899 §5.2). Whoever owns it sends probes of the size that
/// [`poll_probe`](Self::poll_probe) names, as requests that are answered, and tells what became of them.
#[derive(Clone, Debug)]
pub struct PathMtu {
    config: PathMtuConfig,
    ceiling: usize,
    /// What is known to pass.
    current: usize,
    /// The least size that is known, or taken, not to pass.
    too_large: usize,
    probe: Probe,
    lost_in_a_row: u8,
}

/// Where the search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// There is no path.
    Idle,
    /// A probe of this size is to be sent.
    Due { size: usize, sends: u8 },
    /// It was sent; until then its answer may come.
    Sent {
        size: usize,
        sends: u8,
        until: Instant,
    },
    /// Nothing more is to be won now; then the size is confirmed, and a larger one looked for.
    Complete { until: Instant },
}

impl PathMtu {
    /// Without a path.
    pub const fn new(config: PathMtuConfig) -> Self {
        Self {
            config,
            ceiling: BASE_DATAGRAM,
            current: BASE_DATAGRAM,
            too_large: BASE_DATAGRAM + 1,
            probe: Probe::Idle,
            lost_in_a_row: 0,
        }
    }

    /// The largest UDP payload that is known to pass.
    pub const fn datagram_bytes(&self) -> usize {
        self.current
    }

    /// Whether the search has come to an end for now.
    pub const fn is_complete(&self) -> bool {
        matches!(self.probe, Probe::Complete { .. })
    }

    /// Data takes a new path: nothing is known of it. On the way to a relay its datagrams are in envelopes of so many
    /// bytes; 0 without one.
    pub fn on_path(&mut self, is_ipv4: bool, envelope_bytes: usize) {
        let ethernet = if is_ipv4 { ETHERNET_V4 } else { ETHERNET_V6 };
        let ceiling = self.config.ceiling.unwrap_or(ethernet);
        self.ceiling = ceiling.saturating_sub(envelope_bytes).max(BASE_DATAGRAM);
        self.begin();
    }

    /// Data takes no path that has a size of its own.
    pub const fn on_no_path(&mut self) {
        self.current = BASE_DATAGRAM;
        self.probe = Probe::Idle;
        self.lost_in_a_row = 0;
    }

    fn begin(&mut self) {
        self.current = BASE_DATAGRAM;
        self.too_large = self.ceiling + 1;
        self.lost_in_a_row = 0;
        // Most paths carry the largest: it is tried first.
        self.probe = match self.ceiling > BASE_DATAGRAM {
            true => Probe::Due {
                size: round(self.ceiling),
                sends: 0,
            },
            false => Probe::Idle,
        };
    }

    /// The size of the probe to send now, if one is due; the caller sends it.
    pub fn poll_probe(&mut self, now: Instant) -> Option<usize> {
        let Probe::Due { size, sends } = self.probe else {
            return None;
        };
        self.probe = Probe::Sent {
            size,
            sends: sends.saturating_add(1),
            until: now + self.config.probe_timer.max(Duration::from_secs(1)),
        };
        Some(size)
    }

    /// Whether a probe is due.
    pub const fn wants_probe(&self) -> bool {
        matches!(self.probe, Probe::Due { .. })
    }

    /// A probe of this size was answered.
    pub fn on_probe_acknowledged(&mut self, now: Instant, size: usize) {
        let Probe::Sent { size: awaited, .. } = self.probe else {
            return;
        };
        if size != awaited {
            return;
        }
        self.lost_in_a_row = 0;
        self.current = self.current.max(size);
        self.too_large = self.too_large.max(self.current + 1);
        self.search_on(now);
    }

    /// A packet that did not fit was refused by this host (EMSGSIZE), or by a router whose message was verified
    /// (RFC 8899 §4.6): it had this size.
    pub fn on_too_large(&mut self, now: Instant, size: usize) {
        if size <= BASE_DATAGRAM || size > self.ceiling || self.probe == Probe::Idle {
            return;
        }
        self.too_large = self.too_large.min(size);
        if self.current >= self.too_large {
            self.current = BASE_DATAGRAM;
        }
        self.search_on(now);
    }

    /// A packet of data was lost. Several in a row that are larger than every path carries, and no such one that
    /// passes, are a black hole (RFC 8899 §4.3): the path has shrunk.
    pub fn on_packet_lost(&mut self, size: usize) {
        if size <= BASE_DATAGRAM || self.probe == Probe::Idle {
            return;
        }
        self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        if self.lost_in_a_row >= BLACK_HOLE {
            self.begin();
        }
    }

    /// A packet of data has arrived.
    pub const fn on_packet_acknowledged(&mut self, size: usize) {
        if size > BASE_DATAGRAM {
            self.lost_in_a_row = 0;
        }
    }

    /// Counts a probe that nobody answered, and begins anew when it is time.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.probe {
            Probe::Sent { size, sends, until } if until <= now => {
                if sends < MAX_PROBES {
                    self.probe = Probe::Due { size, sends };
                } else if size <= self.current {
                    // What was found does not pass any more.
                    self.begin();
                } else {
                    self.too_large = self.too_large.min(size);
                    self.search_on(now);
                }
            }
            Probe::Complete { until } if until <= now => {
                self.too_large = self.ceiling + 1;
                let size = round(self.ceiling);
                self.probe = Probe::Due { size, sends: 0 };
            }
            _ => {}
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.probe {
            Probe::Sent { until, .. } | Probe::Complete { until } => Some(until),
            Probe::Idle | Probe::Due { .. } => None,
        }
    }

    /// The next size, in the middle of what is left.
    fn search_on(&mut self, now: Instant) {
        let left = self.too_large.saturating_sub(self.current + 1);
        let size = round(self.current + left.div_ceil(2));
        self.probe = if left < RESOLUTION || size <= self.current {
            let until = now + self.config.raise_timer;
            Probe::Complete { until }
        } else {
            Probe::Due { size, sends: 0 }
        };
    }
}

/// A STUN message is a multiple of four long.
const fn round(size: usize) -> usize {
    size & !3
}

/// What the layers above may fill of one datagram (requirement: one value for the path, everything else derived).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathBudget {
    /// The UDP payload that passes.
    pub datagram_bytes: usize,
    /// What a relay takes of it: 0, 4 for a channel, 36 for an indication over IPv4 (RFC 8656 §11.4, §12.4).
    pub relay_bytes: usize,
}

impl PathBudget {
    /// Of a path without a relay.
    pub const fn direct(datagram_bytes: usize) -> Self {
        Self {
            datagram_bytes,
            relay_bytes: 0,
        }
    }

    /// The size of the IP packet, as it is called a path's MTU: 28 bytes of headers more over IPv4, 48 over IPv6.
    pub const fn packet_bytes(&self, is_ipv4: bool) -> usize {
        self.datagram_bytes + if is_ipv4 { 28 } else { 48 }
    }

    /// What DTLS, SRTP and STUN may send at once.
    pub const fn payload_bytes(&self) -> usize {
        self.datagram_bytes.saturating_sub(self.relay_bytes)
    }

    /// What one DTLS record may carry, an SCTP packet for example: `overhead` is what the record adds (37 bytes with
    /// AES-GCM in DTLS 1.2, about 22 and a connection id in DTLS 1.3).
    pub const fn record_bytes(&self, overhead: usize) -> usize {
        self.payload_bytes().saturating_sub(overhead)
    }

    /// What one DATA chunk may carry: 12 bytes of the common header and 16 of the chunk's less (RFC 9260 §3).
    pub const fn data_bytes(&self, overhead: usize) -> usize {
        self.record_bytes(overhead).saturating_sub(28)
    }

    /// What one RTP packet may carry: `header` counts its header with all extensions, `overhead` what SRTP adds.
    pub const fn media_bytes(&self, header: usize, overhead: usize) -> usize {
        self.payload_bytes()
            .saturating_sub(header)
            .saturating_sub(overhead)
    }
}

#[cfg(test)]
mod tests;
