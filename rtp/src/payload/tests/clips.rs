use bytes::Bytes;

use crate::payload::nal::{push_unit, units};
use crate::{Frame, MimeType};

/// The frames of an IVF file.
pub(crate) fn ivf(file: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(&file[..4], b"DKIF");
    let mut rest = &file[usize::from(u16::from_le_bytes([file[6], file[7]]))..];
    let mut frames = Vec::new();
    while let Some((header, tail)) = rest.split_at_checked(12) {
        let len = u32::from_le_bytes(header[..4].try_into().unwrap()) as usize;
        frames.push(tail[..len].to_vec());
        rest = &tail[len..];
    }
    frames
}

/// The packets of an Ogg file of one stream, the two header packets left out.
pub(crate) fn ogg_packets(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = vec![Vec::new()];
    while file.len() > 27 {
        assert_eq!(&file[..4], b"OggS");
        let segments = usize::from(file[26]);
        let (lacing, mut body) = file[27..].split_at(segments);
        for &len in lacing {
            let (piece, tail) = body.split_at(usize::from(len));
            packets.last_mut().unwrap().extend_from_slice(piece);
            if len < 255 {
                packets.push(Vec::new());
            }
            body = tail;
        }
        file = body;
    }
    packets.pop();
    packets.drain(..2);
    packets
}

/// The access units of an Annex B stream as frames with start codes of four octets. `slice` says of a NAL unit whether
/// it is a slice, and whether it is the first of its picture.
pub(crate) fn access_units(
    codec: MimeType,
    stream: &[u8],
    slice: impl Fn(&[u8]) -> (bool, bool),
) -> Vec<Frame> {
    let mut frames = vec![Vec::new()];
    let mut has_slice = false;
    for unit in units(stream) {
        let (is_slice, first) = slice(unit);
        if has_slice && (first || !is_slice) {
            frames.push(Vec::new());
            has_slice = false;
        }
        has_slice |= is_slice;
        push_unit(frames.last_mut().unwrap(), unit);
    }
    let timestamps = (0_u32..).map(|at| at * 3000);
    frames
        .into_iter()
        .zip(timestamps)
        .map(|(data, timestamp)| Frame::new(codec.clone(), timestamp, Bytes::from(data)))
        .collect()
}
