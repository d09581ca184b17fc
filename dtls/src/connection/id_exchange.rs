use super::{Connection, Phase};
use crate::handshake::Failure;
use crate::record::Ids;
use crate::wire::{HandshakeType, NewConnectionId, RequestConnectionId};
use crate::{ConnectionId, Event};
use std::time::Instant;

/// Connection ids that come and go behind a handshake of DTLS 1.3 (RFC 9147 §9).
#[derive(Debug, Default)]
pub(super) struct IdExchange {
    /// How many the other side asks for.
    asked: u8,
    /// How many we want to ask for.
    wanted: u8,
    /// What the other side has still to be told.
    fresh: Vec<ConnectionId>,
}

impl IdExchange {
    /// Takes a message of the other side. Ids that are empty do not become others.
    pub(super) fn on_message(
        &mut self,
        message_type: HandshakeType,
        body: &[u8],
        ids: Option<&mut Ids>,
    ) -> Result<(), Failure> {
        let ids = ids.ok_or(Failure::unexpected())?;
        if message_type == HandshakeType::REQUEST_CONNECTION_ID {
            let request = RequestConnectionId::decode(body)?;
            if ids.own().is_empty() {
                return Err(Failure::unexpected());
            }
            self.asked = request.count;
        } else {
            let new = NewConnectionId::decode(body)?;
            if ids.theirs().is_empty() {
                return Err(Failure::unexpected());
            }
            ids.renew(&new.ids, new.immediately);
        }
        Ok(())
    }

    /// The next message that has to leave.
    pub(super) fn next(&mut self) -> Option<(HandshakeType, Vec<u8>)> {
        let mut body = Vec::new();
        if !self.fresh.is_empty() {
            NewConnectionId {
                ids: std::mem::take(&mut self.fresh),
                immediately: false,
            }
            .encode(&mut body);
            return Some((HandshakeType::NEW_CONNECTION_ID, body));
        }
        let count = std::mem::take(&mut self.wanted);
        (count > 0).then(|| {
            RequestConnectionId { count }.encode(&mut body);
            (HandshakeType::REQUEST_CONNECTION_ID, body)
        })
    }
}

/// What has to do with changing ids.
impl Connection {
    /// Under DTLS 1.3, asks the other side for so many further connection ids, eight at most. They are there when
    /// [`spare_connection_ids`](Self::spare_connection_ids) says so. `false` if there is nobody to ask.
    pub fn request_connection_ids(&mut self, now: Instant, count: u8) -> bool {
        let takes = self
            .records
            .ids()
            .is_some_and(|ids| !ids.theirs().is_empty());
        let Phase::Established(established) = &mut self.phase else {
            return false;
        };
        let Some(post) = established
            .post
            .as_mut()
            .filter(|_| takes && established.verified)
        else {
            return false;
        };
        let most = u8::try_from(Ids::MAX).unwrap_or(u8::MAX);
        post.ids.wanted = count.min(most);
        post.start_ids(now, &mut self.stats);
        true
    }

    /// How many connection ids of the other side nobody has seen yet.
    pub fn spare_connection_ids(&self) -> usize {
        self.records.ids().map_or(0, Ids::spare)
    }

    /// Puts another id of the other side into what we say from now on, so that nobody who sees a new path can tell that
    /// it is the same connection. `false` if there is none.
    pub fn change_connection_id(&mut self) -> bool {
        self.records.ids_mut().is_some_and(Ids::change)
    }

    /// Makes the ids that the other side asked for.
    pub(super) fn settle_ids(&mut self, now: Instant) {
        let Phase::Established(established) = &mut self.phase else {
            return;
        };
        let Some(post) = established.post.as_mut().filter(|_| established.verified) else {
            return;
        };
        let asked = std::mem::take(&mut post.ids.asked);
        let (Some(paths), Some(ids)) = (&mut self.paths, self.records.ids_mut()) else {
            return;
        };
        let length = ids.own().first().map_or(0, ConnectionId::len);
        let mut any = false;
        for _ in 0..asked {
            let Some(id) = paths.draw_id(length).filter(|id| ids.add_own(*id)) else {
                break;
            };
            post.ids.fresh.push(id);
            any = true;
        }
        if any {
            post.start_ids(now, &mut self.stats);
            if !self.events.contains(&Event::ConnectionIds) {
                self.events.push_back(Event::ConnectionIds);
            }
        }
    }
}
