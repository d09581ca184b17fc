use std::collections::{BTreeMap, BTreeSet};

use crate::attribute::{Fingerprint, Group, Setup};
use crate::limits::MAX_IDENTIFIER_BYTES;
use crate::section::{MediaKind, MediaSection};
use crate::text::is_token;
use crate::{SemanticError, SemanticErrorKind, SessionDescription};

impl SessionDescription {
    /// Checks what JSEP asks of a description before it is used (RFC 9429 §5.8).
    ///
    /// - mids are unique tokens of at most 255 bytes, `BUNDLE` groups name existing mids, and no mid is in
    ///   two of them (RFC 9143 §7);
    /// - in every section that is in use and of a protocol we speak, single values are well formed;
    /// - an extension identifier means one thing in a section, and in all sections of a bundle, whose packets
    ///   only differ once the extensions are read (RFC 8285 §6, RFC 9143 §9.2);
    /// - the section that owns the transport ([`transport_owners`](Self::transport_owners)) has ICE credentials and
    ///   at least one strong fingerprint;
    /// - sections of RTP multiplex RTCP.
    ///
    /// Rejected sections, unknown media kinds and unknown protocols are not checked: an answer refuses them
    /// with port 0. The cost is linear in the text.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), SemanticError> {
        let sections = self.mids()?;
        let owners = self.owners(&sections)?;
        let mut meanings = BTreeMap::new();
        for (media, owner) in self.media_sections().zip(owners) {
            if !is_served(&media) {
                continue;
            }
            check_transport(&media, &self.media(owner).unwrap_or(media))?;
            if !media.protocol().is_rtp() {
                media.sctp_port()?;
                media.max_message_size()?;
                continue;
            }
            if !media.rtcp_mux() {
                return Err(media.error("rtcp-mux", SemanticErrorKind::Missing));
            }
            media.simulcast()?;
            for extension in media.extensions()? {
                let meaning = (extension.uri, extension.attributes);
                let known = meanings.entry((owner, extension.id)).or_insert(meaning);
                if *known != meaning {
                    return Err(media.error("extmap", SemanticErrorKind::Duplicate));
                }
            }
        }
        Ok(())
    }

    /// Checks an answer against the offer: as many media sections, of the same kinds, protocols and mids, and
    /// a side chosen for DTLS (RFC 9429 §5.11, RFC 8842 §5.2).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate_answer_to(&self, offer: &Self) -> Result<(), SemanticError> {
        if self.media_count() != offer.media_count() {
            return Err(SemanticError::new(None, "m", SemanticErrorKind::Mismatch));
        }
        for (media, offered) in self.media_sections().zip(offer.media_sections()) {
            if media.kind() != offered.kind() || media.protocol() != offered.protocol() {
                return Err(media.error("m", SemanticErrorKind::Mismatch));
            }
            if media.mid().is_some() && offered.mid().is_some() && media.mid() != offered.mid() {
                return Err(media.error("mid", SemanticErrorKind::Mismatch));
            }
            if is_served(&media) && media.setup()? == Some(Setup::ActPass) {
                return Err(media.error("setup", SemanticErrorKind::NotAllowed));
            }
        }
        Ok(())
    }

    /// Checks a description against the one of the same side that it replaces: media sections never
    /// disappear, and in a section that stays what it was an extension keeps its identifier
    /// (RFC 9429 §5.2.2, RFC 8285 §6).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate_update_of(&self, previous: &Self) -> Result<(), SemanticError> {
        if self.media_count() < previous.media_count() {
            return Err(SemanticError::new(None, "m", SemanticErrorKind::Mismatch));
        }
        for (media, before) in self.media_sections().zip(previous.media_sections()) {
            let same = media.mid() == before.mid() && media.kind() == before.kind();
            if !same || media.is_rejected() || before.is_rejected() {
                continue;
            }
            check_extensions(&media, &before)?;
        }
        Ok(())
    }

    /// For each media section in order, the index of the section whose ICE and DTLS parameters it uses: of
    /// a `BUNDLE` group, the first section that is not rejected; else itself (RFC 9143 §7.1.3).
    ///
    /// # Errors
    /// Mids or `BUNDLE` groups are wrong, see [`validate`](Self::validate).
    pub fn transport_owners(&self) -> Result<Vec<usize>, SemanticError> {
        self.owners(&self.mids()?)
    }

    /// The section of each mid.
    fn mids(&self) -> Result<BTreeMap<&str, usize>, SemanticError> {
        let mut sections = BTreeMap::new();
        for media in self.media_sections() {
            let Some(attribute) = media.attribute("mid") else {
                continue;
            };
            let mid = attribute.value.unwrap_or_default();
            if !is_token(mid) || mid.len() > MAX_IDENTIFIER_BYTES {
                return Err(media.error("mid", SemanticErrorKind::Malformed));
            }
            if sections.insert(mid, media.index()).is_some() {
                return Err(media.error("mid", SemanticErrorKind::Duplicate));
            }
        }
        Ok(sections)
    }

    fn owners(&self, sections: &BTreeMap<&str, usize>) -> Result<Vec<usize>, SemanticError> {
        let mut owners: Vec<usize> = (0..self.media_count()).collect();
        let mut grouped = BTreeSet::new();
        for attribute in self
            .session()
            .attributes()
            .filter(|found| found.name == "group")
        {
            let error = |kind| SemanticError::new(None, "group", kind);
            let group = attribute.value.and_then(Group::parse);
            let group = group.ok_or_else(|| error(SemanticErrorKind::Malformed))?;
            if !group.is_bundle() {
                continue;
            }
            let mut owner = None;
            for mid in group.mids {
                let &index = sections
                    .get(mid)
                    .ok_or_else(|| error(SemanticErrorKind::UnknownMid))?;
                if !grouped.insert(index) {
                    return Err(error(SemanticErrorKind::Duplicate));
                }
                if self.media(index).is_none_or(|media| media.is_rejected()) {
                    continue;
                }
                let owner = *owner.get_or_insert(index);
                if let Some(place) = owners.get_mut(index) {
                    *place = owner;
                }
            }
        }
        Ok(owners)
    }
}

/// Whether an answer could accept the section.
fn is_served(media: &MediaSection<'_>) -> bool {
    let spoken = match media.kind() {
        MediaKind::Audio | MediaKind::Video => media.protocol().is_rtp(),
        MediaKind::Application => media.protocol().is_sctp(),
        MediaKind::Other(_) => false,
    };
    spoken && !media.is_rejected()
}

fn check_transport(
    media: &MediaSection<'_>,
    owner: &MediaSection<'_>,
) -> Result<(), SemanticError> {
    // What the section says itself must be well formed, even where the owner's word counts.
    media.ice_credentials()?;
    media.fingerprints()?;
    media.setup()?;
    if owner.ice_credentials()?.is_none() {
        return Err(owner.error("ice-ufrag", SemanticErrorKind::Missing));
    }
    let fingerprints = owner.fingerprints()?;
    if fingerprints.is_empty() {
        return Err(owner.error("fingerprint", SemanticErrorKind::Missing));
    }
    if !fingerprints.iter().any(Fingerprint::is_strong) {
        return Err(owner.error("fingerprint", SemanticErrorKind::TooWeak));
    }
    Ok(())
}

/// An identifier keeps its meaning and a meaning its identifier; both may appear and disappear.
fn check_extensions(
    media: &MediaSection<'_>,
    before: &MediaSection<'_>,
) -> Result<(), SemanticError> {
    let (mut by_id, mut by_meaning) = (BTreeMap::new(), BTreeMap::new());
    for old in before.extensions()? {
        by_id.insert(old.id, (old.uri, old.attributes));
        by_meaning.insert((old.uri, old.attributes), old.id);
    }
    for new in media.extensions()? {
        let meaning = (new.uri, new.attributes);
        let other_meaning = by_id.get(&new.id).is_some_and(|&old| old != meaning);
        let other_id = by_meaning.get(&meaning).is_some_and(|&old| old != new.id);
        if other_meaning || other_id {
            return Err(media.error("extmap", SemanticErrorKind::Mismatch));
        }
    }
    Ok(())
}
