//! Whole trials, through the real engine and its threads, against a server that misbehaves on purpose:
//! each kind of misbehaviour has its class, nothing hangs, nothing is lost, and none of it is blamed
//! on the load generator.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod answers;
#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod bench;
mod cell;
mod learnt;
mod matrix;
#[path = "../cli/processes.rs"]
mod processes;
mod server;
mod starved;
mod stopped;
mod table;
