use crc::{Algorithm, Crc};

use crate::DemuxError;
use crate::input::{Input, array};

/// The octets in front of the table of segments.
const HEADER_LEN: usize = 27;

/// The most segments of a page.
pub(super) const MAX_SEGMENTS: usize = 255;

/// The granule position of a page on which no packet ends.
const NO_GRANULE: u64 = u64::MAX;

const CRC: Crc<u32> = Crc::<u32>::new(&Algorithm {
    width: 32,
    poly: 0x04c1_1db7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x89a1_897f,
    residue: 0,
});

/// A page (RFC 3533 §6).
///
/// ```text
/// 0 "OggS"   4 version, 0   5 flags: 1 continued, 2 first, 4 last   6 granule position
/// 14 serial number   18 sequence number   22 checksum   26 number of segments   27 their lengths
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    pub(super) continued: bool,
    pub(super) first: bool,
    pub(super) last: bool,
    /// Where the last packet that ends here ends.
    pub(super) granule: Option<u64>,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    pub(super) lacing: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Page<'a> {
    /// The length of the page in front of the input; `None` until all of it is there.
    pub(super) fn next_len(input: &Input) -> Result<Option<usize>, DemuxError> {
        let Some(header) = input.peek_next(HEADER_LEN)? else {
            return Ok(None);
        };
        if !header.starts_with(b"OggS") {
            return Err(DemuxError::Signature);
        }
        let [segments] = array(header, 26);
        let front = HEADER_LEN + usize::from(segments);
        let Some(header) = input.peek(front)? else {
            return Ok(None);
        };
        let lacing = header.get(HEADER_LEN..).unwrap_or_default();
        let len = front + lacing.iter().map(|&len| usize::from(len)).sum::<usize>();
        Ok(input.peek(len)?.map(|_| len))
    }

    /// Reads a page that is whole.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DemuxError> {
        let [version, flags] = array(bytes, 4);
        if version != 0 {
            return Err(DemuxError::Value);
        }
        if u32::from_le_bytes(array(bytes, 22)) != checksum(bytes) {
            return Err(DemuxError::Checksum);
        }
        let [segments] = array(bytes, 26);
        let rest = bytes.get(HEADER_LEN..).unwrap_or_default();
        let (lacing, body) = rest
            .split_at_checked(segments.into())
            .ok_or(DemuxError::Truncated)?;
        let granule = u64::from_le_bytes(array(bytes, 6));
        Ok(Self {
            continued: flags & 1 != 0,
            first: flags & 2 != 0,
            last: flags & 4 != 0,
            granule: (granule != NO_GRANULE).then_some(granule),
            serial: u32::from_le_bytes(array(bytes, 14)),
            sequence: u32::from_le_bytes(array(bytes, 18)),
            lacing,
            body,
        })
    }

    /// Appends the page.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let flags = u8::from(self.continued) | u8::from(self.first) << 1 | u8::from(self.last) << 2;
        out.extend_from_slice(b"OggS\0");
        out.push(flags);
        out.extend_from_slice(&self.granule.unwrap_or(NO_GRANULE).to_le_bytes());
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        // A page is built with MAX_SEGMENTS at most.
        out.push(u8::try_from(self.lacing.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.lacing);
        out.extend_from_slice(self.body);
        let sum = checksum(out.get(start..).unwrap_or_default());
        if let Some(place) = out.get_mut(start + 22..start + 26) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
    }

    /// The packets on the page, each with whether it ends here.
    pub(super) fn packets(&self) -> impl Iterator<Item = (&'a [u8], bool)> {
        let mut lacing = self.lacing;
        let mut body = self.body;
        std::iter::from_fn(move || {
            if lacing.is_empty() {
                return None;
            }
            let short = lacing.iter().position(|&len| len < 255);
            let segments = short.map_or(lacing.len(), |at| at + 1);
            let taken = lacing.split_off(..segments)?;
            let len = taken.iter().map(|&len| usize::from(len)).sum::<usize>();
            Some((body.split_off(..len)?, short.is_some()))
        })
    }
}

/// The lengths of the segments of a packet that ends on its page.
pub(super) fn lacing(len: usize) -> impl Iterator<Item = u8> {
    std::iter::repeat_n(255, len / 255).chain(std::iter::once((len % 255) as u8))
}

/// Over the whole page, its checksum taken as zeros.
fn checksum(page: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(page.get(..22).unwrap_or_default());
    digest.update(&[0; 4]);
    digest.update(page.get(26..).unwrap_or_default());
    digest.finalize()
}
