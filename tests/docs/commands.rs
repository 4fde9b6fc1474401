//! Each command in a `console` block is run, or covered elsewhere and at least accepted by the
//! binary: verb, options, values laid over the suite. A command of neither kind is an error.

use crate::page::{Block, Page, root};
use crate::program::{help, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is cheap enough to be run here.
const CHEAP: [&[&str]; 5] =
    [&["init"], &["schema"], &["baseline", "show"], &["--help"], &["--version"]];

/// What measures, or needs a run or commits: `.ci/run` and the tests of the verbs run these.
const MEASURING: [&[&str]; 10] = [
    &["check"],
    &["measure"],
    &["trial"],
    &["baseline", "accept"],
    &["baseline", "diff"],
    &["history"],
    &["report"],
    &["selftest"],
    &["demo"],
    &["publish"],
];

/// Other programs: `.ci/run` builds and tests, the action builds in release mode, and releases are
/// tried on repositories of their own.
const OTHERS: [&[&str]; 9] = [
    &["cargo", "test"],
    &["cargo", "bench"],
    &["cargo", "build", "--release"],
    &["cargo", "install", "--path", "."],
    &["git", "add"],
    &["git", "commit"],
    &["git", "fetch"],
    &["gh"],
    &["python3", "scripts/release-check.py"],
];

/// What prepares a worked example, which needs packages that are not here.
const PREPARING: [&[&str]; 5] = [&["cd"], &["export"], &["."], &["python3"], &["pip", "install"]];

#[derive(Debug, PartialEq, Eq)]
enum Handling {
    Run,
    Accepted,
    Nothing,
}

/// What to do with a command of this page, given as words; `None`: nobody knows it.
fn handling(page: &str, words: &[&str]) -> Option<Handling> {
    let one_of = |known: &[&[&str]], words: &[&str]| {
        known.iter().any(|beginning| words.starts_with(beginning))
    };
    match arguments(words) {
        Some(arguments) if one_of(&CHEAP, arguments) => Some(Handling::Run),
        Some(arguments) if one_of(&MEASURING, arguments) => Some(Handling::Accepted),
        Some(_) => None,
        None if one_of(&OTHERS, words) => Some(Handling::Nothing),
        None if page.starts_with("docs/worked-example-") && one_of(&PREPARING, words) => {
            Some(Handling::Nothing)
        }
        None => None,
    }
}

/// The arguments of `plimsoll`, if that is what is started.
fn arguments<'a, 'b>(words: &'a [&'b str]) -> Option<&'a [&'b str]> {
    words.strip_prefix(&["plimsoll"]).or_else(|| words.strip_prefix(&["cargo", "run", "--"]))
}

/// The words of a command line: quotes hold together, a comment ends it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        let word = words.last_mut().unwrap();
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') if word.is_empty() => break,
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(String::new()),
            (_, c) => word.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The commands of a block.
fn commands<'a>(block: &'a Block<'_>) -> impl Iterator<Item = Vec<String>> + 'a {
    let lines = block.lines.iter().filter(|_| block.language == "console");
    lines.filter_map(|line| line.strip_prefix("$ ")).map(words)
}

/// What of the repository a block's commands find: its suites and baselines, or nothing, where the
/// block itself writes a suite.
fn workplace(block: &Block<'_>, suite: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let init = Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status();
    assert!(init.unwrap().success());
    let writes =
        commands(block).any(|words| words.starts_with(&["plimsoll".into(), "init".into()]));
    for name in ["plimsoll.yml", "baselines/demo.json"].iter().filter(|_| !writes) {
        let to = folder.path().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if suite.join(name).exists() {
            fs::copy(suite.join(name), to).unwrap();
        }
    }
    folder
}

/// Whether the binary knows verb and options, and the suite what is laid over it.
fn accepted(arguments: &[&str], suite: &Path) {
    let depth = if arguments[0] == "baseline" { 2 } else { 1 };
    let (verb, rest) = arguments.split_at(depth);
    let help = help(verb);
    let known: Vec<&str> = help.split([' ', ',', '\n']).collect();
    // What follows `--command` belongs to that command.
    let mut own = rest.iter().take_while(|word| **word != "--command");
    let mut sets = Vec::new();
    while let Some(word) = own.next() {
        if word.starts_with("--") {
            assert!(known.contains(word), "`plimsoll {}` has no `{word}`", verb.join(" "));
        }
        match *word {
            "--set" => sets.push((*own.next().unwrap()).to_owned()),
            "--budget" => sets.push(format!("budget.time={}", own.next().unwrap())),
            "--only" => {
                let plan = read(suite, &[]);
                assert!(plan.checks.contains_key(*own.next().unwrap()), "there is no such check");
            }
            _ => {}
        }
    }
    if !sets.is_empty() {
        read(suite, &sets);
    }
}

fn read(suite: &Path, sets: &[String]) -> plimsoll::config::Plan {
    crate::examples::read(&suite.join("plimsoll.yml"), sets)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Handles the commands of one page; returns how many of them were run.
fn follow(page: &Page) -> usize {
    let mut ran = 0;
    // Where a reader who followed the page so far stands.
    let mut place = root().to_owned();
    for block in page.blocks() {
        let folder = workplace(&block, &place);
        for words in commands(&block) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let at = format!("{}:{}: `{}`", page.path, block.line, words.join(" "));
            let Some(handling) = handling(&page.path, &words) else {
                panic!("{at}: run it here, or say in {} what covers it", file!());
            };
            let arguments = arguments(&words).unwrap_or_default();
            match handling {
                Handling::Run => {
                    let output = run(folder.path(), arguments);
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{at}: {}\n{said}", output.status);
                    ran += 1;
                }
                Handling::Accepted => accepted(arguments, &place),
                Handling::Nothing if words[0] == "cd" => {
                    place = place.join(words[1]);
                    assert!(place.is_dir(), "{at}: there is no such folder");
                }
                Handling::Nothing => {
                    let is_ours = |word: &&&str| word.ends_with(".py") || word.ends_with(".txt");
                    for file in words.iter().filter(is_ours) {
                        assert!(place.join(file).is_file(), "{at}: there is no {file}");
                    }
                }
            }
        }
    }
    ran
}

#[test]
fn every_command_of_the_documentation_is_run_or_covered() {
    let ran: usize = Page::all().iter().map(follow).sum();
    assert!(ran > 0, "not one command was run");
}

#[test]
fn every_format_that_is_named_is_known() {
    let mut named = std::collections::BTreeSet::new();
    for page in Page::all() {
        for rest in page.text.split("--format ").skip(1) {
            let is_part = |c: &char| c.is_ascii_lowercase() || *c == '-';
            named.insert(rest.chars().take_while(is_part).collect::<String>());
        }
    }
    for format in named.iter().filter(|format| !format.is_empty()) {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), &["report", "--format", format]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("there is no run"), "`--format {format}`: {said}");
    }
    assert!(named.len() > 5, "{named:?}");
}

#[test]
fn a_command_that_nobody_knows_is_an_error() {
    let handle = |page: &str, line: &str| {
        let words = words(line);
        handling(page, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for line in ["rm -rf target", "plimsoll publsh", "cargo run -- histry", "pip install x", ""] {
        assert_eq!(handle("README.md", line), None, "{line}");
    }
    let example = "docs/worked-example-a.md";
    assert_eq!(handle(example, "pip install -r requirements.txt"), Some(Handling::Nothing));
    assert_eq!(handle("README.md", "cargo run -- check"), Some(Handling::Accepted));
    assert_eq!(handle("README.md", "plimsoll schema results"), Some(Handling::Run));
}

#[test]
fn words_are_split_as_a_shell_would() {
    let split = words(r#"plimsoll baseline accept --reason "8 workers, #1"   # why"#);
    assert_eq!(split, ["plimsoll", "baseline", "accept", "--reason", "8 workers, #1"]);
}

#[test]
#[should_panic(expected = "`plimsoll check` has no `--againts`")]
fn an_option_that_does_not_exist_is_found() {
    accepted(&["check", "--againts", "main"], root());
}

#[test]
#[should_panic(expected = "slowdwn")]
fn a_key_that_does_not_exist_is_found() {
    accepted(&["check", "--set", "target.demo.slowdwn=1.25"], root());
}

#[test]
#[should_panic(expected = "is no verb")]
fn a_verb_that_does_not_exist_is_found() {
    accepted(&["baseline", "propose"], root());
}
