//! Text to tree. The only file that knows which YAML crate is used.
//!
//! The crate's typed reader stops at the first mistake, so it is asked for a tree with places and
//! nothing more; [`super::decode`] then finds every mistake in it. Repeated keys are passed through
//! by the crate and refused here, where both places are known.

use super::node::{Entry, Inferred, Kind, Node, Scalar};
use super::problem::{Code, Problem, Problems, quoted};
use super::source::{Origin, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Options, Spanned};
use std::collections::HashMap;
use std::fmt;

/// Largest text read, in bytes: a thousand times a long suite.
pub(crate) const BYTES_MAX: usize = 1 << 20;
/// Deepest nesting; a suite needs six levels.
const DEPTH_MAX: usize = 32;
/// Most values, those behind aliases counted each time.
const NODES_MAX: usize = 20_000;
/// Most aliases.
const ALIASES_MAX: usize = 100;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            // The scanner looks ahead: this only backs up `max_depth`, which names the limit.
            flow_nesting_limit: 2 * DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
            max_aliases: ALIASES_MAX,
            max_anchors: ALIASES_MAX,
            max_merge_keys: ALIASES_MAX,
            max_recorded_anchor_events: 4 * NODES_MAX,
            max_recorded_anchor_bytes: BYTES_MAX,
            max_total_scalar_bytes: BYTES_MAX,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES_MAX,
            max_replay_stack_depth: DEPTH_MAX,
            max_alias_expansions_per_anchor: ALIASES_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
    }
}

/// The tree of `text`; `None` if it is no YAML at all. Problems are added either way.
pub(crate) fn parse(text: &str, origin: Origin, problems: &mut Problems) -> Option<Node> {
    if text.len() > BYTES_MAX {
        let what = format!("the text has {} bytes, more than {BYTES_MAX}", text.len());
        problems.push(Problem::new(Code::TooLarge, Span::start_of(origin), what));
        return None;
    }
    match serde_saphyr::from_str_with_options::<Raw>(text, options()) {
        Ok(raw) => Some(Builder { text, origin, problems }.node(raw, None)),
        Err(error) => {
            problems.push(refusal(&error, text, origin));
            None
        }
    }
}

/// The crate's error in our words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a growing enum of another crate; what is not named here is described by its text"
)]
fn refusal(error: &Error, text: &str, origin: Origin) -> Problem {
    let error = error.without_snippet();
    let mut span =
        error.location().map_or_else(|| end_of(text, origin), |at| place(at, text, origin));
    if span.start == span.end {
        // An empty place still needs one character to point at.
        span.end = span.start + 1;
    }
    match error {
        Error::Budget { breach, .. } => {
            // The variant's name is the clearest short word for it: `Depth`, `Nodes`, `Aliases`.
            let word = format!("{breach:?}");
            let word = word.split([' ', '{']).next().unwrap_or("size").to_lowercase();
            Problem::new(Code::TooLarge, span, format!("the text exceeds the limit on {word}"))
                .hint(format!(
                    "a suite may have {DEPTH_MAX} levels, {NODES_MAX} values and {ALIASES_MAX} aliases"
                ))
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            Problem::new(Code::TooLarge, span, "aliases expand to too much")
                .hint(format!("a suite may use {ALIASES_MAX} aliases"))
        }
        // The scanner's own limit has no variant.
        other if other.to_string().starts_with("recursion limit") => {
            Problem::new(Code::TooLarge, span, "the text is nested too deeply")
                .hint(format!("a suite may have {DEPTH_MAX} levels"))
        }
        Error::AliasError { error, .. } => refusal(error, text, origin),
        Error::MultipleDocuments { .. } => {
            Problem::new(Code::Syntax, span, "there is more than one document")
                .hint("a suite is one document: take the `---` out")
        }
        // Every other kind is described well enough by the crate.
        other => {
            let message = other.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let message = message.lines().next().unwrap_or_default();
            let what = format!("this cannot be read as YAML: {message}");
            let hint = if message.contains("tabs") {
                "indent with spaces"
            } else if message.contains("anchor") {
                "an alias `*name` needs its anchor `&name` before it; quote a text that starts with `*`"
            } else {
                "check indentation, brackets and quotes; quote text that has `: ` or ` #` in it"
            };
            Problem::new(Code::Syntax, span, what).hint(hint)
        }
    }
}

fn end_of(text: &str, origin: Origin) -> Span {
    let line = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    Span { origin, start: text.len(), end: text.len(), line, column: 1 }
}

fn place(at: Location, text: &str, origin: Origin) -> Span {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    let size = |n: u64| usize::try_from(n).unwrap_or(0);
    // Errors of the scanner count characters only.
    let byte_of = |character: u64| {
        text.char_indices().nth(size(character)).map_or(text.len(), |(byte, _)| byte)
    };
    let start = at.span().byte_offset().map_or_else(|| byte_of(at.span().offset()), size);
    let length = at.span().byte_len().map_or(0, size);
    Span {
        origin,
        start,
        end: start + length,
        line: number(at.line()),
        column: number(at.column()),
    }
}

/// Turns what the crate gave into the tree.
struct Builder<'a> {
    text: &'a str,
    origin: Origin,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn node(&mut self, raw: Raw, key: Option<Span>) -> Node {
        let written = place(raw.defined, self.text, self.origin);
        let section = key.unwrap_or(Span { end: written.start, ..written });
        match raw.value {
            Content::Scalar(mut scalar) => {
                if scalar.inferred != Inferred::Text
                    && let Some(text) = self.text.get(written.start..written.end)
                {
                    text.trim().clone_into(&mut scalar.text);
                }
                let empty = written.start == written.end;
                let span = if empty { section } else { written };
                Node { kind: Kind::Scalar(scalar), span }
            }
            Content::List(items) => {
                let items = items.into_iter().map(|item| self.node(item, None)).collect();
                Node { kind: Kind::List(items), span: section }
            }
            Content::Map(pairs) => Node { kind: Kind::Map(self.entries(pairs)), span: section },
        }
    }

    fn entries(&mut self, pairs: Vec<(Spanned<String>, Raw)>) -> Vec<Entry> {
        let mut first: HashMap<String, Span> = HashMap::new();
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key_span = place(key.defined, self.text, self.origin);
            let value = self.node(value, Some(key_span));
            if let Some(before) = first.get(&key.value) {
                let what = format!("{} is written twice", quoted(&key.value));
                self.problems.push(
                    Problem::new(Code::RepeatedKey, key_span, what)
                        .label("again here")
                        .second(*before, "first here")
                        .hint("keep one of them; only one could count"),
                );
                continue;
            }
            first.insert(key.value.clone(), key_span);
            entries.push(Entry { key: key.value, key_span, value });
        }
        entries
    }
}

type Raw = Spanned<Content>;

enum Content {
    Scalar(Scalar),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl ContentVisitor {
    fn scalar<E>(text: String, inferred: Inferred) -> Result<Content, E> {
        Ok(Content::Scalar(Scalar { text, inferred }))
    }
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a section")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Self::scalar(value.to_string(), Inferred::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Self::scalar(value.to_string(), Inferred::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Self::scalar(value.to_string(), Inferred::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        let inferred = serde_json::Number::from_f64(value).map_or(Inferred::Text, Inferred::Number);
        Self::scalar(value.to_string(), inferred)
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Self::scalar(value.to_owned(), Inferred::Text)
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Self::scalar(String::new(), Inferred::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(Content::Map(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, parse};
    use crate::config::node::{Inferred, Kind, Node};
    use crate::config::problem::{Code, Problems};
    use crate::config::source::Origin;
    use proptest::prelude::*;

    fn codes(text: &str) -> Vec<Code> {
        let mut problems = Problems::default();
        let _ = parse(text, Origin::File, &mut problems);
        problems.iter().map(|problem| problem.code).collect()
    }

    fn tree(text: &str) -> Node {
        let mut problems = Problems::default();
        let node = parse(text, Origin::File, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        node.unwrap()
    }

    #[test]
    fn values_keep_their_text_and_their_place() {
        let text = "a: 100_000\nb:\n  - \"x\\ty\"\n  - 1.10 # c\n  - yes\n  - true\n  - ~\n";
        let root = tree(text);
        let a = root.get("a").unwrap();
        assert_eq!((a.value.span.line, a.value.span.column), (1, 4));
        let Kind::Scalar(scalar) = &a.value.kind else { panic!("{a:?}") };
        assert_eq!(scalar.text, "100_000");
        assert_eq!(scalar.inferred, Inferred::Number(100_000.into()));
        let b = root.get("b").unwrap();
        assert_eq!(b.value.span, b.key_span);
        let Kind::List(items) = &b.value.kind else { panic!("{b:?}") };
        let texts: Vec<(&str, &str)> = items
            .iter()
            .map(|item| match &item.kind {
                Kind::Scalar(scalar) => (scalar.text.as_str(), item.described()),
                Kind::List(_) | Kind::Map(_) => panic!("{item:?}"),
            })
            .collect();
        assert_eq!(
            texts,
            [
                ("x\ty", "text"),
                ("1.10", "a number"),
                ("yes", "text"),
                ("true", "true or false"),
                ("~", "nothing")
            ]
        );
        assert_eq!(&text[items[1].span.start..items[1].span.end], "1.10");
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (text, code) in [
            ("a: [1, 2", Code::Syntax),
            ("a: b: c", Code::Syntax),
            ("a:\n\t- b", Code::Syntax),
            ("a: 1\n---\nb: 2", Code::Syntax),
            ("a: *nowhere", Code::Syntax),
            ("a: 1\na: 2", Code::RepeatedKey),
        ] {
            assert_eq!(codes(text), [code], "{text}");
        }
    }

    #[test]
    fn hostile_texts_are_refused_before_they_cost_anything() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            let list = [alias.as_str(); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        assert_eq!(codes(&bomb), [Code::TooLarge]);
        for deep in [40, 5_000, 200_000] {
            let flow = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
            assert_eq!(codes(&flow), [Code::TooLarge], "{deep}");
            assert_eq!(codes(&"{a: ".repeat(deep)).len(), 1, "{deep}");
            assert_eq!(codes(&"- ".repeat(deep)), [Code::TooLarge], "{deep}");
        }
        assert_eq!(codes(&"- 1\n".repeat(30_000)), [Code::TooLarge]);
        assert_eq!(codes(&"a".repeat(BYTES_MAX + 1)), [Code::TooLarge]);
        assert_eq!(codes("&a [*a]").len(), 1);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
            let _ = codes(&text);
        }

        #[test]
        fn arbitrary_yaml_never_panics(text in "[-a-c:\\[\\]{}&*!|>'\"%#,? \n\t0-9<]{0,60}") {
            let _ = codes(&text);
        }
    }
}
