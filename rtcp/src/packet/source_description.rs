use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, cut, word};

/// SDES: names for sources (RFC 3550 §6.5).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    SC   |  PT=SDES=202  |             length            |
/// |                          SSRC/CSRC                            |
/// |  type, length, text ... and zeros to the end of a word        |
/// |                       more chunks ...                         |
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SourceDescription<'a> {
    count: u8,
    chunks: &'a [[u8; 4]],
}

impl<'a> SourceDescription<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let mut rest = frame.words();
        for _ in 0..frame.count {
            SdesChunk::decode(&mut rest)?;
        }
        Ok(Self {
            count: frame.count,
            chunks: frame.words(),
        })
    }

    /// The sources and what is said about each.
    pub fn chunks(&self) -> impl Iterator<Item = SdesChunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| SdesChunk::decode(&mut rest).ok())
    }

    /// Appends an SDES with the items of one source, each cut to 255 octets.
    pub(crate) fn encode<'i>(
        buf: &mut Vec<u8>,
        ssrc: Ssrc,
        items: impl IntoIterator<Item = (u8, &'i str)>,
    ) {
        framing::encode(buf, 1, packet_type::SOURCE_DESCRIPTION, |buf| {
            buf.extend_from_slice(&ssrc.get().to_be_bytes());
            for (kind, text) in items {
                let text = cut(text);
                buf.push(kind);
                buf.push(u8::try_from(text.len()).unwrap_or(0));
                buf.extend_from_slice(text.as_bytes());
            }
            buf.push(0); // the end of the items; zeros to the end of the word follow
        });
    }
}

/// What an SDES says about one source.
#[derive(Clone, Copy, Debug)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

impl<'a> SdesChunk<'a> {
    /// Takes a chunk off the front of `words`. The last chunk may lack its terminator.
    fn decode(words: &mut &'a [[u8; 4]]) -> Result<Self, DecodeError> {
        let (&ssrc, after) = words.split_first().ok_or(DecodeError::Length)?;
        let octets = after.as_flattened();
        let mut rest = octets;
        while let [kind, tail @ ..] = rest
            && *kind != 0
        {
            let (&length, tail) = tail.split_first().ok_or(DecodeError::Length)?;
            rest = tail.get(usize::from(length)..).ok_or(DecodeError::Length)?;
        }
        let items = octets.len() - rest.len();
        // At least one zero ends the list, and zeros fill the word.
        let skip = (items / 4 + 1).min(after.len());
        *words = after.get(skip..).unwrap_or_default();
        Ok(Self {
            ssrc: Ssrc::new(word(ssrc)),
            items: octets.get(..items).unwrap_or_default(),
        })
    }

    /// The items in their order.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut rest = self.items;
        std::iter::from_fn(move || {
            let (&[kind, length], tail) = rest.split_first_chunk()?;
            rest = tail;
            let value = rest.split_off(..usize::from(length))?;
            Some(SdesItem { kind, value })
        })
    }

    /// The canonical name, if there is one and it is UTF-8.
    pub fn cname(&self) -> Option<&'a str> {
        self.items()
            .find(|item| item.kind == SdesItem::CNAME)
            .and_then(|item| str::from_utf8(item.value).ok())
    }
}

/// One item of an SDES chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The item type; 1 is the CNAME.
    pub kind: u8,
    /// The text, UTF-8 by rule but not checked.
    pub value: &'a [u8],
}

impl SdesItem<'_> {
    /// The type of the canonical name (RFC 3550 §6.5.1).
    pub const CNAME: u8 = 1;
    /// The type of a person's name (RFC 3550 §6.5.2).
    pub const NAME: u8 = 2;
    /// The type of the name of the program (RFC 3550 §6.5.6).
    pub const TOOL: u8 = 6;
    /// The type of the identification tag of an m-line (RFC 9143 §15.1).
    pub const MID: u8 = 15;
}
