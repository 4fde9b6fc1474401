//! `results.json`, version 1: types of their own, so that a change inside does not change the file.
//!
//! Sentences (`headline`, `reason`, `text`, `advice`) put names between backticks.

use super::{CheckResult, Notice, Verdict};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most lines of the target's log in a report.
const LOG_LINES_MAX: usize = 20;

/// Name and version of the file's shape.
pub const SCHEMA: &str = "plimsoll.results/1";

/// The JSON Schema of a results file.
#[must_use]
pub fn results_schema() -> Schema {
    schema_for!(Results)
}

/// Why a results file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no results file.
    #[error("not a results file: `{path}`: {message}")]
    Shape {
        /// Place in the file.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// It is a results file of another version.
    #[error("results of schema `{found}`, this version reads `{SCHEMA}`")]
    Version {
        /// The schema that it names.
        found: String,
    },
}

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// Always `plimsoll.results/1`.
    pub schema: String,
    /// Name of the suite.
    pub suite: String,
    /// Version of Plimsoll.
    pub plimsoll: String,
    /// The worst verdict of all gates.
    pub verdict: Verdict,
    /// Exit code before `fail_on` is applied.
    pub exit_code: u8,
    /// Exit code after it.
    pub gate_exit_code: u8,
    /// Verdicts that occurred and that `fail_on` does not let fail.
    pub hidden: Vec<Verdict>,
    /// The verdict in one line.
    pub headline: String,
    /// Start of the run, RFC 3339 UTC.
    pub started: String,
    /// Length of the run.
    pub seconds: f64,
    /// Where it was measured.
    pub environment: EnvironmentResult,
    /// What was measured.
    pub target: TargetResult,
    /// Why nothing was measured, where that is as it should be: nothing relevant changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The verb that ran: `check`, `measure` or `compare`. Older files do not say it.
    #[serde(default)]
    pub verb: String,
    /// Path of the suite file as given.
    pub file: String,
    /// The same from the root of its repository, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_file: Option<String>,
    /// Folder of the committed baselines as given; empty for the default.
    #[serde(default)]
    pub baselines: String,
    /// Folder of the runs as given; empty for the default.
    #[serde(default)]
    pub out: String,
    /// Folder of the run.
    pub run: String,
    /// Values given by `--set`, secrets redacted.
    pub overrides: Vec<String>,
    /// Checks that `--only` asked for; empty for all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Seed of the sequence of sessions.
    pub seed: u64,
    /// The hard bounds and what was used of them.
    pub budget: BudgetResult,
    /// Commit of the working tree, where known.
    pub commit: Option<String>,
    /// Newest commit of the pull request that was measured; `commit` is that merged into its base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The baseline that was read, where there is one.
    pub baseline: Option<BaselineResult>,
    /// The commit that was built and measured beside the working tree, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<AgainstResult>,
    /// The checks, in the order of the suite.
    pub checks: Vec<CheckResult>,
    /// What else a reviewer should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// What the reader should know besides, one sentence each.
    pub warnings: Vec<String>,
    /// Why checks of this run cannot become a baseline.
    #[serde(default)]
    pub refusals: Vec<String>,
    /// What kept the run from its verdict.
    pub problem: Option<Problem>,
}

impl Results {
    /// Reads a results file.
    ///
    /// # Errors
    /// Another version is refused by name; anything else says where the file is wrong.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let shape = |path: String, error: &serde_json::Error| ReadError::Shape {
            path,
            message: error.to_string(),
        };
        let head: Head =
            serde_json::from_str(text).map_err(|error| shape("schema".to_owned(), &error))?;
        if head.schema != SCHEMA {
            return Err(ReadError::Version { found: head.schema });
        }
        let json = &mut serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(json)
            .map_err(|error| shape(error.path().to_string(), error.inner()))
    }

    /// The suite file for readers that know nothing but the repository: never an absolute path, which
    /// they cannot follow and which tells where somebody works.
    pub(super) fn place(&self) -> &str {
        if let Some(file) = &self.repository_file {
            return file;
        }
        let file = self.file.trim_start_matches("./");
        let leads_out = file.starts_with('/') || file.split('/').any(|part| part == "..");
        let name = file.rsplit('/').next().filter(|_| leads_out);
        name.unwrap_or(file)
    }

    /// Whether two targets were measured in this run, so that no baseline has a say in it.
    pub(super) fn is_comparison(&self) -> bool {
        self.verb == "compare" || self.against.is_some()
    }

    /// The same with its headline written.
    #[must_use]
    pub fn with_headline(mut self) -> Self {
        self.headline = super::headline::Headline::of(&self).text();
        self
    }
}

/// Where a run was measured: no host name, no user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentResult {
    /// The machine in words: `4 × AMD EPYC 7763, Linux 6.8`.
    pub machine: String,
    /// The fingerprint, fact by fact.
    pub facts: BTreeMap<String, String>,
    /// Speed of a core of this machine, in slices of a fixed work per second of its time; of a target
    /// with `command`.
    pub calibration: Option<f64>,
}

/// What was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetResult {
    /// Where it comes from: a URL, a command, or the demo.
    pub source: String,
    /// What it was compared with, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Time from its start until it was ready; of a managed target.
    pub startup_seconds: Option<f64>,
}

/// The hard bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetResult {
    /// Longest time.
    pub seconds: f64,
    /// Most requests.
    pub requests: u64,
    /// Requests that were sent.
    pub requests_sent: u64,
}

/// The baseline that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineResult {
    /// Its path.
    pub file: String,
    /// When it was recorded, RFC 3339 UTC.
    pub recorded: String,
    /// The commit it was recorded from.
    pub commit: Option<String>,
}

/// The commit that a working tree was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgainstResult {
    /// Its hash.
    pub commit: String,
    /// How it was found: `first parent of the merge commit`.
    pub how: String,
}

/// What kept a run from its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Which kind.
    pub code: ProblemCode,
    /// What happened, one sentence.
    pub text: String,
    /// Last lines of the target's log, as it wrote them.
    pub last_lines: Vec<String>,
}

impl Problem {
    /// What its last lines are of.
    pub(super) fn log_title(&self) -> &'static str {
        if self.text.contains(" does not build: ") {
            "Last lines of the build"
        } else {
            "Last lines of the target's log"
        }
    }

    /// The last lines, as many as a report shows.
    pub(super) fn tail(&self) -> impl DoubleEndedIterator<Item = &str> {
        let skip = self.last_lines.len().saturating_sub(LOG_LINES_MAX);
        self.last_lines.iter().skip(skip).map(String::as_str)
    }
}

/// Kind of a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The run was interrupted.
    Interrupted,
    /// The configuration or the call was wrong.
    Usage,
    /// The target failed to start, or died.
    Target,
    /// The load generator cannot offer the load.
    Generator,
    /// The baseline is missing where it must not be, empty, corrupt or of another schema.
    Baseline,
    /// Nothing was compared.
    Empty,
}

impl ProblemCode {
    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Usage => "usage",
            Self::Target => "target",
            Self::Generator => "generator",
            Self::Baseline => "baseline",
            Self::Empty => "empty",
        }
    }

    /// The exit code that it asks for; `fail_on` does not hide it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Usage => 2,
            Self::Target => 4,
            Self::Generator => 6,
            Self::Baseline | Self::Empty => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadError, Results, results_schema};
    use crate::report::{fixture, json};

    #[test]
    fn results_read_back_as_they_were_written() {
        for (name, results) in fixture::states() {
            let text = json::render(&results);
            assert_eq!(Results::from_json(&text).unwrap(), results, "{name}");
        }
    }

    #[test]
    fn the_place_of_a_suite_never_leaves_its_repository() {
        let mut results = fixture::pass();
        for (file, place) in [
            ("plimsoll.yml", "plimsoll.yml"),
            ("./a/b.yml", "a/b.yml"),
            ("/srv/us/a/b.yml", "b.yml"),
            ("../../a/b.yml", "b.yml"),
        ] {
            results.file = file.to_owned();
            assert_eq!(results.place(), place, "{file}");
        }
        results.repository_file = Some("services/chat/plimsoll.yml".to_owned());
        assert_eq!(results.place(), "services/chat/plimsoll.yml");
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let text = json::render(&fixture::pass()).replace("results/1", "results/2");
        let error = Results::from_json(&text).unwrap_err();
        assert!(matches!(&error, ReadError::Version { found } if found == "plimsoll.results/2"));
        assert!(error.to_string().contains("plimsoll.results/1"));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let text = json::render(&fixture::pass()).replace("\"low\": 38.6", "\"low\": null");
        let error = Results::from_json(&text).unwrap_err().to_string();
        assert!(error.contains("checks[0].metrics.capacity.low"), "{error}");
        assert!(Results::from_json("{}").is_err() && Results::from_json("[]").is_err());
    }

    #[test]
    fn a_file_from_before_the_verb_was_kept_is_read() {
        let mut value = serde_json::to_value(fixture::pass()).unwrap();
        for key in ["verb", "baselines", "out", "only", "refusals"] {
            assert!(value.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        assert_eq!(Results::from_json(&value.to_string()).unwrap().verb, "");
    }

    #[test]
    fn a_later_minor_field_does_not_keep_a_file_from_being_read() {
        let text = json::render(&fixture::pass()).replacen('{', "{\"later\": 1,", 1);
        assert!(Results::from_json(&text).is_ok());
    }

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/results.schema.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        let current = json::render(&results_schema());
        assert!(
            committed == current,
            "schema/results.schema.json is not what `plimsoll schema results` prints; it should be:\n{current}"
        );
    }
}
