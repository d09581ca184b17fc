use std::time::Duration;

/// When a packet left its sender: seconds of the sender's clock as 6.18 fixed point, modulo 64 s. Three octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    /// The send time for an instant, given as time since any epoch of the sender.
    pub const fn from_duration(since_epoch: Duration) -> Self {
        let seconds = (since_epoch.as_secs() & 0x3f) as u32;
        let fraction = ((since_epoch.subsec_nanos() as u64) << 18) / 1_000_000_000;
        Self(seconds << 18 | fraction as u32)
    }

    /// The 24 bits on the wire, in units of 2⁻¹⁸ s.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The time since the last multiple of 64 s, rounded down to a nanosecond.
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos((self.0 as u64 * 1_000_000_000) >> 18)
    }

    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let &[a, b, c] = value else { return None };
        Some(Self(u32::from_be_bytes([0, a, b, c])))
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}
