#![doc = include_str!("../README.md")]

mod compound;
mod datagrams;
mod error;
mod fir_history;
mod framing;
mod ntp;
mod packet;
mod writer;

pub use compound::{Compound, Packet};
pub use datagrams::Datagrams;
pub use error::{DecodeError, EncodeError};
pub use fir_history::{FirHistory, MAX_FIR_PAIRS};
pub use ntp::NtpTime;
pub use packet::{
    ApplicationDefined, ApplicationLayerFeedback, Arrival, CongestionControlFeedback,
    CongestionControlFeedbackBuilder, Dlrr, DlrrItem, Ecn, ExtendedReport, FirEntry,
    FullIntraRequest, Goodbye, LayerBitrate, LossNotification, MAX_ARRIVALS, MAX_DLRR_ITEMS,
    MAX_NACK_ENTRIES, MAX_REPORT_BLOCKS, Nack, NackEntry, PacketStatus, PacketStatuses,
    PictureLossIndication, RapidResynchronisationRequest, ReceiverEstimatedMaximumBitrate,
    ReceiverReport, ReportBlock, ReportBlocks, SdesChunk, SdesItem, SenderInfo, SenderReport,
    SourceDescription, StreamArrivals, TargetBitrate, TemporaryBitrate, TemporaryBitrateEntry,
    TransportFeedback, TransportFeedbackBuilder, Unknown, UnknownXrBlock, XrBlock, XrBlockToSend,
};
pub use writer::Writer;
