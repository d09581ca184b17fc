mod application_defined;
mod application_layer;
mod congestion_control_feedback;
mod extended_report;
mod full_intra_request;
mod goodbye;
mod nack;
mod picture_loss_indication;
mod rapid_resynchronisation_request;
mod receiver_report;
mod remb;
mod report_block;
mod sender_report;
mod source_description;
mod temporary_bitrate;
mod transport_feedback;
mod unknown;

pub use application_defined::ApplicationDefined;
pub use application_layer::{ApplicationLayerFeedback, LossNotification};
pub use congestion_control_feedback::{
    Arrival, CongestionControlFeedback, CongestionControlFeedbackBuilder, Ecn, MAX_ARRIVALS,
    StreamArrivals,
};
pub use extended_report::{
    Dlrr, DlrrItem, ExtendedReport, LayerBitrate, MAX_DLRR_ITEMS, TargetBitrate, UnknownXrBlock,
    XrBlock, XrBlockToSend,
};
pub use full_intra_request::{FirEntry, FullIntraRequest};
pub use goodbye::Goodbye;
pub use nack::{MAX_NACK_ENTRIES, Nack, NackEntry};
pub use picture_loss_indication::PictureLossIndication;
pub use rapid_resynchronisation_request::RapidResynchronisationRequest;
pub use receiver_report::ReceiverReport;
pub use remb::ReceiverEstimatedMaximumBitrate;
pub use report_block::{MAX_REPORT_BLOCKS, ReportBlock, ReportBlocks};
pub use sender_report::{SenderInfo, SenderReport};
pub use source_description::{SdesChunk, SdesItem, SourceDescription};
pub use temporary_bitrate::{TemporaryBitrate, TemporaryBitrateEntry};
pub use transport_feedback::{
    PacketStatus, PacketStatuses, TransportFeedback, TransportFeedbackBuilder,
};
pub use unknown::Unknown;

/// The numbers of packet types and feedback formats (IANA, RTCP control packet types and FMT values).
pub(crate) mod packet_type {
    pub(crate) const SENDER_REPORT: u8 = 200;
    pub(crate) const RECEIVER_REPORT: u8 = 201;
    pub(crate) const SOURCE_DESCRIPTION: u8 = 202;
    pub(crate) const GOODBYE: u8 = 203;
    pub(crate) const APPLICATION_DEFINED: u8 = 204;
    pub(crate) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(crate) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(crate) const EXTENDED_REPORT: u8 = 207;

    /// Formats of transport feedback.
    pub(crate) const NACK: u8 = 1;
    pub(crate) const TEMPORARY_BITRATE_REQUEST: u8 = 3;
    pub(crate) const TEMPORARY_BITRATE_NOTIFICATION: u8 = 4;
    pub(crate) const RAPID_RESYNCHRONISATION: u8 = 5;
    pub(crate) const CONGESTION_CONTROL: u8 = 11;
    pub(crate) const TRANSPORT_WIDE: u8 = 15;

    /// Formats of payload feedback.
    pub(crate) const PICTURE_LOSS_INDICATION: u8 = 1;
    pub(crate) const FULL_INTRA_REQUEST: u8 = 4;
    pub(crate) const APPLICATION_LAYER: u8 = 15;
}
