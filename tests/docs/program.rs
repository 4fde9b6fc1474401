//! The built binary, as the documentation's reader would start it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `plimsoll` with these arguments in this folder, with nothing of our environment.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The help of a verb, or of the program.
pub(crate) fn help(verb: &[&str]) -> String {
    let arguments = [verb, &["--help"]].concat();
    let output = run(Path::new("."), &arguments);
    assert!(output.status.success(), "`plimsoll {}` is no verb", verb.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs that a help names.
pub(crate) fn verbs(help: &str) -> Vec<String> {
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        // Deeper lines continue a description.
        let name = line.strip_prefix("  ").filter(|name| !name.starts_with(' '))?;
        name.split_whitespace().next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_verbs_are_read_out_of_a_help() {
    let text =
        "Usage\n\nCommands:\n  check  Measure, and\n         more\n  help   This\n\nOptions:\n";
    assert_eq!(verbs(text), ["check"]);
}
