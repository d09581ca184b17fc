use std::fmt;

/// One kind of feedback that a codec is used with, the value of `a=rtcp-fb` (RFC 4585 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feedback {
    /// `nack`: lost packets are asked for again (RFC 4585 §6.2.1).
    Nack,
    /// `nack pli`: a key frame is asked for after loss (RFC 4585 §6.3.1).
    NackPli,
    /// `ccm fir`: a key frame is asked for by command (RFC 5104 §4.3.1).
    CcmFir,
    /// `goog-remb`: the receiver's estimate of the bit rate.
    GoogRemb,
    /// `transport-cc`: arrival times of the packets of the whole transport.
    TransportCc,
    /// `ack ccfb`: congestion control feedback (RFC 8888).
    AckCcfb,
    /// Anything else, as it was written.
    Unknown(String),
}

impl Feedback {
    const KNOWN: [Self; 6] = [
        Self::Nack,
        Self::NackPli,
        Self::CcmFir,
        Self::GoogRemb,
        Self::TransportCc,
        Self::AckCcfb,
    ];

    /// Feedback from the text behind the payload type in `a=rtcp-fb`.
    pub fn new(value: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|known| known.as_str() == value)
            .unwrap_or_else(|| Self::Unknown(value.to_owned()))
    }

    /// The text behind the payload type in `a=rtcp-fb`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nack => "nack",
            Self::NackPli => "nack pli",
            Self::CcmFir => "ccm fir",
            Self::GoogRemb => "goog-remb",
            Self::TransportCc => "transport-cc",
            Self::AckCcfb => "ack ccfb",
            Self::Unknown(value) => value,
        }
    }
}

impl fmt::Display for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_survives_its_text() {
        for feedback in Feedback::KNOWN {
            assert_eq!(Feedback::new(feedback.as_str()), feedback);
        }
        assert_eq!(Feedback::new("ccm tmmbr").as_str(), "ccm tmmbr");
    }
}
