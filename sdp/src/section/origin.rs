use std::fmt;

use crate::text::{decimal, is_token, words};

/// Who made the description, and which version of it this is: the `o=` line (RFC 8866 §5.2).
///
/// The numbers stay text: RFC 8866 does not bound them, and nothing computes with a stranger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin<'a> {
    /// The user, `-` for none.
    pub username: &'a str,
    /// Names the session together with the other fields (`sess-id`).
    pub session_id: &'a str,
    /// Grows by one with each description that differs (RFC 9429 §5.2.2).
    pub session_version: &'a str,
    /// `IN`.
    pub network_type: &'a str,
    /// `IP4` or `IP6`.
    pub address_type: &'a str,
    /// The address of the host that made the session.
    pub address: &'a str,
}

impl<'a> Origin<'a> {
    /// The origin as JSEP writes it: no user, and no address told (RFC 9429 §5.2.1).
    pub const fn new(session_id: &'a str, session_version: &'a str) -> Self {
        Self {
            username: "-",
            session_id,
            session_version,
            network_type: "IN",
            address_type: "IP4",
            address: "127.0.0.1",
        }
    }

    /// Reads the text after `o=`; `None` if it is not six tokens.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut words = words(text).filter(|word| is_token(word));
        let origin = Self {
            username: words.next()?,
            session_id: words.next()?,
            session_version: words.next()?,
            network_type: words.next()?,
            address_type: words.next()?,
            address: words.next()?,
        };
        words.next().is_none().then_some(origin)
    }

    /// The version as a number, where it is one.
    pub fn version_number(&self) -> Option<u64> {
        decimal(self.session_version)
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {}",
            self.username,
            self.session_id,
            self.session_version,
            self.network_type,
            self.address_type,
            self.address
        )
    }
}
