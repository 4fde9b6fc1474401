//! The suite as it was resolved: `--set` laid over it, variables by name and never by value.

use super::canonical;
use super::environment::has_literal;
use super::node::{Entry, Inferred, Kind, Node, Scalar};

/// Parts of names that are used for keys.
const SECRET_NAMES: [&str; 8] =
    ["auth", "key", "token", "secret", "password", "passwd", "cookie", "credential"];

/// The tree as YAML, without keys that were written in by hand.
pub(crate) fn text(root: &Node) -> String {
    let mut root = root.clone();
    if let Some(target) = child(&mut root, "target") {
        for section in ["headers", "env"] {
            if let Some(Node { kind: Kind::Map(entries), .. }) = child(target, section) {
                entries.iter_mut().for_each(redact);
            }
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

fn redact(entry: &mut Entry) {
    let is_secret = names_a_secret(&entry.key);
    match &entry.value.kind {
        Kind::Scalar(scalar) if !is_secret || !has_literal(&scalar.text) => {}
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            let text = "<redacted>".to_owned();
            entry.value.kind = Kind::Scalar(Scalar { text, inferred: Inferred::Text });
        }
    }
}
