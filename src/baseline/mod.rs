//! The committed file: what a repository has accepted as its capacity, where and when it was
//! measured. Reads, writes, adopts, prints and diffs it; what follows from it is `gate`'s business.

mod accept;
mod diff;
mod fingerprint;
#[cfg(test)]
pub(crate) mod fixture;
mod load;
mod machine;
mod merge;
mod record;
mod refusal;
mod schema;
mod series;
mod show;
mod v2;
mod write;

pub use accept::{Acceptance, accept};
pub use diff::{diff, text_diff};
pub use fingerprint::{Difference, Fingerprint, Gpu, Weight, differences};
pub use load::{Defect, FILE_LIMIT, Loaded, load};
pub use merge::merge;
pub use record::{
    Baseline, BaselineCheck, Environment, HISTORY_LIMIT, HistoryEntry, Recorded, SourceKind,
    Standing,
};
pub use refusal::Refusal;
pub use schema::{SCHEMA, json_schema, parse, render};
pub use series::{Accepted, Committed, Found, Point, Series, series};
pub use show::show;
pub use write::{WriteError, write};
