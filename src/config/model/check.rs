//! The section `checks`.

use crate::config::decode::{Decoder, Fields, Keyed, List, Spanned, section, words};
use crate::config::leaf::{Amount, Leaf, Part, Refusal, Time};
use crate::config::node::{Node, Scalar};
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
    Capacity later ["sequences", "method"] {
        /// The number that is varied.
        #[schemars(required)]
        knob: Spanned<KnobName>,
        /// Arrival process of `knob: rate`; default `poisson`.
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
    }
    later ["prompt_tokens", "output_tokens", "turns", "items"]
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
