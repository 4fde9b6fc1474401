//! `plimsoll trial`: one trial at one load, without a search.

mod direct;
mod document;
mod offer;
mod options;
mod play;
mod verb;

pub(super) use options::Trial;
