//! What a trial is: plan, outcome classes, recording, windows, evidence, health, report.
//!
//! Plain data and pure functions, used by everything above; times are `Duration` since the trial's
//! start. Both rigs feed the same [`Recorder`], so what is counted cannot differ between them.

mod cells;
mod distribution;
mod evidence;
mod health;
mod latency_result;
mod outcome;
mod plan;
mod recorder;
mod report;
mod request;
mod result;
mod slots;
mod timeline;
mod trace;
mod watch;
mod window;
mod window_result;

pub use cells::Cells;
pub use distribution::{Distribution, Observed, Series};
pub use evidence::{Evidence, SloResult, Tally, judge, settled_share, share_holds};
pub use health::{
    Chunks, GeneratorWatch, Health, HealthNote, InvalidReason, Readings, Scarce, Seen, Turnover,
    examine, send_lag_limit,
};
pub use latency_result::LatencyResult;
pub use outcome::{Counts, Outcome};
pub use plan::{Load, Purpose, Side, TrialPlan};
pub use recorder::{Closing, Ending, Expected, Finished, Recorder, RequestId, Totals, Usage};
pub use report::{Ended, Rates, TokenSource, TrialReport};
pub use result::{
    CountsResult, EndedResult, EvidenceResult, HealthResult, RatesResult, Reason, TargetSide,
    TokensResult, TrialResult, TrialSlo, Validity, notes_of, reasons_of, tidy, unit_of,
};
pub use timeline::Timeline;
pub use trace::TraceRow;
pub use watch::{Flow, Patient, StopReason, Watch};
pub use window::{Sending, Strain, Window};
pub use window_result::{TrialOutput, WindowLatency, WindowResult, windows_of};
