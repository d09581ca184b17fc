#![doc = include_str!("../README.md")]
#![warn(clippy::indexing_slicing)]

mod bits;
mod codec;
mod demux;
mod error;
mod extension;
mod frame;
pub mod leb128;
mod number;
mod packet;
pub mod payload;
mod source;
mod unwrapper;

pub use codec::{
    Av1Parameters, Codec, Feedback, H264Level, H264Parameters, H264Profile, H265Parameters,
    H265Tier, H266Parameters, H266Tier, MediaKind, MimeType, OpusParameters, ParseMimeTypeError,
    ProfileLevelId, Vp9Parameters,
};
pub use demux::{Binding, Demuxer, MAX_BINDINGS, Route, SectionId, is_rtcp};
pub use error::{
    CsrcsFull, DecodeError, ExtensionMapError, OpaqueExtensionError, SetExtensionError,
    UpdateExtensionError,
};
pub use extension::{
    AbsCaptureTime, AbsSendTime, AudioLevel, CaptureTimeReader, CaptureTimeWriter, Chromaticity,
    ColorSpace, CorruptionDetection, CorruptionSamples, CsrcAudioLevels, ExtensionForm,
    ExtensionFormPolicy, ExtensionIds, ExtensionIter, ExtensionMap, ExtensionUri, Extensions,
    ExtensionsIter, FeedbackRequest, HdrMetadata, Mid, PlayoutDelay, Rid, Rotation,
    SpatialLayerAllocation, TransmissionOffset, TransportSequenceNumber, TransportSequenceNumber2,
    VideoContentType, VideoLayersAllocation, VideoOrientation, VideoTiming, dependency,
};
pub use frame::{Frame, Layer, Resolution};
pub use number::{PayloadType, SequenceNumber, Ssrc};
pub use packet::{
    Csrcs, FIXED_HEADER_LEN, HEADROOM, HeaderView, MAX_CSRCS, Packet, PacketBudget, PacketBuffer,
    PacketView, PacketViewMut, extension_block_len,
};
pub use source::{MAX_DROPOUT, MAX_MISORDER, SourceValidator, Verdict};
pub use unwrapper::{SequenceUnwrapper, TimestampUnwrapper};
