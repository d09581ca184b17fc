use crate::DemuxError;

const SIGNATURE: &[u8; 8] = b"OpusTags";

/// The most octets of comments that are kept; what lies behind (a picture, usually) is passed over.
pub const MAX_TAGS_BYTES: usize = 64 << 10;

/// The comment header (RFC 7845 §5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpusTags {
    /// What encoded the stream.
    pub vendor: String,
    /// Comments, such as `TITLE=...`.
    pub comments: Vec<String>,
}

impl OpusTags {
    /// Reads what the first octets of the packet hold whole; text that is not UTF-8 is mended.
    pub(super) fn decode(mut packet: &[u8]) -> Result<Self, DemuxError> {
        packet = packet.strip_prefix(SIGNATURE).ok_or(DemuxError::Value)?;
        let mut tags = Self {
            vendor: text(&mut packet).unwrap_or_default(),
            comments: Vec::new(),
        };
        let count = number(&mut packet).unwrap_or_default();
        // Every comment takes four octets, so there are no more than the packet has.
        for _ in 0..count {
            let Some(comment) = text(&mut packet) else {
                break;
            };
            tags.comments.push(comment);
        }
        Ok(tags)
    }

    /// The octets; comments that would pass [`MAX_TAGS_BYTES`] are left out.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut packet = SIGNATURE.to_vec();
        let vendor = self.vendor.as_bytes();
        put(
            vendor.get(..MAX_TAGS_BYTES / 2).unwrap_or(vendor),
            &mut packet,
        );
        let count_at = packet.len();
        packet.extend_from_slice(&[0; 4]);
        let mut count = 0_u32;
        for comment in &self.comments {
            if packet.len() + 4 + comment.len() > MAX_TAGS_BYTES {
                break;
            }
            put(comment.as_bytes(), &mut packet);
            count += 1;
        }
        if let Some(place) = packet.get_mut(count_at..count_at + 4) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        packet
    }
}

fn number(packet: &mut &[u8]) -> Option<u32> {
    let (bytes, rest) = packet.split_first_chunk()?;
    *packet = rest;
    Some(u32::from_le_bytes(*bytes))
}

fn text(packet: &mut &[u8]) -> Option<String> {
    let len = usize::try_from(number(packet)?).ok()?;
    let bytes = packet.split_off(..len)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn put(text: &[u8], packet: &mut Vec<u8>) {
    packet.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
    packet.extend_from_slice(text);
}
