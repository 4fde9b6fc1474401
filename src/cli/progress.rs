//! What a person sees while it runs: on standard error, never from the load loop.

use super::ExitStatus;
use crate::run::Observer;
use crate::slo::Rule;
use crate::trial::{Ended, Evidence, Purpose, Side, SloResult, TrialPlan, TrialReport, Window};
use crate::units::inert;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write as _;
use std::time::Duration;

/// Prints data to standard output. Who has read enough is no failure; a full disk is one.
pub(super) fn print(text: &str) -> ExitStatus {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            say(&format!("error: cannot write to standard output: {error}"));
            ExitStatus::Usage
        }
        Ok(()) | Err(_) => ExitStatus::Pass,
    }
}

/// Prints a line to standard error.
pub(super) fn say(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", inert(line));
}

/// Tells the CI system something by a command of its own.
pub(super) fn command(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// One line per trial, and on a terminal the running one.
pub(super) struct Progress {
    quiet: bool,
    bar: ProgressBar,
    running: String,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        Self { quiet, bar, running: String::new() }
    }

    /// A line that stays.
    pub(super) fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(text));
        }
    }

    /// What is going on now; only on a terminal.
    pub(super) fn now(&self, text: &str) {
        self.bar.set_message(text.to_owned());
        self.bar.tick();
    }

    /// Takes the running line away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn started(&mut self, plan: &TrialPlan) {
        self.running = format!(
            "{} trial {}: {} {}",
            plan.check,
            plan.index + 1,
            plan.knob,
            short(plan.value.get())
        );
        self.now(&self.running);
    }

    fn window(&mut self, window: &Window) {
        let text = format!(
            "{}, {} s, {} ok, {} not ok, {} in flight",
            self.running,
            window.index + 1,
            window.ok,
            window.not_ok,
            window.in_flight
        );
        self.now(&text);
    }

    fn ended(&mut self, trial: &TrialReport) {
        self.line(&line_of(trial));
    }
}

fn line_of(trial: &TrialReport) -> String {
    let what = match trial.plan.purpose {
        Purpose::Probe => "probe",
        Purpose::Play | Purpose::Anchor | Purpose::Above => "trial",
    };
    let side = match trial.plan.side {
        Side::Only => "",
        Side::Base => "base ",
        Side::Head => "head ",
    };
    let word = match (trial.is_valid(), trial.evidence, trial.ended) {
        (false, ..) => "invalid",
        (true, Evidence::Violated, Ended::Overload) => "overloaded",
        (true, Evidence::Violated, _) => "violated",
        (true, Evidence::Met, _) => "met",
        (true, Evidence::Undecided, _) => "undecided",
    };
    let mut line = format!(
        "  {} {side}{what} {:>2}  {} {:>7}  {word:<10} {:>5.1} s  {} requests",
        trial.plan.check,
        trial.plan.index + 1,
        trial.plan.knob,
        short(trial.plan.value.get()),
        trial.elapsed.as_secs_f64(),
        trial.counts.ended(),
    );
    if let Some(reason) = trial.health.invalid.first() {
        line.push_str(&format!("  {reason}"));
    } else if let Some(tightest) = tightest(trial) {
        line.push_str(&format!("  {tightest}"));
    }
    line
}

/// The condition that is nearest to its limit, or furthest beyond it.
fn tightest(trial: &TrialReport) -> Option<String> {
    let used = |result: &SloResult| match result.slo.rule() {
        Rule::Share { allowed, .. } if allowed.get() > 0.0 && result.tally.n > 0 => {
            crate::units::share(result.tally.not_good, result.tally.n) / allowed.get()
        }
        Rule::Share { .. } | Rule::Number => 0.0,
    };
    let worst = trial.slos.iter().max_by(|a, b| used(a).total_cmp(&used(b)))?;
    let seen = match (worst.observed, worst.slo.latency_limit()) {
        (Some(seconds), Some(_)) => format!("{:.0} ms", seconds * 1e3),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "beyond".to_owned(),
    };
    Some(format!("{} ({seen}; {} of {} not good)", worst.slo, worst.tally.not_good, worst.tally.n))
}

/// Three significant digits are enough to tell loads apart.
pub(super) fn short(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// A length of time as a person says it.
pub(super) fn spoken(length: Duration) -> String {
    match length.as_secs_f64() {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds => format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0),
    }
}
