//! Text that may be shown, by type: what a target, a suite or a file said reaches a report only as
//! an [`Escaped`] of the report's language, cleaned and bounded in size.

use crate::units::one_line;
use minijinja::Value;
use serde::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Longest code span, in characters.
const CODE_MAX: usize = 200;
/// Longest sentence, in characters.
const PROSE_MAX: usize = 1_000;
/// Most lines of a fence, and characters of a line.
const LINES_MAX: usize = 60;
const LINE_MAX: usize = 300;

/// GitHub-flavoured Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markdown {}

/// Plain text for a terminal: no control characters, so no escape codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terminal {}

/// Text that is safe in the language `L`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escaped<L> {
    text: String,
    language: PhantomData<L>,
}

impl<L> Escaped<L> {
    /// Text of ours.
    pub(super) fn ours(text: &'static str) -> Self {
        Self::of(text.to_owned())
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn of(text: String) -> Self {
        Self { text, language: PhantomData }
    }
}

impl<L> fmt::Display for Escaped<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// In a template an escaped text is taken as it is; every other string is escaped.
impl<L> Serialize for Escaped<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.text.clone()).serialize(serializer)
    }
}

impl Escaped<Terminal> {
    /// One line.
    pub(super) fn line(text: &str) -> Self {
        Self::of(bounded(&one_line(text), PROSE_MAX))
    }

    /// Several lines, each bounded; the last ones are kept.
    pub(super) fn lines<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Vec<Self> {
        last_lines(lines).into_iter().map(Self::of).collect()
    }
}

impl Escaped<Markdown> {
    /// A code span. It holds neither a new line nor a pipe, so it may stand in a table.
    pub(super) fn code(text: &str) -> Self {
        let text = bounded(&one_line(text).replace('|', "¦"), CODE_MAX);
        let ticks = "`".repeat(longest_run(&text, '`') + 1);
        let edge = text.starts_with('`') || text.ends_with('`') || text.trim().is_empty();
        let pad = if edge { " " } else { "" };
        Self::of(format!("{ticks}{pad}{text}{pad}{ticks}"))
    }

    /// A sentence: what stands between backticks becomes a code span, all else plain text.
    pub(super) fn prose(text: &str) -> Self {
        let text = bounded(&one_line(text), PROSE_MAX);
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('`') {
            out.push_str(&plain(before));
            match after.split_once('`') {
                Some((code, after)) if !code.trim().is_empty() => {
                    if out.ends_with('`') {
                        // Two spans side by side would read as one.
                        out.push(' ');
                    }
                    out.push_str(Self::code(code).as_str());
                    rest = after;
                }
                Some(_) | None => {
                    out.push_str("&#96;");
                    rest = after;
                }
            }
        }
        out.push_str(&plain(rest));
        Self::of(out)
    }

    /// A number or word of our own formatters, in which nothing has a meaning in Markdown.
    pub(super) fn number(text: &str) -> Self {
        let mut text = bounded(&one_line(text), CODE_MAX);
        text.retain(|c| !matches!(c, '<' | '|' | '`' | '*' | '_' | '\\' | '&' | '@'));
        Self::of(text)
    }

    /// Stronger type.
    pub(super) fn strong(&self) -> Self {
        Self::of(format!("**{}**", self.text))
    }

    /// One after the other.
    pub(super) fn concat<const N: usize>(parts: [&Self; N]) -> Self {
        Self::of(parts.iter().map(|part| part.as_str()).collect())
    }

    /// A fenced block; the fence is longer than any run of backticks inside. The last lines are kept.
    pub(super) fn fence<'a>(
        language: &'static str,
        lines: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Self {
        let lines = last_lines(lines);
        let longest = lines.iter().map(|line| longest_run(line, '`')).max().unwrap_or(0);
        let fence = "`".repeat((longest + 1).max(3));
        Self::of(format!("{fence}{language}\n{}\n{fence}", lines.join("\n")))
    }
}

/// What a template does with a string that is no [`Escaped`].
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let line = one_line(text);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' => out.push('¦'),
            // An entity, so that nobody is notified and nothing becomes a link.
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // The end of a link's text; an interval stays as it is.
            ']' if matches!(chars.peek(), Some('(' | '[' | ':')) => out.push_str("\\]"),
            _ => out.push(c),
        }
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

fn last_lines<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines
        .rev()
        .take(LINES_MAX)
        .map(|line| bounded(one_line(line).trim_end(), LINE_MAX))
        .collect();
    lines.reverse();
    lines
}

fn bounded(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::{Escaped, Markdown, Terminal, longest_run, plain};
    use proptest::prelude::*;

    #[test]
    fn what_a_target_says_stays_text() {
        for (text, expected) in [
            ("a|b", "`a¦b`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("x\n### y", "`x ### y`"),
            ("\u{1b}[31mred", "`\u{fffd}[31mred`"),
        ] {
            assert_eq!(Escaped::code(text).as_str(), expected);
        }
        assert_eq!(
            Escaped::prose("`a|b` is <b>late</b>, @team: see http://x.y").as_str(),
            "`a¦b` is &lt;b&gt;late&lt;/b&gt;, &#64;team: see http&#58;//x.y"
        );
        assert_eq!(Escaped::prose("one ` only").as_str(), "one &#96; only");
        let fence = Escaped::fence("", ["```", "# not a title"].into_iter());
        assert_eq!(fence.as_str(), "````\n```\n# not a title\n````");
    }

    #[test]
    fn a_string_that_is_not_escaped_is_escaped_by_the_template() {
        assert_eq!(plain("[x](javascript:y) <img>"), "[x\\](javascript:y) &lt;img&gt;");
    }

    proptest! {
        #[test]
        fn nothing_leaves_a_code_span_or_its_cell(text in any::<String>()) {
            let span = Escaped::code(&text);
            let span = span.as_str();
            prop_assert!(!span.contains(['\n', '\r', '|']));
            prop_assert!(span.chars().count() < 650);
            let ticks = span.len() - span.trim_start_matches('`').len();
            let inner = &span[ticks..span.len() - ticks];
            prop_assert!(span.ends_with(&"`".repeat(ticks)) && longest_run(inner, '`') < ticks);
            prop_assert!(!inner.starts_with('`') && !inner.ends_with('`') && !inner.is_empty());
        }

        #[test]
        fn nothing_leaves_a_fence(text in "(`{0,6}[a-z \n]{0,4}){0,20}") {
            let fence = Escaped::fence("text", text.lines());
            let lines: Vec<&str> = fence.as_str().lines().collect();
            let close = *lines.last().unwrap();
            prop_assert!(lines[1..lines.len() - 1].iter().all(|line| longest_run(line, '`') < close.len()));
        }

        #[test]
        fn prose_has_no_pipe_no_tag_and_one_line(text in "[a-z`|<>\n*@]{0,80}") {
            let prose = Escaped::prose(&text);
            prop_assert!(!prose.as_str().contains(['|', '\n']));
            let outside: String = prose.as_str().split('`').step_by(2).collect();
            prop_assert!(!outside.contains(['<', '>']), "{}", prose.as_str());
        }

        #[test]
        fn no_escape_code_reaches_a_terminal(text in any::<String>()) {
            let line = Escaped::<Terminal>::line(&text);
            prop_assert!(!line.as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn long_text_is_cut() {
        let long = "x".repeat(10_000);
        assert!(Escaped::<Markdown>::prose(&long).as_str().len() < 1_010);
        assert!(Escaped::<Markdown>::fence("", std::iter::repeat_n("y", 500)).as_str().len() < 200);
    }
}
