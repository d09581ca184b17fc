//! The receiving half: which stream a packet belongs to, what is missing from it, and what waits to be taken.

mod arena;
mod hold;
mod nack;
mod queue;
mod receiver;
mod ssrc;
mod statistics;
mod stream;
mod tracker;

pub(crate) use arena::Arena;
pub(crate) use hold::Hold;
pub(crate) use nack::Gap;
pub(crate) use queue::{Queued, ReceiveQueue};
pub(crate) use receiver::{PayloadUse, Receiver};
pub(crate) use ssrc::{Binding, Role, SsrcTable};
pub(crate) use stream::{RepairStream, Source, Stream};
pub(crate) use tracker::{Arrival, Original};

use crate::table::Table;
use rtp::{Mid, PayloadType, Rid, Ssrc};

/// Everything that arrives.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    pub(crate) receivers: Table<Receiver>,
    pub(crate) streams: Table<Stream>,
    pub(crate) repairs: Table<RepairStream>,
    pub(crate) ssrcs: SsrcTable,
    pub(crate) hold: Hold,
    pub(crate) queue: ReceiveQueue,
    pub(crate) arena: Arena,
}

impl Inbound {
    /// The media section that a MID names.
    pub(crate) fn receiver_of_mid(&self, mid: Mid) -> Option<u32> {
        let mut receivers = self.receivers.iter();
        receivers.find_map(|(id, receiver)| (receiver.config.mid == Some(mid)).then_some(id))
    }

    /// The only media section that uses a payload type.
    pub(crate) fn receiver_of_payload_type(&self, pt: PayloadType) -> Option<u32> {
        let mut users = self
            .receivers
            .iter()
            .filter(|(_, receiver)| receiver.payload_use(pt).is_some());
        let (id, _) = users.next()?;
        users.next().is_none().then_some(id)
    }

    /// The media stream that a retransmission SSRC repairs: as declared, else of the same encoding, else the only
    /// one of the media section (RFC 4588 §5.3, RFC 8852 §4.2).
    pub(crate) fn find_original(
        &self,
        receiver: u32,
        repair: Ssrc,
        rid: Option<Rid>,
    ) -> Option<u32> {
        if let Some(media) = self.receivers.get(receiver)?.declared_original(repair) {
            return match self.ssrcs.get(media)?.role {
                Role::Media(stream) => Some(stream),
                Role::Awaited | Role::Repair(_) => None,
            };
        }
        let mut candidates = self.streams.iter().filter(|(_, stream)| {
            stream.receiver == receiver && (rid.is_none() || stream.rid == rid)
        });
        let (id, _) = candidates.next()?;
        candidates.next().is_none().then_some(id)
    }

    /// The SSRC state of a binding.
    pub(crate) fn source_mut(&mut self, role: Role) -> Option<&mut Source> {
        match role {
            Role::Awaited => None,
            Role::Media(id) => self.streams.get_mut(id).map(|stream| &mut stream.source),
            Role::Repair(id) => self.repairs.get_mut(id).map(|repair| &mut repair.source),
        }
    }

    /// All SSRC states, media first.
    pub(crate) fn sources_mut(&mut self) -> impl Iterator<Item = (rtp::MediaKind, &mut Source)> {
        let streams = self
            .streams
            .iter_mut()
            .map(|(_, s)| (s.kind, &mut s.source));
        let repairs = self
            .repairs
            .iter_mut()
            .map(|(_, r)| (r.kind, &mut r.source));
        streams.chain(repairs)
    }

    /// Ends the stream of an SSRC. A declared SSRC stays bound to its media section and may begin again.
    pub(crate) fn end(&mut self, ssrc: Ssrc) -> Option<Ended> {
        let binding = self.ssrcs.remove(ssrc)?;
        if binding.declared {
            let awaited = Binding {
                role: Role::Awaited,
                ..binding
            };
            self.ssrcs.insert(ssrc, awaited);
        }
        match binding.role {
            Role::Awaited => None,
            Role::Repair(id) => self.repairs.remove(id).map(|_| Ended::Repair),
            Role::Media(id) => self.streams.remove(id).map(|stream| Ended::Media {
                receiver: stream.receiver,
                abandoned: stream.nacks.abandoned(),
            }),
        }
    }

    /// The SSRCs that were learned from packets and have been silent for the longest time.
    ///
    /// Several at once, so that a flood of new SSRCs does not pay for a search each.
    pub(crate) fn least_recently_used(&self) -> Vec<Ssrc> {
        const AT_ONCE: usize = 64;
        let last_packet = |role| match role {
            Role::Awaited => None,
            Role::Media(id) => self.streams.get(id).map(|stream| stream.source.last_packet),
            Role::Repair(id) => self.repairs.get(id).map(|repair| repair.source.last_packet),
        };
        let mut learned: Vec<_> = self
            .ssrcs
            .iter()
            .filter(|(_, binding)| !binding.declared)
            .map(|(ssrc, binding)| (last_packet(binding.role), ssrc))
            .collect();
        learned.sort_unstable();
        learned.truncate(AT_ONCE);
        learned.into_iter().map(|(_, ssrc)| ssrc).collect()
    }

    /// Removes everything of a media section.
    pub(crate) fn remove_streams(&mut self, receiver: u32) {
        let gone: Vec<_> = self
            .ssrcs
            .iter()
            .filter(|(_, binding)| binding.receiver == receiver)
            .map(|(ssrc, _)| ssrc)
            .collect();
        for ssrc in gone {
            self.end(ssrc);
            self.ssrcs.remove(ssrc);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.receivers.clear();
        self.streams.clear();
        self.repairs.clear();
        self.ssrcs.clear();
        self.hold.take();
        self.queue = ReceiveQueue::default();
        self.arena.release();
    }
}

/// What ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A media stream.
    Media {
        /// Of this media section.
        receiver: u32,
        /// Missing packets that it had given up.
        abandoned: u64,
    },
    /// A stream of retransmissions.
    Repair,
}
