use std::time::Duration;

/// A wall-clock time in the format of NTP: seconds since 1900 as 32.32 fixed point (RFC 3550 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NtpTime(u64);

/// The seconds from 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

impl NtpTime {
    /// A time from its 64 bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A time from the time since the Unix epoch. The seconds wrap in 2036, as on the wire.
    pub const fn from_unix(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs().wrapping_add(UNIX_EPOCH);
        let fraction = ((since_epoch.subsec_nanos() as u64) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// The time since the Unix epoch, for times of the era that ends in 2036.
    pub const fn to_unix(self) -> Option<Duration> {
        match (self.0 >> 32).checked_sub(UNIX_EPOCH) {
            Some(seconds) => {
                let nanos = ((self.0 & 0xffff_ffff) * 1_000_000_000) >> 32;
                Some(Duration::new(seconds, nanos as u32))
            }
            None => None,
        }
    }

    /// The middle 32 bits, 16.16 fixed point, as reports echo them (RFC 3550 §6.4.1, LSR).
    pub const fn compact(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_times_survive() {
        let time = Duration::new(1_795_000_000, 500_000_000);
        let ntp = NtpTime::from_unix(time);
        assert_eq!(ntp.get() & 0xffff_ffff, 0x8000_0000);
        assert_eq!(ntp.to_unix(), Some(time));
        assert_eq!(NtpTime::new(0).to_unix(), None);
        assert_eq!(NtpTime::new(0x83aa_7e80_8000_0000).compact(), 0x7e80_8000);
        assert_eq!(
            NtpTime::from_unix(Duration::ZERO).get(),
            0x83aa_7e80_0000_0000
        );
        assert!(NtpTime::from_unix(Duration::MAX).get() < u64::MAX);
    }
}
