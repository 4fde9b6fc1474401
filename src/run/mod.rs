//! Drives a check: trial after trial on a rig, within a budget, journaled before anyone reasons.

mod budget;
pub mod clock;
mod drive;
mod folder;
pub mod journal;
mod launch;
mod live;
mod rig;
mod simulated;
mod suite;
mod trace;
mod write;

pub use budget::{Budget, Refusal};
pub use drive::{Observer, Silent, drive};
pub use folder::{Folder, FolderError, NoRun};
pub use journal::{Journal, JournalFile, NoJournal};
pub use launch::{LaunchError, Launched, launch};
pub use live::Live;
pub use rig::{Rig, RunError};
pub use simulated::{Model, Neighbour, Service, Simulated, Wander, Weather};
pub use suite::{CheckRun, Only, Orders, SuiteRun, announce, chosen, run_suite};
pub use trace::{TraceError, TraceFile, TraceHead};
pub use write::{is_partial, write_atomically};
