//! `--format`: what is printed at the end on standard output.

use super::ExitStatus;
use super::arguments::choice;
use crate::report::export::{
    NothingToExport, bencher, benchmark_action, code_quality, openmetrics,
};
use crate::report::{BetterResult, Results, json, junit};
use clap::{Args, ValueEnum};

/// What is printed at the end on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// `results.json`
    Json,
    /// `report.md`
    Markdown,
    /// `junit.xml`
    Junit,
    /// `junit.xml` for readers that validate it
    JunitStrict,
    /// Metrics report of GitLab
    Openmetrics,
    /// Code quality report of GitLab
    GitlabCodequality,
    /// Bencher Metric Format
    Bencher,
    /// github-action-benchmark, what is better when larger
    GithubActionBenchmarkBigger,
    /// github-action-benchmark, what is better when smaller
    GithubActionBenchmarkSmaller,
}

impl Format {
    /// The results in this format, the two for people apart: `text` and `page` are theirs.
    ///
    /// # Errors
    /// The format holds numbers only, and the run has none.
    pub(super) fn render(
        self,
        results: &Results,
        text: impl FnOnce() -> String,
        page: impl FnOnce() -> String,
    ) -> Result<String, NothingToExport> {
        Ok(match self {
            Self::Text => text(),
            Self::Markdown => page(),
            Self::Json => json::render(results),
            Self::Junit => junit::render(results),
            Self::JunitStrict => junit::render_strict(results),
            Self::Openmetrics => openmetrics::render(results),
            Self::GitlabCodequality => code_quality::render(results),
            Self::Bencher => bencher::render(results)?,
            Self::GithubActionBenchmarkBigger => {
                benchmark_action::render(results, BetterResult::Higher)?
            }
            Self::GithubActionBenchmarkSmaller => {
                benchmark_action::render(results, BetterResult::Lower)?
            }
        })
    }
}

/// What to do about a run without numbers.
pub(super) const NOTHING_TO_EXPORT_HINT: &str = "a check tests limits and seldom sees both ends of \
    an interval; `plimsoll measure` estimates";

/// In which form the outcome is printed.
#[derive(Debug, Args)]
pub(super) struct FormatOption {
    /// How the outcome is printed: text, json, markdown, junit, junit-strict, openmetrics,
    /// gitlab-codequality, bencher, github-action-benchmark-bigger or github-action-benchmark-smaller
    #[arg(
        long,
        env = "PLIMSOLL_FORMAT",
        hide_env_values = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    format: String,
}

impl FormatOption {
    pub(super) fn read<T: ValueEnum>(&self, default: T) -> Result<T, ExitStatus> {
        choice("--format", &self.format, default)
    }
}
