use crate::payload::PayloadError;

/// The payload of a telephone event (RFC 4733 §2.3).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     event     |E|R| volume    |          duration             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// The event: 0 to 15 are the keys `0` to `9`, `*`, `#` and `A` to `D` (RFC 4733 §3.2).
    pub code: u8,
    /// E: the event is over.
    pub end: bool,
    /// The power of the tone, 0 to 63, in dBm0 with the sign dropped.
    pub volume: u8,
    /// How long the event, or this segment of it, has lasted, in ticks.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload. What follows it is of no use to anybody today.
    pub fn decode(payload: &[u8]) -> Result<Self, PayloadError> {
        let [code, flags, d0, d1, ..] = *payload else {
            return Err(PayloadError::Truncated);
        };
        Ok(Self {
            code,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// The payload.
    pub const fn encode(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [
            self.code,
            (self.end as u8) << 7 | self.volume & 0x3f,
            d0,
            d1,
        ]
    }
}

/// A character of a string of tones, as `RTCDTMFSender.insertDTMF` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A key, as an event code.
    Key(u8),
    /// `,`: two seconds of nothing.
    Pause,
}

impl Tone {
    /// The tone of a character; `None` if it stands for none.
    pub fn from_char(character: char) -> Option<Self> {
        let key = match character.to_ascii_uppercase() {
            ',' => return Some(Self::Pause),
            '*' => 10,
            '#' => 11,
            letter @ 'A'..='D' => 12 + (letter as u8 - b'A'),
            digit => u8::try_from(digit.to_digit(10)?).ok()?,
        };
        Some(Self::Key(key))
    }
}
