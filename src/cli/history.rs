//! `plimsoll history`: what the repository accepted, commit by commit.

use super::ExitStatus;
use super::arguments::{BaselinesOption, SuiteOptions, complain, usage};
use super::format::FormatOption;
use super::git::versions::{COMMITS_MAX, Content, Versions};
use super::progress::print;
use crate::baseline::{Baseline, Committed, Defect, Found, Loaded, parse, series};
use crate::report::history::{self, markdown, text};
use crate::run::clock;
use clap::{Args, ValueEnum};
use std::time::{Duration, SystemTime};

/// The end of the year 9999: a commit may claim a time that cannot be written.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Said where a clone ends before history does.
const SHALLOW: &str = "history is cut here: this is a shallow clone, and the oldest row may be older than its \
    commit; fetch all of it (`git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout)";

/// Shown below `--help`.
const AFTER_HELP: &str = "\
Read are the commits of the current branch that changed the file; of a merge, what it brought.
Each row is an accepted value with its interval, the change to the one before, and in all since
the first that can be compared. A value of another machine or configuration begins anew.";

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For a page, with a chart
    Markdown,
    /// For a program
    Json,
}

/// `plimsoll history`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(mut_arg("format", |arg| arg.help("How it is printed: text, markdown or json")))]
pub(super) struct History {
    /// The suite; by default that of the suite file
    #[arg(value_name = "SUITE")]
    suite: Option<String>,
    #[command(flatten)]
    file: SuiteOptions,
    #[command(flatten)]
    baselines: BaselinesOption,
    #[command(flatten)]
    format: FormatOption,
    /// Most rows of a metric, the newest
    #[arg(long, default_value_t = 30, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl History {
    pub(super) fn run(self) -> ExitStatus {
        self.shown().unwrap_or_else(|status| status)
    }

    fn shown(&self) -> Result<ExitStatus, ExitStatus> {
        let format = self.format.read(Format::Text)?;
        let suite = self.suite()?;
        let file = Baseline::path(self.baselines.path(), &suite);
        let Some(versions) = Versions::of(&file) else {
            let hint = "the history is that of the commits of the baseline";
            return Err(usage(&format!("{} is in no git repository", file.display()), hint));
        };
        let series = series(&committed(&versions));
        if series.is_empty() {
            let hint = "`plimsoll baseline accept` writes it; then commit it";
            complain(&format!("no commit holds {}", file.display()), Some(hint));
            return Err(ExitStatus::Baseline);
        }
        let more = format!("only the newest {COMMITS_MAX} commits of the file were read");
        let history = history::History {
            suite: &suite,
            file: &versions.path,
            series: &series,
            cut: match (versions.has_more, versions.is_cut) {
                (true, _) => Some(&more),
                (false, true) => Some(SHALLOW),
                (false, false) => None,
            },
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
        };
        Ok(print(&match format {
            Format::Text => text::render(&history),
            Format::Markdown => markdown::render(&history),
            Format::Json => history::json(&history),
        }))
    }

    fn suite(&self) -> Result<String, ExitStatus> {
        let Some(suite) = &self.suite else { return Ok(self.file.read()?.suite) };
        if suite.contains(['/', '\\']) {
            let hint = "name the suite; `--baselines` names the folder";
            return Err(usage(&format!("`{suite}` is no name of a suite"), hint));
        }
        Ok(suite.clone())
    }
}

/// What each commit holds, the oldest first.
fn committed(versions: &Versions) -> Vec<Committed> {
    let mut all = Vec::new();
    versions.read(|version, content| {
        let seconds = Duration::from_secs(version.seconds.min(SECONDS_MAX));
        let loaded = match content {
            Content::Text(text) => parse(&text),
            Content::Gone => Loaded::Missing,
            Content::TooLarge => Loaded::Corrupt(Defect::TooLarge),
            Content::NotText(offset) => Loaded::Corrupt(Defect::NotText { offset }),
            Content::Missing => {
                let message = "this clone does not have its content".to_owned();
                Loaded::Corrupt(Defect::Unreadable { message })
            }
        };
        all.push(Committed {
            commit: version.commit.clone(),
            time: clock::rfc3339(SystemTime::UNIX_EPOCH + seconds),
            file: Found::from(loaded),
        });
    });
    all
}
