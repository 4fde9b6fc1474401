//! Plimsoll: a capacity gate that refuses to be green for the wrong reason.
//!
//! The modules are layers. A file may use what stands below it in this list, never what stands
//! above; `tests/house` checks it.

pub mod cli;
pub mod publish;
pub mod report;
pub mod gate;
pub mod baseline;
pub mod run;
pub mod check;
pub mod search;
pub mod stats;
pub mod load;
pub mod target;
pub mod trial;
pub mod config;
pub mod workload;
pub mod demo;
pub mod slo;
pub mod units;
