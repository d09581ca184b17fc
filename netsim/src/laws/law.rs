use std::fmt;

/// A law of the contract that every machine keeps, as far as a test can hold it to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Any interleaving of polls, or none, reaches the same protocol outcome.
    PollsCommute,
    /// After `handle_timeout(t)` the next deadline is later than `t`; `None` means nothing; output appears only
    /// after an input, a command or a due deadline, and there is an end to it.
    DeadlinesProgress,
    /// `poll_transmit` appends one datagram or nothing, whatever the buffer holds.
    PrefixUntouched,
    /// The same seed, inputs and instants give the same bytes.
    SameSeedSameBytes,
    /// Any bytes at any time leave the machine whole: no panic, and it goes on.
    InputIsTotal,
    /// Not polling never grows memory beyond the documented caps.
    NotPollingIsBounded,
    /// Time that stands still, goes back or leaps ahead does no harm.
    TimeMayLeap,
}

impl Law {
    /// All laws.
    pub const ALL: [Self; 7] = [
        Self::PollsCommute,
        Self::DeadlinesProgress,
        Self::PrefixUntouched,
        Self::SameSeedSameBytes,
        Self::InputIsTotal,
        Self::NotPollingIsBounded,
        Self::TimeMayLeap,
    ];
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PollsCommute => "law \"polls commute in outcome\"",
            Self::DeadlinesProgress => "law \"deadlines are facts and progress\"",
            Self::PrefixUntouched => "law \"the prefix of the buffer is untouched\"",
            Self::SameSeedSameBytes => "law \"same seed, same bytes\"",
            Self::InputIsTotal => "law \"any input is survived\"",
            Self::NotPollingIsBounded => "law \"not polling never grows memory\"",
            Self::TimeMayLeap => "law \"time may stand still, go back or leap\"",
        })
    }
}

/// Where in its life a machine is when the battery takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Made and started, nothing sent yet.
    New,
    /// Some datagrams of the set-up have been exchanged.
    MidHandshake,
    /// Both sides can send what they exist for.
    Established,
    /// One side was told to close, and the other does not know yet.
    Closing,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] = [
        Self::New,
        Self::MidHandshake,
        Self::Established,
        Self::Closing,
    ];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::MidHandshake => "mid-handshake",
            Self::Established => "established",
            Self::Closing => "closing",
        })
    }
}

/// What a machine shrugs off, so that its outcome is the same as without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resists {
    /// Nothing is promised but to survive: the layer below has authenticated the bytes.
    Nothing,
    /// Random bytes: a checksum, tag or cookie of its own stands before everything. The default.
    RandomBytes,
    /// Also damaged, replayed and foreign datagrams: everything is authenticated.
    Forgeries,
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The machine, as the battery was told to call it.
    pub machine: &'static str,
    /// Which law.
    pub law: Law,
    /// At which stage.
    pub stage: Stage,
    /// With which seed.
    pub seed: u64,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            law,
            stage,
            seed,
            what,
        } = self;
        write!(
            f,
            "{machine} breaks the {law}, {stage}, seed {seed}: {what}"
        )
    }
}
