//! Tables of the README against the binary's own help.

use crate::page::{Page, code, root};
use crate::program::{help, verbs};
use plimsoll::cli::ExitStatus;
use plimsoll::report::Verdict;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_help() {
    let help = help(&[]);
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let told: Vec<(&str, &str)> =
        codes.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let told: Vec<Vec<&str>> =
        told.into_iter().map(|(code, meaning)| vec![code, meaning.trim()]).collect();
    assert_eq!(Page::read("README.md").table("## Exit codes"), told);
}

#[test]
fn the_order_of_the_exit_codes_is_that_of_the_code() {
    let order = ExitStatus::ORDER.map(|status| status.code().to_string()).join(", ");
    let sentence = format!("the first in the order {order} is the exit code");
    assert!(Page::read("README.md").text.contains(&sentence), "the README lacks: {sentence}");
}

#[test]
fn the_action_names_every_verdict() {
    let action = Page::read("action.yml").text;
    let line = action.lines().find(|line| line.trim().starts_with("verdict:")).unwrap();
    let (_, told) = line.split_once('"').unwrap();
    let words: BTreeSet<&str> =
        told.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    for verdict in Verdict::ALL {
        assert!(words.contains(verdict.word()), "`{}` is not in: {told}", verdict.word());
    }
    let artifact = action.lines().find(|line| line.trim().starts_with("artifact:")).unwrap();
    assert!(artifact.contains("must be unique"), "{artifact}");
}

#[test]
fn the_verbs_of_the_readme_are_those_of_the_help() {
    let page = Page::read("README.md");
    let table = page.table("## The verbs");
    let documented: Vec<&str> = table.iter().flat_map(|row| code(row[0])).collect();
    let mut known: BTreeSet<String> = verbs(&help(&[])).into_iter().collect();
    assert!(known.remove("baseline"));
    known.extend(verbs(&help(&["baseline"])).iter().map(|verb| format!("baseline {verb}")));
    let documented: BTreeSet<String> = documented.into_iter().map(str::to_owned).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_code_map_has_every_module_in_the_order_of_the_layers() {
    let page = Page::read("ARCHITECTURE.md");
    let table = page.table("## Code map");
    let map: Vec<&str> = table.iter().flat_map(|row| code(row[0])).collect();
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let layers: Vec<String> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|module| format!("src/{module}"))
        .collect();
    assert_eq!(map, layers);
}

#[test]
fn every_module_has_an_invariant() {
    let text = Page::read("ARCHITECTURE.md").text;
    for row in Page::read("ARCHITECTURE.md").table("## Code map") {
        let module = code(row[0]).next().unwrap().trim_start_matches("src/");
        assert!(text.contains(&format!("\n* **{module}** ")), "`{module}` has no invariant");
    }
}
