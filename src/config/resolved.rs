//! The suite as it was resolved: `--set` laid over it, variables by name and never by value.

use super::canonical;
use super::environment::has_literal;
use super::node::{Entry, Inferred, Kind, Node, Scalar};
use super::source::Origin;

/// Parts of names that are used for keys.
const SECRET_NAMES: [&str; 10] = [
    "auth",
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pgpass",
    "cookie",
    "credential",
];

/// The tree as YAML, without keys that were written in by hand or given by `--set`.
pub(crate) fn text(root: &Node) -> String {
    let mut root = root.clone();
    for (target, section) in [("target", "headers"), ("target", "env"), ("base", "env")] {
        let target = child(&mut root, target);
        if let Some(Node { kind: Kind::Map(entries), .. }) =
            target.and_then(|it| child(it, section))
        {
            entries.iter_mut().for_each(redact);
        }
    }
    canonical::yaml(&root)
}

fn child<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    match &mut node.kind {
        Kind::Map(entries) => {
            entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
        }
        Kind::Scalar(_) | Kind::List(_) => None,
    }
}

/// Whether a header or variable of this name holds a key, as far as its name tells.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Whether a header or variable may hold a key, by its name, by its value or because it was given
/// by `--set`: what stands in the suite is there for all to read, an argument is not.
pub(super) fn is_secret(name: &str, value: &str, origin: Origin) -> bool {
    origin != Origin::File || names_a_secret(name) || has_user(value)
}

/// Whether a text has a URL with a user in it: `scheme://user:password@host`.
fn has_user(text: &str) -> bool {
    let authorities = text.split("://").skip(1);
    authorities.filter_map(|rest| rest.split(['/', '?', '#', ' ']).next()).any(|a| a.contains('@'))
}

fn redact(entry: &mut Entry) {
    let is_open = match &entry.value.kind {
        Kind::Scalar(scalar) => {
            !is_secret(&entry.key, &scalar.text, entry.value.span.origin)
                || !has_literal(&scalar.text)
        }
        Kind::List(_) | Kind::Map(_) => false,
    };
    if !is_open {
        let text = "<redacted>".to_owned();
        entry.value.kind = Kind::Scalar(Scalar { text, inferred: Inferred::Text });
    }
}

#[cfg(test)]
mod tests {
    use crate::config::validate::read;
    use std::path::Path;

    const SUITE: &str = r#"version: 1
suite: chat
target:
  command: [./server, "{port}"]
  model: m
  headers: { accept: text/plain }
  env: { LEVEL: info }
checks:
  rate:
    capacity: { knob: rate, from: 1, to: 9 }
    slos: ["p99 ttfc < 1s"]
"#;

    fn resolved(text: &str, sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let lookup = |name: &str| (name == "KEY").then(|| "s3cret-value".to_owned());
        read(Path::new("plimsoll.yml"), text, &sets, &lookup).unwrap().resolved
    }

    #[test]
    fn a_header_or_variable_given_by_set_is_never_written() {
        for set in [
            "target.env.DATABASE_URL=postgres://u:hunter2@h",
            "target.env.LEVEL=hunter2",
            "target.env={ LEVEL: hunter2 }",
            "target.headers.x-tenant=hunter2",
            "target.headers={ x-tenant: hunter2, accept: hunter2 }",
        ] {
            let text = resolved(SUITE, &[set]);
            assert!(!text.contains("hunter2") && text.contains("<redacted>"), "{set}: {text}");
        }
        let text = resolved(SUITE, &["target.env.API=${KEY}"]);
        assert!(text.contains("API: \"${KEY}\""), "a reference tells nothing: {text}");
    }

    #[test]
    fn names_and_values_of_the_suite_that_hold_a_key_are_told() {
        for (name, value, is_secret) in [
            ("SIGNING_PASSPHRASE", "hunter2", true),
            ("PGPASSFILE", "hunter2", true),
            ("DATABASE", "postgres://user:hunter2@host/x", true),
            ("DATABASE", "jdbc:postgresql://hunter2@host:5432", true),
            ("DATABASES", "redis://a/0 redis://:hunter2@b/0", true),
            ("ENDPOINT", "http://host/hunter2@x", false),
            ("MAIL", "hunter2@host", false),
            ("LEVEL", "hunter2", false),
        ] {
            let env = format!("env: {{ {name}: \"{value}\" }}");
            let text = resolved(&SUITE.replace("env: { LEVEL: info }", &env), &[]);
            assert_eq!(!text.contains("hunter2"), is_secret, "{name}: {value}: {text}");
        }
    }
}
