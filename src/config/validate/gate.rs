//! `gate`: the limits against the baseline.

use super::Context;
use crate::config::decode::{Keyed, Section, Spanned};
use crate::config::leaf::Amount;
use crate::config::model;
use crate::config::plan::{GateLimits, SloPlan};
use crate::config::problem::{Code, quoted, suggestion};
use crate::slo::{Metric, Slo};
use crate::units::{Ratio, Unit};
use std::collections::BTreeMap;

/// What is gated where nothing is said: a loss of more than 10% of the capacity.
pub(super) fn default_gate() -> BTreeMap<String, GateLimits> {
    let limits = GateLimits { max_drop: Ratio::new(0.1), ..GateLimits::default() };
    BTreeMap::from([("capacity".to_owned(), limits)])
}

impl Context<'_> {
    pub(super) fn gates(
        &mut self,
        raw: &Keyed<model::Gate>,
        slos: &[SloPlan],
    ) -> BTreeMap<String, GateLimits> {
        let problems_before = self.problems.count();
        if raw.entries.is_empty() {
            let hint = "write `gate: { capacity: { max_drop: 10% } }`, or take it out";
            self.refuse(Code::Empty, raw.span, "`gate` is empty: nothing would be compared", hint);
        }
        let mut gates = BTreeMap::new();
        for (key, gate) in &raw.entries {
            let metric = match Metric::from_name(&key.value) {
                None if key.value == "capacity" => None,
                Some(Metric::ErrorRate) => Some(Metric::ErrorRate),
                // A search ends where its conditions are just met.
                Some(metric) => {
                    let name = metric.name();
                    let what = format!(
                        "a gate on `{name}` could not fail: at capacity it stands at its limit"
                    );
                    let hint = format!("gate `capacity`; a limit on `{name}` belongs into `slos`");
                    self.refuse(Code::NotSupported, key.span, what, hint);
                    continue;
                }
                None => {
                    let known = ["capacity", Metric::ErrorRate.name()];
                    let otherwise = format!("write one of {}", known.join(", "));
                    let hint = suggestion(&key.value, &known, otherwise);
                    let what = format!("{} is no metric", quoted(&key.value));
                    self.refuse(Code::UnknownValue, key.span, what, hint);
                    continue;
                }
            };
            let Some(limits) = self.gate(gate, metric) else { continue };
            if metric.is_some() {
                self.errors_can_fail(gate, limits.max, slos);
            }
            let name = metric.map_or("capacity", Metric::name);
            if gates.insert(name.to_owned(), limits).is_some() {
                let what = format!("`{name}` is gated twice");
                self.refuse(Code::Conflict, key.span, what, "keep one of them");
            }
        }
        // What cannot be read may have been such a limit.
        let keys_read = |gate: &model::Gate| gate.lacks("max_drop") && gate.lacks("min");
        let is_read = self.problems.count() == problems_before
            && raw.entries.iter().all(|(_, gate)| keys_read(gate));
        let can_fail = |limits: &GateLimits| limits.max_drop.is_some() || limits.min > Some(0.0);
        if is_read && !gates.get("capacity").is_some_and(can_fail) {
            let what = "`gate` cannot fail on a loss of capacity";
            let hint = "add `capacity: { max_drop: 10% }`, or a `min` above zero";
            self.refuse(Code::Empty, raw.span, what, hint);
        }
        gates
    }

    /// Limits of `error_rate` that could not fail, or not be decided.
    fn errors_can_fail(&mut self, raw: &model::Gate, max: Option<f64>, slos: &[SloPlan]) {
        let drop = raw.max_drop.as_ref().map(|drop| ("max_drop", drop.span));
        let rise = raw.max_rise.as_ref().map(|rise| ("max_rise", rise.span));
        for (key, span) in [drop, rise].into_iter().flatten() {
            let what = format!("`{key}` of `error_rate` says nothing where nothing failed before");
            let hint = "a change is relative to the baseline, and that may be zero: give `max`";
            self.refuse(Code::NotSupported, span, what, hint);
        }
        let (Some(given), Some(max)) = (&raw.max, max) else { return };
        let is_within =
            |plan: &&SloPlan| allowed_failures(&plan.slo).is_some_and(|allowed| allowed <= max);
        let bound = slos.iter().find(is_within);
        if let Some(SloPlan { slo, .. }) = bound {
            let what = "this limit could not fail: no capacity has more failures than `slos` allow";
            self.out_of_range(given.span, what, format!("write less than `{slo}` allows"));
        }
    }

    /// Limits of one metric; `metric` is `None` for the capacity itself.
    fn gate(&mut self, raw: &model::Gate, metric: Option<Metric>) -> Option<GateLimits> {
        let keys = ["max_drop", "max_rise", "min", "max"];
        if let (None, None, None, None) = (&raw.max_drop, &raw.max_rise, &raw.min, &raw.max) {
            if keys.iter().all(|key| raw.lacks(key)) {
                let hint = format!("write one of {}", keys.join(", "));
                self.refuse(Code::Empty, raw.span(), "this gate has no limit", hint);
            }
            return None;
        }
        let drop = raw.max_drop.as_ref();
        if let Some(drop) = drop.filter(|drop| drop.value.0 >= 1.0) {
            let what = "no drop could ever exceed this `max_drop`";
            self.out_of_range(drop.span, what, "write a share below `100%`");
            return None;
        }
        let min = raw.min.as_ref().and_then(|min| Some((min.span, self.limit(min, metric)?)));
        let max = raw.max.as_ref().and_then(|max| Some((max.span, self.limit(max, metric)?)));
        if let (Some((low_span, low)), Some((high_span, high))) = (min, max)
            && low > high
        {
            let what = "`min` is above `max`: no value could pass";
            self.conflict((low_span, what), (high_span, "`max` is here"), "swap them");
        }
        Some(GateLimits {
            max_drop: drop.and_then(|drop| Ratio::new(drop.value.0)),
            max_rise: raw.max_rise.as_ref().map(|rise| rise.value.0),
            min: min.map(|(_, low)| low),
            max: max.map(|(_, high)| high),
        })
    }

    fn limit(&mut self, given: &Spanned<Amount>, metric: Option<Metric>) -> Option<f64> {
        let quantity = given.value.0;
        let unit = metric.map_or(Unit::Count, Metric::unit);
        if quantity.unit() == unit && quantity.value() >= 0.0 {
            return Some(quantity.value());
        }
        let example = match unit {
            Unit::Seconds => "500ms",
            Unit::Ratio => "1%",
            Unit::PerSecond => "100/s",
            Unit::Bytes => "512MiB",
            Unit::Count => "12",
        };
        let name = metric.map_or("capacity", Metric::name);
        let what = format!("`{quantity}` is no limit for `{name}`");
        self.refuse(Code::Quantity, given.span, what, format!("write for example `{example}`"));
        None
    }
}

/// Largest share of failures at which this condition may still hold, if it limits them.
fn allowed_failures(slo: &Slo) -> Option<f64> {
    let limit = slo.limit.value();
    match (slo.metric, slo.comparison.bounds_above()) {
        (Metric::ErrorRate, true) => Some(limit),
        // Rounded, so that what is left of `99.9%` is `0.1%`.
        (Metric::Success, false) => Some(((1.0 - limit) * 1e9).round() / 1e9),
        _ => None,
    }
}
