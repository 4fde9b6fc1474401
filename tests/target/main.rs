//! Managed targets as real processes: the built binary is the guard, this test binary (started
//! once more) or a shell is the target. On Linux only: the claims are about its process table.
#![cfg(target_os = "linux")]

mod environment;
mod fixture;
mod guard;
mod readiness;
mod stopping;
