//! What the verb does: reads, plays, prints.

use super::direct::{Places, direct, shown};
use super::offer::Offered;
use super::options::{Format, Trial};
use super::play::Playing;
use crate::cli::ExitStatus;
use crate::cli::arguments::{chain, complain, no_check, not_empty, runtime, usage};
use crate::cli::progress::{Progress, print};
use crate::cli::signal;
use crate::config::Plan;
use crate::config::plan::CheckPlan;
use crate::report::{json, trial as text};
use crate::run::{TraceFile, TraceHead};
use crate::trial::{TrialOutput, TrialReport};
use tokio_util::sync::CancellationToken;

impl Trial {
    pub(in crate::cli) fn run(self) -> ExitStatus {
        self.measure().unwrap_or_else(|status| status)
    }

    fn measure(&self) -> Result<ExitStatus, ExitStatus> {
        let format = self.format.read(Format::Text)?;
        let (suite, places) = self.subject()?;
        let check = self.conditions(&suite)?;
        let offered = self.offer.plan(&suite, check)?;
        let cpus = self.offer.cpus.read()?;
        let mut trace = self.trace(&offered)?;
        let (stop, mut progress) = (CancellationToken::new(), Progress::new(self.quiet.quiet));
        let playing = Playing {
            suite: &suite,
            places: &places,
            offered: &offered,
            cpus,
            workers: self.offer.workers,
            trace: trace.as_mut(),
            progress: &mut progress,
            stop: &stop,
        };
        let running = async {
            tokio::select! {
                report = playing.play() => report,
                () = signal::watch(stop.clone()) => Err(ExitStatus::Interrupted),
            }
        };
        let runtime = runtime().map_err(|error| {
            usage(&format!("no event loop: {error}"), "is the machine out of memory?")
        })?;
        let played = runtime.block_on(running);
        let traced = match trace.map_or(Ok(()), TraceFile::finish) {
            Ok(()) => ExitStatus::Pass,
            Err(error) => {
                complain(&chain(&error), Some("make room, or name another file with `--trace`"));
                ExitStatus::Usage
            }
        };
        let report = played.map_err(|status| ExitStatus::worst(&[status, traced]))?;
        let status = told(&report, check, format);
        Ok(ExitStatus::worst(&[status, traced]))
    }

    /// The suite, or what stands for it; with URLs also all of them.
    fn subject(&self) -> Result<(Plan, Places), ExitStatus> {
        if self.urls.is_empty() {
            return Ok((self.suite.read()?, Places::default()));
        }
        if let Some(option) = self.suite.given() {
            let what = format!("`{option}` has no meaning beside a URL: no suite is read");
            return Err(usage(&what, "take one of them out"));
        }
        let direct = direct(&self.urls, &self.request)?;
        Ok((direct.plan, direct.places))
    }

    fn conditions<'a>(&self, suite: &'a Plan) -> Result<&'a CheckPlan, ExitStatus> {
        let checks = &suite.checks;
        match not_empty(self.check.as_deref()) {
            Some(name) => checks.get(name).ok_or_else(|| no_check(name, suite)),
            None => checks.values().next().ok_or(ExitStatus::Usage),
        }
    }

    /// The file for the trace, if one is wanted and can be written.
    fn trace(&self, offered: &Offered) -> Result<Option<TraceFile>, ExitStatus> {
        let Some(path) = &self.offer.trace else { return Ok(None) };
        let target = self.urls.iter().map(|url| shown(url)).collect();
        let head = TraceHead { target, load: offered.plan.load };
        TraceFile::create(path, head).map(Some).map_err(|error| {
            usage(&chain(&error), "name another file with `--trace`, or make room")
        })
    }
}

/// Prints the result; what follows from it.
fn told(report: &TrialReport, check: &CheckPlan, format: Format) -> ExitStatus {
    let added = check.slos.iter().filter(|slo| slo.line.is_none());
    let added: Vec<String> = added.map(|slo| slo.slo.to_string()).collect();
    let result = TrialOutput::from(report);
    let page = text::Page {
        trial: &result.trial,
        windows: &crate::trial::windows_of(&report.windows, text::LINES_MAX),
        built_in: &added,
    };
    let printed = print(&match format {
        Format::Text => text::render(&page),
        Format::Json => json::render(&result),
    });
    let status = match page.standing() {
        text::Standing::Pass => ExitStatus::Pass,
        text::Standing::Fail => ExitStatus::Regression,
        text::Standing::Inconclusive => ExitStatus::Inconclusive,
        text::Standing::Invalid => ExitStatus::Invalid,
    };
    ExitStatus::worst(&[status, printed])
}
