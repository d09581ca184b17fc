//! Names of multicast DNS in place of host addresses (draft-ietf-mmusic-mdns-ice-candidates): a resolver for those of
//! peers and a responder for our own, without I/O. One [`Mdns`] serves all connections of a process.

mod wire;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit};

/// The port of multicast DNS (RFC 6762 §3).
pub const PORT: u16 = 5353;

/// The IPv4 group of multicast DNS.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// The IPv6 group of multicast DNS.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// The most names that are being resolved; more are refused.
const MAX_ASKED: usize = 1_024;

/// The most names of our own.
const MAX_OWN: usize = 1_024;

/// When a name is asked for again, and when it is given up. RFC 6762 §5.2 wants a second between questions.
const ASK_AGAIN: Duration = Duration::from_secs(1);
const GIVE_UP: Duration = Duration::from_secs(2);

/// A name is answered for once in this time (RFC 6762 §6).
const ANSWER_PAUSE: Duration = Duration::from_secs(1);

/// Whether a name of a candidate may be asked for: one label and `.local`.
pub fn is_resolvable(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let lower = name.to_ascii_lowercase();
    lower.strip_suffix(".local").is_some_and(is_label)
}

/// A name that nobody else has: a version 4 UUID made of these random bytes, as the draft has it (§3.1.1).
pub fn unique_name(random: [u8; 16]) -> String {
    let random = u128::from_be_bytes(random);
    let uuid = (random & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{uuid:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range));
    parts.map(Option::unwrap_or_default).join("-") + ".local"
}

/// Resolver and responder. Its owner has a socket on port 5353 in the groups, and sends what
/// [`poll_transmit`](Self::poll_transmit) appends to the group that it names.
#[derive(Debug, Default)]
pub struct Mdns {
    own: Vec<Own>,
    asked: Vec<Asked>,
    answers: VecDeque<(String, IpAddr, IpAddr)>,
    events: VecDeque<Event>,
    stats: Stats,
}

/// What became of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The name has this address.
    Resolved {
        /// The name, in lower case.
        name: String,
        /// Its address.
        address: IpAddr,
    },
    /// Nobody on the link answers for the name.
    Failed {
        /// The name, in lower case.
        name: String,
    },
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that were malformed.
    pub malformed: u64,
    /// Questions sent, repetitions included.
    pub queries_sent: u64,
    /// Answers sent.
    pub answers_sent: u64,
    /// Questions that were not answered because the name had been answered for less than a second ago.
    pub answers_suppressed: u64,
}

/// A name that we answer for.
#[derive(Debug)]
struct Own {
    name: String,
    address: IpAddr,
    answered: Option<Instant>,
}

/// A name that is being resolved.
#[derive(Debug)]
struct Asked {
    name: String,
    first: Instant,
    /// When it is asked for next; `None` when it is given up at its time.
    next: Option<Instant>,
    is_due: bool,
}

impl Mdns {
    /// Without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers for a name with this address from now on; `false` when it is none that may be asked for, or there are
    /// 1,024 names. Names are those of [`unique_name`], so that nobody else has them and no probing is needed.
    pub fn register(&mut self, name: &str, address: IpAddr) -> bool {
        if self.own.len() >= MAX_OWN || !is_resolvable(name) {
            return false;
        }
        self.own.push(Own {
            name: name.to_ascii_lowercase(),
            address,
            answered: None,
        });
        true
    }

    /// Does not answer for a name any more.
    pub fn unregister(&mut self, name: &str) {
        self.own.retain(|own| own.name != name);
    }

    /// Asks for the address of a name; `false` when it is none that may be asked for or too many are asked for. An
    /// event follows within 2 s, one for all who asked meanwhile.
    pub fn resolve(&mut self, now: Instant, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        if !is_resolvable(&name) {
            return false;
        }
        // Two connections of one process meet.
        if let Some(own) = self.own.iter().find(|own| own.name == name) {
            let address = own.address;
            self.events.push_back(Event::Resolved { name, address });
            return true;
        }
        if self.asked.iter().any(|asked| asked.name == name) {
            return true;
        }
        if self.asked.len() >= MAX_ASKED {
            return false;
        }
        self.asked.push(Asked {
            name,
            first: now,
            next: Some(now),
            is_due: true,
        });
        true
    }

    /// What was counted.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// A message arrived. Its source proves nothing: an address that an answer names is only ever sent checks.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Some(message) = wire::Message::decode(datagram.bytes) else {
            self.stats.malformed += 1;
            return;
        };
        if message.is_response {
            for (name, address) in message.addresses {
                self.on_answer(name, address);
            }
            return;
        }
        let asker = datagram.path.remote.ip();
        for question in &message.questions {
            for own in self.own.iter_mut().filter(|own| own.name == question.name) {
                let wanted = match own.address {
                    IpAddr::V4(_) => question.wants_v4,
                    IpAddr::V6(_) => question.wants_v6,
                };
                let rested = |at: Instant| now.saturating_duration_since(at) >= ANSWER_PAUSE;
                if wanted && own.answered.is_none_or(rested) {
                    own.answered = Some(now);
                    let answer = (own.name.clone(), own.address, asker);
                    self.answers.push_back(answer);
                } else if wanted {
                    self.stats.answers_suppressed += 1;
                }
            }
        }
    }

    fn on_answer(&mut self, name: String, address: IpAddr) {
        let Some(at) = self.asked.iter().position(|asked| asked.name == name) else {
            return;
        };
        self.asked.remove(at);
        let address = address.to_canonical();
        self.events.push_back(Event::Resolved { name, address });
    }

    /// Asks again, and gives up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let (over, going_on) = std::mem::take(&mut self.asked)
            .into_iter()
            .partition(|asked| asked.first + GIVE_UP <= now);
        self.asked = going_on;
        let failed = Vec::into_iter(over).map(|asked: Asked| Event::Failed { name: asked.name });
        self.events.extend(failed);
        for asked in &mut self.asked {
            asked.is_due |= asked.next.is_some_and(|at| at <= now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ask = |asked: &Asked| asked.next.filter(|_| !asked.is_due);
        let asked = self.asked.iter();
        asked
            .flat_map(|asked| [ask(asked), Some(asked.first + GIVE_UP)])
            .flatten()
            .min()
    }

    /// Appends one message. It goes to the group of the address family that the path names, on every interface.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((name, address, asker)) = self.answers.pop_front() {
            self.stats.answers_sent += 1;
            wire::encode_answer(buf, &name, address);
            return Some(Transmit::new(to_group(asker.is_ipv4())));
        }
        let asked = self.asked.iter_mut().find(|asked| asked.is_due)?;
        asked.is_due = false;
        let again = asked.first + ASK_AGAIN;
        asked.next = Some(again).filter(|at| now < *at);
        self.stats.queries_sent += 1;
        wire::encode_query(buf, &asked.name);
        Some(Transmit::new(to_group(true)))
    }

    /// What became of a name.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

fn to_group(is_ipv4: bool) -> Path {
    if is_ipv4 {
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT);
        Path::udp(local, SocketAddr::new(GROUP_V4.into(), PORT))
    } else {
        let local = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), PORT);
        Path::udp(local, SocketAddr::new(GROUP_V6.into(), PORT))
    }
}

#[cfg(test)]
mod tests;
