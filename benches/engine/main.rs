//! The figures of the load engine beside what is demanded of them: drives the release binary as a
//! child process over real sockets, next to other load generators, and compares what it says with
//! what the server saw.
//!
//! `cargo bench --bench engine` measures all, `cargo bench --bench engine -- a1 a4 --rounds 5` some
//! rows. `docs/explanation/engine.md` says what the rows mean.

#[cfg(target_os = "linux")]
mod linux;

/// Measures, or plays one of the processes that a measurement needs.
#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

/// Kernel stamps, `taskset` and `/proc` are what the figures are made of.
#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}
