//! The binary: parse, run, exit code. Nothing else.

fn main() -> std::process::ExitCode {
    plimsoll::cli::run()
}
