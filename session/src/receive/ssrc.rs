use rtp::Ssrc;

/// Which media section and stream an SSRC belongs to (RFC 9143 §9.2).
///
/// Entries are made by the local description of what the remote side declared, or by authenticated packets.
#[derive(Debug, Default)]
pub(crate) struct SsrcTable {
    /// Ordered by SSRC.
    entries: Vec<(Ssrc, Binding)>,
}

/// What an SSRC is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The media section.
    pub(crate) receiver: u32,
    /// What has arrived from it.
    pub(crate) role: Role,
    /// Whether the description named it. Such an entry is never evicted.
    pub(crate) declared: bool,
}

/// What arrives from an SSRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing yet.
    Awaited,
    /// Media; the id of the stream.
    Media(u32),
    /// Retransmissions; the id of the repair stream.
    Repair(u32),
}

/// SSRCs that are kept, declared and learned.
pub(crate) const MAX_SSRCS: usize = 1_024;

impl SsrcTable {
    pub(crate) fn get(&self, ssrc: Ssrc) -> Option<Binding> {
        let index = self.position(ssrc).ok()?;
        self.entries.get(index).map(|entry| entry.1)
    }

    /// Binds an SSRC, anew if it was bound. The table must have room: see [`is_full`](Self::is_full).
    pub(crate) fn insert(&mut self, ssrc: Ssrc, binding: Binding) {
        match self.position(ssrc) {
            Ok(index) => {
                if let Some(entry) = self.entries.get_mut(index) {
                    entry.1 = binding;
                }
            }
            Err(index) => self.entries.insert(index, (ssrc, binding)),
        }
    }

    pub(crate) fn remove(&mut self, ssrc: Ssrc) -> Option<Binding> {
        let index = self.position(ssrc).ok()?;
        Some(self.entries.remove(index).1)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= MAX_SSRCS
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ssrc, Binding)> {
        self.entries.iter().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    fn position(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&ssrc, |entry| entry.0)
    }
}
