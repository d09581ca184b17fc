//! From the text of a remote description to what it means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::BTreeSet;
use std::sync::Arc;

use rtp::{Codec, Feedback, MediaKind, MimeType, PayloadType};
use sdp::{MediaSection, SessionDescription};

use super::codecs::CodecParameters;
use super::section::{
    Line, RENOMINATION_OPTION, RemoteSection, RemoteTransport, SPED_OPTIONS, SctpParameters,
    SectionKind,
};
use super::transceiver::{Extension, RemoteSource};
use crate::config::MAX_SECTIONS;
use crate::error::{SectionFault, SessionFault, SetDescriptionError};

/// The m-lines of a remote description, and which of them share the transport.
#[derive(Clone, Debug)]
pub(crate) struct RemoteDescription {
    pub(crate) sections: Vec<RemoteSection>,
    /// Indices of the BUNDLE group in its order; of a single m-line without a group its own.
    bundle: Vec<usize>,
    /// Whether there is a group.
    pub(crate) bundled: bool,
}

impl RemoteDescription {
    /// Reads and checks what does not depend on the session.
    pub(crate) fn read(description: &SessionDescription) -> Result<Self, SetDescriptionError> {
        let count = description.media_count();
        if count == 0 {
            return Err(SetDescriptionError::Session(SessionFault::Empty));
        }
        if count > MAX_SECTIONS {
            return Err(SetDescriptionError::Session(SessionFault::TooManySections(
                count,
            )));
        }
        let mut sections = Vec::with_capacity(count);
        let mut mids = BTreeSet::new();
        for media in description.media_sections() {
            let section = read_section(&media)?;
            if section.has_mid && (!is_mid(&section.mid) || !mids.insert(section.mid.clone())) {
                return Err(section_error(&section, media.index(), SectionFault::Mid));
            }
            sections.push(section);
        }
        for section in sections.iter_mut().filter(|section| !section.has_mid) {
            while !mids.insert(section.mid.clone()) {
                section.mid.push('-');
            }
        }
        let bundle = read_bundle(description, &sections)?;
        let bundled = description.session().bundle_groups().next().is_some();
        Ok(Self {
            sections,
            bundle,
            bundled,
        })
    }

    /// The m-line whose transport all accepted ones use: the first accepted one of the BUNDLE group
    /// (RFC 9143 §7.3.1).
    pub(crate) fn tagged(&self, accepted: impl Fn(usize) -> bool) -> Option<usize> {
        self.bundle.iter().copied().find(|&index| accepted(index))
    }

    /// An error of the m-line at `index`.
    pub(crate) fn error(&self, index: usize, fault: SectionFault) -> SetDescriptionError {
        let mid = self.sections.get(index).map(tag).unwrap_or_default();
        SetDescriptionError::Section { index, mid, fault }
    }
}

/// What the m-line at `index` says of its transport.
pub(crate) fn read_transport(
    description: &SessionDescription,
    index: usize,
) -> Result<RemoteTransport, SectionFault> {
    let media = description.media(index).ok_or(SectionFault::Attribute)?;
    let credentials = media
        .ice_credentials()
        .map_err(|_| SectionFault::IceCredentials)?
        .ok_or(SectionFault::NoIceCredentials)?;
    let given = media
        .fingerprints()
        .map_err(|_| SectionFault::Fingerprint)?;
    if given.is_empty() {
        return Err(SectionFault::NoFingerprint);
    }
    let fingerprints = media
        .deciding_fingerprints()
        .map_err(|_| SectionFault::Fingerprint)?
        .iter()
        .filter_map(|fingerprint| {
            format!("{} {}", fingerprint.hash, fingerprint.value)
                .parse()
                .ok()
        })
        .collect::<Vec<dtls::Fingerprint>>();
    if fingerprints.is_empty() {
        return Err(SectionFault::Fingerprint);
    }
    Ok(RemoteTransport {
        ufrag: credentials.ufrag.to_owned(),
        pwd: credentials.pwd.to_owned(),
        lite: description.session().is_ice_lite(),
        fingerprints,
        setup: media.setup().map_err(|_| SectionFault::Setup)?,
        candidates: media.candidates().map(str::to_owned).collect(),
        end_of_candidates: media.end_of_candidates(),
        sped: media
            .ice_options()
            .any(|option| SPED_OPTIONS.contains(&option)),
        renomination: media
            .ice_options()
            .any(|option| option == RENOMINATION_OPTION),
    })
}

fn read_section(media: &MediaSection<'_>) -> Result<RemoteSection, SetDescriptionError> {
    let kind = match media.kind() {
        sdp::MediaKind::Audio => SectionKind::Media(MediaKind::Audio),
        sdp::MediaKind::Video => SectionKind::Media(MediaKind::Video),
        sdp::MediaKind::Application => SectionKind::Application,
        _ => SectionKind::Unknown,
    };
    let protocol_fits = match kind {
        SectionKind::Media(_) => media.protocol().is_rtp(),
        SectionKind::Application => media.protocol().is_sctp(),
        SectionKind::Unknown => true,
    };
    let fault = match kind {
        SectionKind::Unknown => Some(SectionFault::UnknownMedia),
        _ if !protocol_fits => Some(SectionFault::UnknownProtocol),
        _ => None,
    };
    let mut section = RemoteSection {
        mid: media
            .mid()
            .map_or_else(|| media.index().to_string(), str::to_owned),
        has_mid: media.mid().is_some(),
        kind,
        line: Line {
            media: media.kind().as_str().to_owned(),
            protocol: media.protocol().as_str().to_owned(),
            formats: media.formats().collect::<Vec<_>>().join(" "),
        },
        rejected: media.is_rejected(),
        fault,
        direction: media.direction(),
        codecs: Vec::new(),
        extensions: Vec::new(),
        reduced_size: media.rtcp_rsize(),
        cryptex: media.cryptex(),
        source: RemoteSource::default(),
        sctp: None,
    };
    // An answer repeats the words of the m-line, so they must be ones that can be written.
    let Line {
        media: name,
        protocol,
        formats,
    } = &section.line;
    if formats.is_empty()
        || [name, protocol, formats]
            .iter()
            .any(|text| text.contains(char::is_control))
    {
        return Err(section_error(
            &section,
            media.index(),
            SectionFault::Attribute,
        ));
    }
    if !section.rejected && fault.is_none() {
        read_body(media, &mut section)
            .map_err(|fault| section_error(&section, media.index(), fault))?;
    }
    Ok(section)
}

fn read_body(media: &MediaSection<'_>, section: &mut RemoteSection) -> Result<(), SectionFault> {
    match section.kind {
        SectionKind::Media(kind) => {
            if !media.rtcp_mux() {
                return Err(SectionFault::NoRtcpMux);
            }
            section.codecs = read_codecs(media, kind);
            section.extensions = read_extensions(media)?;
            section.source = read_source(media);
        }
        SectionKind::Application => {
            section.sctp = Some(SctpParameters {
                port: media
                    .sctp_port()
                    .map_err(|_| SectionFault::SctpPort)?
                    .ok_or(SectionFault::SctpPort)?,
                max_message_size: read_max_message_size(media)?,
                init: read_init(media),
            });
        }
        SectionKind::Unknown => {}
    }
    Ok(())
}

/// RFC 8841 §6: absent means 64 KiB, 0 means no limit.
fn read_max_message_size(media: &MediaSection<'_>) -> Result<usize, SectionFault> {
    let size = media
        .max_message_size()
        .map_err(|_| SectionFault::Attribute)?;
    Ok(match size {
        None => 65_536,
        Some(0) => usize::MAX,
        Some(size) => usize::try_from(size).unwrap_or(usize::MAX),
    })
}

/// The peer's INIT chunk (SNAP), at most 2 KiB of text.
fn read_init(media: &MediaSection<'_>) -> Option<Vec<u8>> {
    let text = media
        .sctp_init()
        .filter(|text| text.len() <= MAX_INIT_TEXT)?;
    BASE64.decode(text).ok()
}

fn read_codecs(media: &MediaSection<'_>, kind: MediaKind) -> Vec<CodecParameters> {
    let described = media.codecs();
    let retransmits = |payload_type: u8| {
        described
            .iter()
            .filter(|codec| codec.is("rtx"))
            .find(|codec| codec.associated_payload_type() == Some(payload_type))
            .and_then(|codec| PayloadType::new(codec.payload_type))
    };
    described
        .iter()
        .filter(|codec| !codec.is("rtx"))
        .filter_map(|codec| {
            Some(CodecParameters {
                codec: Arc::new(Codec {
                    mime: MimeType::new(kind, codec.name),
                    clock_rate: codec.clock_rate,
                    channels: codec.channels,
                    fmtp: codec.fmtp.unwrap_or_default().to_owned(),
                    feedback: codec
                        .feedback
                        .iter()
                        .map(|feedback| Feedback::new(&feedback.to_string()))
                        .collect(),
                }),
                payload_type: PayloadType::new(codec.payload_type)?,
                rtx_payload_type: retransmits(codec.payload_type),
            })
        })
        .collect()
}

fn read_extensions(media: &MediaSection<'_>) -> Result<Vec<Extension>, SectionFault> {
    let extensions = media.extensions().map_err(|_| SectionFault::ExtensionId)?;
    Ok(extensions
        .iter()
        .map(|extension| Extension {
            id: extension.id,
            uri: extension.uri.to_owned(),
            direction: extension.direction.unwrap_or_default(),
        })
        .collect())
}

fn read_source(media: &MediaSection<'_>) -> RemoteSource {
    let mut streams: Vec<String> = Vec::new();
    for msid in media.msids() {
        if let Some(stream) = msid.stream
            && !streams.iter().any(|known| known == stream)
        {
            streams.push(stream.to_owned());
        }
    }
    let rtx: Vec<(u32, u32)> = media
        .source_groups()
        .filter(|group| group.semantics == "FID")
        .filter_map(|group| match group.ssrcs.as_slice() {
            &[media, rtx] => Some((media, rtx)),
            _ => None,
        })
        .collect();
    let ssrcs = media
        .sources()
        .iter()
        .map(|source| source.ssrc)
        .filter(|&ssrc| ssrc != 0 && !rtx.iter().any(|&(_, rtx)| rtx == ssrc))
        .collect();
    RemoteSource {
        ssrcs,
        rtx,
        streams,
    }
}

/// The BUNDLE group by index. More than one m-line in use needs one that holds them all, because there is one
/// transport (RFC 9429 §4.1.1, max-bundle).
fn read_bundle(
    description: &SessionDescription,
    sections: &[RemoteSection],
) -> Result<Vec<usize>, SetDescriptionError> {
    let used = |index: &usize| {
        sections
            .get(*index)
            .is_some_and(|section| !section.rejected && section.fault.is_none())
    };
    let Some(group) = description.session().bundle_groups().next() else {
        let mut alone = (0..sections.len()).filter(used);
        return match (alone.next(), alone.next()) {
            (_, Some(second)) => Err(fault_at(sections, second, SectionFault::NotBundled)),
            (first, None) => Ok(first.into_iter().collect()),
        };
    };
    let mut bundle = Vec::with_capacity(group.mids.len());
    for mid in &group.mids {
        let index = sections
            .iter()
            .position(|section| section.has_mid && section.mid == *mid)
            .ok_or(SetDescriptionError::Session(SessionFault::BundleGroup))?;
        bundle.push(index);
    }
    let outside = (0..sections.len()).find(|index| used(index) && !bundle.contains(index));
    let shared = bundle.iter().any(used);
    match outside {
        // One m-line in use, and a group of others: no second transport is needed.
        Some(index) if !shared && (0..sections.len()).filter(used).count() == 1 => Ok(vec![index]),
        Some(index) => Err(fault_at(sections, index, SectionFault::NotBundled)),
        None => Ok(bundle),
    }
}

fn fault_at(sections: &[RemoteSection], index: usize, fault: SectionFault) -> SetDescriptionError {
    let mid = sections.get(index).map(tag).unwrap_or_default();
    SetDescriptionError::Section { index, mid, fault }
}

fn section_error(
    section: &RemoteSection,
    index: usize,
    fault: SectionFault,
) -> SetDescriptionError {
    SetDescriptionError::Section {
        index,
        mid: tag(section),
        fault,
    }
}

/// A token (RFC 5888 §4) that fits an element of the header extension (RFC 9143 §15.1).
fn is_mid(mid: &str) -> bool {
    (1..=255).contains(&mid.len()) && mid.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The tag for an error, empty where the description has none.
pub(crate) fn tag(section: &RemoteSection) -> String {
    if section.has_mid {
        section.mid.clone()
    } else {
        String::new()
    }
}

/// The longest `a=sctp-init` that is looked at.
const MAX_INIT_TEXT: usize = 2_048;
