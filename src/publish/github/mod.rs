//! GitHub: the requests that the state machines ask for, and what a job reads and writes.

mod api;
mod client;
mod outputs;
mod workflow;

pub use client::{GitHub, GitHubError};
pub use outputs::{command, notice, outputs, verdict, write_outputs, write_summary};
pub use workflow::{Workflow, WorkflowError};
