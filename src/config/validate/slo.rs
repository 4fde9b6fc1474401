//! `slos`: the conditions of a check.

use super::Context;
use crate::config::decode::{List, Spanned};
use crate::config::plan::{Api, SloPlan, TargetPlan};
use crate::config::problem::Code;
use crate::slo::{Metric, Rule, Slo};
use crate::units::{SESSIONS_MAX, as_f64};

/// Condition of a check that bounds no kind of failure: a server that sheds everything would
/// otherwise have no limit.
const FAILURE_BOUND: &str = "error_rate < 1%";

impl Context<'_> {
    pub(super) fn slos(
        &mut self,
        raw: &List<Spanned<String>>,
        target: Option<&TargetPlan>,
    ) -> Vec<SloPlan> {
        if raw.items.is_empty() {
            let hint = "write what must hold: `slos: [\"p99 ttfc < 500ms\"]`";
            self.refuse(
                Code::Empty,
                raw.span,
                "`slos` is empty: everything would be allowed",
                hint,
            );
        }
        let mut plans: Vec<SloPlan> = Vec::new();
        for text in &raw.items {
            let Some(slo) = self.slo(text, target) else { continue };
            if plans.iter().any(|plan| plan.slo == slo) {
                let what = format!("`{slo}` is there twice");
                self.refuse(Code::Conflict, text.span, what, "keep one of them");
            }
            plans.push(SloPlan { slo, line: Some(text.span.line) });
        }
        if !plans.iter().any(|plan| plan.slo.bounds_failures()) {
            let bound = Slo::parse(FAILURE_BOUND).ok();
            plans.extend(bound.map(|slo| SloPlan { slo, line: None }));
        }
        plans
    }

    fn slo(&mut self, text: &Spanned<String>, target: Option<&TargetPlan>) -> Option<Slo> {
        let slo = match Slo::parse(&text.value) {
            Ok(slo) => slo,
            Err(error) => {
                let part = text.value.get(error.span.clone()).unwrap_or_default();
                let start = error.span.start + part.len() - part.trim_start().len();
                let span =
                    self.source.within(text.span, &text.value, start..error.span.end.max(start));
                self.refuse(Code::Slo, span, error.what, error.hint);
                return None;
            }
        };
        let needs_stream = matches!(slo.metric, Metric::Tbc | Metric::Tpot | Metric::TtftAnswer);
        let is_plain = |api: &Api| match api {
            Api::OpenAiChat { stream, .. } => !stream,
            Api::Http(_) => true,
        };
        if needs_stream && target.is_some_and(|target| is_plain(&target.api)) {
            let what = format!("`{}` needs a streamed answer", slo.metric.name());
            let hint = "bound `ttfc` or `e2e` instead: a plain answer comes in one piece";
            self.refuse(Code::Slo, text.span, what, hint);
            return None;
        }
        if let Rule::Share { allowed, .. } = slo.rule()
            && allowed.get() > 0.0
            && (1.0 / allowed.get()).round() > as_f64(SESSIONS_MAX / 2)
        {
            let what = format!("`{slo}` is decided by more requests than a trial may have");
            let hint = "allow a larger share: `p99.999`, or `error_rate < 0.001%`";
            self.refuse(Code::Slo, text.span, what, hint);
            return None;
        }
        Some(slo)
    }
}
