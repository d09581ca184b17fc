use net::Path;

/// The most checks that are remembered until the peer's credentials arrive.
const MAX_EARLY: usize = 32;

/// A check with valid integrity from a peer whose credentials are not known yet (RFC 8445 §7.3: an agent may
/// receive a check before the answer). It was answered; what is left to do waits here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early {
    pub(super) path: Path,
    pub(super) priority: u32,
    pub(super) use_candidate: bool,
    /// A keyed hash of the fragment that the peer called itself by.
    pub(super) ufrag: u64,
    /// The owner has been told that the path is proved.
    pub(super) told: bool,
}

/// Early checks, one for each path.
#[derive(Debug, Default)]
pub(super) struct EarlyChecks {
    list: Vec<Early>,
}

impl EarlyChecks {
    /// Remembers a check; `false` when there was no room.
    pub(super) fn remember(&mut self, early: Early) -> bool {
        let known = self
            .list
            .iter_mut()
            .find(|known| known.path == early.path && known.ufrag == early.ufrag);
        if let Some(known) = known {
            known.use_candidate |= early.use_candidate;
            return true;
        }
        if self.list.len() >= MAX_EARLY {
            return false;
        }
        self.list.push(early);
        true
    }

    /// Whether the owner knows that the path is proved.
    pub(super) fn is_told(&self, path: &Path) -> bool {
        self.list
            .iter()
            .any(|early| early.path == *path && early.told)
    }

    pub(super) fn set_told(&mut self, path: &Path, told: bool) {
        for early in self.list.iter_mut().filter(|early| early.path == *path) {
            early.told = told;
        }
    }

    /// Takes out what belongs to a fragment.
    pub(super) fn take(&mut self, ufrag: u64) -> Vec<Early> {
        let (taken, kept) = self.list.drain(..).partition(|early| early.ufrag == ufrag);
        self.list = kept;
        taken
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }
}
