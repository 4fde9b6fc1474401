//! The honesty rules, one test each: it fails when the rule is taken out.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must stop")]

#[path = "../simulation/bench.rs"]
#[expect(dead_code, reason = "shared with the simulations")]
mod bench;
mod requests;
mod rules;
