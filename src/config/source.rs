//! Texts that a suite is read from, and places in them.

use std::ops::Range;

/// Which text a place lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The suite file.
    File,
    /// The `--set` of that index on the command line.
    Set(usize),
}

/// A place in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub origin: Origin,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Line of the first byte, 1-based.
    pub line: u32,
    /// Column of the first byte in characters, 1-based.
    pub column: u32,
}

impl Span {
    /// The start of a text.
    pub(crate) fn start_of(origin: Origin) -> Self {
        Self { origin, start: 0, end: 0, line: 1, column: 1 }
    }
}

/// The suite file with the `--set` arguments laid over it: all that a diagnostic may quote.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    sets: Vec<String>,
}

impl Source {
    /// A suite named `name` (its path) with its text; a byte order mark is dropped.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { name: name.to_owned(), text: text.to_owned(), sets: Vec::new() }
    }

    /// Adds the text of a `--set`, as it may be shown.
    pub(crate) fn add_set(&mut self, shown: String) {
        self.sets.push(shown);
    }

    /// Name of the suite file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Text of the suite file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Name and text of what `origin` points into.
    #[must_use]
    pub fn of(&self, origin: Origin) -> (&str, &str) {
        match origin {
            Origin::File => (&self.name, &self.text),
            Origin::Set(index) => ("--set", self.sets.get(index).map_or("", String::as_str)),
        }
    }

    /// The place of `part`, a byte range of `value`, where `value` was read from `span`. The whole
    /// of `span` if the text there was escaped, so that offsets differ.
    pub(crate) fn within(&self, span: Span, value: &str, part: Range<usize>) -> Span {
        let (_, text) = self.of(span.origin);
        let offset = text.get(span.start..span.end).and_then(|written| written.find(value));
        let (Some(offset), Some(before)) = (offset, value.get(..part.start)) else {
            return span;
        };
        let skipped = text.get(span.start..span.start + offset).unwrap_or_default();
        if value.contains('\n') || skipped.contains('\n') {
            return span;
        }
        let columns = skipped.chars().count() + before.chars().count();
        let start = span.start + offset + part.start;
        Span {
            start,
            end: start + part.len(),
            column: span.column.saturating_add(u32::try_from(columns).unwrap_or(0)),
            ..span
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Source, Span};

    #[test]
    fn a_part_of_a_quoted_value_has_its_own_column() {
        let source = Source::new("f", "a: \"é p99 tffc\"\n");
        let span = Span { origin: Origin::File, start: 3, end: 16, line: 1, column: 4 };
        let part = source.within(span, "é p99 tffc", 7..11);
        assert_eq!(&source.text()[part.start..part.end], "tffc");
        assert_eq!((part.line, part.column), (1, 11));
        assert_eq!(source.within(span, "escaped", 0..1), span);
    }
}
