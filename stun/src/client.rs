use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit, Transport};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::{
    AttributeType, Class, ErrorCode, FrameReader, Message, MessageBuilder, Method, Timing,
    TransactionId, Transactions, measure_message,
};

/// The most requests outstanding: servers times local addresses. More are refused.
const MAX_TRANSACTIONS: usize = 16;

/// The most events that wait: what is newer is dropped.
const MAX_EVENTS: usize = 64;

/// What a client understands in a response to a Binding request (RFC 8489 §6.3.3).
const KNOWN: &[AttributeType] = &[
    AttributeType::MAPPED_ADDRESS,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
];

/// How often one question may be sent on to another server (RFC 8489 §10).
const MAX_REDIRECTS: usize = 3;

/// What was asked, and whom so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    /// The path that the owner asked about.
    path: Path,
    /// The servers that sent the question on.
    passed: Vec<SocketAddr>,
}

/// Asks STUN servers where they see this host (RFC 8489 §12): the source of server-reflexive candidates.
///
/// Such requests carry no credentials, so an answer proves no more than that it came from where the request went,
/// by somebody who saw it.
#[derive(Debug)]
pub struct Client {
    rng: StdRng,
    transactions: Transactions<Question>,
    /// Of the one stream that a client may use.
    reader: FrameReader,
    events: VecDeque<Event>,
}

/// What a server said, or that it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server at the far end of the path sees its near end so.
    Mapped {
        /// The path that was asked about.
        path: Path,
        /// The address that the server sees.
        address: SocketAddr,
        /// How long the answer took, when the request was sent once.
        round_trip: Option<Duration>,
    },
    /// There will be no answer.
    Failed {
        /// The path that was asked about.
        path: Path,
        /// The code that the server gave; none when it was silent or could not be understood.
        code: Option<ErrorCode>,
    },
}

impl Client {
    /// A client that asks nothing yet. The seed comes from a cryptographic source and is never used twice: the
    /// transaction ids are what a forger would have to guess.
    pub fn new(seed: [u8; 32], timing: Timing) -> Self {
        Self {
            rng: StdRng::from_seed(seed),
            transactions: Transactions::new(timing, MAX_TRANSACTIONS),
            reader: FrameReader::new(measure_message),
            events: VecDeque::new(),
        }
    }

    /// Asks the server at the far end of a path; false when it is being asked already or too much is outstanding:
    /// 16 requests, one of them over a stream.
    ///
    /// A server that answers 300 sends the question on to its ALTERNATE-SERVER (RFC 8489 §10): over UDP, to an address
    /// of the same family that was not asked yet, three times at most. The event names the path that was asked about.
    pub fn ask(&mut self, path: Path) -> bool {
        if self.transactions.purposes().any(|asked| asked.path == path) {
            return false;
        }
        if path.transport != Transport::Udp {
            let is_stream = |asked: &Question| asked.path.transport != Transport::Udp;
            if self.transactions.purposes().any(is_stream) {
                return false;
            }
            self.reader = FrameReader::new(measure_message);
        }
        let passed = Vec::new();
        self.send(path, Question { path, passed })
    }

    fn send(&mut self, to: Path, question: Question) -> bool {
        let id = TransactionId::new(self.rng.random());
        let mut bytes = Vec::new();
        let request = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id);
        request.fingerprint().finish().is_ok()
            && self.transactions.start(id, to, bytes, question).is_ok()
    }

    /// Follows a 300; `false` when it leads nowhere.
    fn redirect(&mut self, from: Path, mut question: Question, message: &Message<'_>) -> bool {
        let Ok(Some(server)) = message.alternate_server() else {
            return false;
        };
        let ip = server.ip();
        let may_follow = from.transport == Transport::Udp
            && question.passed.len() < MAX_REDIRECTS
            && ip.is_ipv4() == from.remote.is_ipv4()
            && ip.is_loopback() == from.remote.ip().is_loopback()
            && !ip.is_unspecified()
            && !ip.is_multicast()
            && server.port() != 0
            && server != from.remote
            && !question.passed.contains(&server);
        question.passed.push(from.remote);
        may_follow && self.send(Path::udp(from.local, server), question)
    }

    /// Whether nothing is outstanding.
    pub fn is_idle(&self) -> bool {
        self.transactions.is_empty()
    }

    /// A datagram, or a piece of a stream; what is no answer to a request of this client is ignored.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let path = datagram.path;
        if path.transport == Transport::Udp {
            self.handle_message(now, path, datagram.bytes);
            return;
        }
        if self.transactions.purposes().all(|asked| asked.path != path) {
            return;
        }
        let mut reader = std::mem::replace(&mut self.reader, FrameReader::new(measure_message));
        let read = reader.read(datagram.bytes, |frame| {
            self.handle_message(now, path, frame);
        });
        self.reader = reader;
        if read.is_err() {
            self.reader = FrameReader::new(measure_message);
            self.transactions.retain(|asked| asked.path != path);
            self.push(Event::Failed { path, code: None });
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(question) = self.transactions.expire(now) {
            let path = question.path;
            self.push(Event::Failed { path, code: None });
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.transactions.poll_timeout()
    }

    /// Appends the next request that is due.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        self.transactions.poll_transmit(now, buf)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn handle_message(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let Ok(message) = Message::decode(bytes) else {
            return;
        };
        let is_whole = !message.has_fingerprint() || message.verify_fingerprint();
        let is_response = matches!(message.class(), Class::Success | Class::Error);
        if !is_whole || !is_response || message.method() != Method::BINDING {
            return;
        }
        if self.transactions.find(&path, &message).is_none() {
            return;
        }
        let Some(answered) = self.transactions.finish(now, message.transaction_id()) else {
            return;
        };
        let is_known = message.unknown_required(KNOWN).next().is_none();
        let xored = message.xor_mapped_address().ok().flatten();
        // Servers older than RFC 5389 know MAPPED-ADDRESS alone.
        let address = xored.or_else(|| message.mapped_address().ok().flatten());
        let code = message.error_code().ok().flatten();
        let (asked, question) = (path, answered.purpose);
        let path = question.path;
        if code == Some(ErrorCode::TRY_ALTERNATE) && self.redirect(asked, question, &message) {
            return;
        }
        self.push(match (message.class(), address) {
            (Class::Success, Some(address)) if is_known => Event::Mapped {
                path,
                address,
                round_trip: answered.round_trip,
            },
            _ => Event::Failed { path, code },
        });
    }

    fn push(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }
}
