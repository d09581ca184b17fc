use crate::DecodeError;
use crate::framing::Frame;
use crate::packet::{
    ApplicationDefined, ApplicationLayerFeedback, CongestionControlFeedback, ExtendedReport,
    FullIntraRequest, Goodbye, LossNotification, Nack, PictureLossIndication,
    RapidResynchronisationRequest, ReceiverEstimatedMaximumBitrate, ReceiverReport, SenderReport,
    SourceDescription, TemporaryBitrate, TransportFeedback, Unknown, packet_type,
};

/// The packets of one RTCP datagram, one after another by their length fields (RFC 3550 §6.1, RFC 5506).
///
/// A datagram of reduced size, without a report at its front, is read like any other; whether one is welcome is the
/// caller's to decide by [`starts_with_report`](Self::starts_with_report). A packet whose body is wrong comes out as an
/// error and the next one follows; broken framing (length, version, padding) ends the list, and the packets before
/// it stand. Work and output are linear in the datagram; nothing is allocated.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

impl<'a> Compound<'a> {
    /// The packets in a plaintext datagram.
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }

    /// Whether a sender or receiver report comes next, as it must at the front of a full compound packet.
    pub fn starts_with_report(&self) -> bool {
        matches!(
            self.rest,
            [
                _,
                packet_type::SENDER_REPORT | packet_type::RECEIVER_REPORT,
                ..
            ]
        )
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Packet<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = Frame::decode(&mut self.rest);
        if frame.is_err() {
            self.rest = &[];
        }
        Some(frame.and_then(Packet::decode))
    }
}

impl std::iter::FusedIterator for Compound<'_> {}

/// One RTCP packet, borrowed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// SR, RFC 3550 §6.4.1.
    SenderReport(SenderReport<'a>),
    /// RR, RFC 3550 §6.4.2.
    ReceiverReport(ReceiverReport<'a>),
    /// SDES, RFC 3550 §6.5.
    SourceDescription(SourceDescription<'a>),
    /// BYE, RFC 3550 §6.6.
    Goodbye(Goodbye<'a>),
    /// APP, RFC 3550 §6.7.
    ApplicationDefined(ApplicationDefined<'a>),
    /// Generic NACK, RFC 4585 §6.2.1.
    Nack(Nack<'a>),
    /// PLI, RFC 4585 §6.3.1.
    PictureLossIndication(PictureLossIndication),
    /// FIR, RFC 5104 §4.3.1.
    FullIntraRequest(FullIntraRequest<'a>),
    /// REMB, draft-alvestrand-rmcat-remb-03.
    ReceiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate<'a>),
    /// LNTF, an application-layer feedback of libwebrtc.
    LossNotification(LossNotification),
    /// Application-layer feedback of another kind, RFC 4585 §6.4.
    ApplicationLayerFeedback(ApplicationLayerFeedback<'a>),
    /// TMMBR, RFC 5104 §4.2.1.
    TemporaryBitrateRequest(TemporaryBitrate<'a>),
    /// TMMBN, RFC 5104 §4.2.2.
    TemporaryBitrateNotification(TemporaryBitrate<'a>),
    /// RTCP-SR-REQ, RFC 6051 §3.2.
    RapidResynchronisationRequest(RapidResynchronisationRequest),
    /// Transport-wide feedback, draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
    TransportFeedback(TransportFeedback<'a>),
    /// CCFB, RFC 8888 §3.1.
    CongestionControlFeedback(CongestionControlFeedback<'a>),
    /// XR, RFC 3611 §2.
    ExtendedReport(ExtendedReport<'a>),
    /// Any other type or feedback format, with its body as it came.
    Unknown(Unknown<'a>),
}

impl<'a> Packet<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        use packet_type::*;
        Ok(match (frame.packet_type, frame.count) {
            (SENDER_REPORT, _) => Self::SenderReport(SenderReport::decode(frame)?),
            (RECEIVER_REPORT, _) => Self::ReceiverReport(ReceiverReport::decode(frame)?),
            (SOURCE_DESCRIPTION, _) => Self::SourceDescription(SourceDescription::decode(frame)?),
            (GOODBYE, _) => Self::Goodbye(Goodbye::decode(frame)?),
            (APPLICATION_DEFINED, _) => {
                Self::ApplicationDefined(ApplicationDefined::decode(frame)?)
            }
            (EXTENDED_REPORT, _) => Self::ExtendedReport(ExtendedReport::decode(frame)?),
            (TRANSPORT_FEEDBACK, _) => return Self::decode_transport_feedback(frame),
            (PAYLOAD_FEEDBACK, PICTURE_LOSS_INDICATION) => {
                Self::PictureLossIndication(PictureLossIndication::decode(frame)?)
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA_REQUEST) => {
                Self::FullIntraRequest(FullIntraRequest::decode(frame)?)
            }
            (PAYLOAD_FEEDBACK, APPLICATION_LAYER)
                if ReceiverEstimatedMaximumBitrate::is_at(frame) =>
            {
                Self::ReceiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate::decode(
                    frame,
                )?)
            }
            (PAYLOAD_FEEDBACK, APPLICATION_LAYER) if LossNotification::is_at(frame) => {
                Self::LossNotification(LossNotification::decode(frame)?)
            }
            (PAYLOAD_FEEDBACK, APPLICATION_LAYER) => {
                Self::ApplicationLayerFeedback(ApplicationLayerFeedback::decode(frame)?)
            }
            _ => Self::Unknown(Unknown::new(frame)),
        })
    }

    fn decode_transport_feedback(frame: Frame<'a>) -> Result<Self, DecodeError> {
        use packet_type::*;
        Ok(match frame.count {
            NACK => Self::Nack(Nack::decode(frame)?),
            TEMPORARY_BITRATE_REQUEST => {
                Self::TemporaryBitrateRequest(TemporaryBitrate::decode(frame)?)
            }
            TEMPORARY_BITRATE_NOTIFICATION => {
                Self::TemporaryBitrateNotification(TemporaryBitrate::decode(frame)?)
            }
            RAPID_RESYNCHRONISATION => {
                Self::RapidResynchronisationRequest(RapidResynchronisationRequest::decode(frame)?)
            }
            CONGESTION_CONTROL => {
                Self::CongestionControlFeedback(CongestionControlFeedback::decode(frame)?)
            }
            TRANSPORT_WIDE => Self::TransportFeedback(TransportFeedback::decode(frame)?),
            _ => Self::Unknown(Unknown::new(frame)),
        })
    }
}
