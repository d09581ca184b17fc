#![doc = include_str!("../README.md")]

mod compound;
mod error;
mod framing;
mod ntp;
mod packet;
mod writer;

pub use compound::{Compound, Packet};
pub use error::{DecodeError, EncodeError};
pub use ntp::NtpTime;
pub use packet::{
    ApplicationDefined, FirEntry, FullIntraRequest, Goodbye, MAX_NACK_ENTRIES, MAX_REPORT_BLOCKS,
    Nack, NackEntry, PictureLossIndication, ReceiverEstimatedMaximumBitrate, ReceiverReport,
    ReportBlock, ReportBlocks, SdesChunk, SdesItem, SenderInfo, SenderReport, SourceDescription,
    Unknown,
};
pub use writer::Writer;
