//! Offer and answer (RFC 9429): what is negotiated, free of time and of machines.
//!
//! A command works on a copy of the state and the caller keeps the copy only when all of it succeeded, so a failed
//! call changes nothing. The descriptions of this side exist as meaning first ([`section::LocalDescription`]) and
//! as text last.

mod answer;
mod codecs;
mod description;
mod numbers;
mod offer;
mod read;
mod remote;
mod section;
mod transceiver;
mod write;

use rtp::{ExtensionUri, MediaKind};

pub use codecs::{CodecParameters, Codecs};
pub use description::{SdpType, SessionDescription, SignalingState};
pub use sdp::Direction;
pub use transceiver::{Transceiver, TransceiverId, TransceiverInit};

pub(crate) use codecs::IMPLEMENTED_FEEDBACK;
pub(crate) use numbers::MID;
pub(crate) use remote::Circumstances;
pub(crate) use section::{RemoteTransport, SctpParameters, SectionKind};
pub(crate) use transceiver::{Extension, LocalSource, RemoteSource};
pub(crate) use write::{Identity, candidate_count, with_candidates, without_candidates};

use self::numbers::{ExtensionIds, PayloadTypes};
use self::read::RemoteDescription;
use self::section::{Line, LocalDescription};
use crate::error::{SectionFault, SetDescriptionError};

/// The state of negotiation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jsep {
    pub(crate) codecs: Codecs,
    /// What is offered and answered about encrypted headers.
    pub(crate) cryptex: srtp::Cryptex,
    pub(crate) state: SignalingState,
    pub(crate) transceivers: Vec<Transceiver>,
    /// One for each m-line; the order never changes (RFC 3264 §8).
    slots: Vec<Slot>,
    numbers: Numbers,
    /// The application created a data channel.
    pub(crate) wants_data: bool,
    pending: Option<Pending>,
    /// What a rollback restores.
    stable: Option<Box<Stable>>,
    created: Option<Box<Created>>,
    pub(crate) texts: Texts,
    pub(crate) settled: Option<Settled>,
    next_transceiver: u32,
}

/// An m-line of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    mid: String,
    kind: SectionKind,
    line: Line,
    transceiver: Option<TransceiverId>,
    /// Port 0 on both sides: the place may be used again (RFC 9429 §5.2.2).
    free: bool,
}

/// Numbers that mean the same for the whole session.
#[derive(Clone, Debug, Default)]
struct Numbers {
    payload_types: PayloadTypes,
    extensions: ExtensionIds,
    next_mid: u32,
}

/// An offer that waits for its answer.
#[derive(Clone, Debug)]
enum Pending {
    Local(LocalDescription),
    Remote {
        description: RemoteDescription,
        /// `None` when every m-line is rejected.
        transport: Option<RemoteTransport>,
        /// What can be done with each m-line.
        outcomes: Vec<Outcome>,
        /// Our ICE credentials were renewed because the offer's are new.
        restart_noted: bool,
    },
}

/// What an offered m-line comes to.
#[derive(Clone, Debug)]
enum Outcome {
    Rejected,
    Media {
        transceiver: TransceiverId,
        extensions: Vec<Extension>,
    },
    Application,
}

/// What was negotiated before the pending offer.
#[derive(Clone, Debug)]
struct Stable {
    slots: Vec<Slot>,
    numbers: Numbers,
    transceivers: Vec<(TransceiverId, Association)>,
}

#[derive(Clone, Debug)]
struct Association {
    mid: Option<String>,
    remote: Option<RemoteSource>,
}

/// A description that `create_offer` or `create_answer` returned last.
#[derive(Clone, Debug)]
struct Created {
    kind: SdpType,
    text: String,
    description: LocalDescription,
    numbers: Numbers,
}

/// The four descriptions of W3C WebRTC §4.4.1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    pub(crate) current_local: Option<SessionDescription>,
    pub(crate) current_remote: Option<SessionDescription>,
    pub(crate) pending_local: Option<SessionDescription>,
    pub(crate) pending_remote: Option<SessionDescription>,
}

/// What the last answer settled for the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) remote: RemoteTransport,
    pub(crate) role: dtls::Role,
    pub(crate) sctp: Option<SctpParameters>,
}

/// An m-line that will be answered with port 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) index: usize,
    pub(crate) mid: String,
    pub(crate) fault: SectionFault,
}

impl Jsep {
    pub(crate) fn new(
        codecs: Codecs,
        extensions: Vec<(MediaKind, ExtensionUri)>,
        cryptex: srtp::Cryptex,
    ) -> Self {
        Self {
            codecs,
            cryptex,
            numbers: Numbers {
                extensions: ExtensionIds::new(extensions),
                ..Numbers::default()
            },
            ..Self::default()
        }
    }

    /// Adds a transceiver that no m-line has yet.
    pub(crate) fn add_transceiver(
        &mut self,
        kind: MediaKind,
        direction: Direction,
        init: TransceiverInit,
        source: LocalSource,
    ) -> TransceiverId {
        let id = TransceiverId::new(self.next_transceiver);
        self.next_transceiver = self.next_transceiver.wrapping_add(1);
        self.transceivers.push(Transceiver {
            id,
            kind,
            direction,
            stopping: false,
            stopped: false,
            takes_offers: false,
            made_by_offer: false,
            preferences: init.codecs,
            source: LocalSource {
                streams: init.streams,
                ..source
            },
            mid: None,
            remote: None,
            negotiated: None,
        });
        id
    }

    pub(crate) fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers
            .iter()
            .find(|transceiver| transceiver.id == id)
    }

    pub(crate) fn transceiver_mut(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        self.transceivers
            .iter_mut()
            .find(|transceiver| transceiver.id == id)
    }

    /// The number of m-lines that are there or will be.
    pub(crate) fn section_count(&self) -> usize {
        let unborn = self
            .transceivers
            .iter()
            .filter(|transceiver| transceiver.mid.is_none() && !transceiver.stopped)
            .count();
        self.slots.len() + unborn
    }

    /// Whether RTCP packets may stand alone in every m-line: one session has them all.
    pub(crate) fn agrees_on_reduced_size(&self) -> bool {
        self.transceivers
            .iter()
            .filter_map(|transceiver| transceiver.negotiated.as_ref())
            .all(|negotiated| negotiated.reduced_size)
    }

    /// Whether headers may be encrypted: the m-lines of one BUNDLE group agree (RFC 9335 §4).
    pub(crate) fn agrees_on_cryptex(&self) -> bool {
        self.transceivers
            .iter()
            .filter_map(|transceiver| transceiver.negotiated.as_ref())
            .all(|negotiated| negotiated.cryptex)
    }

    /// Whether a new offer has something to say (W3C WebRTC §4.7.3).
    pub(crate) fn needs_negotiation(&self) -> bool {
        let has_data = self
            .slots
            .iter()
            .any(|slot| slot.kind == SectionKind::Application && !slot.free);
        let data = self.wants_data && !has_data;
        data || self.transceivers.iter().any(Transceiver::needs_negotiation)
    }

    /// Back to what was negotiated before the pending offer (RFC 9429 §4.1.10.2): m-lines lose what the offer gave
    /// them, transceivers that the application added stay.
    pub(crate) fn rollback(&mut self) -> Result<(), SetDescriptionError> {
        let Some(stable) = self.stable.take() else {
            return Err(SetDescriptionError::InvalidState {
                kind: SdpType::Rollback,
                state: self.state,
            });
        };
        self.slots = stable.slots;
        self.numbers = stable.numbers;
        let mut known = stable.transceivers;
        self.transceivers.retain_mut(|transceiver| {
            let position = known.iter().position(|(id, _)| *id == transceiver.id);
            let Some(position) = position else {
                transceiver.mid = None;
                transceiver.remote = None;
                return !transceiver.made_by_offer || transceiver.takes_offers;
            };
            let (_, association) = known.swap_remove(position);
            transceiver.mid = association.mid;
            transceiver.remote = association.remote;
            true
        });
        self.texts.pending_local = None;
        self.texts.pending_remote = None;
        self.pending = None;
        self.created = None;
        self.state = SignalingState::Stable;
        Ok(())
    }

    pub(crate) fn close(&mut self) {
        self.state = SignalingState::Closed;
        self.pending = None;
        self.stable = None;
        self.created = None;
    }

    fn remember_stable(&mut self) {
        if self.stable.is_some() {
            return;
        }
        self.stable = Some(Box::new(Stable {
            slots: self.slots.clone(),
            numbers: self.numbers.clone(),
            transceivers: self
                .transceivers
                .iter()
                .map(|transceiver| {
                    let association = Association {
                        mid: transceiver.mid.clone(),
                        remote: transceiver.remote.clone(),
                    };
                    (transceiver.id, association)
                })
                .collect(),
        }));
    }

    /// An answer of either side ended the exchange.
    fn become_stable(&mut self, kind: SdpType, provisional: SignalingState) {
        if kind == SdpType::Pranswer {
            self.state = provisional;
            return;
        }
        if let Some(text) = self.texts.pending_local.take() {
            self.texts.current_local = Some(text);
        }
        if let Some(text) = self.texts.pending_remote.take() {
            self.texts.current_remote = Some(text);
        }
        self.pending = None;
        self.stable = None;
        self.created = None;
        self.state = SignalingState::Stable;
    }

    /// The m-line at `index` ended up with port 0: its transceiver stops for good (W3C WebRTC §4.4.1.5).
    fn free_slot(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        slot.free = true;
        let Some(id) = slot.transceiver else {
            return;
        };
        if let Some(transceiver) = self.transceiver_mut(id) {
            transceiver.stop();
        }
    }

    /// Puts the m-line at `index` in place, which is new or free or has this tag already.
    fn place_slot(&mut self, index: usize, slot: Slot) {
        match self.slots.get_mut(index) {
            Some(known) => *known = slot,
            None => self.slots.push(slot),
        }
    }
}
