//! `${VAR}`: values from the environment. They are secrets: only [`SecretString`]s are made of
//! them, and no problem or error repeats one.

use super::problem::{Code, Problem, Problems, quoted};
use super::source::Span;
use secrecy::SecretString;

/// Looks a variable up; the process's own is [`process`].
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variable of this process; `None` if it is unset, empty or not UTF-8.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A piece of a text with references.
enum Piece<'a> {
    Text(&'a str),
    /// The name between the braces.
    Variable(&'a str),
    /// `${` that is never closed.
    Open,
}

/// `$${` stands for a plain `${`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(before), Piece::Text("${")]);
            rest = after;
            continue;
        }
        pieces.push(Piece::Text(before));
        let Some((name, after)) = after.split_once('}') else {
            pieces.push(Piece::Open);
            return pieces;
        };
        pieces.push(Piece::Variable(name));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The text with `$${` made plain; `None` if it names a variable.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Variable(_) | Piece::Open => None,
        })
        .collect()
}

/// Whether the text holds something besides references and the usual scheme before a key.
pub(crate) fn has_literal(text: &str) -> bool {
    let literal: String = pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Variable(_) | Piece::Open => None,
        })
        .collect();
    let literal = literal.trim().to_ascii_lowercase();
    !matches!(literal.as_str(), "" | "bearer" | "basic" | "token")
}

/// The text with every `${VAR}` replaced; `None` after a problem was added.
pub(crate) fn expanded(
    text: &str,
    span: Span,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> Option<SecretString> {
    let mut value = String::new();
    let mut is_whole = true;
    let mut refuse = |what: String, hint: String| {
        problems.push(Problem::new(Code::Environment, span, what).hint(hint));
        is_whole = false;
    };
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => value.push_str(text),
            Piece::Open => refuse(
                "a `${` is not closed".to_owned(),
                "write `${NAME}`, or `$${` for a plain `${`".to_owned(),
            ),
            Piece::Variable(name) if !is_name(name) => refuse(
                format!("{} is no name of a variable", quoted(name)),
                "write `${NAME}` with letters, digits and `_`; defaults are not supported"
                    .to_owned(),
            ),
            Piece::Variable(name) => match lookup(name).filter(|value| !value.is_empty()) {
                Some(found) => value.push_str(&found),
                None => refuse(
                    format!("the environment variable `{name}` is not set, or empty"),
                    format!("set it before the run: `export {name}=…`"),
                ),
            },
        }
    }
    is_whole.then(|| SecretString::from(value))
}

/// Whether it can be the name of a variable: a letter or `_`, then letters, digits and `_`.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::{expanded, has_literal, unescaped};
    use crate::config::problem::Problems;
    use crate::config::source::{Origin, Span};
    use secrecy::ExposeSecret;

    fn expand(text: &str) -> Result<String, String> {
        let span = Span::start_of(Origin::File);
        let mut problems = Problems::default();
        let lookup = |name: &str| match name {
            "KEY" => Some("s3cret-value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        match expanded(text, span, &lookup, &mut problems) {
            Some(value) => Ok(value.expose_secret().to_owned()),
            None => Err(problems.iter().map(|problem| problem.what.clone()).collect()),
        }
    }

    #[test]
    fn variables_are_replaced_and_escapes_are_not() {
        for (text, value) in [
            ("plain", "plain"),
            ("Bearer ${KEY}", "Bearer s3cret-value"),
            ("${KEY}${KEY}", "s3cret-values3cret-value"),
            ("$${KEY} $KEY $", "${KEY} $KEY $"),
        ] {
            assert_eq!(expand(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_missing_empty_or_malformed_variable_is_refused_by_name() {
        for (text, word) in [
            ("${NOPE}", "NOPE"),
            ("${EMPTY}", "EMPTY"),
            ("${KEY:-x}", "KEY:-x"),
            ("${}", "no name"),
            ("${KEY", "not closed"),
            ("${KEY} ${NOPE}", "NOPE"),
        ] {
            let error = expand(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn literals_and_references_are_told_apart() {
        assert_eq!(unescaped("a $${B}").as_deref(), Some("a ${B}"));
        assert_eq!(unescaped("a ${B}"), None);
        assert!(!has_literal("Bearer ${KEY}"));
        assert!(has_literal("Bearer abc${KEY}"));
    }
}
