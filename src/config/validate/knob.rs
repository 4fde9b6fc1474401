//! `knob`: what is varied, the load while something else is, and whether the request has it.

#[cfg(test)]
mod tests;

use super::Context;
use super::check::{KNOB_MAX, Measured};
use crate::config::decode::Spanned;
use crate::config::model::{self, Arrivals as RawArrivals, Knob as RawKnob, KnobName};
use crate::config::plan::{Api, FixedLoad, Knob, TargetPlan};
use crate::config::problem::{Code, quoted};
use crate::config::source::Span;
use crate::units::{CONCURRENCY_MAX, Rate};
use crate::workload::{Arrivals, Dial};
use secrecy::ExposeSecret;
use std::num::NonZeroU32;

/// What `{…}` already means in a request.
const VARIABLES: [&str; 10] = [
    "session",
    "turn",
    "request",
    "salt",
    "prompt",
    "prompt_tokens",
    "output_tokens",
    "item",
    "items",
    "item_count",
];

/// Most tokens of a turn, turns of a session, items of a request, and the largest parameter: a trial
/// must still fit into memory.
fn dial_max(dial: &Dial) -> f64 {
    match dial {
        Dial::PromptTokens | Dial::OutputTokens => 10_000_000.0,
        Dial::Turns => 10_000.0,
        Dial::Items => 100_000.0,
        Dial::Parameter(_) => 1_000_000_000.0,
    }
}

/// Largest value of a knob.
pub(super) fn knob_max(knob: Option<&Knob>) -> f64 {
    match knob {
        None | Some(Knob::Rate(_)) => KNOB_MAX,
        Some(Knob::Concurrency) => f64::from(CONCURRENCY_MAX),
        Some(Knob::Dial(dial, _)) => dial_max(dial),
    }
}

impl Context<'_> {
    pub(super) fn knob(&mut self, raw: &model::Capacity, measured: &Measured<'_>) -> Option<Knob> {
        let hint = "write `knob: rate` or `knob: concurrency`";
        let knob = self.required(raw, raw.knob.as_ref(), "knob", hint)?;
        if let Some(target) = measured.target {
            self.other_parameters(knob, target, measured);
        }
        let dial = match &knob.value {
            RawKnob::Named(KnobName::Rate) => {
                self.varied_load(raw, knob.span, "rate");
                let arrivals = raw.arrivals.as_ref();
                let arrivals =
                    arrivals.map_or(Some(Arrivals::Poisson), |a| self.arrivals(&a.value));
                return arrivals.map(Knob::Rate);
            }
            RawKnob::Named(KnobName::Concurrency) => {
                self.varied_load(raw, knob.span, "concurrency");
                let hint = "take it out, or write `knob: rate`";
                return self.no_arrivals(raw, knob.span, hint).map(|()| Knob::Concurrency);
            }
            RawKnob::Named(KnobName::PromptTokens) => Dial::PromptTokens,
            RawKnob::Named(KnobName::OutputTokens) => Dial::OutputTokens,
            RawKnob::Named(KnobName::Turns) => Dial::Turns,
            RawKnob::Named(KnobName::Items) => Dial::Items,
            RawKnob::Parameter(name) => Dial::Parameter(self.parameter(name)?.into()),
        };
        let load = self.fixed_load(raw, knob.span);
        if let Some(target) = measured.target {
            self.turns_something(&dial, knob.span, target);
        }
        Some(Knob::Dial(dial, load?))
    }

    /// A load beside a knob that is the load.
    fn varied_load(&mut self, raw: &model::Capacity, knob: Span, name: &str) {
        let rate = raw.rate.as_ref().map(|rate| ("rate", rate.span));
        let concurrency = raw.concurrency.as_ref().map(|given| ("concurrency", given.span));
        for (key, span) in [rate, concurrency].into_iter().flatten() {
            let what = format!("`{key}` fixes the load, and `knob: {name}` varies it");
            let hint = "take it out, or vary something else: `knob: prompt_tokens`";
            self.conflict((span, what), (knob, "the load is varied"), hint);
        }
    }

    fn no_arrivals(&mut self, raw: &model::Capacity, closed: Span, hint: &str) -> Option<()> {
        let Some(arrivals) = &raw.arrivals else { return Some(()) };
        let what = "`arrivals` means nothing in closed loop";
        self.conflict((arrivals.span, what), (closed, "closed loop"), hint);
        None
    }

    fn fixed_load(&mut self, raw: &model::Capacity, knob: Span) -> Option<FixedLoad> {
        if let (Some(rate), Some(concurrency)) = (&raw.rate, &raw.concurrency) {
            let what = "`rate` and `concurrency` are two loads";
            let second = (concurrency.span, "closed loop");
            self.conflict((rate.span, what), second, "keep the one that is to be offered");
            return None;
        }
        if let Some(rate) = &raw.rate {
            let per_s = self.number(Some(rate), "rate", 1.0, (0.0, KNOB_MAX));
            let arrivals = raw.arrivals.as_ref();
            let arrivals = arrivals.map_or(Some(Arrivals::Poisson), |a| self.arrivals(&a.value));
            return Some(FixedLoad::Rate(Rate::per_second(per_s?)?, arrivals?));
        }
        let span = raw.concurrency.as_ref().map_or(knob, |given| given.span);
        self.no_arrivals(raw, span, "take it out, or write `rate: 10`")?;
        let given = raw.concurrency.as_ref();
        if let Some(given) = given.filter(|given| !(1..=CONCURRENCY_MAX).contains(&given.value)) {
            let hint = format!("write a number from 1 to {CONCURRENCY_MAX}");
            self.out_of_range(given.span, "`concurrency` is out of range", hint);
            return None;
        }
        let sessions = given.and_then(|given| NonZeroU32::new(given.value));
        Some(FixedLoad::Concurrency(sessions.unwrap_or(NonZeroU32::MIN)))
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

    /// The name of a parameter: it must be told apart from what stands in requests and reports anyway.
    fn parameter(&mut self, name: &Spanned<String>) -> Option<String> {
        let text = &name.value;
        let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if text.is_empty() || text.len() > 64 || !text.chars().all(is_fit) {
            let what = format!("{} cannot be the name of a parameter", quoted(text));
            self.refuse(Code::Name, name.span, what, "use up to 64 letters, digits and `_`");
            return None;
        }
        let mut knobs = KnobName::ALL.iter().map(|(_, knob)| *knob);
        if VARIABLES.contains(&text.as_str()) || knobs.any(|knob| knob == text) {
            let what = format!("{} has a meaning of its own", quoted(text));
            self.refuse(Code::Name, name.span, what, "give the parameter another name");
            return None;
        }
        Some(text.clone())
    }

    /// A knob that no request depends on: every value would hold, or none.
    fn turns_something(&mut self, dial: &Dial, span: Span, target: &TargetPlan) {
        let uses = |name: &str| uses(target, name);
        let hint = match (dial, &target.api) {
            (Dial::Turns, _)
            | (Dial::PromptTokens | Dial::OutputTokens, Api::OpenAiChat { .. }) => return,
            (Dial::PromptTokens, Api::Http(_)) if uses("prompt") || uses("prompt_tokens") => return,
            (Dial::OutputTokens, Api::Http(_)) if uses("output_tokens") => return,
            (Dial::Items, Api::Http(_)) if uses("items") || uses("item_count") => return,
            (Dial::Parameter(name), _) if uses(name) => return,
            (Dial::PromptTokens, Api::Http(_)) => {
                "write `{prompt}` or `{prompt_tokens}` into `target.request`".to_owned()
            }
            (Dial::OutputTokens, Api::Http(_)) => {
                "write `{output_tokens}` into `target.request`".to_owned()
            }
            (Dial::Items, Api::Http(_)) => {
                "write `{items}` into `target.request.body`, and `item: '{\"id\": {item}}'` beside it"
                    .to_owned()
            }
            (Dial::Items, Api::OpenAiChat { .. }) => {
                "items are of `api: http`; a chat has `turns` and `prompt_tokens`".to_owned()
            }
            (Dial::Parameter(name), Api::Http(_)) => {
                format!("write `{{{name}}}` into the path, a header or the body of the request")
            }
            (Dial::Parameter(name), Api::OpenAiChat { .. }) => {
                format!("write it into `target.extra`: `{name}: \"{{{name}}}\"`")
            }
        };
        let what = format!("no request has `{}`: the knob would turn nothing", dial.name());
        self.refuse(Code::Conflict, span, what, hint);
    }

    /// A variable in the request to which only another check gives a value.
    fn other_parameters(
        &mut self,
        knob: &Spanned<RawKnob>,
        target: &TargetPlan,
        measured: &Measured<'_>,
    ) {
        let own = match &knob.value {
            RawKnob::Parameter(name) => Some(&name.value),
            RawKnob::Named(_) => None,
        };
        for name in measured.parameters.iter().filter(|name| Some(*name) != own) {
            if VARIABLES.contains(&name.as_str()) || !uses(target, name) {
                continue;
            }
            let what = format!("this check gives `{{{name}}}` in the request no value");
            let hint = format!("write a suite of its own for the check that varies `{name}`");
            self.refuse(Code::Conflict, knob.span, what, hint);
        }
    }

    /// The items of a request, put into it.
    pub(super) fn items(&mut self, raw: &model::Suite, mut target: TargetPlan) -> TargetPlan {
        let given = raw.workload.as_ref().and_then(|raw| raw.items_per_request.as_ref());
        let most = dial_max(&Dial::Items);
        match (&mut target.api, given) {
            (_, Some(given)) if given.value == 0 || f64::from(given.value) > most => {
                let what = "`items_per_request` is out of range";
                self.out_of_range(given.span, what, format!("write a number from 1 to {most}"));
            }
            (Api::OpenAiChat { .. }, Some(given)) => {
                let what = "`items_per_request` is only for `api: http`";
                self.refuse(Code::Conflict, given.span, what, "take it out: it would do nothing");
            }
            (Api::Http(request), Some(given)) => request.items_per_request = given.value,
            (_, None) => {}
        }
        let item = raw.target.as_ref().and_then(|raw| raw.request.as_ref()?.item.as_ref());
        if let (Api::Http(request), Some(item)) = (&target.api, item)
            && !request.body.as_ref().is_some_and(|body| body.contains("{items}"))
        {
            let what = "no body holds `{items}`: this `item` would never be sent";
            self.refuse(Code::Conflict, item.span, what, "write `body: '[{items}]'`");
        }
        target
    }

    /// What `knob: { parameter: … }` of all checks names.
    pub(super) fn parameters(raw: &model::Suite) -> Vec<String> {
        let checks = raw.checks.iter().flat_map(|checks| &checks.entries);
        checks
            .filter_map(|(_, check)| match &check.capacity.as_ref()?.knob.as_ref()?.value {
                RawKnob::Parameter(name) => Some(name.value.clone()),
                RawKnob::Named(_) => None,
            })
            .collect()
    }
}

/// Whether a request to `target` holds the variable `name`.
pub(super) fn uses(target: &TargetPlan, name: &str) -> bool {
    let variable = format!("{{{name}}}");
    let in_headers =
        || target.headers.iter().any(|(_, value)| value.expose_secret().contains(&variable));
    match &target.api {
        Api::OpenAiChat { extra, .. } => {
            extra.values().any(|value| holds(value, &variable)) || in_headers()
        }
        Api::Http(request) => {
            let body = request.body.as_deref().unwrap_or_default();
            let item = request.item.as_deref();
            let in_line = || request.path.contains(&variable) || body.contains(&variable);
            match name {
                "items" => item.is_some() && in_line(),
                "item_count" => in_line(),
                _ => in_line() || item.is_some_and(|item| item.contains(&variable)) || in_headers(),
            }
        }
    }
}

/// Whether a value, or one in it, is the variable and nothing else.
fn holds(value: &serde_json::Value, variable: &str) -> bool {
    match value {
        serde_json::Value::String(text) => text == variable,
        serde_json::Value::Array(values) => values.iter().any(|value| holds(value, variable)),
        serde_json::Value::Object(values) => values.values().any(|value| holds(value, variable)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            false
        }
    }
}
