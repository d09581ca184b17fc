use std::collections::BTreeSet;
use std::fmt;

use crate::text::{is_token, words};

/// Media sections that belong together: `a=group:semantics mid …` (RFC 5888 §5, RFC 9143 for `BUNDLE`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group<'a> {
    /// `BUNDLE`, `LS`, …
    pub semantics: &'a str,
    /// The media sections in their order, each once.
    pub mids: Vec<&'a str>,
}

impl<'a> Group<'a> {
    /// Reads the value of the attribute; `None` if it is malformed. A repeated mid counts once.
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = words(value);
        let semantics = words.next()?;
        let mut seen = BTreeSet::new();
        let mids: Vec<_> = words.filter(|mid| seen.insert(*mid)).collect();
        let tokens = is_token(semantics) && mids.iter().all(|mid| is_token(mid));
        tokens.then_some(Self { semantics, mids })
    }

    /// Whether this is a `BUNDLE` group.
    pub fn is_bundle(&self) -> bool {
        self.semantics.eq_ignore_ascii_case("BUNDLE")
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.semantics)?;
        self.mids.iter().try_for_each(|mid| write!(f, " {mid}"))
    }
}
