use crate::ConnectionId;

/// The connection ids of both directions (RFC 9146 §3, RFC 9147 §9).
pub(crate) struct Ids {
    /// What the other side may put into its records, the latest one last; empty if it puts none.
    own: Vec<ConnectionId>,
    /// What we put into ours.
    theirs: ConnectionId,
    /// What we may change to.
    spare: Vec<ConnectionId>,
    /// Both sides check whether a path leads where it seems to (RFC 9853).
    pub(crate) routability: bool,
}

impl Ids {
    /// Ids of our own that are good at a time, and of the other side that are kept.
    pub(crate) const MAX: usize = 8;

    pub(crate) fn new(own: ConnectionId, theirs: ConnectionId, routability: bool) -> Self {
        Self {
            own: if own.is_empty() {
                Vec::new()
            } else {
                vec![own]
            },
            theirs,
            spare: Vec::new(),
            routability,
        }
    }

    /// Those that lead to us.
    pub(crate) fn own(&self) -> &[ConnectionId] {
        &self.own
    }

    pub(crate) const fn theirs(&self) -> ConnectionId {
        self.theirs
    }

    /// How many of the other side's are left to change to.
    pub(crate) const fn spare(&self) -> usize {
        self.spare.len()
    }

    /// One more leads to us, if there is room.
    pub(crate) fn add_own(&mut self, id: ConnectionId) -> bool {
        let fits = self.own.len() < Self::MAX;
        if fits {
            self.own.push(id);
        }
        fits
    }

    /// The other side has new ones. If it says so, it does not take the old ones any more.
    pub(crate) fn renew(&mut self, ids: &[ConnectionId], immediately: bool) {
        let mut ids = ids.iter().copied();
        if immediately && let Some(first) = ids.next() {
            self.theirs = first;
            self.spare.clear();
        }
        let room = Self::MAX.saturating_sub(self.spare.len());
        self.spare.extend(ids.take(room));
    }

    /// Changes to one that nobody saw yet.
    pub(crate) fn change(&mut self) -> bool {
        let next = self.spare.pop();
        if let Some(id) = next {
            self.theirs = id;
        }
        next.is_some()
    }
}
