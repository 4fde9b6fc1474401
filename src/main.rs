//! The binary: parse, run, exit code. Nothing else.

use plimsoll::target::{COULD_NOT_START, GUARD_VERB, run_guard};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|verb| verb != GUARD_VERB) {
        return ExitCode::SUCCESS;
    }
    run_guard(arguments.skip(1).collect()).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "plimsoll: {error}");
        ExitCode::from(COULD_NOT_START)
    })
}
