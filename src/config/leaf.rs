//! Single values: how each kind is written and what is said when it is not.

use super::decode::{Decode, Decoder, Spanned};
use super::environment;
use super::node::{Inferred, Kind, Node, Scalar};
use super::problem::{Code, Problem, quoted, suggestion};
use crate::units::{ParseQuantityError, Quantity, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Why a scalar is not what it should be.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    /// The sentence; empty: "must be EXPECTED, not …".
    what: String,
    hint: String,
}

impl Refusal {
    fn new(code: Code, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, what: what.into(), hint: hint.into() }
    }

    fn kind(hint: &str) -> Self {
        Self::new(Code::WrongType, "", hint)
    }

    /// A word that is none of `known`; those in `later` are planned.
    pub(crate) fn word(word: &str, what: &str, known: &[&str], later: &[&str]) -> Self {
        let known_words = format!("write {}", known.join(" or "));
        if later.contains(&word) {
            let what = format!("{} is not supported yet", quoted(word));
            return Self::new(Code::NotSupported, what, known_words);
        }
        let what = format!("{} is not {what}", quoted(word));
        Self::new(Code::UnknownValue, what, suggestion(word, known, known_words))
    }
}

/// A value that is written as one scalar, or in a longer form besides.
pub(crate) trait Leaf: Sized {
    /// What it is, for a sentence: `a time`.
    const EXPECTED: &'static str;

    /// Reads it.
    fn read(scalar: &Scalar) -> Result<Self, Refusal>;

    /// Reads its longer form; most have none.
    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.wrong(node, Self::EXPECTED, "")
    }
}

impl<T: Leaf> Decode for Spanned<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let span = node.span;
        let scalar = match &node.kind {
            Kind::Scalar(scalar) if scalar.inferred != Inferred::Null => scalar,
            Kind::Scalar(_) => return decoder.wrong(node, T::EXPECTED, ""),
            Kind::List(_) | Kind::Map(_) => {
                return T::read_section(node, decoder).map(|value| Self { value, span });
            }
        };
        match T::read(scalar) {
            Ok(value) => Some(Self { value, span }),
            Err(refusal) if refusal.what.is_empty() => {
                decoder.wrong(node, T::EXPECTED, &refusal.hint)
            }
            Err(Refusal { code, what, hint }) => {
                let label = format!("{} must be {}", decoder.place(), T::EXPECTED);
                decoder.push(Problem::new(code, span, what).label(label).hint(hint));
                None
            }
        }
    }
}

impl Leaf for String {
    const EXPECTED: &'static str = "text";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        environment::unescaped(&scalar.text).ok_or_else(|| {
            Refusal::new(
                Code::Environment,
                "the environment is read only in `target.headers` and `target.env`",
                "all else is printed in reports: use `--set`, or write `$${` for a plain `${`",
            )
        })
    }
}

impl Leaf for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        match scalar.inferred {
            Inferred::Bool(flag) => Ok(flag),
            Inferred::Null | Inferred::Number(_) | Inferred::Text => {
                Err(Refusal::kind("write `true` or `false`"))
            }
        }
    }
}

macro_rules! whole_leaf {
    ($($type:ty),*) => { $(
        impl Leaf for $type {
            const EXPECTED: &'static str = "a whole number";

            fn read(scalar: &Scalar) -> Result<Self, Refusal> {
                let Inferred::Number(number) = &scalar.inferred else {
                    return Err(Refusal::kind("write digits, without quotes"));
                };
                number.as_u64().and_then(|number| number.try_into().ok()).ok_or_else(|| {
                    let hint = format!("write a whole number from 0 to {}", Self::MAX);
                    out_of_range(scalar, "not a whole number in range", &hint)
                })
            }
        }
    )* };
}
whole_leaf!(u16, u32, u64);

impl Leaf for f64 {
    const EXPECTED: &'static str = "a number";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        match &scalar.inferred {
            Inferred::Number(number) => {
                number.as_f64().ok_or_else(|| Refusal::kind("write a plain number"))
            }
            Inferred::Null | Inferred::Bool(_) | Inferred::Text => {
                Err(Refusal::kind("write a plain number, without unit and quotes"))
            }
        }
    }
}

/// A number with a unit; `hint` shows how the right one is written.
fn quantity(scalar: &Scalar, hint: &str) -> Result<Quantity, Refusal> {
    Quantity::parse(&scalar.text).map_err(|error| {
        let what = match error {
            ParseQuantityError::NotANumber { found } => format!("{} is no number", quoted(&found)),
            ParseQuantityError::MissingUnit { found } => format!("{} has no unit", quoted(&found)),
            ParseQuantityError::UnknownUnit { unit } => format!("unknown unit {}", quoted(&unit)),
        };
        Refusal::new(Code::Quantity, what, hint)
    })
}

fn out_of_range(scalar: &Scalar, what: &str, hint: &str) -> Refusal {
    Refusal::new(Code::OutOfRange, format!("{} is {what}", quoted(&scalar.text)), hint)
}

/// The refusal of a number in another unit.
fn other_unit(scalar: &Scalar, quantity: Quantity, expected: &str, hint: &str) -> Refusal {
    let what = if quantity.unit() == Unit::Count {
        format!("{} has no unit", quoted(&scalar.text))
    } else {
        format!("{} is not {expected}", quoted(&scalar.text))
    };
    Refusal::new(Code::Quantity, what, hint)
}

/// A length of time, `500ms`, `30s`, `8m`; may be zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Duration);

impl Leaf for Time {
    const EXPECTED: &'static str = "a time";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        const HINT: &str = "write for example `500ms`, `30s` or `8m`";
        let quantity = quantity(scalar, HINT)?;
        match quantity.as_duration() {
            Some(time) => Ok(Self(time)),
            None if quantity.unit() == Unit::Seconds => {
                Err(out_of_range(scalar, "not a possible time", HINT))
            }
            None if quantity.unit() == Unit::Count => {
                let hint = format!("write `{0}s` or `{0}ms`", scalar.text);
                Err(other_unit(scalar, quantity, Self::EXPECTED, &hint))
            }
            None => Err(other_unit(scalar, quantity, Self::EXPECTED, HINT)),
        }
    }
}

/// A part of a whole, `2.5%` or `0.025`; not negative, may exceed 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part(pub(crate) f64);

impl Leaf for Part {
    const EXPECTED: &'static str = "a share";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        const HINT: &str = "write for example `2.5%` or `0.025`";
        let quantity = quantity(scalar, HINT)?;
        match quantity.unit() {
            Unit::Ratio | Unit::Count if quantity.value() >= 0.0 => Ok(Self(quantity.value())),
            Unit::Ratio | Unit::Count => Err(out_of_range(scalar, "negative", HINT)),
            Unit::Seconds | Unit::PerSecond | Unit::Bytes => {
                Err(other_unit(scalar, quantity, Self::EXPECTED, HINT))
            }
        }
    }
}

/// A size in bytes, `512MiB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size(pub(crate) u64);

impl Leaf for Size {
    const EXPECTED: &'static str = "a size";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        /// 1 PiB; up to here every whole number of bytes is exact in an `f64`.
        const BYTES_MAX: f64 = 1_125_899_906_842_624.0;
        const HINT: &str = "write for example `64KiB` or `512MiB`";
        let quantity = quantity(scalar, HINT)?;
        let value = quantity.value();
        match quantity.unit() {
            Unit::Bytes | Unit::Count if (0.0..=BYTES_MAX).contains(&value) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 2^50, as the guard says"
                )]
                let bytes = value.round() as u64;
                Ok(Self(bytes))
            }
            Unit::Bytes | Unit::Count => Err(out_of_range(scalar, "not a possible size", HINT)),
            Unit::Seconds | Unit::PerSecond | Unit::Ratio => {
                Err(other_unit(scalar, quantity, Self::EXPECTED, HINT))
            }
        }
    }
}

/// A number in the unit of what it limits: `500ms`, `1%`, `100/s` or `12`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount(pub(crate) Quantity);

impl Leaf for Amount {
    const EXPECTED: &'static str = "a number with its unit";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        quantity(scalar, "write for example `500ms`, `1%`, `100/s` or `12`").map(Self)
    }
}

/// Text that may look like a number, `replicas: 4`.
#[derive(Debug, Clone)]
pub(crate) struct Label(pub(crate) String);

impl Leaf for Label {
    const EXPECTED: &'static str = "text";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        String::read(scalar).map(Self)
    }
}

/// Text that may name variables of the environment; not expanded yet, and never printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Leaf for Secret {
    const EXPECTED: &'static str = "text";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        Ok(Self(scalar.text.clone()))
    }
}

/// Any value, passed on as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Json(pub(crate) serde_json::Value);

impl Decode for Json {
    fn decode(node: &Node, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self(node.json()))
    }
}

macro_rules! leaf_schema {
    ($($type:ty, $name:literal => $schema:tt),* $(,)?) => { $(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

leaf_schema! {
    Time, "Time" => { "type": "string", "pattern": "^[0-9._]+ ?(us|ms|s|m|h)$" },
    Amount, "Amount" => { "type": ["string", "number"] },
    Label, "Label" => { "type": ["string", "number", "boolean"] },
    Part, "Part" => { "type": ["string", "number"], "pattern": "^[0-9._]+ ?%?$" },
    Size, "Size" => { "type": ["string", "integer"], "pattern": "^[0-9._]+ ?(B|KiB|MiB|GiB)?$" },
    Secret, "Secret" => { "type": ["string", "number", "boolean"] },
    Json, "Json" => {},
}
