/// Samples of a frame as its encoder saw it, so that a receiver can tell whether it decodes the same
/// (corruption-detection). One octet, or 4 to 16 with samples.
///
/// ```text
/// +-+-+-+-+-+-+-+-+
/// |B|  seq index  |
/// +-+-+-+-+-+-+-+-+
/// | std deviation |
/// +-+-+-+-+-+-+-+-+
/// | Y err | UV err|
/// +-+-+-+-+-+-+-+-+
/// |   samples     |   1 to 13
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CorruptionDetection {
    /// B: the index is the upper seven bits of the place in the sequence of samples, not the lower ones.
    pub upper_bits: bool,
    /// Seven bits of the place of the first sample.
    pub sequence_index: u8,
    /// What was sampled; `None` if only the index is synchronised.
    pub samples: Option<CorruptionSamples>,
}

/// The samples of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CorruptionSamples {
    /// The width of the blur that was laid over the picture, in 1/255 of 40 samples.
    pub standard_deviation: u8,
    /// How much a luma sample may differ, 0 to 15.
    pub luma_threshold: u8,
    /// How much a chroma sample may differ, 0 to 15.
    pub chroma_threshold: u8,
    values: [u8; Self::MAX],
    len: u8,
}

impl CorruptionSamples {
    /// The most samples of a packet.
    pub const MAX: usize = 13;

    /// Samples without blur or thresholds; `None` unless there are 1 to 13.
    pub fn new(values: &[u8]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut samples = Self {
            len: u8::try_from(values.len()).ok()?,
            ..Self::default()
        };
        let places = samples.values.get_mut(..values.len())?;
        places.copy_from_slice(values);
        Some(samples)
    }

    /// The samples.
    pub fn values(&self) -> &[u8] {
        self.values.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl CorruptionDetection {
    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (first, rest) = value.split_first()?;
        let samples = match rest {
            [] => None,
            [standard_deviation, thresholds, values @ ..] => Some(CorruptionSamples {
                standard_deviation: *standard_deviation,
                luma_threshold: thresholds >> 4,
                chroma_threshold: thresholds & 0x0f,
                ..CorruptionSamples::new(values)?
            }),
            [_] => return None,
        };
        Some(Self {
            upper_bits: first & 0x80 != 0,
            sequence_index: first & 0x7f,
            samples,
        })
    }

    /// Appends the value of the extension. Of fields wider than their bits the low ones travel.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        buf.push(u8::from(self.upper_bits) << 7 | self.sequence_index & 0x7f);
        if let Some(samples) = &self.samples {
            buf.push(samples.standard_deviation);
            buf.push(samples.luma_threshold << 4 | samples.chroma_threshold & 0x0f);
            buf.extend_from_slice(samples.values());
        }
    }
}
