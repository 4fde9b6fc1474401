//! `checks`: the search of each, and how its parts come together.

use super::Context;
use super::gate::default_gate;
use super::knob::knob_max;
use crate::config::decode::Spanned;
use crate::config::identity;
use crate::config::leaf::Time;
use crate::config::model;
use crate::config::plan::{
    Budget, CapacityPlan, CheckPlan, GateLimits, Knob, Method, SloPlan, TargetPlan,
};
use crate::config::problem::Code;
use crate::slo::Slo;
use crate::units::{KnobValue, Ratio};
use crate::workload::SessionLaw;
use std::collections::BTreeMap;
use std::time::Duration;

/// Largest rate: more than one machine can offer.
pub(super) const KNOB_MAX: f64 = 1_000_000.0;

/// Most sequences of a check.
const SEQUENCES_MAX: u32 = 9;

/// What a check measures besides its own section; `None` where that part is not right.
pub(super) struct Measured<'a> {
    pub(super) target: Option<&'a TargetPlan>,
    pub(super) seed: u64,
    pub(super) sessions: Option<&'a SessionLaw>,
    pub(super) budget: Option<&'a Budget>,
    /// Parameters of the request that some check varies.
    pub(super) parameters: &'a [String],
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
        let capacity = capacity.and_then(|capacity| self.capacity(capacity, measured));
        let hint = "write what must hold: `slos: [\"p99 ttfc < 500ms\"]`";
        let slos = self.required(raw, raw.slos.as_ref(), "slos", hint);
        let slos = slos.map(|slos| self.slos(slos, measured.target));
        let gates = match &raw.gate {
            Some(gate) => self.gates(gate, slos.as_deref().unwrap_or_default()),
            None => default_gate(),
        };
        let (mut capacity, slos) = (capacity?, slos?);
        let default = default_method(&slos, &gates);
        let given = raw.capacity.as_ref().and_then(|raw| raw.method.as_ref());
        capacity.method = given.map_or(default, |method| method.value);
        let text = |target| {
            let sessions = measured.sessions?;
            Some(identity::text(target, measured.seed, sessions, (&capacity, default), &slos))
        };
        let identity = text(measured.target?)?;
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

    fn capacity(&mut self, raw: &model::Capacity, measured: &Measured<'_>) -> Option<CapacityPlan> {
        let knob = self.knob(raw, measured);
        let range = self.range(raw, knob.as_ref());
        let expand = self.number(raw.expand.as_ref(), "expand", 2.0, (1.0, 10.0));
        let precision = raw.precision.as_ref();
        let precision = precision.map(|part| Spanned { value: part.value.0, span: part.span });
        let precision = self.number(precision.as_ref(), "precision", 0.025, (0.0, 0.5));
        if let Some(trials) = raw.max_trials.as_ref().filter(|trials| trials.value == 0) {
            self.zero(trials.span, "max_trials");
        }
        let trial = raw.trial.as_ref().and_then(|trial| self.trial(trial, measured.budget));
        let between_trials = raw.between_trials.as_ref();
        let between_trials =
            between_trials.map(|given| self.between_trials(given, measured.target));
        let sequences = raw.sequences.as_ref();
        if let Some(given) = sequences.filter(|given| !(1..=SEQUENCES_MAX).contains(&given.value)) {
            let hint = format!("write a number from 1 to {SEQUENCES_MAX}");
            self.out_of_range(given.span, "`sequences` is out of range", hint);
        }
        let (from, to) = range?;
        Some(CapacityPlan {
            knob: knob?,
            from,
            to,
            expand: expand?,
            precision: Ratio::new(precision?)?,
            max_trials: raw.max_trials.as_ref().map_or(60, |trials| trials.value),
            trial,
            between_trials: between_trials.unwrap_or_default(),
            method: Method::Posterior,
            sequences: sequences.map_or(1, |given| given.value),
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

    /// `from` and `to`.
    fn range(
        &mut self,
        raw: &model::Capacity,
        knob: Option<&Knob>,
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
        knob: Option<&Knob>,
    ) -> Option<KnobValue> {
        let value = self.number(Some(given), key, 1.0, (0.0, knob_max(knob)))?;
        if let Some(knob) = knob.filter(|knob| knob.is_whole() && value.fract().abs() > 0.0) {
            let what = format!("`{key}` must be a whole number of {}", knob.unit());
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

/// Where one failure decides, or no loss is forgiven, an answer must be exact: halving gives it.
fn default_method(slos: &[SloPlan], gates: &BTreeMap<String, GateLimits>) -> Method {
    let max_drop = gates.get("capacity").and_then(|limits| limits.max_drop);
    let is_exact = slos.iter().all(|plan| Slo::allows_no_failure(&plan.slo));
    if is_exact || max_drop == Some(Ratio::ZERO) { Method::Bisect } else { Method::Posterior }
}
