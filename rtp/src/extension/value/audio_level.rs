use crate::MAX_CSRCS;

/// How loud the audio in a packet is (RFC 6464 §3). One octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioLevel {
    /// Whether the sender takes the packet for speech.
    pub voice: bool,
    /// The level in −dBov: 0 is the loudest, 127 is silence. Only seven bits travel.
    pub level: u8,
}

impl AudioLevel {
    /// Reads the value of the extension; `None` if it has another length.
    pub const fn decode(value: &[u8]) -> Option<Self> {
        let &[octet] = value else { return None };
        Some(Self {
            voice: octet & 0x80 != 0,
            level: octet & 0x7f,
        })
    }

    /// The value of the extension. A level above 127 is written as 127.
    pub const fn encode(self) -> [u8; 1] {
        let level = if self.level > 127 { 127 } else { self.level };
        [(self.voice as u8) << 7 | level]
    }
}

/// How loud each contributing source of a mixed packet is (RFC 6465 §3). An octet for each, in the order of the CSRC list.
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |0|   level     |   as many times as there are CSRCs
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CsrcAudioLevels {
    levels: [u8; MAX_CSRCS],
    len: u8,
}

impl CsrcAudioLevels {
    /// Levels in −dBov, 0 the loudest and 127 silence (as which louder numbers are taken); `None` unless there are 1 to
    /// 15.
    pub fn new(levels: &[u8]) -> Option<Self> {
        let mut all = Self {
            levels: [0; MAX_CSRCS],
            len: u8::try_from(levels.len()).ok()?,
        };
        if levels.is_empty() {
            return None;
        }
        let places = all.levels.get_mut(..levels.len())?;
        for (place, level) in places.iter_mut().zip(levels) {
            *place = (*level).min(127);
        }
        Some(all)
    }

    /// Reads the value of the extension; `None` unless it has 1 to 15 octets. The highest bit of each is reserved and
    /// ignored.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut all = Self::new(value)?;
        for (level, octet) in all.levels.iter_mut().zip(value) {
            *level = octet & 0x7f;
        }
        Some(all)
    }

    /// The levels, which are also the value of the extension.
    pub fn as_bytes(&self) -> &[u8] {
        self.levels.get(..usize::from(self.len)).unwrap_or_default()
    }
}
