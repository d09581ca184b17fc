use super::audio::{AudioDepacketizer, AudioFormat, AudioPacketizer};
use super::h264::{H264Packetizer, PacketizationMode};
use super::{Assembler, Depacketizer, Packetizer, av1, h264, h265, h266, vp8, vp9};
use crate::{Codec, H264Parameters, MimeType};

/// Makes the receiving side of a codec; `None` if its parameters are not supported.
pub type MakeDepacketizer = fn(&Codec) -> Option<Box<dyn Depacketizer + Send>>;

/// Makes the sending side of a codec; `None` if its parameters are not supported. The number is random: where a format
/// counts pictures, they begin there.
pub type MakePacketizer = fn(&Codec, u32) -> Option<Box<dyn Packetizer + Send>>;

/// The payload formats by media type: those of this crate, and those that a user adds.
///
/// ```
/// use avocet_rtp::payload::Registry;
/// use avocet_rtp::{Codec, MediaKind, MimeType};
///
/// let mut formats = Registry::standard();
/// // A format of one's own, here one that looks like VP8.
/// let own = MimeType::new(MediaKind::Video, "x-own");
/// formats.register(
///     own.clone(),
///     |_| Registry::standard().depacketizer(&Codec::new(MimeType::VP8, 90_000)),
///     |_, random| Registry::standard().packetizer(&Codec::new(MimeType::VP8, 90_000), random),
/// );
/// assert!(formats.depacketizer(&Codec::new(own, 90_000)).is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Vec<(MimeType, MakeDepacketizer, MakePacketizer)>,
}

impl Registry {
    /// A registry without formats.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// All formats of this crate that make frames. RED and telephone events are no formats of their own: they go around
    /// and beside another one.
    pub fn standard() -> Self {
        let mut registry = Self::new();
        for mime in [
            MimeType::OPUS,
            MimeType::PCMU,
            MimeType::PCMA,
            MimeType::G722,
            MimeType::L16,
            MimeType::CN,
        ] {
            registry.register(mime, audio_depacketizer, audio_packetizer);
        }
        registry.register(
            MimeType::VP8,
            |_| Some(Box::new(Assembler::new(vp8::Vp8))),
            |_, random| {
                let (picture_id, index) = counters(random);
                Some(Box::new(vp8::Vp8Packetizer::new(picture_id, index)))
            },
        );
        registry.register(
            MimeType::VP9,
            |_| Some(Box::new(Assembler::new(vp9::Vp9::new()))),
            |_, random| {
                let (picture_id, index) = counters(random);
                Some(Box::new(vp9::Vp9Packetizer::new(picture_id, index)))
            },
        );
        registry.register(
            MimeType::AV1,
            |_| Some(Box::new(Assembler::new(av1::Av1::new()))),
            |_, _| Some(Box::new(av1::Av1Packetizer)),
        );
        registry.register(MimeType::H264, h264_depacketizer, h264_packetizer);
        registry.register(MimeType::H265, h265_depacketizer, |codec, _| {
            let plain = !has_decoding_order_numbers(codec);
            plain.then(|| Box::new(h265::H265Packetizer::default()) as _)
        });
        registry.register(MimeType::H266, h266_depacketizer, |codec, _| {
            let plain = !has_decoding_order_numbers(codec);
            plain.then(|| Box::new(h266::H266Packetizer::default()) as _)
        });
        registry
    }

    /// Adds a format, in place of one of the same media type.
    pub fn register(
        &mut self,
        mime: MimeType,
        depacketizer: MakeDepacketizer,
        packetizer: MakePacketizer,
    ) {
        self.entries.retain(|(known, ..)| *known != mime);
        self.entries.push((mime, depacketizer, packetizer));
    }

    /// The receiving side of a codec; `None` if there is none, or its parameters are not supported.
    pub fn depacketizer(&self, codec: &Codec) -> Option<Box<dyn Depacketizer + Send>> {
        let (_, make, _) = self.entry(&codec.mime)?;
        make(codec)
    }

    /// The sending side of a codec; `None` if there is none, or its parameters are not supported. `random` is what the
    /// counters of pictures begin with.
    pub fn packetizer(&self, codec: &Codec, random: u32) -> Option<Box<dyn Packetizer + Send>> {
        let (.., make) = self.entry(&codec.mime)?;
        make(codec, random)
    }

    fn entry(&self, mime: &MimeType) -> Option<&(MimeType, MakeDepacketizer, MakePacketizer)> {
        self.entries.iter().find(|(known, ..)| known == mime)
    }
}

fn counters(random: u32) -> (u16, u8) {
    let [index, _, p0, p1] = random.to_be_bytes();
    (u16::from_be_bytes([p0, p1]), index)
}

fn audio_format(codec: &Codec) -> Option<AudioFormat> {
    AudioFormat::new(&codec.mime, codec.channels.unwrap_or(1))
}

fn audio_depacketizer(codec: &Codec) -> Option<Box<dyn Depacketizer + Send>> {
    Some(Box::new(AudioDepacketizer::new(audio_format(codec)?)))
}

fn audio_packetizer(codec: &Codec, _random: u32) -> Option<Box<dyn Packetizer + Send>> {
    Some(Box::new(AudioPacketizer::new(audio_format(codec)?)))
}

fn h264_depacketizer(codec: &Codec) -> Option<Box<dyn Depacketizer + Send>> {
    // The interleaved mode is not supported.
    H264Parameters::parse(&codec.fmtp)?;
    Some(Box::new(Assembler::new(h264::H264::new())))
}

fn h264_packetizer(codec: &Codec, _random: u32) -> Option<Box<dyn Packetizer + Send>> {
    let mode: PacketizationMode = H264Parameters::parse(&codec.fmtp)?.packetization_mode;
    Some(Box::new(H264Packetizer::new(mode)))
}

fn has_decoding_order_numbers(codec: &Codec) -> bool {
    let difference = codec.parameter("sprop-max-don-diff");
    difference.is_some_and(|difference| difference.parse() != Ok(0_u16))
}

fn h265_depacketizer(codec: &Codec) -> Option<Box<dyn Depacketizer + Send>> {
    let format = if has_decoding_order_numbers(codec) {
        h265::H265::with_decoding_order_numbers()
    } else {
        h265::H265::new()
    };
    Some(Box::new(Assembler::new(format)))
}

fn h266_depacketizer(codec: &Codec) -> Option<Box<dyn Depacketizer + Send>> {
    let format = if has_decoding_order_numbers(codec) {
        h266::H266::with_decoding_order_numbers()
    } else {
        h266::H266::new()
    };
    Some(Box::new(Assembler::new(format)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(mime: MimeType, fmtp: &str) -> Codec {
        Codec {
            fmtp: fmtp.to_owned(),
            ..Codec::new(mime, 90_000)
        }
    }

    #[test]
    fn every_format_of_the_crate_is_registered_both_ways() {
        let formats = Registry::standard();
        for mime in [
            MimeType::OPUS,
            MimeType::PCMU,
            MimeType::PCMA,
            MimeType::G722,
            MimeType::L16,
            MimeType::CN,
            MimeType::VP8,
            MimeType::VP9,
            MimeType::AV1,
            MimeType::H264,
            MimeType::H265,
            MimeType::H266,
        ] {
            let codec = codec(mime, "");
            assert!(formats.depacketizer(&codec).is_some(), "{}", codec.mime);
            assert!(formats.packetizer(&codec, 7).is_some(), "{}", codec.mime);
        }
        let unknown = codec(MimeType::VIDEO_RTX, "apt=96");
        assert!(formats.depacketizer(&unknown).is_none());
        assert!(Registry::new().packetizer(&unknown, 0).is_none());
    }

    #[test]
    fn parameters_choose_the_form_of_packets() {
        let formats = Registry::standard();
        let interleaved = codec(MimeType::H264, "packetization-mode=2");
        assert!(formats.depacketizer(&interleaved).is_none());
        let mut single = formats.packetizer(&codec(MimeType::H264, ""), 0).unwrap();
        let mut data = vec![0, 0, 0, 1, 0x61];
        data.resize(2000, 7);
        let frame = crate::Frame::new(MimeType::H264, 0, data.into());
        let refused = single.packetize(&frame, 1200, &mut |_| {});
        assert_eq!(refused, Err(crate::payload::PacketizeError::TooLarge));
        let mode_1 = codec(MimeType::H264, "packetization-mode=1");
        let mut cutting = formats.packetizer(&mode_1, 0).unwrap();
        assert_eq!(cutting.packetize(&frame, 1200, &mut |_| {}), Ok(()));
        for mime in [MimeType::H265, MimeType::H266] {
            let ordered = codec(mime, "sprop-max-don-diff=2");
            assert!(formats.depacketizer(&ordered).is_some());
            assert!(formats.packetizer(&ordered, 0).is_none());
        }
    }
}
