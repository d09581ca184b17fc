use std::collections::VecDeque;

use crate::chunk::{CauseCode, ErrorCause};

/// What waits to be put into packets, beside acknowledgements and data.
///
/// Most of it is a mark, and the chunk is built when the packet is. Only what must echo the peer's bytes is kept, in small
/// queues.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// INIT.
    pub(super) init: bool,
    /// A finished INIT ACK, with the tag of the packet that carries it. A newer INIT replaces the answer to an older one.
    pub(super) init_ack: Option<(u32, Vec<u8>)>,
    /// COOKIE ECHO.
    pub(super) cookie_echo: bool,
    /// COOKIE ACK.
    pub(super) cookie_ack: bool,
    /// A question for the path, with this nonce.
    pub(super) heartbeat: bool,
    /// SHUTDOWN.
    pub(super) shutdown: bool,
    /// SHUTDOWN ACK.
    pub(super) shutdown_ack: bool,
    /// The last packet.
    pub(super) farewell: Option<Farewell>,
    /// A stale cookie came back: the tag for the ERROR, and how old the cookie was, in microseconds.
    pub(super) stale_cookie: Option<(u32, u32)>,
    heartbeat_acks: VecDeque<Vec<u8>>,
    /// Encoded error causes for one ERROR chunk.
    causes: Vec<u8>,
}

/// The last packet of an association.
#[derive(Clone, Copy, Debug)]
pub(super) enum Farewell {
    /// ABORT, with a cause and a word about it.
    Abort {
        /// The tag of the packet.
        tag: u32,
        /// Why.
        code: CauseCode,
        /// Particulars.
        value: Option<[u8; 4]>,
    },
    /// SHUTDOWN COMPLETE.
    ShutdownComplete {
        /// The tag of the packet.
        tag: u32,
    },
}

impl Control {
    /// Keeps the information of a HEARTBEAT for its answer. False when too many wait.
    pub(super) fn push_heartbeat_ack(&mut self, info: &[u8]) -> bool {
        if self.heartbeat_acks.len() >= MAX_HEARTBEAT_ACKS {
            return false;
        }
        self.heartbeat_acks.push_back(info.to_vec());
        true
    }

    pub(super) fn next_heartbeat_ack(&self) -> Option<&[u8]> {
        self.heartbeat_acks.front().map(Vec::as_slice)
    }

    pub(super) fn pop_heartbeat_ack(&mut self) {
        self.heartbeat_acks.pop_front();
    }

    /// Whether an ERROR, an answer to a HEARTBEAT or a HEARTBEAT waits.
    pub(super) fn has_chunks(&self) -> bool {
        self.heartbeat || !self.causes.is_empty() || !self.heartbeat_acks.is_empty()
    }

    /// Adds an error cause to the next ERROR. False when it has no room left; a cause's value is cut to what helps.
    pub(super) fn push_cause(&mut self, code: CauseCode, value: &[u8]) -> bool {
        let value = value.get(..MAX_CAUSE_VALUE).unwrap_or(value);
        if self.causes.len() + value.len() + 8 > MAX_CAUSES {
            return false;
        }
        ErrorCause { code, value }.encode(&mut self.causes);
        true
    }

    pub(super) fn causes(&self) -> &[u8] {
        &self.causes
    }

    pub(super) fn clear_causes(&mut self) {
        self.causes = Vec::new();
    }

    /// Forgets everything but the last packet and an answer to an INIT.
    pub(super) fn clear(&mut self) {
        *self = Self {
            farewell: self.farewell.take(),
            ..Self::default()
        };
    }
}

const MAX_HEARTBEAT_ACKS: usize = 4;
const MAX_CAUSES: usize = 256;
const MAX_CAUSE_VALUE: usize = 64;
