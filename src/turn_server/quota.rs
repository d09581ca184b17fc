//! What the shards count together: the allocations of users and sources, under a lock that is taken when an allocation begins or
//! ends; and what has passed of the bytes of users and of all, without one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use turn::server::{Bandwidth, Limits, Quota};

/// One handle for each shard.
#[derive(Clone, Debug)]
pub(super) struct SharedQuota {
    counts: Arc<Mutex<Counts>>,
    began: Instant,
    total: Bandwidth,
    per_user: usize,
    per_source: usize,
}

#[derive(Debug, Default)]
struct Counts {
    users: HashMap<String, (usize, Bandwidth)>,
    sources: HashMap<u64, usize>,
}

impl SharedQuota {
    pub(super) fn new(limits: &Limits, began: Instant) -> Self {
        Self {
            counts: Arc::default(),
            began,
            total: Bandwidth::new(began),
            per_user: limits.allocations_per_user,
            per_source: limits.allocations_per_source,
        }
    }
}

impl Quota for SharedQuota {
    fn enter(&mut self, user: &str, source: u64) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_user = counts.users.get(user).map_or(0, |(count, _)| *count);
        let of_source = counts.sources.get(&source).copied().unwrap_or(0);
        if of_user >= self.per_user || of_source >= self.per_source {
            return false;
        }
        match counts.users.get_mut(user) {
            Some((count, _)) => *count += 1,
            None => {
                let first = (1, Bandwidth::new(self.began));
                counts.users.insert(user.to_owned(), first);
            }
        }
        counts.sources.insert(source, of_source + 1);
        true
    }

    fn bandwidth(&mut self, user: Option<&str>) -> Option<Bandwidth> {
        let Some(user) = user else {
            return Some(self.total.clone());
        };
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .users
            .get(user)
            .map(|(_, bandwidth)| bandwidth.clone())
    }

    fn leave(&mut self, user: &str, source: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = counts.users.get_mut(user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.users.remove(user);
            }
        }
        if let Some(count) = counts.sources.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.sources.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_count_users_and_sources_together() {
        let limits = Limits {
            allocations_per_user: 2,
            allocations_per_source: 3,
            ..Limits::default()
        };
        let mut one = SharedQuota::new(&limits, Instant::now());
        let mut other = one.clone();
        assert!(one.enter("alice", 1) && other.enter("alice", 1));
        assert!(!one.enter("alice", 2) && !other.enter("alice", 2));
        assert!(one.enter("bob", 1));
        assert!(!other.enter("carol", 1));
        one.leave("alice", 1);
        assert!(other.enter("carol", 1));
        assert!(one.enter("alice", 2));
    }
}
