//! `slos`: the conditions of a check.

use super::Context;
use crate::config::decode::{List, Spanned};
use crate::config::plan::{Api, SloPlan, TargetPlan};
use crate::config::problem::{Code, Problem};
use crate::slo::{Metric, Slo};

/// Condition of a check that bounds no kind of failure: a server that sheds everything would
/// otherwise have no limit.
const FAILURE_BOUND: &str = "error_rate < 1%";

impl Context<'_> {
    pub(super) fn slos(
        &mut self,
        raw: &List<Spanned<String>>,
        target: Option<&TargetPlan>,
    ) -> Option<Vec<SloPlan>> {
        if raw.items.is_empty() {
            self.problems.push(
                Problem::new(Code::Empty, raw.span, "`slos` is empty: everything would be allowed")
                    .hint("write what must hold: `slos: [\"p99 ttfc < 500ms\"]`"),
            );
            return None;
        }
        let mut plans: Vec<SloPlan> = Vec::new();
        let mut is_fit = true;
        for text in &raw.items {
            match self.slo(text, target) {
                Some(slo) if plans.iter().any(|plan| plan.slo == slo) => {
                    let what = format!("`{slo}` is there twice");
                    let problem = Problem::new(Code::Conflict, text.span, what);
                    self.problems.push(problem.hint("keep one of them"));
                    is_fit = false;
                }
                Some(slo) => plans.push(SloPlan { slo, line: Some(text.span.line) }),
                None => is_fit = false,
            }
        }
        if is_fit && !plans.iter().any(|plan| plan.slo.bounds_failures()) {
            plans.push(SloPlan { slo: Slo::parse(FAILURE_BOUND).ok()?, line: None });
        }
        is_fit.then_some(plans)
    }

    fn slo(&mut self, text: &Spanned<String>, target: Option<&TargetPlan>) -> Option<Slo> {
        let slo = match Slo::parse(&text.value) {
            Ok(slo) => slo,
            Err(error) => {
                let part = text.value.get(error.span.clone()).unwrap_or_default();
                let start = error.span.start + part.len() - part.trim_start().len();
                let span =
                    self.source.within(text.span, &text.value, start..error.span.end.max(start));
                self.problems.push(Problem::new(Code::Slo, span, error.what).hint(error.hint));
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
            self.problems.push(
                Problem::new(Code::Slo, text.span, what)
                    .hint("bound `ttfc` or `e2e` instead: a plain answer comes in one piece"),
            );
            return None;
        }
        Some(slo)
    }
}
