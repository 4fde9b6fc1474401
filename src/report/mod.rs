//! What a result looks like. Every renderer is a pure function of [`Results`]: no clock, no socket;
//! only [`write_reports`] touches files.

mod build;
pub mod capacity_search;
mod check_result;
mod command;
mod conclusion_result;
mod curve;
mod escape;
pub mod export;
#[cfg(test)]
mod fixture;
mod headline;
pub mod history;
mod items;
pub mod json;
pub mod junit;
pub mod markdown;
mod markdown_view;
mod note;
mod response;
mod results;
mod row;
mod sequence_result;
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
    BetterResult, BindingResult, Change, CheckResult, GateResult, Limit, LimitRule, MetricResult,
    ResponsePoint, ResponseResult, Ruling, SearchResult, VoidResult,
};
pub use conclusion_result::{ConclusionResult, LineResult, SideResult};
pub use items::ItemsResult;
pub use markdown::{TemplateError, Templates};
pub use results::{
    BaselineResult, BudgetResult, EnvironmentResult, Problem, ProblemCode, ReadError, Results,
    SCHEMA, TargetResult, results_schema,
};
pub use sequence_result::{RealisedResult, SequenceResult};
pub use verdict::Verdict;
pub use write::{WriteError, write_reports};
