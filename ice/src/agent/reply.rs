use std::collections::VecDeque;

use net::Path;
use stun::{AttributeType, Class, IntegrityKey, MessageBuilder, Method, TransactionId};

/// The most answers that wait to be sent: one receive batch (a GRO buffer holds 64 datagrams).
pub(super) const MAX_REPLIES: usize = 64;

/// An answer to a request; it echoes the request's transaction id, so it cannot be made from state alone.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) path: Path,
    pub(super) id: TransactionId,
    pub(super) kind: ReplyKind,
    /// Which sending of the request is answered, when it says so (RFC 7982).
    pub(super) sending: Option<u8>,
}

#[derive(Debug)]
pub(super) enum ReplyKind {
    /// The check arrived; sealed with this generation's password.
    Success { generation: u32 },
    /// An error that is sealed.
    Error { generation: u32, code: u16 },
    /// 420, sealed.
    UnknownAttributes {
        generation: u32,
        kinds: Vec<AttributeType>,
    },
    /// An error to somebody who did not authenticate; not sealed (RFC 8489 §9.1.3).
    Refusal { code: u16 },
}

/// Answers in the order of the requests.
#[derive(Debug, Default)]
pub(super) struct Replies {
    queue: VecDeque<Reply>,
}

impl Replies {
    /// `false` when there was no room: the peer will ask again.
    pub(super) fn push(&mut self, reply: Reply) -> bool {
        if self.queue.len() >= MAX_REPLIES {
            return false;
        }
        if self.queue.capacity() == 0 {
            self.queue.reserve_exact(1);
        }
        self.queue.push_back(reply);
        true
    }

    pub(super) fn pop(&mut self) -> Option<Reply> {
        let first = self.queue.pop_front()?;
        if self.queue.is_empty() && self.queue.capacity() > 1 {
            // The next one is seconds away, and comes alone; the place for that one stays.
            self.queue = VecDeque::new();
        }
        Some(first)
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Reply) -> bool) {
        self.queue.retain(keep);
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }
}

impl Reply {
    /// Appends the answer; `false` when its generation is gone.
    pub(super) fn encode<'k>(
        &self,
        buf: &mut Vec<u8>,
        key: impl Fn(u32) -> Option<&'k IntegrityKey>,
        carry: impl FnOnce(&mut MessageBuilder<'_>),
    ) -> bool {
        let class = match self.kind {
            ReplyKind::Success { .. } => Class::Success,
            _ => Class::Error,
        };
        let sealed_by = match self.kind {
            ReplyKind::Refusal { .. } => None,
            ReplyKind::Success { generation }
            | ReplyKind::Error { generation, .. }
            | ReplyKind::UnknownAttributes { generation, .. } => match key(generation) {
                Some(key) => Some(key),
                None => return false,
            },
        };
        let mut message = MessageBuilder::new(buf, class, Method::BINDING, self.id);
        match &self.kind {
            ReplyKind::Success { .. } => {
                message.xor_mapped_address(self.path.remote);
                if let Some(sending) = self.sending {
                    message.transmit_counter(sending, 1);
                }
                carry(&mut message);
            }
            ReplyKind::Error { code, .. } | ReplyKind::Refusal { code } => {
                message.error_code(*code);
            }
            ReplyKind::UnknownAttributes { kinds, .. } => {
                message
                    .error_code(420)
                    .unknown_attributes(kinds.iter().copied());
            }
        }
        let sealed = match sealed_by {
            Some(key) => message.integrity(key).fingerprint(),
            None => message.fingerprint(),
        };
        sealed.finish().is_ok()
    }
}
