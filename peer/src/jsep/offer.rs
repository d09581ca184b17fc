//! Our offers (RFC 9429 §5.2).

use std::collections::VecDeque;

use sdp::Setup;

use super::section::{Line, LocalBody, LocalDescription, LocalMedia, LocalSection};
use super::transceiver::Transceiver;
use super::{
    Created, Identity, Jsep, Numbers, Pending, SdpType, SectionKind, SessionDescription,
    SignalingState, Slot,
};
use crate::error::{CreateDescriptionError, SetDescriptionError};

impl Jsep {
    /// Makes an offer of all that is there and wanted.
    pub(crate) fn create_offer(
        &mut self,
        identity: &Identity<'_>,
    ) -> Result<String, CreateDescriptionError> {
        match self.state {
            SignalingState::Stable | SignalingState::HaveLocalOffer => {}
            SignalingState::Closed => return Err(CreateDescriptionError::Closed),
            state => return Err(CreateDescriptionError::InvalidState(state)),
        }
        let mut numbers = self.numbers.clone();
        let mut sections = self.known_sections(&mut numbers);
        self.new_sections(&mut numbers, &mut sections);
        if sections.is_empty() {
            return Err(CreateDescriptionError::Nothing);
        }
        let description = LocalDescription {
            setup: Setup::ActPass,
            bundled: true,
            sections,
        };
        let text = identity.write(&description)?;
        self.created = Some(Box::new(Created {
            kind: SdpType::Offer,
            text: text.clone(),
            description,
            numbers,
        }));
        Ok(text)
    }

    /// Makes an offer that was created the pending one.
    pub(crate) fn set_local_offer(&mut self, text: &str) -> Result<(), SetDescriptionError> {
        if !matches!(
            self.state,
            SignalingState::Stable | SignalingState::HaveLocalOffer
        ) {
            return Err(SetDescriptionError::InvalidState {
                kind: SdpType::Offer,
                state: self.state,
            });
        }
        let created = self.take_created(SdpType::Offer, text)?;
        self.remember_stable();
        self.numbers = created.numbers;
        for (index, section) in created.description.sections.iter().enumerate() {
            let id = match &section.body {
                LocalBody::Media(media) => Some(media.transceiver),
                LocalBody::Rejected | LocalBody::Application => None,
            };
            let known = self.slots.get(index);
            if section.is_rejected() && known.is_some() {
                continue;
            }
            self.place_slot(
                index,
                Slot {
                    mid: section.mid.clone(),
                    kind: section.kind(),
                    line: section.line.clone(),
                    transceiver: id,
                    free: false,
                },
            );
            if let Some(transceiver) = id.and_then(|id| self.transceiver_mut(id)) {
                transceiver.mid = Some(section.mid.clone());
            }
        }
        self.pending = Some(Pending::Local(created.description));
        self.texts.pending_local = Some(SessionDescription::offer(created.text));
        self.state = SignalingState::HaveLocalOffer;
        Ok(())
    }

    pub(super) fn take_created(
        &mut self,
        kind: SdpType,
        text: &str,
    ) -> Result<Created, SetDescriptionError> {
        let created = self.created.take();
        created
            .filter(|created| created.kind == kind && (text.is_empty() || created.text == text))
            .map(|created| *created)
            .ok_or(SetDescriptionError::Modified)
    }

    /// The text of the created description of this kind, if there is one.
    pub(crate) fn created_text(&self, kind: SdpType) -> Option<&str> {
        let created = self
            .created
            .as_ref()
            .filter(|created| created.kind == kind)?;
        Some(&created.text)
    }

    /// The m-lines that the session has, each in its place.
    fn known_sections(&self, numbers: &mut Numbers) -> Vec<LocalSection> {
        let mut sections = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let transceiver = slot.transceiver.and_then(|id| self.transceiver(id));
            let section = match transceiver {
                _ if slot.free => None,
                _ if slot.kind == SectionKind::Application => Some(application(slot)),
                Some(transceiver) if !transceiver.stopping => {
                    self.media(transceiver, &slot.mid, numbers)
                }
                _ => None,
            };
            sections.push(section.unwrap_or_else(|| rejected(slot)));
        }
        sections
    }

    /// The m-lines that the session does not have yet: in places that are free, then at the end.
    fn new_sections(&self, numbers: &mut Numbers, sections: &mut Vec<LocalSection>) {
        let mut free: VecDeque<usize> = (0..self.slots.len())
            .filter(|&index| self.slots.get(index).is_some_and(|slot| slot.free))
            .collect();
        let mut place = |section: LocalSection| {
            let recycled = free.pop_front().and_then(|index| sections.get_mut(index));
            match recycled {
                Some(place) => *place = section,
                None => sections.push(section),
            }
        };
        for transceiver in &self.transceivers {
            if transceiver.mid.is_none() && !transceiver.stopping {
                let mid = self.new_mid(numbers);
                if let Some(section) = self.media(transceiver, &mid, numbers) {
                    place(section);
                }
            }
        }
        let has_data = self
            .slots
            .iter()
            .any(|slot| slot.kind == SectionKind::Application && !slot.free);
        if self.wants_data && !has_data {
            let mid = self.new_mid(numbers);
            place(LocalSection {
                mid,
                has_mid: true,
                line: Line {
                    media: "application".to_owned(),
                    protocol: "UDP/DTLS/SCTP".to_owned(),
                    formats: "webrtc-datachannel".to_owned(),
                },
                body: LocalBody::Application,
            });
        }
    }

    fn media(
        &self,
        transceiver: &Transceiver,
        mid: &str,
        numbers: &mut Numbers,
    ) -> Option<LocalSection> {
        let receive = self
            .preferred(transceiver)
            .filter_map(|codec| {
                // What this m-line negotiated stays as it is.
                let known = transceiver
                    .receive_codecs()
                    .iter()
                    .find(|known| known.matches(codec));
                known
                    .cloned()
                    .or_else(|| numbers.payload_types.assign(codec))
            })
            .collect::<Vec<_>>();
        if receive.is_empty() {
            return None; // the payload types are used up
        }
        Some(LocalSection {
            mid: mid.to_owned(),
            has_mid: true,
            line: Line {
                media: transceiver.kind.as_str().to_owned(),
                protocol: "UDP/TLS/RTP/SAVPF".to_owned(),
                // For the day when the place is rejected; until then the codecs are the formats.
                formats: "0".to_owned(),
            },
            body: LocalBody::Media(Box::new(LocalMedia {
                transceiver: transceiver.id,
                kind: transceiver.kind,
                direction: transceiver.direction,
                receive,
                send: Vec::new(),
                extensions: numbers.extensions.assign(transceiver.kind),
                reduced_size: true,
                cryptex: self.cryptex != srtp::Cryptex::Disabled,
                source: transceiver.source.clone(),
            })),
        })
    }

    fn new_mid(&self, numbers: &mut Numbers) -> String {
        loop {
            let mid = numbers.next_mid.to_string();
            numbers.next_mid = numbers.next_mid.wrapping_add(1);
            if !self.slots.iter().any(|slot| slot.mid == mid) {
                return mid;
            }
        }
    }
}

fn application(slot: &Slot) -> LocalSection {
    LocalSection {
        mid: slot.mid.clone(),
        has_mid: true,
        line: slot.line.clone(),
        body: LocalBody::Application,
    }
}

/// A place that stays empty (RFC 9429 §5.2.2).
fn rejected(slot: &Slot) -> LocalSection {
    LocalSection {
        body: LocalBody::Rejected,
        ..application(slot)
    }
}
