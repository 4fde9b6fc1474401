//! What a result looks like. Every renderer is a pure function of [`Results`]: no clock, no socket;
//! only [`write_reports`] touches files.

mod build;
pub mod capacity_search;
mod check_result;
mod command;
mod curve;
mod escape;
#[cfg(test)]
mod fixture;
mod headline;
pub mod json;
pub mod junit;
pub mod markdown;
mod markdown_view;
mod note;
mod results;
mod row;
pub mod terminal;
pub mod trial;
mod verdict;
mod write;

use crate::units::number;

pub use crate::trial::{
    CountsResult, EndedResult, EvidenceResult, HealthResult, RatesResult, Reason, TokensResult,
    TrialResult, TrialSlo, Validity,
};
pub use build::Parts;
pub use check_result::{
    BetterResult, BindingResult, Change, CheckResult, ConclusionResult, GateResult, Limit,
    LimitRule, MetricResult, Ruling, SearchResult, SequenceResult,
};
pub use markdown::{TemplateError, Templates};
pub use results::{
    BaselineResult, BudgetResult, EnvironmentResult, Problem, ProblemCode, ReadError, Results,
    SCHEMA, TargetResult, results_schema,
};
pub use verdict::Verdict;
pub use write::{WriteError, write_reports};
