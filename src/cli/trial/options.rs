//! The command line of `plimsoll trial`.

use crate::cli::arguments::{QuietOption, SuiteOptions};
use crate::cli::client_cpus::ClientCpusOption;
use crate::cli::format::FormatOption;
use crate::workload::Arrivals;
use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args, ValueEnum};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Shown below `--help`.
const AFTER_HELP: &str = "\
Examples:
  plimsoll trial http://127.0.0.1:8000/items --rate 200 --for 30s --slo 'p99 e2e < 50ms'
  plimsoll trial http://127.0.0.1:8000/items --concurrency 16 --sessions 5000 --body @item.json
  plimsoll trial http://127.0.0.1:8000 --api openai-chat --model llama-3-8b --rate 4 --for 1m
  plimsoll trial --rate 50        # target, sessions and conditions of plimsoll.yml

URL, header values and body may hold {session}, {turn}, {request}, {salt}, {prompt}, {prompt_tokens}
and {output_tokens}. The number of measured sessions is fixed before the start; load goes on until
each of them has ended.

The exit code is 0 when every condition held, 1 when one did not, 3 when the trial was too small to
tell, 4 when the target cannot be reached and 6 when the load generator was the limit; the others
are those of `check`. Where no condition is given, a trial without a failure is 0 however small.";

/// `plimsoll trial`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group(ArgGroup::new("load").required(true).args(["rate", "concurrency"])))]
#[command(mut_arg("format", |arg| arg.help("What is printed at the end: text or json")))]
pub(in crate::cli) struct Trial {
    /// Where to send; no suite is read then. Sessions take turns over several
    #[arg(value_name = "URL", conflicts_with = "check")]
    pub(super) urls: Vec<String>,
    #[command(flatten)]
    pub(super) offer: Offer,
    #[command(flatten)]
    pub(super) format: FormatOption,
    #[command(flatten)]
    pub(super) quiet: QuietOption,
    #[command(flatten)]
    pub(super) request: Request,
    /// Take the conditions of this check; by default those of the first
    #[arg(long, value_name = "CHECK", help_heading = "With a suite")]
    pub(super) check: Option<String>,
    #[command(flatten, next_help_heading = "With a suite")]
    pub(super) suite: SuiteOptions,
}

/// How much load, and what is kept of it.
#[derive(Debug, Args)]
pub(super) struct Offer {
    /// Sessions per second, open loop
    #[arg(long, value_name = "PER_SECOND", allow_negative_numbers = true)]
    pub(super) rate: Option<f64>,
    /// Sessions in flight, closed loop
    #[arg(long, value_name = "N")]
    pub(super) concurrency: Option<NonZeroU32>,
    /// Length of the measured part
    #[arg(long = "for", value_name = "TIME", default_value = "10s", conflicts_with = "sessions")]
    pub(super) length: String,
    /// Measure exactly so many sessions instead; a session is one request unless it has turns
    #[arg(long, value_name = "N")]
    pub(super) sessions: Option<u64>,
    /// Sessions before the measured ones; by default none, with `--concurrency --for` two per slot
    #[arg(long, value_name = "N")]
    pub(super) warmup: Option<u64>,
    /// Gaps between sessions, open loop; by default poisson, or those of the check
    #[arg(long, value_name = "LAW", conflicts_with = "concurrency")]
    pub(super) arrivals: Option<Gaps>,
    #[command(flatten)]
    pub(super) cpus: ClientCpusOption,
    /// Threads that offer the load, 1 to 16; by default as many as load and machine ask for
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=16))]
    pub(super) workers: Option<u32>,
    /// Write a line for each request that ended into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
}

/// What is sent where no suite says it.
#[derive(Debug, Args)]
#[command(next_help_heading = "With URLs")]
pub(super) struct Request {
    /// What the server speaks [default: http]
    #[arg(long, value_name = "NAME", requires = "urls")]
    pub(super) api: Option<ApiName>,
    /// Method; by default GET, or POST with a body
    #[arg(short = 'X', long, requires = "urls")]
    pub(super) method: Option<String>,
    /// Header, `name: value`; may be repeated. `${VAR}` is read from the environment, and no value is
    /// ever printed
    #[arg(
        short = 'H',
        long = "header",
        value_name = "HEADER",
        requires = "urls",
        allow_hyphen_values = true
    )]
    pub(super) headers: Vec<String>,
    /// Body, or the file that holds it: `@FILE`
    #[arg(long, value_name = "TEXT", requires = "urls", allow_hyphen_values = true)]
    pub(super) body: Option<String>,
    /// Path below each URL; by default that of the URL itself, or of the api
    #[arg(long, requires = "urls")]
    pub(super) path: Option<String>,
    /// Model that is asked for, with `--api openai-chat`
    #[arg(long, value_name = "NAME", requires = "urls")]
    pub(super) model: Option<String>,
    /// Ask for plain answers instead of streams, with `--api openai-chat`
    #[arg(long, requires = "urls")]
    pub(super) no_stream: bool,
    /// Further fields of the body, with `--api openai-chat`: `{"ignore_eos": true}`
    #[arg(long, value_name = "JSON", requires = "urls")]
    pub(super) extra: Option<String>,
    /// Tokens of a prompt [default: 128]
    #[arg(long, value_name = "N", requires = "urls")]
    pub(super) prompt_tokens: Option<u32>,
    /// Tokens that are asked for [default: 64]
    #[arg(long, value_name = "N", requires = "urls")]
    pub(super) output_tokens: Option<u32>,
    /// Requests of a session, one after the other [default: 1]
    #[arg(long, value_name = "N", requires = "urls")]
    pub(super) turns: Option<u32>,
    /// What must hold, such as `p99 ttfc < 500ms`; may be repeated. `error_rate < 1%` always does
    /// unless another bound on failures is given
    #[arg(long = "slo", value_name = "CONDITION", requires = "urls")]
    pub(super) slos: Vec<String>,
    /// Longest time of a request and of each of its parts [default: 120s, of a stream's first output
    /// 30s, of its next 10s]
    #[arg(long, value_name = "TIME", requires = "urls")]
    pub(super) timeout: Option<String>,
    /// Longest time to open a connection [default: 5s]
    #[arg(long, value_name = "TIME", requires = "urls")]
    pub(super) connect_timeout: Option<String>,
    /// When a connection is opened: pooled, per_session or new [default: pooled]
    #[arg(long, value_name = "MODE", requires = "urls")]
    pub(super) connection: Option<String>,
    /// Version of HTTP, 1 or 2; 2 is agreed upon over TLS, and spoken unasked without [default: 1]
    #[arg(long, value_name = "VERSION", requires = "urls")]
    pub(super) http: Option<u16>,
    /// Connections that all requests share, 1 to 1024, with `--http 2` [default: 1]
    #[arg(long, value_name = "N", requires = "urls")]
    pub(super) connections: Option<u16>,
    /// PEM file with certificates that are trusted besides those of the machine
    #[arg(long, value_name = "FILE", requires = "urls")]
    pub(super) ca: Option<String>,
    /// Seed of the sequence of sessions [default: 42]
    #[arg(long, value_name = "N", requires = "urls")]
    pub(super) seed: Option<u64>,
}

/// How one trial is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ApiName {
    Http,
    OpenaiChat,
}

/// Law of the gaps between sessions: exponential, so that arrivals know nothing of each other, or equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Gaps {
    Poisson,
    Constant,
}

impl From<Gaps> for Arrivals {
    fn from(gaps: Gaps) -> Self {
        match gaps {
            Gaps::Poisson => Self::Poisson,
            Gaps::Constant => Self::Constant,
        }
    }
}
