//! Fifteen ways in which a performance gate was green for nothing, each tried on this one.
//!
//! They are tried where they bite: at the gate, at the recorder, at the generator's health, in the
//! search, in the suite file, in the prompts.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

#[path = "../simulation/bench.rs"]
#[expect(dead_code, reason = "shared with the simulations")]
mod bench;
mod measuring;
#[path = "../honesty/requests.rs"]
mod requests;
mod verdicts;
