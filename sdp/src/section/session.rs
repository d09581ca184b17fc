use crate::attribute::{Attribute, Bandwidth, Group};
use crate::description::SessionDescription;
use crate::section::Origin;
use crate::text::words;

/// The session level of a description: what comes before the first m-line.
///
/// What media sections inherit from here is found through [`MediaSection`](crate::MediaSection).
#[derive(Clone, Copy, Debug)]
pub struct SessionSection<'a> {
    description: &'a SessionDescription,
}

impl<'a> SessionSection<'a> {
    pub(crate) const fn new(description: &'a SessionDescription) -> Self {
        Self { description }
    }

    /// The `o=` line.
    pub fn origin(&self) -> Origin<'a> {
        // The parser refused everything else.
        self.line('o')
            .and_then(Origin::parse)
            .unwrap_or(Origin::new("0", "0"))
    }

    /// The `s=` line, often `-`, a space or nothing.
    pub fn name(&self) -> &'a str {
        self.line('s').unwrap_or_default()
    }

    /// All attributes in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.description.attributes_of(None)
    }

    /// The first attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// All `a=group` lines that are well formed (RFC 5888).
    pub fn groups(&self) -> impl Iterator<Item = Group<'a>> + use<'a> {
        self.attributes()
            .filter(|attribute| attribute.name == "group")
            .filter_map(|attribute| Group::parse(attribute.value?))
    }

    /// The `BUNDLE` groups (RFC 9143).
    pub fn bundle_groups(&self) -> impl Iterator<Item = Group<'a>> + use<'a> {
        self.groups().filter(Group::is_bundle)
    }

    /// `a=ice-lite`: the writer is a lite agent (RFC 8839 §5.3).
    pub fn is_ice_lite(&self) -> bool {
        self.attribute("ice-lite").is_some()
    }

    /// The words of `a=ice-options`: `trickle`, `ice2`, `renomination`, … (RFC 8839 §5.6).
    pub fn ice_options(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let value = self.attribute("ice-options").and_then(|found| found.value);
        words(value.unwrap_or_default())
    }

    /// `a=extmap-allow-mixed` for all media sections (RFC 8285 §6).
    pub fn extmap_allow_mixed(&self) -> bool {
        self.attribute("extmap-allow-mixed").is_some()
    }

    /// The `b=` lines.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        self.description
            .lines_of(None)
            .filter(|line| line.letter() == 'b')
            .filter_map(|line| Bandwidth::parse(line.value()))
    }

    fn line(&self, letter: char) -> Option<&'a str> {
        self.description
            .lines_of(None)
            .find(|line| line.letter() == letter)
            .map(|line| line.value())
    }
}
