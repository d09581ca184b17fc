use crate::SequenceNumber;

/// How far ahead a sequence number may leap and still belong to the stream. RFC 3550 A.1.
pub const MAX_DROPOUT: u16 = 3000;

/// How far behind a sequence number may be and still be a late packet rather than a restart. RFC 3550 A.1 has 100;
/// today's rates and retransmissions need more.
pub const MAX_MISORDER: u16 = 1500;

/// Tells a source's packets from strays and restarts by their sequence numbers (RFC 3550 A.1), and counts its cycles.
///
/// A source is on probation until `min_sequential` packets came in sequence. Behind SRTP every packet was proved
/// to be the peer's and 1 is enough: the first packet already counts.
#[derive(Clone, Copy, Debug)]
pub struct SourceValidator {
    started: bool,
    probation: u16,
    min_sequential: u16,
    base: SequenceNumber,
    highest: SequenceNumber,
    cycles: u16,
    /// The number that would confirm a restart after a leap.
    restart: Option<SequenceNumber>,
}

/// What a sequence number says about its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It belongs to the stream.
    Accept,
    /// The source is not proved yet, or leapt once: do not count the packet.
    Probation,
    /// The stream begins here: first packet after probation, or the second in sequence after a leap. Counters of
    /// the stream start anew.
    Start,
}

impl SourceValidator {
    /// A source that has sent nothing. `min_sequential` of 0 is taken as 1.
    pub const fn new(min_sequential: u16) -> Self {
        Self {
            started: false,
            probation: min_sequential,
            min_sequential,
            base: SequenceNumber::new(0),
            highest: SequenceNumber::new(0),
            cycles: 0,
            restart: None,
        }
    }

    /// Judges the next packet to arrive.
    pub fn update(&mut self, sequence_number: SequenceNumber) -> Verdict {
        if !self.started {
            return self.probe(sequence_number);
        }
        let ahead = sequence_number.distance_from(self.highest);
        if ahead < MAX_DROPOUT {
            if sequence_number.get() < self.highest.get() {
                self.cycles = self.cycles.wrapping_add(1);
            }
            self.highest = sequence_number;
        } else if self.highest.distance_from(sequence_number) > MAX_MISORDER {
            if self.restart == Some(sequence_number) {
                return self.start(sequence_number);
            }
            self.restart = Some(sequence_number.next());
            return Verdict::Probation;
        }
        self.restart = None;
        Verdict::Accept
    }

    /// The highest number with the count of cycles above it, as receiver reports carry it (RFC 3550 §6.4.1).
    pub const fn extended_highest(&self) -> u32 {
        (self.cycles as u32) << 16 | self.highest.get() as u32
    }

    /// The number the stream began with.
    pub const fn base(&self) -> SequenceNumber {
        self.base
    }

    /// How many packets the source has sent since the stream began, as its numbers tell (RFC 3550 A.3).
    pub const fn expected(&self) -> u32 {
        if self.started {
            self.extended_highest()
                .wrapping_sub(self.base.get() as u32)
                .wrapping_add(1)
        } else {
            0
        }
    }

    fn probe(&mut self, sequence_number: SequenceNumber) -> Verdict {
        let in_sequence = self.restart == Some(sequence_number);
        if !in_sequence {
            self.probation = self.min_sequential;
        }
        self.probation = self.probation.saturating_sub(1);
        if self.probation == 0 {
            return self.start(sequence_number);
        }
        self.restart = Some(sequence_number.next());
        Verdict::Probation
    }

    fn start(&mut self, sequence_number: SequenceNumber) -> Verdict {
        self.started = true;
        self.base = sequence_number;
        self.highest = sequence_number;
        self.cycles = 0;
        self.restart = None;
        Verdict::Start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: u16) -> SequenceNumber {
        SequenceNumber::new(value)
    }

    #[test]
    fn first_packet_starts_an_authenticated_stream() {
        let mut source = SourceValidator::new(1);
        assert_eq!(source.expected(), 0);
        assert_eq!(source.update(at(65_535)), Verdict::Start);
        assert_eq!(source.update(at(0)), Verdict::Accept);
        assert_eq!(source.extended_highest(), 0x1_0000);
        assert_eq!(source.expected(), 2);
    }

    #[test]
    fn probation_asks_for_packets_in_sequence() {
        let mut source = SourceValidator::new(2);
        assert_eq!(source.update(at(10)), Verdict::Probation);
        assert_eq!(source.update(at(20)), Verdict::Probation);
        assert_eq!(source.update(at(21)), Verdict::Start);
        assert_eq!(source.base(), at(21));
    }

    #[test]
    fn late_packets_are_accepted_and_do_not_lower_the_highest() {
        let mut source = SourceValidator::new(1);
        source.update(at(5_000));
        assert_eq!(source.update(at(5_000 - MAX_MISORDER)), Verdict::Accept);
        assert_eq!(source.extended_highest(), 5_000);
        assert_eq!(
            source.update(at(5_000 - MAX_MISORDER - 1)),
            Verdict::Probation
        );
    }

    #[test]
    fn leap_counts_as_restart_only_with_a_second_packet_in_sequence() {
        let mut source = SourceValidator::new(1);
        source.update(at(100));
        assert_eq!(source.update(at(100 + MAX_DROPOUT - 1)), Verdict::Accept);
        assert_eq!(source.update(at(30_000)), Verdict::Probation);
        assert_eq!(source.update(at(100 + MAX_DROPOUT)), Verdict::Accept);
        assert_eq!(source.update(at(30_001)), Verdict::Probation);
        assert_eq!(source.update(at(30_002)), Verdict::Start);
        assert_eq!(source.expected(), 1);
    }
}
