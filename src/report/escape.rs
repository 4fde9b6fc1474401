//! Text that may be shown, by type: what a target, a suite or a file said reaches a report only as
//! an [`Escaped`] of the report's language, cleaned and bounded in size.

use crate::units::{inert, one_line};
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
/// Fewest digits that stand for a commit.
const COMMIT_MIN: usize = 7;

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
        Self::of(bounded(&inert(&one_line(text)), PROSE_MAX))
    }

    /// Several lines, each bounded; the last ones are kept.
    pub(super) fn lines<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Vec<Self> {
        last_lines(lines).into_iter().map(|line| Self::of(inert(&line))).collect()
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

    /// A sentence: what stands between backticks becomes a code span, and so does every word that the
    /// platform could take for a reference; all else is plain text.
    pub(super) fn prose(text: &str) -> Self {
        let text = bounded(&one_line(text), PROSE_MAX);
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('`') {
            push_words(&mut out, before);
            match after.split_once('`') {
                Some((code, after)) if !code.trim().is_empty() => {
                    push_code(&mut out, code);
                    rest = after;
                }
                Some(_) | None => {
                    out.push_str("&#96;");
                    rest = after;
                }
            }
        }
        push_words(&mut out, rest);
        Self::of(out)
    }

    /// A sentence inside an HTML tag, where Markdown means nothing.
    pub(super) fn html_prose(text: &str) -> Self {
        let text = bounded(&one_line(text), PROSE_MAX);
        let code = |text: &str| format!("<code>{}</code>", html(text));
        let words = |text: &str| {
            let word = |word: &str| if is_reference(word) { code(word) } else { html(word) };
            text.split(' ').map(word).collect::<Vec<String>>().join(" ")
        };
        let parts: Vec<&str> = text.split('`').collect();
        // A last backtick without a partner is just that.
        let pairs = parts.len() - 1 - (parts.len() - 1) % 2;
        let part = |(index, part): (usize, &&str)| match index % 2 {
            1 if index < pairs => code(part),
            1 => format!("`{}", words(part)),
            _ => words(part),
        };
        Self::of(parts.iter().enumerate().map(part).collect())
    }

    /// A link to an address of ours; just the text where the address holds more than an address does.
    pub(super) fn link(text: &'static str, url: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#=&%+".contains(c);
        let is_address = url.starts_with("https://") || url.starts_with("http://");
        if is_address && url.chars().all(is_plain) {
            Self::of(format!("[{text}]({url})"))
        } else {
            Self::ours(text)
        }
    }

    /// Stronger type.
    pub(super) fn strong(&self) -> Self {
        Self::of(format!("**{}**", self.text))
    }

    /// One after the other.
    pub(super) fn concat<const N: usize>(parts: [&Self; N]) -> Self {
        Self::of(parts.iter().map(|part| part.as_str()).collect())
    }

    /// What a template made of texts that were escaped.
    pub(super) fn rendered(text: String) -> Self {
        Self::of(text)
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

fn push_code(out: &mut String, text: &str) {
    if out.ends_with('`') {
        // Two spans side by side would read as one.
        out.push(' ');
    }
    out.push_str(Escaped::code(text).as_str());
}

fn push_words(out: &mut String, text: &str) {
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        if is_reference(word) { push_code(out, word) } else { out.push_str(&plain(word)) }
    }
}

/// Whether a word could notify somebody, or link to something: `@name`, `#12`, `GH-12`, an address, a
/// commit. The platform looks for these after rendering, so an entity does not stop them; code does.
fn is_reference(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let digit_after = |mark: &str| {
        lower.match_indices(mark).any(|(at, _)| {
            let after = lower.get(at + mark.len()..).unwrap_or_default();
            after.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let is_commit = |run: &str| {
        run.len() >= COMMIT_MIN
            && run.bytes().all(|b| b.is_ascii_hexdigit())
            && run.bytes().any(|b| b.is_ascii_digit())
            && run.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let has = |mark: &str| lower.contains(mark);
    has("@")
        || has("://")
        || has("www.")
        || digit_after("#")
        || digit_after("gh-")
        || lower.split(|c: char| !c.is_ascii_alphanumeric()).any(is_commit)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
            "`a¦b` is &lt;b&gt;late&lt;/b&gt;, `@team:` see `http://x.y`"
        );
        assert_eq!(Escaped::prose("one ` only").as_str(), "one &#96; only");
        assert_eq!(
            Escaped::html_prose("`a<b`: 5 % of `c`, @team ` <x>").as_str(),
            "<code>a&lt;b</code>: 5 % of <code>c</code>, <code>@team</code> ` &lt;x&gt;"
        );
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
