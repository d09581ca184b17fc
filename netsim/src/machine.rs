use std::time::Instant;

use net::{Datagram, Transmit};

/// The test network's view of a sans-IO machine: the five verbs, as text where the test network only compares.
///
/// This is the only trait of the project, and only tests implement it, by a newtype around the machine:
/// nothing in the stack is generic over "a protocol".
pub trait Machine {
    /// A datagram arrived. A machine that knows no addresses looks at the bytes alone.
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>);

    /// The instant that `poll_timeout` asked for has come, or somebody calls too early or too late.
    fn handle_timeout(&mut self, now: Instant);

    /// When the machine wants to be called next.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Appends one datagram to `buf`.
    ///
    /// A machine that returns `Option<()>` or `Option<Transmit>` maps it with `.map(Outgoing::from)`.
    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing>;

    /// The next event, as its `Debug` text.
    fn poll_event(&mut self) -> Option<String>;

    /// The pull verb, where payload flows upward: the next message, record or packet.
    ///
    /// The test network pulls like an application that keeps up, and keeps what it got for the test to read.
    fn pull(&mut self, now: Instant) -> Option<Vec<u8>> {
        let _ = now;
        None
    }

    /// Where the protocol stands, as text: the state, what was agreed on, why it ended.
    ///
    /// Two runs that differ only in how the machine was polled must end in the same text, so it holds nothing
    /// that depends on timing (counters of retransmissions, round-trip times, deadlines).
    fn outcome(&self) -> String;
}

/// Where a datagram goes that a machine has just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// To the other side: the machine does not know addresses.
    DefaultPath,
    /// Where the machine says.
    On(Transmit),
}

impl From<()> for Outgoing {
    fn from((): ()) -> Self {
        Self::DefaultPath
    }
}

impl From<Transmit> for Outgoing {
    fn from(transmit: Transmit) -> Self {
        Self::On(transmit)
    }
}
