use std::time::Duration;

/// The number that counts every packet of a transport, modulo 2¹⁶, for congestion feedback
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2). Two octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransportSequenceNumber(u16);

impl TransportSequenceNumber {
    /// Makes a number.
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        value
            .try_into()
            .ok()
            .map(|octets| Self(u16::from_be_bytes(octets)))
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_another_length_are_absent() {
        for length in 0..8 {
            let value = vec![0; length];
            assert_eq!(
                TransportSequenceNumber::decode(&value).is_some(),
                length == 2
            );
            assert_eq!(AbsSendTime::decode(&value).is_some(), length == 3);
            assert_eq!(AudioLevel::decode(&value).is_some(), length == 1);
        }
    }

    #[test]
    fn send_time_wraps_at_64_seconds() {
        let time = AbsSendTime::from_duration(Duration::from_millis(65_500));
        assert_eq!(time.get(), (1 << 18) + (1 << 17));
        assert_eq!(time.to_duration(), Duration::from_millis(1_500));
        assert_eq!(AbsSendTime::decode(&time.encode()), Some(time));
        assert_eq!(AbsSendTime::from_duration(Duration::MAX).get() >> 24, 0);
    }

    #[test]
    fn audio_level_keeps_seven_bits() {
        let level = AudioLevel {
            voice: true,
            level: 42,
        };
        assert_eq!(level.encode(), [0xaa]);
        assert_eq!(AudioLevel::decode(&[0xaa]), Some(level));
        let loud = AudioLevel {
            voice: false,
            level: 200,
        };
        assert_eq!(loud.encode(), [127]);
    }
}
