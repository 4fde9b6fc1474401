//! The section `checks`.

use crate::config::decode::{Decoder, Fields, Keyed, List, Spanned, section, words};
use crate::config::leaf::{Amount, Leaf, Part, Refusal, Time};
use crate::config::node::{Node, Scalar};
use crate::config::plan::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

section! {
    /// One check: a search, the conditions that must hold, and the limits against the baseline.
    Check later ["window", "sweep", "stress", "phases", "soak", "startup", "probe"] {
        /// Searches the largest value of a knob at which every condition holds.
        #[schemars(required)]
        capacity: Capacity,
        /// Conditions that all must hold: `p99 ttfc < 500ms`, `error_rate < 1%`.
        #[schemars(required)]
        slos: List<Spanned<String>>,
        /// Limits per metric: `capacity`, or a metric read at capacity. Without it, a loss of more
        /// than 10% of the capacity is a regression.
        gate: Keyed<Gate>,
    }
}

section! {
    /// A capacity search.
    Capacity {
        /// The number that is varied.
        #[schemars(required)]
        knob: Spanned<Knob>,
        /// Sessions in flight while something else than the load is varied; default 1.
        concurrency: Spanned<u32>,
        /// Sessions per second, open loop, while something else than the load is varied.
        rate: Spanned<f64>,
        /// Arrival process of `knob: rate`, or of a fixed `rate`; default `poisson`.
        arrivals: Spanned<Arrivals>,
        /// Lowest value tried.
        #[schemars(required)]
        from: Spanned<f64>,
        /// Highest value tried; without it, doubled from `from` until a condition breaks.
        to: Spanned<f64>,
        /// Factor of the steps upwards while no condition has broken; default 2.
        expand: Spanned<f64>,
        /// Wanted half-width of the interval; default 2.5%.
        precision: Spanned<Part>,
        /// Most trials; default 60.
        max_trials: Spanned<u32>,
        /// Length of a trial; by default long enough for some 600 sessions, 6s to 25s.
        trial: Spanned<Time>,
        /// What is done to the target before each trial but the first, if it keeps state from one to
        /// the next; default `keep`.
        between_trials: Spanned<BetweenTrials>,
        /// How the value is searched; default `bisect` where no failure is allowed at all, or no loss
        /// against the baseline, else `posterior`.
        method: Spanned<Method>,
        /// Different sequences of sessions that are played, 1 to 9; default 1.
        sequences: Spanned<u32>,
    }
}

section! {
    /// Limits of one metric.
    Gate {
        /// Largest loss against the baseline.
        max_drop: Spanned<Part>,
        /// Largest rise against the baseline.
        max_rise: Spanned<Part>,
        /// Smallest value, in the unit of the metric.
        min: Spanned<Amount>,
        /// Largest value, in the unit of the metric.
        max: Spanned<Amount>,
    }
}

words! {
    /// The number that is varied.
    pub(crate) KnobName: "a knob" {
        /// Sessions per second, open loop.
        Rate = "rate",
        /// Sessions in flight, closed loop.
        Concurrency = "concurrency",
        /// Tokens of each turn's own prompt.
        PromptTokens = "prompt_tokens",
        /// Tokens that each turn asks for: an answer that is shorter by the server's own `usage` is
        /// not ok.
        OutputTokens = "output_tokens",
        /// Requests of a session.
        Turns = "turns",
        /// Items of a request; `api: http` only.
        Items = "items",
    }
}

/// The number that is varied, or `{ parameter: top_k }`.
#[derive(Debug, Clone)]
pub(crate) enum Knob {
    Named(KnobName),
    Parameter(Spanned<String>),
}

impl Leaf for Knob {
    const EXPECTED: &'static str = KnobName::EXPECTED;

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        let found = KnobName::ALL.iter().find(|(_, name)| *name == scalar.text);
        found.map(|(word, _)| Self::Named(*word)).ok_or_else(|| {
            let names = KnobName::ALL.iter().map(|(_, name)| *name);
            let known: Vec<&str> = names.chain(["{ parameter: top_k }"]).collect();
            Refusal::word(&scalar.text, Self::EXPECTED, &known, &[])
        })
    }

    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut fields = Fields::open_one(node, &["parameter"], decoder)?;
        fields.get("parameter", decoder).map(Self::Parameter)
    }
}

impl JsonSchema for Knob {
    fn schema_name() -> Cow<'static, str> {
        "Knob".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<KnobName>();
        json_schema!({
            "oneOf": [
                name,
                {
                    "type": "object",
                    "properties": {
                        "parameter": {
                            "description": "Name of a variable of the request: letters, digits and `_`.",
                            "type": "string",
                            "pattern": "^[A-Za-z0-9_]+$",
                        },
                    },
                    "required": ["parameter"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}

/// `poisson`, `constant` or `{ gamma: { cv: 2 } }`.
#[derive(Debug, Clone)]
pub(crate) enum Arrivals {
    Poisson,
    Constant,
    Gamma(Gamma),
}

section! {
    /// Gaps by a gamma distribution.
    Gamma {
        /// Standard deviation of the gaps / their mean; 1 is Poisson, above is burstier.
        #[schemars(required)]
        cv: Spanned<f64>,
    }
}

/// `keep`, `restart` or `{ reset: "POST /path" }`.
#[derive(Debug, Clone)]
pub(crate) enum BetweenTrials {
    Keep,
    Restart,
    Reset(Spanned<String>),
}

impl Leaf for BetweenTrials {
    const EXPECTED: &'static str = "something to do between trials";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        match scalar.text.as_str() {
            "keep" => Ok(Self::Keep),
            "restart" => Ok(Self::Restart),
            other => {
                let known = ["keep", "restart", "{ reset: \"POST /path\" }"];
                Err(Refusal::word(other, Self::EXPECTED, &known, &[]))
            }
        }
    }

    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut fields = Fields::open_one(node, &["reset"], decoder)?;
        fields.get("reset", decoder).map(Self::Reset)
    }
}

impl JsonSchema for BetweenTrials {
    fn schema_name() -> Cow<'static, str> {
        "BetweenTrials".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "enum": ["keep", "restart"] },
                {
                    "type": "object",
                    "properties": {
                        "reset": {
                            "description": "A request that clears the target's state: `POST /reset`.",
                            "type": "string",
                            "pattern": "^[A-Z]+ +/",
                        },
                    },
                    "required": ["reset"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}

impl Leaf for Arrivals {
    const EXPECTED: &'static str = "an arrival process";

    fn read(scalar: &Scalar) -> Result<Self, Refusal> {
        match scalar.text.as_str() {
            "poisson" => Ok(Self::Poisson),
            "constant" => Ok(Self::Constant),
            other => {
                let known = ["poisson", "constant", "{ gamma: { cv: 2 } }"];
                Err(Refusal::word(other, Self::EXPECTED, &known, &[]))
            }
        }
    }

    fn read_section(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut fields = Fields::open_one(node, &["gamma"], decoder)?;
        fields.get("gamma", decoder).map(Self::Gamma)
    }
}

impl JsonSchema for Arrivals {
    fn schema_name() -> Cow<'static, str> {
        "Arrivals".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let gamma = generator.subschema_for::<Gamma>();
        json_schema!({
            "oneOf": [
                { "enum": ["poisson", "constant"] },
                {
                    "type": "object",
                    "properties": { "gamma": gamma },
                    "required": ["gamma"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}
