use crate::ClockAnchor;
use crate::error::ConfigError;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rtp::{ExtensionMap, MediaKind, Mid, PayloadType, Rid, Ssrc};
use std::fmt;
use std::time::Duration;

/// How a session is set up. [`Config::new`] gives every field its default.
#[derive(Clone)]
pub struct Config {
    /// Where all randomness comes from: first sequence numbers, report times, keys. Never use one twice.
    pub seed: [u8; 32],
    /// The wall clock, for sender reports.
    pub clock: ClockAnchor,
    /// The canonical name of this endpoint, the same for all sessions whose media is played in step
    /// (RFC 3550 §6.5.1). Default: 96 random bits of the seed as text (RFC 7022 §4.2).
    pub cname: String,
    /// The header extensions of the BUNDLE group. Default: none; see
    /// [`set_extensions`](crate::Session::set_extensions).
    pub extensions: ExtensionMap,
    /// What an RTCP packet looks like. Default: [`RtcpMode::Compound`], which every peer understands.
    pub rtcp_mode: RtcpMode,
    /// Whether an RTCP packet that does not begin with a report is refused while [`RtcpMode::Compound`] holds
    /// (RFC 3550 appendix A.2). Default: no, it is read all the same.
    pub strict_compounds: bool,
    /// The largest RTCP packet, in bytes without SRTCP. Default 1,200, at least 200. Feedback is split to fit
    /// (RFC 8834 §5.1 leaves the size to the path; 1,200 passes everywhere).
    pub rtcp_packet_bytes: usize,
    /// The largest RTP packet that [`send`](crate::Session::send) takes, in bytes without SRTP. Default 1,500:
    /// what a forwarder receives must fit again with its own extensions.
    pub rtp_packet_bytes: usize,
    /// Packets kept for retransmission, in bytes over all senders. Default 4 MiB: a second at 32 Mbit/s.
    pub history_bytes: usize,
    /// How long packets are kept for retransmission; three round trips if that is longer. Default 1 s.
    pub history_duration: Duration,
    /// Retransmitted bytes as a share of the media bytes, in percent, both over the last four seconds. Default 15.
    pub retransmission_percent: u8,
    /// Retransmitted bytes per second that are allowed in any case, so that a call of few packets recovers too.
    /// Default 8,000: six packets of full size.
    pub retransmission_floor_bytes_per_second: usize,
    /// Packets that wait in [`poll_transmit`](crate::Session::poll_transmit); beyond it the oldest of the same
    /// kind is dropped. Default 2,048: two seconds at 10 Mbit/s.
    pub send_queue_packets: usize,
    /// Packets that wait in [`poll_packet`](crate::Session::poll_packet); beyond it the oldest is dropped.
    /// Default 2,048.
    pub receive_queue_packets: usize,
    /// Payload bytes that wait in [`poll_packet`](crate::Session::poll_packet). Default 4 MiB.
    pub receive_queue_bytes: usize,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the seed: whoever knows it can foretell sequence numbers.
        f.debug_struct("Config")
            .field("cname", &self.cname)
            .field("extensions", &self.extensions)
            .field("rtcp_mode", &self.rtcp_mode)
            .field("rtcp_packet_bytes", &self.rtcp_packet_bytes)
            .field("rtp_packet_bytes", &self.rtp_packet_bytes)
            .field("history_bytes", &self.history_bytes)
            .field("history_duration", &self.history_duration)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The defaults.
    pub fn new(seed: [u8; 32], clock: ClockAnchor) -> Self {
        Self {
            seed,
            clock,
            cname: random_cname(seed),
            extensions: ExtensionMap::default(),
            rtcp_mode: RtcpMode::Compound,
            strict_compounds: false,
            rtcp_packet_bytes: 1_200,
            rtp_packet_bytes: 1_500,
            history_bytes: 4 * 1024 * 1024,
            history_duration: Duration::from_secs(1),
            retransmission_percent: 15,
            retransmission_floor_bytes_per_second: 8_000,
            send_queue_packets: 2_048,
            receive_queue_packets: 2_048,
            receive_queue_bytes: 4 * 1024 * 1024,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let printable = self.cname.bytes().all(|byte| byte >= 0x20 && byte != 0x7f);
        if self.cname.is_empty() || self.cname.len() > MAX_CNAME_BYTES || !printable {
            return Err(ConfigError::Cname);
        }
        if !(200..=65_535).contains(&self.rtcp_packet_bytes) {
            return Err(ConfigError::RtcpPacketBytes);
        }
        if !(200..=65_535).contains(&self.rtp_packet_bytes) {
            return Err(ConfigError::RtpPacketBytes);
        }
        if self.send_queue_packets == 0
            || self.receive_queue_packets == 0
            || self.receive_queue_bytes == 0
        {
            return Err(ConfigError::Queue);
        }
        Ok(())
    }
}

/// A canonical name must leave room for reports in the smallest RTCP packet.
const MAX_CNAME_BYTES: usize = 64;

/// 96 bits in base64, 16 characters (RFC 7022 §4.2).
fn random_cname(mut seed: [u8; 32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Not the stream that the session draws from.
    if let Some(first) = seed.first_mut() {
        *first ^= 0xff;
    }
    let mut rng = StdRng::from_seed(seed);
    (0..16)
        .filter_map(|_| ALPHABET.get(rng.random_range(0..ALPHABET.len())))
        .map(|&byte| char::from(byte))
        .collect()
}

/// What an RTCP packet looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcpMode {
    /// Every packet is a compound that begins with a report and names its source (RFC 3550 §6.1).
    #[default]
    Compound,
    /// Feedback may travel alone (RFC 5506), when both sides agreed on `a=rtcp-rsize`.
    ReducedSize,
}

/// One payload type of a media section and how its packets are repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadMapping {
    /// The payload type of the media.
    pub pt: PayloadType,
    /// The payload type of its retransmissions, the one whose `apt` is `pt` (RFC 4588 §8.6).
    pub rtx_pt: Option<PayloadType>,
    /// The rate of its timestamps, in Hz.
    pub clock_rate: u32,
    /// Whether lost packets are asked for, or answered when asked for: `a=rtcp-fb nack`.
    pub nack: bool,
    /// How a keyframe is asked for; `None` where there is no such thing.
    pub keyframe_feedback: Option<KeyframeFeedback>,
}

impl PayloadMapping {
    /// A payload type without repair.
    pub const fn new(pt: PayloadType, clock_rate: u32) -> Self {
        Self {
            pt,
            rtx_pt: None,
            clock_rate,
            nack: false,
            keyframe_feedback: None,
        }
    }
}

/// How a keyframe is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyframeFeedback {
    /// Picture Loss Indication (RFC 4585 §6.3.1), `a=rtcp-fb nack pli`.
    PictureLoss,
    /// Full Intra Request (RFC 5104 §4.3.1), `a=rtcp-fb ccm fir`, where PLI was not agreed on.
    FullIntra,
}

/// Where the sequence numbers of packets given to [`send`](crate::Session::send) come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Numbering {
    /// The sender counts, from a random start (RFC 3550 §5.1). What [`forward`](crate::Session::forward) needs.
    #[default]
    Renumber,
    /// The packets bring their own.
    Keep,
}

/// One outgoing stream.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The SSRC of the media.
    pub ssrc: Ssrc,
    /// The SSRC of its retransmissions (RFC 4588 §4). Without one nothing is retransmitted: to repeat a packet
    /// under its own sequence number would use an SRTP index twice.
    pub rtx_ssrc: Option<Ssrc>,
    /// Audio goes first, and reports less often.
    pub kind: MediaKind,
    /// The payload types that may be sent.
    pub payload_types: Vec<PayloadMapping>,
    /// The media section, announced in the MID extension. `None` for none.
    pub mid: Option<Mid>,
    /// The encoding of a simulcast section, announced in the RID extension.
    pub rid: Option<Rid>,
    /// How long MID and RID are announced.
    pub announce: Announce,
    /// Where sequence numbers come from.
    pub numbering: Numbering,
}

impl SenderConfig {
    /// A stream without retransmissions, MID or RID.
    pub const fn new(ssrc: Ssrc, kind: MediaKind, payload_types: Vec<PayloadMapping>) -> Self {
        Self {
            ssrc,
            rtx_ssrc: None,
            kind,
            payload_types,
            mid: None,
            rid: None,
            announce: Announce::UntilReported,
            numbering: Numbering::Renumber,
        }
    }
}

/// How long a sender puts MID and RID on its packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Announce {
    /// Until a report of the remote side names the SSRC: then it has bound it (RFC 9143 §15.1), and for a second at least.
    #[default]
    UntilReported,
    /// On every packet.
    Always,
}

/// One receiving media section.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// The media section, as it stands in the MID extension. `None` if it has no MID that can travel.
    pub mid: Option<Mid>,
    /// What it carries.
    pub kind: MediaKind,
    /// The payload types that may arrive.
    pub payload_types: Vec<PayloadMapping>,
    /// SSRCs that the description declares (`a=ssrc`), retransmissions not included.
    pub ssrcs: Vec<Ssrc>,
    /// Media SSRC and retransmission SSRC, as declared in `a=ssrc-group:FID`.
    pub rtx_ssrcs: Vec<(Ssrc, Ssrc)>,
}

impl ReceiverConfig {
    /// A media section whose SSRCs are not declared.
    pub const fn new(
        mid: Option<Mid>,
        kind: MediaKind,
        payload_types: Vec<PayloadMapping>,
    ) -> Self {
        Self {
            mid,
            kind,
            payload_types,
            ssrcs: Vec::new(),
            rtx_ssrcs: Vec::new(),
        }
    }
}
