//! The benches, which need Linux.

mod child;
mod clock;
mod hog;
mod machine;
mod mock;
mod number;
mod options;
mod peers;
mod rows;
mod rounds;
mod server;
mod suite;
mod table;
mod timer;
mod trace;
mod trial;
mod truth;

use clap::Parser as _;
use options::{Helper, Options};
use std::process::ExitCode;

/// Parses the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let is_helper = std::env::args().nth(1).is_some_and(|first| Helper::NAMES.contains(&&*first));
    let done = if is_helper {
        Helper::parse().run().map(|()| ExitCode::SUCCESS)
    } else {
        rounds::measure(&Options::parse())
    };
    done.unwrap_or_else(|error| {
        say(&format!("engine: {error:#}"));
        ExitCode::from(2)
    })
}

/// One line on standard error.
#[expect(clippy::print_stderr, reason = "progress of a bench")]
fn say(line: &str) {
    eprintln!("{line}");
}
