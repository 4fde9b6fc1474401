//! Plimsoll: a capacity gate that refuses to be green for the wrong reason.
//!
//! The modules are layers. A file may use what stands below it in this list, never what stands
//! above; `tests/house.rs` checks it.

pub mod check;
pub mod config;
pub mod demo;
pub mod load;
pub mod report;
pub mod slo;
pub mod trial;
pub mod units;
pub mod workload;
