//! Tree to raw sections: finds every unknown key and every value of the wrong kind in one pass.
//! One list of fields per section gives the struct, its reader and its JSON Schema, so that the
//! three cannot differ.

use super::node::{Entry, Kind, Node};
use super::problem::{Code, Problem, Problems, nearest, quoted, suggestion};
use super::source::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;

/// Reads a value from a node; `None` after a problem was added.
pub(crate) trait Decode: Sized {
    /// The value, if the node holds one.
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self>;
}

/// Collects problems and knows where in the suite it is.
pub(crate) struct Decoder<'a> {
    problems: &'a mut Problems,
    path: Vec<String>,
}

impl<'a> Decoder<'a> {
    /// A decoder at the top of the suite.
    pub(crate) fn new(problems: &'a mut Problems) -> Self {
        Self { problems, path: Vec::new() }
    }

    /// Adds a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// `target.ready` in backticks, or `the suite`.
    pub(crate) fn place(&self) -> String {
        if self.path.is_empty() { "the suite".to_owned() } else { quoted(&self.path.join(".")) }
    }

    /// Adds that `node` should have been something else; always `None`.
    pub(crate) fn wrong<T>(&mut self, node: &Node, expected: &str, hint: &str) -> Option<T> {
        let what = format!("{} must be {expected}, not {}", self.place(), node.described());
        let hint = if node.is_null() { "write a value, or take the key out" } else { hint };
        let problem = Problem::new(Code::WrongType, node.span, what).label("here");
        self.push(if hint.is_empty() { problem } else { problem.hint(hint) });
        None
    }

    /// Decodes what stands under `key`.
    fn below<T: Decode>(&mut self, key: &str, node: &Node) -> Option<T> {
        self.path.push(key.to_owned());
        let value = T::decode(node, self);
        self.path.pop();
        value
    }
}

/// The keys of one section while it is read.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    /// Where the section is.
    pub(crate) span: Span,
    /// Keys that are there but could not be read; nobody should call them missing.
    pub(crate) broken: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Opens a section: refuses what is none, and every key that is not in `known`. Keys in `later`
    /// are planned.
    pub(crate) fn open(
        node: &'n Node,
        known: &[&'static str],
        later: &[&str],
        decoder: &mut Decoder<'_>,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let hint = format!("its keys are {}", known.join(", "));
            return decoder.wrong(node, "a section", &hint);
        };
        let mut broken = Vec::new();
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let key = entry.key.as_str();
            if later.contains(&key) {
                let what = format!("{} in {} is not supported yet", quoted(key), decoder.place());
                let problem = Problem::new(Code::NotSupported, entry.key_span, what);
                decoder.push(problem.hint("take it out; this version would not act on it"));
                continue;
            }
            broken.extend(nearest(key, known));
            let hint = suggestion(key, known, format!("its keys are {}", known.join(", ")));
            let what = format!("unknown key {} in {}", quoted(key), decoder.place());
            decoder.push(
                Problem::new(Code::UnknownKey, entry.key_span, what)
                    .label("not a key of this section")
                    .hint(hint),
            );
        }
        Some(Self { entries, span: node.span, broken })
    }

    /// Opens a section that must have exactly one of the known keys, such as `{ uniform: [1, 2] }`.
    pub(crate) fn open_one(
        node: &'n Node,
        known: &[&'static str],
        decoder: &mut Decoder<'_>,
    ) -> Option<Self> {
        let fields = Self::open(node, known, &[], decoder)?;
        if fields.entries.len() != 1 {
            let what = format!("{} must have exactly one key", decoder.place());
            let hint = format!("write one of {}", known.join(", "));
            decoder.push(Problem::new(Code::Conflict, node.span, what).hint(hint));
            return None;
        }
        Some(fields)
    }

    /// The value of a key; `None` if it is absent or broken.
    pub(crate) fn get<T: Decode>(
        &mut self,
        key: &'static str,
        decoder: &mut Decoder<'_>,
    ) -> Option<T> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let value = decoder.below(key, &entry.value);
        if value.is_none() {
            self.broken.push(key);
        }
        value
    }
}

/// What every section knows of itself.
pub(crate) trait Section {
    /// Where it is.
    fn span(&self) -> Span;
    /// Whether a key is neither there nor probably meant by another.
    fn lacks(&self, key: &str) -> bool;
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// A list with its place.
#[derive(Debug, Clone)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) span: Span,
}

impl<T: Decode> Decode for List<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::List(nodes) = &node.kind else {
            let hint = "write `[first, second]`: a list has brackets, and commas between its items";
            return decoder.wrong(node, "a list", hint);
        };
        let items: Vec<Option<T>> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| decoder.below(&index.to_string(), node))
            .collect();
        Some(Self { items: items.into_iter().collect::<Option<_>>()?, span: node.span })
    }
}

/// A section whose keys are the user's own names, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Keyed<T> {
    pub(crate) entries: Vec<(Spanned<String>, T)>,
    pub(crate) span: Span,
}

impl<T: Decode> Decode for Keyed<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return decoder.wrong(node, "a section of names", "write `{ name: … }`");
        };
        let entries: Vec<Option<_>> = entries
            .iter()
            .map(|entry| {
                let value = decoder.below(&entry.key, &entry.value)?;
                Some((Spanned { value: entry.key.clone(), span: entry.key_span }, value))
            })
            .collect();
        Some(Self { entries: entries.into_iter().collect::<Option<_>>()?, span: node.span })
    }
}

/// Gives a wrapper the schema of what it wraps.
macro_rules! same_schema {
    ($wrapper:ident, $t:ident => $inner:ty) => {
        impl<$t: JsonSchema> JsonSchema for $wrapper<$t> {
            fn inline_schema() -> bool {
                <$inner>::inline_schema()
            }
            fn schema_name() -> Cow<'static, str> {
                <$inner>::schema_name()
            }
            fn schema_id() -> Cow<'static, str> {
                <$inner>::schema_id()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$inner>::json_schema(generator)
            }
        }
    };
}

same_schema!(Spanned, T => T);
same_schema!(List, T => Vec<T>);
same_schema!(Keyed, T => std::collections::BTreeMap<String, T>);

/// Declares a section: every key optional here, because what is required is said by `validate`
/// together with all else. `later` names keys that are planned.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident $(later [$($later:literal),*])? {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            #[schemars(skip)]
            span: $crate::config::source::Span,
            #[schemars(skip)]
            broken: Vec<&'static str>,
            $( $(#[$field_meta])* pub(crate) $field: Option<$type>, )*
        }

        impl $crate::config::decode::Section for $name {
            fn span(&self) -> $crate::config::source::Span {
                self.span
            }

            fn lacks(&self, key: &str) -> bool {
                !self.broken.contains(&key)
            }
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::node::Node,
                decoder: &mut $crate::config::decode::Decoder<'_>,
            ) -> Option<Self> {
                let known = &[$(stringify!($field)),*];
                let later = &[$($($later),*)?];
                let mut fields =
                    $crate::config::decode::Fields::open(node, known, later, decoder)?;
                $( let $field = fields.get(stringify!($field), decoder); )*
                Some(Self { span: fields.span, broken: fields.broken, $($field),* })
            }
        }
    };
}
pub(crate) use section;

/// Declares the words that a key may have as its value; `later` names words that are planned.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis $name:ident: $what:literal {
            $( $(#[$word_meta:meta])* $word:ident = $text:literal, )*
        }
        $(later [$($later:literal),*])?
    ) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
        $(#[$meta])*
        $vis enum $name {
            $( $(#[$word_meta])* #[schemars(rename = $text)] $word, )*
        }

        impl $name {
            /// Every one, with its name in a suite.
            $vis const ALL: &[(Self, &'static str)] = &[$( (Self::$word, $text) ),*];
        }

        impl $crate::config::leaf::Leaf for $name {
            const EXPECTED: &'static str = $what;

            fn read(
                scalar: &$crate::config::node::Scalar,
            ) -> Result<Self, $crate::config::leaf::Refusal> {
                let found = Self::ALL.iter().find(|(_, name)| *name == scalar.text);
                found.map(|(word, _)| *word).ok_or_else(|| {
                    $crate::config::leaf::Refusal::word(
                        &scalar.text,
                        $what,
                        &[$($text),*],
                        &[$($($later),*)?],
                    )
                })
            }
        }
    };
}
pub(crate) use words;
