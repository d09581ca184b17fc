use bytes::Bytes;

use super::interleaved::Landing as Interleaving;
use super::islands::Landing;
use super::streams::Delivery;
use super::{Assembled, Fragment, Open, PLACE_OVERHEAD, Receiver, StreamId, Unwrapped, Violation};
use crate::event::RefusalReason;

/// How pieces become messages.
impl Receiver {
    /// Keeps a DATA chunk that came before its turn.
    pub(super) fn land(
        &mut self,
        tsn: Unwrapped,
        fragment: Option<&Fragment<&[u8]>>,
    ) -> Result<(), Violation> {
        let length = fragment.map_or(0, |fragment| fragment.payload.len());
        if let Landing::Held { complete, pieces } = self.islands.insert(tsn, fragment) {
            self.charged_bytes += length + PLACE_OVERHEAD;
            if let Some(assembled) = complete {
                // The places stay, and go on counting, until the gap is filled.
                debug_assert!(pieces > 0);
                self.charged_bytes -= assembled.data.len();
                self.deliver(assembled);
            }
        }
        Ok(())
    }

    /// Notes that a TSN arrived whose chunk is kept elsewhere.
    pub(super) fn note(&mut self, tsn: Unwrapped, in_order: bool) {
        if in_order {
            self.cumulative = tsn;
            if !self.islands.is_empty() {
                self.advance_over_islands();
                self.acknowledgement.demand();
            }
        } else if let Landing::Held { .. } = self.islands.insert(tsn, None) {
            self.charged_bytes += PLACE_OVERHEAD;
        }
    }

    pub(super) fn advance_over_islands(&mut self) {
        while self.islands.take(self.cumulative.plus(1)).is_some() {
            self.cumulative = self.cumulative.plus(1);
            self.charged_bytes -= PLACE_OVERHEAD;
        }
    }

    pub(super) fn drain_islands(&mut self) -> Result<(), Violation> {
        while let Some(kept) = self.islands.take(self.cumulative.plus(1)) {
            self.cumulative = self.cumulative.plus(1);
            self.charged_bytes -= PLACE_OVERHEAD;
            if let Some(fragment) = kept {
                self.charged_bytes -= fragment.payload.len();
                if self.streams.is_refused(fragment.id.stream) {
                    self.leave_refused();
                } else if fragment.beginning && fragment.ending && self.open.is_none() {
                    self.skipping = false;
                    self.deliver(Assembled {
                        id: fragment.id,
                        ppid: fragment.ppid,
                        data: fragment.payload,
                    });
                } else {
                    self.append(&fragment.borrow())?;
                }
            }
        }
        Ok(())
    }

    /// Takes the next piece in order.
    pub(super) fn append(&mut self, fragment: &Fragment<&[u8]>) -> Result<(), Violation> {
        let Some(open) = &mut self.open else {
            return self.open(fragment);
        };
        if fragment.beginning || fragment.id != open.id {
            return Err(Violation::Pieces);
        }
        open.data.extend_from_slice(fragment.payload);
        self.charged_bytes += fragment.payload.len();
        let (id, length) = (open.id, open.data.len());
        if fragment.ending {
            self.close();
        } else if !self.give_begun() && length > self.max_message_size {
            self.drop_open();
            self.refuse(id.stream, RefusalReason::MessageTooLarge);
        }
        Ok(())
    }

    /// Begins a message with its first piece in order.
    fn open(&mut self, fragment: &Fragment<&[u8]>) -> Result<(), Violation> {
        if !fragment.beginning {
            return if self.skipping {
                Ok(())
            } else {
                Err(Violation::Pieces)
            };
        }
        self.skipping = false;
        if fragment.ending {
            self.deliver(Assembled {
                id: fragment.id,
                ppid: fragment.ppid,
                data: Bytes::copy_from_slice(fragment.payload),
            });
            return Ok(());
        }
        let mut data = Vec::with_capacity(self.usual_size);
        data.extend_from_slice(fragment.payload);
        self.charged_bytes += data.len();
        self.open = Some(Open {
            id: fragment.id,
            ppid: fragment.ppid,
            data,
            begun: false,
        });
        self.give_begun();
        Ok(())
    }

    /// The open message is complete.
    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        self.charged_bytes -= open.data.len();
        self.usual_size = open.data.len().min(self.max_message_size);
        if open.data.capacity() / 8 * 7 > open.data.len() {
            open.data.shrink_to_fit();
        }
        let assembled = Assembled {
            id: open.id,
            ppid: open.ppid,
            data: Bytes::from(open.data),
        };
        if open.begun {
            self.deliver_rest(assembled);
        } else {
            self.deliver(assembled);
        }
    }

    /// Makes what there is of the open message readable, if its stream is read in pieces. False when it is not.
    fn give_begun(&mut self) -> bool {
        let Some(open) = &mut self.open else {
            return true;
        };
        let Some(least) = self.streams.piece_bytes(open.id) else {
            return false;
        };
        if open.data.len() >= least {
            self.charged_bytes -= open.data.len();
            let part = Assembled {
                id: open.id,
                ppid: open.ppid,
                data: Bytes::from(std::mem::take(&mut open.data)),
            };
            self.counts.bytes += part.data.len() as u64;
            let first = !std::mem::replace(&mut open.begun, true);
            self.streams.push_piece(part, first);
        }
        true
    }

    /// The open message will not be complete.
    pub(super) fn drop_open(&mut self) {
        if let Some(open) = self.open.take() {
            self.charged_bytes -= open.data.len();
            self.skipping = true;
            if open.begun {
                self.streams.abandon(open.id.stream);
            }
        }
    }

    /// Takes a piece of a message that may mix with others.
    pub(super) fn interleave(&mut self, fragment: &Fragment<&[u8]>) -> Result<(), Violation> {
        let id = fragment.id;
        let pieces = self.streams.piece_bytes(id);
        let limit = pieces.map_or(self.max_message_size, |_| usize::MAX);
        match self.interleaved.insert(fragment, limit) {
            Interleaving::Kept => {
                if let Some(least) = pieces
                    && let Some((part, first)) = self.interleaved.take_begun(id, least)
                {
                    self.counts.bytes += part.data.len() as u64;
                    self.streams.push_piece(part, first);
                }
            }
            Interleaving::Complete(assembled) => self.deliver(assembled),
            Interleaving::Rest(assembled) => self.deliver_rest(assembled),
            Interleaving::TooLarge => self.refuse(id.stream, RefusalReason::MessageTooLarge),
            Interleaving::Contradiction => return Err(Violation::Pieces),
        }
        Ok(())
    }

    /// The rest of a message of which some was read: its size is nobody's concern.
    fn deliver_rest(&mut self, assembled: Assembled) {
        self.counts.bytes += assembled.data.len() as u64;
        self.counts.messages += 1;
        self.counts.messages += self.streams.deliver_rest(assembled) as u64;
    }

    fn deliver(&mut self, assembled: Assembled) {
        let length = assembled.data.len();
        let stream = assembled.id.stream;
        if length > self.max_message_size && self.streams.piece_bytes(assembled.id).is_none() {
            return self.refuse(stream, RefusalReason::MessageTooLarge);
        }
        match self.streams.deliver(assembled) {
            Delivery::Refused => self.counts.refused_messages += 1,
            Delivery::OverLimit => self.counts.over_limit += 1,
            Delivery::Overflow => return self.refuse(stream, RefusalReason::Unread),
            Delivery::Waiting => {}
            Delivery::Readable(count) => self.counts.messages += count as u64,
        }
        self.counts.bytes += length as u64;
    }

    fn refuse(&mut self, stream: StreamId, reason: RefusalReason) {
        if self.streams.refuse(stream) {
            self.refusals.push((stream, reason));
            self.forget_unfinished(stream);
        }
    }

    /// Forgets the pieces of a stream that nobody will put together.
    pub(super) fn forget_unfinished(&mut self, stream: StreamId) {
        self.interleaved.forget_stream(stream);
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.id.stream == stream)
        {
            self.drop_open();
        }
    }

    /// A piece of a refused stream passes by: what follows it may be a piece of the same message.
    pub(super) fn leave_refused(&mut self) {
        if self.open.is_none() {
            self.skipping = true;
        }
    }
}
