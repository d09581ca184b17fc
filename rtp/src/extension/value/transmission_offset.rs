/// How much later a packet was sent than its RTP timestamp says, in ticks of the RTP clock (RFC 5450 §3). Three octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransmissionOffset(i32);

impl TransmissionOffset {
    /// An offset; `None` if it does not fit 24 signed bits.
    pub const fn new(ticks: i32) -> Option<Self> {
        if -0x80_0000 <= ticks && ticks <= 0x7f_ffff {
            Some(Self(ticks))
        } else {
            None
        }
    }

    /// The offset in ticks; negative if the packet was sent early.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let &[a, b, c] = value else { return None };
        // The sign is in the highest of the 24 bits.
        Some(Self(i32::from_be_bytes([a, b, c, 0]) >> 8))
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}
