//! What several unit tests share.
#![allow(clippy::disallowed_methods, reason = "an epoch has to come from somewhere")]

use std::sync::OnceLock;
use std::time::Instant;

/// The instant at which simulated time begins. Only differences matter.
pub(crate) fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}
