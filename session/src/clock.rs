use std::time::{Duration, Instant};

/// Seconds from the NTP era of 1900 to the Unix epoch (RFC 5905 §6).
const UNIX_EPOCH_IN_NTP: u64 = 2_208_988_800;

/// One point at which the machine's clock and the wall clock are known together.
///
/// Every NTP timestamp in a sender report is derived from this pair and the `now` of the call, so a session
/// never reads a clock. A wall clock that is stepped during a session stays where it was: receivers want it steady.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAnchor {
    /// The instant.
    pub instant: Instant,
    /// The time since the Unix epoch at that instant.
    pub unix: Duration,
}

impl ClockAnchor {
    /// The wall clock at `now`, as a 64-bit NTP timestamp: seconds since 1900 in units of 2⁻³² s (RFC 3550 §4).
    pub fn ntp(&self, now: Instant) -> u64 {
        let unix = match now.checked_duration_since(self.instant) {
            Some(later) => self.unix.saturating_add(later),
            None => self.unix.saturating_sub(self.instant.duration_since(now)),
        };
        let seconds = unix.as_secs().wrapping_add(UNIX_EPOCH_IN_NTP);
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        seconds << 32 | fraction
    }
}

/// The middle 32 bits of an NTP timestamp, units of 1/65,536 s: what LSR and DLSR are made of (RFC 3550 §6.4.1).
pub(crate) const fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A time in units of 1/65,536 s, saturating (18 hours).
pub(crate) fn to_short_ntp(duration: Duration) -> u32 {
    let units = (duration.as_nanos() << 16) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The inverse of [`to_short_ntp`].
pub(crate) fn from_short_ntp(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

/// How many ticks of an RTP clock a time lasts.
pub(crate) fn to_ticks(duration: Duration, clock_rate: u32) -> u64 {
    let ticks = duration.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// The RTP timestamp at `now`, extrapolated from one that is known (RFC 3550 §6.4.1).
pub(crate) fn extrapolate(known: (Instant, u32), now: Instant, clock_rate: u32) -> u32 {
    let (at, timestamp) = known;
    match now.checked_duration_since(at) {
        Some(later) => timestamp.wrapping_add(to_ticks(later, clock_rate) as u32),
        None => timestamp.wrapping_sub(to_ticks(at.duration_since(now), clock_rate) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor() -> ClockAnchor {
        ClockAnchor {
            instant: netsim_epoch(),
            unix: Duration::from_secs(1_700_000_000),
        }
    }

    fn netsim_epoch() -> Instant {
        crate::testing::epoch()
    }

    #[test]
    fn ntp_counts_from_1900_with_binary_fractions() {
        let anchor = anchor();
        let ntp = anchor.ntp(anchor.instant + Duration::from_millis(1_500));
        assert_eq!(ntp >> 32, 1_700_000_001 + UNIX_EPOCH_IN_NTP);
        assert_eq!(ntp as u32, 1 << 31);
    }

    #[test]
    fn a_time_before_the_anchor_counts_back() {
        let late = ClockAnchor {
            instant: anchor().instant + Duration::from_secs(10),
            unix: Duration::from_secs(100),
        };
        assert_eq!(late.ntp(anchor().instant) >> 32, 90 + UNIX_EPOCH_IN_NTP);
    }

    #[test]
    fn short_ntp_round_trips_within_one_unit() {
        for millis in [0, 1, 20, 999, 30_000] {
            let time = Duration::from_millis(millis);
            let back = from_short_ntp(to_short_ntp(time));
            assert!(time - back < Duration::from_micros(16), "{millis}");
        }
        assert_eq!(to_short_ntp(Duration::from_secs(1 << 20)), u32::MAX);
    }

    #[test]
    fn timestamps_extrapolate_both_ways_and_wrap() {
        let at = netsim_epoch() + Duration::from_secs(1);
        let later = at + Duration::from_millis(10);
        assert_eq!(extrapolate((at, u32::MAX), later, 90_000), 899);
        assert_eq!(extrapolate((later, 899), at, 90_000), u32::MAX);
    }
}
