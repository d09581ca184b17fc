use std::time::{Duration, Instant};

use super::Association;
use super::state::State;
use crate::chunk::{
    AbortChunk, CauseCode, ChunkType, ErrorCause, ErrorCauses, ShutdownCompleteChunk,
};
use crate::error::{CloseCause, CloseReason, Initiator};
use crate::packet::Packet;

/// The answer to a packet that belongs to no association, or that offers an impossible one (RFC 9260 §8.4, §3.3.2).
#[derive(Debug, Default)]
pub(super) struct Strays {
    answer: Option<Answer>,
    /// Nothing of the kind is answered before.
    quiet_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    tag: u32,
    /// The tag is the one that the packet came with (the T bit, RFC 9260 §8.5.1).
    reflected_tag: bool,
    word: Word,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Abort(Option<Objection>),
    ShutdownComplete,
}

/// What is wrong with the offer of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// No tag: there is nobody to answer.
    NoTag,
    /// No streams, or no window.
    Values,
    /// An INIT ACK without a cookie.
    NoCookie,
    /// It cannot be read.
    Unreadable,
}

impl Objection {
    fn cause(self) -> ErrorCause<'static> {
        let (code, value): (_, &[u8]) = match self {
            Self::NoTag | Self::Values => (CauseCode::INVALID_PARAMETER, &[]),
            // One is missing: the cookie, type 7.
            Self::NoCookie => (CauseCode::MISSING_PARAMETER, &[0, 0, 0, 1, 0, 7]),
            Self::Unreadable => (CauseCode::PROTOCOL_VIOLATION, &[]),
        };
        ErrorCause { code, value }
    }
}

impl Association {
    /// Whether a packet that does not set an association up finds none.
    pub(super) fn is_out_of_the_blue(&self, kind: ChunkType) -> bool {
        match self.state {
            // Our SHUTDOWN COMPLETE was lost; it has an answer of its own.
            State::Ended { reason } => {
                kind != ChunkType::SHUTDOWN_ACK || reason.cause != CloseCause::Shutdown
            }
            State::Closed => true,
            State::CookieWait | State::CookieEchoed { .. } => kind == ChunkType::SHUTDOWN_ACK,
            _ => false,
        }
    }

    /// RFC 9260 §8.4, except that nothing is answered with ABORT before the association was begun: what comes then may be the first
    /// data of a peer that has our INIT from our description, and an ABORT would end what is about to stand.
    pub(super) fn on_out_of_the_blue(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        kind: ChunkType,
    ) {
        self.counts.dropped.unexpected += 1;
        let ends = |raw| matches!(raw, Ok(ChunkType::ABORT) | Err(_));
        if packet.chunks().any(|raw| ends(raw.map(|found| found.kind))) {
            return;
        }
        let word = match (kind, &self.state) {
            (ChunkType::SHUTDOWN_ACK, _) => Word::ShutdownComplete,
            (kind, State::Ended { reason }) if wants_abort(kind, reason) => Word::Abort(None),
            _ => return,
        };
        self.answer_stray(
            now,
            Answer {
                tag: packet.verification_tag,
                reflected_tag: true,
                word,
            },
        );
    }

    /// Says that an INIT cannot be taken up. The association, if there is one, goes on (RFC 9260 §3.3.2).
    pub(super) fn refuse_init(&mut self, now: Instant, tag: u32, why: Option<Objection>) {
        if tag != 0 && why != Some(Objection::NoTag) {
            self.answer_stray(
                now,
                Answer {
                    tag,
                    reflected_tag: false,
                    word: Word::Abort(why),
                },
            );
        }
    }

    /// Says that an INIT ACK cannot be taken up. What it promised cannot come about, so that is the end (RFC 9260 §3.3.3);
    /// only one that cannot be read may be followed by a better one.
    pub(super) fn refuse_init_ack(&mut self, now: Instant, tag: u32, why: Objection) {
        if why != Objection::Unreadable {
            self.end(Initiator::Local, CloseCause::Incompatible);
        }
        let reflected_tag = tag == 0;
        self.answer_stray(
            now,
            Answer {
                tag: if reflected_tag { self.local.tag } else { tag },
                reflected_tag,
                word: Word::Abort(Some(why)),
            },
        );
    }

    fn answer_stray(&mut self, now: Instant, answer: Answer) {
        if self.strays.quiet_until.is_some_and(|until| now < until) {
            self.counts.dropped.replies += 1;
            return;
        }
        self.strays.quiet_until = Some(now + QUIET);
        self.strays.answer = Some(answer);
    }

    /// Appends the answer to a stray packet, when there is one.
    pub(super) fn transmit_stray(&mut self, buf: &mut Vec<u8>) -> Option<()> {
        let Answer {
            tag,
            reflected_tag,
            word,
        } = self.strays.answer.take()?;
        let packet = self.start_packet(tag, buf);
        match word {
            Word::Abort(why) => {
                let mut causes = Vec::new();
                if let Some(why) = why {
                    why.cause().encode(&mut causes);
                }
                AbortChunk {
                    reflected_tag,
                    causes: ErrorCauses(&causes),
                }
                .encode(buf);
            }
            Word::ShutdownComplete => ShutdownCompleteChunk { reflected_tag }.encode(buf),
        }
        self.finish_packet(packet, buf);
        Some(())
    }
}

/// Whether the peer should hear that the association is gone. After a shutdown what was overtaken by the last word is no question; the
/// answer could take the place of a SHUTDOWN COMPLETE that was lost.
fn wants_abort(kind: ChunkType, reason: &CloseReason) -> bool {
    match kind {
        ChunkType::HEARTBEAT => true,
        ChunkType::DATA | ChunkType::I_DATA | ChunkType::RE_CONFIG | ChunkType::SHUTDOWN => {
            reason.cause != CloseCause::Shutdown
        }
        _ => false,
    }
}

/// One answer in so long; a peer in flight sends a thousand packets meanwhile.
const QUIET: Duration = Duration::from_millis(100);
