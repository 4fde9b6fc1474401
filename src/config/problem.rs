//! What can be wrong with a suite: a list of problems, each with a stable code, its place and what
//! would be right. Rendering is a pure function of the problems and the texts they point into.

use super::source::{Source, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Most problems kept; a file that is wrong more often is not a suite.
const PROBLEMS_MAX: usize = 100;

/// Most characters of a sentence; ours are shorter, those that repeat a value may not be.
const SENTENCE_MAX: usize = 500;

/// Most characters of a user's value that a sentence repeats.
const QUOTE_MAX: usize = 60;

macro_rules! codes {
    ($( $(#[$meta:meta])* $variant:ident = $text:literal ),* $(,)?) => {
        /// The kind of a problem; its text is stable and may be matched by scripts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( $(#[$meta])* $variant ),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The text, such as `config/unknown-key`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $( Self::$variant => $text ),* }
            }
        }
    };
}

codes! {
    /// The text is no YAML.
    Syntax = "config/syntax",
    /// Larger, deeper or with more aliases than any suite needs.
    TooLarge = "config/too-large",
    /// The same key twice in one section.
    RepeatedKey = "config/repeated-key",
    /// A key that does not exist.
    UnknownKey = "config/unknown-key",
    /// A key that must be there is not.
    MissingKey = "config/missing-key",
    /// A value of another kind than the key takes.
    WrongType = "config/wrong-type",
    /// A time, share or size that cannot be read.
    Quantity = "config/quantity",
    /// A word that is none of the possible ones.
    UnknownValue = "config/unknown-value",
    /// Planned, and refused until it works.
    NotSupported = "config/not-supported",
    /// A number outside its range.
    OutOfRange = "config/out-of-range",
    /// Two settings that exclude each other.
    Conflict = "config/conflict",
    /// A list or section that says nothing although something must be said.
    Empty = "config/empty",
    /// A condition that cannot be read or measured.
    Slo = "config/slo",
    /// A name that cannot be part of a file name.
    Name = "config/name",
    /// A URL, path, method or header that HTTP does not allow.
    Http = "config/http",
    /// A file that is named and cannot be used.
    File = "config/file",
    /// A command that cannot be told its port.
    NoPort = "config/no-port",
    /// A variable of the environment that is missing, malformed or not allowed here.
    Environment = "config/environment",
    /// A `--set` that names no place in the suite.
    Set = "config/set",
    /// The configuration of another tool.
    OtherTool = "config/other-tool",
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// What is wrong, one sentence.
    pub what: String,
    /// Where.
    pub span: Span,
    /// Said at the place; may be empty.
    pub label: String,
    /// The other side of a contradiction.
    pub second: Option<(Span, String)>,
    /// What would be right.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at `span`.
    pub(crate) fn new(code: Code, span: Span, what: impl Into<String>) -> Self {
        let what = printable(&what.into());
        Self { code, what, span, label: String::new(), second: None, hint: None }
    }

    /// Adds what is said at the place.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = printable(&label.into());
        self
    }

    /// Adds the other side of a contradiction.
    pub(crate) fn second(mut self, span: Span, label: impl Into<String>) -> Self {
        self.second = Some((span, printable(&label.into())));
        self
    }

    /// Adds what would be right.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(&hint.into()));
        self
    }

    fn render(&self, source: &Source, renderer: &Renderer) -> String {
        let (name, text) = source.of(self.span.origin);
        let mut primary = AnnotationKind::Primary.span(range(self.span, text));
        if !self.label.is_empty() {
            primary = primary.label(self.label.as_str());
        }
        let mut snippet = Snippet::source(text).path(name).annotation(primary);
        let mut group =
            Group::with_title(Level::ERROR.primary_title(self.what.as_str()).id(self.code.text()));
        let mut elsewhere = None;
        if let Some((span, label)) = &self.second {
            let (name, text) = source.of(span.origin);
            let second = AnnotationKind::Context.span(range(*span, text)).label(label.as_str());
            if span.origin == self.span.origin {
                snippet = snippet.annotation(second);
            } else {
                elsewhere = Some(Snippet::source(text).path(name).annotation(second));
            }
        }
        group = group.element(snippet).elements(elsewhere);
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        renderer.render(&[group])
    }
}

/// The byte range of `span`, moved onto character borders inside `text`.
fn range(span: Span, text: &str) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Without control characters, which could forge lines or colours on a terminal, and not endless.
fn printable(text: &str) -> String {
    text.chars().take(SENTENCE_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A value of the user's in backticks, shortened.
pub(crate) fn quoted(value: &str) -> String {
    match value.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("`{}…`", value.get(..end).unwrap_or_default()),
        None => format!("`{value}`"),
    }
}

/// The known word that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |other: &str| strsim::jaro_winkler(&word.to_lowercase(), other);
    known
        .iter()
        .map(|other| (likeness(other), *other))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// What would be right instead of `word`: the known one that is near, else what `otherwise` says.
pub(crate) fn suggestion(word: &str, known: &[&str], otherwise: String) -> String {
    nearest(word, known).map_or(otherwise, |near| format!("did you mean `{near}`?"))
}

/// Everything that is wrong with a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// Adds one.
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// In the order of the file, then of the command line.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|problem| {
            (problem.span.origin, problem.span.start, problem.span.end, problem.code)
        });
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.left_out
    }

    /// Each one kept, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// As text for a person: code, sentence, excerpt and hint of each; `colour` adds escapes.
    #[must_use]
    pub fn render(&self, source: &Source, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut parts: Vec<String> =
            self.list.iter().map(|problem| problem.render(source, &renderer)).collect();
        if self.left_out > 0 {
            parts.push(format!("and {} more", self.left_out));
        }
        parts.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Problem, Problems, nearest, quoted};
    use crate::config::source::{Origin, Source, Span};

    fn span(start: usize, end: usize) -> Span {
        Span { start, end, ..Span::start_of(Origin::File) }
    }

    fn rendered(problem: Problem, source: &Source) -> String {
        let mut problems = Problems::default();
        problems.push(problem);
        problems.render(source, false) + &problems.render(source, true)
    }

    #[test]
    fn the_set_of_codes_is_pinned() {
        let texts: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
        insta::assert_snapshot!(texts.join("\n"), @r##"
        config/syntax
        config/too-large
        config/repeated-key
        config/unknown-key
        config/missing-key
        config/wrong-type
        config/quantity
        config/unknown-value
        config/not-supported
        config/out-of-range
        config/conflict
        config/empty
        config/slo
        config/name
        config/http
        config/file
        config/no-port
        config/environment
        config/set
        config/other-tool
        "##);
        let mut unique = texts.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), texts.len());
    }

    #[test]
    fn rendering_survives_places_outside_the_text() {
        let source = Source::new("f", "é: ü\n");
        for (start, end) in [(0, 1), (1, 2), (3, 900), (900, 901), (4, 2)] {
            let problem = Problem::new(Code::Syntax, span(start, end), "what").label("here");
            assert!(rendered(problem, &source).contains("config/syntax"));
        }
        let empty = Source::new("f", "");
        let problem = Problem::new(Code::Syntax, span(0, 0), "what");
        assert!(rendered(problem, &empty).contains("config/syntax"));
    }

    #[test]
    fn texts_of_the_user_cannot_forge_lines_or_flood_the_terminal() {
        let problem = Problem::new(Code::Syntax, span(0, 0), "a\u{1b}[31m\nb");
        assert_eq!(problem.what, "a\u{fffd}[31m\u{fffd}b");
        assert!(quoted(&"é".repeat(1000)).chars().count() < 70);
        let mut problems = Problems::default();
        for at in 0..1000 {
            problems.push(Problem::new(Code::Syntax, span(at, at), "what"));
        }
        assert_eq!(problems.count(), 1000);
        assert!(problems.iter().count() < 1000);
        assert!(problems.render(&Source::new("f", "a"), false).ends_with("and 900 more"));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("chekcs", &["checks", "budget"]), Some("checks"));
        assert_eq!(nearest("Rate", &["rate"]), Some("rate"));
        assert_eq!(nearest("zebra", &["checks", "budget"]), None);
    }
}
