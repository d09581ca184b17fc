use crate::{Mid, PayloadType, Rid, Ssrc};

/// The SSRCs that a [`Demuxer`] knows, declared and learned, unless it was told another number.
pub const MAX_BINDINGS: usize = 1_024;

/// Names a media section within a BUNDLE group, by whatever number its user has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SectionId(u32);

impl SectionId {
    /// A section by its number.
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Finds the media section of every packet of a BUNDLE group (RFC 9143 §9.2), and keeps what its user has bound to each
/// SSRC (`R`: a stream, say).
///
/// Show it authenticated packets only: what it learns, it learns from them. SSRCs that the description declares are never
/// driven out; of those that packets taught, the longest unused make room. Packets of no known section are the
/// user's to keep for a while (a description may be late): 50 packets and half a second are enough.
#[derive(Clone, Debug)]
pub struct Demuxer<R> {
    sections: Vec<Section>,
    /// Ordered by SSRC.
    bindings: Vec<(Ssrc, Binding<R>)>,
    max_bindings: usize,
    /// Counts routed packets, to tell which binding was used last.
    uses: u64,
}

#[derive(Clone, Debug)]
struct Section {
    id: SectionId,
    mid: Option<Mid>,
    payload_types: Vec<PayloadType>,
    /// Media and its repair, as declared (`a=ssrc-group:FID`).
    repairs: Vec<(Ssrc, Ssrc)>,
}

/// What an SSRC is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<R> {
    /// The media section.
    pub section: SectionId,
    /// What the user has bound.
    pub role: R,
    /// Whether the description named the SSRC.
    pub declared: bool,
    /// The encoding that its packets named; of a repair stream the encoding that it repairs.
    pub rid: Option<Rid>,
    last_use: u64,
}

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<R> {
    /// To what its SSRC is bound to.
    Bound(Binding<R>),
    /// To this section; the SSRC is new: [`learn`](Demuxer::learn) it.
    New(SectionId),
    /// To this section, as its MID says, though the SSRC is bound to another one: [`remove`](Demuxer::remove) that
    /// binding and learn it anew.
    Moved(SectionId),
    /// To no section that is known.
    Unknown,
}

impl<R: Copy> Demuxer<R> {
    /// A demultiplexer without sections, of [`MAX_BINDINGS`].
    pub const fn new() -> Self {
        Self::with_max_bindings(MAX_BINDINGS)
    }

    /// A demultiplexer without sections that knows this many SSRCs at most.
    pub const fn with_max_bindings(max_bindings: usize) -> Self {
        Self {
            sections: Vec::new(),
            bindings: Vec::new(),
            max_bindings,
            uses: 0,
        }
    }

    /// Adds a section, or changes it after a negotiation. `payload_types` are all that may come, those of
    /// retransmissions included; `repairs` are pairs of media and repair SSRC that the description declares.
    pub fn set_section(
        &mut self,
        id: SectionId,
        mid: Option<Mid>,
        payload_types: impl IntoIterator<Item = PayloadType>,
        repairs: &[(Ssrc, Ssrc)],
    ) {
        let section = Section {
            id,
            mid,
            payload_types: payload_types.into_iter().collect(),
            repairs: repairs.to_vec(),
        };
        match self.sections.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = section,
            None => self.sections.push(section),
        }
    }

    /// Removes a section, and the bindings to it.
    pub fn remove_section(&mut self, id: SectionId) {
        self.sections.retain(|section| section.id != id);
        self.bindings.retain(|(_, binding)| binding.section != id);
    }

    /// Finds where a packet belongs: its MID, else its SSRC, else the only section with its payload type.
    ///
    /// A MID that is not known yet is overruled by nothing but a binding: the description that names it is on its way.
    pub fn route(&mut self, ssrc: Ssrc, mid: Option<Mid>, payload_type: PayloadType) -> Route<R> {
        let named = mid.and_then(|mid| self.section_of_mid(mid));
        if let Some(binding) = self.binding_mut(ssrc) {
            match named {
                Some(named) if named != binding.section => return Route::Moved(named),
                _ => {}
            }
            self.uses += 1;
            let uses = self.uses;
            let binding = self.binding_mut(ssrc);
            return binding.map_or(Route::Unknown, |binding| {
                binding.last_use = uses;
                Route::Bound(*binding)
            });
        }
        let section = match mid {
            Some(_) => named,
            None => self.section_of_payload_type(payload_type),
        };
        section.map_or(Route::Unknown, Route::New)
    }

    /// What an SSRC is bound to.
    pub fn get(&self, ssrc: Ssrc) -> Option<Binding<R>> {
        let index = self.position(ssrc).ok()?;
        self.bindings.get(index).map(|(_, binding)| *binding)
    }

    /// Binds an SSRC that the description declares, anew if it was bound; `false` if there is no room.
    pub fn declare(&mut self, ssrc: Ssrc, section: SectionId, role: R) -> bool {
        self.bind(ssrc, section, role, true)
    }

    /// Binds an SSRC as a packet of it said, or gives one that is bound another role; `false` if there is no room: see
    /// [`least_recently_used`](Self::least_recently_used). One that was declared stays so.
    pub fn learn(&mut self, ssrc: Ssrc, section: SectionId, role: R) -> bool {
        let declared = self.get(ssrc).is_some_and(|binding| binding.declared);
        self.bind(ssrc, section, role, declared)
    }

    /// Forgets an SSRC.
    pub fn remove(&mut self, ssrc: Ssrc) -> Option<Binding<R>> {
        let index = self.position(ssrc).ok()?;
        Some(self.bindings.remove(index).1)
    }

    /// Notes the encoding that a packet of an SSRC named (RFC 8852): RID for media, repaired RID for a repair stream.
    pub fn set_rid(&mut self, ssrc: Ssrc, rid: Rid) {
        if let Some(binding) = self.binding_mut(ssrc) {
            binding.rid = Some(rid);
        }
    }

    /// The media SSRC that a repair stream repairs: as declared, else of the same encoding, else the only one of the
    /// section (RFC 4588 §5.3, RFC 8852 §4.2). `is_media` tells which bindings are streams of media.
    pub fn original(&self, repair: Ssrc, is_media: impl Fn(R) -> bool) -> Option<Ssrc> {
        let bound = self.get(repair)?;
        let section = self.sections.iter().find(|s| s.id == bound.section)?;
        let mut declared = section.repairs.iter();
        if let Some((media, _)) = declared.find(|(_, declared)| *declared == repair) {
            let is_there = self.get(*media).is_some_and(|media| is_media(media.role));
            return is_there.then_some(*media);
        }
        let mut candidates = self.bindings.iter().filter(|(_, binding)| {
            binding.section == bound.section
                && is_media(binding.role)
                && (bound.rid.is_none() || binding.rid == bound.rid)
        });
        let (ssrc, _) = candidates.next()?;
        candidates.next().is_none().then_some(*ssrc)
    }

    /// Whether there is no room for another SSRC.
    pub const fn is_full(&self) -> bool {
        self.bindings.len() >= self.max_bindings
    }

    /// Up to `count` learned SSRCs, those first that were routed to the longest ago. Remove several at once, so that a
    /// flood of new SSRCs does not pay for a search each.
    pub fn least_recently_used(&self, count: usize) -> Vec<Ssrc> {
        let learned = self
            .bindings
            .iter()
            .filter(|(_, binding)| !binding.declared);
        let mut learned: Vec<_> = learned.map(|(ssrc, b)| (b.last_use, *ssrc)).collect();
        learned.sort_unstable();
        learned.truncate(count);
        learned.into_iter().map(|(_, ssrc)| ssrc).collect()
    }

    /// All SSRCs that are bound, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Ssrc, Binding<R>)> {
        self.bindings.iter().copied()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sections.clear();
        self.bindings.clear();
    }

    fn bind(&mut self, ssrc: Ssrc, section: SectionId, role: R, declared: bool) -> bool {
        self.uses += 1;
        let binding = Binding {
            section,
            role,
            declared,
            rid: None,
            last_use: self.uses,
        };
        match self.position(ssrc) {
            Ok(index) => {
                if let Some((_, known)) = self.bindings.get_mut(index) {
                    let rid = known.rid.filter(|_| known.section == section);
                    *known = Binding { rid, ..binding };
                }
            }
            Err(_) if self.is_full() => return false,
            Err(index) => self.bindings.insert(index, (ssrc, binding)),
        }
        true
    }

    fn section_of_mid(&self, mid: Mid) -> Option<SectionId> {
        let mut sections = self.sections.iter();
        sections.find_map(|section| (section.mid == Some(mid)).then_some(section.id))
    }

    fn section_of_payload_type(&self, payload_type: PayloadType) -> Option<SectionId> {
        let mut users = self
            .sections
            .iter()
            .filter(|section| section.payload_types.contains(&payload_type));
        let section = users.next()?;
        users.next().is_none().then_some(section.id)
    }

    fn binding_mut(&mut self, ssrc: Ssrc) -> Option<&mut Binding<R>> {
        let index = self.position(ssrc).ok()?;
        self.bindings.get_mut(index).map(|(_, binding)| binding)
    }

    fn position(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.bindings
            .binary_search_by_key(&ssrc, |(bound, _)| *bound)
    }
}

impl<R: Copy> Default for Demuxer<R> {
    fn default() -> Self {
        Self::new()
    }
}
