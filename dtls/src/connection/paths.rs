//! Where the other side is when it may move: connection ids let its records be found wherever they come from, and a path
//! is believed in when what is sent there comes back (RFC 9853).

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Connection, Phase};
use crate::record::{Exhausted, Ids, RecordLayer};
use crate::wire::{ContentType, DTLS_1_2, PathMessage};
use crate::{ConnectionId, Event, PathCheck, crypto};

/// A way between the two sides, by a number that the caller gave it; a pair of addresses, say. The default one is that on
/// which the connection began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(pub u64);

/// The paths of a connection with connection ids.
pub(super) struct Paths {
    random: StdRng,
    check: PathCheck,
    /// Where what we say goes.
    current: PathId,
    /// Where it went before the application moved: who asks there is told that we are gone.
    left: Option<PathId>,
    /// Where the datagram came from that is looked at.
    arriving: PathId,
    /// There was an authentic record in it, and none that came before is newer.
    newest: bool,
    candidate: Option<Candidate>,
    /// Answers to challenges, with where those came from.
    answers: Vec<(PathId, PathMessage)>,
}

/// A path that the other side seems to be on by now.
struct Candidate {
    path: PathId,
    /// First it is asked on the path before whether the other side is still there (RFC 9853 §5.2).
    asks_former: bool,
    /// Of the challenges that went where the question goes now.
    cookies: Vec<[u8; PathMessage::COOKIE]>,
    /// A challenge has to leave.
    pending: bool,
    due: Instant,
    /// Bytes that came from there, and bytes that went there.
    received: usize,
    sent: usize,
}

impl Candidate {
    fn knows(&self, cookie: &[u8]) -> bool {
        let mut own = self.cookies.iter();
        own.any(|own| crypto::equal(own, cookie))
    }

    /// The next challenge, which leaves now.
    fn challenge(&mut self, now: Instant, period: Duration, random: &mut StdRng) -> PathMessage {
        let mut cookie = [0; PathMessage::COOKIE];
        random.fill_bytes(&mut cookie);
        self.cookies.push(cookie);
        self.pending = false;
        self.due = now.checked_add(period).unwrap_or(now);
        PathMessage::Challenge(cookie)
    }

    /// The path before leads nowhere any more: the new one is challenged.
    fn turn_to_new(&mut self) {
        self.asks_former = false;
        self.cookies.clear();
        self.pending = true;
    }
}

impl Paths {
    /// Challenges that are sent before a path is given up, and the time between them (RFC 9853 §5.5 proposes a second
    /// for all of it).
    const MAX_CHALLENGES: usize = 3;
    const PERIOD: Duration = Duration::from_secs(1);
    /// The time between those on the path before, which is given up after that second: it is probably dead.
    const FORMER_PERIOD: Duration = Duration::from_millis(333);
    /// Challenges that wait for their answer.
    const MAX_ANSWERS: usize = 4;
    /// How much more may go to a path that is not proved than came from it (RFC 9853 §5.4).
    const AMPLIFICATION: usize = 3;

    pub(super) fn new(seed: [u8; 32], check: PathCheck) -> Self {
        Self {
            random: StdRng::from_seed(seed),
            check,
            current: PathId::default(),
            left: None,
            arriving: PathId::default(),
            newest: false,
            candidate: None,
            answers: Vec::new(),
        }
    }

    /// A datagram is going to be looked at; without `path` it came where everything comes.
    pub(super) fn begin(&mut self, path: Option<PathId>) {
        self.arriving = path.unwrap_or(self.current);
        self.newest = false;
    }

    /// An authentic record was in it.
    pub(super) const fn on_opened(&mut self, is_newest: bool) {
        self.newest |= is_newest;
    }

    /// A fresh connection id.
    pub(super) fn draw_id(&mut self, length: usize) -> Option<ConnectionId> {
        let mut bytes = [0; ConnectionId::MAX_LENGTH];
        self.random.fill_bytes(&mut bytes);
        ConnectionId::new(bytes.get(..length)?).filter(|id| !id.is_empty())
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let candidate = self.candidate.as_ref()?;
        (!candidate.pending).then_some(candidate.due)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.candidate.take_if(|candidate| {
            let due = !candidate.pending && candidate.due <= now;
            candidate.pending |= due;
            let in_vain = due && candidate.cookies.len() >= Self::MAX_CHALLENGES;
            if in_vain && candidate.asks_former {
                candidate.turn_to_new();
                return false;
            }
            in_vain
        });
    }

    /// The datagram of so many bytes was looked at. Where the other side is by now if that is news and nothing will prove
    /// it.
    fn settle(&mut self, now: Instant, length: usize, ids: &Ids) -> Option<PathId> {
        if !self.newest {
            return None;
        }
        let path = self.arriving;
        if path == self.current {
            // What came from elsewhere was late, or somebody's copy.
            self.candidate = None;
            return None;
        }
        if !ids.routability {
            return Some(path);
        }
        match &mut self.candidate {
            Some(candidate) if candidate.path == path => {
                candidate.received = candidate.received.saturating_add(length);
            }
            candidate => {
                *candidate = Some(Candidate {
                    path,
                    asks_former: self.check == PathCheck::Enhanced,
                    cookies: Vec::new(),
                    pending: true,
                    due: now,
                    received: length,
                    sent: 0,
                });
            }
        }
        None
    }

    /// Whether a path is proved by what the other side says, and which.
    fn on_message(&mut self, message: &PathMessage) -> Result<Option<PathId>, Full> {
        match message {
            PathMessage::Challenge(_) if self.answers.len() >= Self::MAX_ANSWERS => Err(Full),
            PathMessage::Challenge(cookie) => {
                let is_left = self.arriving != self.current && self.left == Some(self.arriving);
                let answer = if is_left {
                    PathMessage::Drop(*cookie)
                } else {
                    PathMessage::Response(*cookie)
                };
                self.answers.push((self.arriving, answer));
                Ok(None)
            }
            PathMessage::Response(cookie) => Ok(self.on_response(cookie)),
            PathMessage::Drop(cookie) => {
                let is_here = self.arriving == self.current;
                self.candidate.take_if(|candidate| {
                    let known = candidate.knows(cookie);
                    if known && candidate.asks_former && is_here {
                        candidate.turn_to_new();
                        // It came from where it says that nobody is any more.
                        self.newest = false;
                        return false;
                    }
                    known && !candidate.asks_former
                });
                Ok(None)
            }
        }
    }

    /// The path that an answer proves.
    fn on_response(&mut self, cookie: &[u8]) -> Option<PathId> {
        let candidate = self.candidate.as_ref()?;
        let asked = if candidate.asks_former {
            self.current
        } else {
            candidate.path
        };
        if self.arriving != asked || !candidate.knows(cookie) {
            return None;
        }
        let candidate = self.candidate.take()?;
        if candidate.asks_former {
            // It is where it was: what came from elsewhere somebody passed on.
            return None;
        }
        self.current = candidate.path;
        Some(candidate.path)
    }

    /// Appends an answer to a challenge that came on the path where everything goes, or a challenge there.
    pub(super) fn write(
        &mut self,
        now: Instant,
        records: &mut RecordLayer,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        let current = self.current;
        if let Some(place) = self.answers.iter().position(|(path, _)| *path == current) {
            let (_, answer) = self.answers.remove(place);
            return write(&answer, records, buf).map(Some);
        }
        let asks = |own: &&mut Candidate| own.pending && own.asks_former;
        let Some(candidate) = self.candidate.as_mut().filter(asks) else {
            return Ok(None);
        };
        let challenge = candidate.challenge(now, Self::FORMER_PERIOD, &mut self.random);
        write(&challenge, records, buf).map(Some)
    }

    /// The same on another path.
    fn write_elsewhere(
        &mut self,
        now: Instant,
        records: &mut RecordLayer,
        buf: &mut Vec<u8>,
    ) -> Result<Option<PathId>, Exhausted> {
        let current = self.current;
        if let Some(place) = self.answers.iter().position(|(path, _)| *path != current) {
            let (path, answer) = self.answers.remove(place);
            return write(&answer, records, buf).map(|()| Some(path));
        }
        let asks = |own: &&mut Candidate| own.pending && !own.asks_former;
        let Some(candidate) = self.candidate.as_mut().filter(asks) else {
            return Ok(None);
        };
        let length = records.overhead(records.write_epoch()) + PathMessage::LENGTH;
        let allowance = Self::AMPLIFICATION.saturating_mul(candidate.received);
        if candidate.sent.saturating_add(length) > allowance {
            return Ok(None);
        }
        candidate.sent += length;
        let path = candidate.path;
        let challenge = candidate.challenge(now, Self::PERIOD, &mut self.random);
        write(&challenge, records, buf).map(|()| Some(path))
    }
}

/// There is no room for another challenge.
struct Full;

fn write(
    message: &PathMessage,
    records: &mut RecordLayer,
    buf: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    let epoch = records.write_epoch();
    let content_type = ContentType::ReturnRoutabilityCheck;
    let written = records.write(epoch, content_type, DTLS_1_2, buf, |buf| {
        message.encode(buf);
    });
    written.map(drop)
}

/// What has to do with paths.
impl Connection {
    /// Takes a datagram that came on a certain path, as [`handle_datagram`](Self::handle_datagram) does.
    ///
    /// If connection ids were agreed on and it brings news, it may be that the other side has moved there. That is
    /// checked where both sides can do that: a challenge waits in
    /// [`poll_transmit_elsewhere`](Self::poll_transmit_elsewhere), and when the answer is there,
    /// [`Event::PathValidated`] says where to send from now on. Where they cannot, [`Event::NewPath`] leaves it to the
    /// application. What anybody copies, delays or sends again moves nothing.
    pub fn handle_datagram_on(&mut self, now: Instant, path: PathId, bytes: &mut [u8]) {
        let length = bytes.len();
        self.begin_datagram(Some(path));
        self.receive(now, bytes, &mut super::Sink::Queue);
        if !self.is_connected() {
            return;
        }
        let (Some(paths), Some(ids)) = (&mut self.paths, self.records.ids()) else {
            return;
        };
        if let Some(path) = paths.settle(now, length, ids) {
            let event = Event::NewPath { path };
            if !self.events.contains(&event) && self.events.len() < Self::MAX_PATH_EVENTS {
                self.events.push_back(event);
            }
        }
    }

    /// Events about paths that wait.
    const MAX_PATH_EVENTS: usize = 8;

    /// Appends a datagram to `buf` that has to go on another path than the rest, and says on which.
    pub fn poll_transmit_elsewhere(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<PathId> {
        if !self.is_connected() {
            return None;
        }
        let paths = self.paths.as_mut()?;
        let path = paths.write_elsewhere(now, &mut self.records, buf).ok()??;
        self.stats.datagrams_sent += 1;
        Some(path)
    }

    /// The path on which to send what [`poll_transmit`](Self::poll_transmit) and [`seal`](Self::seal) make.
    pub fn path(&self) -> PathId {
        let paths = self.paths.as_ref();
        paths.map_or_else(PathId::default, |paths| paths.current)
    }

    /// The application knows by other means that the other side is on this path, and can be reached there; or it left
    /// the path before itself. Who asks there for us from then on is told that we are gone (RFC 9853 §5.2).
    pub fn move_to(&mut self, path: PathId) {
        if let Some(paths) = &mut self.paths {
            if path != paths.current {
                paths.left = Some(paths.current);
            }
            paths.current = path;
            paths.candidate = None;
        }
    }

    /// The connection ids that lead to this connection, the latest last; none unless they were agreed on.
    pub fn connection_ids(&self) -> &[ConnectionId] {
        self.records.ids().map_or(&[], Ids::own)
    }

    pub(super) fn begin_datagram(&mut self, path: Option<PathId>) {
        if let Some(paths) = &mut self.paths {
            paths.begin(path);
        }
    }

    /// A return routability check, in a record that vouches for it.
    pub(super) fn on_path_message(&mut self, body: &[u8]) {
        let agreed = self.records.ids().is_some_and(|ids| ids.routability);
        let verified = matches!(&self.phase, Phase::Established(left) if left.verified);
        let message = PathMessage::decode(body).ok();
        let (Some(paths), Some(message), true) = (&mut self.paths, message, agreed && verified)
        else {
            self.stats.dropped.malformed += 1;
            return;
        };
        match paths.on_message(&message) {
            Ok(Some(path)) => {
                if self.events.len() < Self::MAX_PATH_EVENTS {
                    self.events.push_back(Event::PathValidated { path });
                }
            }
            Ok(None) => {}
            Err(Full) => self.stats.dropped.overflow += 1,
        }
    }
}

impl std::fmt::Debug for Paths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paths")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
