mod application_defined;
mod full_intra_request;
mod goodbye;
mod nack;
mod picture_loss_indication;
mod receiver_report;
mod remb;
mod report_block;
mod sender_report;
mod source_description;
mod unknown;

pub use application_defined::ApplicationDefined;
pub use full_intra_request::{FirEntry, FullIntraRequest};
pub use goodbye::Goodbye;
pub use nack::{MAX_NACK_ENTRIES, Nack, NackEntry};
pub use picture_loss_indication::PictureLossIndication;
pub use receiver_report::ReceiverReport;
pub use remb::ReceiverEstimatedMaximumBitrate;
pub use report_block::{MAX_REPORT_BLOCKS, ReportBlock, ReportBlocks};
pub use sender_report::{SenderInfo, SenderReport};
pub use source_description::{SdesChunk, SdesItem, SourceDescription};
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

    /// A format of transport feedback.
    pub(crate) const NACK: u8 = 1;

    /// Formats of payload feedback.
    pub(crate) const PICTURE_LOSS_INDICATION: u8 = 1;
    pub(crate) const FULL_INTRA_REQUEST: u8 = 4;
    pub(crate) const APPLICATION_LAYER: u8 = 15;
}
