/// When the first sample of a packet was captured, by the clock of the system that captured it (abs-capture-time).
/// Eight octets, or sixteen with the offset of that clock.
///
/// A mixer or a relay passes the capture time on as it came, and adds to the offset what it knows of its own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AbsCaptureTime {
    /// The time in the format of NTP: seconds since 1900 as 32.32 fixed point (RFC 5905 §6).
    pub timestamp: u64,
    /// How far the clock of the capturing system is ahead of the sender's, as signed 32.32 fixed point.
    pub clock_offset: Option<i64>,
}

impl AbsCaptureTime {
    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (timestamp, offset) = value.split_first_chunk()?;
        let clock_offset = match offset {
            [] => None,
            _ => Some(i64::from_be_bytes(offset.try_into().ok()?)),
        };
        Some(Self {
            timestamp: u64::from_be_bytes(*timestamp),
            clock_offset,
        })
    }

    /// Appends the value of the extension.
    pub fn encode(self, buf: &mut Vec<u8>) {
        buf.extend_from_slice(&self.timestamp.to_be_bytes());
        if let Some(offset) = self.clock_offset {
            buf.extend_from_slice(&offset.to_be_bytes());
        }
    }
}
