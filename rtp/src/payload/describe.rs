use super::{PayloadInfo, audio, av1, h264, h265, h266, vp8, vp9};
use crate::{Frame, MimeType};

/// Fills in what the octets of a whole frame tell of it: key, discardability, layer and resolution of a picture, the
/// duration of Opus. For frames that come out of a file; a [`Depacketizer`](super::Depacketizer) knows more, because
/// packets say what frames do not (the layers of VP8 and VP9).
///
/// Of a codec that is not known here, and where the octets are not what the codec says, nothing changes.
pub fn describe(frame: &mut Frame) {
    let describe: fn(&[u8]) -> PayloadInfo = match &frame.codec {
        codec if *codec == MimeType::VP8 => vp8::describe,
        codec if *codec == MimeType::VP9 => vp9::describe,
        codec if *codec == MimeType::AV1 => av1::describe,
        codec if *codec == MimeType::H264 => h264::describe,
        codec if *codec == MimeType::H265 => h265::describe,
        codec if *codec == MimeType::H266 => h266::describe,
        codec if *codec == MimeType::OPUS => {
            frame.duration = audio::opus_duration(&frame.data).ok().or(frame.duration);
            return;
        }
        _ => return,
    };
    let info = describe(&frame.data);
    frame.key = info.key;
    frame.discardable = info.discardable;
    frame.layer = info.layer;
    frame.resolution = info.resolution;
}
