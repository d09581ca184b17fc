//! Payload types and extension ids: which number means what, for the whole life of a session. A number that was
//! negotiated never gets another meaning (RFC 9429 §5.2.2, RFC 8843 §10).

use std::sync::Arc;

use rtp::{ExtensionUri, MediaKind, PayloadType};
use sdp::Direction;

use super::codecs::CodecParameters;
use super::transceiver::Extension;
use crate::error::SectionFault;

/// Which payload type stands for which codec.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayloadTypes {
    entries: Vec<PayloadTypeEntry>,
}

#[derive(Clone, Debug)]
struct PayloadTypeEntry {
    payload_type: PayloadType,
    meaning: Meaning,
    negotiated: bool,
}

#[derive(Clone, Debug)]
enum Meaning {
    Codec(CodecParameters),
    Retransmission(PayloadType),
    /// The peer uses it for something that we do not have.
    Foreign,
}

impl Meaning {
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Codec(a), Self::Codec(b)) => a.matches(b),
            (Self::Retransmission(a), Self::Retransmission(b)) => a == b,
            (Self::Foreign, Self::Foreign) => true,
            _ => false,
        }
    }
}

impl PayloadTypes {
    /// The codec with payload types for an offer of ours: those that it has already, else its favourites, else
    /// free ones. `None` when no number is left.
    pub(crate) fn assign(&mut self, codec: &CodecParameters) -> Option<CodecParameters> {
        let known = self.find(|meaning| matches!(meaning, Meaning::Codec(c) if c.matches(codec)));
        let payload_type = match known {
            Some(payload_type) => payload_type,
            None => {
                let free = self.free(codec.payload_type)?;
                self.insert(free, Meaning::Codec(codec.clone()), false);
                free
            }
        };
        let rtx_payload_type = codec
            .rtx_payload_type
            .and_then(|favourite| self.assign_rtx(payload_type, favourite));
        Some(CodecParameters {
            codec: Arc::clone(&codec.codec),
            payload_type,
            rtx_payload_type,
        })
    }

    fn assign_rtx(&mut self, of: PayloadType, favourite: PayloadType) -> Option<PayloadType> {
        let known = self.find(|meaning| matches!(meaning, Meaning::Retransmission(o) if *o == of));
        known.or_else(|| {
            let free = self.free(favourite)?;
            self.insert(free, Meaning::Retransmission(of), false);
            Some(free)
        })
    }

    /// Takes the peer's numbers for a codec that was agreed on.
    pub(crate) fn bind(&mut self, codec: &CodecParameters) -> Result<(), SectionFault> {
        self.settle(codec.payload_type, Meaning::Codec(codec.clone()))?;
        match codec.rtx_payload_type {
            Some(rtx) => self.settle(rtx, Meaning::Retransmission(codec.payload_type)),
            None => Ok(()),
        }
    }

    /// Remembers that the peer uses this number, so that we do not give it another meaning.
    pub(crate) fn avoid(&mut self, codec: &CodecParameters) {
        for payload_type in [Some(codec.payload_type), codec.rtx_payload_type]
            .into_iter()
            .flatten()
        {
            if !self
                .entries
                .iter()
                .any(|entry| entry.payload_type == payload_type)
            {
                self.insert(payload_type, Meaning::Foreign, false);
            }
        }
    }

    fn settle(&mut self, payload_type: PayloadType, meaning: Meaning) -> Result<(), SectionFault> {
        let known = self
            .entries
            .iter_mut()
            .find(|entry| entry.payload_type == payload_type);
        match known {
            Some(entry) if entry.negotiated && !entry.meaning.agrees(&meaning) => {
                Err(SectionFault::PayloadTypeChanged)
            }
            Some(entry) => {
                entry.meaning = meaning;
                entry.negotiated = true;
                Ok(())
            }
            None => {
                self.insert(payload_type, meaning, true);
                Ok(())
            }
        }
    }

    fn find(&self, is: impl Fn(&Meaning) -> bool) -> Option<PayloadType> {
        // What was negotiated comes first: the peer knows it.
        let of = |negotiated: bool| {
            self.entries
                .iter()
                .find(|entry| entry.negotiated == negotiated && is(&entry.meaning))
                .map(|entry| entry.payload_type)
        };
        of(true).or_else(|| of(false))
    }

    /// The favourite if nobody has it, else the first free dynamic one (RFC 3551 §6; 35 to 63 as browsers do).
    fn free(&self, favourite: PayloadType) -> Option<PayloadType> {
        let is_free = |payload_type: &PayloadType| {
            !self
                .entries
                .iter()
                .any(|entry| entry.payload_type == *payload_type)
        };
        std::iter::once(favourite)
            .chain((96..=127).chain(35..=63).filter_map(PayloadType::new))
            .find(is_free)
    }

    fn insert(&mut self, payload_type: PayloadType, meaning: Meaning, negotiated: bool) {
        // At most 128 entries: one for each number.
        self.entries.push(PayloadTypeEntry {
            payload_type,
            meaning,
            negotiated,
        });
    }
}

/// Which id stands for which header extension.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExtensionIds {
    /// Extensions of the application, beside those that are [`understood`].
    further: Arc<[(MediaKind, ExtensionUri)]>,
    entries: Vec<(u8, String)>,
    /// The peer's ids for extensions that we do not have.
    foreign: Vec<u8>,
}

impl ExtensionIds {
    /// No ids yet; `further` are negotiated for the application.
    pub(crate) fn new(further: Vec<(MediaKind, ExtensionUri)>) -> Self {
        Self {
            further: further.into(),
            ..Self::default()
        }
    }

    /// The URIs that are offered and answered for one medium.
    fn wanted(&self, kind: MediaKind) -> Vec<String> {
        let of_kind = self.further.iter().filter(|(of, _)| *of == kind);
        let own = understood(kind).iter().copied();
        let mut wanted: Vec<String> = Vec::new();
        for uri in own.chain(of_kind.map(|(_, uri)| uri.as_str())) {
            if !wanted.iter().any(|known| known == uri) {
                wanted.push(uri.to_owned());
            }
        }
        wanted
    }

    /// The extensions of an offer of ours for one medium.
    pub(crate) fn assign(&mut self, kind: MediaKind) -> Vec<Extension> {
        self.wanted(kind)
            .into_iter()
            .filter_map(|uri| {
                let id = self.id(&uri).or_else(|| self.free())?;
                self.settle(id, &uri).ok()?;
                Some(Extension {
                    id,
                    uri,
                    direction: Direction::SendRecv,
                })
            })
            .collect()
    }

    /// Those of the peer's extensions that we understand, as an answer repeats them.
    pub(crate) fn answer(
        &mut self,
        kind: MediaKind,
        offered: &[Extension],
    ) -> Result<Vec<Extension>, SectionFault> {
        let mut answered = Vec::new();
        let wanted = self.wanted(kind);
        for extension in offered {
            if !wanted.contains(&extension.uri) {
                if !self.foreign.contains(&extension.id) {
                    self.foreign.push(extension.id);
                }
                continue;
            }
            self.settle(extension.id, &extension.uri)?;
            answered.push(Extension {
                direction: extension.direction.reversed(),
                ..extension.clone()
            });
        }
        Ok(answered)
    }

    fn settle(&mut self, id: u8, uri: &str) -> Result<(), SectionFault> {
        let same = self
            .entries
            .iter()
            .find(|(known, name)| *known == id || name == uri);
        match same {
            Some((known, name)) if *known == id && name == uri => Ok(()),
            Some(_) => Err(SectionFault::ExtensionId),
            None => {
                self.entries.push((id, uri.to_owned()));
                Ok(())
            }
        }
    }

    fn id(&self, uri: &str) -> Option<u8> {
        let known = self.entries.iter().find(|(_, name)| name == uri);
        known.map(|(id, _)| *id)
    }

    /// The one-byte form has 1 to 14 (RFC 8285 §4.2).
    fn free(&self) -> Option<u8> {
        (1..=14).find(|id| {
            !self.foreign.contains(id) && !self.entries.iter().any(|(known, _)| known == id)
        })
    }
}

/// The URIs that the session acts on or hands to the application for one medium.
pub(crate) fn understood(kind: MediaKind) -> &'static [&'static str] {
    match kind {
        MediaKind::Audio => &[MID, AUDIO_LEVEL],
        MediaKind::Video => &[MID],
    }
}

/// Which m-line a packet belongs to (RFC 9143 §15).
pub(crate) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// How loud a packet is (RFC 6464); handed to the application.
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::Codecs;

    fn number(codec: &CodecParameters) -> u8 {
        codec.payload_type.get()
    }

    #[test]
    fn a_codec_keeps_the_number_that_the_peer_gave_it() {
        let vp8 = Codecs::browser_default().video.remove(0);
        let mut types = PayloadTypes::default();
        let theirs = CodecParameters::video(120, 124, "VP8", "max-fs=12288");
        types.bind(&theirs).unwrap();
        let ours = types.assign(&vp8).unwrap();
        assert_eq!(number(&ours), 120);
        assert_eq!(ours.rtx_payload_type.map(PayloadType::get), Some(124));
    }

    #[test]
    fn a_favourite_that_is_taken_gives_way() {
        let codecs = Codecs::browser_default();
        let mut types = PayloadTypes::default();
        types.avoid(&CodecParameters::video(96, 97, "H265", ""));
        let ours = types.assign(&codecs.video[0]).unwrap();
        assert_eq!(number(&ours), 98);
        assert_eq!(ours.rtx_payload_type.map(PayloadType::get), Some(99));
    }

    #[test]
    fn a_negotiated_number_keeps_its_meaning() {
        let mut types = PayloadTypes::default();
        types
            .bind(&CodecParameters::video(96, 97, "VP8", ""))
            .unwrap();
        types
            .bind(&CodecParameters::video(96, 97, "VP8", "max-fs=1"))
            .unwrap();
        let other = types.bind(&CodecParameters::video(96, 97, "VP9", ""));
        assert_eq!(other, Err(SectionFault::PayloadTypeChanged));
    }

    #[test]
    fn numbers_run_out_without_a_panic() {
        let mut types = PayloadTypes::default();
        let assigned = (0..200)
            .filter_map(|n| types.assign(&CodecParameters::audio(0, &format!("x{n}"), 8_000, 1)))
            .count();
        assert_eq!(assigned, 62);
    }

    #[test]
    fn extension_ids_are_echoed_and_never_change() {
        let extension = |id, uri: &str| Extension {
            id,
            uri: uri.to_owned(),
            direction: Direction::SendRecv,
        };
        let mut ids = ExtensionIds::default();
        let offered = [extension(4, MID), extension(1, "urn:example:other")];
        let answered = ids.answer(MediaKind::Video, &offered).unwrap();
        assert_eq!(answered, [extension(4, MID)]);
        let ours = ids.assign(MediaKind::Audio);
        assert_eq!(ours, [extension(4, MID), extension(2, AUDIO_LEVEL)]);
        let changed = ids.answer(MediaKind::Video, &[extension(5, MID)]);
        assert_eq!(changed, Err(SectionFault::ExtensionId));
        let reused = ids.answer(MediaKind::Audio, &[extension(4, AUDIO_LEVEL)]);
        assert_eq!(reused, Err(SectionFault::ExtensionId));
    }
}
