use std::time::Instant;

use super::{Connection, Phase};

impl Connection {
    /// Gives memory back that an idle connection has no use for: the tables of the keys of its records, which are two
    /// thirds of what it holds, and room in lists. They are made again, in some microseconds, when the next record
    /// comes or leaves; nothing else changes. Before the handshake is complete, and while keys are being updated, there
    /// is little to give.
    ///
    /// Call it when nothing was said for some seconds. It costs a few microseconds itself.
    pub fn rest(&mut self, now: Instant) {
        self.events.shrink_to_fit();
        let Phase::Established(established) = &mut self.phase else {
            return;
        };
        established.expire_epochs(now, &mut self.records);
        established.rest(self.role, &self.config.provider, &mut self.records);
    }
}
