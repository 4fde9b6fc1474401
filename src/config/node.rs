//! The tree of a YAML text: what was written, with its place; knows nothing of suites.

use super::source::{Origin, Span};

/// A value with its place. A section's place is its key, so that a problem points at a word and not
/// at half a file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A single value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    /// As written, without quotes and escapes.
    pub(crate) text: String,
    /// What YAML takes it for where nothing else is known.
    pub(crate) inferred: Inferred,
}

/// The type of a value that was written without quotes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Inferred {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text,
}

/// One line of a section.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The value of a key, if this is a section that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// Whether nothing was written.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.inferred == Inferred::Null)
    }

    /// What it is, for a sentence.
    pub(crate) fn described(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a section",
            Kind::Scalar(scalar) => match scalar.inferred {
                Inferred::Null => "nothing",
                Inferred::Bool(_) => "true or false",
                Inferred::Number(_) => "a number",
                Inferred::Text => "text",
            },
        }
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect(),
            ),
            Kind::Scalar(scalar) => match &scalar.inferred {
                Inferred::Null => Value::Null,
                Inferred::Bool(value) => Value::Bool(*value),
                Inferred::Number(number) => Value::Number(number.clone()),
                Inferred::Text => Value::String(scalar.text.clone()),
            },
        }
    }

    /// A tree that was not read from a text; keys in the order of the map.
    pub(crate) fn from_json(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        let span = Span::start_of(Origin::File);
        let scalar = |text: String, inferred| Kind::Scalar(Scalar { text, inferred });
        let kind = match value {
            Value::Null => scalar(String::new(), Inferred::Null),
            Value::Bool(flag) => scalar(flag.to_string(), Inferred::Bool(*flag)),
            Value::Number(number) => scalar(number.to_string(), Inferred::Number(number.clone())),
            Value::String(text) => scalar(text.clone(), Inferred::Text),
            Value::Array(items) => Kind::List(items.iter().map(Self::from_json).collect()),
            Value::Object(map) => Kind::Map(
                map.iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: span,
                        value: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        Self { kind, span }
    }
}
