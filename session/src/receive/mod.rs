//! The receiving half: which stream a packet belongs to, what is missing from it, and what waits to be taken.

mod arena;
mod hold;
mod nack;
mod queue;
mod receiver;
mod statistics;
mod stream;
mod tracker;

pub(crate) use arena::Arena;
pub(crate) use hold::Hold;
pub(crate) use nack::Gap;
pub(crate) use queue::{Queued, ReceiveQueue};
pub(crate) use receiver::{PayloadUse, Receiver};
pub(crate) use stream::{RepairStream, Source, Stream};
pub(crate) use tracker::{Arrival, Original};

use crate::table::Table;
use rtp::{Demuxer, SectionId, Ssrc};

/// What arrives from an SSRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing yet.
    Awaited,
    /// Media; the id of the stream.
    Media(u32),
    /// Retransmissions; the id of the repair stream.
    Repair(u32),
}

/// Everything that arrives.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    pub(crate) receivers: Table<Receiver>,
    pub(crate) streams: Table<Stream>,
    pub(crate) repairs: Table<RepairStream>,
    /// Which media section and stream an SSRC belongs to.
    pub(crate) ssrcs: Demuxer<Role>,
    pub(crate) hold: Hold,
    pub(crate) queue: ReceiveQueue,
    pub(crate) arena: Arena,
}

impl Inbound {
    /// Adds a media section to what packets are routed by, or changes it there.
    pub(crate) fn describe(&mut self, receiver: u32) {
        if let Some(row) = self.receivers.get(receiver) {
            let config = &row.config;
            let mappings = config.payload_types.iter();
            let types = mappings.flat_map(|mapping| [Some(mapping.pt), mapping.rtx_pt]);
            let section = SectionId::new(receiver);
            self.ssrcs
                .set_section(section, config.mid, types.flatten(), &config.rtx_ssrcs);
        }
    }

    /// The media stream that a retransmission SSRC repairs.
    pub(crate) fn find_original(&self, repair: Ssrc) -> Option<u32> {
        let is_media = |role| matches!(role, Role::Media(_));
        let media = self.ssrcs.original(repair, is_media)?;
        match self.ssrcs.get(media)?.role {
            Role::Media(stream) => Some(stream),
            Role::Awaited | Role::Repair(_) => None,
        }
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
            self.ssrcs.declare(ssrc, binding.section, Role::Awaited);
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

    /// Removes everything of a media section.
    pub(crate) fn remove_streams(&mut self, receiver: u32) {
        let gone: Vec<_> = self
            .ssrcs
            .iter()
            .filter(|(_, binding)| binding.section.get() == receiver)
            .map(|(ssrc, _)| ssrc)
            .collect();
        for ssrc in gone {
            self.end(ssrc);
        }
        self.ssrcs.remove_section(SectionId::new(receiver));
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
