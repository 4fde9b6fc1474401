//! The statistical method, proven on models of several kinds of services in virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test that cannot go on must stop, its numbers are small, and figures are printed"
)]

mod against;
mod batcher;
mod broken;
mod controls;
mod crew;
mod deep;
mod figures;
mod gate;
mod promises;
mod physics;
mod pool;
mod services;
mod truth;
