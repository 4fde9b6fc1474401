//! What a result looks like. Every renderer is a pure function of [`Results`]: no clock, no socket;
//! only [`write_reports`] touches files.

mod annotation;
mod build;
pub mod capacity_search;
mod check_result;
mod command;
mod comment;
mod conclusion_result;
mod curve;
mod escape;
pub mod export;
#[cfg(test)]
mod fixture;
mod headline;
pub mod history;
#[cfg(test)]
mod hostile;
mod items;
pub mod json;
mod judged;
pub mod junit;
pub mod markdown;
mod markdown_view;
mod note;
mod notice;
mod place;
mod response;
mod results;
mod row;
mod sequence_result;
mod summary;
pub mod terminal;
pub mod trial;
mod verdict;
mod write;

use crate::units::number;

pub use crate::trial::{
    CountsResult, EndedResult, EvidenceResult, HealthResult, RatesResult, Reason, TokensResult,
    TrialResult, TrialSlo, Validity,
};
pub use annotation::{Annotation, Level, annotations};
pub use build::Parts;
pub use check_result::{
    BetterResult, BindingResult, Change, CheckResult, GateResult, Limit, LimitRule, MetricResult,
    ResponsePoint, ResponseResult, Ruling, SearchResult, VoidResult,
};
pub use conclusion_result::{ConclusionResult, LineResult, SideResult};
pub use items::ItemsResult;
pub use markdown::{TemplateError, Templates};
pub use notice::{About, Notice};
pub use place::{Download, Place};
pub use results::{
    AgainstResult, BaselineResult, BudgetResult, EnvironmentResult, Problem, ProblemCode,
    ReadError, Results, SCHEMA, TargetResult, results_schema,
};
pub use sequence_result::{RealisedResult, SequenceResult};
pub use verdict::Verdict;
pub use write::{WriteError, write_reports};
