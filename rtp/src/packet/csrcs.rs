use crate::{CsrcsFull, Ssrc};

/// The most contributing sources a packet can name: the count has four bits (RFC 3550 §5.1).
pub const MAX_CSRCS: usize = 15;

/// The contributing sources of a packet, up to [`MAX_CSRCS`]. Empty, as nearly always, it allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csrcs(Vec<Ssrc>);

impl Csrcs {
    /// No contributing source.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a source at the end.
    pub fn push(&mut self, csrc: Ssrc) -> Result<(), CsrcsFull> {
        if self.0.len() >= MAX_CSRCS {
            return Err(CsrcsFull);
        }
        self.0.push(csrc);
        Ok(())
    }

    /// Removes every source.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The sources in the order of the packet.
    pub fn as_slice(&self) -> &[Ssrc] {
        &self.0
    }

    /// The value of the CC field, 0 to 15.
    pub(super) fn count(&self) -> u8 {
        // `push` and `from_iter` keep it within four bits.
        u8::try_from(self.0.len()).unwrap_or(0) & 0x0f
    }
}

impl FromIterator<Ssrc> for Csrcs {
    /// Keeps the first [`MAX_CSRCS`] sources.
    fn from_iter<I: IntoIterator<Item = Ssrc>>(sources: I) -> Self {
        Self(sources.into_iter().take(MAX_CSRCS).collect())
    }
}
