use std::fmt;

/// One kind of RTCP feedback that a codec takes: the value of `a=rtcp-fb` after the payload type
/// (RFC 4585 §4.2, RFC 5104 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feedback<'a> {
    /// `nack`: generic NACK (RFC 4585 §6.2.1).
    Nack,
    /// `nack pli`: picture loss indication (RFC 4585 §6.3.1).
    NackPli,
    /// `nack rpsi`: reference picture selection indication (RFC 4585 §6.3.3).
    NackRpsi,
    /// `ccm fir`: full intra request (RFC 5104 §4.3.1).
    CcmFir,
    /// `transport-cc`: transport-wide congestion control feedback.
    TransportCc,
    /// `goog-remb`: receiver-estimated maximum bit rate.
    GoogRemb,
    /// `ack ccfb`: congestion control feedback (RFC 8888 §6).
    AckCcfb,
    /// `rrtr`: receiver reference time reports (RFC 3611 §5, as browsers spell it).
    Rrtr,
    /// Anything else, as it stands.
    Other(&'a str),
}

impl<'a> Feedback<'a> {
    /// Reads the text after the payload type.
    pub fn parse(text: &'a str) -> Self {
        match text.trim_matches(' ') {
            "nack" => Self::Nack,
            "nack pli" => Self::NackPli,
            "nack rpsi" => Self::NackRpsi,
            "ccm fir" => Self::CcmFir,
            "transport-cc" => Self::TransportCc,
            "goog-remb" => Self::GoogRemb,
            "ack ccfb" => Self::AckCcfb,
            "rrtr" => Self::Rrtr,
            other => Self::Other(other),
        }
    }

    /// The text after the payload type.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Nack => "nack",
            Self::NackPli => "nack pli",
            Self::NackRpsi => "nack rpsi",
            Self::CcmFir => "ccm fir",
            Self::TransportCc => "transport-cc",
            Self::GoogRemb => "goog-remb",
            Self::AckCcfb => "ack ccfb",
            Self::Rrtr => "rrtr",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for Feedback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
