use std::time::Instant;

/// The timers of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// T1-init: no INIT ACK came; INIT is sent again (RFC 9260 §5.1 A).
    Init,
    /// T1-cookie: no COOKIE ACK came; COOKIE ECHO is sent again (RFC 9260 §5.1 C).
    Cookie,
    /// T2-shutdown: no answer came; SHUTDOWN or SHUTDOWN ACK is sent again (RFC 9260 §9.2).
    Shutdown,
    /// T3-rtx: what is in flight is taken as lost (RFC 9260 §6.3.3).
    Retransmission,
    /// T5-shutdown-guard: the shutdown took too long; ABORT (RFC 9260 §9.2).
    ShutdownGuard,
    /// An acknowledgement was put off and is due (RFC 9260 §6.2).
    DelayedAck,
    /// The path was silent; it is probed (RFC 9260 §8.3).
    Heartbeat,
    /// No answer to a RE-CONFIG came; it is sent again (RFC 6525 §5.1.1).
    ReConfig,
    /// Something sent earlier than what arrived is overdue (RFC 8985 §6.2).
    Loss,
    /// Nothing is heard of the tail; it is probed (RFC 8985 §7.2).
    TailProbe,
    /// The next packet may leave.
    Pacing,
    /// The peer is told again of what was given up (RFC 3758 §3.5).
    Forward,
    /// No answer came to a packet of a size that is tried out (RFC 8899 §5.1.1).
    Probe,
    /// Nothing was sent for some seconds: the memory that it took goes.
    Rest,
}

/// When each timer is due.
#[derive(Debug, Default)]
pub(crate) struct Timers([Option<Instant>; 14]);

impl Timers {
    pub(crate) const ALL: [Timer; 14] = [
        Timer::Init,
        Timer::Cookie,
        Timer::Shutdown,
        Timer::Retransmission,
        Timer::ShutdownGuard,
        Timer::DelayedAck,
        Timer::Heartbeat,
        Timer::ReConfig,
        Timer::Loss,
        Timer::TailProbe,
        Timer::Pacing,
        Timer::Forward,
        Timer::Probe,
        Timer::Rest,
    ];

    pub(crate) fn set(&mut self, timer: Timer, due: Instant) {
        self.0[timer as usize] = Some(due);
    }

    /// Sets a timer, or stops it.
    pub(crate) fn put(&mut self, timer: Timer, due: Option<Instant>) {
        self.0[timer as usize] = due;
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        self.0 = Default::default();
    }

    /// When a timer expires, if it runs.
    pub(crate) fn due(&self, timer: Timer) -> Option<Instant> {
        self.0[timer as usize]
    }

    pub(crate) fn is_running(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// Stops a timer that is due, and says that it was.
    pub(crate) fn expire(&mut self, timer: Timer, now: Instant) -> bool {
        self.0[timer as usize].take_if(|due| *due <= now).is_some()
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }
}
