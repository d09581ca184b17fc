use std::fmt;

/// Who starts the DTLS handshake: `a=setup` (RFC 8842 §5, RFC 4145 §4).
///
/// `holdconn` has no meaning for DTLS and is malformed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The other side chooses; what an offer says.
    ActPass,
    /// The writer is the DTLS client.
    Active,
    /// The writer is the DTLS server.
    Passive,
}

impl Setup {
    /// Reads the value of the attribute; `None` if it is something else.
    pub fn parse(value: &str) -> Option<Self> {
        [Self::ActPass, Self::Active, Self::Passive]
            .into_iter()
            .find(|setup| value.eq_ignore_ascii_case(setup.as_str()))
    }

    /// The value of the attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
