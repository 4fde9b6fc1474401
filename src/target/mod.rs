//! The service under test as a process: a managed target is started through a guard
//! ([`run_guard`]), counts as ready only when *its* answer comes ([`start`]), and is gone, with
//! everything that it started, on every way out ([`RunningTarget`]).

pub mod protocol;

mod build;
mod descendants;
mod environment;
mod error;
mod guard;
mod listeners;
mod log;
mod mask;
mod port;
mod process;
mod ready;
mod start;
mod tail;

pub use build::{BuildError, build, built};
pub use descendants::{Process, descendants, descendants_and_dead};
pub use environment::secrets_of;
pub use error::{EndStatus, Exit, TargetError};
pub use guard::{COULD_NOT_START, GUARD_VERB, run_guard};
pub use listeners::PortOwner;
pub use mask::Mask;
pub use process::{Ending, RunningTarget, Stopped};
pub use ready::Probe;
pub use start::start;
pub use tail::LastLines;
