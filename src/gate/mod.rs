//! Finding against baseline gives a verdict. Pure: no clock, no file, no environment.
//!
//! A gate is never green because nothing was compared: whatever is missing, empty or of another kind
//! has a verdict of its own, and the worst of them cannot be forgiven (`hollow`).

mod beside;
mod branch;
mod change;
mod judge;
mod limit;
mod suite;
mod tested;
mod verdict;
mod wording;

pub use beside::judge_compared;
pub use branch::{WithSlos, hold_to};
pub use change::Change;
pub use judge::{BaselineView, judge_check};
pub use suite::{Hearing, SuiteVerdict, judge_pair, judge_suite};
pub use verdict::{CheckVerdict, GateResult, Ruling, Verdict};
