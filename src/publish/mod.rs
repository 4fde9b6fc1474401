//! Where a result goes. What to write is decided by pure state machines ([`decide`], [`Publication`]);
//! a thin driver speaks to the platform.

mod decide;
mod encoding;
mod event;
mod github;
mod marker;
mod occasion;
mod publication;
mod runs;

pub use decide::{Comment, Decision, Ours, Why, decide};
pub use event::{Event, EventError, Sha, WorkflowRun};
pub use github::{
    GitHub, GitHubError, Workflow, WorkflowError, command, notice, outputs, verdict, write_outputs,
    write_summary,
};
pub use marker::{FirstLine, Key, Marker};
pub use occasion::{Occasion, OtherWorkflow};
pub use publication::{
    Answer, Failure, Move, Outcome, PAGE, Publication, Pull, Request, Subject, TIME_MAX,
};
pub use runs::{RunsError, read_runs};
