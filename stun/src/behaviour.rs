//! What kind of NAT stands between this host and the world (RFC 5780 §4): a sans-IO client of a server with two
//! addresses and two ports.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use net::{Datagram, Path, Transmit};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::{
    AttributeType, ChangeRequest, Class, ErrorCode, Message, MessageBuilder, Method, Timing,
    TransactionId, Transactions,
};

/// What is understood in a response (RFC 8489 §6.3.3).
const KNOWN: &[AttributeType] = &[
    AttributeType::MAPPED_ADDRESS,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
];

/// What a NAT's mapping or filtering depends on (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dependence {
    /// On nothing that is outside.
    EndpointIndependent,
    /// On the address outside.
    AddressDependent,
    /// On the address and the port outside.
    AddressAndPortDependent,
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatBehaviour {
    /// How the server sees this host.
    pub mapped: SocketAddr,
    /// Whether there is a NAT at all.
    pub is_natted: bool,
    /// What a mapping depends on; endpoint-independent also without a NAT. `None` when the server has no other
    /// address.
    pub mapping: Option<Dependence>,
    /// Who may answer; `None` when the server cannot answer from elsewhere.
    pub filtering: Option<Dependence>,
    /// Whether a packet to the mapped address comes back in (RFC 4787 §6).
    pub hairpinning: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BehaviourEvent {
    /// The tests are done.
    Discovered(NatBehaviour),
    /// The server did not answer the first of them, or refused.
    Failed(Option<ErrorCode>),
}

/// One run of the tests, from one local address that must not have talked to the server before. What it finds is true
/// of this run only (RFC 5780 §1): NATs change their minds.
///
/// The tests go one after the other, those of filtering first: they need a server address that this host has not
/// sent anything to yet. A test that is not answered ends by its timeout, so `timing` sets how long a run can take:
/// four times its total at most.
#[derive(Debug)]
pub struct BehaviourDiscovery {
    rng: StdRng,
    transactions: Transactions<Test>,
    local: SocketAddr,
    server: SocketAddr,
    other: Option<SocketAddr>,
    /// The request that is out, and from where its answer has to come.
    asked: Option<(TransactionId, SocketAddr)>,
    /// What the first test and the second of the mapping showed.
    seen: [Option<SocketAddr>; 2],
    found: Option<NatBehaviour>,
    event: Option<BehaviourEvent>,
}

/// The tests in their order (RFC 5780 §4.3, §4.4, §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Binding,
    AnswerFromElsewhere,
    AnswerFromOtherPort,
    MapOtherAddress,
    MapOtherPort,
    Hairpin,
}

impl BehaviourDiscovery {
    /// Begins with the first test. The seed comes from a cryptographic source and is never used twice.
    pub fn new(seed: [u8; 32], timing: Timing, local: SocketAddr, server: SocketAddr) -> Self {
        let mut discovery = Self {
            rng: StdRng::from_seed(seed),
            transactions: Transactions::new(timing, 1),
            local,
            server,
            other: None,
            asked: None,
            seen: [None; 2],
            found: None,
            event: None,
        };
        discovery.start(Test::Binding);
        discovery
    }

    /// A datagram arrived: an answer of the server from either address, or our own packet that came back in.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let (path, Ok(message)) = (datagram.path, Message::decode(datagram.bytes)) else {
            return;
        };
        let id = message.transaction_id();
        let is_asked = self.asked.is_some_and(|(asked, _)| asked == id);
        if !is_asked || path.local != self.local || message.method() != Method::BINDING {
            return;
        }
        let test = self.transactions.purposes().next().copied();
        if test == Some(Test::Hairpin) {
            if message.class() == Class::Request
                && let Some(_) = self.transactions.finish(now, id)
            {
                self.end(Test::Hairpin, true);
            }
            return;
        }
        let is_whole = !message.has_fingerprint() || message.verify_fingerprint();
        let is_from = self.asked.is_some_and(|(_, source)| source == path.remote);
        if !is_whole || !is_from || !matches!(message.class(), Class::Success | Class::Error) {
            return;
        }
        if let Some(answered) = self.transactions.finish(now, id) {
            self.on_answer(answered.purpose, &message);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(test) = self.transactions.expire(now) {
            self.end(test, false);
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

    /// How it ended, once.
    pub fn poll_event(&mut self) -> Option<BehaviourEvent> {
        self.event.take()
    }

    fn on_answer(&mut self, test: Test, message: &Message<'_>) {
        let is_known = message.unknown_required(KNOWN).next().is_none();
        let mapped = message.xor_mapped_address().ok().flatten();
        let (true, true, Some(mapped)) = (message.class() == Class::Success, is_known, mapped)
        else {
            match test {
                Test::Binding => {
                    let code = message.error_code().ok().flatten();
                    self.event = Some(BehaviourEvent::Failed(code));
                }
                // A refusal is no statement about the NAT: there is nothing to be learned here.
                Test::AnswerFromElsewhere | Test::AnswerFromOtherPort => self.after_filtering(None),
                Test::MapOtherAddress | Test::MapOtherPort | Test::Hairpin => self.end(test, false),
            }
            return;
        };
        match test {
            Test::Binding => {
                self.seen[0] = Some(mapped);
                // An other address that differs in one part only cannot tell the parts from each other.
                let other = message.other_address().ok().flatten();
                self.other = other.filter(|other| {
                    other.ip() != self.server.ip()
                        && other.port() != self.server.port()
                        && other.is_ipv4() == self.server.is_ipv4()
                        && is_reachable(other.ip())
                });
                self.found = Some(NatBehaviour {
                    mapped,
                    is_natted: mapped != self.local,
                    mapping: None,
                    filtering: None,
                    hairpinning: false,
                });
                match self.other {
                    Some(_) => self.start(Test::AnswerFromElsewhere),
                    None => self.start(Test::Hairpin),
                }
            }
            Test::MapOtherAddress => {
                self.seen[1] = Some(mapped);
                self.end(test, true);
            }
            Test::MapOtherPort => {
                let same = self.seen[1] == Some(mapped);
                self.set_mapping(match same {
                    true => Dependence::AddressDependent,
                    false => Dependence::AddressAndPortDependent,
                });
                self.start(Test::Hairpin);
            }
            Test::AnswerFromElsewhere | Test::AnswerFromOtherPort | Test::Hairpin => {
                self.end(test, true);
            }
        }
    }

    /// A test is over: answered, or not.
    fn end(&mut self, test: Test, answered: bool) {
        match (test, answered) {
            (Test::Binding, _) => self.event = Some(BehaviourEvent::Failed(None)),
            (Test::AnswerFromElsewhere, true) => {
                self.after_filtering(Some(Dependence::EndpointIndependent));
            }
            (Test::AnswerFromElsewhere, false) => self.start(Test::AnswerFromOtherPort),
            (Test::AnswerFromOtherPort, true) => {
                self.after_filtering(Some(Dependence::AddressDependent));
            }
            (Test::AnswerFromOtherPort, false) => {
                self.after_filtering(Some(Dependence::AddressAndPortDependent));
            }
            (Test::MapOtherAddress, true) if self.seen[0] == self.seen[1] => {
                self.set_mapping(Dependence::EndpointIndependent);
                self.start(Test::Hairpin);
            }
            (Test::MapOtherAddress, true) => self.start(Test::MapOtherPort),
            (Test::MapOtherAddress | Test::MapOtherPort, false) => self.start(Test::Hairpin),
            (Test::MapOtherPort, true) => {}
            (Test::Hairpin, came_back) => {
                if let Some(found) = &mut self.found {
                    found.hairpinning = came_back;
                }
                self.event = self.found.map(BehaviourEvent::Discovered);
                self.asked = None;
            }
        }
    }

    fn after_filtering(&mut self, filtering: Option<Dependence>) {
        if let Some(found) = &mut self.found {
            found.filtering = filtering;
        }
        self.start(Test::MapOtherAddress);
    }

    fn set_mapping(&mut self, mapping: Dependence) {
        if let Some(found) = &mut self.found {
            found.mapping = Some(mapping);
        }
    }

    fn start(&mut self, test: Test) {
        let (server, other) = (self.server, self.other.unwrap_or(self.server));
        let change = |ip, port| Some(ChangeRequest { ip, port });
        let (to, source, change) = match test {
            Test::Binding => (server, server, None),
            Test::AnswerFromElsewhere => (server, other, change(true, true)),
            Test::AnswerFromOtherPort => {
                let source = SocketAddr::new(server.ip(), other.port());
                (server, source, change(false, true))
            }
            Test::MapOtherAddress => {
                let to = SocketAddr::new(other.ip(), server.port());
                (to, to, None)
            }
            Test::MapOtherPort => (other, other, None),
            Test::Hairpin => {
                let mapped = self.found.map_or(self.local, |found| found.mapped);
                (mapped, mapped, None)
            }
        };
        let id = TransactionId::new(self.rng.random());
        let mut bytes = Vec::new();
        let mut request = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id);
        if let Some(change) = change {
            request.change_request(change);
        }
        let path = Path::udp(self.local, to);
        let started = request.fingerprint().finish().is_ok()
            && self.transactions.start(id, path, bytes, test).is_ok();
        self.asked = started.then_some((id, source));
        if !started {
            self.event = Some(BehaviourEvent::Failed(None));
        }
    }
}

/// Whether a server may be sent requests to an address that it names.
fn is_reachable(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast()
}
