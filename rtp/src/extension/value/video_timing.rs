/// How long a frame spent at each station of its sender, on the last packet of the frame (video-timing). Thirteen octets.
///
/// All times are in milliseconds after the frame was captured; a later station may not have filled in its own yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VideoTiming {
    /// Why the timing was sent: bit 0, it was due; bit 1, the frame is larger than usual. 255 is no reason.
    pub flags: u8,
    /// Encoding began.
    pub encode_start_ms: u16,
    /// Encoding ended.
    pub encode_finish_ms: u16,
    /// The frame was cut into packets.
    pub packetization_finish_ms: u16,
    /// The last packet left the pacer.
    pub pacer_exit_ms: u16,
    /// Free for a first station on the way.
    pub network_ms: u16,
    /// Free for a second station on the way.
    pub network2_ms: u16,
}

impl VideoTiming {
    /// The octets of the value.
    pub const LEN: usize = 13;

    /// Reads the value of the extension; `None` if it has another length. Older senders leave out the flags.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (flags, times) = match value.len() {
            Self::LEN => (*value.first()?, value.get(1..)?),
            12 => (0, value),
            _ => return None,
        };
        let (times, _) = times.as_chunks();
        let mut times = times.iter().map(|&time| u16::from_be_bytes(time));
        let mut time = || times.next().unwrap_or_default();
        Some(Self {
            flags,
            encode_start_ms: time(),
            encode_finish_ms: time(),
            packetization_finish_ms: time(),
            pacer_exit_ms: time(),
            network_ms: time(),
            network2_ms: time(),
        })
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; Self::LEN] {
        let [a0, a1] = self.encode_start_ms.to_be_bytes();
        let [b0, b1] = self.encode_finish_ms.to_be_bytes();
        let [c0, c1] = self.packetization_finish_ms.to_be_bytes();
        let [d0, d1] = self.pacer_exit_ms.to_be_bytes();
        let [e0, e1] = self.network_ms.to_be_bytes();
        let [f0, f1] = self.network2_ms.to_be_bytes();
        [self.flags, a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1]
    }
}
