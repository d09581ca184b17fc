use media::{Demuxer, MAX_ELEMENT_BYTES};

/// Gives `data` to a demuxer in pieces whose length its first octet says; every item must be within the cap. What comes
/// out must not depend on the pieces.
pub fn demux<D: Demuxer + Clone>(demuxer: D, data: &[u8], len: impl Fn(&D::Item) -> usize)
where
    D::Item: PartialEq + std::fmt::Debug,
{
    let Some((&piece, file)) = data.split_first() else {
        return;
    };
    let pieces = run(demuxer.clone(), file, usize::from(piece).max(1));
    let whole = run(demuxer, file, file.len().max(1));
    assert!(pieces.0.iter().all(|item| len(item) <= MAX_ELEMENT_BYTES));
    assert_eq!(pieces, whole);
}

fn run<D: Demuxer>(
    mut demuxer: D,
    file: &[u8],
    piece: usize,
) -> (Vec<D::Item>, Option<media::DemuxError>) {
    let mut items = Vec::new();
    for piece in file.chunks(piece) {
        demuxer.push(piece);
        loop {
            match demuxer.poll() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Some(error)),
            }
        }
    }
    demuxer.finish();
    loop {
        match demuxer.poll() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(error)),
        }
    }
}
