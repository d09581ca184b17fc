use super::SessionDescription;
use crate::attribute::Attribute;
use crate::text::{is_one_line, is_token};
use crate::{EditError, ParseError};

/// Edits touch the lines they speak of and leave every other byte alone.
impl SessionDescription {
    /// Adds `a=name:value` (or `a=name`) at the end of a media section, or of the session level for `None`.
    ///
    /// # Errors
    /// See [`EditError`]; the description is then unchanged.
    pub fn append_attribute(
        &mut self,
        section: Option<usize>,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), EditError> {
        let last = self.last_line(section)?;
        if !is_token(name) || name.contains(':') || !is_one_line(value.unwrap_or_default()) {
            return Err(EditError::LineBreak);
        }
        // The new line goes before the line ending of the last one, which may be missing, and thus takes it.
        let (_, end) = self.bounds(last);
        let (head, tail) = self.text.split_at_checked(end).unwrap_or((&self.text, ""));
        let line_break = if tail.starts_with('\n') { "\n" } else { "\r\n" };
        let mut text = String::with_capacity(self.text.len() + name.len() + 64);
        text.extend([head, line_break, "a=", name]);
        if let Some(value) = value {
            text.extend([":", value]);
        }
        text.push_str(tail);
        self.replace(text)
    }

    /// Removes the attributes of a media section, or of the session level for `None`, that `keep` does not
    /// want.
    ///
    /// # Errors
    /// There is no such section.
    pub fn retain_attributes(
        &mut self,
        section: Option<usize>,
        mut keep: impl FnMut(Attribute<'_>) -> bool,
    ) -> Result<(), EditError> {
        self.last_line(section)?;
        let (first, end) = self.line_range(section);
        let mut text = String::with_capacity(self.text.len());
        let mut copied = 0;
        for index in first..end {
            let attribute = self
                .lines
                .get(index)
                .and_then(|line| line.view(&self.text).attribute());
            if attribute.is_none_or(&mut keep) {
                continue;
            }
            let (start, _) = self.bounds(index);
            text.push_str(self.text.get(copied..start).unwrap_or_default());
            copied = self.bounds(index.saturating_add(1)).0;
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        self.replace(text)
    }

    fn last_line(&self, section: Option<usize>) -> Result<usize, EditError> {
        if section.is_some_and(|index| index >= self.media_count()) {
            return Err(EditError::NoSuchSection);
        }
        Ok(self.line_range(section).1.saturating_sub(1))
    }

    /// Where a line starts and where its line ending does; beyond the last line, the end of the text.
    fn bounds(&self, index: usize) -> (usize, usize) {
        self.lines
            .get(index)
            .map_or((self.text.len(), self.text.len()), |line| line.bounds())
    }

    fn replace(&mut self, text: String) -> Result<(), EditError> {
        *self = Self::try_from(text).map_err(|error: ParseError| EditError::Refused(error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=x\r\nm=audio 9 RTP/AVP 0\r\na=y";

    #[test]
    fn an_attribute_is_appended_to_its_section_only() {
        let mut description: SessionDescription = TEXT.parse().unwrap();
        description.append_attribute(None, "s", None).unwrap();
        description
            .append_attribute(Some(0), "c", Some("0 1"))
            .unwrap();
        description
            .append_attribute(Some(1), "d", Some(""))
            .unwrap();
        let wanted = TEXT
            .replace("t=0 0", "t=0 0\r\na=s")
            .replace("a=x", "a=x\r\na=c:0 1")
            .replace("a=y", "a=y\r\na=d:");
        assert_eq!(description.as_str(), wanted);
        assert_eq!(
            description.append_attribute(Some(2), "c", None),
            Err(EditError::NoSuchSection)
        );
    }

    #[test]
    fn line_endings_follow_those_of_the_text() {
        let text = TEXT.replace("\r\n", "\n") + "\n\n";
        let mut description: SessionDescription = text.parse().unwrap();
        description.append_attribute(Some(1), "d", None).unwrap();
        assert_eq!(description.as_str(), text.replace("a=y", "a=y\na=d"));
    }

    #[test]
    fn a_line_break_cannot_be_smuggled_in() {
        let mut description: SessionDescription = TEXT.parse().unwrap();
        for (name, value) in [
            ("x\r\na=y", None),
            ("x", Some("1\r\na=y")),
            ("x", Some("1\n")),
            ("x", Some("\0")),
            ("x:y", None),
            ("", None),
        ] {
            assert_eq!(
                description.append_attribute(None, name, value),
                Err(EditError::LineBreak)
            );
        }
        let long = "x".repeat(crate::limits::MAX_LINE_BYTES);
        let refused = description.append_attribute(None, "x", Some(&long));
        assert!(matches!(refused, Err(EditError::Refused(_))));
        assert_eq!(description.as_str(), TEXT);
    }

    #[test]
    fn removed_attributes_leave_all_other_bytes() {
        let mut description: SessionDescription = TEXT.parse().unwrap();
        description
            .retain_attributes(Some(0), |found| found.name != "x")
            .unwrap();
        assert_eq!(description.as_str(), TEXT.replace("a=x\r\n", ""));
        description.retain_attributes(Some(1), |_| false).unwrap();
        assert_eq!(
            description.as_str(),
            TEXT.replace("a=x\r\n", "").replace("a=y", "")
        );
    }
}
