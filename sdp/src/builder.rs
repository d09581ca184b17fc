use std::fmt::{self, Display, Write};

use crate::attribute::{
    Bandwidth, CodecDescription, Direction, Extension, Fingerprint, IceCredentials, Msid, Rid,
    Setup, Simulcast, SourceGroup,
};
use crate::section::{MediaKind, MediaSection, Origin, Protocol};
use crate::text::{is_one_line, is_token};
use crate::{BuildError, SessionDescription};

/// Writes a description from the top: session attributes first, then [`media`](Self::media) starts a section
/// and what follows belongs to it.
///
/// Values come from everywhere (a label, a track id, a parameter string of the other side), so each is checked: one
/// with a line break, or with a space where one word belongs, is never written. The first such
/// mistake is kept and [`build`](Self::build) returns it, so that calls can be chained.
#[derive(Debug, Clone)]
pub struct DescriptionBuilder {
    text: String,
    in_media: bool,
    mistake: Option<BuildError>,
}

impl DescriptionBuilder {
    /// Starts a description: `v=0`, the origin, `s=-` and `t=0 0` (RFC 9429 §5.2.1).
    pub fn new(origin: &Origin<'_>) -> Self {
        let mut builder = Self {
            text: String::with_capacity(4096),
            in_media: false,
            mistake: None,
        };
        builder.tokens(
            "o=",
            &[
                origin.username,
                origin.session_id,
                origin.session_version,
                origin.network_type,
                origin.address_type,
                origin.address,
            ],
        );
        builder.line(format_args!("v=0"));
        builder.line(format_args!("o={origin}"));
        builder.line(format_args!("s=-"));
        builder.line(format_args!("t=0 0"));
        builder
    }

    /// The description.
    ///
    /// # Errors
    /// The first mistake made, or the limit passed.
    pub fn build(self) -> Result<SessionDescription, BuildError> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        SessionDescription::try_from(self.text).map_err(BuildError::Refused)
    }

    // Session level.

    /// `a=group:semantics mid …`, for example `BUNDLE` (RFC 5888, RFC 9143).
    pub fn group<M: AsRef<str>>(
        &mut self,
        semantics: &str,
        mids: impl IntoIterator<Item = M>,
    ) -> &mut Self {
        self.session_only("group").tokens("group", &[semantics]);
        let mut value = semantics.to_owned();
        for mid in mids {
            self.tokens("group", &[mid.as_ref()]);
            value.push(' ');
            value.push_str(mid.as_ref());
        }
        self.value("group", value)
    }

    /// `a=msid-semantic: WMS *`, which old peers look for.
    pub fn msid_semantic(&mut self) -> &mut Self {
        self.session_only("msid-semantic")
            .value("msid-semantic", " WMS *")
    }

    /// `a=ice-lite` (RFC 8839 §5.3).
    pub fn ice_lite(&mut self) -> &mut Self {
        self.session_only("ice-lite").flag("ice-lite")
    }

    // Either level.

    /// `a=ice-options:trickle …` (RFC 8839 §5.6); nothing for no option.
    pub fn ice_options(&mut self, options: &[&str]) -> &mut Self {
        if options.is_empty() {
            return self;
        }
        self.tokens("ice-options", options)
            .value("ice-options", options.join(" "))
    }

    /// `a=ice-ufrag` and `a=ice-pwd` (RFC 8839 §5.4).
    pub fn ice_credentials(&mut self, credentials: &IceCredentials<'_>) -> &mut Self {
        self.tokens("ice-ufrag", &[credentials.ufrag])
            .tokens("ice-pwd", &[credentials.pwd])
            .value("ice-ufrag", credentials.ufrag)
            .value("ice-pwd", credentials.pwd)
    }

    /// `a=fingerprint:hash value` (RFC 8122 §5).
    pub fn fingerprint(&mut self, fingerprint: &Fingerprint<'_>) -> &mut Self {
        self.tokens("fingerprint", &[fingerprint.hash, fingerprint.value])
            .value("fingerprint", fingerprint)
    }

    /// `a=setup` (RFC 8842 §5).
    pub fn setup(&mut self, setup: Setup) -> &mut Self {
        self.value("setup", setup)
    }

    /// `a=extmap-allow-mixed` (RFC 8285 §6).
    pub fn extmap_allow_mixed(&mut self) -> &mut Self {
        self.flag("extmap-allow-mixed")
    }

    /// `a=cryptex` (RFC 9335 §4): this side takes RTP packets with encrypted headers.
    pub fn cryptex(&mut self) -> &mut Self {
        self.flag("cryptex")
    }

    /// `a=extmap` (RFC 8285 §8).
    pub fn extension(&mut self, extension: &Extension<'_>) -> &mut Self {
        self.tokens("extmap", &[extension.uri])
            .value("extmap", extension)
    }

    /// `a=end-of-candidates` (RFC 8840 §8.2).
    pub fn end_of_candidates(&mut self) -> &mut Self {
        self.flag("end-of-candidates")
    }

    /// `b=…`; belongs right after [`media`](Self::media), before the attributes (RFC 8866 §5).
    pub fn bandwidth(&mut self, bandwidth: &Bandwidth<'_>) -> &mut Self {
        self.tokens("b=", &[bandwidth.kind]);
        self.line(format_args!("b={bandwidth}"))
    }

    /// `a=name` or `a=name:value`, for what has no method here.
    pub fn attribute(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        self.tokens("attribute", &[name]);
        if name.contains(':') {
            self.mistake(BuildError::NotAToken { field: "attribute" });
        }
        let (colon, value) = value.map_or(("", ""), |value| (":", value));
        if !is_one_line(value) {
            self.mistake(BuildError::LineBreak { field: "attribute" });
        }
        self.line(format_args!("a={name}{colon}{value}"))
    }

    // Media sections.

    /// Starts a media section: `m=…` and `c=IN IP4 0.0.0.0` (RFC 9429 §5.2.1).
    ///
    /// Port 9 says that candidates tell the address, port 0 rejects the section or, with
    /// [`bundle_only`](Self::bundle_only), ties it to its bundle. There must be a format.
    pub fn media<F: Display>(
        &mut self,
        kind: MediaKind<'_>,
        port: u16,
        protocol: Protocol<'_>,
        formats: impl IntoIterator<Item = F>,
    ) -> &mut Self {
        self.in_media = true;
        self.tokens("m=", &[kind.as_str(), protocol.as_str()]);
        let mut list = String::new();
        for format in formats {
            let start = list.len() + 1;
            // Writing to a string cannot fail.
            let _ = write!(list, " {format}");
            let written = list.get(start..).unwrap_or_default();
            if !is_token(written) {
                self.mistake(BuildError::NotAToken { field: "m=" });
            }
        }
        self.line(format_args!("m={kind} {port} {protocol}{list}"));
        self.line(format_args!("c=IN IP4 0.0.0.0"))
    }

    /// Starts a media section that rejects `offered`: its m-line with port 0, its mid, `a=inactive`
    /// (RFC 9429 §5.3.1).
    pub fn rejected(&mut self, offered: &MediaSection<'_>) -> &mut Self {
        self.media(offered.kind(), 0, offered.protocol(), offered.formats());
        if let Some(mid) = offered.mid() {
            self.mid(mid);
        }
        self.direction(Direction::Inactive)
    }

    /// `a=mid` (RFC 5888 §4).
    pub fn mid(&mut self, mid: &str) -> &mut Self {
        self.media_only("mid").token("mid", mid)
    }

    /// `a=sendrecv`, `a=sendonly`, `a=recvonly` or `a=inactive`.
    pub fn direction(&mut self, direction: Direction) -> &mut Self {
        self.flag(direction.as_str())
    }

    /// `a=candidate`; the text may start with `candidate:` or not (RFC 8839 §5.1).
    pub fn candidate(&mut self, candidate: &str) -> &mut Self {
        let value = candidate.strip_prefix("candidate:").unwrap_or(candidate);
        self.media_only("candidate").value("candidate", value)
    }

    /// `a=rtpmap`, `a=rtcp-fb` and `a=fmtp` of one payload type, which must be among the formats of the
    /// m-line.
    pub fn codec(&mut self, codec: &CodecDescription<'_>) -> &mut Self {
        let payload_type = codec.payload_type;
        self.media_only("rtpmap").tokens("rtpmap", &[codec.name]);
        if codec.name.contains('/') || codec.clock_rate == 0 || codec.channels == Some(0) {
            self.mistake(BuildError::NotAToken { field: "rtpmap" });
        }
        self.value(
            "rtpmap",
            format_args!("{payload_type} {}", codec.encoding()),
        );
        for feedback in &codec.feedback {
            self.value("rtcp-fb", format_args!("{payload_type} {feedback}"));
        }
        match codec.fmtp {
            Some(parameters) => self.value("fmtp", format_args!("{payload_type} {parameters}")),
            None => self,
        }
    }

    /// `a=msid` (RFC 8830 §2).
    pub fn msid(&mut self, msid: &Msid<'_>) -> &mut Self {
        let (stream, track) = (msid.stream.unwrap_or("-"), msid.track.unwrap_or("-"));
        self.media_only("msid")
            .tokens("msid", &[stream, track])
            .value("msid", msid)
    }

    /// `a=ssrc:ssrc name:value`, for example `cname` (RFC 5576 §4.1).
    pub fn source(&mut self, ssrc: u32, name: &str, value: &str) -> &mut Self {
        self.media_only("ssrc")
            .tokens("ssrc", &[name])
            .value("ssrc", format_args!("{ssrc} {name}:{value}"))
    }

    /// `a=ssrc-group` (RFC 5576 §4.2).
    pub fn source_group(&mut self, group: &SourceGroup<'_>) -> &mut Self {
        self.media_only("ssrc-group")
            .tokens("ssrc-group", &[group.semantics])
            .value("ssrc-group", group)
    }

    /// `a=rid` (RFC 8851 §4).
    pub fn rid(&mut self, rid: &Rid<'_>) -> &mut Self {
        self.media_only("rid")
            .tokens("rid", &[rid.id])
            .value("rid", rid)
    }

    /// `a=simulcast` (RFC 8853 §5.1); nothing when it has no stream.
    pub fn simulcast(&mut self, simulcast: &Simulcast<'_>) -> &mut Self {
        self.media_only("simulcast");
        for stream in simulcast.send.iter().chain(&simulcast.recv).flatten() {
            self.tokens("simulcast", &[stream.rid]);
        }
        if simulcast.send.is_empty() && simulcast.recv.is_empty() {
            return self;
        }
        self.value("simulcast", simulcast)
    }

    /// `a=rtcp-mux` (RFC 5761).
    pub fn rtcp_mux(&mut self) -> &mut Self {
        self.media_only("rtcp-mux").flag("rtcp-mux")
    }

    /// `a=rtcp-mux-only` (RFC 8858), for offers, beside [`rtcp_mux`](Self::rtcp_mux).
    pub fn rtcp_mux_only(&mut self) -> &mut Self {
        self.media_only("rtcp-mux-only").flag("rtcp-mux-only")
    }

    /// `a=rtcp-rsize` (RFC 5506).
    pub fn rtcp_rsize(&mut self) -> &mut Self {
        self.media_only("rtcp-rsize").flag("rtcp-rsize")
    }

    /// `a=bundle-only` (RFC 9143 §6).
    pub fn bundle_only(&mut self) -> &mut Self {
        self.media_only("bundle-only").flag("bundle-only")
    }

    /// `a=sctp-port` (RFC 8841 §5).
    pub fn sctp_port(&mut self, port: u16) -> &mut Self {
        self.media_only("sctp-port").value("sctp-port", port)
    }

    /// `a=sctp-init`: the SCTP INIT chunk in base64 (SNAP).
    pub fn sctp_init(&mut self, init: &str) -> &mut Self {
        self.media_only("sctp-init").value("sctp-init", init)
    }

    /// `a=max-message-size` in bytes, 0 for no limit (RFC 8841 §6).
    pub fn max_message_size(&mut self, bytes: u64) -> &mut Self {
        self.media_only("max-message-size")
            .value("max-message-size", bytes)
    }

    fn flag(&mut self, name: &'static str) -> &mut Self {
        self.line(format_args!("a={name}"))
    }

    fn token(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.tokens(name, &[value]).value(name, value)
    }

    /// Writes `a=name:value`, or notes that the value breaks the line.
    fn value(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        let start = self.text.len();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "a={name}:{value}");
        if !is_one_line(self.text.get(start..).unwrap_or_default()) {
            self.text.truncate(start);
            self.mistake(BuildError::LineBreak { field: name });
            return self;
        }
        self.text.push_str("\r\n");
        self
    }

    /// Writes a line whose parts were checked. After a mistake nothing more is written.
    fn line(&mut self, line: fmt::Arguments<'_>) -> &mut Self {
        if self.mistake.is_none() {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{line}\r\n");
        }
        self
    }

    fn tokens(&mut self, field: &'static str, words: &[&str]) -> &mut Self {
        for word in words {
            if !is_one_line(word) {
                self.mistake(BuildError::LineBreak { field });
            } else if !is_token(word) {
                self.mistake(BuildError::NotAToken { field });
            }
        }
        self
    }

    fn session_only(&mut self, field: &'static str) -> &mut Self {
        if self.in_media {
            self.mistake(BuildError::WrongLevel { field });
        }
        self
    }

    fn media_only(&mut self, field: &'static str) -> &mut Self {
        if !self.in_media {
            self.mistake(BuildError::WrongLevel { field });
        }
        self
    }

    /// Keeps the first mistake.
    fn mistake(&mut self, mistake: BuildError) {
        self.mistake.get_or_insert(mistake);
    }
}
