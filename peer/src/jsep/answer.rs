//! Our answers (RFC 9429 §5.3).

use std::sync::Arc;

use rtp::Feedback;
use sdp::Setup;

use super::codecs::CodecParameters;
use super::read::RemoteDescription;
use super::section::{LocalBody, LocalDescription, LocalMedia, LocalSection, RemoteSection};
use super::transceiver::{Extension, Negotiated, Transceiver};
use super::{
    Created, Identity, Jsep, Outcome, Pending, RemoteTransport, SdpType, SessionDescription,
    Settled, SignalingState, TransceiverId,
};
use crate::error::{CreateDescriptionError, SetDescriptionError};

impl Jsep {
    /// Answers the pending remote offer. `role` is the DTLS role that an association in use has already.
    pub(crate) fn create_answer(
        &mut self,
        identity: &Identity<'_>,
        role: dtls::Role,
    ) -> Result<String, CreateDescriptionError> {
        let Some(Pending::Remote {
            description,
            outcomes,
            ..
        }) = &self.pending
        else {
            return Err(match self.state {
                SignalingState::Closed => CreateDescriptionError::Closed,
                state => CreateDescriptionError::InvalidState(state),
            });
        };
        let sections = description
            .sections
            .iter()
            .zip(outcomes)
            .map(|(section, outcome)| self.answer_section(section, outcome))
            .collect();
        let answer = LocalDescription {
            setup: match role {
                dtls::Role::Client => Setup::Active,
                dtls::Role::Server => Setup::Passive,
            },
            bundled: description.bundled,
            sections,
        };
        let text = identity.write(&answer)?;
        self.created = Some(Box::new(Created {
            kind: SdpType::Answer,
            text: text.clone(),
            description: answer,
            numbers: self.numbers.clone(),
        }));
        Ok(text)
    }

    /// Makes an answer that was created the end of the exchange (or, as a provisional one, a step towards it).
    pub(crate) fn set_local_answer(
        &mut self,
        kind: SdpType,
        text: &str,
    ) -> Result<(), SetDescriptionError> {
        let invalid = SetDescriptionError::InvalidState {
            kind,
            state: self.state,
        };
        if !matches!(
            self.state,
            SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer
        ) {
            return Err(invalid);
        }
        let created = self.take_created(SdpType::Answer, text)?;
        let Some(Pending::Remote {
            description,
            transport,
            ..
        }) = self.pending.clone()
        else {
            return Err(invalid);
        };
        for (index, section) in created.description.sections.iter().enumerate() {
            let remote = description.sections.get(index);
            match (&section.body, remote) {
                (LocalBody::Rejected, _) | (_, None) => self.free_slot(index),
                (LocalBody::Media(media), Some(remote)) => self.settle_media(media, remote),
                (LocalBody::Application, _) => {}
            }
        }
        self.settle_transport(&created.description, &description, transport);
        self.texts.pending_local = Some(SessionDescription {
            kind,
            sdp: created.text,
        });
        self.become_stable(kind, SignalingState::HaveLocalPranswer);
        Ok(())
    }

    fn answer_section(&self, section: &RemoteSection, outcome: &Outcome) -> LocalSection {
        let body = match outcome {
            Outcome::Rejected => LocalBody::Rejected,
            Outcome::Application => LocalBody::Application,
            Outcome::Media {
                transceiver,
                extensions,
            } => self
                .answer_media(*transceiver, extensions, section)
                .map_or(LocalBody::Rejected, |media| {
                    LocalBody::Media(Box::new(media))
                }),
        };
        LocalSection {
            mid: section.mid.clone(),
            has_mid: section.has_mid,
            line: section.line.clone(),
            body,
        }
    }

    fn answer_media(
        &self,
        id: TransceiverId,
        extensions: &[Extension],
        section: &RemoteSection,
    ) -> Option<LocalMedia> {
        let transceiver = self
            .transceiver(id)
            .filter(|transceiver| !transceiver.stopping)?;
        let common = self.common(transceiver, section);
        if common.is_empty() {
            return None;
        }
        let (receive, send) = common.into_iter().unzip();
        Some(LocalMedia {
            transceiver: id,
            kind: transceiver.kind,
            direction: transceiver
                .direction
                .intersection(section.direction.reversed()),
            receive,
            send,
            extensions: extensions.to_vec(),
            reduced_size: section.reduced_size,
            cryptex: section.cryptex && self.cryptex != srtp::Cryptex::Disabled,
            source: transceiver.source.clone(),
        })
    }

    /// The codecs that both sides have, ours as we receive it and theirs as we send it, both with the offer's
    /// payload types (RFC 3264 §6.1), in our order.
    pub(super) fn common(
        &self,
        transceiver: &Transceiver,
        section: &RemoteSection,
    ) -> Vec<(CodecParameters, CodecParameters)> {
        self.preferred(transceiver)
            .filter_map(|ours| {
                let theirs = section.codecs.iter().find(|theirs| ours.matches(theirs))?;
                let (mut receive, send) = agreed(ours, theirs);
                receive.set_fmtp(ours.codec.answer_parameters(&theirs.codec)?);
                Some((receive, send))
            })
            .collect()
    }

    /// The configured codecs that a transceiver wants, best first.
    pub(super) fn preferred<'a>(
        &'a self,
        transceiver: &'a Transceiver,
    ) -> impl Iterator<Item = &'a CodecParameters> {
        let configured = self.codecs.of(transceiver.kind);
        let all = transceiver.preferences.is_empty();
        let chosen = transceiver.preferences.iter().flat_map(move |name| {
            configured
                .iter()
                .filter(move |codec| codec.name().eq_ignore_ascii_case(name))
        });
        configured.iter().filter(move |_| all).chain(chosen)
    }

    fn settle_media(&mut self, media: &LocalMedia, remote: &RemoteSection) {
        let remote_allows = remote.direction.reversed();
        let Some(transceiver) = self.transceiver_mut(media.transceiver) else {
            return;
        };
        transceiver.negotiated = Some(Negotiated {
            direction: media.direction,
            described: media.direction,
            offered_by_us: false,
            remote_allows,
            streams: media.source.streams.clone(),
            send: media.send.clone(),
            receive: media.receive.clone(),
            extensions: media.extensions.clone(),
            reduced_size: media.reduced_size,
            cryptex: media.cryptex,
        });
    }

    fn settle_transport(
        &mut self,
        answer: &LocalDescription,
        offer: &RemoteDescription,
        transport: Option<RemoteTransport>,
    ) {
        let Some(remote) = transport else {
            return;
        };
        let sctp = answer
            .sections
            .iter()
            .zip(&offer.sections)
            .filter(|(ours, _)| !ours.is_rejected())
            .find_map(|(_, theirs)| theirs.sctp.clone());
        self.settled = Some(Settled {
            remote,
            role: match answer.setup {
                Setup::Passive => dtls::Role::Server,
                Setup::Active | Setup::ActPass => dtls::Role::Client,
            },
            sctp,
        });
    }
}

/// Ours with the peer's payload types, and the peer's with what we have of its extras.
pub(super) fn agreed(
    ours: &CodecParameters,
    theirs: &CodecParameters,
) -> (CodecParameters, CodecParameters) {
    let feedback: Vec<Feedback> = ours
        .codec
        .feedback
        .iter()
        .filter(|feedback| theirs.codec.feedback.contains(feedback))
        .cloned()
        .collect();
    let rtx_payload_type = ours.rtx_payload_type.and(theirs.rtx_payload_type);
    let with = |codec: &CodecParameters| {
        let mut codec = codec.clone();
        codec.set_feedback(&feedback);
        codec.payload_type = theirs.payload_type;
        codec.rtx_payload_type = rtx_payload_type;
        codec
    };
    let (receive, mut send) = (with(ours), with(theirs));
    if send.codec == receive.codec {
        send.codec = Arc::clone(&receive.codec);
    }
    (receive, send)
}
