//! One connection through a TCP allocation (RFC 6062 §4.3): bound by a single request, and the peer's from then on.

use std::net::SocketAddr;
use std::sync::Arc;

use net::{Datagram, Path, Transmit};
use stun::{
    Challenge, Class, EncodeError, ErrorCode, LongTermAuth, LongTermCredentials, Message,
    MessageBuilder, Method, TransactionId,
};

use crate::Refusal;

/// The longest answer to the request that is read.
const MAX_ANSWER_BYTES: usize = 2_048;

/// How often the server may ask for credentials or for a fresher nonce.
pub(crate) const MAX_RETRIES: usize = 3;

/// Names a connection between the control connection and the one for its data (RFC 6062 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u32);

/// Where a [`DataConnection`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataState {
    /// The server is asked to bind it to the peer's.
    Binding,
    /// What is written goes to the peer, what is read comes from it.
    Bound,
    /// The server refused, or said something else than an answer: to be closed.
    Failed(Refusal),
}

/// A TCP or TLS connection to the server that stands for one with a peer: a small machine without time.
///
/// [`poll_transmit`](Self::poll_transmit) gives the one request, [`handle_datagram_with`](Self::handle_datagram_with)
/// takes what is read. When [`state`](Self::state) is [`DataState::Bound`] the application writes its own bytes. A server
/// that does not answer is for the application to give up; it closes the connection itself after 30 s.
#[derive(Debug)]
pub struct DataConnection {
    id: ConnectionId,
    path: Path,
    /// The one in use, and those for further attempts.
    transaction: TransactionId,
    spare: Vec<TransactionId>,
    credentials: Option<LongTermCredentials>,
    auth: Option<Arc<LongTermAuth>>,
    state: DataState,
    /// The request is to be sent.
    due: bool,
    answer: Vec<u8>,
}

impl DataConnection {
    pub(crate) fn new(
        id: ConnectionId,
        path: Path,
        mut spare: Vec<TransactionId>,
        (credentials, auth): (Option<LongTermCredentials>, Option<Arc<LongTermAuth>>),
    ) -> Self {
        Self {
            id,
            path,
            transaction: spare.pop().unwrap_or(TransactionId::new([0; 12])),
            spare,
            credentials,
            auth,
            state: DataState::Binding,
            due: true,
            answer: Vec::new(),
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> DataState {
        self.state
    }

    /// The server's end.
    pub const fn server(&self) -> SocketAddr {
        self.path.remote
    }

    /// Appends the request, each time that it is to be sent.
    pub fn poll_transmit(&mut self, buf: &mut Vec<u8>) -> Option<Transmit> {
        if !std::mem::take(&mut self.due) || self.state != DataState::Binding {
            return None;
        }
        let start = buf.len();
        if self.encode(buf).is_err() {
            // The server's realm and nonce do not fit into a message.
            buf.truncate(start);
            self.state = DataState::Failed(Refusal::TimedOut);
            return None;
        }
        Some(Transmit::new(self.path))
    }

    fn encode(&self, buf: &mut Vec<u8>) -> Result<(), EncodeError> {
        let method = Method::CONNECTION_BIND;
        let mut builder = MessageBuilder::new(buf, Class::Request, method, self.transaction);
        builder.connection_id(self.id.0);
        match &self.auth {
            Some(auth) => auth.seal(builder).finish(),
            None => builder.finish(),
        }
    }

    /// A piece of the stream; what comes from the peer is delivered where it stands.
    pub fn handle_datagram_with(
        &mut self,
        datagram: Datagram<'_>,
        mut deliver: impl FnMut(&mut [u8]),
    ) {
        let mut bytes = datagram.bytes;
        if datagram.path != self.path {
            return;
        }
        while self.state == DataState::Binding && !bytes.is_empty() {
            let wanted = self.missing();
            let (head, rest) = bytes.split_at_mut(wanted.min(bytes.len()));
            self.answer.extend_from_slice(head);
            bytes = rest;
            self.read_answer();
        }
        if self.state == DataState::Bound && !bytes.is_empty() {
            deliver(bytes);
        }
    }

    /// How many bytes the answer lacks, as far as can be told.
    fn missing(&self) -> usize {
        let length = self.answer.first_chunk().map_or(4, |header| {
            stun::measure_message(*header).unwrap_or_default()
        });
        length.saturating_sub(self.answer.len()).max(1)
    }

    fn read_answer(&mut self) {
        let Some(header) = self.answer.first_chunk() else {
            return;
        };
        let length = stun::measure_message(*header).filter(|it| *it <= MAX_ANSWER_BYTES);
        match length {
            None => self.state = DataState::Failed(Refusal::TimedOut),
            Some(length) if self.answer.len() < length => {}
            Some(_) => {
                let answer = std::mem::take(&mut self.answer);
                self.state = match Message::decode(&answer) {
                    Ok(message) => self.after(&message),
                    Err(_) => DataState::Failed(Refusal::TimedOut),
                };
            }
        }
    }

    /// The state that an answer leads to.
    fn after(&mut self, answer: &Message<'_>) -> DataState {
        let is_ours = answer.transaction_id() == self.transaction
            && answer.method() == Method::CONNECTION_BIND;
        let code = answer.error_code().ok().flatten();
        let is_authentic = match &self.auth {
            Some(auth) => auth.verify(answer),
            None => self.credentials.is_none(),
        };
        match (answer.class(), code) {
            _ if !is_ours => DataState::Failed(Refusal::TimedOut),
            (Class::Success, _) if is_authentic => DataState::Bound,
            (Class::Error, Some(code @ (ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE))) => {
                self.answer_challenge(answer, code)
            }
            (Class::Error, Some(code)) if is_authentic => DataState::Failed(Refusal::Code(code)),
            _ => DataState::Failed(Refusal::TimedOut),
        }
    }

    fn answer_challenge(&mut self, answer: &Message<'_>, code: ErrorCode) -> DataState {
        let earlier = self.auth.as_ref().map(|auth| auth.challenge());
        let challenge = Challenge::from_response(answer, earlier);
        let wrong = code == ErrorCode::UNAUTHENTICATED && self.auth.is_some();
        let next = self.spare.pop().filter(|_| !wrong);
        match (challenge, &self.credentials, next) {
            (Ok(challenge), Some(credentials), Some(next)) => {
                self.auth = Some(Arc::new(LongTermAuth::new(credentials, challenge)));
                self.transaction = next;
                self.due = true;
                DataState::Binding
            }
            _ => DataState::Failed(Refusal::Code(code)),
        }
    }
}
