//! Options that several verbs share, and what they mean.

use super::ExitStatus;
use super::client_cpus::ClientCpusOption;
use super::format::{Format, FormatOption};
use super::outcome::ExitCodes;
use super::progress::say;
use crate::config::plan::FailOn;
use crate::config::{LoadError, Plan, environment, load, redacted};
use crate::publish::Workflow;
use crate::report::Templates;
use crate::run::Only;
use crate::units::{Quantity, one_line};
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Which CI system the run talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    /// `github` inside GitHub Actions, else `none`
    Auto,
    /// Write outputs and the job summary of GitHub Actions
    Github,
    /// None
    None,
}

/// Which suite, and how it is changed from outside. An empty environment variable counts as not set.
#[derive(Debug, Args)]
pub(super) struct SuiteOptions {
    /// Suite file
    #[arg(
        long,
        env = "PLIMSOLL_CONFIG",
        hide_env_values = true,
        default_value = "plimsoll.yml",
        value_name = "FILE"
    )]
    config: String,
    /// Override one value of the suite, for example `target.demo.slowdown=1.25`; may be repeated, and
    /// the variable holds one a line
    #[arg(long = "set", env = "PLIMSOLL_SET", hide_env_values = true, value_name = "PATH=VALUE")]
    sets: Vec<String>,
}

impl SuiteOptions {
    /// Reads the suite. On an error the message has been printed, and the exit status is returned.
    pub(super) fn read(&self) -> Result<Plan, ExitStatus> {
        self.read_with(&[], std::io::stderr().is_terminal() && wants_colour())
    }

    /// The first option of these on the command line; what the environment says does not count.
    pub(super) fn given(&self) -> Option<&'static str> {
        let from_environment =
            |name: &str, value: &str| environment::process(name).is_some_and(|set| set == value);
        let config = self.config != "plimsoll.yml" && !self.config.is_empty();
        if config && !from_environment("PLIMSOLL_CONFIG", &self.config) {
            return Some("--config");
        }
        let is_set = |set: &String| !set.is_empty() && !from_environment("PLIMSOLL_SET", set);
        self.sets.iter().any(is_set).then_some("--set")
    }

    fn sets(&self) -> Vec<String> {
        self.sets.iter().flat_map(|sets| sets.lines()).map(str::to_owned).collect()
    }

    fn read_with(&self, more: &[String], colour: bool) -> Result<Plan, ExitStatus> {
        let config = not_empty(Some(&self.config)).unwrap_or("plimsoll.yml");
        let sets = [&self.sets(), more].concat();
        load(config.as_ref(), &sets, &environment::process)
            .map_err(|error| fail_to_load(&error, colour))
    }
}

/// Whether progress is shown.
#[derive(Debug, Args)]
pub(super) struct QuietOption {
    /// No progress on standard error
    #[arg(long, short, env = "PLIMSOLL_QUIET", hide_env_values = true,
        value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
}

/// Where runs are.
#[derive(Debug, Args)]
pub(super) struct OutOption {
    /// Folder in which runs are kept
    #[arg(
        long,
        env = "PLIMSOLL_OUT",
        hide_env_values = true,
        default_value = ".plimsoll",
        value_name = "DIR"
    )]
    out: String,
}

impl OutOption {
    pub(super) fn path(&self) -> &Path {
        Path::new(not_empty(Some(&self.out)).unwrap_or(".plimsoll"))
    }
}

/// Where templates are.
#[derive(Debug, Args)]
pub(super) struct TemplatesOption {
    /// Folder with templates that replace the built-in ones of report.md
    #[arg(long, env = "PLIMSOLL_TEMPLATES", hide_env_values = true, value_name = "DIR")]
    templates: Option<String>,
}

impl TemplatesOption {
    /// The templates, if a folder is named. On an error the message has been printed.
    pub(super) fn read(&self) -> Result<Option<Templates>, ExitStatus> {
        let Some(folder) = not_empty(self.templates.as_deref()) else { return Ok(None) };
        let templates = Templates::from_folder(folder.as_ref());
        templates.map(Some).map_err(|error| usage(&chain(&error), "mend it, or leave it out"))
    }
}

/// How a run is made.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    suite: SuiteOptions,
    /// Only these checks; all of them by default
    #[arg(
        long,
        env = "PLIMSOLL_ONLY",
        hide_env_values = true,
        value_name = "CHECK",
        num_args = 1..,
        value_delimiter = ' '
    )]
    only: Vec<String>,
    #[command(flatten)]
    out: OutOption,
    /// Hard bound on the whole run, for example `5m`; by default that of the suite
    #[arg(long, env = "PLIMSOLL_BUDGET", hide_env_values = true, value_name = "TIME")]
    budget: Option<String>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    cpus: ClientCpusOption,
    #[command(flatten)]
    quiet: QuietOption,
    /// No colour; also by `NO_COLOR`
    #[arg(long, env = "PLIMSOLL_NO_COLOR", hide_env_values = true,
        value_parser = FalseyValueParser::new())]
    no_color: bool,
    /// CI system that gets outputs and a summary: github, none, or auto to see where it runs
    #[arg(
        long,
        env = "PLIMSOLL_CI",
        hide_env_values = true,
        default_value = "auto",
        value_name = "NAME"
    )]
    ci: String,
    #[command(flatten)]
    templates: TemplatesOption,
    /// Exit codes: standard, or git-bisect (0 good, 1 bad, 125 cannot be tested) for `git bisect run`
    #[arg(
        long,
        env = "PLIMSOLL_EXIT_CODES",
        hide_env_values = true,
        default_value = "standard",
        value_name = "NAME"
    )]
    exit_codes: String,
}

/// The options of a run, understood.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) plan: Plan,
    pub(super) only: Only,
    /// Values given by `--set`, secrets redacted.
    pub(super) sets: Vec<String>,
    pub(super) out: PathBuf,
    /// Cores on which the load is offered; none: any.
    pub(super) cpus: Vec<usize>,
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) colour: bool,
    pub(super) github: bool,
    /// The workflow that it runs in, if it does.
    pub(super) workflow: Option<Workflow>,
    pub(super) templates: Option<Templates>,
}

impl Suite {
    /// The checks that were asked for; `None`: all.
    pub(super) fn selected(&self) -> Option<&Only> {
        Some(&self.only).filter(|only| !only.is_empty())
    }
}

impl RunOptions {
    /// Reads the suite. On an error the message has been printed, and the exit status is returned.
    pub(super) fn read(&self) -> Result<Suite, ExitStatus> {
        choice("--exit-codes", &self.exit_codes, ExitCodes::Standard)?;
        let colour = !self.no_color && std::io::stderr().is_terminal() && wants_colour();
        let budget = not_empty(self.budget.as_deref());
        let budget: Vec<String> =
            budget.iter().map(|budget| format!("budget.time={budget}")).collect();
        let plan = self.suite.read_with(&budget, colour)?;
        let github = match choice("--ci", &self.ci, Ci::Auto)? {
            Ci::Github => true,
            Ci::None => false,
            Ci::Auto => environment::process("GITHUB_ACTIONS").as_deref() == Some("true"),
        };
        Ok(Suite {
            only: self.only(&plan)?,
            plan,
            sets: self.suite.sets().iter().chain(&budget).map(|set| redacted(set)).collect(),
            out: self.out.path().to_owned(),
            cpus: self.cpus.read()?,
            format: self.format.read(Format::Text)?,
            quiet: self.quiet.quiet,
            colour,
            github,
            workflow: if github { workflow()? } else { None },
            templates: self.templates.read()?,
        })
    }

    /// The exit code of an outcome.
    pub(super) fn code(&self, status: ExitStatus) -> ExitCode {
        // One that nobody knows was complained of before anything was measured.
        let codes = ExitCodes::from_str(&self.exit_codes, true).unwrap_or(ExitCodes::Standard);
        codes.code(status).into()
    }

    fn only(&self, plan: &Plan) -> Result<Only, ExitStatus> {
        let only = self.only.iter().flat_map(|names| names.split_whitespace());
        let only: Only = only.map(str::to_owned).collect();
        match only.iter().find(|name| !plan.checks.contains_key(*name)) {
            Some(unknown) => Err(no_check(unknown, plan)),
            None => Ok(only),
        }
    }
}

/// The workflow that we are part of, if any. Where the rights of the base would be given to the code
/// of a pull request, nothing is measured.
fn workflow() -> Result<Option<Workflow>, ExitStatus> {
    let Some(event) = environment::process("GITHUB_EVENT_NAME") else { return Ok(None) };
    if event == "pull_request_target" {
        return Err(usage(
            "nothing is measured on `pull_request_target`: the pull request's code would run with the \
             rights and secrets of the base",
            "use `pull_request`, and a second workflow on `workflow_run` for the comment",
        ));
    }
    let workflow = Workflow::read();
    Ok(workflow.map_err(|error| complain(&chain(&error), Some("the verdict is unaffected"))).ok())
}

/// Complains of a check that the suite does not have.
pub(super) fn no_check(unknown: &str, plan: &Plan) -> ExitStatus {
    let known: Vec<&str> = plan.checks.keys().map(String::as_str).collect();
    usage(&format!("there is no check `{unknown}`"), &format!("the suite has {}", known.join(", ")))
}

/// Where baselines are.
#[derive(Debug, Args)]
pub(super) struct BaselinesOption {
    /// Folder of the committed baselines
    #[arg(
        long,
        env = "PLIMSOLL_BASELINES",
        hide_env_values = true,
        default_value = "baselines",
        value_name = "DIR"
    )]
    baselines: String,
}

impl BaselinesOption {
    pub(super) fn path(&self) -> &Path {
        Path::new(not_empty(Some(&self.baselines)).unwrap_or("baselines"))
    }
}

/// What the measurement is held against.
#[derive(Debug, Args)]
pub(super) struct GateOptions {
    #[command(flatten)]
    pub(super) baselines: BaselinesOption,
    /// Verdicts that fail the run, of regression, inconclusive, invalid, incomparable and new; by
    /// default those of the suite. A usage error, a dead target and a hollow baseline always do
    #[arg(long, env = "PLIMSOLL_FAIL_ON", hide_env_values = true, value_name = "LIST")]
    fail_on: Option<String>,
}

impl GateOptions {
    /// From the command line, else from the suite.
    pub(super) fn fail_on(&self, plan: &Plan) -> Result<BTreeSet<FailOn>, ExitStatus> {
        Ok(self.given_fail_on()?.unwrap_or_else(|| plan.fail_on.clone()))
    }

    /// From the command line, if it says.
    pub(super) fn given_fail_on(&self) -> Result<Option<BTreeSet<FailOn>>, ExitStatus> {
        not_empty(self.fail_on.as_deref()).map(known_fail_on).transpose()
    }
}

/// The verdicts of a list.
pub(super) fn known_fail_on(list: &str) -> Result<BTreeSet<FailOn>, ExitStatus> {
    let hint =
        "it takes regression, inconclusive, invalid, incomparable and new, separated by commas";
    let known = |name: &str| {
        FailOn::from_name(name)
            .ok_or_else(|| usage(&format!("`--fail-on` does not know `{name}`"), hint))
    };
    let names = list.split([',', ' ']).filter(|name| !name.is_empty());
    let fail_on = names.map(known).collect::<Result<BTreeSet<_>, _>>()?;
    if fail_on.is_empty() {
        return Err(usage("`--fail-on` names no verdict: nothing could fail", hint));
    }
    Ok(fail_on)
}

/// An empty text counts as not given.
pub(super) fn not_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// One of the known words; an empty text is the default.
pub(super) fn choice<T: ValueEnum>(option: &str, text: &str, default: T) -> Result<T, ExitStatus> {
    let Some(text) = not_empty(Some(text)) else { return Ok(default) };
    T::from_str(text, true).map_err(|_| {
        let known: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned()))
            .collect();
        usage(
            &format!("`{option}` does not know `{text}`"),
            &format!("it takes {}", known.join(", ")),
        )
    })
}

/// Parses a length of time given on the command line.
pub(super) fn duration(option: &str, text: &str) -> Result<Duration, ExitStatus> {
    Quantity::parse(text)
        .ok()
        .and_then(Quantity::as_duration)
        .filter(|length| !length.is_zero())
        .ok_or_else(|| {
            usage(
                &format!("`{option} {text}` is no length of time"),
                "write for example `30s` or `5m`",
            )
        })
}

/// Prints an error with a hint; returns the exit status of a wrong use.
pub(super) fn usage(error: &str, hint: &str) -> ExitStatus {
    complain(error, Some(hint));
    ExitStatus::Usage
}

/// Prints an error, and what to do about it.
pub(super) fn complain(error: &str, hint: Option<&str>) {
    // It may quote a file.
    let mut lines = error.lines().map(one_line);
    say(&format!("error: {}", lines.next().unwrap_or_default()));
    lines.for_each(|line| say(&line));
    if let Some(hint) = hint {
        say(&format!("hint: {hint}"));
    }
}

/// An error with all its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn fail_to_load(error: &LoadError, colour: bool) -> ExitStatus {
    match error {
        LoadError::Invalid(invalid) => {
            invalid.problems.render(&invalid.source_text, colour).lines().for_each(say);
            complain(&error.to_string(), None);
        }
        LoadError::Missing { .. }
        | LoadError::Unreadable { .. }
        | LoadError::TooLarge { .. }
        | LoadError::NotText { .. } => complain(&chain(error), error.hint()),
    }
    ExitStatus::Usage
}

/// The event loop of the control side: one thread, because the load has its own.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn wants_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Logging to standard error, by `PLIMSOLL_LOG` (`info`, `plimsoll::load=debug`), `warn` by default.
pub(super) fn start_logging() {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let wanted = environment::process("PLIMSOLL_LOG").filter(|text| !text.is_empty());
    let targets: tracing_subscriber::filter::Targets =
        wanted.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            tracing_subscriber::filter::Targets::new()
                .with_default(tracing::level_filters::LevelFilter::WARN)
        });
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let _ = tracing_subscriber::registry().with(targets).with(layer).try_init();
}
