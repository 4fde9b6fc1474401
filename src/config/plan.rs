//! A suite that has been checked: no spans, no contradictions, every default filled in.

use super::decode::words;
use crate::demo::Profile;
use crate::slo::Slo;
use crate::units::{KnobValue, Rate, Ratio};
use crate::workload::{Arrivals, Dial, SessionLaw};
use indexmap::IndexMap;
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// A whole checked suite.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name of the suite: letters, digits, `-`, `_` and `.`; names the baseline file.
    pub suite: String,
    /// The service under test.
    pub target: TargetPlan,
    /// What it is compared with, where the suite says.
    pub base: Option<TargetSource>,
    /// Seed of the sequence of sessions.
    pub seed: u64,
    /// The distribution of sessions.
    pub sessions: SessionLaw,
    /// The checks, in the order of the file.
    pub checks: IndexMap<String, CheckPlan>,
    /// Hard bounds of the whole run.
    pub budget: Budget,
    /// Verdicts that make the exit code non-zero.
    pub fail_on: BTreeSet<FailOn>,
    /// The suite as it was resolved, secrets redacted: what `config.yml` of a run holds.
    pub resolved: String,
    /// Path of the suite file as given, for reports.
    pub file: PathBuf,
}

/// Hard bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Longest time from the first trial to the last, start-up of the target included.
    pub time: Duration,
    /// Most requests that may be sent.
    pub requests: u64,
}

words! {
    /// A verdict.
    #[derive(PartialOrd, Ord, Hash)]
    #[schemars(rename = "FailOnName")]
    pub FailOn: "a verdict" {
        /// A gate was crossed.
        Regression = "regression",
        /// The budget ended before the evidence did.
        Inconclusive = "inconclusive",
        /// The measurement cannot be trusted.
        Invalid = "invalid",
        /// The baseline is of another machine or configuration.
        Incomparable = "incomparable",
        /// There is no baseline yet.
        New = "new",
    }
}

impl FailOn {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, name)| name)
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(fail_on, _)| *fail_on)
    }
}

/// The service under test.
#[derive(Debug, Clone)]
pub struct TargetPlan {
    /// Where it comes from.
    pub source: TargetSource,
    /// How it is spoken to.
    pub api: Api,
    /// Headers of every request; values may hold secrets.
    pub headers: Vec<(String, SecretString)>,
    /// Limits on each request.
    pub timeouts: Timeouts,
    /// How status codes are read.
    pub status: StatusClasses,
    /// Certificates that are trusted besides those of the machine.
    pub ca: Vec<CertificateDer<'static>>,
    /// The version of HTTP.
    pub http: HttpVersion,
    /// When a connection of HTTP/1.1 is opened anew.
    pub connection: ConnectionMode,
    /// What identifies a target that runs elsewhere (`gpu: H100`).
    pub labels: BTreeMap<String, String>,
}

impl TargetPlan {
    /// Which of two targets that are compared may run at the same time.
    #[must_use]
    pub fn residency(&self) -> Residency {
        match &self.source {
            TargetSource::Managed(managed) => managed.residency,
            TargetSource::Url(_) | TargetSource::Demo(_) => Residency::Both,
        }
    }
}

/// Where the target comes from.
#[derive(Debug, Clone)]
pub enum TargetSource {
    /// It runs already, at this base URL (`http://…`, `https://…`, `unix:/…`).
    Url(String),
    /// Plimsoll starts, watches and stops it.
    Managed(ManagedTarget),
    /// The built-in demo, started as a managed process of our own binary.
    Demo(Profile),
}

/// A command that Plimsoll starts.
#[derive(Debug, Clone)]
pub struct ManagedTarget {
    /// Program and arguments; `{port}` is replaced by a free port.
    pub command: Vec<String>,
    /// Working directory; relative to the suite file.
    pub directory: PathBuf,
    /// Environment variables set for it.
    pub env: BTreeMap<String, SecretString>,
    /// Names of our own variables that it may see besides the built-in allow-list.
    pub pass_env: BTreeSet<String>,
    /// What it is told and must not be seen in its output: blanked in its log.
    pub secrets: Vec<SecretString>,
    /// A fixed port instead of a free one.
    pub port: Option<u16>,
    /// When it counts as ready.
    pub ready: Ready,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Shell command that builds it, before two commits are compared.
    pub build: Option<String>,
    /// Files that the build makes, relative to `directory`: where all are equal, so are the builds.
    pub artifacts: Vec<PathBuf>,
    /// Which of two targets that are compared may run at the same time.
    pub residency: Residency,
}

words! {
    /// Which of two targets that are compared run at the same time.
    #[derive(Default)]
    #[schemars(rename = "ResidencyName")]
    pub Residency: "a residency" {
        /// Both, from the beginning to the end.
        #[default]
        Both = "both",
        /// One: it is stopped before the other is started, for what fits only once (a GPU).
        One = "one",
    }
}

/// When a managed target counts as ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Path that answers 2xx when it is.
    pub path: String,
    /// Longest wait.
    pub within: Duration,
}

/// How the target is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub enum Api {
    /// `POST {path}` in the shape of OpenAI's chat completions.
    OpenAiChat {
        /// Path below the base URL, default `/v1/chat/completions`.
        path: String,
        /// The `model` field.
        model: String,
        /// Whether the answer is streamed.
        stream: bool,
        /// Further fields of the body, passed through (`ignore_eos: true`).
        extra: serde_json::Map<String, serde_json::Value>,
    },
    /// One plain HTTP request per turn.
    Http(HttpRequest),
}

/// A plain request; `path`, header values, `body` and `item` may hold variables:
/// `{session}`, `{turn}`, `{request}`, `{salt}`, `{prompt}`, `{prompt_tokens}`, `{output_tokens}` and
/// a parameter that a check varies; `path` and `body` also `{items}` and `{item_count}`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// Method, upper case.
    pub method: String,
    /// Path and query below the base URL; empty: those of the base URL itself, which may then have a
    /// query.
    pub path: String,
    /// Body template, if any.
    pub body: Option<String>,
    /// Template of one item, if any, in which `{item}` is its number from 0.
    pub item: Option<String>,
    /// Items of a request.
    pub items_per_request: u32,
}

/// Limits on one request; each counts from the intended send except `between_chunks`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    /// Opening a connection, TLS included.
    pub connect: Duration,
    /// Until the first output chunk.
    pub first_chunk: Duration,
    /// Between output chunks.
    pub between_chunks: Duration,
    /// The whole request.
    pub total: Duration,
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1: a connection carries one request at a time.
    One,
    /// HTTP/2, by agreement over TLS, without asking over plain TCP.
    Two {
        /// Connections that all requests share; to each of several replicas as many.
        connections: NonZeroUsize,
    },
}

/// How status codes are read; all else is a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusClasses {
    /// Success, if the body proves it; default every 2xx.
    pub ok: BTreeSet<u16>,
    /// The target declined on purpose; default 429 and 503.
    pub shed: BTreeSet<u16>,
}

words! {
    /// When a connection is opened anew.
    #[schemars(rename = "Connection")]
    pub ConnectionMode: "a connection mode" {
        /// Kept, and used again by any session.
        Pooled = "pooled",
        /// One per session.
        PerSession = "per_session",
        /// One per request.
        New = "new",
    }
}

/// One check of a suite.
#[derive(Debug, Clone)]
pub struct CheckPlan {
    /// Its name.
    pub name: String,
    /// Line of its name in the suite file, 1-based; for reports.
    pub line: u32,
    /// The search.
    pub capacity: CapacityPlan,
    /// Conditions that all must hold.
    pub slos: Vec<SloPlan>,
    /// Limits per metric name (`capacity`, or a metric at capacity).
    pub gates: BTreeMap<String, GateLimits>,
    /// Everything that changes what is measured, as canonical YAML; its hash is `digest`.
    pub identity: String,
    /// SHA-256 of `identity`, hexadecimal.
    pub digest: String,
}

/// An SLO with its place in the suite file.
#[derive(Debug, Clone, PartialEq)]
pub struct SloPlan {
    /// The condition.
    pub slo: Slo,
    /// Line in the suite file, 1-based; `None` for one that Plimsoll added by itself.
    pub line: Option<u32>,
}

/// Which number a capacity search varies.
#[derive(Debug, Clone, PartialEq)]
pub enum Knob {
    /// Sessions per second, open loop.
    Rate(Arrivals),
    /// Sessions in flight, closed loop; whole numbers.
    Concurrency,
    /// Something else, in whole numbers, under a load that is always the same.
    Dial(Dial, FixedLoad),
}

/// The load while something else is varied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FixedLoad {
    /// Sessions per second, open loop.
    Rate(Rate, Arrivals),
    /// Sessions in flight, closed loop.
    Concurrency(NonZeroU32),
}

impl Knob {
    /// The name in suites and reports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rate(_) => "rate",
            Self::Concurrency => "concurrency",
            Self::Dial(dial, _) => dial.name(),
        }
    }

    /// The unit of its values, for reports.
    #[must_use]
    pub fn unit(&self) -> &str {
        match self {
            Self::Rate(_) => "sessions/s",
            Self::Concurrency => "sessions",
            Self::Dial(dial, _) => dial.unit(),
        }
    }

    /// Whether only whole numbers make sense.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !matches!(self, Self::Rate(_))
    }
}

words! {
    /// How the value of a knob is searched.
    pub Method: "a method" {
        /// By where the capacity lies most likely, given all trials so far.
        Posterior = "posterior",
        /// By halving, with repeated trials on both sides.
        Bisect = "bisect",
    }
}

/// A capacity search.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityPlan {
    /// What is varied.
    pub knob: Knob,
    /// Lowest value tried.
    pub from: KnobValue,
    /// Highest value tried; `None`: doubled from `from` until an SLO breaks.
    pub to: Option<KnobValue>,
    /// Factor of the first steps upwards when `to` is missing, `> 1`.
    pub expand: f64,
    /// Wanted half-width of the interval / estimate.
    pub precision: Ratio,
    /// Most trials.
    pub max_trials: u32,
    /// Length of a trial; `None`: `clamp(600 / r0, 6s, 25s)`, r0 the middle of the bracket.
    pub trial: Option<Duration>,
    /// What is done to the target before each trial but the first of the run.
    pub between_trials: BetweenTrials,
    /// How the value is searched.
    pub method: Method,
    /// Different sequences of sessions that are played, at least 1.
    pub sequences: u32,
}

/// What becomes of the state that a trial leaves in the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BetweenTrials {
    /// The target keeps it.
    #[default]
    Keep,
    /// The target is stopped and started anew; never of one that runs elsewhere.
    Restart,
    /// The target is sent this request, without a body, and must answer 2xx.
    Reset {
        /// Method, upper case.
        method: String,
        /// Path and query below the base URL.
        path: String,
    },
}

/// Limits of one gated metric.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GateLimits {
    /// Largest relative loss against the baseline.
    pub max_drop: Option<Ratio>,
    /// Largest relative rise against the baseline; may exceed 1.
    pub max_rise: Option<f64>,
    /// Smallest absolute value.
    pub min: Option<f64>,
    /// Largest absolute value.
    pub max: Option<f64>,
}

/// A limit with its number: a share for the relative kinds, base units for the absolute ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Largest relative loss against the baseline.
    MaxDrop(f64),
    /// Largest relative rise against the baseline.
    MaxRise(f64),
    /// Smallest absolute value.
    Min(f64),
    /// Largest absolute value.
    Max(f64),
}

impl Limit {
    /// Whether it needs a baseline.
    #[must_use]
    pub fn is_relative(self) -> bool {
        matches!(self, Self::MaxDrop(_) | Self::MaxRise(_))
    }
}

impl GateLimits {
    /// The limits that are set, in a fixed order.
    #[must_use]
    pub fn all(&self) -> Vec<Limit> {
        [
            self.max_drop.map(|share| Limit::MaxDrop(share.get())),
            self.max_rise.map(Limit::MaxRise),
            self.min.map(Limit::Min),
            self.max.map(Limit::Max),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
