//! A suite that is written from options, so that the same rules check them; each line knows its option.

use std::fmt::Write as _;

/// Lines of YAML, each with the option that it comes from.
#[derive(Default)]
pub(super) struct Document {
    text: String,
    options: Vec<String>,
}

/// A key, its value, and the option that it comes from.
pub(super) type Entry = (&'static str, Option<serde_json::Value>, &'static str);

impl Document {
    /// `key: value`, this many blanks in; a JSON value is a YAML value.
    pub(super) fn line(&mut self, depth: usize, key: &str, value: &str, option: &str) {
        // A line break would put the lines and their options out of step.
        let value = value.replace(['\n', '\r'], " ");
        let _ = writeln!(self.text, "{:depth$}{key}: {value}", "");
        self.options.push(option.to_owned());
    }

    /// `- value`.
    pub(super) fn item(&mut self, depth: usize, value: &serde_json::Value, option: &str) {
        let _ = writeln!(self.text, "{:depth$}- {value}", "");
        self.options.push(option.to_owned());
    }

    /// The entries that are given.
    pub(super) fn entries(&mut self, depth: usize, entries: impl IntoIterator<Item = Entry>) {
        for (key, value, option) in entries {
            if let Some(value) = value {
                self.line(depth, key, &value.to_string(), option);
            }
        }
    }

    /// The same as a section, which is left out where nothing is given.
    pub(super) fn section(&mut self, depth: usize, key: &str, entries: &[Entry]) {
        let first = entries.iter().find(|(_, value, _)| value.is_some());
        if let Some((_, _, option)) = first {
            self.line(depth, key, "", option);
            self.entries(depth + 2, entries.iter().cloned());
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The option behind a line, counted from 1.
    pub(super) fn option(&self, line: u32) -> &str {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        self.options.get(index).map_or("the command line", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Document;
    use serde_json::json;

    #[test]
    fn each_line_knows_its_option_and_absent_sections_are_left_out() {
        let mut document = Document::default();
        document.line(0, "version", "1", "none");
        document.section(2, "empty", &[("a", None, "--a")]);
        document.section(2, "full", &[("a", None, "--a"), ("b", Some(json!("x\ny")), "--b")]);
        document.item(4, &json!("z"), "--z");
        assert_eq!(document.text(), "version: 1\n  full: \n    b: \"x\\ny\"\n    - \"z\"\n");
        let options: Vec<&str> = (0..6).map(|line| document.option(line)).collect();
        assert_eq!(options, ["none", "none", "--b", "--b", "--z", "the command line"]);
    }
}
