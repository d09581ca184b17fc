use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SettingsError;

/// A table of which keys are taken one by one; what nobody took is an error.
#[derive(Debug)]
pub(super) struct Table<'t> {
    text: &'t str,
    path: String,
    line: usize,
    entries: Vec<Entry<'t>>,
    /// Where the keys that were taken stood.
    taken: Vec<(String, usize)>,
}

#[derive(Debug)]
struct Entry<'t> {
    key: String,
    line: usize,
    value: DeValue<'t>,
}

/// A value, and where it stands.
struct Value<'t> {
    line: usize,
    value: DeValue<'t>,
}

impl<'t> Table<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, SettingsError> {
        let root = DeTable::parse(text).map_err(|error| SettingsError {
            line: error.span().map_or(1, |span| line_at(text, span.start)),
            key: error
                .span()
                .and_then(|span| word_before(text, span.start))
                .unwrap_or("TOML")
                .to_owned(),
            what: error.message().to_owned(),
        })?;
        Ok(Self::new(text, String::new(), 1, root.into_inner()))
    }

    fn new(text: &'t str, path: String, line: usize, table: DeTable<'t>) -> Self {
        let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'t>>)| {
            let line = line_at(text, key.span().start);
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            Entry {
                key: key.into_owned(),
                line,
                value: value.into_inner(),
            }
        };
        Self {
            text,
            path,
            line,
            entries: table.into_iter().map(entry).collect(),
            taken: Vec::new(),
        }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn error(&self, line: usize, key: &str, what: impl Into<String>) -> SettingsError {
        SettingsError {
            line,
            key: self.name(key),
            what: what.into(),
        }
    }

    /// There is no such key, and there must be.
    pub(super) fn missing(&self, key: &str) -> SettingsError {
        self.error(self.line, key, "is missing")
    }

    /// A key that was taken has no good value.
    pub(super) fn wrong(&self, key: &str, what: impl Into<String>) -> SettingsError {
        let line = self.taken.iter().find(|(taken, _)| taken == key);
        self.error(line.map_or(self.line, |(_, line)| *line), key, what)
    }

    fn take(&mut self, key: &str) -> Option<Value<'t>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        let Entry { line, value, .. } = self.entries.remove(at);
        self.taken.push((key.to_owned(), line));
        Some(Value { line, value })
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.key.clone()).collect()
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, SettingsError> {
        self.checked(key, |text| Ok(text.to_owned()))
    }

    pub(super) fn checked<T>(
        &mut self,
        key: &str,
        check: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(Value { line, value }) = self.take(key) else {
            return Ok(None);
        };
        let DeValue::String(text) = value else {
            return Err(self.error(line, key, "must be text in quotes"));
        };
        check(&text)
            .map(Some)
            .map_err(|what| self.error(line, key, what))
    }

    pub(super) fn parsed<T: FromStr>(
        &mut self,
        key: &str,
        what: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        self.checked(key, |text| text.parse().map_err(|_| what))
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, SettingsError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value {
                value: DeValue::Boolean(flag),
                ..
            }) => Ok(Some(flag)),
            Some(Value { line, .. }) => Err(self.error(line, key, "must be true or false")),
        }
    }

    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(Value { line, value }) = self.take(key) else {
            return Ok(None);
        };
        let number = value
            .as_integer()
            .and_then(|it| u64::from_str_radix(&it.as_str().replace('_', ""), it.radix()).ok())
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok());
        let (first, last) = (range.start(), range.end());
        let what = || format!("must be a whole number from {first} to {last}");
        number
            .map(Some)
            .ok_or_else(|| self.error(line, key, what()))
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, SettingsError> {
        let Some(Value { line, value }) = self.take(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = value else {
            return Err(self.error(line, key, "must be a list of texts"));
        };
        let items = items.into_iter().map(|item| {
            let line = line_at(self.text, item.span().start);
            let DeValue::String(text) = item.into_inner() else {
                return Err(self.error(line, key, "must be a list of texts"));
            };
            parse(&text).map_err(|what| self.error(line, key, format!("{text:?} is {what}")))
        });
        items.collect()
    }

    pub(super) fn table(&mut self, key: &str) -> Result<Option<Self>, SettingsError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value {
                line,
                value: DeValue::Table(table),
            }) => Ok(Some(Self::new(self.text, self.name(key), line, table))),
            Some(Value { line, .. }) => {
                Err(self.error(line, key, format!("must be a table, [{key}]")))
            }
        }
    }

    pub(super) fn tables(&mut self, key: &str) -> Result<Vec<Self>, SettingsError> {
        let Some(Value { line, value }) = self.take(key) else {
            return Ok(Vec::new());
        };
        let what = format!("must be a list of tables, [[{key}]]");
        let DeValue::Array(items) = value else {
            return Err(self.error(line, key, what));
        };
        let tables = items.into_iter().map(|item| {
            let line = line_at(self.text, item.span().start);
            match item.into_inner() {
                DeValue::Table(table) => Ok(Self::new(self.text, self.name(key), line, table)),
                _ => Err(self.error(line, key, &*what)),
            }
        });
        tables.collect()
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), SettingsError> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => Err(self.error(entry.line, &entry.key, "is not known")),
        }
    }
}

fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The key of the line where the TOML itself is broken, when there is one.
fn word_before(text: &str, at: usize) -> Option<&str> {
    let line = text.lines().nth(line_at(text, at) - 1)?;
    let (key, _) = line.split_once('=')?;
    Some(key.trim()).filter(|key| !key.is_empty())
}
