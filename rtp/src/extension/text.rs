use std::fmt;

/// Up to 16 octets of text, kept in place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Text {
    octets: [u8; Self::MAX],
    len: u8,
}

impl Text {
    const MAX: usize = 16;

    fn new(octets: &[u8], allowed: impl Fn(u8) -> bool) -> Option<Self> {
        let mut text = Self {
            octets: [0; Self::MAX],
            len: u8::try_from(octets.len()).ok()?,
        };
        if octets.is_empty() || !octets.iter().all(|&octet| allowed(octet)) {
            return None;
        }
        text.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(text)
    }

    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The identification of a media section, `a=mid` (RFC 9143 §15): 1 to 16 characters of an SDP token.
///
/// A longer value cannot travel in the one-byte form and is treated as absent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(Text);

impl Mid {
    /// A MID from text; `None` if empty, too long or not a token (RFC 8866 §9).
    pub fn new(mid: &str) -> Option<Self> {
        Self::decode(mid.as_bytes())
    }

    /// Reads the value of the extension; `None` if it is not a MID.
    pub fn decode(value: &[u8]) -> Option<Self> {
        Text::new(value, is_token).map(Self)
    }

    /// The MID as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The value of the extension.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The identification of an encoding, `a=rid` (RFC 8852 §3): 1 to 16 letters or digits.
///
/// `-` and `_` are let in too, which RFC 8851 allowed and peers use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rid(Text);

impl Rid {
    /// A RID from text; `None` if empty, too long or of other characters.
    pub fn new(rid: &str) -> Option<Self> {
        Self::decode(rid.as_bytes())
    }

    /// Reads the value of the extension; `None` if it is not a RID.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        Text::new(value, allowed).map(Self)
    }

    /// The RID as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The value of the extension.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The token characters of SDP (RFC 8866 §9).
const fn is_token(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e)
}

macro_rules! show_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }
    )*};
}

show_as_text!(Mid, Rid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mid_takes_tokens_of_sixteen_characters_at_most() {
        assert_eq!(Mid::new("0").map(|mid| mid.to_string()), Some("0".into()));
        assert!(Mid::new("abcdefghijklmnop").is_some());
        assert_eq!(Mid::new("abcdefghijklmnopq"), None);
        assert_eq!(Mid::new(""), None);
        assert_eq!(Mid::decode(b"a b"), None);
        assert_eq!(Mid::decode(&[0xff]), None);
        assert_eq!(Mid::decode(b"a\r\n"), None);
    }

    #[test]
    fn rid_takes_letters_digits_and_the_tolerated_marks() {
        assert_eq!(
            Rid::new("hi-1_x").map(|rid| rid.to_string()),
            Some("hi-1_x".into())
        );
        assert_eq!(Rid::new("~"), None);
        assert_eq!(format!("{:?}", Rid::new("q")), "Some(Rid(\"q\"))");
    }
}
