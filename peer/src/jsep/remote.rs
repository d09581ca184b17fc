//! The peer's descriptions (RFC 9429 §5.8 to §5.11).

use sdp::Setup;

use super::answer::agreed;
use super::read::{RemoteDescription, read_transport, tag};
use super::section::{LocalBody, LocalDescription, LocalMedia, LocalSection, RemoteSection};
use super::transceiver::{Extension, LocalSource, Negotiated, TransceiverInit};
use super::{
    Direction, Jsep, Outcome, Pending, Rejection, RemoteTransport, SdpType, SectionKind,
    SessionDescription, Settled, SignalingState, Slot, Transceiver, TransceiverId,
};
use crate::error::{SectionFault, SessionFault, SetDescriptionError};

/// What the connection knows that decides about a remote description.
pub(crate) struct Circumstances<'a> {
    /// Whether this side is a lite agent.
    pub(crate) lite: bool,
    /// Makes the names of a transceiver's stream.
    pub(crate) new_source: &'a mut dyn FnMut(&[Transceiver]) -> LocalSource,
}

impl Jsep {
    /// Takes the peer's offer. An offer of ours that waits is rolled back first (RFC 9429 §4.1.10.2).
    pub(crate) fn set_remote_offer(
        &mut self,
        text: &str,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Vec<Rejection>, SetDescriptionError> {
        match self.state {
            SignalingState::Stable => {}
            SignalingState::HaveLocalOffer | SignalingState::HaveRemoteOffer => self.rollback()?,
            state => {
                return Err(SetDescriptionError::InvalidState {
                    kind: SdpType::Offer,
                    state,
                });
            }
        }
        let parsed: sdp::SessionDescription = text.parse()?;
        let description = RemoteDescription::read(&parsed)?;
        self.check_places(&description)?;
        self.remember_stable();
        let mut outcomes = Vec::with_capacity(description.sections.len());
        let mut rejections = Vec::new();
        for (index, section) in description.sections.iter().enumerate() {
            let outcome = self
                .offered_section(index, section, &outcomes, circumstances)
                .map_err(|fault| description.error(index, fault))?;
            if let Err(fault) = outcome
                && !section.rejected
            {
                rejections.push(Rejection {
                    index,
                    mid: tag(section),
                    fault,
                });
            }
            outcomes.push(outcome.unwrap_or(Outcome::Rejected));
        }
        let accepted = |index: usize| {
            outcomes
                .get(index)
                .is_some_and(|outcome| !matches!(outcome, Outcome::Rejected))
        };
        let tagged = description.tagged(accepted);
        if tagged.is_none()
            && let Some(first) = rejections.first()
        {
            return Err(SetDescriptionError::NothingToServe {
                index: first.index,
                mid: first.mid.clone(),
                fault: first.fault,
            });
        }
        let transport = tagged
            .map(|index| {
                let transport = self
                    .offered_transport(&parsed, index)
                    .map_err(|fault| description.error(index, fault))?;
                if transport.lite && circumstances.lite {
                    return Err(SetDescriptionError::Session(SessionFault::BothLite));
                }
                Ok(transport)
            })
            .transpose()?;
        self.pending = Some(Pending::Remote {
            description,
            transport,
            outcomes,
            restart_noted: false,
        });
        self.created = None;
        self.texts.pending_remote = Some(SessionDescription::offer(text));
        self.state = SignalingState::HaveRemoteOffer;
        Ok(rejections)
    }

    /// Whether the pending offer brings other ICE credentials than the ones in use (RFC 8839 §4.4.1.1).
    pub(crate) fn offers_restart(&self) -> bool {
        let Some(Pending::Remote {
            transport: Some(transport),
            restart_noted: false,
            ..
        }) = &self.pending
        else {
            return false;
        };
        self.settled.as_ref().is_some_and(|settled| {
            settled.remote.ufrag != transport.ufrag || settled.remote.pwd != transport.pwd
        })
    }

    /// Our credentials were renewed for the pending offer.
    pub(crate) fn note_restart(&mut self) {
        if let Some(Pending::Remote { restart_noted, .. }) = &mut self.pending {
            *restart_noted = true;
        }
    }

    /// Whether an offer of ours waits for its answer.
    pub(crate) const fn awaits_answer(&self) -> bool {
        matches!(self.pending, Some(Pending::Local(_)))
    }

    /// Whether candidates of the peer may belong to credentials that are not in use yet.
    pub(crate) fn awaits_restart_answer(&self) -> bool {
        self.offers_restart()
            || matches!(
                &self.pending,
                Some(Pending::Remote {
                    restart_noted: true,
                    ..
                })
            )
    }

    /// What the pending offer says about who starts DTLS.
    pub(crate) fn offered_setup(&self) -> Option<Setup> {
        match &self.pending {
            Some(Pending::Remote { transport, .. }) => transport.as_ref()?.setup,
            _ => None,
        }
    }

    /// Whether the offer that waits for our answer would have checks carry the handshake; `None` when none waits.
    pub(crate) fn offered_sped(&self) -> Option<bool> {
        match &self.pending {
            Some(Pending::Remote { transport, .. }) => {
                Some(transport.as_ref().is_some_and(|transport| transport.sped))
            }
            _ => None,
        }
    }

    /// The peer's INIT in the pending offer (SNAP).
    pub(crate) fn offered_init(&self) -> Option<&[u8]> {
        match &self.pending {
            Some(Pending::Remote { description, .. }) => {
                let mut sections = description.sections.iter();
                sections.find_map(|section| section.sctp.as_ref()?.init.as_deref())
            }
            _ => None,
        }
    }

    /// Takes the peer's answer to our offer.
    pub(crate) fn set_remote_answer(
        &mut self,
        kind: SdpType,
        text: &str,
        lite: bool,
    ) -> Result<(), SetDescriptionError> {
        let waits = matches!(
            self.state,
            SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer
        );
        let offer = match &self.pending {
            Some(Pending::Local(offer)) if waits => offer.clone(),
            _ => {
                return Err(SetDescriptionError::InvalidState {
                    kind,
                    state: self.state,
                });
            }
        };
        let parsed: sdp::SessionDescription = text.parse()?;
        let answer = RemoteDescription::read(&parsed)?;
        if answer.sections.len() != offer.sections.len() {
            return Err(SetDescriptionError::Session(SessionFault::SectionCount {
                offer: offer.sections.len(),
                answer: answer.sections.len(),
            }));
        }
        for (index, (ours, theirs)) in offer.sections.iter().zip(&answer.sections).enumerate() {
            self.answered_section(index, ours, theirs)
                .map_err(|fault| answer.error(index, fault))?;
        }
        let accepted = |index: usize| {
            let section = answer.sections.get(index);
            section.is_some_and(|section| !section.rejected)
        };
        if let Some(index) = answer.tagged(accepted) {
            let settled = self
                .answered_transport(&parsed, index, &offer, &answer)
                .map_err(|fault| answer.error(index, fault))?;
            if settled.remote.lite && lite {
                return Err(SetDescriptionError::Session(SessionFault::BothLite));
            }
            self.settled = Some(settled);
        }
        self.texts.pending_remote = Some(SessionDescription {
            kind,
            sdp: text.to_owned(),
        });
        self.become_stable(kind, SignalingState::HaveRemotePranswer);
        Ok(())
    }

    /// The places that the session has keep their tags and media, unless they were free (RFC 3264 §8).
    fn check_places(&self, description: &RemoteDescription) -> Result<(), SetDescriptionError> {
        if description.sections.len() < self.slots.len() {
            return Err(SetDescriptionError::Session(
                SessionFault::SectionsVanished {
                    offer: description.sections.len(),
                    session: self.slots.len(),
                },
            ));
        }
        for (index, (slot, section)) in self.slots.iter().zip(&description.sections).enumerate() {
            if slot.free || section.rejected {
                continue;
            }
            if section.has_mid && slot.mid != section.mid {
                return Err(description.error(index, SectionFault::MidChanged));
            }
            if slot.kind != section.kind {
                return Err(description.error(index, SectionFault::MediaChanged));
            }
        }
        Ok(())
    }

    /// What to do with an offered m-line: the outer error refuses the whole offer, the inner one this m-line.
    fn offered_section(
        &mut self,
        index: usize,
        section: &RemoteSection,
        before: &[Outcome],
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Result<Outcome, SectionFault>, SectionFault> {
        let known = self.slots.get(index).filter(|slot| !slot.free);
        let known_transceiver = known.and_then(|slot| slot.transceiver);
        let known_mid = known
            .filter(|_| !section.has_mid)
            .map(|slot| slot.mid.clone());
        let mut slot = Slot {
            mid: known_mid.unwrap_or_else(|| section.mid.clone()),
            kind: section.kind,
            line: section.line.clone(),
            transceiver: known_transceiver,
            free: false,
        };
        let outcome = match section.kind {
            _ if section.rejected => {
                if let Some(transceiver) = known_transceiver.and_then(|id| self.transceiver_mut(id))
                {
                    transceiver.remote = None;
                }
                Err(SectionFault::UnknownMedia)
            }
            SectionKind::Unknown => Err(SectionFault::UnknownMedia),
            SectionKind::Media(_) if self.misses_cryptex(section) => Err(SectionFault::NoCryptex),
            _ if section.fault.is_some() => {
                Err(section.fault.unwrap_or(SectionFault::UnknownProtocol))
            }
            SectionKind::Application => {
                let second = before
                    .iter()
                    .any(|outcome| matches!(outcome, Outcome::Application));
                if second {
                    Err(SectionFault::SecondApplication)
                } else {
                    Ok(Outcome::Application)
                }
            }
            SectionKind::Media(_) => {
                let outcome = self.offered_media(section, known_transceiver, circumstances)?;
                if let Ok(Outcome::Media { transceiver, .. }) = &outcome {
                    slot.transceiver = Some(*transceiver);
                }
                outcome
            }
        };
        self.place_slot(index, slot);
        Ok(outcome)
    }

    fn offered_media(
        &mut self,
        section: &RemoteSection,
        known: Option<TransceiverId>,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Result<Outcome, SectionFault>, SectionFault> {
        let SectionKind::Media(kind) = section.kind else {
            return Ok(Err(SectionFault::UnknownMedia));
        };
        for codec in &section.codecs {
            self.numbers.payload_types.avoid(codec);
        }
        let configured = self.codecs.of(kind).to_vec();
        let mut common = 0_usize;
        for ours in &configured {
            if let Some(theirs) = section.codecs.iter().find(|theirs| ours.matches(theirs)) {
                self.numbers.payload_types.bind(&agreed(ours, theirs).0)?;
                common += 1;
            }
        }
        if common == 0 {
            return Ok(Err(SectionFault::NoCommonCodec));
        }
        let extensions = self.numbers.extensions.answer(kind, &section.extensions)?;
        let sends = section.direction.sends();
        let id = known
            .or_else(|| self.waiting_transceiver(section))
            .unwrap_or_else(|| {
                let init = TransceiverInit::default();
                let source = (circumstances.new_source)(&self.transceivers);
                let id = self.add_transceiver(kind, Direction::RecvOnly, init, source);
                if let Some(transceiver) = self.transceiver_mut(id) {
                    transceiver.made_by_offer = true;
                }
                id
            });
        if let Some(transceiver) = self.transceiver_mut(id) {
            if section.has_mid || transceiver.mid.is_none() {
                transceiver.mid = Some(section.mid.clone());
            }
            transceiver.remote = sends.then(|| section.source.clone());
        }
        Ok(Ok(Outcome::Media {
            transceiver: id,
            extensions,
        }))
    }

    /// A transceiver that `add_track` made and no m-line has (RFC 9429 §5.10): only where the peer receives.
    fn waiting_transceiver(&self, section: &RemoteSection) -> Option<TransceiverId> {
        let waits = |transceiver: &&Transceiver| {
            transceiver.takes_offers
                && transceiver.mid.is_none()
                && !transceiver.stopping
                && SectionKind::Media(transceiver.kind) == section.kind
        };
        let found = self.transceivers.iter().find(waits);
        found
            .filter(|_| section.direction.receives())
            .map(|transceiver| transceiver.id)
    }

    /// The DTLS role that was settled, if the pending offer leaves the association as it is.
    pub(crate) fn settled_role(&self) -> Option<dtls::Role> {
        let settled = self.settled.as_ref()?;
        let replaced = match &self.pending {
            Some(Pending::Remote {
                transport: Some(transport),
                ..
            }) => settled.remote.fingerprints != transport.fingerprints,
            _ => false,
        };
        (!replaced).then_some(settled.role)
    }

    /// Whether a description replaces the DTLS association: another certificate, which is in order only together with
    /// an ICE restart (RFC 8842 §5.5), because else nothing tells the two apart on the wire.
    fn replaces_association(&self, remote: &RemoteTransport) -> Result<bool, SectionFault> {
        let Some(settled) = &self.settled else {
            return Ok(false);
        };
        let replaces = settled.remote.fingerprints != remote.fingerprints;
        if replaces && settled.remote.ufrag == remote.ufrag {
            return Err(SectionFault::FingerprintChanged);
        }
        Ok(replaces)
    }

    /// RFC 8842 §5.5: a role that was settled stays as long as the association does.
    fn offered_transport(
        &self,
        description: &sdp::SessionDescription,
        index: usize,
    ) -> Result<RemoteTransport, SectionFault> {
        let transport = read_transport(description, index)?;
        if let Some(settled) = &self.settled
            && !self.replaces_association(&transport)?
        {
            let contradicts = match transport.setup {
                Some(Setup::Active) => settled.role == dtls::Role::Client,
                Some(Setup::Passive) => settled.role == dtls::Role::Server,
                Some(Setup::ActPass) | None => false,
            };
            if contradicts {
                return Err(SectionFault::Setup);
            }
        }
        Ok(transport)
    }

    fn answered_section(
        &mut self,
        index: usize,
        ours: &LocalSection,
        theirs: &RemoteSection,
    ) -> Result<(), SectionFault> {
        if theirs.has_mid && theirs.mid != ours.mid {
            return Err(SectionFault::MidChanged);
        }
        if theirs.line.media != ours.line.media {
            return Err(SectionFault::MediaChanged);
        }
        if theirs.rejected {
            self.free_slot(index);
            return Ok(());
        }
        if let Some(fault) = theirs.fault {
            return Err(fault);
        }
        if matches!(theirs.kind, SectionKind::Media(_)) && self.misses_cryptex(theirs) {
            return Err(SectionFault::NoCryptex);
        }
        match &ours.body {
            LocalBody::Rejected => Err(SectionFault::Revived),
            LocalBody::Application => Ok(()),
            LocalBody::Media(media) => self.answered_media(media, theirs),
        }
    }

    fn misses_cryptex(&self, section: &RemoteSection) -> bool {
        self.cryptex == srtp::Cryptex::Required && !section.cryptex
    }

    fn answered_media(
        &mut self,
        media: &LocalMedia,
        theirs: &RemoteSection,
    ) -> Result<(), SectionFault> {
        let mut send = Vec::new();
        let mut receive = Vec::new();
        for codec in &theirs.codecs {
            let Some(ours) = media.receive.iter().find(|ours| ours.matches(codec)) else {
                continue;
            };
            let (agreed_receive, agreed_send) = agreed(ours, codec);
            // Each side receives under its own numbers (RFC 3264 §6.1).
            let own = super::CodecParameters {
                payload_type: ours.payload_type,
                rtx_payload_type: ours.rtx_payload_type.and(codec.rtx_payload_type),
                ..agreed_receive
            };
            self.numbers.payload_types.bind(&own)?;
            receive.push(own);
            send.push(agreed_send);
        }
        if receive.is_empty() {
            return Err(SectionFault::NoCommonCodec);
        }
        let extensions = answered_extensions(&media.extensions, &theirs.extensions)?;
        let remote_allows = theirs.direction.reversed();
        let direction = media.direction.intersection(remote_allows);
        if let Some(transceiver) = self.transceiver_mut(media.transceiver) {
            transceiver.remote = direction.receives().then(|| theirs.source.clone());
            transceiver.negotiated = Some(Negotiated {
                direction,
                described: media.direction,
                offered_by_us: true,
                remote_allows,
                streams: media.source.streams.clone(),
                send,
                receive,
                extensions,
                reduced_size: media.reduced_size && theirs.reduced_size,
                cryptex: media.cryptex && theirs.cryptex,
            });
        }
        Ok(())
    }

    fn answered_transport(
        &self,
        description: &sdp::SessionDescription,
        index: usize,
        offer: &LocalDescription,
        answer: &RemoteDescription,
    ) -> Result<Settled, SectionFault> {
        let remote = read_transport(description, index)?;
        // RFC 8842 §5.3; without the attribute RFC 4145 §4 makes the answerer active.
        let role = match remote.setup {
            Some(Setup::Active) | None => dtls::Role::Server,
            Some(Setup::Passive) => dtls::Role::Client,
            Some(Setup::ActPass) => return Err(SectionFault::Setup),
        };
        if let Some(settled) = &self.settled
            && !self.replaces_association(&remote)?
            && settled.role != role
        {
            return Err(SectionFault::Setup);
        }
        let sctp = offer
            .sections
            .iter()
            .zip(&answer.sections)
            .filter(|(ours, theirs)| !ours.is_rejected() && !theirs.rejected)
            .find_map(|(_, theirs)| theirs.sctp.clone());
        Ok(Settled { remote, role, sctp })
    }
}

/// The offered extensions that the answer repeats, with their ids (RFC 8285 §6).
fn answered_extensions(
    offered: &[Extension],
    answered: &[Extension],
) -> Result<Vec<Extension>, SectionFault> {
    let mut agreed = Vec::new();
    for extension in answered {
        let Some(ours) = offered.iter().find(|ours| ours.uri == extension.uri) else {
            continue;
        };
        if ours.id != extension.id {
            return Err(SectionFault::ExtensionId);
        }
        agreed.push(Extension {
            direction: extension.direction.reversed(),
            ..ours.clone()
        });
    }
    Ok(agreed)
}
