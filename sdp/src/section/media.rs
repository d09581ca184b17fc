use std::collections::BTreeSet;
use std::fmt;

use crate::attribute::{
    self, Attribute, Bandwidth, CodecDescription, Direction, Extension, Fingerprint,
    IceCredentials, Msid, Rid, RidDirection, Setup, Simulcast, Source, SourceGroup,
};
use crate::description::SessionDescription;
use crate::section::media_line::{MediaKind, MediaLine, Protocol};
use crate::text::{decimal, first_word, saturating_decimal, words};
use crate::{SemanticError, SemanticErrorKind};

/// A media section: an m-line and what follows it until the next.
///
/// A getter says *inherited* when the session level speaks where the section is silent. Of an attribute
/// that may appear once, the first counts. Single values that are malformed are errors which name the
/// section and the attribute; malformed entries of lists are left out where their neighbours mean something
/// without them, else they are errors too.
#[derive(Clone, Copy)]
pub struct MediaSection<'a> {
    description: &'a SessionDescription,
    index: usize,
}

impl<'a> MediaSection<'a> {
    pub(crate) const fn new(description: &'a SessionDescription, index: usize) -> Self {
        Self { description, index }
    }

    /// Its place in the description, counted from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The first field of the m-line.
    pub fn kind(&self) -> MediaKind<'a> {
        self.media_line().kind
    }

    /// The port of the m-line: 9 when no candidate was chosen yet, 0 when rejected or bundle-only.
    pub fn port(&self) -> u16 {
        self.media_line().port
    }

    /// The number after the port, 1 where absent.
    pub fn port_count(&self) -> u8 {
        self.media_line().port_count
    }

    /// The third field of the m-line.
    pub fn protocol(&self) -> Protocol<'a> {
        self.media_line().protocol
    }

    /// The other fields of the m-line: payload types for RTP, `webrtc-datachannel` for SCTP.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.media_line().formats()
    }

    /// Whether the section is switched off: port 0 and not `a=bundle-only` (RFC 9429 §5.2.1, RFC 9143 §6).
    pub fn is_rejected(&self) -> bool {
        self.port() == 0 && !self.is_bundle_only()
    }

    /// All attributes of the section in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.description.attributes_of(Some(self.index))
    }

    /// The first attribute of this name in the section.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// Whether the section has an attribute of this name.
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// `a=mid`, the name of the section (RFC 5888 §4); old peers leave it out.
    pub fn mid(&self) -> Option<&'a str> {
        self.value("mid").filter(|mid| !mid.is_empty())
    }

    /// Inherited. Which way media flows, seen from the writer; `sendrecv` when not said.
    pub fn direction(&self) -> Direction {
        self.attributes()
            .chain(self.description.inherited())
            .find_map(|attribute| Direction::parse(attribute.name))
            .unwrap_or_default()
    }

    /// Inherited. `a=ice-ufrag` and `a=ice-pwd` (RFC 8839 §5.4); `None` when neither is there.
    ///
    /// # Errors
    /// One of them is missing or malformed.
    pub fn ice_credentials(&self) -> Result<Option<IceCredentials<'a>>, SemanticError> {
        let ufrag = self.inherited_value("ice-ufrag");
        let pwd = self.inherited_value("ice-pwd");
        let (ufrag, pwd) = match (ufrag, pwd) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(self.error("ice-ufrag", SemanticErrorKind::Missing)),
            (Some(_), None) => return Err(self.error("ice-pwd", SemanticErrorKind::Missing)),
            (Some(ufrag), Some(pwd)) => (ufrag, pwd),
        };
        let credentials = IceCredentials { ufrag, pwd };
        if !credentials.ufrag_is_well_formed() {
            return Err(self.error("ice-ufrag", SemanticErrorKind::Malformed));
        }
        if !credentials.pwd_is_well_formed() {
            return Err(self.error("ice-pwd", SemanticErrorKind::Malformed));
        }
        Ok(Some(credentials))
    }

    /// Inherited. The words of `a=ice-options`.
    pub fn ice_options(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        words(self.inherited_value("ice-options").unwrap_or_default())
    }

    /// The values of `a=candidate`, without the name (RFC 8839 §5.1). They stay text here.
    pub fn candidates(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values("candidate")
    }

    /// Inherited. `a=end-of-candidates` (RFC 8840 §8.2).
    pub fn end_of_candidates(&self) -> bool {
        self.inherited_flag("end-of-candidates")
    }

    /// Inherited as a whole. All `a=fingerprint` lines (RFC 8122 §5).
    ///
    /// # Errors
    /// One of them is malformed; a wrong length is, see [`Fingerprint::parse`].
    pub fn fingerprints(&self) -> Result<Vec<Fingerprint<'a>>, SemanticError> {
        self.inherited_values("fingerprint")
            .map(|value| {
                value
                    .and_then(Fingerprint::parse)
                    .ok_or_else(|| self.error("fingerprint", SemanticErrorKind::Malformed))
            })
            .collect()
    }

    /// Inherited as a whole. Those [`fingerprints`](Self::fingerprints) that decide: all of the strongest
    /// hash function that is given, none of the weak ones.
    ///
    /// With SHA-1 beside SHA-256, a certificate that matches SHA-1 alone must fail (RFC 8122 §5).
    ///
    /// # Errors
    /// As [`fingerprints`](Self::fingerprints).
    pub fn deciding_fingerprints(&self) -> Result<Vec<Fingerprint<'a>>, SemanticError> {
        let mut fingerprints = self.fingerprints()?;
        let best = fingerprints.iter().map(Fingerprint::strength).max();
        fingerprints.retain(|found| found.is_strong() && Some(found.strength()) == best);
        Ok(fingerprints)
    }

    /// Inherited. `a=setup`; `None` when not said.
    ///
    /// # Errors
    /// It is neither `actpass`, `active` nor `passive`.
    pub fn setup(&self) -> Result<Option<Setup>, SemanticError> {
        self.inherited_value("setup")
            .map(|value| {
                Setup::parse(value).ok_or_else(|| self.error("setup", SemanticErrorKind::Malformed))
            })
            .transpose()
    }

    /// Inherited. `a=tls-id` (RFC 8842 §4): a change means a new DTLS association.
    pub fn tls_id(&self) -> Option<&'a str> {
        self.inherited_value("tls-id")
    }

    /// The codecs in the order of the m-line; empty unless the protocol is RTP.
    ///
    /// Left out: formats that are no payload type (0–127), payload types 64–95 with `a=rtcp-mux`
    /// (RFC 5761 §4), formats without a usable `a=rtpmap`, and `rtx` whose `apt` names no media format of
    /// this m-line.
    pub fn codecs(&self) -> Vec<CodecDescription<'a>> {
        if !self.protocol().is_rtp() {
            return Vec::new();
        }
        attribute::codecs(self.formats(), self.attributes(), self.rtcp_mux())
    }

    /// Inherited as a whole. The header extensions of `a=extmap` (RFC 8285 §8).
    ///
    /// Left out: malformed lines, and identifiers above 14 without `a=extmap-allow-mixed`.
    ///
    /// # Errors
    /// An identifier is used twice.
    pub fn extensions(&self) -> Result<Vec<Extension<'a>>, SemanticError> {
        let mixed = self.extmap_allow_mixed();
        let mut used = [false; 256];
        let mut extensions = Vec::new();
        for extension in self
            .inherited_values("extmap")
            .filter_map(|value| Extension::parse(value?))
        {
            if !mixed && !extension.fits_one_byte_header() {
                continue;
            }
            let used = used.get_mut(usize::from(extension.id));
            if used.is_some_and(|used| std::mem::replace(used, true)) {
                return Err(self.error("extmap", SemanticErrorKind::Duplicate));
            }
            extensions.push(extension);
        }
        Ok(extensions)
    }

    /// Inherited. `a=extmap-allow-mixed`: one-byte and two-byte headers in one stream (RFC 8285 §6).
    pub fn extmap_allow_mixed(&self) -> bool {
        self.inherited_flag("extmap-allow-mixed")
    }

    /// Inherited. `a=cryptex`: header extensions may be encrypted (RFC 9335 §4).
    pub fn cryptex(&self) -> bool {
        self.inherited_flag("cryptex")
    }

    /// The streams and the track, from `a=msid` (RFC 8830), else from `a=ssrc:… msid:`, each once.
    pub fn msids(&self) -> Vec<Msid<'a>> {
        let mut msids: Vec<_> = self.values("msid").filter_map(Msid::parse).collect();
        if msids.is_empty() {
            msids = self.sources().iter().filter_map(|s| s.msid).collect();
        }
        let mut seen = BTreeSet::new();
        msids.retain(|msid| seen.insert((msid.stream, msid.track)));
        msids
    }

    /// The sources of `a=ssrc`, in order of first appearance; numbers beyond 32 bits are left out.
    pub fn sources(&self) -> Vec<Source<'a>> {
        attribute::sources(self.values("ssrc"))
    }

    /// The groups of `a=ssrc-group` that are well formed.
    pub fn source_groups(&self) -> impl Iterator<Item = SourceGroup<'a>> + use<'a> {
        self.values("ssrc-group").filter_map(SourceGroup::parse)
    }

    /// The `a=rid` lines that are well formed (RFC 8851); of those with the same identifier, the first.
    pub fn rids(&self) -> Vec<Rid<'a>> {
        let mut rids: Vec<Rid<'a>> = Vec::new();
        for rid in self.values("rid").filter_map(Rid::parse) {
            // The parser allows 64 per section.
            if !rids.iter().any(|known| known.id == rid.id) {
                rids.push(rid);
            }
        }
        rids
    }

    /// `a=simulcast` (RFC 8853). Identifiers without an `a=rid` line of the same direction are left out
    /// (§5.2); `None` when nothing remains.
    ///
    /// # Errors
    /// It is malformed.
    pub fn simulcast(&self) -> Result<Option<Simulcast<'a>>, SemanticError> {
        let Some(value) = self.value("simulcast") else {
            return Ok(None);
        };
        let mut simulcast = Simulcast::parse(value)
            .ok_or_else(|| self.error("simulcast", SemanticErrorKind::Malformed))?;
        let (mut send, mut recv) = (BTreeSet::new(), BTreeSet::new());
        for rid in self.rids() {
            match rid.direction {
                RidDirection::Send => send.insert(rid.id),
                RidDirection::Recv => recv.insert(rid.id),
            };
        }
        simulcast.retain(|id| send.contains(id), |id| recv.contains(id));
        Ok(Some(simulcast).filter(|found| !found.send.is_empty() || !found.recv.is_empty()))
    }

    /// `a=rtcp-mux`: RTP and RTCP share a port (RFC 5761 §5.1.1).
    pub fn rtcp_mux(&self) -> bool {
        self.has("rtcp-mux") || self.rtcp_mux_only()
    }

    /// `a=rtcp-mux-only`: no other way is offered (RFC 8858).
    pub fn rtcp_mux_only(&self) -> bool {
        self.has("rtcp-mux-only")
    }

    /// `a=rtcp-rsize`: RTCP packets may be alone (RFC 5506 §5).
    pub fn rtcp_rsize(&self) -> bool {
        self.has("rtcp-rsize")
    }

    /// The port of `a=rtcp` (RFC 3605); `None` when absent or no port.
    pub fn rtcp_port(&self) -> Option<u16> {
        decimal(first_word(self.value("rtcp")?).0)
    }

    /// `a=bundle-only`: the section has no transport of its own (RFC 9143 §6).
    pub fn is_bundle_only(&self) -> bool {
        self.has("bundle-only")
    }

    /// `a=sctp-port` (RFC 8841 §5), else the format of the older `DTLS/SCTP` m-line.
    ///
    /// # Errors
    /// It is not a port.
    pub fn sctp_port(&self) -> Result<Option<u16>, SemanticError> {
        let legacy = || {
            let format = self.formats().next();
            format.filter(|_| self.protocol() == Protocol::DtlsSctp)
        };
        let Some(text) = self.value("sctp-port").or_else(legacy) else {
            return Ok(None);
        };
        match decimal(text) {
            Some(port @ 1..) => Ok(Some(port)),
            _ => Err(self.error("sctp-port", SemanticErrorKind::Malformed)),
        }
    }

    /// `a=max-message-size` in bytes; 0 means no limit, absent means 65,536 (RFC 8841 §6). Numbers beyond
    /// `u64` are its largest value.
    ///
    /// # Errors
    /// It is not a number.
    pub fn max_message_size(&self) -> Result<Option<u64>, SemanticError> {
        self.value("max-message-size")
            .map(|value| {
                saturating_decimal(value)
                    .ok_or_else(|| self.error("max-message-size", SemanticErrorKind::Malformed))
            })
            .transpose()
    }

    /// `a=sctp-init`: the SCTP INIT chunk in base64 (SNAP), as it stands.
    pub fn sctp_init(&self) -> Option<&'a str> {
        self.value("sctp-init")
    }

    /// `a=ptime` in milliseconds, where it is a whole number (RFC 8866 §6.4).
    pub fn ptime(&self) -> Option<u32> {
        decimal(self.value("ptime")?)
    }

    /// `a=maxptime` in milliseconds, where it is a whole number (RFC 8866 §6.5).
    pub fn maxptime(&self) -> Option<u32> {
        decimal(self.value("maxptime")?)
    }

    /// The `b=` lines of the section.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        self.description
            .lines_of(Some(self.index))
            .filter(|line| line.letter() == 'b')
            .filter_map(|line| Bandwidth::parse(line.value()))
    }

    /// An error about an attribute of this section.
    pub(crate) const fn error(
        &self,
        attribute: &'static str,
        kind: SemanticErrorKind,
    ) -> SemanticError {
        SemanticError::new(Some(self.index), attribute, kind)
    }

    fn media_line(&self) -> MediaLine<'a> {
        self.description.media_line(self.index)
    }

    /// The value of the first attribute of this name; a flag of this name has the value "".
    fn value(&self, name: &str) -> Option<&'a str> {
        Some(self.attribute(name)?.value.unwrap_or_default())
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.attributes()
            .filter(move |attribute| attribute.name == name)
            .filter_map(|attribute| attribute.value)
    }

    fn inherited_attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes()
            .chain(self.description.inherited())
            .find(|attribute| attribute.name == name)
    }

    fn inherited_value(&self, name: &str) -> Option<&'a str> {
        Some(self.inherited_attribute(name)?.value.unwrap_or_default())
    }

    fn inherited_flag(&self, name: &str) -> bool {
        self.inherited_attribute(name).is_some()
    }

    /// The values of this name in the section, or if it has none those of the session level.
    fn inherited_values(
        &self,
        name: &'static str,
    ) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
        let own = self.has(name);
        let theirs = self.description.inherited().filter(move |_| !own);
        self.attributes()
            .filter(move |_| own)
            .chain(theirs)
            .filter(move |attribute| attribute.name == name)
            .map(|attribute| attribute.value)
    }
}

impl fmt::Debug for MediaSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaSection")
            .field("index", &self.index)
            .field("kind", &self.kind())
            .field("port", &self.port())
            .field("mid", &self.mid())
            .finish_non_exhaustive()
    }
}
