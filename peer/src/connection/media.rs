//! Transceivers, and the RTP session that carries what they send and receive.

use std::time::Instant;

use rtp::{ExtensionMap, ExtensionUri, Feedback, MediaKind, Mid, PayloadType, Ssrc};
use session::{
    KeyframeFeedback, PayloadMapping, ReceivedPacket, ReceiverConfig, ReceiverId, RtcpMode,
    SenderConfig, SenderId, Session,
};

use super::{PeerConnection, token};
use crate::config::MAX_SECTIONS;
use crate::error::{SendRtpError, TransceiverError};
use crate::jsep::{
    CodecParameters, Direction, LocalSource, MID, SignalingState, Transceiver, TransceiverId,
    TransceiverInit,
};
use crate::stats::MediaIds;

/// The RTP session and who is who in it.
#[derive(Debug, Default)]
pub(super) struct Media {
    /// Boxed, because not every connection carries media.
    pub(super) session: Option<Box<Session>>,
    links: Vec<Link>,
}

/// A transceiver's halves in the session.
#[derive(Clone, Copy, Debug)]
struct Link {
    transceiver: TransceiverId,
    sender: Option<SenderId>,
    receiver: Option<ReceiverId>,
}

impl Media {
    pub(super) fn ids(&self) -> Vec<MediaIds> {
        let ids = |link: &Link| MediaIds {
            transceiver: link.transceiver,
            sender: link.sender,
            receiver: link.receiver,
        };
        self.links.iter().map(ids).collect()
    }

    pub(super) fn transceiver_of_sender(&self, sender: SenderId) -> Option<TransceiverId> {
        let link = self.links.iter().find(|link| link.sender == Some(sender))?;
        Some(link.transceiver)
    }

    fn transceiver_of_receiver(&self, receiver: ReceiverId) -> Option<TransceiverId> {
        let link = self
            .links
            .iter()
            .find(|link| link.receiver == Some(receiver))?;
        Some(link.transceiver)
    }

    fn link(&self, transceiver: TransceiverId) -> Option<&Link> {
        self.links
            .iter()
            .find(|link| link.transceiver == transceiver)
    }
}

impl PeerConnection {
    /// Adds a transceiver: the next offer has an m-line for it (W3C `addTransceiver`). A remote offer never takes
    /// it; see [`add_track`](Self::add_track).
    pub fn add_transceiver(
        &mut self,
        kind: MediaKind,
        direction: Direction,
        init: TransceiverInit,
    ) -> Result<TransceiverId, TransceiverError> {
        self.check_transceiver(kind, &init)?;
        let source = self.new_source();
        let id = self.jsep.add_transceiver(kind, direction, init, source);
        self.note_negotiation();
        Ok(id)
    }

    /// Sends one more track (W3C `addTrack`): on a transceiver that a remote offer made and that does not send
    /// yet, or else on a new one, which the m-line of a later remote offer may take.
    pub fn add_track(
        &mut self,
        kind: MediaKind,
        streams: &[&str],
    ) -> Result<TransceiverId, TransceiverError> {
        let init = TransceiverInit {
            streams: streams.iter().map(|&stream| stream.to_owned()).collect(),
            codecs: Vec::new(),
        };
        self.check_transceiver(kind, &init)?;
        let idle = self.jsep.transceivers.iter_mut().find(|transceiver| {
            transceiver.kind == kind
                && !transceiver.stopping
                && !transceiver.takes_offers
                && transceiver.made_by_offer
                && !transceiver.direction.sends()
        });
        let id = if let Some(transceiver) = idle {
            transceiver.direction = Direction::new(true, transceiver.direction.receives());
            transceiver.takes_offers = true;
            transceiver.source.streams = init.streams;
            transceiver.id
        } else {
            let source = self.new_source();
            let id = self
                .jsep
                .add_transceiver(kind, Direction::SendRecv, init, source);
            if let Some(transceiver) = self.jsep.transceiver_mut(id) {
                transceiver.takes_offers = true;
            }
            id
        };
        self.note_negotiation();
        Ok(id)
    }

    /// A transceiver.
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.jsep.transceiver(id)
    }

    /// All transceivers in the order of their creation, stopped ones included.
    pub fn transceivers(&self) -> impl Iterator<Item = &Transceiver> {
        self.jsep.transceivers.iter()
    }

    /// Says which way media shall flow; the next exchange of descriptions makes it so.
    pub fn set_direction(
        &mut self,
        id: TransceiverId,
        direction: Direction,
    ) -> Result<(), TransceiverError> {
        self.changeable(id)?.direction = direction;
        self.note_negotiation();
        Ok(())
    }

    /// Says which media streams our track belongs to (W3C `setStreams`).
    pub fn set_streams(
        &mut self,
        id: TransceiverId,
        streams: &[&str],
    ) -> Result<(), TransceiverError> {
        let streams: Vec<String> = streams.iter().map(|&stream| stream.to_owned()).collect();
        check_streams(&streams)?;
        self.changeable(id)?.source.streams = streams;
        self.note_negotiation();
        Ok(())
    }

    /// Ends a transceiver for good: the next exchange of descriptions frees its m-line (W3C `stop`).
    pub fn stop_transceiver(&mut self, id: TransceiverId) -> Result<(), TransceiverError> {
        let transceiver = self.changeable(id)?;
        transceiver.stopping = true;
        if transceiver.mid.is_none() {
            transceiver.stopped = true;
        }
        self.note_negotiation();
        Ok(())
    }

    /// Sends a packet. Payload type, marker, timestamp, extensions and payload are taken from it; the payload type
    /// must be one of [`Transceiver::send_codecs`], and SSRC, sequence number and MID are filled in.
    ///
    /// Before the connection is up packets wait in a bounded queue, which drops the oldest.
    pub fn send_rtp(
        &mut self,
        now: Instant,
        id: TransceiverId,
        packet: rtp::Packet,
    ) -> Result<(), SendRtpError> {
        let (session, sender) = self.sending(id)?;
        session.send(now, sender, packet).map_err(send_error)
    }

    /// Sends a packet that another connection received, under the SSRC, sequence numbers and extension ids of this
    /// one. [`payload_type_for`](Self::payload_type_for) tells the payload type.
    pub fn forward(
        &mut self,
        now: Instant,
        id: TransceiverId,
        received: &ReceivedPacket,
        payload_type: PayloadType,
    ) -> Result<(), SendRtpError> {
        let (session, sender) = self.sending(id)?;
        session
            .forward(now, sender, received, payload_type)
            .map_err(send_error)
    }

    /// Under which payload type a transceiver may send what another one receives as `codec`
    /// ([`Transceiver::receive_codecs`]); `None` when the peer does not take it.
    pub fn payload_type_for(
        &self,
        id: TransceiverId,
        codec: &CodecParameters,
    ) -> Option<PayloadType> {
        let codecs = self.jsep.transceiver(id)?.send_codecs();
        let found = codecs.iter().find(|candidate| candidate.matches(codec));
        found.map(|codec| codec.payload_type)
    }

    /// The next packet that arrived, in the order of arrival. What is not fetched is dropped, the oldest first.
    pub fn poll_packet(&mut self) -> Option<(TransceiverId, ReceivedPacket)> {
        loop {
            let (receiver, packet) = self.media.session.as_mut()?.poll_packet()?;
            if let Some(transceiver) = self.media.transceiver_of_receiver(receiver) {
                return Some((transceiver, packet));
            }
        }
    }

    /// Asks the peer for a key frame, at a rate that it can bear.
    pub fn request_keyframe(&mut self, now: Instant, id: TransceiverId) {
        let receiver = self.media.link(id).and_then(|link| link.receiver);
        if let (Some(receiver), Some(session)) = (receiver, &mut self.media.session) {
            session.request_keyframe(now, receiver);
        }
    }

    /// The largest RTP packet, header included, that fits the path once sealed. With [`Config::cryptex`], one with
    /// contributing sources and without extensions becomes four octets longer.
    ///
    /// [`Config::cryptex`]: crate::Config::cryptex
    pub fn max_rtp_packet_bytes(&self) -> usize {
        let profile = self.transport.agreed.and_then(|agreed| agreed.srtp_profile);
        let overhead = profile
            .and_then(|profile| srtp::Profile::from_number(profile.0))
            .map_or(16, srtp::Profile::rtp_overhead);
        self.config.udp_payload_bytes.saturating_sub(overhead)
    }

    /// Whether headers are encrypted, by what both descriptions say (RFC 9335 §4).
    pub(super) fn negotiated_cryptex(&self) -> srtp::Cryptex {
        if self.jsep.agrees_on_cryptex() {
            self.config.cryptex
        } else {
            srtp::Cryptex::Disabled
        }
    }

    /// Brings the session in line with what was negotiated.
    pub(super) fn apply_media(&mut self, now: Instant) {
        let negotiated = |transceiver: &Transceiver| transceiver.negotiated.is_some();
        if self.media.session.is_none() {
            if !self.jsep.transceivers.iter().any(negotiated) {
                return;
            }
            let seed = self.seed();
            let mut config = session::Config::new(seed, self.config.clock);
            config.cname.clone_from(&self.names.cname);
            config.rtcp_packet_bytes = self.config.udp_payload_bytes.saturating_sub(RTCP_OVERHEAD);
            // The configuration was checked in parts; a session that refuses it carries no media.
            self.media.session = Session::new(config).ok().map(Box::new);
        }
        let cryptex = self.negotiated_cryptex();
        if let Some(srtp) = &mut self.transport.srtp {
            srtp.set_cryptex(cryptex);
        }
        let Some(session) = &mut self.media.session else {
            return;
        };
        session.set_extensions(extension_map(&self.jsep.transceivers));
        session.set_rtcp_mode(if self.jsep.agrees_on_reduced_size() {
            RtcpMode::ReducedSize
        } else {
            RtcpMode::Compound
        });
        if let Some(round_trip) = self.transport.ice.round_trip_time() {
            session.set_round_trip_time(round_trip);
        }
        for transceiver in &self.jsep.transceivers {
            let known = self
                .media
                .links
                .iter()
                .position(|link| link.transceiver == transceiver.id);
            let index = known.unwrap_or_else(|| {
                self.media.links.push(Link {
                    transceiver: transceiver.id,
                    sender: None,
                    receiver: None,
                });
                self.media.links.len() - 1
            });
            if let Some(link) = self.media.links.get_mut(index) {
                apply_sender(now, session, link, transceiver);
                apply_receiver(now, session, link, transceiver);
            }
        }
    }

    /// The names of a new stream of ours.
    pub(super) fn new_source(&mut self) -> LocalSource {
        new_source(&mut self.random, &self.jsep.transceivers)
    }

    fn check_transceiver(
        &self,
        kind: MediaKind,
        init: &TransceiverInit,
    ) -> Result<(), TransceiverError> {
        if self.jsep.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        if self.jsep.section_count() >= MAX_SECTIONS {
            return Err(TransceiverError::TooMany);
        }
        check_streams(&init.streams)?;
        let configured = self.jsep.codecs.of(kind);
        let is_configured = |name: &String| {
            configured
                .iter()
                .any(|codec| codec.name().eq_ignore_ascii_case(name))
        };
        let usable = if init.codecs.is_empty() {
            !configured.is_empty()
        } else {
            init.codecs.iter().any(is_configured)
        };
        usable.then_some(()).ok_or(TransceiverError::Codecs)
    }

    fn changeable(&mut self, id: TransceiverId) -> Result<&mut Transceiver, TransceiverError> {
        if self.jsep.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        let transceiver = self
            .jsep
            .transceiver_mut(id)
            .ok_or(TransceiverError::Unknown)?;
        if transceiver.stopping {
            return Err(TransceiverError::Stopped);
        }
        Ok(transceiver)
    }

    fn sending(&mut self, id: TransceiverId) -> Result<(&mut Session, SenderId), SendRtpError> {
        if self.jsep.state == SignalingState::Closed {
            return Err(SendRtpError::Closed);
        }
        let transceiver = self
            .jsep
            .transceiver(id)
            .filter(|transceiver| !transceiver.stopping)
            .ok_or(SendRtpError::Unknown)?;
        let sends = transceiver
            .current_direction()
            .is_some_and(Direction::sends);
        let sender = self.media.link(id).and_then(|link| link.sender);
        match (&mut self.media.session, sender) {
            (Some(session), Some(sender)) if sends => Ok((session, sender)),
            _ => Err(SendRtpError::NotSending),
        }
    }
}

/// A stream name that no other stream of this side has.
pub(super) fn new_source(
    random: &mut rand::rngs::StdRng,
    transceivers: &[Transceiver],
) -> LocalSource {
    let mut taken: Vec<u32> = transceivers
        .iter()
        .flat_map(|transceiver| [transceiver.source.ssrc, transceiver.source.rtx_ssrc])
        .collect();
    let mut ssrc = || {
        loop {
            let ssrc = rand::Rng::next_u32(random);
            if ssrc != 0 && !taken.contains(&ssrc) {
                taken.push(ssrc);
                return ssrc;
            }
        }
    };
    let (media, rtx) = (ssrc(), ssrc());
    LocalSource {
        ssrc: media,
        rtx_ssrc: rtx,
        track: token(random, 24),
        streams: Vec::new(),
    }
}

fn apply_sender(now: Instant, session: &mut Session, link: &mut Link, transceiver: &Transceiver) {
    let sends = transceiver
        .current_direction()
        .is_some_and(Direction::sends);
    match (link.sender, transceiver.stopped) {
        (Some(sender), true) => {
            session.remove_sender(now, sender);
            link.sender = None;
        }
        // A pause keeps the sender: its sequence numbers go on, or SRTP indices would be used twice.
        (Some(sender), false) if sends => {
            session.update_sender(now, sender, sender_config(transceiver));
        }
        (None, false) if sends => {
            link.sender = Some(session.add_sender(now, sender_config(transceiver)));
        }
        _ => {}
    }
}

fn apply_receiver(now: Instant, session: &mut Session, link: &mut Link, transceiver: &Transceiver) {
    let receives = transceiver
        .current_direction()
        .is_some_and(Direction::receives);
    match link.receiver {
        Some(receiver) if receives => {
            session.update_receiver(now, receiver, receiver_config(transceiver));
        }
        Some(receiver) => {
            session.remove_receiver(now, receiver);
            link.receiver = None;
        }
        None if receives => {
            link.receiver = Some(session.add_receiver(now, receiver_config(transceiver)));
        }
        None => {}
    }
}

fn sender_config(transceiver: &Transceiver) -> SenderConfig {
    let codecs = transceiver.send_codecs();
    let source = &transceiver.source;
    let mut config = SenderConfig::new(Ssrc::new(source.ssrc), transceiver.kind, mappings(codecs));
    let retransmits = codecs.iter().any(|codec| codec.rtx_payload_type.is_some());
    config.rtx_ssrc = retransmits.then(|| Ssrc::new(source.rtx_ssrc));
    if transceiver.extension(MID).is_some() {
        config.mid = transceiver.mid().and_then(Mid::new);
    }
    config
}

fn receiver_config(transceiver: &Transceiver) -> ReceiverConfig {
    let mid = transceiver.mid().and_then(Mid::new);
    let codecs = mappings(transceiver.receive_codecs());
    let mut config = ReceiverConfig::new(mid, transceiver.kind, codecs);
    if let Some(remote) = &transceiver.remote {
        config.ssrcs = remote.ssrcs.iter().copied().map(Ssrc::new).collect();
        let pair = |&(media, rtx): &(u32, u32)| (Ssrc::new(media), Ssrc::new(rtx));
        config.rtx_ssrcs = remote.rtx.iter().map(pair).collect();
    }
    config
}

fn mappings(codecs: &[CodecParameters]) -> Vec<PayloadMapping> {
    codecs
        .iter()
        .map(|parameters| {
            let codec = &parameters.codec;
            let mut mapping = PayloadMapping::new(parameters.payload_type, codec.clock_rate);
            mapping.rtx_pt = parameters.rtx_payload_type;
            mapping.nack = codec.has_feedback(&Feedback::Nack);
            mapping.keyframe_feedback = if codec.has_feedback(&Feedback::NackPli) {
                Some(KeyframeFeedback::PictureLoss)
            } else if codec.has_feedback(&Feedback::CcmFir) {
                Some(KeyframeFeedback::FullIntra)
            } else {
                None
            };
            mapping
        })
        .collect()
}

/// The extensions of the BUNDLE group: an id means the same in all of its m-lines (RFC 8843 §10).
fn extension_map(transceivers: &[Transceiver]) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    let negotiated = transceivers.iter().filter_map(|t| t.negotiated.as_ref());
    for extension in negotiated.flat_map(|negotiated| &negotiated.extensions) {
        let uri = ExtensionUri::new(&extension.uri);
        if map.id(&uri).is_none() {
            // An id with two meanings was refused with its description.
            let _ = map.insert(extension.id, uri);
        }
    }
    map
}

fn check_streams(streams: &[String]) -> Result<(), TransceiverError> {
    let is_id = |id: &String| {
        (1..=64).contains(&id.len())
            && id != "-"
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte))
    };
    let good = streams.len() <= 16 && streams.iter().all(is_id);
    good.then_some(()).ok_or(TransceiverError::StreamId)
}

const fn send_error(error: session::SendError) -> SendRtpError {
    match error {
        session::SendError::UnknownSender => SendRtpError::Unknown,
        session::SendError::PayloadType => SendRtpError::PayloadType,
        session::SendError::TooLarge => SendRtpError::TooLarge,
        _ => SendRtpError::Closed,
    }
}

/// An SRTCP tag of 16 bytes and the index of 4 (RFC 7714 §9.1).
const RTCP_OVERHEAD: usize = 20;
