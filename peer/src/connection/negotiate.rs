//! Descriptions and candidates, and what the machines learn from them.

use std::net::SocketAddr;
use std::time::Instant;

use ice::Candidate;

use super::{PeerConnection, media};
use crate::config::{AnswerSetup, MAX_EARLY_CANDIDATES};
use crate::data::Outlet;
use crate::error::{AddCandidateError, CreateDescriptionError, SetDescriptionError};
use crate::event::Event;
use crate::jsep::{
    Circumstances, Identity, Jsep, Rejection, SdpType, SessionDescription, Settled, SignalingState,
    Transceiver, candidate_count, with_candidates, without_candidates,
};

/// Candidates of both sides as text.
#[derive(Debug)]
pub(crate) struct Candidates {
    pub(super) local: Vec<String>,
    /// How many of them the peer was told, in a description or an event.
    pub(super) told: usize,
    complete: bool,
    told_complete: bool,
    /// Every server has answered, or was given up.
    pub(super) gathered: bool,
    /// The application was not told yet that all is gathered.
    pub(super) untold: bool,
    /// Every relay has an address, or was given up, or took too long.
    pub(super) relayed: bool,
    /// The peer's, before its credentials are known.
    early: Vec<String>,
    early_complete: bool,
}

impl Default for Candidates {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            told: 0,
            complete: false,
            told_complete: false,
            gathered: true,
            untold: false,
            relayed: true,
            early: Vec::new(),
            early_complete: false,
        }
    }
}

impl Candidates {
    /// Whether no more candidates of this side will come.
    const fn is_complete(&self) -> bool {
        self.complete && self.gathered && self.relayed
    }
}

impl PeerConnection {
    /// Makes an offer of all that was added (W3C `createOffer`). It holds the candidates of by now.
    pub fn create_offer(
        &mut self,
        now: Instant,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        if std::mem::take(&mut self.state.restart_ice) {
            self.restart_local_ice(now);
        }
        let mut draft = self.jsep.clone();
        let text = draft.create_offer(&self.identity(self.config.snap))?;
        self.jsep = draft;
        Ok(self.created(SdpType::Offer, &text))
    }

    /// Answers the peer's offer (W3C `createAnswer`). It holds the candidates of by now.
    pub fn create_answer(
        &mut self,
        now: Instant,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        if self.jsep.offers_restart() {
            self.restart_local_ice(now);
            self.jsep.note_restart();
        }
        let role = self.answer_role();
        let mut draft = self.jsep.clone();
        let offered = self.jsep.offered_init();
        let snap = self.config.snap && offered.is_some();
        if self.names.is_another_init(offered) {
            self.draw_successor();
        } else {
            self.names.successor = None;
        }
        let mut identity = self.identity(snap);
        if let Some(successor) = self.names.successor.as_ref().filter(|_| snap) {
            identity.sctp_init = Some(successor.init.as_str());
        }
        let text = draft.create_answer(&identity, role)?;
        self.jsep = draft;
        Ok(self.created(SdpType::Answer, &text))
    }

    /// Applies a description of this side (W3C `setLocalDescription`): the text that
    /// [`create_offer`](Self::create_offer) or [`create_answer`](Self::create_answer) returned last, give or take
    /// candidates, or an empty text for it, in which case it is created when it was not.
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), SetDescriptionError> {
        self.check_open()?;
        let kind = description.kind;
        if kind == SdpType::Rollback {
            return self.rollback(now);
        }
        let created_kind = match kind {
            SdpType::Pranswer => SdpType::Answer,
            kind => kind,
        };
        if description.sdp.is_empty() && self.jsep.created_text(created_kind).is_none() {
            let created = match created_kind {
                SdpType::Offer => self.create_offer(now),
                _ => self.create_answer(now),
            };
            created.map_err(|error| match error {
                CreateDescriptionError::Closed => SetDescriptionError::Closed,
                CreateDescriptionError::InvalidState(state) => {
                    SetDescriptionError::InvalidState { kind, state }
                }
                _ => SetDescriptionError::Modified,
            })?;
        }
        let bare = without_candidates(&description.sdp);
        let mut draft = self.jsep.clone();
        match kind {
            SdpType::Offer => draft.set_local_offer(&bare)?,
            kind => draft.set_local_answer(kind, &bare)?,
        }
        self.candidates.told = if bare.is_empty() {
            self.candidates.local.len()
        } else {
            candidate_count(&description.sdp)
        };
        self.candidates.told_complete =
            bare.is_empty() || description.sdp.contains("\na=end-of-candidates");
        self.adopt(now, draft);
        Ok(())
    }

    /// Applies a description of the peer (W3C `setRemoteDescription`). An offer in the middle of an offer of ours
    /// rolls that back.
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), SetDescriptionError> {
        self.check_open()?;
        let lite = self.config.ice_mode == ice::Mode::Lite;
        let mut draft = self.jsep.clone();
        match description.kind {
            SdpType::Rollback => return self.rollback(now),
            SdpType::Offer => {
                let rejections = self.offer_to(&mut draft, &description.sdp, lite)?;
                self.adopt_rejections(rejections);
            }
            kind => draft.set_remote_answer(kind, &description.sdp, lite)?,
        }
        self.adopt(now, draft);
        Ok(())
    }

    /// Cancels the exchange under way (W3C rollback): back to what the last answer settled.
    pub fn rollback(&mut self, now: Instant) -> Result<(), SetDescriptionError> {
        self.check_open()?;
        let mut draft = self.jsep.clone();
        draft.rollback()?;
        self.adopt(now, draft);
        Ok(())
    }

    /// Wants new ICE credentials in the next offer (W3C `restartIce`).
    pub fn restart_ice(&mut self, now: Instant) {
        if self.jsep.state == SignalingState::Closed {
            return;
        }
        self.state.restart_ice = true;
        self.settle(now);
        if self.jsep.state == SignalingState::Stable && !self.state.negotiation_needed {
            self.state.negotiation_needed = true;
            self.events.push(Event::NegotiationNeeded);
        }
    }

    /// Where the exchange of descriptions stands.
    pub const fn signaling_state(&self) -> SignalingState {
        self.jsep.state
    }

    /// This side's description, the pending one or else the current one, with the candidates of by now.
    pub fn local_description(&self) -> Option<SessionDescription> {
        let texts = &self.jsep.texts;
        let bare = texts
            .pending_local
            .as_ref()
            .or(texts.current_local.as_ref())?;
        Some(SessionDescription {
            kind: bare.kind,
            sdp: with_candidates(
                &bare.sdp,
                &self.candidates.local,
                self.candidates.is_complete(),
            ),
        })
    }

    /// The peer's description, the pending one or else the current one.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        let texts = &self.jsep.texts;
        texts
            .pending_remote
            .as_ref()
            .or(texts.current_remote.as_ref())
            .cloned()
    }

    /// Offers an address of this host to ICE: the address of a socket that the driver reads, never a wildcard.
    pub fn add_local_address(
        &mut self,
        now: Instant,
        address: SocketAddr,
    ) -> Result<(), AddCandidateError> {
        if self.state.closed {
            return Err(AddCandidateError::Closed);
        }
        self.add_local_candidate(now, Candidate::host(address))
    }

    /// Says that no more addresses follow: the peer is told the end of candidates.
    pub fn end_of_local_addresses(&mut self, now: Instant) {
        self.candidates.complete = true;
        self.tell_candidates();
        self.settle(now);
    }

    /// Takes a candidate of the peer (W3C `addIceCandidate`): the value of the attribute, with or without "a=" and
    /// "candidate:". The empty string is the end of candidates. A candidate that cannot be used harms nothing.
    pub fn add_ice_candidate(
        &mut self,
        now: Instant,
        candidate: &str,
    ) -> Result<(), AddCandidateError> {
        if self.state.closed {
            return Err(AddCandidateError::Closed);
        }
        let candidate = candidate.trim();
        let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
        let end = candidate.is_empty() || candidate == "end-of-candidates";
        if self.transport.remote_ufrag.is_none() || self.jsep.awaits_restart_answer() {
            if end {
                self.candidates.early_complete = true;
                return Ok(());
            }
            if self.candidates.early.len() >= MAX_EARLY_CANDIDATES {
                return Err(AddCandidateError::TooMany);
            }
            // Read now, so that the caller hears of a bad line now.
            candidate
                .parse::<Candidate>()
                .map_err(|_| AddCandidateError::Syntax)?;
            self.candidates.early.push(candidate.to_owned());
            return Ok(());
        }
        let added = if end {
            self.transport.ice.end_of_remote_candidates(now);
            Ok(())
        } else {
            self.add_remote_candidate(now, candidate)
        };
        let may_be_newer = added == Err(AddCandidateError::Stale)
            && self.jsep.awaits_answer()
            && self.candidates.early.len() < MAX_EARLY_CANDIDATES;
        if may_be_newer {
            // It may belong to the credentials of the answer to come.
            self.candidates.early.push(candidate.to_owned());
            return Ok(());
        }
        self.settle(now);
        added
    }

    /// The user fragment of this side: what arriving checks name.
    pub fn local_ufrag(&self) -> &str {
        &self.transport.ice.local_credentials().ufrag
    }

    fn check_open(&self) -> Result<(), SetDescriptionError> {
        if self.jsep.state == SignalingState::Closed {
            return Err(SetDescriptionError::Closed);
        }
        Ok(())
    }

    fn created(&mut self, kind: SdpType, text: &str) -> SessionDescription {
        self.names.session_version = self.names.session_version.wrapping_add(1);
        SessionDescription {
            kind,
            sdp: with_candidates(text, &self.candidates.local, self.candidates.is_complete()),
        }
    }

    /// What descriptions say about this side; with `snap` they hold our INIT.
    fn identity(&self, snap: bool) -> Identity<'_> {
        let credentials = self.transport.ice.local_credentials();
        Identity {
            session_id: &self.names.session_id,
            session_version: self.names.session_version,
            ufrag: &credentials.ufrag,
            pwd: &credentials.pwd,
            lite: self.config.ice_mode == ice::Mode::Lite,
            fingerprint: &self.transport.local_fingerprint,
            cname: &self.names.cname,
            // 0 is no limit (RFC 8841 §6).
            max_message_size: self.config.announced_message_size().unwrap_or(0),
            // An answer says it only to an offer that did.
            sped: self.wants_sped() && self.jsep.offered_sped().unwrap_or(true),
            renomination: self.config.ice_renomination,
            sctp_init: snap.then_some(self.names.sctp.init.as_str()),
        }
    }

    /// RFC 8842 §5.3: what the offer leaves open, the association or the configuration decides.
    fn answer_role(&self) -> dtls::Role {
        match self.jsep.offered_setup() {
            Some(sdp::Setup::Active) | None => dtls::Role::Server,
            Some(sdp::Setup::Passive) => dtls::Role::Client,
            Some(sdp::Setup::ActPass) => {
                let settled = self.jsep.settled_role();
                settled.unwrap_or(match (self.config.answer_setup, self.config.ice_mode) {
                    (AnswerSetup::Active, ice::Mode::Full) => dtls::Role::Client,
                    _ => dtls::Role::Server,
                })
            }
        }
    }

    fn offer_to(
        &mut self,
        draft: &mut Jsep,
        text: &str,
        lite: bool,
    ) -> Result<Vec<Rejection>, SetDescriptionError> {
        let random = &mut self.random;
        let mut new_source = |known: &[Transceiver]| media::new_source(random, known);
        let mut circumstances = Circumstances {
            lite,
            new_source: &mut new_source,
        };
        draft.set_remote_offer(text, &mut circumstances)
    }

    fn adopt_rejections(&mut self, rejections: Vec<Rejection>) {
        for Rejection { index, mid, fault } in rejections {
            self.events
                .push(Event::SectionRejected { index, mid, fault });
        }
    }

    /// Makes a draft the state, says what changed, and tells the machines what was settled.
    fn adopt(&mut self, now: Instant, draft: Jsep) {
        let before = std::mem::replace(&mut self.jsep, draft);
        self.report_tracks(&before);
        if before.state != self.jsep.state {
            self.events
                .push(Event::SignalingStateChanged(self.jsep.state));
        }
        let ended = !matches!(before.state, SignalingState::Stable)
            && matches!(
                self.jsep.state,
                SignalingState::Stable
                    | SignalingState::HaveLocalPranswer
                    | SignalingState::HaveRemotePranswer
            );
        if ended && let Some(settled) = self.jsep.settled.clone() {
            let offered = matches!(
                before.state,
                SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer
            );
            self.apply_settled(now, &settled, offered);
        }
        if self.jsep.state == SignalingState::Stable {
            self.state.negotiation_needed = false;
        }
        if self.jsep.state == SignalingState::HaveLocalOffer {
            self.offer_sped(now);
        }
        self.tell_candidates();
        self.settle(now);
        self.note_negotiation();
    }

    fn report_tracks(&mut self, before: &Jsep) {
        for transceiver in &self.jsep.transceivers {
            let old = before.transceiver(transceiver.id);
            let had = old.is_some_and(|old| old.remote.is_some());
            match (&transceiver.remote, had) {
                (Some(remote), false) => self.events.push(Event::TrackAdded {
                    transceiver: transceiver.id,
                    kind: transceiver.kind,
                    mid: transceiver.mid.clone().unwrap_or_default(),
                    streams: remote.streams.clone(),
                }),
                (None, true) => self.events.push(Event::TrackRemoved {
                    transceiver: transceiver.id,
                }),
                _ => {}
            }
        }
        for old in &before.transceivers {
            if old.remote.is_some() && self.jsep.transceiver(old.id).is_none() {
                self.events.push(Event::TrackRemoved {
                    transceiver: old.id,
                });
            }
        }
    }

    fn apply_settled(&mut self, now: Instant, settled: &Settled, offered: bool) {
        self.apply_ice(now, settled, offered);
        let known = self.transport.remote_fingerprints.as_ref();
        if known.is_some_and(|known| *known != settled.remote.fingerprints) {
            self.retire_association(now);
        }
        let init = settled.sctp.as_ref().and_then(|sctp| sctp.init.as_deref());
        if self.names.is_another_init(init) {
            self.replace_association();
        }
        let transport = &mut self.transport;
        if transport.remote_fingerprints.as_ref() != Some(&settled.remote.fingerprints) {
            transport.remote_fingerprints = Some(settled.remote.fingerprints.clone());
        }
        let seed = super::random_seed(&mut self.random);
        self.transport.take_role(now, settled.role, seed);
        self.agree_on_sped(now, settled.remote.sped);
        self.apply_media(now);
        self.derive_srtp_keys();
        self.start_association(now);
    }

    fn apply_ice(&mut self, now: Instant, settled: &Settled, offered: bool) {
        let remote = &settled.remote;
        let first = self.transport.remote_ufrag.is_none();
        let renomination = self.config.ice_renomination && remote.renomination;
        self.transport.ice.set_renomination(renomination);
        let renewed = self.transport.remote_ufrag.as_deref() != Some(remote.ufrag.as_str());
        if first {
            // RFC 8445 §6.1.1
            let role = match (self.config.ice_mode, remote.lite) {
                (ice::Mode::Full, true) => ice::Role::Controlling,
                (ice::Mode::Lite, _) => ice::Role::Controlled,
                (ice::Mode::Full, false) if offered => ice::Role::Controlling,
                (ice::Mode::Full, false) => ice::Role::Controlled,
            };
            self.transport.ice.set_role(now, role);
        }
        if renewed && let Ok(credentials) = ice::Credentials::new(&*remote.ufrag, &*remote.pwd) {
            let mode = if remote.lite {
                ice::Mode::Lite
            } else {
                ice::Mode::Full
            };
            self.transport
                .ice
                .set_remote_credentials(now, credentials, mode);
            self.transport.remote_ufrag = Some(remote.ufrag.clone());
        }
        let early = std::mem::take(&mut self.candidates.early);
        for candidate in remote.candidates.iter().chain(&early) {
            if let Err(reason) = self.add_remote_candidate(now, candidate) {
                log::debug!("a candidate is not used: {reason}");
            }
        }
        if remote.end_of_candidates || std::mem::take(&mut self.candidates.early_complete) {
            self.transport.ice.end_of_remote_candidates(now);
        }
    }

    fn add_remote_candidate(&mut self, now: Instant, text: &str) -> Result<(), AddCandidateError> {
        let candidate: Candidate = text.parse().map_err(|_| AddCandidateError::Syntax)?;
        let added = self.transport.ice.add_remote_candidate(now, candidate);
        self.relays.permit(&self.transport.ice);
        added.map_err(candidate_error)
    }

    /// Tells the candidates that no description held, once there is one that they belong to.
    pub(super) fn tell_candidates(&mut self) {
        let texts = &self.jsep.texts;
        if texts.pending_local.is_none() && texts.current_local.is_none() {
            return;
        }
        let candidates = &mut self.candidates;
        for candidate in candidates.local.iter().skip(candidates.told) {
            self.events.push(Event::IceCandidate(candidate.clone()));
        }
        candidates.told = candidates.local.len();
        if candidates.is_complete() && !std::mem::replace(&mut candidates.told_complete, true) {
            self.events.push(Event::IceCandidate(String::new()));
        }
    }

    fn restart_local_ice(&mut self, now: Instant) {
        self.transport.ice.restart(now);
        let ufrag = self.local_ufrag().to_owned();
        self.events.push(Event::LocalUfrag(ufrag));
        self.settle(now);
    }
}

pub(super) const fn candidate_error(error: ice::AddCandidateError) -> AddCandidateError {
    match error {
        ice::AddCandidateError::Generation => AddCandidateError::Stale,
        ice::AddCandidateError::TooMany => AddCandidateError::TooMany,
        ice::AddCandidateError::Closed => AddCandidateError::Closed,
        _ => AddCandidateError::Unusable,
    }
}
