use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The instant at which every simulation begins; the same for all simulations of one process.
///
/// It lies twenty years after the start of the process, so that a test may turn the clock back by as much as
/// it likes. Nothing may depend on its value: what a simulation does depends on the time since the epoch.
pub fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant cannot be made from nothing; this is the one clock reading below the driver"
    )]
    *EPOCH.get_or_init(|| Instant::now() + Duration::from_secs(20 * 365 * 86_400))
}

/// The instant that lies `after` the epoch.
pub fn at(after: Duration) -> Instant {
    epoch() + after
}

/// The simulated time of an instant; zero for one before the epoch.
pub fn since_epoch(now: Instant) -> Duration {
    now.saturating_duration_since(epoch())
}
