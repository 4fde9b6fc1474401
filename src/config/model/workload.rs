//! The section `workload`.

use crate::config::decode::{Decoder, Fields, List, Spanned, section, words};
use crate::config::leaf::{Leaf, Refusal, Time};
use crate::config::node::{Node, Scalar};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

section! {
    /// The sessions that are played; the same ones in every trial.
    Workload {
        /// Seed of the sequence of sessions; default 42.
        seed: Spanned<u64>,
        /// What a session is like.
        sessions: Sessions,
        /// Items that one request carries, of `api: http`: reports then say the capacity in items too,
        /// and `{items}` is so many renderings of `request.item`; default 1.
        items_per_request: Spanned<u32>,
    }
}

section! {
    /// What a session is like. A length is a number, `{ uniform: [100, 500] }`,
    /// `{ normal: { mean: 300, sd: 80, min: 1, max: 900 } }` or
    /// `{ zipf: { exponent: 1.2, min: 1, max: 900 } }`.
    Sessions {
        /// Requests of a session; default 1.
        turns: Spanned<Length>,
        /// Tokens of a turn's own prompt; default 128.
        prompt_tokens: Spanned<Length>,
        /// Tokens that a turn asks for; default 64.
        output_tokens: Spanned<Length>,
        /// Pause before each turn after the first: `2s` or `{ exponential: 2s }`; default none.
        think_time: Spanned<ThinkTime>,
        /// What a later turn sends of the earlier ones; default `inherit`.
        history: Spanned<History>,
    }
}

words! {
    /// What a later turn sends of the earlier ones.
    pub(crate) History: "a kind of history" {
        /// The whole conversation so far.
        Inherit = "inherit",
        /// Only its own prompt.
        None = "none",
    }
}

/// The distribution of a length.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    Fixed(u32),
    Uniform(List<Spanned<u32>>),
    Normal(Normal),
    Zipf(Zipf),
}

section! {
    /// Normal, rounded, drawn again outside `min` to `max`.
    Normal {
        /// Mean.
        #[schemars(required)]
        mean: Spanned<f64>,
        /// Standard deviation.
        #[schemars(required)]
        sd: Spanned<f64>,
        /// Smallest length; default 1.
        min: Spanned<u32>,
        /// Largest length.
        #[schemars(required)]
        max: Spanned<u32>,
    }
}

section! {
    /// Zipf: the k-th length has weight `k^-exponent`.
    Zipf {
        /// Exponent.
        #[schemars(required)]
        exponent: Spanned<f64>,
        /// Smallest length, the most frequent; default 1.
        min: Spanned<u32>,
        /// Largest length.
        #[schemars(required)]
        max: Spanned<u32>,
    }
}

impl Leaf for Length {
    const EXPECTED: &'static str = u32::EXPECTED;

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        u32::read(scalar).map(Self::Fixed)
    }

    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let known = ["fixed", "uniform", "normal", "zipf"];
        let mut fields = Fields::open_one(node, &known, decoder)?;
        if let Some(fixed) = fields.get::<Spanned<u32>>("fixed", decoder) {
            Some(Self::Fixed(fixed.value))
        } else if let Some(bounds) = fields.get("uniform", decoder) {
            Some(Self::Uniform(bounds))
        } else if let Some(normal) = fields.get("normal", decoder) {
            Some(Self::Normal(normal))
        } else {
            fields.get("zipf", decoder).map(Self::Zipf)
        }
    }
}

impl JsonSchema for Length {
    fn schema_name() -> Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let normal = generator.subschema_for::<Normal>();
        let zipf = generator.subschema_for::<Zipf>();
        let whole = json_schema!({ "type": "integer", "minimum": 1 });
        json_schema!({
            "oneOf": [
                whole,
                {
                    "type": "object",
                    "properties": {
                        "fixed": {
                            "description": "Always this length.",
                            "type": "integer",
                            "minimum": 1,
                        },
                        "uniform": {
                            "description": "Each length from the first to the second, equally often.",
                            "type": "array",
                            "items": whole,
                            "minItems": 2,
                            "maxItems": 2,
                        },
                        "normal": normal,
                        "zipf": zipf,
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false,
                },
            ]
        })
    }
}

/// A pause.
#[derive(Debug, Clone)]
pub(crate) enum ThinkTime {
    Fixed(Time),
    Exponential(Spanned<Time>),
}

impl Leaf for ThinkTime {
    const EXPECTED: &'static str = Time::EXPECTED;

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        Time::read(scalar).map(Self::Fixed)
    }

    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut fields = Fields::open_one(node, &["fixed", "exponential"], decoder)?;
        match fields.get::<Spanned<Time>>("fixed", decoder) {
            Some(fixed) => Some(Self::Fixed(fixed.value)),
            None => fields.get("exponential", decoder).map(Self::Exponential),
        }
    }
}

impl JsonSchema for ThinkTime {
    fn schema_name() -> Cow<'static, str> {
        "ThinkTime".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let time = generator.subschema_for::<Time>();
        let described = |text: &str| {
            let mut time = time.clone();
            time.insert("description".to_owned(), text.into());
            time
        };
        json_schema!({
            "oneOf": [
                time,
                {
                    "type": "object",
                    "properties": {
                        "fixed": described("Always this long."),
                        "exponential": described("Drawn from an exponential law with this mean."),
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false,
                },
            ]
        })
    }
}
