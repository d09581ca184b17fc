use std::fmt;

use super::Bandwidth;

/// Counts the allocations of users and sources over several servers, such as the shards of a process, in place of what each
/// counts for itself. It is asked when an allocation is made and told when it ends, and never for a packet.
pub trait Quota: fmt::Debug + Send {
    /// Counts one more for a user and a source (an IPv4 address, or 64 bits of IPv6), or refuses.
    fn enter(&mut self, user: &str, source: u64) -> bool;

    /// What has passed of the bytes of a user who was just counted, or of everybody's where none is named. The default is that
    /// each server counts for itself.
    fn bandwidth(&mut self, user: Option<&str>) -> Option<Bandwidth> {
        let _ = user;
        None
    }

    /// One that was counted has ended.
    fn leave(&mut self, user: &str, source: u64);
}
