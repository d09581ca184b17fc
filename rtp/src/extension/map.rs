use std::borrow::Cow;
use std::fmt;

use super::form::ExtensionFormPolicy;
use crate::ExtensionMapError;

/// The URI that names a header extension in `a=extmap` (RFC 8285 §5).
///
/// The well-known ones are constants and cost no allocation, also when they were read from a description.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionUri(Cow<'static, str>);

impl ExtensionUri {
    /// The media section a stream belongs to (RFC 9143 §15).
    pub const MID: Self = Self::known("urn:ietf:params:rtp-hdrext:sdes:mid");
    /// The encoding within a simulcast media section (RFC 8852 §4.1).
    pub const RID: Self = Self::known("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
    /// The encoding that a repair stream repairs (RFC 8852 §4.2).
    pub const REPAIRED_RID: Self =
        Self::known("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id");
    /// The transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    pub const TWCC: Self =
        Self::known("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
    /// The absolute send time.
    pub const ABS_SEND_TIME: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
    /// The audio level of the sender (RFC 6464).
    pub const AUDIO_LEVEL: Self = Self::known("urn:ietf:params:rtp-hdrext:ssrc-audio-level");

    /// The transport-wide sequence number that may ask for feedback.
    pub const TWCC_2: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02");
    /// The audio levels of the contributing sources (RFC 6465).
    pub const CSRC_AUDIO_LEVEL: Self = Self::known("urn:ietf:params:rtp-hdrext:csrc-audio-level");
    /// How much later than its timestamp a packet was sent (RFC 5450).
    pub const TRANSMISSION_OFFSET: Self = Self::known("urn:ietf:params:rtp-hdrext:toffset");
    /// When a packet was captured.
    pub const ABS_CAPTURE_TIME: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time");
    /// How to turn the picture (3GPP TS 26.114 §7.4.5).
    pub const VIDEO_ORIENTATION: Self = Self::known("urn:3gpp:video-orientation");
    /// How long to keep frames before they are shown.
    pub const PLAYOUT_DELAY: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay");
    /// Camera or screen.
    pub const VIDEO_CONTENT_TYPE: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/video-content-type");
    /// How long a frame spent at each station of its sender.
    pub const VIDEO_TIMING: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/video-timing");
    /// What colours the picture has.
    pub const COLOR_SPACE: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/color-space");
    /// The layers that are sent, and their rates.
    pub const VIDEO_LAYERS_ALLOCATION: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00");
    /// Which frames a frame needs (RTP Payload Format For AV1 1.0, Appendix A).
    pub const DEPENDENCY_DESCRIPTOR: Self = Self::known(
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    );
    /// Samples of the frame as its encoder saw it.
    pub const CORRUPTION_DETECTION: Self =
        Self::known("http://www.webrtc.org/experiments/rtp-hdrext/corruption-detection");

    const KNOWN: [Self; 18] = [
        Self::MID,
        Self::RID,
        Self::REPAIRED_RID,
        Self::TWCC,
        Self::ABS_SEND_TIME,
        Self::AUDIO_LEVEL,
        Self::TWCC_2,
        Self::CSRC_AUDIO_LEVEL,
        Self::TRANSMISSION_OFFSET,
        Self::ABS_CAPTURE_TIME,
        Self::VIDEO_ORIENTATION,
        Self::PLAYOUT_DELAY,
        Self::VIDEO_CONTENT_TYPE,
        Self::VIDEO_TIMING,
        Self::COLOR_SPACE,
        Self::VIDEO_LAYERS_ALLOCATION,
        Self::DEPENDENCY_DESCRIPTOR,
        Self::CORRUPTION_DETECTION,
    ];

    const fn known(uri: &'static str) -> Self {
        Self(Cow::Borrowed(uri))
    }

    /// A URI from a description.
    pub fn new(uri: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|known| known.as_str() == uri)
            .unwrap_or_else(|| Self(Cow::Owned(uri.to_owned())))
    }

    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which id means which extension in one BUNDLE group (RFC 8285 §6, RFC 9143 §7.1.3).
///
/// The same URI has the same id in every media section of the group, and a pair once made stays for the life of the
/// session; [`insert`](Self::insert) refuses anything else. Ids have one octet, so there are at most 255 pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionMap {
    /// Ordered by id.
    pairs: Vec<(u8, ExtensionUri)>,
    allow_mixed: bool,
}

impl ExtensionMap {
    /// A map without pairs, in which forms may not be mixed.
    pub const fn new() -> Self {
        Self {
            pairs: Vec::new(),
            allow_mixed: false,
        }
    }

    /// Joins an id with a URI. The pair that is already there is no error.
    pub fn insert(&mut self, id: u8, uri: ExtensionUri) -> Result<(), ExtensionMapError> {
        if id == 0 {
            return Err(ExtensionMapError::Id);
        }
        match (self.uri(id), self.id(&uri)) {
            (Some(present), _) if *present == uri => return Ok(()),
            (Some(_), _) => return Err(ExtensionMapError::IdTaken),
            (None, Some(_)) => return Err(ExtensionMapError::UriTaken),
            (None, None) => {}
        }
        let place = self.pairs.partition_point(|(other, _)| *other < id);
        self.pairs.insert(place, (id, uri));
        Ok(())
    }

    /// The URI that an id means.
    pub fn uri(&self, id: u8) -> Option<&ExtensionUri> {
        self.pairs
            .iter()
            .find_map(|(other, uri)| (*other == id).then_some(uri))
    }

    /// The id of a URI. It compares text: keep the result, or [`ids`](Self::ids), for use per packet.
    pub fn id(&self, uri: &ExtensionUri) -> Option<u8> {
        self.pairs
            .iter()
            .find_map(|(id, other)| (other == uri).then_some(*id))
    }

    /// The lowest id that is free. 15 is passed over: the one-byte form ends its list with it.
    pub fn free_id(&self) -> Option<u8> {
        (1..=14).chain(16..=255).find(|&id| self.uri(id).is_none())
    }

    /// The pairs in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &ExtensionUri)> {
        self.pairs.iter().map(|(id, uri)| (*id, uri))
    }

    /// Whether both sides agreed on `a=extmap-allow-mixed`.
    pub const fn allow_mixed(&self) -> bool {
        self.allow_mixed
    }

    /// Notes whether both sides agreed on `a=extmap-allow-mixed`.
    pub const fn set_allow_mixed(&mut self, allow_mixed: bool) {
        self.allow_mixed = allow_mixed;
    }

    /// Which forms a sender may write (RFC 8285 §4.1.2).
    pub fn form_policy(&self) -> ExtensionFormPolicy {
        if self.allow_mixed {
            ExtensionFormPolicy::PerPacket
        } else if self.pairs.iter().any(|(id, _)| *id > 14) {
            ExtensionFormPolicy::TwoByte
        } else {
            ExtensionFormPolicy::OneByte
        }
    }

    /// The ids of the extensions that this crate can read, for use per packet.
    pub fn ids(&self) -> ExtensionIds {
        ExtensionIds {
            mid: self.id(&ExtensionUri::MID),
            rid: self.id(&ExtensionUri::RID),
            repaired_rid: self.id(&ExtensionUri::REPAIRED_RID),
            transport_sequence_number: self.id(&ExtensionUri::TWCC),
            abs_send_time: self.id(&ExtensionUri::ABS_SEND_TIME),
            audio_level: self.id(&ExtensionUri::AUDIO_LEVEL),
            transport_sequence_number_2: self.id(&ExtensionUri::TWCC_2),
            csrc_audio_level: self.id(&ExtensionUri::CSRC_AUDIO_LEVEL),
            transmission_offset: self.id(&ExtensionUri::TRANSMISSION_OFFSET),
            abs_capture_time: self.id(&ExtensionUri::ABS_CAPTURE_TIME),
            video_orientation: self.id(&ExtensionUri::VIDEO_ORIENTATION),
            playout_delay: self.id(&ExtensionUri::PLAYOUT_DELAY),
            video_content_type: self.id(&ExtensionUri::VIDEO_CONTENT_TYPE),
            video_timing: self.id(&ExtensionUri::VIDEO_TIMING),
            color_space: self.id(&ExtensionUri::COLOR_SPACE),
            video_layers_allocation: self.id(&ExtensionUri::VIDEO_LAYERS_ALLOCATION),
            dependency_descriptor: self.id(&ExtensionUri::DEPENDENCY_DESCRIPTOR),
            corruption_detection: self.id(&ExtensionUri::CORRUPTION_DETECTION),
        }
    }
}

/// The ids of the typed extensions in one BUNDLE group: [`ExtensionMap::ids`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionIds {
    /// Of [`Mid`](crate::Mid).
    pub mid: Option<u8>,
    /// Of [`Rid`](crate::Rid).
    pub rid: Option<u8>,
    /// Of the [`Rid`](crate::Rid) that a repair stream repairs.
    pub repaired_rid: Option<u8>,
    /// Of [`TransportSequenceNumber`](crate::TransportSequenceNumber).
    pub transport_sequence_number: Option<u8>,
    /// Of [`AbsSendTime`](crate::AbsSendTime).
    pub abs_send_time: Option<u8>,
    /// Of [`AudioLevel`](crate::AudioLevel).
    pub audio_level: Option<u8>,
    /// Of [`TransportSequenceNumber2`](crate::TransportSequenceNumber2).
    pub transport_sequence_number_2: Option<u8>,
    /// Of [`CsrcAudioLevels`](crate::CsrcAudioLevels).
    pub csrc_audio_level: Option<u8>,
    /// Of [`TransmissionOffset`](crate::TransmissionOffset).
    pub transmission_offset: Option<u8>,
    /// Of [`AbsCaptureTime`](crate::AbsCaptureTime).
    pub abs_capture_time: Option<u8>,
    /// Of [`VideoOrientation`](crate::VideoOrientation).
    pub video_orientation: Option<u8>,
    /// Of [`PlayoutDelay`](crate::PlayoutDelay).
    pub playout_delay: Option<u8>,
    /// Of [`VideoContentType`](crate::VideoContentType).
    pub video_content_type: Option<u8>,
    /// Of [`VideoTiming`](crate::VideoTiming).
    pub video_timing: Option<u8>,
    /// Of [`ColorSpace`](crate::ColorSpace).
    pub color_space: Option<u8>,
    /// Of [`VideoLayersAllocation`](crate::VideoLayersAllocation).
    pub video_layers_allocation: Option<u8>,
    /// Of [`DependencyDescriptor`](crate::dependency::DependencyDescriptor).
    pub dependency_descriptor: Option<u8>,
    /// Of [`CorruptionDetection`](crate::CorruptionDetection).
    pub corruption_detection: Option<u8>,
}
