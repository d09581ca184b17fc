/// What a depacketizer has done, and what it has dropped, by reason. All counts only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DepacketizerStats {
    /// Packets taken, those that were dropped included.
    pub packets: u64,
    /// Frames yielded.
    pub frames: u64,
    /// Gaps in the sequence numbers, and restarts.
    pub gaps: u64,
    /// Packets dropped because they came late or twice.
    pub late_packets: u64,
    /// Packets without a payload: padding, or silence.
    pub empty_packets: u64,
    /// Packets dropped because their payload is malformed or cannot go where it came.
    pub malformed_packets: u64,
    /// Packets dropped because their frame was given up before.
    pub orphaned_packets: u64,
    /// Frames given up because a packet is missing or malformed.
    pub incomplete_frames: u64,
    /// Frames given up because they passed [`MAX_FRAME_BYTES`](super::MAX_FRAME_BYTES) or
    /// [`MAX_FRAME_PACKETS`](super::MAX_FRAME_PACKETS).
    pub oversized_frames: u64,
}
