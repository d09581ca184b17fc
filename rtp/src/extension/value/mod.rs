//! The typed values of header extensions, one file for each. A value of the wrong length, or of fields that make no
//! sense, is absent: `decode` gives `None`.

mod abs_capture_time;
mod abs_send_time;
mod audio_level;
mod capture_clock;
mod color_space;
mod content_type;
mod corruption_detection;
mod layers_allocation;
mod playout_delay;
#[cfg(test)]
mod tests;
mod transmission_offset;
mod transport_sequence_number;
mod video_orientation;
mod video_timing;

pub use abs_capture_time::AbsCaptureTime;
pub use abs_send_time::AbsSendTime;
pub use audio_level::{AudioLevel, CsrcAudioLevels};
pub use capture_clock::{CaptureTimeReader, CaptureTimeWriter};
pub use color_space::{Chromaticity, ColorSpace, HdrMetadata};
pub use content_type::VideoContentType;
pub use corruption_detection::{CorruptionDetection, CorruptionSamples};
pub use layers_allocation::{SpatialLayerAllocation, VideoLayersAllocation};
pub use playout_delay::PlayoutDelay;
pub use transmission_offset::TransmissionOffset;
pub use transport_sequence_number::{
    FeedbackRequest, TransportSequenceNumber, TransportSequenceNumber2,
};
pub use video_orientation::{Rotation, VideoOrientation};
pub use video_timing::VideoTiming;
