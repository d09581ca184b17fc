use std::iter::FusedIterator;

/// One parameter of an `a=fmtp` or `a=rid` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter<'a> {
    /// The name, or the whole text where there is no `=` (`0-15` of telephone-event, `111/111` of RED).
    pub name: &'a str,
    /// What follows the first `=`.
    pub value: Option<&'a str>,
}

/// Walks `name=value;name=value`; spaces around the semicolons do not matter, empty places are skipped.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    rest: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    /// The parameters of a text.
    pub const fn new(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }

    /// The value of the first parameter of this name, in any case; `Some("")` when it has none.
    pub fn value(mut self, name: &str) -> Option<&'a str> {
        self.find(|parameter| parameter.name.eq_ignore_ascii_case(name))
            .map(|parameter| parameter.value.unwrap_or_default())
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.rest?;
            let (first, rest) = match text.split_once(';') {
                Some((first, rest)) => (first, Some(rest)),
                None => (text, None),
            };
            self.rest = rest;
            let first = first.trim();
            if !first.is_empty() {
                let (name, value) = match first.split_once('=') {
                    Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
                    None => (first, None),
                };
                return Some(Parameter { name, value });
            }
        }
    }
}

impl FusedIterator for Parameters<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_empty_places_and_bare_words_are_tolerated() {
        let text = " minptime=10; useinbandfec = 1 ;;x-google-max-bitrate=a=b;0-15; ";
        let found: Vec<_> = Parameters::new(text).map(|p| (p.name, p.value)).collect();
        assert_eq!(
            found,
            [
                ("minptime", Some("10")),
                ("useinbandfec", Some("1")),
                ("x-google-max-bitrate", Some("a=b")),
                ("0-15", None),
            ]
        );
        assert_eq!(Parameters::new(text).value("UseInbandFEC"), Some("1"));
        assert_eq!(Parameters::new(text).value("0-15"), Some(""));
        assert_eq!(Parameters::new("").next(), None);
    }
}
