use std::fmt;

use super::Msid;
use crate::limits::MAX_GROUP_SOURCES;
use crate::text::{decimal, first_word, is_token, words};

/// What the `a=ssrc` lines of a media section say of one source (RFC 5576 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source<'a> {
    /// The synchronization source.
    pub ssrc: u32,
    /// `cname:`, the canonical name of the sender (RFC 5576 §6.1).
    pub cname: Option<&'a str>,
    /// `msid:`, as older senders say it.
    pub msid: Option<Msid<'a>>,
}

/// Sources that belong together: `a=ssrc-group:semantics ssrc …` (RFC 5576 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceGroup<'a> {
    /// `FID` (media and its retransmission), `FEC-FR`, `SIM`, …
    pub semantics: &'a str,
    /// The sources in their order.
    pub ssrcs: Vec<u32>,
}

impl<'a> SourceGroup<'a> {
    /// Reads the value of the attribute.
    ///
    /// `None` if it is malformed, has no source or more than 64, or is a `FID` or `FEC-FR` group of
    /// another number than two (RFC 5576 §4.2, RFC 5956 §4.3).
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = words(value);
        let semantics = words.next().filter(|word| is_token(word))?;
        let ssrcs = words
            .take(MAX_GROUP_SOURCES + 1)
            .map(decimal)
            .collect::<Option<Vec<u32>>>()?;
        let good = match semantics {
            "FID" | "FEC-FR" => matches!(ssrcs[..], [first, second] if first != second),
            _ => (1..=MAX_GROUP_SOURCES).contains(&ssrcs.len()),
        };
        good.then_some(Self { semantics, ssrcs })
    }
}

impl fmt::Display for SourceGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.semantics)?;
        self.ssrcs.iter().try_for_each(|ssrc| write!(f, " {ssrc}"))
    }
}

/// The number of an `a=ssrc` value, and the attribute that follows it.
pub(crate) fn ssrc_of(value: &str) -> Option<(u32, &str)> {
    let (ssrc, attribute) = first_word(value);
    Some((decimal(ssrc)?, attribute))
}

/// Gathers `a=ssrc` values by source, in the order of first appearance.
///
/// The parser allows 64 sources per section, so the look-up is a scan of bounded length.
pub(crate) fn sources<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Source<'a>> {
    let mut sources: Vec<Source<'a>> = Vec::new();
    for (ssrc, attribute) in values.filter_map(ssrc_of) {
        let known = sources.iter().rposition(|source| source.ssrc == ssrc);
        let index = known.unwrap_or(sources.len());
        if known.is_none() {
            sources.push(Source {
                ssrc,
                cname: None,
                msid: None,
            });
        }
        let (Some(source), Some((name, value))) =
            (sources.get_mut(index), attribute.split_once(':'))
        else {
            continue;
        };
        match name {
            "cname" if source.cname.is_none() => source.cname = Some(value),
            "msid" if source.msid.is_none() => source.msid = Msid::parse(value),
            _ => {}
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_source_are_gathered() {
        let lines = [
            "1 cname:a",
            "2 cname:b",
            "1 msid:s t",
            "4294967296 cname:x",
            "3",
        ];
        let found = sources(lines.into_iter());
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].cname, Some("a"));
        assert_eq!(found[0].msid.unwrap().track, Some("t"));
        assert_eq!(found[1].ssrc, 2);
        assert_eq!(found[2].cname, None);
    }

    #[test]
    fn pairs_are_pairs() {
        assert_eq!(
            SourceGroup::parse("FID 1 2").unwrap().to_string(),
            "FID 1 2"
        );
        for text in ["", "FID", "FID 1", "FID 1 2 3", "FID 1 1", "SIM", "SIM 1 x"] {
            assert_eq!(SourceGroup::parse(text), None, "{text}");
        }
        assert_eq!(SourceGroup::parse("SIM 1 2 3").unwrap().ssrcs, [1, 2, 3]);
    }
}
