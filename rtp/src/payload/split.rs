use std::ops::Range;

/// Cuts `len` octets into the fewest pieces of at most `max` octets, whose sizes differ by one at most: equal packets
/// pace well, protect each other well and leave in one send. Nothing if either is 0.
pub(super) fn split_evenly(len: usize, max: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let count = if max == 0 { 0 } else { len.div_ceil(max) };
    let (size, larger) = match count {
        0 => (0, 0),
        _ => (len / count, len % count),
    };
    let start_of = move |piece: usize| piece * size + piece.min(larger);
    (0..count).map(move |piece| start_of(piece)..start_of(piece + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_cover_the_whole_and_differ_by_one_at_most(len in 0_usize..5000, max in 0_usize..1300) {
            let pieces: Vec<_> = split_evenly(len, max).collect();
            if max == 0 || len == 0 {
                prop_assert!(pieces.is_empty());
                return Ok(());
            }
            prop_assert_eq!(pieces.len(), len.div_ceil(max));
            let mut at = 0;
            for piece in &pieces {
                prop_assert_eq!(piece.start, at);
                prop_assert!(piece.len() <= max);
                at = piece.end;
            }
            prop_assert_eq!(at, len);
            let lens = pieces.iter().map(ExactSizeIterator::len);
            prop_assert!(lens.clone().max().unwrap() - lens.min().unwrap() <= 1);
        }
    }
}
