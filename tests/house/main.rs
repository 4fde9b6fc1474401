//! The rules of the house that the compiler and clippy cannot hold: which layer may name which,
//! what a pure module may touch, how large a file may be, which names and words are not used.
//!
//! Each rule is a function from text to violations, so that each is also shown firing on a bad
//! sample: a rule that cannot fail is a defect.
#![cfg(test)]

mod layers;
mod lexer;
mod names;
mod paths;
mod purity;
mod size;
mod tree;
mod words;

use tree::Tree;

/// What breaks a rule, and where: `line` is 1 for a finding about the whole file.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    line: usize,
    text: String,
}

impl Violation {
    fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}

/// Runs one rule over the chosen files and fails with all that it found. Choosing no file at all
/// is a failure as well.
fn hold(files: &[tree::File], rule: impl Fn(&tree::File) -> Vec<Violation>) {
    assert!(!files.is_empty(), "the rule looked at no file");
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let at = |v: Violation| format!("{}:{}: {}", file.path, v.line, v.text);
            rule(file).into_iter().map(at).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_file_names_only_layers_below_its_own() {
    hold(&Tree::read().product(), |file| layers::violations(&file.path, &file.text));
}

#[test]
fn pure_modules_touch_no_clock_socket_file_or_environment() {
    hold(&Tree::read().product(), |file| purity::violations(&file.path, &file.text));
}

#[test]
fn a_file_has_a_subject_of_a_size_that_can_be_read() {
    hold(&Tree::read().rust(), |file| size::violations(&file.path, &file.text));
}

#[test]
fn a_file_or_module_is_named_after_what_it_holds() {
    hold(&Tree::read().rust(), |file| names::violations(&file.path, &file.text));
}

#[test]
fn no_snapshot_waits_for_a_decision() {
    hold(&Tree::read().all(), |file| names::pending(&file.path));
}

#[test]
fn texts_leave_nothing_undone_and_name_only_the_project() {
    hold(&Tree::read().all(), |file| words::violations(&file.path, &file.text));
}
