//! `gate`: the limits against the baseline.

use super::Context;
use crate::config::decode::{Keyed, Section, Spanned};
use crate::config::leaf::Amount;
use crate::config::model;
use crate::config::plan::GateLimits;
use crate::config::problem::{Code, Problem, nearest, quoted};
use crate::slo::Metric;
use crate::units::{Ratio, Unit};
use std::collections::BTreeMap;

/// What is gated where nothing is said: a loss of more than 10% of the capacity.
pub(super) fn default_gate() -> BTreeMap<String, GateLimits> {
    let limits = GateLimits { max_drop: Ratio::new(0.1), ..GateLimits::default() };
    BTreeMap::from([("capacity".to_owned(), limits)])
}

/// A search ends where its conditions are just met: a gate on what they limit could not fail.
fn never_moves(key: &Spanned<String>, metric: Metric) -> Problem {
    let name = metric.name();
    let what = format!("a gate on `{name}` could not fail: at capacity it stands at its limit");
    Problem::new(Code::NotSupported, key.span, what)
        .hint(format!("gate `capacity`; a limit on `{name}` belongs into `slos`"))
}

impl Context<'_> {
    pub(super) fn gates(
        &mut self,
        raw: &Keyed<model::Gate>,
    ) -> Option<BTreeMap<String, GateLimits>> {
        if raw.entries.is_empty() {
            self.problems.push(
                Problem::new(Code::Empty, raw.span, "`gate` is empty: nothing would be compared")
                    .hint("write `gate: { capacity: { max_drop: 10% } }`, or take it out"),
            );
            return None;
        }
        let mut gates = BTreeMap::new();
        let mut is_fit = true;
        for (key, gate) in &raw.entries {
            let metric = Metric::from_name(&key.value);
            if let Some(metric) = metric.filter(|metric| *metric != Metric::ErrorRate) {
                self.problems.push(never_moves(key, metric));
                is_fit = false;
                continue;
            }
            if metric.is_none() && key.value != "capacity" {
                let known = ["capacity", Metric::ErrorRate.name()];
                let hint = match nearest(&key.value, &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write one of {}", known.join(", ")),
                };
                let what = format!("{} is no metric", quoted(&key.value));
                self.problems.push(Problem::new(Code::UnknownValue, key.span, what).hint(hint));
                is_fit = false;
                continue;
            }
            let name = metric.map_or("capacity", Metric::name);
            match self.gate(gate, metric) {
                Some(limits) if !gates.contains_key(name) => {
                    gates.insert(name.to_owned(), limits);
                }
                Some(_) => {
                    let what = format!("`{name}` is gated twice");
                    let problem = Problem::new(Code::Conflict, key.span, what);
                    self.problems.push(problem.hint("keep one of them"));
                    is_fit = false;
                }
                None => is_fit = false,
            }
        }
        is_fit.then_some(gates)
    }

    /// Limits of one metric; `metric` is `None` for the capacity itself.
    fn gate(&mut self, raw: &model::Gate, metric: Option<Metric>) -> Option<GateLimits> {
        let keys = ["max_drop", "max_rise", "min", "max"];
        let has_none = raw.max_drop.is_none()
            && raw.max_rise.is_none()
            && raw.min.is_none()
            && raw.max.is_none();
        if has_none {
            if keys.into_iter().all(|key| raw.lacks(key)) {
                let problem = Problem::new(Code::Empty, raw.span(), "this gate has no limit");
                self.problems.push(problem.hint(format!("write one of {}", keys.join(", "))));
            }
            return None;
        }
        let drop = raw.max_drop.as_ref();
        if let Some(drop) = drop.filter(|drop| drop.value.0 >= 1.0) {
            let what = "no drop could ever exceed this `max_drop`".to_owned();
            self.out_of_range(drop.span, what, "write a share below `100%`");
            return None;
        }
        let mut limit = |given: Option<&Spanned<Amount>>| match given {
            None => Some(None),
            Some(given) => self.limit(given, metric).map(Some),
        };
        let (min, max) = (limit(raw.min.as_ref()), limit(raw.max.as_ref()));
        let (min, max) = (min?, max?);
        if let (Some(low), Some(high), Some(place)) = (min, max, &raw.min)
            && low > high
        {
            let what = "`min` is above `max`: no value could pass".to_owned();
            let second = raw.max.as_ref().map_or(place.span, |max| max.span);
            self.conflict((place.span, what), (second, "`max` is here"), "swap them");
            return None;
        }
        Some(GateLimits {
            max_drop: drop.and_then(|drop| Ratio::new(drop.value.0)),
            max_rise: raw.max_rise.as_ref().map(|rise| rise.value.0),
            min,
            max,
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
        let what = format!("`{}` is no limit for `{name}`", quantity);
        self.problems.push(
            Problem::new(Code::Quantity, given.span, what)
                .hint(format!("write for example `{example}`")),
        );
        None
    }
}
