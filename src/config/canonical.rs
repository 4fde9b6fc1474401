//! YAML as text, always the same for the same content: what a digest is taken of and what a run
//! keeps of its suite. Written here and not by a crate, because a crate that changes its quoting
//! would change every digest.

use super::node::{Inferred, Kind, Node};
use std::fmt::Write;

/// `node` as block YAML; keys in the order of the tree.
pub(super) fn yaml(node: &Node) -> String {
    let mut out = String::new();
    write_value(&mut out, node, 0);
    // The whole has no key that it would have to be kept apart from.
    out.trim_start().to_owned()
}

/// Writes ` value` or, of what has parts, a line for each of them.
fn write_value(out: &mut String, node: &Node, indent: usize) {
    let scalar = match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            for entry in entries {
                let _ = write!(out, "{:indent$}{}:", "", text(&entry.key));
                write_value(out, &entry.value, indent + 2);
            }
            return;
        }
        Kind::List(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{:indent$}-", "");
                write_value(out, item, indent + 2);
            }
            return;
        }
        Kind::Map(_) => "{}",
        Kind::List(_) => "[]",
        Kind::Scalar(scalar) => match scalar.inferred {
            Inferred::Null => "null",
            Inferred::Bool(true) => "true",
            Inferred::Bool(false) => "false",
            Inferred::Number(_) => &scalar.text,
            Inferred::Text => &text(&scalar.text),
        },
    };
    let _ = writeln!(out, " {scalar}");
}

/// Plain where no YAML reader could take it for something else, else in JSON's quotes.
fn text(text: &str) -> String {
    const TAKEN: [&str; 13] = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity",
        "none",
    ];
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if is_word && !TAKEN.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::yaml;
    use crate::config::node::Node;
    use crate::config::source::Origin;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_text_is_pinned() {
        let value = json!({ "b": [1, 2.5, "yes", []], "a": { "x y": null, "z": "5s" }, "c": {} });
        insta::assert_snapshot!(yaml(&Node::from_json(&value)), @r##"
        a:
          "x y": null
          z: "5s"
        b:
          - 1
          - 2.5
          - "yes"
          - []
        c: {}
        "##);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[a-z0-9.:#-]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z0-9:~-]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let text = yaml(&Node::from_json(&value));
            let mut problems = crate::config::Problems::default();
            let node = crate::config::yaml::parse(&text, Origin::File, &mut problems);
            prop_assert!(problems.is_empty(), "{}", text);
            prop_assert_eq!(node.map(|node| node.json()), Some(value), "{}", text);
        }
    }
}
