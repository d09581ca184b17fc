use std::fmt;

/// Which way media may flow, seen from the side that wrote the description (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `a=sendrecv`, the default when nothing is said.
    #[default]
    SendRecv,
    /// `a=sendonly`.
    SendOnly,
    /// `a=recvonly`.
    RecvOnly,
    /// `a=inactive`.
    Inactive,
}

impl Direction {
    /// Reads the name of the attribute; `None` for any other attribute.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// The direction of one who sends, receives, both or neither.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The name of the attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether the writer sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow as the other side sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow; for an answer: `wanted.intersection(offered.reversed())` (RFC 9429 §5.3.1).
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self::new(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_sends_only_what_the_offer_receives() {
        let offered = Direction::RecvOnly;
        let answer = Direction::SendRecv.intersection(offered.reversed());
        assert_eq!(answer, Direction::SendOnly);
        assert_eq!(
            Direction::RecvOnly.intersection(offered.reversed()),
            Direction::Inactive
        );
    }

    #[test]
    fn names_round_trip() {
        for sends in [false, true] {
            for receives in [false, true] {
                let direction = Direction::new(sends, receives);
                assert_eq!(Direction::parse(direction.as_str()), Some(direction));
                assert_eq!((direction.sends(), direction.receives()), (sends, receives));
            }
        }
        assert_eq!(Direction::parse("SENDRECV"), None);
    }
}
