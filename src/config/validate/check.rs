//! `checks`: the search of each, and how its parts come together.

use super::Context;
use super::gate::default_gate;
use crate::config::decode::Spanned;
use crate::config::identity;
use crate::config::leaf::Time;
use crate::config::model::{self, Arrivals as RawArrivals, KnobName};
use crate::config::plan::{Budget, CapacityPlan, CheckPlan, Knob, TargetPlan};
use crate::config::problem::Code;
use crate::units::{CONCURRENCY_MAX, KnobValue, Ratio};
use crate::workload::{Arrivals, SessionLaw};
use std::time::Duration;

/// Largest value of a knob: more than one machine can offer.
const KNOB_MAX: f64 = 1_000_000.0;

/// What a check measures besides its own section; `None` where that part is not right.
pub(super) struct Measured<'a> {
    pub(super) target: Option<&'a TargetPlan>,
    pub(super) seed: u64,
    pub(super) sessions: Option<&'a SessionLaw>,
    pub(super) budget: Option<&'a Budget>,
}

impl Context<'_> {
    pub(super) fn check(
        &mut self,
        key: &Spanned<String>,
        raw: &model::Check,
        measured: &Measured<'_>,
    ) -> Option<CheckPlan> {
        let name = self.name(key, "check");
        let hint = "write `capacity: { knob: rate, from: 1, to: 100 }`";
        let capacity = self.required(raw, raw.capacity.as_ref(), "capacity", hint);
        let capacity = capacity.and_then(|capacity| self.capacity(capacity, measured.budget));
        let hint = "write what must hold: `slos: [\"p99 ttfc < 500ms\"]`";
        let slos = self.required(raw, raw.slos.as_ref(), "slos", hint);
        let slos = slos.map(|slos| self.slos(slos, measured.target));
        let gates = match &raw.gate {
            Some(gate) => self.gates(gate, slos.as_deref().unwrap_or_default()),
            None => default_gate(),
        };
        let (capacity, slos) = (capacity?, slos?);
        let identity =
            identity::text(measured.target?, measured.seed, measured.sessions?, &capacity, &slos);
        Some(CheckPlan {
            name,
            line: key.span.line,
            capacity,
            slos,
            gates,
            digest: identity::digest(&identity),
            identity,
        })
    }

    fn capacity(&mut self, raw: &model::Capacity, budget: Option<&Budget>) -> Option<CapacityPlan> {
        let knob = self.knob(raw);
        let range = self.range(raw, knob);
        let expand = self.number(raw.expand.as_ref(), "expand", 2.0, (1.0, 10.0));
        let precision = raw.precision.as_ref();
        let precision = precision.map(|part| Spanned { value: part.value.0, span: part.span });
        let precision = self.number(precision.as_ref(), "precision", 0.025, (0.0, 0.5));
        if let Some(trials) = raw.max_trials.as_ref().filter(|trials| trials.value == 0) {
            self.zero(trials.span, "max_trials");
        }
        let trial = raw.trial.as_ref().and_then(|trial| self.trial(trial, budget));
        let (from, to) = range?;
        Some(CapacityPlan {
            knob: knob?,
            from,
            to,
            expand: expand?,
            precision: Ratio::new(precision?)?,
            max_trials: raw.max_trials.as_ref().map_or(60, |trials| trials.value),
            trial,
        })
    }

    fn trial(&mut self, given: &Spanned<Time>, budget: Option<&Budget>) -> Option<Duration> {
        let length = self.time(Some(given), "trial", Duration::ZERO)?;
        if let Some(budget) = budget.filter(|budget| budget.time < length) {
            let budget = budget.time.as_secs_f64();
            let what = format!("one trial is longer than the whole budget of {budget}s");
            let hint = "shorten `trial`, or raise `budget.time`";
            self.refuse(Code::Conflict, given.span, what, hint);
        }
        Some(length)
    }

    fn knob(&mut self, raw: &model::Capacity) -> Option<Knob> {
        let hint = "write `knob: rate` or `knob: concurrency`";
        let knob = self.required(raw, raw.knob.as_ref(), "knob", hint)?;
        match (knob.value, &raw.arrivals) {
            (KnobName::Rate, None) => Some(Knob::Rate(Arrivals::Poisson)),
            (KnobName::Rate, Some(arrivals)) => self.arrivals(&arrivals.value).map(Knob::Rate),
            (KnobName::Concurrency, None) => Some(Knob::Concurrency),
            (KnobName::Concurrency, Some(arrivals)) => {
                let what = "`arrivals` means nothing in closed loop";
                let second = (knob.span, "closed loop");
                self.conflict((arrivals.span, what), second, "take it out, or write `knob: rate`");
                None
            }
        }
    }

    fn arrivals(&mut self, raw: &RawArrivals) -> Option<Arrivals> {
        match raw {
            RawArrivals::Poisson => Some(Arrivals::Poisson),
            RawArrivals::Constant => Some(Arrivals::Constant),
            RawArrivals::Gamma(gamma) => {
                let cv = self.required(gamma, gamma.cv.as_ref(), "cv", "write `cv: 2`")?;
                let cv = self.number(Some(cv), "cv", 1.0, (0.0, 100.0))?;
                Some(Arrivals::Gamma { cv })
            }
        }
    }

    /// `from` and `to`.
    fn range(
        &mut self,
        raw: &model::Capacity,
        knob: Option<Knob>,
    ) -> Option<(KnobValue, Option<KnobValue>)> {
        let hint = "write the lowest value to try: `from: 1`";
        let from = self.required(raw, raw.from.as_ref(), "from", hint);
        let low = from.and_then(|from| self.knob_value(from, "from", knob));
        let high = raw.to.as_ref().and_then(|to| self.knob_value(to, "to", knob));
        if let (Some(from), Some(to)) = (from, &raw.to)
            && from.value >= to.value
        {
            let what = format!("`from` ({}) must be below `to` ({})", from.value, to.value);
            self.conflict((from.span, what), (to.span, "`to` is here"), "swap or widen them");
        }
        Some((low?, high))
    }

    fn knob_value(
        &mut self,
        given: &Spanned<f64>,
        key: &str,
        knob: Option<Knob>,
    ) -> Option<KnobValue> {
        let is_whole = knob.is_some_and(Knob::is_whole);
        let most = if is_whole { f64::from(CONCURRENCY_MAX) } else { KNOB_MAX };
        let value = self.number(Some(given), key, 1.0, (0.0, most))?;
        if is_whole && value.fract().abs() > 0.0 {
            let what = format!("`{key}` must be a whole number of sessions");
            self.out_of_range(given.span, what, format!("write `{key}: {}`", value.ceil()));
            return None;
        }
        KnobValue::new(value)
    }

    /// A number above the first bound, and at most the second.
    pub(super) fn number(
        &mut self,
        given: Option<&Spanned<f64>>,
        key: &str,
        default: f64,
        (above, most): (f64, f64),
    ) -> Option<f64> {
        let Some(given) = given else { return Some(default) };
        if given.value > above && given.value <= most {
            return Some(given.value);
        }
        let hint = format!("write a number above {above}, up to {most}");
        self.out_of_range(given.span, format!("`{key}` is out of range"), hint);
        None
    }
}
