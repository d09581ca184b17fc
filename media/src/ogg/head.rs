use crate::DemuxError;
use crate::input::array;

const SIGNATURE: &[u8; 8] = b"OpusHead";

/// The identification header (RFC 7845 §5.1).
///
/// ```text
/// 0 "OpusHead"   8 version, 1   9 channels   10 pre-skip   12 input sample rate
/// 16 output gain   18 mapping family   19 streams, coupled, one octet per channel (not in family 0)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpusHead {
    /// Output channels, 1 to 255.
    pub channels: u8,
    /// Samples at 48 kHz to drop from what the decoder puts out first: 312 for what libopus encodes at once, 3,840
    /// (80 ms) where a stream was cut out of another (RFC 7845 §4.2).
    pub pre_skip: u16,
    /// The rate of what was encoded; 0 if unknown. Nothing depends on it.
    pub input_sample_rate: u32,
    /// What the player adds to the volume, in 1/256 dB.
    pub output_gain: i16,
    /// What the channels mean: 0 for mono and stereo (RFC 7845 §5.1.1).
    pub mapping_family: u8,
    /// The channel mapping table of the other families, as it is in the file.
    pub mapping: Vec<u8>,
}

impl OpusHead {
    /// A head for mono or stereo as WebRTC sends it: a cut out of a stream, so 80 ms are skipped.
    pub const fn new(channels: u8) -> Self {
        Self {
            channels,
            pre_skip: 3840,
            input_sample_rate: 48_000,
            output_gain: 0,
            mapping_family: 0,
            mapping: Vec::new(),
        }
    }

    /// Whether a packet is an identification header.
    pub(super) fn is_one(packet: &[u8]) -> bool {
        packet.starts_with(SIGNATURE)
    }

    pub(super) fn decode(packet: &[u8]) -> Result<Self, DemuxError> {
        if !Self::is_one(packet) {
            return Err(DemuxError::Signature);
        }
        let [version, channels] = array(packet, 8);
        let [mapping_family] = array(packet, 18);
        let mapping = packet.get(19..).ok_or(DemuxError::Truncated)?;
        let table_len = match mapping_family {
            0 => 0,
            _ => 2 + usize::from(channels),
        };
        let mapping = mapping.get(..table_len).ok_or(DemuxError::Truncated)?;
        // "Version numbers up to and including 15 are [...] backwards compatible" (RFC 7845 §5.1).
        if version & 0xf0 != 0 || channels == 0 || mapping_family == 0 && channels > 2 {
            return Err(DemuxError::Value);
        }
        Ok(Self {
            channels,
            pre_skip: u16::from_le_bytes(array(packet, 10)),
            input_sample_rate: u32::from_le_bytes(array(packet, 12)),
            output_gain: i16::from_le_bytes(array(packet, 16)),
            mapping_family,
            mapping: mapping.to_vec(),
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut packet = SIGNATURE.to_vec();
        packet.extend_from_slice(&[1, self.channels]);
        packet.extend_from_slice(&self.pre_skip.to_le_bytes());
        packet.extend_from_slice(&self.input_sample_rate.to_le_bytes());
        packet.extend_from_slice(&self.output_gain.to_le_bytes());
        packet.push(self.mapping_family);
        if self.mapping_family != 0 {
            packet.extend_from_slice(&self.mapping);
        }
        packet
    }
}
