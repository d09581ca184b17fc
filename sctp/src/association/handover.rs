use std::time::Instant;

use super::Association;
use crate::config::Config;
use crate::error::HandoverError;

impl Association {
    /// What another process needs to go on with this association, when nothing is queued, under way or unread. Afterwards this one must
    /// not be used any more.
    ///
    /// The bytes hold tags and numbers and no key; whoever has them and the path can act as this side.
    pub fn hand_over(&self) -> Result<Vec<u8>, HandoverError> {
        Err(HandoverError::NotEstablished)
    }

    /// Goes on with an association that [`hand_over`](Self::hand_over) described.
    pub fn take_over(
        config: Config,
        seed: [u8; 32],
        now: Instant,
        bytes: &[u8],
    ) -> Result<Self, HandoverError> {
        let _ = (config, seed, now, bytes);
        Err(HandoverError::Malformed)
    }
}
