/// What stands in front of every NAL unit of a frame that is yielded (ITU-T H.264 Annex B, H.265 Annex B, H.266 Annex B).
pub(in crate::payload) const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// How much of a parameter set is read: what is looked for lies in front, what lies behind can be long.
const MAX_UNESCAPED: usize = 512;

/// The NAL units of an Annex B stream, whatever the length of its start codes. Octets in front of the first start code
/// and zeros behind a unit do not count.
pub fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream).map(|(_, rest)| rest);
    std::iter::from_fn(move || {
        let unit = rest?;
        let (unit, next) = match after_start_code(unit) {
            Some((unit, next)) => (unit, Some(next)),
            None => (unit, None),
        };
        rest = next;
        Some(trim_zeros(unit))
    })
    .filter(|unit| !unit.is_empty())
}

/// Appends a NAL unit with its start code.
pub(in crate::payload) fn push_unit(data: &mut Vec<u8>, unit: &[u8]) {
    data.extend_from_slice(&START_CODE);
    data.extend_from_slice(unit);
}

/// The front of a NAL unit without emulation prevention octets (ITU-T H.264 §7.3.1).
pub(in crate::payload) fn unescaped(unit: &[u8]) -> Vec<u8> {
    let unit = unit.get(..MAX_UNESCAPED).unwrap_or(unit);
    let mut zeros = 0;
    let mut plain = Vec::with_capacity(unit.len());
    for &octet in unit {
        if zeros >= 2 && octet == 3 {
            zeros = 0;
            continue;
        }
        zeros = if octet == 0 { zeros + 1 } else { 0 };
        plain.push(octet);
    }
    plain
}

fn after_start_code(stream: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = stream.windows(3).position(|three| three == [0, 0, 1])?;
    Some((stream.get(..at)?, stream.get(at + 3..)?))
}

fn trim_zeros(unit: &[u8]) -> &[u8] {
    let len = unit
        .iter()
        .rposition(|&octet| octet != 0)
        .map_or(0, |last| last + 1);
    unit.get(..len).unwrap_or(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_behind_start_codes_of_either_length() {
        let stream = [
            9, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 1, 0, 0, 1, 0x65, 0, 2, 0,
        ];
        let units: Vec<_> = units(&stream).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68], &[0x65, 0, 2]]);
        assert_eq!(super::units(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn emulation_prevention_is_taken_out() {
        assert_eq!(
            unescaped(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]),
            [0, 0, 1, 0, 0, 0, 0]
        );
        assert_eq!(unescaped(&[7; 5000]).len(), MAX_UNESCAPED);
    }
}
