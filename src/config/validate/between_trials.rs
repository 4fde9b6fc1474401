//! `between_trials`: what becomes of the state that a trial leaves in the target.

use super::Context;
use crate::config::decode::Spanned;
use crate::config::model::BetweenTrials as Raw;
use crate::config::plan::{BetweenTrials, TargetPlan, TargetSource};
use crate::config::problem::Code;

impl Context<'_> {
    pub(super) fn between_trials(
        &mut self,
        raw: &Spanned<Raw>,
        target: Option<&TargetPlan>,
    ) -> BetweenTrials {
        match &raw.value {
            Raw::Keep => BetweenTrials::Keep,
            Raw::Restart => {
                if target.is_some_and(|target| matches!(target.source, TargetSource::Url(_))) {
                    let what = "a target with `url` cannot be restarted: we did not start it";
                    let hint = "give the target a `command`, or write `{ reset: \"POST /path\" }`";
                    self.refuse(Code::Conflict, raw.span, what, hint);
                }
                BetweenTrials::Restart
            }
            Raw::Reset(request) => self.reset(request),
        }
    }

    fn reset(&mut self, request: &Spanned<String>) -> BetweenTrials {
        let part = |value: &str| Spanned { value: value.to_owned(), span: request.span };
        let Some((method, path)) = request.value.trim().split_once(' ') else {
            let hint = "write method and path: `reset: \"POST /reset\"`";
            self.refuse(Code::Http, request.span, "`reset` is no request", hint);
            return BetweenTrials::default();
        };
        self.method(&part(method));
        let path = self.path(&part(path.trim_start()), "reset");
        BetweenTrials::Reset { method: method.to_owned(), path }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{edited, shown};
    use crate::config::plan::BetweenTrials;
    use crate::config::problem::Code;
    use crate::config::validate::read;
    use std::path::Path;

    fn between(target: &str, given: &str) -> Result<BetweenTrials, Vec<Code>> {
        let text = format!(
            "version: 1\nsuite: chat\ntarget: {{ {target}, model: m }}\nchecks: {{ r: {{ \
             capacity: {{ knob: rate, from: 1{given} }}, slos: [\"p99 ttfc < 1s\"] }} }}\n"
        );
        read(Path::new("chat.yml"), &text, &[], &|_| None)
            .map(|plan| plan.checks["r"].capacity.between_trials.clone())
            .map_err(|invalid| invalid.problems.iter().map(|problem| problem.code).collect())
    }

    #[test]
    fn what_is_done_between_trials_is_read_and_checked() {
        let (url, demo) = ("url: \"http://a\"", "demo: { profile: llm }");
        let command = "command: [./server, \"{port}\"]";
        let reset =
            |path: &str| BetweenTrials::Reset { method: "POST".to_owned(), path: path.to_owned() };
        for (target, given, expected) in [
            (url, "", BetweenTrials::Keep),
            (url, ", between_trials: keep", BetweenTrials::Keep),
            (command, ", between_trials: restart", BetweenTrials::Restart),
            (demo, ", between_trials: restart", BetweenTrials::Restart),
            (url, ", between_trials: { reset: POST /reset }", reset("/reset")),
            (demo, ", between_trials: { reset: \"POST   /a?b=1\" }", reset("/a?b=1")),
        ] {
            assert_eq!(between(target, given), Ok(expected), "{target}{given}");
        }
        for (target, given, code) in [
            (url, ", between_trials: restart", Code::Conflict),
            (url, ", between_trials: restrat", Code::UnknownValue),
            (url, ", between_trials: { rest: POST /a }", Code::UnknownKey),
            (url, ", between_trials: {}", Code::Conflict),
            (url, ", between_trials: { reset: /reset }", Code::Http),
            (url, ", between_trials: { reset: POST reset }", Code::Http),
            (url, ", between_trials: { reset: post /reset }", Code::Http),
            (url, ", between_trials: { reset: [] }", Code::WrongType),
        ] {
            let codes = between(target, given).unwrap_err();
            assert!(codes.contains(&code), "{given}: {codes:?}");
        }
    }

    #[test]
    fn a_restart_of_what_we_did_not_start_reads_well() {
        let command = "command: [./server, --port, \"{port}\"]";
        let text = edited(command, "url: http://a");
        let text = text.replace("to: 9", "to: 9, between_trials: restart");
        insta::assert_snapshot!(shown(&text, &[]), @r##"
        error[config/conflict]: a target with `url` cannot be restarted: we did not start it
          --> plimsoll.yml:11:61
           |
        11 |     capacity: { knob: rate, from: 1, to: 9, between_trials: restart }
           |                                                             ^^^^^^^
           |
           = help: give the target a `command`, or write `{ reset: "POST /path" }`
        "##);
    }
}
