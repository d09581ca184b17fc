//! From the meaning of a description of ours to its text.

use rtp::MediaKind;
use sdp::{
    BuildError, CodecDescription, DescriptionBuilder, Direction, Extension, Feedback, Fingerprint,
    IceCredentials, Msid, Origin, Protocol, SourceGroup,
};

use super::codecs::CodecParameters;
use super::section::{
    LocalBody, LocalDescription, LocalMedia, LocalSection, RENOMINATION_OPTION, SPED_OPTIONS,
};

/// What every description of a connection says about this side.
#[derive(Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) session_id: &'a str,
    pub(crate) session_version: u64,
    pub(crate) ufrag: &'a str,
    pub(crate) pwd: &'a str,
    pub(crate) lite: bool,
    pub(crate) fingerprint: &'a str,
    pub(crate) cname: &'a str,
    pub(crate) max_message_size: usize,
    /// Whether checks may carry the handshake.
    pub(crate) sped: bool,
    /// Whether nominations are numbered.
    pub(crate) renomination: bool,
    /// Our INIT, where it goes into the description (SNAP).
    pub(crate) sctp_init: Option<&'a str>,
}

impl Identity<'_> {
    /// The text, lines ended by CRLF. Candidates are added when it is shown.
    pub(super) fn write(&self, description: &LocalDescription) -> Result<String, BuildError> {
        let version = self.session_version.to_string();
        let origin = Origin::new(self.session_id, &version);
        let mut builder = DescriptionBuilder::new(&origin);
        if description.bundled {
            let mids = description
                .sections
                .iter()
                .filter(|section| !section.is_rejected())
                .map(|section| section.mid.as_str());
            builder.group("BUNDLE", mids);
        }
        builder.extmap_allow_mixed().msid_semantic();
        if description.is_cryptex() {
            builder.cryptex();
        }
        if self.lite {
            builder.ice_lite();
        }
        for section in &description.sections {
            self.write_section(&mut builder, description, section);
        }
        Ok(builder.build()?.into_string())
    }

    fn write_section(
        &self,
        builder: &mut DescriptionBuilder,
        description: &LocalDescription,
        section: &LocalSection,
    ) {
        let kind = sdp::MediaKind::parse(&section.line.media);
        let protocol = Protocol::parse(&section.line.protocol);
        let port = if section.is_rejected() { 0 } else { 9 };
        match &section.body {
            LocalBody::Media(media) => {
                builder.media(kind, port, protocol, payload_types(&media.receive));
            }
            LocalBody::Rejected | LocalBody::Application => {
                builder.media(kind, port, protocol, section.line.formats.split(' '));
            }
        }
        if section.has_mid {
            builder.mid(&section.mid);
        }
        if section.is_rejected() {
            builder.direction(Direction::Inactive);
            return;
        }
        builder
            .ice_credentials(&IceCredentials {
                ufrag: self.ufrag,
                pwd: self.pwd,
            })
            .ice_options(&self.ice_options());
        if let Some((hash, value)) = self.fingerprint.split_once(' ') {
            builder.fingerprint(&Fingerprint { hash, value });
        }
        builder.setup(description.setup);
        match &section.body {
            LocalBody::Media(media) => self.write_media(builder, media),
            LocalBody::Application => self.write_application(builder, section),
            LocalBody::Rejected => {}
        }
    }

    fn ice_options(&self) -> Vec<&'static str> {
        let mut options = vec!["trickle"];
        if self.sped {
            options.extend(SPED_OPTIONS);
        }
        if self.renomination {
            options.push(RENOMINATION_OPTION);
        }
        options
    }

    fn write_media(&self, builder: &mut DescriptionBuilder, media: &LocalMedia) {
        builder.direction(media.direction).rtcp_mux();
        if media.reduced_size {
            builder.rtcp_rsize();
        }
        if media.cryptex {
            builder.cryptex();
        }
        for extension in &media.extensions {
            builder.extension(&Extension {
                direction: Some(extension.direction).filter(|&d| d != Direction::SendRecv),
                ..Extension::new(extension.id, &extension.uri)
            });
        }
        for codec in &media.receive {
            write_codec(builder, codec);
        }
        if media.direction.sends() {
            self.write_source(builder, media);
        }
    }

    fn write_source(&self, builder: &mut DescriptionBuilder, media: &LocalMedia) {
        let source = &media.source;
        let track = Some(source.track.as_str());
        let streams = source.streams.iter().map(|stream| Some(stream.as_str()));
        let alone = source.streams.is_empty().then_some(None);
        for stream in streams.chain(alone) {
            builder.msid(&Msid { stream, track });
        }
        let retransmits = media
            .receive
            .iter()
            .any(|codec| codec.rtx_payload_type.is_some());
        if retransmits {
            builder.source_group(&SourceGroup {
                semantics: "FID",
                ssrcs: vec![source.ssrc, source.rtx_ssrc],
            });
        }
        builder.source(source.ssrc, "cname", self.cname);
        if retransmits {
            builder.source(source.rtx_ssrc, "cname", self.cname);
        }
    }

    fn write_application(&self, builder: &mut DescriptionBuilder, section: &LocalSection) {
        // Before RFC 8841 the m-line itself named the port.
        if Protocol::parse(&section.line.protocol) == Protocol::DtlsSctp {
            let map = format!("{SCTP_PORT} webrtc-datachannel 1024");
            builder.attribute("sctpmap", Some(&map));
        } else {
            builder.sctp_port(SCTP_PORT);
        }
        builder.max_message_size(self.max_message_size as u64);
        if let Some(init) = self.sctp_init {
            builder.sctp_init(init);
        }
    }
}

/// Media and retransmissions in the order of preference.
fn payload_types(codecs: &[CodecParameters]) -> Vec<u8> {
    codecs
        .iter()
        .flat_map(|codec| [Some(codec.payload_type), codec.rtx_payload_type])
        .flatten()
        .map(rtp::PayloadType::get)
        .collect()
}

fn write_codec(builder: &mut DescriptionBuilder, parameters: &CodecParameters) {
    let codec = &parameters.codec;
    let payload_type = parameters.payload_type.get();
    builder.codec(&CodecDescription {
        channels: codec.channels.filter(|_| codec.kind() == MediaKind::Audio),
        fmtp: Some(codec.fmtp.as_str()).filter(|fmtp| !fmtp.is_empty()),
        feedback: codec
            .feedback
            .iter()
            .map(|feedback| Feedback::parse(feedback.as_str()))
            .collect(),
        ..CodecDescription::new(payload_type, parameters.name(), codec.clock_rate)
    });
    if let Some(rtx) = parameters.rtx_payload_type {
        let apt = format!("apt={payload_type}");
        builder.codec(&CodecDescription {
            fmtp: Some(&apt),
            ..CodecDescription::new(rtx.get(), "rtx", codec.clock_rate)
        });
    }
}

/// A description with the candidates of by now, in its first m-line that is in use.
pub(crate) fn with_candidates(text: &str, candidates: &[String], complete: bool) -> String {
    let Some(at) = end_of_first_used_section(text) else {
        return text.to_owned();
    };
    let (head, tail) = text.split_at(at);
    let mut shown = String::with_capacity(text.len() + 80 * (candidates.len() + 1));
    shown.push_str(head);
    for candidate in candidates {
        shown.push_str("a=");
        shown.push_str(candidate);
        shown.push_str("\r\n");
    }
    if complete {
        shown.push_str("a=end-of-candidates\r\n");
    }
    shown.push_str(tail);
    shown
}

/// A description without its candidates.
pub(crate) fn without_candidates(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !is_candidate(line) && line.trim_end() != "a=end-of-candidates")
        .collect()
}

/// How many candidates a description of ours holds.
pub(crate) fn candidate_count(text: &str) -> usize {
    text.split('\n').filter(|line| is_candidate(line)).count()
}

fn is_candidate(line: &str) -> bool {
    line.starts_with("a=candidate:")
}

fn end_of_first_used_section(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("m=") {
            if inside {
                return Some(at);
            }
            inside = line.split(' ').nth(1).is_some_and(|port| port != "0");
        }
        at += line.len();
    }
    inside.then_some(at)
}

/// The port that every browser uses (RFC 8841 §5).
const SCTP_PORT: u16 = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_go_into_the_first_section_in_use() {
        let text = "v=0\r\nm=audio 0 X 0\r\nm=video 9 X 0\r\na=mid:1\r\nm=application 9 X y\r\n";
        let shown = with_candidates(text, &["candidate:1".to_owned()], true);
        assert_eq!(
            shown,
            "v=0\r\nm=audio 0 X 0\r\nm=video 9 X 0\r\na=mid:1\r\na=candidate:1\r\n\
             a=end-of-candidates\r\nm=application 9 X y\r\n"
        );
        assert_eq!(without_candidates(&shown), text);
        assert_eq!(candidate_count(&shown), 1);
        assert_eq!(with_candidates("v=0\r\n", &[], true), "v=0\r\n");
    }
}
