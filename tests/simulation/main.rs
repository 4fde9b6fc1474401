//! The whole check in virtual time: search, interval and truth, over many seeds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must stop, and figures are printed"
)]

mod alarms;
mod bench;
mod budget;
mod capacity;
mod check;
mod dials;
mod replay;
mod saved;
mod world;
