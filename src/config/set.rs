//! `--set PATH=VALUE`: one value laid over the tree before anything is checked, so that an
//! overridden suite is checked like any other. The value is YAML; its place is the argument itself.

use super::node::{Entry, Inferred, Kind, Node, Scalar};
use super::problem::{Code, Problem, Problems, quoted};
use super::source::{Origin, Source, Span};
use super::yaml;

/// Boxed because it is much larger than what is returned otherwise.
type Refusal = Box<Problem>;

/// Lays `sets` over `root` in their order and adds their texts to `source`.
pub(crate) fn apply(
    root: &mut Node,
    sets: &[String],
    source: &mut Source,
    problems: &mut Problems,
) {
    for (index, text) in sets.iter().enumerate() {
        source.add_set(redacted(text));
        let mut argument = Argument { text, origin: Origin::Set(index), at: 0 };
        if let Err(problem) = argument.apply(root, problems) {
            problems.push(*problem);
        }
    }
}

/// What stands for a value that may be a secret.
const REDACTED: &str = "<redacted>";

/// The argument as it may be printed: a value for a header or the environment may be a key given by
/// hand, so only its path is kept.
#[must_use]
pub fn redacted(set: &str) -> String {
    let Some((path, _)) = set.split_once('=') else { return set.to_owned() };
    // A path with blanks or dots too many is refused, and quoted where it is.
    let mut names = path.split('.').map(str::trim).filter(|name| !name.is_empty());
    let is_secret = matches!(names.next(), Some("target" | "base"))
        && matches!(names.next(), None | Some("headers" | "env"));
    if is_secret { format!("{path}={REDACTED}") } else { set.to_owned() }
}

/// One `--set`, and how far its path has been walked down.
struct Argument<'a> {
    text: &'a str,
    origin: Origin,
    /// Byte where the next name starts.
    at: usize,
}

impl Argument<'_> {
    fn apply(&mut self, root: &mut Node, problems: &mut Problems) -> Result<(), Refusal> {
        let refusal = |what: &str| {
            let problem = Problem::new(Code::Set, self.span(0, self.text.len()), what);
            Box::new(problem.hint("write `--set target.demo.slowdown=1.25`"))
        };
        let Some((path, value)) = self.text.split_once('=') else {
            return Err(refusal("a `--set` has no `=`"));
        };
        let names: Vec<&str> = path.split('.').collect();
        if names.iter().any(|name| name.trim() != *name || name.is_empty()) {
            return Err(refusal("the path of a `--set` has an empty name"));
        }
        if value.trim().trim_matches(['"', '\'']) == REDACTED {
            let what = format!("the value of {} was left out where this was printed", quoted(path));
            let problem = Problem::new(Code::Set, self.span(0, self.text.len()), what);
            return Err(Box::new(problem.hint(format!("write the real value for `{REDACTED}`"))));
        }
        match self.value(path.len() + 1, value, problems) {
            Some(value) => self.put(root, &names, value),
            None => Ok(()),
        }
    }

    /// The value that starts at byte `offset`, its places counted from the start of the argument.
    fn value(&self, offset: usize, value: &str, problems: &mut Problems) -> Option<Node> {
        if value.trim().is_empty() {
            let scalar = Scalar { text: String::new(), inferred: Inferred::Null };
            let span = self.span(0, self.text.len());
            return Some(Node { kind: Kind::Scalar(scalar), span });
        }
        // Read behind blanks of the same length, so that every place is already the argument's; the
        // columns of a text in other scripts may be off, the bytes are right.
        let text = " ".repeat(offset) + value;
        yaml::parse(&text, self.origin, problems)
    }

    fn put(&mut self, node: &mut Node, names: &[&str], value: Node) -> Result<(), Refusal> {
        let Some((name, rest)) = names.split_first() else {
            let is_scalar = matches!(value.kind, Kind::Scalar(_));
            node.span = if is_scalar { value.span } else { self.span(0, self.text.len()) };
            node.kind = value.kind;
            return Ok(());
        };
        if node.is_null() {
            node.kind = Kind::Map(Vec::new());
        }
        let before = quoted(self.text.get(..self.at.saturating_sub(1)).unwrap_or_default());
        match &mut node.kind {
            Kind::Map(entries) => self.put_in_map(entries, names, value),
            Kind::List(items) => {
                let count = items.len();
                let item = name.parse().ok().and_then(|index: usize| items.get_mut(index));
                let Some(item) = item else {
                    let name_quoted = quoted(name);
                    let what =
                        format!("{before} has {count} items, counted from 0, and no {name_quoted}");
                    return Err(self.refusal(&what, name.len()));
                };
                self.at += name.len() + 1;
                self.put(item, rest, value)
            }
            Kind::Scalar(_) => {
                let what = format!("{before} is a single value and has no parts");
                Err(self.refusal(&what, names.join(".").len()))
            }
        }
    }

    fn put_in_map(
        &mut self,
        entries: &mut Vec<Entry>,
        names: &[&str],
        value: Node,
    ) -> Result<(), Refusal> {
        // A name may itself contain dots (`checks.chat.v2`): the longest that exists is meant.
        let known = (1..=names.len()).rev().find_map(|count| {
            let (name, rest) = names.split_at(count);
            let name = name.join(".");
            let index = entries.iter().position(|entry| entry.key == name)?;
            Some((index, name.len(), rest))
        });
        if let Some((index, length, rest)) = known
            && let Some(entry) = entries.get_mut(index)
        {
            if rest.is_empty() {
                entry.key_span = self.span(self.at, length);
            }
            self.at += length + 1;
            return self.put(&mut entry.value, rest, value);
        }
        let Some((name, rest)) = names.split_first() else { return Ok(()) };
        let key_span = self.span(self.at, name.len());
        let mut new = Node { kind: Kind::Map(Vec::new()), span: key_span };
        self.at += name.len() + 1;
        self.put(&mut new, rest, value)?;
        entries.push(Entry { key: (*name).to_owned(), key_span, value: new });
        Ok(())
    }

    fn refusal(&self, what: &str, length: usize) -> Refusal {
        let problem = Problem::new(Code::Set, self.span(self.at, length), what);
        Box::new(problem.hint("the path names keys of the suite, joined by dots"))
    }

    fn span(&self, start: usize, length: usize) -> Span {
        let column = self.text.get(..start).map_or(0, |before| before.chars().count());
        let column = u32::try_from(column).unwrap_or(u32::MAX - 1) + 1;
        Span { origin: self.origin, start, end: start + length, line: 1, column }
    }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::config::node::Node;
    use crate::config::problem::Problems;
    use crate::config::source::{Origin, Source};
    use crate::config::yaml;
    use serde_json::json;

    fn set(text: &str, sets: &[&str]) -> (Node, Problems) {
        let mut source = Source::new("f", text);
        let mut problems = Problems::default();
        let mut root = yaml::parse(text, Origin::File, &mut problems).unwrap();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        apply(&mut root, &sets, &mut source, &mut problems);
        (root, problems)
    }

    #[test]
    fn values_are_replaced_and_added() {
        for (arguments, expected) in [
            (vec!["a.b=2"], json!({ "a": { "b": 2 }, "l": [1, 2] })),
            (vec!["a.c=x y"], json!({ "a": { "b": 1, "c": "x y" }, "l": [1, 2] })),
            (vec!["a.b=1", "a.b=3"], json!({ "a": { "b": 3 }, "l": [1, 2] })),
            (vec!["l.1={k: v}"], json!({ "a": { "b": 1 }, "l": [1, { "k": "v" }] })),
            (
                vec!["n.m.o=[1]"],
                json!({ "a": { "b": 1 }, "l": [1, 2], "n": { "m": { "o": [1] } } }),
            ),
            (vec!["a="], json!({ "a": null, "l": [1, 2] })),
            (vec!["a=k=v"], json!({ "a": "k=v", "l": [1, 2] })),
        ] {
            let (root, problems) = set("a: {b: 1}\nl: [1, 2]\n", &arguments);
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(root.json(), expected, "{arguments:?}");
        }
        let (root, _) = set("checks: {v1.2: {from: 1}}", &["checks.v1.2.from=5"]);
        assert_eq!(root.json(), json!({ "checks": { "v1.2": { "from": 5 } } }));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused_by_name() {
        for (argument, words) in [
            ("a.b", "no `=`"),
            ("a..b=1", "empty name"),
            ("=1", "empty name"),
            ("a.b.c=1", "`a.b` is a single value"),
            ("l.7=1", "`l` has 2 items"),
            ("l.x=1", "no `x`"),
            ("a=[1", "read as YAML"),
            ("target.env.X=<redacted>", "the value of `target.env.X` was left out"),
            ("target=\"<redacted>\"", "was left out"),
        ] {
            let (_, problems) = set("a: {b: 1}\nl: [1, 2]\n", &[argument]);
            let first = problems.iter().next().unwrap();
            assert!(first.what.contains(words), "{argument}: {first:?}");
            assert_eq!(first.span.origin, Origin::Set(0));
        }
    }

    #[test]
    fn the_place_of_a_value_is_the_argument() {
        let (root, _) = set("a: {b: 1}", &["a.b=fast"]);
        let b = root.get("a").and_then(|a| a.value.get("b")).unwrap();
        assert_eq!((b.value.span.start, b.value.span.end), (4, 8));
        assert_eq!(b.value.span.origin, Origin::Set(0));
    }

    #[test]
    fn a_key_given_by_hand_is_not_shown() {
        for (set, shown) in [
            ("target.headers.x=abc", "target.headers.x=<redacted>"),
            ("target.env={X: abc}", "target.env=<redacted>"),
            ("target={headers: {x: abc}}", "target=<redacted>"),
            ("target..headers .x=abc", "target..headers .x=<redacted>"),
            ("target.demo.slowdown=2", "target.demo.slowdown=2"),
        ] {
            assert_eq!(super::redacted(set), shown);
        }
    }
}
