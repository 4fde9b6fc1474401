//! `plimsoll compare`.

use super::ExitStatus;
use super::arguments::{GateOptions, RunOptions, Suite, complain, usage};
use super::conclude::{Judged, conclude, run_session};
use super::git;
use crate::baseline::{self, Baseline, Fingerprint, Loaded};
use crate::check::Aim;
use crate::config::plan::{CheckPlan, Method, TargetSource};
use crate::config::read;
use crate::gate::judge_pair;
use crate::run::chosen;
use clap::Args;
use std::path::Path;

/// `plimsoll compare`.
#[derive(Debug, Args)]
#[command(after_help = super::outcome::EXIT_CODES_HELP)]
pub(super) struct Compare {
    /// Base URL of what there was before; without URLs the suite's `base` is compared with its
    /// `target`, and both are started
    #[arg(value_name = "BASE_URL", requires = "head")]
    base: Option<String>,
    /// Base URL of what is to replace it
    #[arg(value_name = "HEAD_URL")]
    head: Option<String>,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    gate: GateOptions,
}

impl Compare {
    pub(super) fn run(self) -> ExitStatus {
        match self.compare() {
            Ok(status) | Err(status) => status,
        }
    }

    fn compare(&self) -> Result<ExitStatus, ExitStatus> {
        let mut suite = self.run.read()?;
        if let Some((base, head)) = self.base.as_deref().zip(self.head.as_deref()) {
            let (base, head) = (source(base)?, source(head)?);
            suite.plan.resolved.insert_str(0, &played(&base, &head));
            (suite.plan.base, suite.plan.target.source) = (Some(base), head);
        }
        let Some(base) = suite.plan.base.clone() else {
            return Err(usage(
                "there is nothing to compare the target with",
                "name both: `plimsoll compare BASE_URL HEAD_URL`, or add `base: { … }` to the suite",
            ));
        };
        if let Some(exact) = chosen(&suite.plan, &suite.only).find(is_exact) {
            return Err(usage(
                &format!(
                    "`{}` cannot be compared: two noisy capacities are never equal",
                    exact.name
                ),
                "let `max_drop` be above 0% and `method` be `posterior`, or name the other checks \
                 with `--only`",
            ));
        }
        let fail_on = self.gate.fail_on(&suite.plan)?;
        let path = Baseline::path(self.gate.baselines.path(), &suite.plan.suite);
        let hints = baseline::load(&path, &suite.plan.suite);
        let aim = |check: &str, _: &Fingerprint, _| aim(&suite, &hints, check);
        let session = run_session(&suite, &aim, None, Some(&base))?;
        let judged = Judged {
            verb: "compare",
            verdict: Some(judge_pair(&suite.plan, suite.selected(), &session.findings())),
            baseline: None,
            folder: "",
            fail_on: &fail_on,
            candidate: None,
            refusals: Vec::new(),
            commit: git::head(),
        };
        Ok(conclude(&suite, &session, &judged))
    }
}

/// The order of magnitude is the same on any machine: a baseline spares the search for it.
fn aim(suite: &Suite, hints: &Loaded, check: &str) -> Aim {
    let prior = hints.baseline().and_then(|baseline| baseline.prior(&suite.plan, check));
    Aim::Compare(prior.map(|prior| prior.value))
}

/// Whether a check has no room for noise.
fn is_exact(check: &&CheckPlan) -> bool {
    let drop = check.gates.get("capacity").and_then(|limits| limits.max_drop);
    check.capacity.method == Method::Bisect || drop.is_some_and(|drop| drop.get() <= 0.0)
}

/// A URL of the command line, by the rules of the suite.
fn source(url: &str) -> Result<TargetSource, ExitStatus> {
    const SUITE: &str = "\
version: 1
suite: compare
target: { model: any }
checks: { rate: { capacity: { knob: rate, from: 1, to: 2 }, slos: [p99 ttfc < 1s] } }
";
    let set = format!("target.url='{}'", url.trim().replace('\'', "''"));
    match read(Path::new("plimsoll.yml"), SUITE, &[set], &|_| None) {
        Ok(plan) => Ok(plan.target.source),
        Err(invalid) => {
            complain(&invalid.problems.render(&invalid.source_text, false), None);
            Err(usage(
                &format!("`{url}` is no base URL"),
                "write for example `http://127.0.0.1:8000`",
            ))
        }
    }
}

/// What `config.yml` of the run says beside the suite.
fn played(base: &TargetSource, head: &TargetSource) -> String {
    let url = |source: &TargetSource| match source {
        TargetSource::Url(url) => url.clone(),
        TargetSource::Managed(_) | TargetSource::Demo(_) => String::new(),
    };
    format!("# by the command line: base {}, target {}\n", url(base), url(head))
}
