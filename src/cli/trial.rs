//! `plimsoll trial`: one trial at one load, without a search.

use super::ExitStatus;
use super::arguments::{
    FormatOption, QuietOption, SuiteOptions, complain, duration, no_check, not_empty, runtime,
    usage,
};
use super::progress::{Progress, print, say};
use super::session::{died_at_end, launch_problem, run_problem};
use super::signal;
use crate::config::Plan;
use crate::config::plan::{CheckPlan, Knob};
use crate::report::{Problem, json, trial as text};
use crate::run::{self, Live, Observer as _, Rig as _, RunError, clock};
use crate::trial::{Evidence, Load, Patient, Purpose, TrialPlan, TrialReport, TrialResult};
use crate::units::{CONCURRENCY_MAX, KnobValue, Rate, as_f64, at_least_one};
use crate::workload::Arrivals;
use clap::{ArgGroup, Args, ValueEnum};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Shown below `--help`.
const AFTER_HELP: &str = "\
The exit code is 0 when every condition held, 1 when one did not, 3 when the trial was too small to
tell and 6 when the load generator was the limit; the others are those of `check`.";

/// `plimsoll trial`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group(ArgGroup::new("load").required(true).args(["rate", "concurrency"])))]
#[command(mut_arg("format", |arg| arg.help("What is printed at the end: text or json")))]
pub(super) struct Trial {
    /// Sessions per second, open loop
    #[arg(long, value_name = "PER_SECOND", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Sessions in flight, closed loop
    #[arg(long, value_name = "N")]
    concurrency: Option<NonZeroU32>,
    /// Length of the measured part
    #[arg(long = "for", value_name = "TIME", default_value = "10s")]
    length: String,
    /// Take the conditions of this check; by default those of the first
    #[arg(long, value_name = "CHECK")]
    check: Option<String>,
    #[command(flatten)]
    suite: SuiteOptions,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    quiet: QuietOption,
}

/// How one trial is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Sessions of a closed loop that are played to learn how many fit into the asked time.
const LEARNING_SESSIONS: u64 = 8;

impl Trial {
    pub(super) fn run(self) -> ExitStatus {
        self.suite.read().and_then(|suite| self.run_on(&suite)).unwrap_or_else(|status| status)
    }

    fn run_on(&self, suite: &Plan) -> Result<ExitStatus, ExitStatus> {
        let format = self.format.read(Format::Text)?;
        let check = self.check(suite)?;
        let length = duration("--for", &self.length)?;
        let plan = self.plan(suite, check, length)?;
        let (stop, mut progress) = (CancellationToken::new(), Progress::new(self.quiet.quiet));
        let running = async {
            tokio::select! {
                report = one(suite, &plan, length, &mut progress, &stop) => report,
                () = signal::watch(stop.clone()) => Err(ExitStatus::Interrupted),
            }
        };
        let runtime = runtime().map_err(|error| {
            usage(&format!("no event loop: {error}"), "is the machine out of memory?")
        })?;
        let report = runtime.block_on(running)?;
        let result = TrialResult::from(&report);
        let printed = print(&match format {
            Format::Text => text::render(&result),
            Format::Json => json::render(&result),
        });
        let status = match (report.is_valid(), report.evidence) {
            (false, _) => ExitStatus::Invalid,
            (true, Evidence::Met) => ExitStatus::Pass,
            (true, Evidence::Violated) => ExitStatus::Regression,
            (true, Evidence::Undecided) => ExitStatus::Inconclusive,
        };
        Ok(ExitStatus::worst(&[status, printed]))
    }

    fn check<'a>(&self, suite: &'a Plan) -> Result<&'a CheckPlan, ExitStatus> {
        let checks = &suite.checks;
        match not_empty(self.check.as_deref()) {
            Some(name) => checks.get(name).ok_or_else(|| no_check(name, suite)),
            None => checks.values().next().ok_or(ExitStatus::Usage),
        }
    }

    fn plan(
        &self,
        suite: &Plan,
        check: &CheckPlan,
        length: Duration,
    ) -> Result<TrialPlan, ExitStatus> {
        let (load, knob, count) = match (self.rate, self.concurrency) {
            (Some(rate), _) => {
                let arrivals = match check.capacity.knob {
                    Knob::Rate(arrivals) => arrivals,
                    Knob::Concurrency => Arrivals::Poisson,
                };
                let rate = Rate::per_second(rate).ok_or_else(|| {
                    usage(&format!("`--rate {rate}` is no rate"), "write a number above 0")
                })?;
                (
                    Load::Open { rate, arrivals },
                    "rate",
                    at_least_one(rate.as_per_second() * length.as_secs_f64()),
                )
            }
            (None, Some(concurrency)) if concurrency.get() > CONCURRENCY_MAX => {
                let most = format!("write a number up to {CONCURRENCY_MAX}");
                let what =
                    format!("`--concurrency {concurrency}` is more than a machine keeps open");
                return Err(usage(&what, &most));
            }
            (None, Some(concurrency)) => {
                let count = LEARNING_SESSIONS * u64::from(concurrency.get());
                (Load::Closed { concurrency }, "concurrency", count)
            }
            (None, None) => {
                return Err(usage("there is no load", "give `--rate` or `--concurrency`"));
            }
        };
        Ok(TrialPlan {
            index: 0,
            check: check.name.clone(),
            purpose: Purpose::Play,
            knob: knob.to_owned(),
            value: KnobValue::new(load.value()).ok_or(ExitStatus::Usage)?,
            load,
            seed: suite.seed,
            cut: 0,
            count,
            slos: check.slos.iter().map(|slo| slo.slo.clone()).collect(),
            time_limit: length + suite.target.timeouts.total,
            request_limit: suite.budget.requests,
        })
    }
}

/// Starts the target, plays the trial, stops the target.
async fn one(
    suite: &Plan,
    plan: &TrialPlan,
    length: Duration,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> Result<TrialReport, ExitStatus> {
    let began = Instant::now();
    let folder = tempfile::tempdir()
        .map_err(|error| usage(&format!("no temporary folder: {error}"), "is the disk full?"))?;
    let program = std::env::current_exe().map_err(|error| {
        usage(&format!("cannot find our own program: {error}"), "start it by its path")
    })?;
    let log = folder.path().join("target.log");
    let launched = run::launch(suite, &program, &log, stop).await;
    let mut launched = launched.map_err(|error| failed(&launch_problem(&error)))?;
    progress.started(plan);
    let nonce = clock::nonce(clock::now());
    let played = {
        let running = launched.running.as_mut();
        let mut rig =
            Live::new(suite, launched.base_url.clone(), nonce, running, stop.clone(), began);
        play(&mut rig, plan, length, progress).await
    };
    progress.finish();
    let died = match launched.running.take() {
        Some(running) => died_at_end(&running.stop().await),
        None => None,
    };
    let report = played.map_err(|error| failed(&run_problem(&error)))?;
    died.map_or(Ok(report), |problem| Err(failed(&problem)))
}

fn failed(problem: &Problem) -> ExitStatus {
    complain(&problem.text, None);
    problem.last_lines.iter().for_each(|line| say(&format!("  | {line}")));
    ExitStatus::from_code(problem.code.exit_code())
}

/// In closed loop a short play first tells how many sessions fit into the asked time.
async fn play(
    rig: &mut Live<'_>,
    plan: &TrialPlan,
    length: Duration,
    progress: &mut Progress,
) -> Result<TrialReport, RunError> {
    let mut plan = plan.clone();
    if matches!(plan.load, Load::Closed { .. }) {
        let first =
            rig.run_trial(&plan, &mut Patient, &mut |window| progress.window(window)).await?;
        let per_s = to_per_s(&first);
        plan.cut = plan.count.min(2 * at_least_one(plan.value.get()));
        plan.count = at_least_one(per_s * length.as_secs_f64()).max(plan.count);
        plan.index += 1;
    }
    rig.run_trial(&plan, &mut Patient, &mut |window| progress.window(window)).await
}

/// Sessions per second of a trial.
fn to_per_s(trial: &TrialReport) -> f64 {
    as_f64(trial.plan.count) / trial.elapsed.as_secs_f64().clamp(1e-3, f64::MAX)
}
