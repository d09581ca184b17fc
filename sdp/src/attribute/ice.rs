use std::fmt;

/// The user name fragment and password of an ICE agent: `a=ice-ufrag`, `a=ice-pwd` (RFC 8839 §5.4).
///
/// `Debug` does not show the password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IceCredentials<'a> {
    /// 4–256 characters.
    pub ufrag: &'a str,
    /// 22–256 characters.
    pub pwd: &'a str,
}

impl IceCredentials<'_> {
    pub(crate) fn ufrag_is_well_formed(&self) -> bool {
        (4..=256).contains(&self.ufrag.len()) && self.ufrag.bytes().all(is_ice_char)
    }

    pub(crate) fn pwd_is_well_formed(&self) -> bool {
        (22..=256).contains(&self.pwd.len()) && self.pwd.bytes().all(is_ice_char)
    }
}

impl fmt::Debug for IceCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// `ice-char` (RFC 8839 §5.1). A colon, above all, would break the STUN USERNAME in two.
fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
