use crate::payload::PayloadError;

/// The longest an Opus packet may last: 120 ms at 48 kHz (RFC 6716 §3.2.5).
pub const OPUS_MAX_DURATION: u32 = 5760;

/// How long an Opus packet lasts, in units of 1/48,000 s, from its table of contents (RFC 6716 §3.1, §3.2).
///
/// The lengths inside are not looked at: only the decoder needs them.
pub fn opus_duration(packet: &[u8]) -> Result<u32, PayloadError> {
    let (toc, rest) = packet.split_first().ok_or(PayloadError::Truncated)?;
    let frame = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms.
        config @ 0..=11 if config & 3 == 3 => 2880,
        config @ 0..=11 => 480 << (config & 3),
        // Hybrid: 10, 20 ms.
        config @ 12..=15 => 480 << (config & 1),
        // CELT: 2.5, 5, 10, 20 ms.
        config => 120 << (config & 3),
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first().ok_or(PayloadError::Truncated)? & 0x3f),
    };
    match frame * count {
        // "[The duration] MUST NOT be zero ... 120 ms" (RFC 6716 §3.2.5, R5).
        duration @ 1..=OPUS_MAX_DURATION => Ok(duration),
        _ => Err(PayloadError::Value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_table_of_contents() {
        let table = [
            (0 << 3, 480),
            (3 << 3, 2880),
            (7 << 3 | 1, 5760),
            (12 << 3, 480),
            (15 << 3 | 2, 1920),
            (16 << 3, 120),
            (31 << 3, 960),
        ];
        for (toc, duration) in table {
            assert_eq!(opus_duration(&[toc, 0]), Ok(duration), "{toc:#x}");
        }
        assert_eq!(opus_duration(&[16 << 3 | 3, 48]), Ok(OPUS_MAX_DURATION));
    }

    #[test]
    fn packets_of_no_time_or_over_120_ms_are_refused() {
        assert_eq!(opus_duration(&[]), Err(PayloadError::Truncated));
        assert_eq!(opus_duration(&[3]), Err(PayloadError::Truncated));
        assert_eq!(opus_duration(&[3, 0]), Err(PayloadError::Value));
        assert_eq!(opus_duration(&[16 << 3 | 3, 49]), Err(PayloadError::Value));
        assert_eq!(opus_duration(&[3 << 3 | 3, 63]), Err(PayloadError::Value));
    }
}
