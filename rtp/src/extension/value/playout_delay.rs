use std::time::Duration;

/// How long a receiver should keep frames before it shows them (playout-delay). Three octets: two numbers of twelve bits,
/// in units of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlayoutDelay {
    min: u16,
    max: u16,
}

impl PlayoutDelay {
    /// The longest delay: 40.95 s.
    pub const MAX: Duration = Duration::from_millis(40_950);

    /// A range of delays, rounded down to 10 ms; `None` if it is empty or passes [`Self::MAX`].
    pub fn new(min: Duration, max: Duration) -> Option<Self> {
        if min > max || max > Self::MAX {
            return None;
        }
        let units = |delay: Duration| u16::try_from(delay.as_millis() / 10).ok();
        Some(Self {
            min: units(min)?,
            max: units(max)?,
        })
    }

    /// The shortest delay.
    pub const fn min(self) -> Duration {
        Duration::from_millis(self.min as u64 * 10)
    }

    /// The longest delay.
    pub const fn max(self) -> Duration {
        Duration::from_millis(self.max as u64 * 10)
    }

    /// Reads the value of the extension; `None` if it has another length, or the range is empty.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let &[a, b, c] = value else { return None };
        let delay = Self {
            min: u16::from(a) << 4 | u16::from(b >> 4),
            max: u16::from(b & 0x0f) << 8 | u16::from(c),
        };
        (delay.min <= delay.max).then_some(delay)
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 3] {
        let [_, a, b, c] = ((self.min as u32) << 12 | self.max as u32).to_be_bytes();
        [a, b, c]
    }
}
